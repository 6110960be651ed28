"""Which arrays are refused, by shape, dtype or kind, and how it is said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layerwise.arguments import described


def no_product(X: tuple[int, ...], W: tuple[int, ...]) -> ValueError:
    """The error for two shapes that have no matrix product: what is wrong, and what to do."""
    message = f"matrix_multiply: X {X} and W {W} do not fit: "
    for name, shape in ("X", X), ("W", W):
        if len(shape) == 1:
            n = shape[0]
            return ValueError(
                f"{message}{name} is a vector, expected a matrix: {name}.reshape(1, -1) makes it a "
                f"row of shape (1, {n}), {name}.reshape(-1, 1) a column of shape ({n}, 1)"
            )
        if len(shape) != 2:
            message += f"{name} has {len(shape)} axes, expected 2: reshape it to (rows, columns)"
            if name == "X" and shape:
                message += (
                    "; in a network Flatten() makes a row of each example, and "
                    "TimeDistributed(layer) takes each place as a row"
                )
            return ValueError(message)
    message += f"X has {X[1]} columns, W has {W[0]} rows"
    if X[0] == W[0]:
        message += "; X.T has as many columns as W has rows"
    elif X[1] == W[1]:
        message += "; W.T has as many rows as X has columns"
    return ValueError(message)


def refuse_other_state(
    own: Mapping[str, NDArray[Any]],
    given: Mapping[str, NDArray[Any]],
    *,
    what: str = "load_state: the state",
    of: str = "layer",
    also: Iterable[str] = (),
) -> None:
    """Refuse a state that has not the same names, shapes and dtypes; say all that differs."""
    differences = [f"{path} is missing" for path in own if path not in given]
    differences += [f"{path} is not in this {of}" for path in given if path not in own]
    for path in own.keys() & given.keys():
        for form in "shape", "dtype":
            came, expected = getattr(given[path], form), getattr(own[path], form)
            if came != expected:
                differences.append(f"{path} has {form} {came}, expected {expected}")
        same = given[path].shape == own[path].shape and np.all(given[path] == own[path])
        if not (own[path].flags.writeable or same):
            differences.append(f"{path} is a constant, and has other numbers")
    differences += also
    if differences:
        raise ValueError(
            f"{what} is of another {of}: {'; '.join(sorted(differences))}. "
            f"Nothing was changed: make the {of} as the one that was saved was made"
        )


def as_plain(X: object, who: str) -> NDArray[Any]:
    """X as an array with the meaning of `*` and of every number that plain arrays have.

    Raises TypeError, which begins with `who`, for sparse arrays, for subclasses such as np.matrix
    and masked arrays, and for parts of several shapes; a memory map is as plain as what it maps.
    """
    if type(X) is np.ndarray:
        return X
    if isinstance(X, tuple) and any(isinstance(part, np.ndarray) and part.ndim for part in X):
        raise TypeError(
            f"{who} is {described(X)}, expected one array: a tuple of arrays is for a layer that "
            "takes several, such as (X, mask), with a mask of dtype bool"
        )
    other = isinstance(X, np.ndarray) and not isinstance(X, np.memmap)
    if other or hasattr(X, "toarray"):
        remedy = "np.asarray(...) makes it one" if other else "its .toarray() is one"
        raise TypeError(f"{who} is {described(X)}, expected a plain array: {remedy}")
    try:
        return np.asarray(X)
    except ValueError as error:
        raise TypeError(
            f"{who} is {described(X)} whose parts differ in shape, expected one array: fill short "
            "sequences up with padding; several arrays are a tuple, such as (X, mask)"
        ) from error


def weights(who: str, given: object) -> NDArray[np.float64]:
    """Weights in float64, where they are real numbers, none negative and not all of them zero.

    >>> weights("Loss: weight", [2, 0])
    array([2., 0.])
    """
    plain = as_plain(given, who)
    if isinstance(given, Mapping):
        raise TypeError(f"{who} is {described(given)}, expected an array: one number after another")
    if plain.dtype.kind not in "fiub":
        raise TypeError(f"{who} has dtype {plain.dtype}, expected real numbers: convert it first")
    w = plain.astype(np.float64, copy=False)
    if w.size and not (w.min() >= 0 and w.max() < inf):
        raise ValueError(
            f"{who} has numbers from {w.min()} to {w.max()}, expected finite numbers from 0 up"
        )
    if not w.any():
        raise ValueError(f"{who} is 0 everywhere, so nothing is left to take a mean of")
    return w


def weight_of_each(who: str, given: object, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """A weight for each entry of this shape, from one for each row or position.

    >>> weight_of_each("Loss: weight", [2, 1], (2, 3))
    array([[2., 2., 2.],
           [1., 1., 1.]])
    """
    w = weights(who, given)
    if w.shape != shape[: w.ndim or 1]:
        raise ValueError(
            f"{who} has shape {w.shape}, expected the first axes of {shape}: one weight for each "
            "row, or one for each position"
        )
    return np.broadcast_to(w.reshape(w.shape + (1,) * (len(shape) - w.ndim)), shape)


def same_form(
    who: str, grad: object, shape: tuple[int, ...], dtype: np.dtype[Any] | None = None
) -> None:
    """Refuse a gradient that is no array of the shape and dtype of what forward returned.

    Without a dtype any will do, as in a layer that learns nothing and has none of its own.
    """
    if type(grad) is np.ndarray and grad.shape == shape and grad.dtype is (dtype or grad.dtype):
        return
    if not isinstance(grad, np.ndarray | np.generic) and not hasattr(grad, "toarray"):
        raise TypeError(f"{who}: the gradient is {described(grad)}, expected an array")
    given = as_plain(grad, f"{who}: the gradient")
    if given.shape != shape:
        raise ValueError(
            f"{who}: a gradient of shape {given.shape} came, expected {shape}, the shape of what "
            "forward returned"
        )
    if dtype is not None and given.dtype != dtype:
        raise TypeError(
            f"{who}: a gradient of dtype {given.dtype} came, expected {dtype}, the dtype of what "
            "forward returned"
        )


def alike(who: str, names: list[str], answers: list[NDArray[Any]], *, but_last: bool) -> None:
    """Refuse answers of two dtypes or of two shapes, which may differ in their last axis alone."""
    first = answers[0]
    for name, Y in zip(names, answers, strict=True):
        if Y.shape != first.shape and not (but_last and Y.shape[:-1] == first.shape[:-1]):
            raise ValueError(
                f"{who}: {name} gives {Y.shape}, {names[0]} gives {first.shape}, expected one "
                f"shape{', up to the last axis' if but_last else ''}"
            )
        if Y.dtype != first.dtype:
            raise TypeError(
                f"{who}: {name} gives {Y.dtype}, {names[0]} gives {first.dtype}: make all layers "
                "with the same dtype=, and X of it"
            )


def features_last(who: str, shape: tuple[int, ...], features: int) -> None:
    """Refuse an X whose rows do not end with an axis of so many features."""
    if len(shape) < 2 or shape[-1] != features:
        raise ValueError(
            f"{who}: X {shape} came, expected (n, ..., {features}): the last axis is its features"
        )


def tokens_below(
    who: str, X: object, size: int, mask: NDArray[np.bool_] | None = None
) -> NDArray[np.integer[Any]]:
    """Integers from 0 to below `size`, of any shape; any integers where a mask is False: 0 there.

    >>> tokens_below("Embedding", [0, 2], 3)
    array([0, 2])
    """
    if isinstance(X, tuple):
        raise TypeError(
            f"{who}: X is {described(X)}, expected tokens, or the pair of tokens and their mask, "
            "of dtype bool"
        )
    tokens = as_plain(X, f"{who}: X")
    if tokens.dtype.kind not in "iu":
        raise TypeError(
            f"{who}: X has dtype {tokens.dtype}, expected integers, one for each token: convert it "
            "with X.astype(int) if its numbers are such"
        )
    if mask is not None:
        mask_of_places(who, mask, tokens.shape)
        tokens = np.where(mask, tokens, 0)
    if tokens.size and not 0 <= tokens.min() <= tokens.max() < size:
        place = tuple(map(int, np.argwhere((tokens < 0) | (tokens >= size))[0]))
        raise ValueError(
            f"{who}: token {tokens[place]} came at {place}, expected 0 to {size - 1}: there are "
            f"{size} tokens"
        )
    return tokens.astype(np.intp, copy=False)


def sequences_of(
    who: str, name: str, shape: tuple[int, ...], features: int, also: str = ""
) -> None:
    """Refuse what is not n sequences of t places with so many features."""
    if len(shape) != 3 or shape[-1] != features:
        raise ValueError(
            f"{who}: {name} {shape} came, expected (n, t, {features}): n sequences of t places "
            f"with {features} features{also}"
        )


def mask_of_places(who: str, mask: NDArray[np.bool_], places: tuple[int, ...]) -> None:
    """Refuse a mask that has not one boolean for each place of each sequence."""
    if mask.shape != places:
        raise ValueError(
            f"{who}: a mask {mask.shape} came, expected {places}: True or False for each place of "
            "each sequence"
        )


def place_of_each(who: str, shape: tuple[int, ...], n: int | None, features: int) -> int:
    """Refuse what is not a place of each of n sequences; return n, which the first step tells.

    >>> place_of_each("LSTM", (5, 3), None, 3)
    5
    """
    if len(shape) != 2 or shape != (shape[0] if n is None else n, features):
        raise ValueError(
            f"{who}: x {shape} came for a step, expected ({'n' if n is None else n}, {features}): "
            "a place of each sequence; for other sequences call stepper() again"
        )
    return shape[0]


def gradient_for(own: NDArray[Any], grad: object) -> NDArray[Any]:
    """The gradient as an array, where it has the shape and dtype of a parameter's own."""
    given = as_plain(grad, "Parameter: the gradient")
    if given.shape != own.shape:
        raise ValueError(
            f"Parameter: a gradient of shape {given.shape} came for a value of shape "
            f"{own.shape}: sum it over the axes that forward broadcast over"
        )
    if given.dtype != own.dtype:
        raise TypeError(
            f"Parameter: a gradient of dtype {given.dtype} came for a value of dtype {own.dtype}: "
            "compute the whole way back in one dtype"
        )
    return given
