"""What every layer promises, compared exactly where it can be, before any difference is taken."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layerwise.arrays import Array, Vector
from layerwise.gradients.function import (
    EPS,
    AnyLayer,
    Function,
    Tensors,
    flat,
    parts,
    read_only,
    shaped,
    ulps,
)
from layerwise.gradients.hidden import KEEP
from layerwise.gradients.raised import OVERWRITTEN, LayerRaisedError, transposed
from layerwise.layers.base import everything, walk
from layerwise.parameter import Parameter


@dataclass
class Fault:
    """A broken promise, and the name of the mistake where it is a known one."""

    text: str
    hint: str | None = None


ASSIGNED = "assigned instead of added: use parameter.add_grad(...)"


def first_fault(
    layer: AnyLayer, X: object, rng: np.random.Generator, misplaced: str | None
) -> Fault | None:
    """The first promise that the layer breaks at X."""
    pair: object = _copied(layer).forward(deepcopy(X))  # what this raises is for the caller
    if not (isinstance(pair, tuple) and len(pair) == 2 and callable(pair[1])):
        return Fault(
            f"forward returned {_form(pair)}, expected the pair Y, backward: the answer, and the "
            "function that takes dL/dY and returns dL/dX"
        )
    if misplaced is not None:
        return Fault(f"{misplaced}, is held where nothing looks for it: {KEEP}")
    try:
        return next(_faults(layer, X, rng), None)
    except LayerRaisedError as error:
        return Fault(str(error), error.hint)


def _copied(layer: AnyLayer) -> AnyLayer:
    try:
        return deepcopy(layer)
    except TypeError as error:
        raise TypeError(
            f"check_layer: {type(layer).__name__} cannot be copied ({error}): keep arrays, lists "
            "and dicts in it, and no iterators, locks or files"
        ) from error


def _faults(layer: AnyLayer, X: object, rng: np.random.Generator) -> Iterator[Fault]:
    """The faults in order: after one nothing more is asked, so each may rely on those before."""
    yield from _as_given(layer, X, rng)
    yield from _inference(layer, X)
    function = Function(layer, X)
    F = function.output()
    c = rng.standard_normal(F.size)
    g = function.gradients(c)
    known = _Known(F, c, g, tolerance(function, g, c))
    yield from _reproducible(function, known)
    for from_data in (False, True):
        yield from _added(function, known, rng, from_data=from_data)
    yield from _independent(function, known, rng)
    yield from _linear(function, known, rng)
    yield from _from_data(function, known)


@dataclass
class _Known:
    """The answer F, the gradients g of c · F, and what rounding may change in each of them."""

    F: Vector
    c: Vector
    g: Tensors
    allowed: dict[str, float]


def _as_given(layer: AnyLayer, X: object, rng: np.random.Generator) -> Iterator[Fault]:
    """Arguments untouched, and shapes, dtypes and finite numbers, in the layer's own dtype."""
    copy, mine = deepcopy(layer), deepcopy(X)
    copy.zero_grad()
    kept = {path: id(item) for path, item in walk(copy)}
    Y, backward = copy.forward(mine)
    if not same(mine, X):
        yield Fault("forward changed its argument X", OVERWRITTEN)
    yield from _answer_faults(Y, X, copy)
    c = shaped(rng.standard_normal(flat(Y).size), Y)
    grad, answer = deepcopy(c), deepcopy(Y)
    for g in parts(grad):
        g.flags.writeable = True
    try:
        dX = backward(grad)
    except Exception as error:
        yield _raised("backward", error, copy)
    for one, other, what in (
        (grad, c, "its argument grad"),
        (mine, X, "forward's argument X"),
        (Y, answer, "forward's answer Y"),
    ):
        if not same(one, other):
            yield Fault(f"backward changed {what}", OVERWRITTEN)
    yield from shape_faults(dX, X, Y)
    gradients = {_name(X, i): d for i, d in enumerate(parts(dX)) if parts(X)[i].dtype.kind == "f"}
    for path, item in walk(copy):
        if kept.get(path) != id(item):
            yield Fault(
                f"forward or backward put something new in place of {path}: what backward needs is "
                "a local variable of forward, and what stays, such as a running mean, is written "
                "into"
            )
        if isinstance(item, Parameter):
            gradients[path] = item.grad
            if np.any(item.grad) and not item.has_grad:
                yield Fault(f"the gradient of {path} was not added with add_grad", ASSIGNED)
    for name, gradient in gradients.items():
        if not np.all(np.isfinite(gradient)):
            yield Fault(f"the gradient of {name} has numbers that are not finite")
    locked = tuple(map(read_only, parts(X)))
    copy = deepcopy(layer)
    try:
        copy.forward(locked if isinstance(X, tuple) else locked[0])[1](c)
    except Exception as error:
        yield _raised("forward or backward with read-only arguments", error, copy)


