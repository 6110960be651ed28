"""Layerwise: a minimal, typed neural-layer toolkit on NumPy."""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

from layerwise.arrays import Array, Indices, Matrix, Vector, matrix_multiply
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
from layerwise.parameter import Parameter, ParameterVector

if TYPE_CHECKING:
    from layerwise.diagnosis import Diagnosis, diagnose
    from layerwise.early_stopping import EarlyStopping
    from layerwise.generation import generate
    from layerwise.gradients import (
        GradientReport,
        check_gradient,
        check_layer,
        check_loss,
        numerical_gradient,
    )
    from layerwise.history import Epoch, History
    from layerwise.layers.attention import MultiHeadAttention
    from layerwise.layers.bidirectional import Bidirectional
    from layerwise.layers.composition import Parallel, Residual
    from layerwise.layers.convolution import Conv1D, Conv2D
    from layerwise.layers.dropout import Dropout, GaussianNoise
    from layerwise.layers.embedding import Embedding
    from layerwise.layers.exponential_units import ELU, SELU, elu, selu
    from layerwise.layers.gru import GRU
    from layerwise.layers.lstm import LSTM
    from layerwise.layers.normalization import BatchNorm
    from layerwise.layers.pooling import AveragePool2D, GlobalAveragePool2D, MaxPool2D, UpSample2D
    from layerwise.layers.positions import PositionalEncoding, PositionEmbedding
    from layerwise.layers.rectifiers import HardSigmoid, LeakyReLU, PReLU, hard_sigmoid, leaky_relu
    from layerwise.layers.rnn import RNN
    from layerwise.layers.row_normalization import GroupNorm, LayerNorm, RMSNorm
    from layerwise.layers.shape import Flatten, Reshape
    from layerwise.layers.smooth_activations import GELU, SiLU, Softplus, gelu, silu, softplus
    from layerwise.layers.softmax import LogSoftmax, Softmax, log_softmax
    from layerwise.layers.standardize import Standardize
    from layerwise.layers.time_distributed import TimeDistributed
    from layerwise.layers.transformer import TransformerBlock
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
    from layerwise.optimizers.adam import Adam, AdamW
    from layerwise.optimizers.adaptive import Adagrad, RMSprop
    from layerwise.optimizers.base import Optimizer
    from layerwise.optimizers.lion import Lion
    from layerwise.optimizers.sgd import SGD
    from layerwise.penalties import L1, L2
    from layerwise.schedules import cosine, exponential_decay, one_cycle, step_decay
    from layerwise.training import fit, train
else:
    # Imported when first asked for (SPEC 1): together they take longer than the rest.
    _LATER = {
        "diagnosis": ["Diagnosis", "diagnose"],
        "early_stopping": ["EarlyStopping"],
        "generation": ["generate"],
        "gradients": [
            "GradientReport",
            "check_gradient",
            "check_layer",
            "check_loss",
            "numerical_gradient",
        ],
        "history": ["Epoch", "History"],
        "layers.attention": ["MultiHeadAttention"],
        "layers.bidirectional": ["Bidirectional"],
        "layers.composition": ["Parallel", "Residual"],
        "layers.convolution": ["Conv1D", "Conv2D"],
        "layers.dropout": ["Dropout", "GaussianNoise"],
        "layers.embedding": ["Embedding"],
        "layers.exponential_units": ["ELU", "SELU", "elu", "selu"],
        "layers.gru": ["GRU"],
        "layers.lstm": ["LSTM"],
        "layers.normalization": ["BatchNorm"],
        "layers.pooling": ["AveragePool2D", "GlobalAveragePool2D", "MaxPool2D", "UpSample2D"],
        "layers.positions": ["PositionEmbedding", "PositionalEncoding"],
        "layers.rectifiers": ["HardSigmoid", "LeakyReLU", "PReLU", "hard_sigmoid", "leaky_relu"],
        "layers.rnn": ["RNN"],
        "layers.row_normalization": ["GroupNorm", "LayerNorm", "RMSNorm"],
        "layers.shape": ["Flatten", "Reshape"],
        "layers.smooth_activations": ["GELU", "SiLU", "Softplus", "gelu", "silu", "softplus"],
        "layers.softmax": ["LogSoftmax", "Softmax", "log_softmax"],
        "layers.standardize": ["Standardize"],
        "layers.time_distributed": ["TimeDistributed"],
        "layers.transformer": ["TransformerBlock"],
        "losses": [
            "Hinge",
            "Huber",
            "MeanAbsoluteError",
            "MeanSquaredError",
            "Poisson",
            "SigmoidCrossEntropy",
            "SoftmaxCrossEntropy",
        ],
        "metrics": ["accuracy"],
        "optimizers.adam": ["Adam", "AdamW"],
        "optimizers.adaptive": ["Adagrad", "RMSprop"],
        "optimizers.base": ["Optimizer"],
        "optimizers.lion": ["Lion"],
        "optimizers.sgd": ["SGD"],
        "penalties": ["L1", "L2"],
        "schedules": ["cosine", "exponential_decay", "one_cycle", "step_decay"],
        "training": ["fit", "train"],
    }
    _ROOMS = {name: room for room, names in _LATER.items() for name in names}

    def __getattr__(name: str) -> object:
        if name in {*_LATER, "distributed", "estimators", "onnx", "saving", "testing"}:
            return _import_module(f"layerwise.{name}")
        if name not in _ROOMS:
            raise AttributeError(f"module 'layerwise' has no attribute {name!r}")
        return getattr(_import_module(f"layerwise.{_ROOMS[name]}"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__version__ = "0.2.0"

__all__ = [
    "ELU",
    "GELU",
    "GRU",
    "L1",
    "L2",
    "LSTM",
    "RNN",
    "SELU",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Array",
    "AveragePool2D",
    "BatchNorm",
    "Bidirectional",
    "Conv1D",
    "Conv2D",
    "Dense",
    "Diagnosis",
    "Dropout",
    "EarlyStopping",
    "Embedding",
    "Epoch",
    "Flatten",
    "GaussianNoise",
    "GlobalAveragePool2D",
    "GradientReport",
    "GroupNorm",
    "HardSigmoid",
    "Hinge",
    "History",
    "Huber",
    "Indices",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Lion",
    "LogSoftmax",
    "Matrix",
    "MaxPool2D",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "MultiHeadAttention",
    "Optimizer",
    "PReLU",
    "Parallel",
    "Parameter",
    "ParameterVector",
    "Poisson",
    "PositionEmbedding",
    "PositionalEncoding",
    "RMSNorm",
    "RMSprop",
    "ReLU",
    "Reshape",
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
    "TransformerBlock",
    "UpSample2D",
    "Vector",
    "accuracy",
    "check_gradient",
    "check_layer",
    "check_loss",
    "constant",
    "cosine",
    "diagnose",
    "elu",
    "exponential_decay",
    "fit",
    "gelu",
    "generate",
    "glorot_normal",
    "glorot_uniform",
    "hard_sigmoid",
    "he_normal",
    "he_uniform",
    "leaky_relu",
    "lecun_normal",
    "lecun_uniform",
    "log_softmax",
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
