"""What a layer learns, and how an optimizer sees all of it as one vector."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Never

import numpy as np

from layerwise.arguments import list_of
from layerwise.arrays import Array, Indices, Vector, add_at, as_floating
from layerwise.forms import gradient_for, same_form


class Parameter:
    """P and dL/dP: numbers that a layer learns, and the gradient of the loss L for them.

    `value` and `grad` have one shape and one dtype, float64 or float32. Both are live: the arrays
    change when the optimizer steps, so copy them to keep them. They move when an optimizer is
    made, and when another one that holds the parameter steps: ask for `parameter.value` anew
    then; the arrays that it had before refuse writes. Assigning `value` copies into place; `grad`
    is only added to, with `add_grad`, and zeroed. The first gradient after zeroing takes the place
    of what was written into `grad` by other means.

    `has_grad` tells whether a gradient was added since the last time it was zeroed.

    Raises TypeError for any other dtype.

    >>> p = Parameter(np.array([1.0, 2.0]))
    >>> p.add_grad(np.array([0.5, 0.5])); p.add_grad(np.array([0.5, 0.0])); p.grad
    array([1. , 0.5])
    """

    __slots__ = ("_grad", "_value", "has_grad")

    def __init__(self, value: Array) -> None:
        value = np.asarray(value)
        if value.dtype not in (np.float64, np.float32):
            raise TypeError(
                f"Parameter: value has dtype {value.dtype}, expected float64 or float32: "
                "convert it with value.astype(np.float64)"
            )
        self._value: Array = np.array(value, order="C")
        self._grad: Array = np.zeros_like(self._value)
        self.has_grad = False

    @property
    def value(self) -> Array:
        """The numbers themselves."""
        return self._value

    @value.setter
    def value(self, new: Array) -> None:
        new = as_floating(new, "Parameter: the new value", self.dtype)
        if new.shape != self.shape:
            raise ValueError(
                f"Parameter: the new value has shape {new.shape}, expected {self.shape}: "
                "a parameter keeps its shape; make a new layer for another one"
            )
        self._value[...] = new

    @property
    def grad(self) -> Array:
        """The sum of the gradients added since it was last zeroed."""
        return self._grad

    @grad.setter
    def grad(self, new: Never) -> None:
        if new is not self._grad:  # as it is after p.grad *= 0.5
            raise AttributeError("Parameter: grad is added to, never assigned: use add_grad(...)")

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of value and of grad."""
        return self._value.shape

    @property
    def dtype(self) -> np.dtype[np.floating[Any]]:
        """The dtype of value and of grad."""
        return self._value.dtype

    def add_grad(self, grad: Array) -> None:
        """Add to the gradient. A gradient of another shape or dtype is refused, never broadcast.

        Raises ValueError for another shape, TypeError for another dtype and for what is no plain
        array; nothing is added then.
        """
        own = self._grad
        if type(grad) is not np.ndarray or grad.shape != own.shape or grad.dtype is not own.dtype:
            grad = gradient_for(own, grad)
        if self.has_grad:
            own += grad
        else:  # zero so far: a copy is faster than a sum
            own[...] = grad
            self.has_grad = True

    def add_grad_at(self, rows: Indices, grad: Array) -> None:
        """Add `grad[i]` to the gradient of row `rows[i]`, and both to a row that is named twice.

        `grad` has the shape of `value[rows]`. The same as `add_grad` with an array that is zero in
        all other rows, which is never made. Raises ValueError for another shape, TypeError for
        another dtype; nothing is added then.

        >>> p = Parameter(np.zeros((2, 1))); p.add_grad_at(np.array([1, 1]), np.ones((2, 1)))
        >>> p.grad.tolist()
        [[0.0], [2.0]]
        """
        same_form("Parameter", grad, (*rows.shape, *self.shape[1:]), self.dtype)
        if not self.has_grad:
            self.zero_grad()
        add_at(self._grad, rows, grad)
        self.has_grad = True

    def zero_grad(self) -> None:
        """Set the gradient to zero."""
        self._grad.fill(0)
        self.has_grad = False

    def __setstate__(self, state: tuple[None, dict[str, Any]]) -> None:
        """Take arrays of its own: joblib hands large ones to its processes read-only."""
        slots = state[1]
        self._value, self._grad = np.array(slots["_value"]), np.array(slots["_grad"])
        self.has_grad = slots["has_grad"]

    if not TYPE_CHECKING:  # or else X @ parameter would have a type

        def __array__(self, *_: object, **__: object) -> Never:
            raise TypeError("Parameter: it came where an array was expected: use parameter.value")

    def __repr__(self) -> str:
        return f"Parameter(shape={self.shape}, dtype={self.dtype})"