def _answer_faults(Y: object, X: object, layer: AnyLayer) -> Iterator[Fault]:
    """An answer is of arrays of finite floats, in the one dtype of the layer or else of X."""
    dtypes = {p.dtype for p in layer.parameters()}
    dtypes = dtypes or {A.dtype for A in parts(X) if A.dtype.kind == "f"}
    for y in parts(Y):
        if not isinstance(y, np.ndarray) or y.dtype.kind != "f":
            yield Fault(f"forward returned {type(y).__name__}, expected an array of floats")
        elif not np.all(np.isfinite(y)):
            yield Fault("forward returned numbers that are not finite")
        elif len(dtypes) == 1 and y.dtype not in dtypes:
            yield Fault(f"forward returned {y.dtype}, expected {dtypes.pop()}: keep one dtype")


def _raised(who: str, error: Exception, layer: AnyLayer) -> Fault:
    """The fault of raising an error."""
    raised = LayerRaisedError(who, error, layer)
    return Fault(str(raised), raised.hint)


def _form(returned: object) -> str:
    """What something is, as a noun."""
    if isinstance(returned, tuple):
        return f"a tuple of {', '.join(type(item).__name__ for item in returned)}"
    return type(returned).__name__


def shape_faults(dX: object, X: object, Y: object) -> Iterator[Fault]:
    """The gradient of each floating input has its shape, and its dtype or Y's; others get zeros."""
    if isinstance(dX, tuple) != isinstance(X, tuple) or len(parts(dX)) != len(parts(X)):
        yield Fault("backward returned another number of gradients than forward has inputs")
    dtype = parts(Y)[0].dtype
    for i, (d, x) in enumerate(zip(parts(dX), parts(X), strict=True)):
        name = _name(X, i)
        if x.dtype.kind != "f":
            if np.shape(d) != x.shape:  # what is in it has no meaning, as of Dense for integers
                yield Fault(
                    f"backward returned nothing like {name}, which has no gradient: return zeros "
                    f"of its shape, np.zeros_like({name})"
                )
        elif not isinstance(d, np.ndarray):
            yield Fault(f"the gradient of {name} is {type(d).__name__}, expected an array")
        elif d.shape != x.shape:
            words = f"the gradient of {name} has shape {d.shape}, expected {x.shape}"
            yield Fault(words, transposed(d.shape, x.shape))
        elif d.dtype not in (dtype, x.dtype):
            yield Fault(f"the gradient of {name} has dtype {d.dtype}, expected {dtype}")


def _inference(layer: AnyLayer, X: object) -> Iterator[Fault]:
    """A call writes nothing and answers the same twice."""
    copy = deepcopy(layer)
    before = fingerprint(copy)
    locked = tuple(map(read_only, deepcopy(parts(X))))
    try:
        answers = [copy(locked if isinstance(X, tuple) else locked[0]) for _ in range(2)]
    except Exception as error:
        yield _raised("a call", error, copy)
    after = fingerprint(copy)
    changed = sorted(k for k in before.keys() | after.keys() if before.get(k) != after.get(k))
    if changed:
        yield Fault(
            f"a call wrote to {', '.join(changed)}: inference writes nothing; a layer whose "
            "forward writes or draws overrides __call__"
        )
    if not same(*answers):
        yield Fault("two calls with one X gave two answers")


