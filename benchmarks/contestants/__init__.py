"""Who takes part: one module each, with what it runs for a workload.

A contestant makes its model, from the workload's first weights, outside the time that is measured,
and returns a function that does the measured work: training gives the mean loss of each epoch,
inference the answers of one call, and a pass what `Pass` says, images channels last.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from benchmarks.workloads import Inference, Pass, Training, Workload

BARE, OURS, NAIVE, SKLEARN = "bare products", "Layerwise", "naive NumPy", "scikit-learn"
EAGER, FUSED, JAX = "torch eager", "torch fused", "jax"
LAST = "torch channels last"  # of images: its default layout has the channels first

HOMES = {  # the module here, and the library it needs
    BARE: ("bare", "numpy"),
    OURS: ("layerwise", "layerwise"),
    NAIVE: ("naive", "numpy"),
    SKLEARN: ("scikit_learn", "sklearn"),
    EAGER: ("torch", "torch"),
    FUSED: ("torch", "torch"),
    LAST: ("torch", "torch"),
    JAX: ("jax", "jax"),
}


@dataclass(frozen=True)
class Contestant:
    """What it runs for a workload; without one of these functions it takes no part there."""

    training: Callable[[Training], Callable[[], list[float]]]
    inference: Callable[[Inference], Callable[[], Any]] | None = None
    layer: Callable[[Pass], Callable[[], Any]] | None = None
    takes: str = "rows"  # what it trains on: "rows", "images" or "both"
    gives: str = "logits"  # what inference returns: "logits", "probabilities" or "nothing"
    tolerance: float = 1e-3  # by how much, relatively, its losses may differ

    def entry(self, workload: Workload) -> Callable[[], Callable[[], Any]] | None:
        """What makes its run of this workload; None where it takes no part."""
        if isinstance(workload, Training):
            fits = self.takes in {"both", "images" if workload.kernels else "rows"}
            return partial(self.training, workload) if fits else None
        if isinstance(workload, Inference):
            return None if self.inference is None else partial(self.inference, workload)
        products = workload.W is not None or workload.layer == "MultiHeadAttention"
        no_products = not products and self.gives == "nothing"
        no_images = workload.X.ndim != 4 and self.takes == "images"
        if self.layer is None or no_products or no_images:
            return None
        return partial(self.layer, workload)


def installed() -> list[str]:
    """The names of those whose library is installed, in the order of the table's columns."""
    return [name for name, (_, library) in HOMES.items() if find_spec(library) is not None]


def load(name: str) -> Contestant:
    """The contestant of this name; imports its library and no other."""
    found: dict[str, Contestant] = import_module(f"{__name__}.{HOMES[name][0]}").CONTESTANTS
    return found[name]
