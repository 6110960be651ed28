"""The whole file: a network or an estimator, the names of what goes in and out, and the version."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from numpy.typing import DTypeLike
from onnx import ModelProto, checker, helper

from layerwise.arguments import Row, described
from layerwise.layers.base import Layer, arrays
from layerwise.onnx.graph import IR, VERSION, Graph
from layerwise.onnx.table import apply
from layerwise.onnx.tensor import Tensor, given
from layerwise.onnx.trial import one_or_all, trial
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
    rows, expected = trial(layer, input_shape, mask=mask, dtype=dtype)
    graph = Graph({f"network.{path}": array for path, array in arrays(layer).items()})
    inputs = [given(graph, name, A.dtype, A.shape[1:]) for name, A in rows.items()]
    Y = apply(layer, one_or_all(inputs))
    if (Y.dtype, Y.row) != (expected.dtype, expected.shape[1:]):
        raise ValueError(
            f"to_onnx: the entries in the table make {Y.dtype} {Y.row} per row, expected "
            f"{expected.dtype} {expected.shape[1:]}, which the network gives: an entry says "
            "something else than its layer"
        )
    outputs = {name: answer.named for name, answer in answers(Y).items()}
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