def _reproducible(function: Function, known: _Known) -> Iterator[Fault]:
    """The same answer and gradients for the same forward, on this copy and on a fresh one."""
    function.restore()
    again = Function(function.layer, function.X)
    alike = all(np.array_equal(known.F, p.output()) for p in (again, function))
    if not alike or difference(known.g, again.gradients(known.c), known.allowed):
        yield Fault(
            "two forwards from the same state gave two answers or gradients: draw random numbers "
            "from a Generator of the layer, and keep nothing on self but arrays made in __init__"
        )


def _added(
    function: Function, known: _Known, rng: np.random.Generator, *, from_data: bool
) -> Iterator[Fault]:
    """Gradients are added to what is there, and values are left alone."""
    c, g = known.c, known.g
    function.layer.zero_grad()
    there = {}
    for path, parameter in function.parameters.items():
        there[path] = rng.standard_normal(parameter.shape) * (_largest(g[path]) or 1)
        parameter.add_grad(there[path])
    Y, backward = function.forward(from_data=from_data)
    backward(shaped(c, Y))
    for path, parameter in function.parameters.items():
        off = _largest(parameter.grad - (there[path] + g[path]))
        if not off <= 1e-6 * _largest(there[path]):
            instead = _largest(parameter.grad - g[path]) <= 1e-6 * _largest(g[path])
            words = f"the gradient of {path} was not added to the one before"
            yield Fault(words, ASSIGNED if instead else None)
        if not np.array_equal(parameter.value, function.base[path]):
            yield Fault(f"forward or backward changed the value of {path}")


def _independent(function: Function, known: _Known, rng: np.random.Generator) -> Iterator[Fault]:
    """A backward belongs to its own forward, and what was handed out never changes."""
    c, g, allowed = known.c, known.g, known.allowed
    function.layer.zero_grad()
    Y, backward = function.forward()
    answer = deepcopy(Y)
    try:
        others = [function.forward_here(X) for X in _other_inputs(function.inputs)]
    except LayerRaisedError:  # an input that the layer does not take says nothing
        others = []
    if not same(Y, answer):
        yield Fault("a later forward changed an answer given before")
    dX = backward(shaped(c, Y))
    handed_out = deepcopy(dX)
    mine = function.collected(dX)
    if difference(g, mine, allowed):
        yield Fault(
            "a forward between a forward and its backward changed the gradient: backward must "
            "use its own forward's arrays, not attributes or shared buffers"
        )
    for other, back in others:
        back(shaped(rng.standard_normal(flat(other).size), other))
    function.call()
    if not same(Y, answer) or not same(dX, handed_out):
        yield Fault("a later call changed an answer or gradient given before")


def _linear(function: Function, known: _Known, rng: np.random.Generator) -> Iterator[Fault]:
    """backward(0) = 0, backward(s c) = s backward(c), backward(c₁ + c₂) is the sum."""
    c1, g1, allowed = known.c, known.g, known.allowed
    c2 = rng.standard_normal(c1.size)
    g2 = function.gradients(c2)
    for path, zero in function.gradients(np.zeros(c1.size)).items():
        if np.any(zero != 0):
            yield Fault(f"backward(0) gives {path} a gradient that is not zero")
    for scale in (-1.0, 2.0**20, 2.0**-20):
        scaled = {name: g / scale for name, g in function.gradients(scale * c1).items()}
        name = difference(scaled, g1, allowed)
        if name:
            yield Fault(
                f"backward is not linear in grad: {scale:g} times the gradient gives something "
                f"else than {scale:g} times the answer for {name}"
            )
    allowed2 = tolerance(function, g2, c2)
    both = {name: allowed[name] + allowed2[name] for name in allowed}
    total = {name: g1[name] + g2[name] for name in g1}
    name = difference(function.gradients(c1 + c2), total, both)
    if name:
        yield Fault(
            f"backward is not linear in grad: for {name}, backward(c1 + c2) differs from "
            "backward(c1) + backward(c2) by more than rounding"
        )


