"""Answers in a graph, computed with as one computes with arrays.

The operators: https://onnx.ai/onnx/operators.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray
from onnx import helper

from layerwise.onnx.graph import Graph, Named

Value: TypeAlias = "Tensor | NDArray[Any] | Sequence[int] | float"


@dataclass(frozen=True, eq=False)
class Tensor:
    """An answer in a graph, of the shape (n, *row): + − * / @ with it add to the graph.

    The other side may be a Tensor, or a number or array, which takes its dtype.

    >>> X = given(Graph(), "X", np.float32, (3,)); Y = (2 * X) @ np.ones((3, 5))
    >>> Y.row, Y.dtype
    ((5,), dtype('float32'))
    """

    graph: Graph
    named: Named

    __array_ufunc__ = None  # so that NumPy leaves array + tensor to the tensor

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of its numbers; object for strings."""
        return helper.tensor_dtype_to_np_dtype(self.named.type.tensor_type.elem_type)

    @property
    def row(self) -> tuple[int, ...]:
        """The shape of one row."""
        return tuple(axis.dim_value for axis in self.named.type.tensor_type.shape.dim[1:])

    def astype(self, dtype: DTypeLike) -> Tensor:
        """X with its numbers in another dtype; X itself where it has that one."""
        dtype = np.dtype(dtype)
        if self.dtype == dtype:
            return self
        return node("Cast", self, to=helper.np_dtype_to_tensor_dtype(dtype))

    def floating(self) -> Tensor:
        """X, or in float64 where it has no floats: what a layer without a dtype computes with."""
        return self if self.dtype.kind == "f" else self.astype(np.float64)

    def reshape(self, *row: int) -> Tensor:
        """The same numbers in rows of another shape; as many rows as they then make."""
        return node("Reshape", self, [-1, *row])

    def transpose(self, *axes: int) -> Tensor:
        """The axes in another order."""
        return node("Transpose", self, perm=axes)

    def split(self, parts: int) -> list[Tensor]:
        """Equal parts, side by side along the last axis."""
        return nodes("Split", self, outputs=parts, num_outputs=parts, axis=-1)

    def max(self, *axes: int) -> Tensor:
        """The maximum along these axes, which stay with a length of 1."""
        return node("ReduceMax", self, axes)

    def sum(self, *axes: int) -> Tensor:
        """The sum along these axes, which stay with a length of 1."""
        return node("ReduceSum", self, axes)

    def mean(self, *axes: int) -> Tensor:
        """The mean along these axes, which stay with a length of 1."""
        return node("ReduceMean", self, axes)

    def _with(self, op: str, other: Value, *, reverse: bool = False) -> Tensor:
        other = other if isinstance(other, Tensor) else np.asarray(other, self.dtype)
        return node(op, other, self) if reverse else node(op, self, other)

    def __add__(self, other: Value) -> Tensor:
        return self._with("Add", other)

    def __radd__(self, other: Value) -> Tensor:
        return self._with("Add", other)

    def __sub__(self, other: Value) -> Tensor:
        return self._with("Sub", other)

    def __rsub__(self, other: Value) -> Tensor:
        return self._with("Sub", other, reverse=True)

    def __mul__(self, other: Value) -> Tensor:
        return self._with("Mul", other)

    def __rmul__(self, other: Value) -> Tensor:
        return self._with("Mul", other)

    def __truediv__(self, other: Value) -> Tensor:
        return self._with("Div", other)

    def __rtruediv__(self, other: Value) -> Tensor:
        return self._with("Div", other, reverse=True)

    def __matmul__(self, other: Value) -> Tensor:
        return self._with("MatMul", other)

    def __rmatmul__(self, other: Value) -> Tensor:
        return self._with("MatMul", other, reverse=True)

    def __neg__(self) -> Tensor:
        return node("Neg", self)


def given(graph: Graph, name: str, dtype: DTypeLike, row: tuple[int, ...]) -> Tensor:
    """An input of the graph."""
    return Tensor(graph, graph.input(name, dtype, row))


def node(op: str, *inputs: Value, **attributes: Any) -> Tensor:
    """The answer of any operator of ONNX that has one.

    At least one input is a Tensor. Floats take the dtype of the first one that has floats; whole
    numbers are int64. Raises ValueError for an operator that does not take these.

    >>> node("Max", given(Graph(), "X", np.float32, (3,)), 0.0).row
    (3,)
    """
    (answer,) = nodes(op, *inputs, **attributes)
    return answer


def nodes(op: str, *inputs: Value, outputs: int = 1, **attributes: Any) -> list[Tensor]:
    """The answers of an operator of ONNX that has several."""
    tensors = [value for value in inputs if isinstance(value, Tensor)]
    graph = tensors[0].graph
    floats = next((tensor.dtype for tensor in tensors if tensor.dtype.kind == "f"), None)

    def named(value: Value) -> Named:
        if isinstance(value, Tensor):
            return value.named
        array = np.asarray(value)
        convert = floats is not None and array.dtype.kind == "f"
        return graph.constant(array.astype(floats, copy=False) if convert else array)

    answers = graph.add(op, [named(value) for value in inputs], outputs, **attributes)
    return [Tensor(graph, answer) for answer in answers]
