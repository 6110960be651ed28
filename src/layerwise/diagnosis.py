"""How large numbers are as they go through a network, and as their gradients come back."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from math import nan, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from layerwise.arguments import of_type, pair_from, to_call
from layerwise.data import Data, Examples, parts
from layerwise.layers.base import Layer, Out, layers
from layerwise.losses import Loss

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def diagnose(network: Layer[Data, Out], X: Data, y: NDArray[Any], loss: Loss[Out]) -> Diagnosis:
    """For each layer the rms of Y, of dL/dY and of each dL/dP, with rms(A) = √ mean(A²).

    One forward and one backward of all rows of X at once, as in training, on a copy: nothing of the
    network is changed. A few hundred rows tell as much as all of them.

    What to look for: sizes that shrink or grow from layer to layer by a factor, so that gradients
    vanish or explode; gradients of parameters that differ by orders of magnitude; units that are
    dead. A unit is an entry of the last axis, a column of a row or a channel of an image, and it is
    dead where its answer is 0 in all rows and positions, as after a ReLU that no row passes: then
    nothing that leads only to it learns.

    Raises TypeError for arguments of another kind, ValueError for rows that do not match. Source:
    course part 4.1; Glorot and Bengio, "Understanding the difficulty of training deep feedforward
    neural networks", 2010, which has the pictures.

    >>> from layerwise import Dense, MeanSquaredError
    >>> line = Dense(1, 1); line.W.value = np.array([[2.0]])
    >>> diagnose(line, np.array([[1.0], [3.0]]), np.zeros((2, 1)), MeanSquaredError()).loss
    20.0
    """
    of_type("diagnose", "network", network, Layer, "a network is a layer, such as a Sequential")
    to_call("diagnose", "loss", loss, "(Y, target)", "MeanSquaredError()")
    examples = Examples("diagnose: X and y", X, y)
    copy = deepcopy(network)
    copy.zero_grad()
    watched = {path: _Watched(layer) for path, layer in layers(copy).items()}
    Y, backward = pair_from(copy, copy.forward(examples.X), "(Y, backward)")
    value, grad = pair_from(loss, loss(Y, examples.y), "(value, gradient)")
    backward(grad)
    for path, parameter in copy.named_parameters():
        own = max((p for p in watched if not p or path.startswith(f"{p}.")), key=len)
        name = path[len(own) + 1 :] if own else path
        watched[own].parameters[name] = rms(parameter.grad)
    if len(watched) > 1 and not watched[""].parameters:
        del watched[""]  # of a container it says no more than its last layer does
    return Diagnosis(float(value), [layer.found(path) for path, layer in watched.items()])


@dataclass(frozen=True)
class LayerDiagnosis:
    """What was found of one layer: sizes are root mean squares, nan where the layer was not run.

    `answer` is the size of Y, `gradient` that of dL/dY, `parameters` those of dL/dP by name, and
    `dead` the share of units that are 0 throughout.
    """

    path: str
    name: str
    answer: float
    gradient: float
    parameters: dict[str, float]
    dead: float


@dataclass(frozen=True)
class Diagnosis:
    """What `diagnose` found: the loss, and each layer. As text it is a table.

    >>> print(Diagnosis(0.5, [LayerDiagnosis("0", "ReLU()", 1.0, 0.1, {}, dead=0.25)]))
    loss 0.5
       layer         Y    dL/dY  dead  dL/dP
    0  ReLU()  1.0e+00  1.0e-01   25%
    """

    loss: float
    layers: list[LayerDiagnosis]

    def __str__(self) -> str:
        rows = [["", "layer", "Y", "dL/dY", "dead", "dL/dP"]]
        for layer in self.layers:
            sizes = [f"{size:.1e}" for size in (layer.answer, layer.gradient)]
            gradients = ", ".join(f"{name} {size:.1e}" for name, size in layer.parameters.items())
            rows.append([layer.path, layer.name, *sizes, f"{layer.dead:.0%}", gradients])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        layout = "  ".join(f"{{:{side}{w}}}" for side, w in zip("<<>>><", widths, strict=True))
        lines = [layout.format(*row).rstrip() for row in rows]
        return "\n".join([f"loss {self.loss:.4g}", *lines])

    def plot(self, path: str | Path | None = None) -> Figure:
        """The sizes by layer, on a scale of powers of ten, and the dead units; saved to `path`.

        Raises ImportError without matplotlib.
        """
        from matplotlib.figure import Figure  # noqa: PLC0415  # needed by nothing else

        figure = Figure(figsize=(10, 5), layout="constrained")
        sizes, dead = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        places = range(len(self.layers))
        for label, shape in ("answer", "o-"), ("gradient", "s-"):
            drawn = [getattr(layer, label) for layer in self.layers]
            sizes.plot(places, drawn, shape, label={"answer": "Y", "gradient": "dL/dY"}[label])
        own = [(i, size) for i in places for size in self.layers[i].parameters.values()]
        sizes.plot([i for i, _ in own], [size for _, size in own], "x", label="dL/dP")
        sizes.set(yscale="log", ylabel="root mean square", title=f"loss {self.loss:.4g}")
        sizes.legend()
        dead.bar(places, [layer.dead for layer in self.layers], color="tab:gray")
        labels = [f"{layer.path} {layer.name.partition('(')[0]}" for layer in self.layers]
        dead.set(ylim=(0, 1), ylabel="dead units", xticks=places)
        dead.set_xticks(places, labels, rotation=45, ha="right")
        if path is not None:
            figure.savefig(path)
        return figure


class _Watched:
    """A layer whose forward, from now on, notes what goes through it; each time that it is run."""

    def __init__(self, layer: Layer[Any, Any]) -> None:
        self.name = repr(layer) if len(layers(layer)) == 1 else type(layer).__name__
        self.answers: list[NDArray[Any]] = []
        self.gradients: list[NDArray[Any]] = []
        self.parameters: dict[str, float] = {}
        unwatched = layer.forward

        def forward(X: Any, /) -> tuple[Any, Callable[[Any], Any]]:
            Y, way_back = unwatched(X)
            self.answers += parts(Y)

            def backward(grad: Any) -> Any:
                self.gradients.extend(parts(grad))
                return way_back(grad)

            return Y, backward

        vars(layer)["forward"] = forward  # of this one layer, which is a copy

    def found(self, path: str) -> LayerDiagnosis:
        """What was noted, as numbers."""
        sizes = rms(*self.answers), rms(*self.gradients)
        return LayerDiagnosis(path, self.name, *sizes, self.parameters, dead_units(*self.answers))


def rms(*arrays: NDArray[Any]) -> float:
    """√ mean(A²) over all entries of all arrays, in float64; nan of none.

    >>> rms(np.array([3.0, 4.0, 0.0, 0.0]))
    2.5
    """
    count = sum(A.size for A in arrays)
    squares = sum(float(np.square(A, dtype=np.float64).sum()) for A in arrays)
    return sqrt(squares / count) if count else nan


def dead_units(*answers: NDArray[Any]) -> float:
    """The share of entries of the last axis that are 0 in all answers; nan of none.

    >>> dead_units(np.array([[0.0, 1.0], [0.0, 0.0]]))
    0.5
    """
    units = [np.any(A.reshape(-1, A.shape[-1]), axis=0) for A in answers if A.ndim]
    if len({len(alive) for alive in units}) != 1:
        return nan
    return float(1 - np.any(units, axis=0).mean())
