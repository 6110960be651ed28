"""What is refused, and how it is said: who, what was expected, what came, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from numbers import Real
from operator import index
from typing import Any, TypeVar

import numpy as np

S = TypeVar("S")
T = TypeVar("T")

Row = tuple[int, ...]  # whole numbers, one for each axis


def whole_number(who: str, name: str, value: object, least: int = 1) -> int:
    """The value as an int, where it is one of Python's or NumPy's, and large enough.

    >>> whole_number("Dense", "inputs", 3)
    3
    """
    try:
        n = index(value)  # type: ignore[arg-type]  # what is no whole number is a TypeError
    except TypeError:
        raise TypeError(f"{who}: {name}={value!r} came, expected a whole number") from None
    if n < least:
        raise ValueError(f"{who}: {name}={value} came, expected at least {least}")
    return n


def whole_numbers(who: str, name: str, value: object, count: int, least: int = 1) -> Row:
    """The value as `count` ints, one for each axis; a single number stands for all of them.

    >>> whole_numbers("Conv2D", "stride", 2, 2)
    (2, 2)
    """
    if not isinstance(value, tuple | list):
        return (whole_number(who, name, value, least),) * count
    if len(value) != count:
        raise ValueError(
            f"{who}: {name}={value} came, expected a whole number, or {count} of them, one for "
            "each axis"
        )
    return tuple(whole_number(who, name, item, least) for item in value)


def row_shape(who: str, name: str, value: object) -> Row:
    """The value as the shape of one row: a tuple of whole numbers, without the number of rows."""
    if not isinstance(value, tuple | list):
        raise TypeError(
            f"{who}: {name}={value!r} came, expected the shape of one row, such as (3,)"
        )
    return tuple(whole_number(who, f"{name}[{i}]", item) for i, item in enumerate(value))


def positive(who: str, name: str, value: object, least: float = 0.0) -> float:
    """The value as a float, where it is a finite number above zero, and not below `least`."""
    number = _real(who, name, value)
    if not 0 < number < inf:
        raise ValueError(f"{who}: {name}={value} came, expected a positive number")
    if number < least:
        raise ValueError(
            f"{who}: {name}={value} came, expected at least {least:.1e}, the smallest number of "
            "this dtype that keeps its digits"
        )
    return number


def fraction(who: str, name: str, value: object) -> float:
    """The value as a float, where it is a number from 0 to below 1."""
    number = _real(who, name, value)
    if not 0 <= number < 1:
        raise ValueError(f"{who}: {name}={value} came, expected at least 0 and below 1")
    return number


def at_least_zero(who: str, name: str, value: object) -> float:
    """The value as a float, where it is a finite number that is not negative."""
    number = _real(who, name, value)
    if not 0 <= number < inf:
        raise ValueError(f"{who}: {name}={value} came, expected a finite number of at least 0")
    return number


def finite(who: str, name: str, value: object) -> float:
    """The value as a float, where it is a finite number."""
    number = _real(who, name, value)
    if not -inf < number < inf:
        raise ValueError(f"{who}: {name}={value} came, expected a finite number")
    return number


def number_from(source: object, what: str, returned: object) -> float:
    """What a loss or a metric returned, where it is one real number."""
    if isinstance(returned, Real):
        return float(returned)
    if isinstance(returned, np.ndarray) and returned.size == 1 and returned.dtype.kind in "fiub":
        return float(returned.item())
    came = described(returned)
    if isinstance(returned, np.ndarray):
        came += f" of shape {returned.shape} and dtype {returned.dtype}"
    raise TypeError(f"{name_of(source)}: {what} is {came}, expected one number")


def name_of(source: object) -> str:
    """The name of a function, or of an object's class."""
    return str(getattr(source, "__name__", type(source).__name__))


def _real(who: str, name: str, value: object) -> float:
    if not isinstance(value, Real):
        raise TypeError(f"{who}: {name}={value!r} came, expected a number")
    return float(value)


def one_of(who: str, name: str, value: str, choices: tuple[str, ...]) -> str:
    """The value, where it is one of these names."""
    if value not in choices:
        expected = " or ".join(map(repr, choices))
        raise ValueError(f"{who}: {name}={value!r} came, expected {expected}")
    return value


def of_type(who: str, name: str, value: object, kind: type[Any], remedy: str) -> None:
    """Refuse what is no object of that kind; a class itself is none."""
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIO" else "a"
        raise TypeError(
            f"{who}: {name} is {described(value)}, expected {article} {kind.__name__}: {remedy}"
        )


def described(value: object) -> str:
    """What a value is, in a few words.

    >>> described(float), described([1.0])
    ('the class float', 'a list of 1')
    """
    if value is None:
        return "None"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    kind = "array" if type(value) is np.ndarray else type(value).__name__
    size = f" of {len(value)}" if isinstance(value, tuple | list) else ""
    return f"{'an' if kind[0] in 'aeioAEIO' else 'a'} {kind}{size}"


def list_of(who: str, given: Iterable[T], kind: type[T], remedy: str) -> list[T]:
    """The items as a list, where all are objects of that kind and there is at least one."""
    if callable(given) or not hasattr(given, "__iter__"):
        raise TypeError(f"{who}: {described(given)} came, expected {kind.__name__}s: {remedy}")
    items = list(given)
    for i, item in enumerate(items):
        of_type(who, f"item {i}", item, kind, remedy)
    if not items:
        raise ValueError(f"{who}: no {kind.__name__}s came, expected at least one: {remedy}")
    return items


def to_call(who: str, name: str, given: T, arguments: str, remedy: str) -> T:
    """What is given, where it can be called; a class itself is not meant."""
    if isinstance(given, type) or not callable(given):
        raise TypeError(
            f"{who}: {name} is {described(given)}, expected one to be called with {arguments}, "
            f"such as {remedy}"
        )
    return given


def pair_from(source: object, returned: tuple[S, T], expected: str) -> tuple[S, T]:
    """What a layer or a loss returned, where it is a pair."""
    given: object = returned
    if not isinstance(given, tuple) or len(given) != 2:
        raise TypeError(
            f"{name_of(source)} returned {described(given)}, expected a pair: {expected}"
        )
    return returned


def some_shared(who: str, optimizers: Iterable[object], networks: Iterable[object]) -> None:
    """Refuse an optimizer that holds none of the network's parameters."""
    if not set(optimizers) & set(networks):
        raise ValueError(
            f"{who}: the optimizer holds none of the network's parameters, so nothing would be "
            "learned: make it from network.parameters()"
        )


def diverged(what: str, bad_data: str, learning_rate: float | None) -> FloatingPointError:
    """The error for a loss or a value that is not finite, with its likely cause.

    `bad_data` names data that is not finite, `learning_rate` is that of the steps made so far.
    """
    if bad_data:
        cause = f"{bad_data} has numbers that are not finite: remove or replace them first"
    elif learning_rate is None:
        cause = "no step was made yet: look at the network's first values and at the loss"
    else:
        cause = f"the learning rate {learning_rate:g} is likely too large: try a tenth of it"
    return FloatingPointError(
        f"train: {what}; {cause}. Values and layers are back where the epoch began"
    )
