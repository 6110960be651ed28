"""A graph of ONNX, written down as one writes arithmetic.

The operators: https://onnx.ai/onnx/operators. The library works out their shapes and dtypes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray
from onnx import GraphProto, NodeProto, TensorProto, TypeProto, defs, helper, numpy_helper
from onnx.shape_inference import InferenceError, infer_node_outputs

OPSET, IR = 18, 8  # of 2022: the first in which all reductions take their axes alike
VERSION = [helper.make_opsetid("", OPSET)]
ROWS = "n"  # the name of the one length that is left open

Value: TypeAlias = "Tensor | NDArray[Any] | Sequence[int] | float"


@dataclass(frozen=True, eq=False)
class Tensor:
    """An answer in a graph, of the shape (n, *row): + − * / @ with it add to the graph.

    The other side may be a Tensor, or a number or array, which takes its dtype.

    >>> X = Graph().input("X", np.float32, (3,)); Y = (2 * X) @ np.ones((3, 5))
    >>> Y.row, Y.dtype
    ((5,), dtype('float32'))
    """

    graph: Graph
    name: str
    type: TypeProto

    __array_ufunc__ = None  # so that NumPy leaves array + tensor to the tensor

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of its numbers; object for strings."""
        return helper.tensor_dtype_to_np_dtype(self.type.tensor_type.elem_type)

    @property
    def row(self) -> tuple[int, ...]:
        """The shape of one row."""
        return tuple(axis.dim_value for axis in self.type.tensor_type.shape.dim[1:])

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
        return self.graph.add("Split", [self], outputs=parts, num_outputs=parts, axis=-1)

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
        if not isinstance(other, Tensor):
            other = self.graph.constant(np.asarray(other, self.dtype))
        return node(op, other, self) if reverse else node(op, self, other)

    def __add__(self, other: Value) -> Tensor:
        return self._with("Add", other)

    def __radd__(self, other: Value) -> Tensor:
        return self._with("Add", other, reverse=True)

    def __sub__(self, other: Value) -> Tensor:
        return self._with("Sub", other)

    def __rsub__(self, other: Value) -> Tensor:
        return self._with("Sub", other, reverse=True)

    def __mul__(self, other: Value) -> Tensor:
        return self._with("Mul", other)

    def __rmul__(self, other: Value) -> Tensor:
        return self._with("Mul", other, reverse=True)

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


def node(op: str, *inputs: Value, **attributes: Any) -> Tensor:
    """The answer of any operator of ONNX that has one.

    At least one input is a Tensor. Floats take the dtype of the first one that has floats; whole
    numbers are int64. Raises ValueError for an operator that does not take these.

    >>> node("Max", Graph().input("X", np.float32, (3,)), 0.0).row
    (3,)
    """
    graph = next(value.graph for value in inputs if isinstance(value, Tensor))
    (answer,) = graph.add(op, inputs, **attributes)
    return answer


class Graph:
    """Nodes in the order in which they are computed, and the numbers that they need.

    `named` has arrays that keep their names. A graph inside another one shares its numbers.
    """

    def __init__(
        self, named: Mapping[str, NDArray[Any]] | None = None, outer: Graph | None = None
    ) -> None:
        self.nodes: list[NodeProto] = []
        self.inputs: list[Tensor] = []
        self.names = {id(array): name for name, array in (named or {}).items()}
        self.numbers: dict[tuple[object, ...], TensorProto] = {}
        self.known: dict[str, TensorProto] = {}  # whole numbers, which shapes may depend on
        self.counter = count()
        self.outer = outer
        if outer is not None:
            self.names, self.numbers = outer.names, outer.numbers
            self.known, self.counter = outer.known, outer.counter

    def input(self, name: str, dtype: DTypeLike, row: tuple[int, ...]) -> Tensor:
        """What is given to the graph, with any number of rows."""
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        tensor = Tensor(self, name, helper.make_tensor_type_proto(kind, (ROWS, *row)))
        self.inputs.append(tensor)
        return tensor

    def constant(self, array: NDArray[Any]) -> Tensor:
        """Numbers or strings that stay in the file, each array once."""
        name = self.names.get(id(array)) or f"constant_{next(self.counter)}"
        array = array.astype(object) if array.dtype.kind == "U" else array
        content = tuple(array.flat) if array.dtype.kind == "O" else array.tobytes()
        key = array.dtype.str, array.shape, content
        if key not in self.numbers:
            self.numbers[key] = numpy_helper.from_array(array, name)
        kept = self.numbers[key]
        if kept.data_type == TensorProto.INT64:
            self.known[kept.name] = kept
        return Tensor(self, kept.name, helper.make_tensor_type_proto(kept.data_type, array.shape))

    def add(
        self, op: str, inputs: Sequence[Value], *, outputs: int = 1, **attributes: Any
    ) -> list[Tensor]:
        """The answers of an operator, of which there may be several."""
        given = self._tensors(inputs)
        name = f"{op}_{next(self.counter)}"
        names = [name] if outputs == 1 else [f"{name}.{i}" for i in range(outputs)]
        made = helper.make_node(op, [t.name for t in given], names, name=name, **attributes)
        try:
            types = infer_node_outputs(
                defs.get_schema(op, OPSET, ""),
                made,
                {t.name: t.type for t in given},
                {t.name: self.known[t.name] for t in given if t.name in self.known},
                opset_imports=VERSION,
                ir_version=IR,
            )
        except (InferenceError, defs.SchemaError) as error:
            shapes = ", ".join(f"{t.dtype} {t.row} per row" for t in given)
            raise ValueError(f"layerwise.onnx: {op} does not take {shapes}: {error}") from error
        self.nodes.append(made)
        return [Tensor(self, name, types[name]) for name in names]

    def _tensors(self, inputs: Sequence[Value]) -> list[Tensor]:
        tensors = [value for value in inputs if isinstance(value, Tensor)]
        floats = next((t.dtype for t in tensors if t.dtype.kind == "f"), None)
        given = []
        for value in inputs:
            if isinstance(value, Tensor):
                given.append(value)
                continue
            array = np.asarray(value)
            convert = floats is not None and array.dtype.kind == "f"
            given.append(self.constant(array.astype(floats, copy=False) if convert else array))
        return given

    def proto(self, name: str, outputs: Mapping[str, Tensor]) -> GraphProto:
        """The graph in ONNX's form, with its outputs under these names."""
        named = [
            helper.make_node("Identity", [tensor.name], [output])
            for output, tensor in outputs.items()
        ]
        return helper.make_graph(
            [*self.nodes, *named],
            name,
            [helper.make_value_info(tensor.name, tensor.type) for tensor in self.inputs],
            [helper.make_value_info(output, tensor.type) for output, tensor in outputs.items()],
            initializer=[] if self.outer else list(self.numbers.values()),
        )
