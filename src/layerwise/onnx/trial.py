"""What a network takes and gives, seen from two rows of zeros sent through it."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from layerwise.arguments import row_shape
from layerwise.layers.base import Layer, arrays

Rows = dict[str, NDArray[Any]]


def trial(
    layer: Layer[Any, Any], input_shape: object, *, mask: bool, dtype: DTypeLike | None
) -> tuple[Rows, NDArray[Any]]:
    """Two rows for each input, by its name, and the answer: integers where it takes no floats.

    Raises ValueError for a shape that the layer does not take, TypeError for what is no shape.
    """
    shapes = _shapes(input_shape)
    places = _mask(layer, shapes) if mask else {}
    own = [array.dtype for array in arrays(layer).values() if array.dtype.kind == "f"]
    floats = np.dtype(dtype or (own[0] if own else np.float64))
    if floats not in (np.float32, np.float64):
        raise TypeError(f"to_onnx: dtype={dtype} came, expected float64 or float32")
    refusals: list[Exception] = []
    for dtypes in product((floats, np.dtype(np.int64)), repeat=len(shapes)):
        each = zip(shapes.items(), dtypes, strict=True)
        rows = {name: np.zeros((2, *row), kind) for (name, row), kind in each} | places
        try:
            with np.errstate(all="ignore"):
                return rows, layer(one_or_all([*rows.values()]))
        except (IndexError, TypeError, ValueError) as error:
            refusals.append(error)
    first = next((error for error in refusals if isinstance(error, ValueError)), refusals[0])
    raise ValueError(f"to_onnx: the network takes no rows {input_shape}: {first}") from first


def one_or_all(inputs: list[Any]) -> Any:
    """What a network is called with: a tuple where there are several inputs."""
    return inputs[0] if len(inputs) == 1 else tuple(inputs)


def _shapes(input_shape: object) -> dict[str, tuple[int, ...]]:
    """The shape of a row of each input, by its name."""
    if input_shape is None:
        raise ValueError(
            "to_onnx: this network does not know the shape of a row: give input_shape, such as "
            "to_onnx(network, (28, 28, 1))"
        )
    if isinstance(input_shape, tuple) and any(isinstance(part, tuple) for part in input_shape):
        names = (f"X{i}" for i in range(len(input_shape)))
        return {
            name: row_shape("to_onnx", name, row)
            for name, row in zip(names, input_shape, strict=True)
        }
    return {"X": row_shape("to_onnx", "input_shape", input_shape)}


def _mask(layer: Layer[Any, Any], shapes: dict[str, tuple[int, ...]]) -> Rows:
    if not layer.takes_mask:
        raise ValueError(
            f"to_onnx: mask=True came, but {type(layer).__name__} takes no mask: leave it out"
        )
    *_, last = shapes.values()
    return {"mask": np.ones((2, *last[:1]), bool)}
