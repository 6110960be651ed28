"""What a backward holds: the arrays that forward left to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
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
    found, seen = dict[str, NDArray[Any]](), set[int]()
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
            inside = "" if own else f"{item.__qualname__.partition('.')[0]}."
            waiting.extend((variable, part, inside) for variable, part in _closed(item))
        elif isinstance(item, list | tuple):
            waiting.extend((f"{name}[{i}]", part, inside) for i, part in enumerate(item[:MANY]))
        elif isinstance(item, Mapping):
            parts = islice(item.items(), MANY)
            waiting.extend((f"{name}[{key!r}]", part, inside) for key, part in parts)
    return found


def _closed(function: FunctionType) -> Iterator[tuple[str, object]]:
    """What a function closes over."""
    cells = function.__closure__ or ()
    for variable, cell in zip(function.__code__.co_freevars, cells, strict=True):
        with suppress(ValueError):  # not yet bound
            yield variable, cell.cell_contents
