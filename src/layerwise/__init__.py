"""Layerwise: a minimal, typed neural-layer toolkit on NumPy."""

from typing import TYPE_CHECKING

from layerwise.arrays import Array, Indices, Matrix, Vector, matrix_multiply
from layerwise.initializers import glorot_normal, glorot_uniform, he_normal, he_uniform
from layerwise.layers.activations import ReLU, Sigmoid, Tanh, relu, sigmoid, softmax
from layerwise.layers.base import Layer
from layerwise.layers.dense import Dense
from layerwise.losses import MeanSquaredError, SigmoidCrossEntropy, SoftmaxCrossEntropy
from layerwise.network import Sequential
from layerwise.optimizers import SGD, Adam, Optimizer
from layerwise.parameter import Parameter, ParameterVector
from layerwise.training import History, fit

if TYPE_CHECKING:
    from layerwise.gradients import GradientReport, check_layer, check_loss, numerical_gradient
else:

    def __getattr__(name: str) -> object:
        """Import the gradient checker when it is first asked for: it takes as long as the rest."""
        if name in {"GradientReport", "check_layer", "check_loss", "numerical_gradient"}:
            from layerwise import gradients  # noqa: PLC0415  # see above

            return getattr(gradients, name)
        raise AttributeError(f"module 'layerwise' has no attribute {name!r}")


__version__ = "0.1.0"

__all__ = [
    "SGD",
    "Adam",
    "Array",
    "Dense",
    "GradientReport",
    "History",
    "Indices",
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
]
