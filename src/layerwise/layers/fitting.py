"""Whether layers fit one another, seen from two rows of numbers sent through them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from layerwise.layers.base import Layer

Row = tuple[int, ...]


def row_shapes(layers: Sequence[Layer[Any, Any]], input_shape: Row | None) -> list[Row | None]:
    """The shape of a row before the first layer and after each; None where it is not known.

    Raises ValueError where a layer takes no rows of the shape that come to it.
    """
    shapes = [input_shape]
    for i, layer in enumerate(layers):
        if shapes[-1] is None and i > 0:
            shapes[-1] = layer.input_shape
        row, after = shapes[-1], getattr(layer, "output_shape", None)
        if row is not None:
            try:
                Y = _answer(layer, row)
            except ValueError as error:
                explain(layers, i, np.zeros((2, *row)), error)
                raise
            after = Y.shape[1:] if isinstance(Y, np.ndarray) else None
        shapes.append(after)
    return shapes


def output_shape(layer: Layer[Any, Any]) -> Row | None:
    """The shape of a row that a layer gives; None where it does not know that of its input.

    Raises ValueError where what is inside it does not fit.
    """
    Y = None if layer.input_shape is None else _answer(layer, layer.input_shape)
    return Y.shape[1:] if isinstance(Y, np.ndarray) else None


def explain(layers: Sequence[Layer[Any, Any]], i: int, X: object, error: ValueError) -> None:
    """Raise the error that says that layer i takes no X of this shape, if it takes none.

    What it refuses for other reasons, such as for the numbers in X, gets its place as a note; and
    an error of another kind, such as LinAlgError, says more itself.
    """
    name = type(layers[i]).__name__
    if type(error) is ValueError and isinstance(X, np.ndarray | list):
        row = np.shape(X)[1:]
        try:
            _answer(layers[i], row)
        except ValueError:
            before = f"layer {i - 1} {type(layers[i - 1]).__name__}, which gives" if i else None
            raise ValueError(
                f"layer {i} {name} does not fit {before or 'the input,'} {row} per row: {error}"
            ) from error
        except (IndexError, TypeError):
            pass
    error.add_note(f"This came from layer {i} {name} of a Sequential.")


def _answer(layer: Layer[Any, Any], row: Row) -> Any:
    """What a layer answers to rows of this shape, whatever numbers it takes there.

    Zeros, ones, rows of length and sum 1, large numbers, and tokens: a layer that refuses one of
    them for its numbers, or two rows for their number, takes another.
    """
    refusals: list[Exception] = []
    first = np.zeros((8, *row))
    first.reshape(8, -1)[:, :1] = 1
    tokens = np.zeros((2, *row), int)
    for X in np.zeros((2, *row)), np.ones((2, *row)), first, np.full((8, *row), 100.0), tokens:
        try:
            with np.errstate(all="ignore"):
                return layer(X)
        except (IndexError, TypeError, ValueError) as error:
            refusals.append(error)
    raise next((error for error in refusals if isinstance(error, ValueError)), refusals[0])
