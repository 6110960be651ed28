"""What a parameter of an estimator may be: declared beside its default, refused by scikit-learn."""

from __future__ import annotations

from dataclasses import field, fields
from math import inf
from numbers import Integral, Real
from typing import Any

from sklearn.utils._param_validation import Interval, Options, StrOptions

COUNT = Interval(Integral, 1, None, closed="left")
POSITIVE = Interval(Real, 0, None, closed="neither")
AT_LEAST_0 = Interval(Real, 0, None, closed="left")
FRACTION = Interval(Real, 0, 1, closed="left")
INFINITE = Options(Real, {inf})


def parameter(default: Any, *allowed: Any) -> Any:
    """A field of a dataclass with this default, and what else it may be, as scikit-learn says it.

    >>> from dataclasses import make_dataclass
    >>> Tree = make_dataclass("Tree", [("depth", int, parameter(3, COUNT, None))])
    >>> Tree(), constraints(Tree())["depth"] == [COUNT, None]
    (Tree(depth=3), True)
    """
    return field(default=default, metadata={"allowed": list(allowed)})


def required(*allowed: Any) -> Any:
    """A field without a default, and what it may be."""
    return field(metadata={"allowed": list(allowed)})


def options(*names: str) -> StrOptions:
    """One of these names."""
    return StrOptions(set(names))


def constraints(estimator: Any) -> dict[str, list[Any]]:
    """What each parameter may be, by name."""
    return {own.name: own.metadata["allowed"] for own in fields(estimator)}
