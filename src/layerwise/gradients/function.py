"""A layer as a function of its tensors, in float64, always run from the same state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layerwise.arrays import Array, Vector
from layerwise.gradients.held import held
from layerwise.gradients.raised import LayerRaisedError
from layerwise.layers.base import Layer, walk
from layerwise.parameter import Parameter

Tensors = Mapping[str, Array]
EPS = float(np.finfo(np.float64).eps)
AnyLayer = Layer[Any, Any]


class Function:
    """F(x): the answer of a layer as one vector of m numbers, at tensors x and points near them.

    `base` holds the tensors that have a gradient, by name: the floating inputs, "X", or "X[0]",
    "X[1]", … of a tuple, and the parameters by their paths. Everything is float64, because
    differences in float32 prove little. Each run starts from the layer's arrays and generators as
    they were, so that a random layer draws the same numbers every time. Inputs and gradients are
    passed read-only. `runs` counts the calls of forward, `forward_error` is how far F may be off,
    as a share of its largest entry.
    """

    def __init__(
        self,
        layer: AnyLayer,
        X: object,
        values: Mapping[str, Array] | None = None,
        forward_error: float = 0.0,
    ) -> None:
        self.forward_error = forward_error
        self.layer = in_float64(layer)
        self.is_tuple = isinstance(X, tuple)
        self.inputs: list[NDArray[Any]] = [_float64(A) for A in parts(X)]
        kept = list(walk(self.layer))
        self.parameters = {path: item for path, item in kept if isinstance(item, Parameter)}
        self._arrays = [(path, a, a.copy()) for path, a in kept if isinstance(a, np.ndarray)]
        self._generators = [
            (g, g.bit_generator.state) for _, g in kept if isinstance(g, np.random.Generator)
        ]
        self.runs = 0
        for path, value in (values or {}).items():
            self.parameters[path].value = value
        self.base: dict[str, Array] = {
            self.name(i): A for i, A in enumerate(self.inputs) if A.dtype.kind == "f"
        }
        self.base |= {path: p.value.copy() for path, p in self.parameters.items()}

    def forward(self, *, from_data: bool = False) -> tuple[Any, Callable[[Any], Any]]:
        """What the layer's forward returns at the base."""
        self.restore()
        return self.forward_here(self.inputs, from_data=from_data)

    def forward_here(
        self, inputs: list[NDArray[Any]], *, from_data: bool = False
    ) -> tuple[Any, Callable[[Any], Any]]:
        """What the layer's forward returns for these inputs, in the state that it is in."""
        self.runs += 1
        name = "forward_from_data" if from_data else "forward"
        X = self._joined([read_only(A) for A in inputs])
        try:
            Y, backward = getattr(self.layer, name)(X)
        except Exception as error:
            raise LayerRaisedError(name, error, self.layer) from error

        def guarded(grad: Any) -> Any:
            try:
                return backward(grad)
            except Exception as error:
                raise LayerRaisedError("backward", error, self.layer) from error

        return Y, guarded

    def at(self, inputs: list[NDArray[Any]], values: Mapping[str, Array]) -> Function:
        """The function of a copy, from the state the layer is in, with these at its base."""
        return Function(self.layer, self._joined(inputs), values, self.forward_error)

    @property
    def X(self) -> Any:
        """The inputs, in the form in which the layer takes them."""
        return self._joined(self.inputs)

    def call(self) -> Any:
        """What the layer answers when called."""
        return self.layer(self._joined([read_only(A) for A in self.inputs]))

    def output(self, moved: Tensors | None = None) -> Vector:
        """F at the base, or with the given tensors in place of the base's."""
        with self._at(moved or {}) as inputs:
            return flat(self.forward_here(inputs)[0])

    def output_or_nan(self, moved: Tensors, like: Vector) -> Vector:
        """`output`, or NaN where the layer raises an error, as beyond the edge of its domain."""
        try:
            return self.output(moved)
        except LayerRaisedError:
            return np.full_like(like, np.nan)

    def gradients(
        self, c: Vector, moved: Tensors | None = None, *, late: Tensors | None = None
    ) -> Tensors:
        """d(c · F)/dx by the layer's own backward, one array for each tensor of the base.

        `late` are parameters, and arrays that backward holds, which take other values after
        forward, for backward alone.
        """
        for parameter in self.parameters.values():
            parameter.zero_grad()
        with self._at(moved or {}) as inputs:
            Y, backward = self.forward_here(inputs)
            arrays = {path: A for path, A, _ in self._arrays} if late else {}
            arrays |= {path: p.value for path, p in self.parameters.items()}
            with _replaced({**held(backward), **arrays} if late else {}, late or {}):
                return self.collected(backward(shaped(c, Y)))

    @contextmanager
    def _at(self, moved: Tensors) -> Iterator[list[NDArray[Any]]]:
        """Inputs and, meanwhile, parameters, with the given tensors in place of the base's."""
        self.restore()
        paths = moved.keys() & self.parameters.keys()
        for path in paths:
            self.parameters[path].value = moved[path]
        try:
            yield [moved.get(self.name(i), A) for i, A in enumerate(self.inputs)]
        finally:
            for path in paths:
                self.parameters[path].value = self.base[path]

    def collected(self, dX: Any) -> Tensors:
        """What backward returned and added, one array of its own for each tensor of the base."""
        names = [self.name(i) for i in range(len(self.inputs))]
        gradients = {
            name: np.array(part, np.float64)
            for name, part in zip(names, parts(dX), strict=True)
            if name in self.base
        }
        return gradients | {path: p.grad.copy() for path, p in self.parameters.items()}

    def plain_arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays of floats, by path, that the last forward did not write to."""
        return {
            path: array
            for path, array, copy in self._arrays
            if array.dtype.kind == "f" and np.array_equal(array, copy)
        }

    def restore(self) -> None:
        """Put the layer's own arrays and generators back to where they were."""
        for _, array, copy in self._arrays:
            array[...] = copy
        for generator, state in self._generators:
            generator.bit_generator.state = state

    def _joined(self, inputs: list[NDArray[Any]]) -> Any:
        return tuple(inputs) if self.is_tuple else inputs[0]

    def named_inputs(self) -> dict[str, NDArray[Any]]:
        """The inputs by name."""
        return {self.name(i): A for i, A in enumerate(self.inputs)}

    def name(self, i: int) -> str:
        """What the input number i is called."""
        return f"X[{i}]" if self.is_tuple else "X"


