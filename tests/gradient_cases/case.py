"""What a case is, and which half of the body it belongs to."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, TypeVar
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from layerwise import Layer
from layerwise.losses import Loss

Expected: TypeAlias = Literal["right", "wrong"]
Part: TypeAlias = Literal["tuning", "held-back"]
Hint: TypeAlias = Literal[
    "sign",
    "factor 2",
    "factor 1/2",
    "factor n",
    "factor 1/n",
    "transpose",
    "swapped",
    "missing mean",
    "negative inputs",
    "one row",
    "one column",
    "zero",
    "assigned",
    "argument overwritten",
]
Make: TypeAlias = Callable[[np.random.Generator], tuple[Layer[Any, Any], Any]]
MakeLoss: TypeAlias = Callable[[np.random.Generator], tuple[Loss[Any], Any, NDArray[Any]]]


@dataclass(frozen=True)
class Case:
    """A layer at a point, right or wrong by its documented contract.

    `make(rng)` gives a new layer and an X for it; another rng, other numbers of the same kind.
    `reason` says in a line what is special, `hint` names the known pattern planted in it, and
    `partner` makes the right layer of a wrong one, with the same numbers for the same rng: the
    two have the same Y, and only the gradients differ.
    """

    name: str
    kind: str
    make: Make
    expected: Expected
    reason: str
    hint: Hint | None = None
    partner: Make | None = None
    part: Part = "tuning"


@dataclass(frozen=True)
class LossCase:
    """A loss at a point, right or wrong; `make(rng)` gives the loss, Y and the target."""

    name: str
    kind: str
    make: MakeLoss
    expected: Expected
    reason: str
    hint: Hint | None = None
    part: Part = "tuning"


AnyCase = TypeVar("AnyCase", Case, LossCase)


def split(cases: Iterable[AnyCase]) -> list[AnyCase]:
    """The cases, each with its part: within every kind, every other one is held back.

    The order within a kind is that of a checksum of the names, so that the part depends on
    nothing that its author could have had in mind, and new kinds leave the others as they are.
    """
    cases = list(cases)
    kinds: dict[tuple[str, str, str], list[AnyCase]] = defaultdict(list)
    for case in cases:
        kinds[case.expected, case.kind, case.hint or ""].append(case)
    parts: dict[str, Part] = {}
    for key, members in kinds.items():
        first = crc32(repr(key).encode())
        ordered = sorted(members, key=lambda case: crc32(case.name.encode()))
        for turn, case in enumerate(ordered, first):
            parts[case.name] = "held-back" if turn % 2 else "tuning"
    return [replace(case, part=parts[case.name]) for case in cases]
