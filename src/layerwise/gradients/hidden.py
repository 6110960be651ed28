"""What a layer uses and does not keep: `walk` does not find it, so nothing trains or saves it."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from layerwise.layers.base import Layer, walk
from layerwise.parameter import Parameter

OTHERS = {*sys.stdlib_module_names, "numpy", "layerwise"}  # their code holds nothing of a layer
KEEP = (
    "keep it in an attribute of the layer, or in a list, tuple or dict there; optimizers, saving "
    "and copies know of nothing else"
)
WRAPPERS = MethodType, partial, staticmethod, classmethod, property
WRAPPED = "__self__", "__func__", "func", "args", "keywords", "fget", "fset"
Held = tuple[str, object, bool]  # how to get there, the thing, and whether code holds it


class Hidden:
    """What a layer holds, or its code names, that `walk` does not find.

    `misplaced` says where the first parameter, array or generator is held in an attribute that is
    not looked into. `strangers` are the parameters that code may use, by where they are.
    """

    def __init__(self, layer: Layer[Any, Any]) -> None:
        kept = {id(item) for _, item in walk(layer)}
        self.misplaced: str | None = None
        self.strangers: dict[str, Parameter] = {}
        for place, item, in_code in _reachable(layer):
            numbers = isinstance(item, Parameter | np.ndarray | np.random.Generator)
            if numbers and id(item) not in kept:
                if not in_code:
                    self.misplaced = self.misplaced or f"{place}, of type {type(item).__name__}"
                elif isinstance(item, Parameter):
                    self.strangers[place] = item

    @contextmanager
    def watched(self) -> Iterator[list[str]]:
        """Those strangers whose gradient is added to meanwhile; it is put back afterwards."""
        before = [(place, p, p.grad.copy(), p.has_grad) for place, p in self.strangers.items()]
        added: list[str] = []
        for parameter in self.strangers.values():
            parameter.has_grad = False
        try:
            yield added
        finally:
            for place, parameter, grad, has_grad in before:
                if parameter.has_grad or not np.array_equal(parameter.grad, grad):
                    added.append(place)
                parameter.grad[...] = grad
                parameter.has_grad = has_grad


def _reachable(layer: Layer[Any, Any]) -> Iterator[Held]:
    """All that attributes, containers, closures, classes and the globals of their code hold."""
    seen: set[int] = set()
    waiting: deque[Held] = deque([("", layer, False)])
    while waiting:
        place, item, in_code = waiting.popleft()
        if id(item) not in seen and not isinstance(item, str | bytes | int | float | ModuleType):
            seen.add(id(item))
            yield place, item, in_code
            waiting.extend((p, part, in_code or code) for p, part, code in _inside(place, item))


def _inside(place: str, item: Any) -> Iterator[Held]:
    """What one thing holds."""
    if isinstance(item, np.ndarray):
        item = item.tolist() if item.dtype == object else ()
    if isinstance(item, Mapping):
        yield from ((_join(place, name), part, False) for name, part in item.items())
        yield from ((f"a key of {place}", key, False) for key in item)
    elif isinstance(item, list | tuple):
        yield from ((_join(place, i), part, False) for i, part in enumerate(item))
    elif isinstance(item, set | frozenset | deque):
        yield from ((f"an element of {place}", part, False) for part in item)
    elif isinstance(item, FunctionType):
        yield from _of_function(item)
    elif isinstance(item, type):
        yield from _of_class(item)
    elif not isinstance(item, Parameter | np.random.Generator):
        if isinstance(item, WRAPPERS):
            yield from ((place, getattr(item, name, None), False) for name in WRAPPED)
        slots = [name for t in type(item).__mro__ for name in vars(t).get("__slots__", ())]
        held = {name: getattr(item, name, None) for name in slots} | getattr(item, "__dict__", {})
        yield from ((_join(place, name), part, False) for name, part in held.items())
        yield "", type(item), True


def _of_class(item: type) -> Iterator[Held]:
    """What a class and those above it hold."""
    if not _is_other(item):
        members = vars(item).items()
        yield from ((f"{name} of class {item.__name__}", part, True) for name, part in members)
        yield from (("", base, True) for base in item.__bases__)


def _of_function(function: FunctionType) -> Iterator[Held]:
    """What a function closes over, its defaults, and the globals that its code names."""
    if _is_other(function):
        return
    name = function.__qualname__
    for variable, cell in zip(
        function.__code__.co_freevars, function.__closure__ or (), strict=True
    ):
        try:
            yield f"the variable {variable} around {name}", cell.cell_contents, True
        except ValueError:  # not yet bound
            continue
    yield f"a default of {name}", function.__defaults__, True
    known = function.__globals__
    names = list(dict.fromkeys(_names(function.__code__)))
    for variable in names:
        found = known.get(variable)
        yield f"the global {variable}", found, True
        if isinstance(found, ModuleType) and not _is_other(found):
            members = {n: vars(found)[n] for n in names if n in vars(found)}
            yield from ((f"{n} of module {variable}", part, True) for n, part in members.items())


def _names(code: CodeType) -> Iterator[str]:
    """The names in a piece of code and in the functions made there."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _is_other(item: Any) -> bool:
    """Whether something belongs to Python, NumPy or this package."""
    module = item.__name__ if isinstance(item, ModuleType) else item.__module__
    return str(module).partition(".")[0] in OTHERS


def _join(place: str, name: object) -> str:
    return f"{place}.{name}" if place else str(name)
