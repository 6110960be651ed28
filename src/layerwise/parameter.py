"""What a layer learns, and how an optimizer sees all of it as one vector."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from layerwise.arrays import Array, Matrix, Vector, as_floating, matrix_multiply


class Parameter:
    """P and dL/dP: numbers that a layer learns, and the gradient of the loss L for them.

    `value` and `grad` have one shape and one dtype, float64 or float32. Both are live: the arrays
    change when the optimizer steps, so copy them to keep them. Assigning `value` copies into
    place; `grad` is only added to, with `add_grad`, and zeroed.

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

        Raises ValueError for another shape, TypeError for another dtype; nothing is added then.
        """
        own = self._grad
        if grad.shape != own.shape:
            raise ValueError(
                f"Parameter: a gradient of shape {grad.shape} came for a value of shape "
                f"{own.shape}: sum it over the axes that forward broadcast over"
            )
        if grad.dtype != own.dtype:
            raise self._dtype_error(grad.dtype)
        own += grad
        self.has_grad = True

    def add_product(self, A: Array, B: Matrix) -> None:
        """Add A B to the gradient, as `add_grad(A @ B)` does; A is a matrix or a vector.

        The first goes straight into place, over whatever was written there by other means.

        Raises what `add_grad` raises, TypeError for A or B of another dtype, and ValueError for
        A and B that do not fit.
        """
        own = self._grad
        if not A.dtype == B.dtype == own.dtype:
            raise self._dtype_error(B.dtype if B.dtype != own.dtype else A.dtype)
        if not self.has_grad and B.ndim == 2 and 1 <= A.ndim <= 2:
            try:
                A.dot(B, own)
                self.has_grad = True
                return
            except ValueError:  # it does not go into place: of another shape, or no plain array
                pass
        vector = A.ndim == 1
        product = matrix_multiply(A[np.newaxis] if vector else A, B)
        self.add_grad(product[0] if vector else product)

    def zero_grad(self) -> None:
        """Set the gradient to zero."""
        self._grad.fill(0)
        self.has_grad = False

    def _dtype_error(self, came: np.dtype[Any]) -> TypeError:
        return TypeError(
            f"Parameter: a gradient of dtype {came} came for a value of dtype {self.dtype}: "
            "compute the whole way back in one dtype"
        )

    def __repr__(self) -> str:
        return f"Parameter(shape={self.shape}, dtype={self.dtype})"


class ParameterVector:
    """θ = (P₁, P₂, …): parameters packed into one vector, and their gradients into another.

    `value` and `grad` are 1-D; from now on each parameter's arrays are views of them, so that an
    optimizer is a formula on two vectors. A parameter given twice is packed once.

    A parameter's own arrays are the truth. When another vector has taken a parameter since,
    `collect` copies it back here; a copy or a pickle packs anew, over the copied parameters.

    Raises ValueError for no parameters, TypeError for two dtypes.

    >>> a, b = Parameter(np.zeros(2)), Parameter(np.ones((1, 2)))
    >>> vector = ParameterVector([a, b]); a.value = np.array([5.0, 6.0]); vector.value
    array([5., 6., 1., 1.])
    """

    def __init__(self, parameters: Iterable[Parameter]) -> None:
        self.parameters = list(dict.fromkeys(parameters))
        if not self.parameters:
            raise ValueError(
                "ParameterVector: no parameters came, expected at least one: "
                "does the network have a layer that learns?"
            )
        for i, parameter in enumerate(self.parameters):
            if not isinstance(parameter, Parameter):
                raise TypeError(
                    f"ParameterVector: item {i} is {type(parameter).__name__}, expected a "
                    "Parameter: give network.parameters(), not the network"
                )
        dtypes = {parameter.dtype for parameter in self.parameters}
        if len(dtypes) > 1:
            raise TypeError(
                f"ParameterVector: parameters of {' and '.join(sorted(map(str, dtypes)))} came, "
                "expected one dtype: make all layers with the same dtype="
            )
        size = sum(parameter.value.size for parameter in self.parameters)
        self.value: Vector = np.empty(size, self.parameters[0].dtype)
        self.grad: Vector = np.empty_like(self.value)
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
                value[...], grad[...] = parameter._value, parameter._grad
                parameter._value, parameter._grad = value, grad
        return has_grad

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to zero."""
        self.collect()
        self.grad.fill(0)
        for parameter in self.parameters:
            parameter.has_grad = False

    def __reduce__(self) -> tuple[type["ParameterVector"], tuple[list[Parameter]]]:
        return ParameterVector, (self.parameters,)
