"""Layers as lines of text."""

from typing import Any

from layerwise.layers.base import Layer
from layerwise.layers.fitting import Row, row_shapes

Line = tuple[str, str, str, str]


def size(layer: Layer[Any, Any]) -> str:
    """How many numbers the layer learns.

    >>> from layerwise import Dense
    >>> size(Dense(100, 20))
    '2,020'
    """
    return f"{sum(parameter.value.size for parameter in layer.parameters()):,}"


def lines(layer: Layer[Any, Any], path: str, before: Row | None, after: Row | None) -> list[Line]:
    """Path, name, shapes and number of parameters: of a layer, then of each layer inside it."""
    inside: list[Line] = []
    if hasattr(layer, "table_lines"):  # a Sequential, which knows more of the shapes inside
        inside = layer.table_lines(f"{path}.")
    else:
        for name, part in layer.parts().items():
            if isinstance(part, Layer):
                inside += lines(part, f"{path}.{name}", *row_shapes([part], part.input_shape))
    name = type(layer).__name__ if inside else repr(layer)
    shapes = f"{'?' if before is None else before} -> {'?' if after is None else after}"
    return [(path, name, shapes, size(layer)), *inside]


def table(rows: list[Line]) -> str:
    """Rows in columns: path, name and shapes to the left, the number of parameters to the right.

    >>> print(table([("0", "ReLU()", "? -> ?", "0")]))
      0  ReLU()  ? -> ?  0
    """
    a, b, c, d = (max(map(len, column)) for column in zip(*rows, strict=True))
    return "\n".join(f"  {i:<{a}}  {name:<{b}}  {s:<{c}}  {n:>{d}}" for i, name, s, n in rows)
