"""Layerwise: a minimal, typed neural-layer toolkit on NumPy."""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

from layerwise.arrays import Array, Indices, Matrix, Vector, matrix_multiply
from layerwise.history import Epoch, History, Interrupted
from layerwise.initializers import (
    constant,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    lecun_normal,
    lecun_uniform,
    normal,
    orthogonal,
    uniform,
    zeros,
)
from layerwise.layers.activations import ReLU, Sigmoid, Tanh, relu, sigmoid, softmax
from layerwise.layers.base import Layer
from layerwise.layers.dense import Dense
from layerwise.network import Sequential
from layerwise.optimizers.base import Optimizer
from layerwise.parameter import Parameter, ParameterVector
from layerwise.training import fit, train

if TYPE_CHECKING:
    from layerwise.diagnosis import Diagnosis, diagnose
    from layerwise.early_stopping import EarlyStopping
    from layerwise.gradients import GradientReport, check_layer, check_loss, numerical_gradient
    from layerwise.layers.composition import Parallel, Residual
    from layerwise.layers.dropout import Dropout, GaussianNoise
    from layerwise.layers.exponential_units import ELU, SELU, elu, selu
    from layerwise.layers.normalization import BatchNorm
    from layerwise.layers.rectifiers import HardSigmoid, LeakyReLU, PReLU, hard_sigmoid, leaky_relu
    from layerwise.layers.row_normalization import GroupNorm, LayerNorm, RMSNorm
    from layerwise.layers.smooth_activations import GELU, SiLU, Softplus, gelu, silu, softplus
    from layerwise.layers.softmax import LogSoftmax, Softmax, log_softmax
    from layerwise.layers.standardize import Standardize
    from layerwise.layers.time_distributed import TimeDistributed
    from layerwise.optimizers.adam import Adam, AdamW
    from layerwise.optimizers.adaptive import Adagrad, RMSprop
    from layerwise.optimizers.lion import Lion
    from layerwise.optimizers.sgd import SGD
    from layerwise.schedules import cosine, exponential_decay, one_cycle, step_decay
else:
    # Imported when first asked for, because it takes time, and few programs need all of it.
    from layerwise.losses import (
        Hinge,
        Huber,
        MeanAbsoluteError,
        MeanSquaredError,
        Poisson,
        SigmoidCrossEntropy,
        SoftmaxCrossEntropy,
    )
    from layerwise.metrics import accuracy
    from layerwise.penalties import L1, L2
else:
    # Imported when first asked for, because together they take longer than the rest.
    _LATER = {
        "BatchNorm": "layers.normalization",
        "Dropout": "layers.dropout",
        "ELU": "layers.exponential_units",
        "GELU": "layers.smooth_activations",
        "GaussianNoise": "layers.dropout",
        "L1": "penalties",
        "L2": "penalties",
        "Diagnosis": "diagnosis",
        "EarlyStopping": "early_stopping",
        "GradientReport": "gradients",
        "GroupNorm": "layers.row_normalization",
        "HardSigmoid": "layers.rectifiers",
        "LayerNorm": "layers.row_normalization",
        "LeakyReLU": "layers.rectifiers",
        "LogSoftmax": "layers.softmax",
        "PReLU": "layers.rectifiers",
        "Parallel": "layers.composition",
        "RMSNorm": "layers.row_normalization",
        "Residual": "layers.composition",
        "SELU": "layers.exponential_units",
        "SiLU": "layers.smooth_activations",
        "Softmax": "layers.softmax",
        "Softplus": "layers.smooth_activations",
        "Standardize": "layers.standardize",
        "TimeDistributed": "layers.time_distributed",
        "Hinge": "losses",
        "Huber": "losses",
        "MeanAbsoluteError": "losses",
        "MeanSquaredError": "losses",
        "Poisson": "losses",
        "SigmoidCrossEntropy": "losses",
        "SoftmaxCrossEntropy": "losses",
        "accuracy": "metrics",
        "check_layer": "gradients",
        "check_loss": "gradients",
        "elu": "layers.exponential_units",
        "gelu": "layers.smooth_activations",
        "hard_sigmoid": "layers.rectifiers",
        "leaky_relu": "layers.rectifiers",
        "log_softmax": "layers.softmax",
        "diagnose": "diagnosis",
        "numerical_gradient": "gradients",
        "selu": "layers.exponential_units",
        "silu": "layers.smooth_activations",
        "softplus": "layers.smooth_activations",
        "Adagrad": "optimizers.adaptive",
        "Adam": "optimizers.adam",
        "AdamW": "optimizers.adam",
        "GradientReport": "gradients",
        "Lion": "optimizers.lion",
        "RMSprop": "optimizers.adaptive",
        "SGD": "optimizers.sgd",
        "check_layer": "gradients",
        "check_loss": "gradients",
        "cosine": "schedules",
        "exponential_decay": "schedules",
        "numerical_gradient": "gradients",
        "one_cycle": "schedules",
        "step_decay": "schedules",
    }

    def __getattr__(name: str) -> object:
        if name not in _LATER:
            raise AttributeError(f"module 'layerwise' has no attribute {name!r}")
        return getattr(_import_module(f"layerwise.{_LATER[name]}"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__version__ = "0.1.0"

__all__ = [
    "ELU",
    "GELU",
    "SELU",
    "L1",
    "L2",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Array",
    "BatchNorm",
    "Dense",
    "Dropout",
    "Diagnosis",
    "EarlyStopping",
    "Epoch",
    "GaussianNoise",
    "GradientReport",
    "GroupNorm",
    "HardSigmoid",
    "Hinge",
    "History",
    "Huber",
    "Indices",
    "Interrupted",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "LogSoftmax",
    "Lion",
    "Matrix",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Optimizer",
    "PReLU",
    "Parallel",
    "Parameter",
    "ParameterVector",
    "RMSNorm",
    "RMSprop",
    "Poisson",
    "ReLU",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SigmoidCrossEntropy",
    "Softmax",
    "SoftmaxCrossEntropy",
    "Softplus",
    "Standardize",
    "Tanh",
    "TimeDistributed",
    "Vector",
    "accuracy",
    "check_layer",
    "check_loss",
    "elu",
    "constant",
    "cosine",
    "exponential_decay",
    "diagnose",
    "fit",
    "gelu",
    "glorot_normal",
    "glorot_uniform",
    "hard_sigmoid",
    "he_normal",
    "he_uniform",
    "leaky_relu",
    "log_softmax",
    "lecun_normal",
    "lecun_uniform",
    "matrix_multiply",
    "normal",
    "numerical_gradient",
    "one_cycle",
    "orthogonal",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "step_decay",
    "train",
    "uniform",
    "zeros",
]
