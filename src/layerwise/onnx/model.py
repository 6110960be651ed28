"""The whole file: a network or an estimator, the names of what goes in and out, and the version."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray
from onnx import ModelProto, checker, helper

from layerwise.arguments import Row, described, row_shape
from layerwise.layers.base import Layer, arrays
from layerwise.onnx.graph import IR, VERSION, Graph, Tensor
from layerwise.onnx.table import apply
from layerwise.whole_file import write

if TYPE_CHECKING:
    from layerwise.estimators.base import Estimator

Shapes: TypeAlias = Row | tuple[Row, ...]
Answers: TypeAlias = Callable[[Tensor], dict[str, Tensor]]


def to_onnx(
    network: Layer[Any, Any] | Estimator,
    input_shape: Shapes | None = None,
    *,
    mask: bool = False,
    dtype: DTypeLike | None = None,
) -> ModelProto:
    """What `network(X)` gives, or an estimator predicts, as a model of ONNX, for any rows.

    `input_shape` is the shape of one row of X; it may be left out where the network knows it, as an
    estimator does. For a network of several inputs, as of X and a memory, it is a tuple of such
    shapes. With `mask=True` there is one more input, a boolean for each place of the last of them.

    Inputs are named "X", or "X0", "X1", and "mask"; outputs "Y", of a classifier "label" and
    "probabilities", or "scores" where it has none, of a regressor "predictions". X has integers
    where the network takes no floats, else `dtype`: by default that of the first number that the
    network keeps, and float64 where it keeps none. The metadata has these names, the labels and the
    version.

    Raises ValueError for a shape that the network does not take and for an estimator that is not
    fitted, TypeError for a layer without an entry in the table and for what is no network.

    >>> from layerwise import Dense; model = to_onnx(Dense(3, 2, rng=0))
    >>> [value.name for value in (*model.graph.input, *model.graph.output)]
    ['X', 'Y']
    """
    layer, estimator, answers = _taken_apart(network)
    if input_shape is None:
        input_shape = layer.input_shape if estimator is None else (estimator.n_features_in_,)
    rows = _rows(layer, input_shape, mask=mask, dtype=dtype)
    expected = layer(_one_or_all([*rows.values()]))
    graph = Graph({f"network.{path}": array for path, array in arrays(layer).items()})
    inputs = [graph.input(name, A.dtype, A.shape[1:]) for name, A in rows.items()]
    Y = apply(layer, _one_or_all(inputs))
    if (Y.dtype, Y.row) != (expected.dtype, expected.shape[1:]):
        raise ValueError(
            f"to_onnx: the entries in the table make {Y.dtype} {Y.row} per row, expected "
            f"{expected.dtype} {expected.shape[1:]}, which the network gives: an entry says "
            "something else than its layer"
        )
    outputs = answers(Y)
    about = {"inputs": [*rows], "outputs": [*outputs]}
    if hasattr(estimator, "classes_"):
        about["classes"] = estimator.classes_.tolist()
    model = helper.make_model(
        graph.proto(type(network).__name__, outputs),
        opset_imports=VERSION,
        ir_version=IR,
        producer_name="layerwise",
        producer_version=version("layerwise"),
    )
    texts = {name: json.dumps(value) for name, value in about.items()}
    helper.set_model_props(model, {"layerwise": version("layerwise"), **texts})
    checker.check_model(model, full_check=True)
    return model


def save_onnx(
    path: str | os.PathLike[str],
    network: Layer[Any, Any] | Estimator,
    input_shape: Shapes | None = None,
    *,
    mask: bool = False,
    dtype: DTypeLike | None = None,
) -> None:
    """File ← to_onnx(network, input_shape): whole or not at all, as `layerwise.saving` writes.

    Raises what `to_onnx` raises, before anything is written, and OSError.

    >>> from tempfile import mkdtemp; from layerwise import Dense
    >>> save_onnx(Path(mkdtemp()) / "dense.onnx", Dense(3, 2, rng=0))
    """
    model = to_onnx(network, input_shape, mask=mask, dtype=dtype)
    write(Path(path).resolve(), model.SerializeToString())


def _taken_apart(network: object) -> tuple[Layer[Any, Any], Any, Answers]:
    """The network; the estimator that it is of, or None; and the answers made of its Y, by name."""
    if isinstance(network, Layer):
        return network, None, lambda Y: {"Y": Y}
    # Where there is an estimator, its room was imported; else there is no need for scikit-learn.
    if "layerwise.estimators" in sys.modules:
        from layerwise.estimators.base import Estimator  # noqa: PLC0415
        from layerwise.onnx.estimators import answers  # noqa: PLC0415

        if isinstance(network, Estimator):
            if not hasattr(network, "network_"):
                raise ValueError(
                    f"to_onnx: this {type(network).__name__} is not fitted, so it has no network: "
                    "call fit first"
                )
            return network.network_, network, partial(answers, network)
    raise TypeError(
        f"to_onnx: network is {described(network)}, expected a layer, such as a Sequential, or an "
        "estimator of layerwise.estimators"
    )


def _rows(
    layer: Layer[Any, Any], input_shape: object, *, mask: bool, dtype: DTypeLike | None
) -> dict[str, NDArray[Any]]:
    """Two rows of zeros for each input, by its name: of integers where it takes no floats."""
    if input_shape is None:
        raise ValueError(
            "to_onnx: this network does not know the shape of a row: give input_shape, such as "
            "to_onnx(network, (28, 28, 1))"
        )
    several = isinstance(input_shape, tuple) and any(isinstance(s, tuple) for s in input_shape)
    given: Any = input_shape if several else (input_shape,)
    shapes = [row_shape("to_onnx", "input_shape", shape) for shape in given]
    names = [f"X{i}" for i in range(len(shapes))] if several else ["X"]
    places = {}
    if mask:
        if not layer.takes_mask:
            raise ValueError(
                f"to_onnx: mask=True came, but {type(layer).__name__} takes no mask: leave it out"
            )
        places["mask"] = np.ones((2, *shapes[-1][:1]), bool)
    own = [array.dtype for array in arrays(layer).values() if array.dtype.kind == "f"]
    floats = np.dtype(dtype or (own[0] if own else np.float64))
    if floats not in (np.float32, np.float64):
        raise TypeError(f"to_onnx: dtype={dtype} came, expected float64 or float32")
    refusals: list[Exception] = []
    for dtypes in product((floats, np.dtype(np.int64)), repeat=len(names)):
        each = zip(names, shapes, dtypes, strict=True)
        rows = {name: np.zeros((2, *shape), dtype) for name, shape, dtype in each}
        try:
            with np.errstate(all="ignore"):
                layer(_one_or_all([*rows.values(), *places.values()]))
        except (IndexError, TypeError, ValueError) as error:
            refusals.append(error)
        else:
            return rows | places
    first = next((error for error in refusals if isinstance(error, ValueError)), refusals[0])
    raise ValueError(f"to_onnx: the network takes no rows {input_shape}: {first}") from first


def _one_or_all(inputs: list[Any]) -> Any:
    """What a network is called with: a tuple where there are several inputs."""
    return inputs[0] if len(inputs) == 1 else tuple(inputs)
