"""The table of layers that the contract tests run over: one file for each family."""

from tests.layer_cases.case import AnyLayer, LayerCase
from tests.layer_cases.core import CORE

LAYERS = [
    *CORE,
]

__all__ = ["LAYERS", "AnyLayer", "LayerCase"]