def _from_data(function: Function, known: _Known) -> Iterator[Fault]:
    """forward_from_data gives forward's answer and parameter gradients."""
    F, c = known.F, known.c
    function.layer.zero_grad()
    Y, backward = function.forward(from_data=True)
    backward(shaped(c, Y))
    mine = {path: p.grad for path, p in function.parameters.items()}
    if not np.allclose(flat(Y), F, rtol=1e-9, atol=1e-12 * _largest(F)):
        yield Fault("forward_from_data gives another answer than forward")
    name = difference(mine, known.g, known.allowed)
    if name:
        yield Fault(f"forward_from_data gives {name} another gradient than forward")


def tolerance(function: Function, g: Tensors, c: Vector) -> dict[str, float]:
    """What rounding may change in each gradient: a thousand times what an ulp of grad does.

    Or a little more of grad, by which all its products are rounded anew; and at least some ulps
    of the terms in it, which may cancel: they are of the size of grad, or of grad times inputs.
    """
    little = 1 + 2.0**-45
    ulp, more = function.gradients(ulps(c, 1)), function.gradients(little * c)
    inputs = [_largest(x) for x in function.inputs if x.dtype.kind == "f"]
    terms = _largest(c) * max([1.0, *inputs])
    allowed = {}
    for name, own in g.items():
        moved = np.maximum(np.abs(ulp[name] - own), np.abs(more[name] / little - own))
        allowed[name] = 1000 * (_largest(moved) + EPS * _largest(own)) + 100 * EPS * terms
    return allowed


def difference(one: Tensors, other: Tensors, allowed: dict[str, float]) -> str | None:
    """The first tensor in which the two differ by more than allowed."""
    for name, value in one.items():
        if not _largest(value - other[name]) <= allowed[name]:
            return name
    return None


def _largest(A: Array) -> float:
    """The largest size of an entry; 0 where there is none."""
    return float(np.abs(A).max(initial=0))


def fingerprint(layer: AnyLayer) -> dict[str, object]:
    """All that a layer keeps, by path, in a form that can be compared later."""
    found: dict[str, object] = {}
    for path, item in everything(layer):
        if isinstance(item, Parameter):
            found[path] = item.value.tobytes(), item.grad.tobytes()
        elif isinstance(item, np.ndarray):
            found[path] = item.shape, item.tobytes()
        elif isinstance(item, np.random.Generator):
            found[path] = repr(item.bit_generator.state)
        elif hasattr(item, "__dict__") and not callable(item):
            found[path] = repr(vars(item))
        else:
            found[path] = id(item) if callable(item) else repr(item)
    return found


def _name(X: object, i: int) -> str:
    return f"X[{i}]" if isinstance(X, tuple) else "X"


def same(one: Any, other: Any) -> bool:
    """Whether two answers agree bit for bit."""
    return all(
        a is b
        or (np.shape(a) == np.shape(b) and np.asarray(a).tobytes() == np.asarray(b).tobytes())
        for a, b in zip_longest(parts(one), parts(other))
    )


def _other_inputs(inputs: list[NDArray[Any]]) -> list[list[NDArray[Any]]]:
    """Other inputs of the same kind: rows in reverse order, and the first row alone."""
    turned = [A[::-1] if A.ndim else A for A in inputs]
    reverse = [np.asarray(A * 0.9) if A.dtype.kind == "f" else A for A in turned]
    return [reverse, [A[:1] if A.ndim else A for A in inputs]]
