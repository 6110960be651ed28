"""Layers as lines of text."""

from typing import Any

from layerwise.layers.base import Layer


def size(layer: Layer[Any, Any]) -> str:
    """How many numbers the layer learns.

    >>> from layerwise import Dense
    >>> size(Dense(100, 20))
    '2,020'
    """
    return f"{sum(parameter.value.size for parameter in layer.parameters()):,}"


def table(rows: list[tuple[str, str, str, str]]) -> str:
    """Rows in columns: path, name and shapes to the left, the number of parameters to the right.

    >>> print(table([("0", "ReLU()", "? -> ?", "0")]))
      0  ReLU()  ? -> ?  0
    """
    a, b, c, d = (max(map(len, column)) for column in zip(*rows, strict=True))
    return "\n".join(f"  {i:<{a}}  {name:<{b}}  {s:<{c}}  {n:>{d}}" for i, name, s, n in rows)
