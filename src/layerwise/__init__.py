"""Layerwise: a minimal, typed neural-layer toolkit on NumPy."""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

from layerwise.arrays import Array, Indices, Matrix, Vector, matrix_multiply
from layerwise.history import Epoch, History, Interrupted
from layerwise.initializers import glorot_normal, glorot_uniform, he_normal, he_uniform
from layerwise.layers.activations import ReLU, Sigmoid, Tanh, relu, sigmoid, softmax
from layerwise.layers.base import Layer
from layerwise.layers.dense import Dense
from layerwise.losses import MeanSquaredError, SigmoidCrossEntropy, SoftmaxCrossEntropy
from layerwise.network import Sequential
from layerwise.optimizers import SGD, Adam, Optimizer
from layerwise.parameter import Parameter, ParameterVector
from layerwise.training import fit, train

if TYPE_CHECKING:
    from layerwise.gradients import GradientReport, check_layer, check_loss, numerical_gradient
else:
    # Imported when first asked for, because it takes as long as the rest.
    _LATER = {
        "GradientReport": "gradients",
        "check_layer": "gradients",
        "check_loss": "gradients",
        "numerical_gradient": "gradients",
    }

    def __getattr__(name: str) -> object:
        if name not in _LATER:
            raise AttributeError(f"module 'layerwise' has no attribute {name!r}")
        return getattr(_import_module(f"layerwise.{_LATER[name]}"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__version__ = "0.1.0"

__all__ = [
    "SGD",
    "Adam",
    "Array",
    "Dense",
    "Epoch",
    "GradientReport",
    "History",
    "Indices",
    "Interrupted",
    "Layer",
    "Matrix",
    "MeanSquaredError",
    "Optimizer",
    "Parameter",
    "ParameterVector",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "SigmoidCrossEntropy",
    "SoftmaxCrossEntropy",
    "Tanh",
    "Vector",
    "check_layer",
    "check_loss",
    "fit",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "matrix_multiply",
    "numerical_gradient",
    "relu",
    "sigmoid",
    "softmax",
    "train",
]
