"""A graph of ONNX: nodes in the order in which they are computed, and the numbers in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import count
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray
from onnx import GraphProto, NodeProto, TensorProto, TypeProto, defs, helper, numpy_helper
from onnx.shape_inference import InferenceError, infer_node_outputs

OPSET, IR = 18, 8  # of 2022: the first in which all reductions take their axes alike
VERSION = [helper.make_opsetid("", OPSET)]
ROWS = "n"  # the name of the one length that is left open


class Named(NamedTuple):
    """An answer, a number or an input, as a graph knows it."""

    name: str
    type: TypeProto

    def __str__(self) -> str:
        kind = helper.tensor_dtype_to_np_dtype(self.type.tensor_type.elem_type)
        axes = (axis.dim_param or str(axis.dim_value) for axis in self.type.tensor_type.shape.dim)
        return f"{kind} ({', '.join(axes)})"


class Graph:
    """Nodes, inputs and numbers, and the types of all of them, which the library works out.

    `named` has arrays that keep their names. A graph inside another one shares its numbers.
    """

    def __init__(
        self, named: Mapping[str, NDArray[Any]] | None = None, outer: Graph | None = None
    ) -> None:
        self.nodes: list[NodeProto] = []
        self.inputs: list[Named] = []
        self.names = {id(array): name for name, array in (named or {}).items()}
        self.numbers: dict[tuple[object, ...], TensorProto] = {}
        self.known: dict[str, TensorProto] = {}  # whole numbers, which shapes may depend on
        self.counter = count()
        self.outer = outer
        if outer is not None:
            self.names, self.numbers = outer.names, outer.numbers
            self.known, self.counter = outer.known, outer.counter

    def input(self, name: str, dtype: DTypeLike, row: tuple[int, ...]) -> Named:
        """What is given to the graph, with any number of rows."""
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        given = Named(name, helper.make_tensor_type_proto(kind, (ROWS, *row)))
        self.inputs.append(given)
        return given

    def constant(self, array: NDArray[Any]) -> Named:
        """Numbers or strings that stay in the file, each array once."""
        name = self.names.get(id(array)) or f"constant_{next(self.counter)}"
        array = array.astype(object) if array.dtype.kind == "U" else array
        strings = array.dtype.kind == "O"
        content = tuple(array.flat) if strings else sha256(array.tobytes()).digest()
        key = array.dtype.str, array.shape, content
        if key not in self.numbers:
            self.numbers[key] = numpy_helper.from_array(array, name)
        kept = self.numbers[key]
        if kept.data_type == TensorProto.INT64:
            self.known[kept.name] = kept
        return Named(kept.name, helper.make_tensor_type_proto(kept.data_type, array.shape))

    def add(
        self, op: str, inputs: Sequence[Named], outputs: int = 1, **attributes: Any
    ) -> list[Named]:
        """The answers of an operator. Raises ValueError for inputs that it does not take."""
        name = f"{op}_{next(self.counter)}"
        names = [name] if outputs == 1 else [f"{name}.{i}" for i in range(outputs)]
        made = helper.make_node(op, [given.name for given in inputs], names, name, **attributes)
        try:
            types = infer_node_outputs(
                defs.get_schema(op, OPSET, ""),
                made,
                dict(inputs),
                {given: self.known[given] for given, _ in inputs if given in self.known},
                opset_imports=VERSION,
                ir_version=IR,
            )
        except (InferenceError, defs.SchemaError) as error:
            came = " and ".join(map(str, inputs))
            raise ValueError(f"layerwise.onnx: {op} does not take {came}: {error}") from error
        self.nodes.append(made)
        return [Named(name, types[name]) for name in names]

    def proto(self, name: str, outputs: Mapping[str, Named]) -> GraphProto:
        """The graph in ONNX's form, with its outputs under these names."""
        named = [
            helper.make_node("Identity", [answer.name], [output])
            for output, answer in outputs.items()
        ]
        return helper.make_graph(
            [*self.nodes, *named],
            name,
            [helper.make_value_info(*given) for given in self.inputs],
            [helper.make_value_info(output, answer.type) for output, answer in outputs.items()],
            initializer=[] if self.outer else list(self.numbers.values()),
        )
