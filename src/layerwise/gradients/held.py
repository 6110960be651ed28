"""What a backward holds: the arrays that forward left to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

MANY = 40  # arrays of a backward that are tried, and things in one list


def held(backward: Callable[[Any], Any]) -> dict[str, NDArray[Any]]:
    """The arrays that a backward closes over, by its variables; inner ones bear their layer's name.

    >>> def forward(X): return X, lambda grad: grad * X
    >>> list(held(forward(np.ones(2))[1]))
    ['X']
    """
    found: dict[str, NDArray[Any]] = {}
    seen: set[int] = set()
    waiting: deque[tuple[str, object, str]] = deque([("", backward, "")])
    while waiting and len(found) < MANY:
        name, item, inside = waiting.popleft()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, np.ndarray):
            if item.dtype.kind in "fiub" and item.size > 1 and np.all(np.isfinite(item)):
                found[inside + name] = item
        elif isinstance(item, FunctionType):
            # The layer's own backward is the one that is given, or what the check put around it.
            own = name in ("", "backward")
            where = "" if own else f"{item.__qualname__.partition('.')[0]}."
            waiting.extend((n, part, where) for n, part in _closed(item))
        else:
            waiting.extend((name + at, part, inside) for at, part in _parts(item))
    return found


def _closed(function: FunctionType) -> Iterator[tuple[str, object]]:
    """What a function closes over."""
    cells = function.__closure__ or ()
    for variable, cell in zip(function.__code__.co_freevars, cells, strict=True):
        with suppress(ValueError):  # not yet bound
            yield variable, cell.cell_contents


def _parts(item: object) -> Iterable[tuple[str, object]]:
    """What is in a list, a tuple or a dict, and how to get there."""
    if isinstance(item, list | tuple):
        return [(f"[{i}]", part) for i, part in enumerate(item[:MANY])]
    if isinstance(item, Mapping):
        return [(f"[{key!r}]", part) for key, part in item.items()]
    return []
