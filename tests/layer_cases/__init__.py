"""The table of layers that the contract tests run over: one file for each family."""

from tests.layer_cases.activations import ACTIVATIONS
from tests.layer_cases.case import AnyLayer, LayerCase
from tests.layer_cases.composition import COMPOSITION
from tests.layer_cases.core import CORE
from tests.layer_cases.images import IMAGES
from tests.layer_cases.recurrent import RECURRENT
from tests.layer_cases.regularization import REGULARIZATION
from tests.layer_cases.sequences import SEQUENCES

LAYERS = [
    *CORE,
    *ACTIVATIONS,
    *COMPOSITION,
    *IMAGES,
    *RECURRENT,
    *REGULARIZATION,
    *SEQUENCES,
]

__all__ = ["LAYERS", "AnyLayer", "LayerCase"]