@contextmanager
def _replaced(arrays: Mapping[str, NDArray[Any]], others: Tensors) -> Iterator[None]:
    """Other numbers in some of the arrays, meanwhile."""
    before = {name: arrays[name].copy() for name in others}
    try:
        for name, A in others.items():
            arrays[name][...] = A
        yield
    finally:
        for name, A in before.items():
            arrays[name][...] = A


def in_float64(layer: AnyLayer) -> AnyLayer:
    """A deep copy with every float32 array in float64, and all gradients zero.

    A deep copy takes from its memo what it finds there: the promoted arrays are put in first.
    """
    memo: dict[int, Any] = {id(np.dtype(np.float32)): np.dtype(np.float64)}
    memo[id(np.float32)] = np.float64
    for _, item in walk(layer):
        arrays = (item.value, item.grad) if isinstance(item, Parameter) else (item,)
        for array in arrays:
            if isinstance(array, np.ndarray) and array.dtype == np.float32:
                memo[id(array)] = array.astype(np.float64)
    copy = deepcopy(layer, memo)
    copy.zero_grad()
    return copy


def flat(Y: Any) -> Vector:
    """An answer, one array or a tuple of arrays, as one float64 vector of its own memory."""
    return np.concatenate([np.array(part, np.float64).ravel() for part in parts(Y)])


def shaped(c: Vector, Y: Any) -> Any:
    """The vector c in the form of the answer Y, read-only and in Y's dtype."""
    if not isinstance(Y, tuple):
        return read_only(c.reshape(np.shape(Y)).astype(Y.dtype))
    ends = np.cumsum([np.size(part) for part in Y])[:-1]
    return tuple(shaped(part, y) for part, y in zip(np.split(c, ends), Y, strict=True))


def read_only(A: NDArray[Any]) -> NDArray[Any]:
    """A view of A that cannot be written to."""
    view = np.asarray(A).view()  # of what has no axes, NumPy makes numbers
    view.flags.writeable = False
    return view


def _float64(A: object) -> NDArray[Any]:
    array: NDArray[Any] = np.array(A)
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def parts(X: Any) -> tuple[Any, ...]:
    """One array or a tuple of arrays, as a tuple."""
    return X if isinstance(X, tuple) else (X,)


def rms(x: Array) -> float:
    """√(mean x²), the size of a step in x; 1 where x is empty or zero."""
    return float(np.sqrt(np.mean(x * x))) or 1.0 if x.size else 1.0


def normal_like(x: Array, rng: np.random.Generator) -> Array:
    """Normal numbers, as many as x has and of their size."""
    return rms(x) * rng.standard_normal(x.shape)


def ulps(x: Array, amount: int) -> Array:
    """x(1 + ε k), k from 1 to 3 times the amount: equal numbers stay equal, zeros stay zero."""
    bits = x.astype(np.float64).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return x * (1 + amount * EPS * (1 + (bits >> np.uint64(60)) % np.uint64(3)))