class ParameterVector:
    """θ = (P₁, P₂, …): parameters packed into one vector, and their gradients into another.

    `value` and `grad` are 1-D, those of two or more axes first; from now on each parameter's arrays
    are views of them, so that an optimizer is a formula on two vectors, and the arrays that it had
    before refuse writes. A parameter given twice is packed once. `weights` is the part of `value`
    that holds parameters of two or more axes.

    A parameter's own arrays are the truth. When another vector has taken a parameter since,
    `collect` copies it back here; a copy or a pickle packs anew, over the copied parameters.

    Raises ValueError for no parameters, TypeError for two dtypes and for what is no Parameter.

    >>> a, b = Parameter(np.zeros(2)), Parameter(np.ones((1, 2)))
    >>> vector = ParameterVector([a, b]); a.value = np.array([5.0, 6.0]); vector.value
    array([1., 1., 5., 6.])
    """

    def __init__(self, parameters: Iterable[Parameter], who: str = "ParameterVector") -> None:
        remedy = "give network.parameters(), of a network with a layer that learns"
        given = dict.fromkeys(list_of(who, parameters, Parameter, remedy))
        dtypes = {parameter.dtype for parameter in given}
        if len(dtypes) > 1:
            raise TypeError(
                f"{who}: parameters of {' and '.join(sorted(map(str, dtypes)))} came, "
                "expected one dtype: make all layers with the same dtype="
            )
        # Those of two or more axes first, so that weights without biases are one slice.
        self.parameters = sorted(given, key=lambda parameter: len(parameter.shape) < 2)
        size = sum(parameter.value.size for parameter in self.parameters)
        self.value: Vector = np.empty(size, self.parameters[0].dtype)
        self.grad: Vector = np.empty_like(self.value)
        self.weights: Vector = self.value[: sum(p.value.size for p in given if len(p.shape) > 1)]
        self._views: list[tuple[Parameter, Array, Array]] = []
        start = 0
        for parameter in self.parameters:
            own = slice(start, start + parameter.value.size)
            value, grad = (v[own].reshape(parameter.shape) for v in (self.value, self.grad))
            self._views.append((parameter, value, grad))
            start = own.stop
        self.collect()

    def collect(self) -> bool:
        """Take back each parameter that another vector holds; whether any has a gradient."""
        has_grad = False
        for parameter, value, grad in self._views:
            has_grad |= parameter.has_grad
            if parameter._value is not value:
                value.flags.writeable = grad.flags.writeable = True
                value[...], grad[...] = parameter._value, parameter._grad
                parameter._value.flags.writeable = parameter._grad.flags.writeable = False
                parameter._value, parameter._grad = value, grad
        return has_grad

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to zero."""
        self.collect()
        self.clear()

    def clear(self) -> None:
        """Set the gradient to zero where all parameters are known to be here."""
        self.grad.fill(0)
        for parameter in self.parameters:
            parameter.has_grad = False

    def __reduce__(self) -> tuple[type[ParameterVector], tuple[list[Parameter]]]:
        return ParameterVector, (self.parameters,)
