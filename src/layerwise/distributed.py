"""Training on many processes, each with rows of its own: one Allreduce a step, by MPI.

With more than one process, an error that nobody catches on one of them ends all, from the import
of this module on: the others would wait for it for ever.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from traceback import format_exception
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layerwise.arguments import of_type, positive
from layerwise.arrays import Vector
from layerwise.layers.base import Layer, arrays, layers
from layerwise.optimizers.base import LearningRate, Optimizer

try:
    from mpi4py import MPI
except ImportError as error:
    raise ImportError(
        "layerwise.distributed needs mpi4py, which is not installed: pip install 'layerwise[mpi]'"
    ) from error
except RuntimeError as error:
    raise ImportError(
        "layerwise.distributed needs an MPI library, which mpi4py did not find: load that of your "
        "cluster, or pip install mpich"
    ) from error


class DataParallel(Optimizer):
    """θ ← step(θ, Σᵣ wᵣ gᵣ / Σᵣ wᵣ): one optimizer on many processes, each with rows of its own.

    gᵣ is the gradient of process r, of a mean over rows of the total weight wᵣ: so the step is that
    of one process with all the rows, to rounding. Clipping, decay and schedules are those of the
    optimizer given, and act on the sum. `train` and `fit` hand over the weights, with sample
    weights where there are some, and their losses and metrics become means over all rows.

    Make it on every process of the communicator, over a network of the same form, and train with
    as many batches on each. Values, moments and steps become those of rank 0, here and again when
    `train` begins; what else layers keep before the first step only: from then on each rank has
    running statistics, such as those of BatchNorm, and from the start generators of its own.

    Raises ValueError, the same on every rank, for what differs between them: here the optimizer,
    its settings, dtype or shapes, in `train` the network or the number of batches. Source: Goyal et
    al. 2017, arXiv:1706.02677, section 3.

    >>> from layerwise import SGD, Parameter; p = Parameter(np.array([1.0]))
    >>> optimizer = DataParallel(SGD([p], 0.1), MPI.COMM_SELF)
    >>> p.add_grad(np.array([2.0])); optimizer.step(weight=32); p.value
    array([0.8])
    """

    def __init__(self, optimizer: Optimizer, communicator: MPI.Intracomm) -> None:
        remedy = "make one: Adam(network.parameters())"
        of_type("DataParallel", "optimizer", optimizer, Optimizer, remedy)
        remedy = "mpi4py.MPI.COMM_WORLD is all processes"
        of_type("DataParallel", "communicator", communicator, MPI.Intracomm, remedy)
        self.optimizer, self.communicator = optimizer, communicator
        self.vector, self.moments = optimizer.vector, optimizer.moments
        self._sum: Vector = np.empty(self.vector.value.size + 1, self.vector.value.dtype)
        form = {"optimizer": self.kind, "dtype": self._sum.dtype, "moments": len(self.moments)}
        shapes = {f"parameter {i}": p.shape for i, p in enumerate(self.vector.parameters)}
        self._refuse_others(form | shapes)
        self._take_those_of_rank_0()
        settings = {
            name.strip("_"): repr(setting)
            for name, setting in vars(optimizer).items()
            if isinstance(setting, int | float | str | tuple | None)
        }
        self._refuse_others(settings)

    def step(self, weight: float = 1.0) -> None:
        """Change the values by the mean of all gradients, each of which counts by its `weight`.

        In a loop by hand give what the gradient is a mean over: `optimizer.step(len(X))`.
        """
        weight = positive("DataParallel", "weight", weight)
        if self.vector.collect():  # else the optimizer refuses to step
            weighted = self._sum[:-1]
            np.multiply(self.vector.grad, weight, out=weighted)
            self._sum[-1] = weight
            self.communicator.Allreduce(MPI.IN_PLACE, self._sum)
            np.divide(weighted, self._sum[-1], out=self.vector.grad)
        self.optimizer.step()

    def mean(self, value: float, weight: float) -> float:
        """Σᵣ wᵣ vᵣ / Σᵣ wᵣ, added in the order of ranks, so that all get the same bits."""
        pairs: list[tuple[float, float]] = self.communicator.allgather((value, weight))
        return sum(v * w for v, w in pairs) / sum(w for _, w in pairs)

    def agree(self, network: Layer[Any, Any], **run: object) -> None:
        """Refuse networks and runs that differ between ranks; begin from the values of rank 0."""
        kinds = {path or "network": type(layer).__name__ for path, layer in layers(network).items()}
        forms = {path: f"{array.shape} {array.dtype}" for path, array in arrays(network).items()}
        self._refuse_others({**kinds, **forms, **run})
        self._take_those_of_rank_0()
        if not self.steps:  # later each rank has running statistics of its own
            network.load_state(self.communicator.bcast(network.state()))

    def _refuse_others(self, facts: Mapping[str, object]) -> None:
        """Raise, on every rank alike, where a rank has other facts than rank 0."""
        first, *others = self.communicator.allgather(facts)
        for rank, other in enumerate(others, start=1):
            for name in {**first, **other}:
                came, expected = other.get(name, "missing"), first.get(name, "missing")
                if came != expected:
                    raise ValueError(
                        f"DataParallel: {name} is {came} on rank {rank} and {expected} on rank 0, "
                        "expected one for all: make the same network and optimizer on every rank, "
                        "and give each rank rows for as many batches"
                    )

    def _take_those_of_rank_0(self) -> None:
        self.vector.collect()
        self.communicator.Bcast(self.vector.value)
        self.optimizer.load_state(self.communicator.bcast(self.optimizer.state()))

    # What follows is the optimizer's own, seen from here.

    @property
    def kind(self) -> str:
        """The name of the formula: a file of `saving` is one of that optimizer."""
        return self.optimizer.kind

    @property
    def steps(self) -> int:
        """How many steps were made."""
        return self.optimizer.steps

    @steps.setter
    def steps(self, new: int) -> None:
        self.optimizer.steps = new

    @property
    def learning_rate(self) -> float:
        """As Optimizer has it; assign the same on every rank."""
        return self.optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, new: LearningRate) -> None:
        self.optimizer.learning_rate = new

    @property
    def clip_norm(self) -> float | None:
        """As Optimizer has it; assign the same on every rank."""
        return self.optimizer.clip_norm

    @clip_norm.setter
    def clip_norm(self, new: float | None) -> None:
        self.optimizer.clip_norm = new

    def reset(self) -> None:
        """Forget the steps made."""
        self.optimizer.reset()

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Copy a state into place, of this optimizer or of one like that given."""
        self.optimizer.load_state(state)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Share the moments with the copy of the optimizer."""
        vars(self).update(state, moments=state["optimizer"].moments)

    def update(self, value: Vector, grad: Vector, *moments: Vector) -> None:
        """Change `value` as the optimizer does."""
        self.optimizer.update(value, grad, *moments)


def _end_together(communicator: MPI.Intracomm) -> None:
    """From now on an error that nobody catches ends all processes of the communicator."""
    if communicator.size > 1:
        sys.excepthook = partial(_end_all, communicator)


def _end_all(
    communicator: MPI.Intracomm,
    kind: type[BaseException],
    error: BaseException,
    traceback: TracebackType | None,
) -> None:
    error.add_note(f"This was rank {communicator.rank} of {communicator.size}: all end now.")
    try:
        sys.stdout.flush()
        sys.stderr.write("".join(format_exception(error)))  # at once: others may write, too
        sys.stderr.flush()
    finally:
        communicator.Abort(1)


_end_together(MPI.COMM_WORLD)
