"""Who takes part: one module each, with what it runs for a workload.

A contestant makes its model, from the workload's first weights, outside the time that is measured,
and returns a function that does the measured work: training gives the mean loss of each epoch,
inference the answers of one call.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from benchmarks.workloads import Inference, Training

BARE, OURS, NAIVE, SKLEARN = "bare products", "Layerwise", "naive NumPy", "scikit-learn"
EAGER, FUSED, JAX = "torch eager", "torch fused", "jax"

HOMES = {  # the module here, and the library it needs
    BARE: ("bare", "numpy"),
    OURS: ("layerwise", "layerwise"),
    NAIVE: ("naive", "numpy"),
    SKLEARN: ("scikit_learn", "sklearn"),
    EAGER: ("torch", "torch"),
    FUSED: ("torch", "torch"),
    JAX: ("jax", "jax"),
}


@dataclass(frozen=True)
class Contestant:
    """What it runs for a workload; without `inference` it only trains."""

    training: Callable[[Training], Callable[[], list[float]]]
    inference: Callable[[Inference], Callable[[], Any]] | None = None
    gives: str = "logits"  # what inference returns: "logits", "probabilities" or "nothing"
    tolerance: float = 1e-3  # by how much, relatively, its losses may differ


def installed() -> list[str]:
    """The names of those whose library is installed, in the order of the table's columns."""
    return [name for name, (_, library) in HOMES.items() if find_spec(library) is not None]


def load(name: str) -> Contestant:
    """The contestant of this name; imports its library and no other."""
    found: dict[str, Contestant] = import_module(f"{__name__}.{HOMES[name][0]}").CONTESTANTS
    return found[name]
