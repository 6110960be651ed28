"""What training changes, kept so that an epoch that fails can be undone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layerwise.layers.base import Layer, walk
from layerwise.optimizers import Optimizer


class Snapshot:
    """The values that an optimizer changes, and the arrays and generators that layers keep.

    They are copied into the same arrays each time.
    """

    def __init__(self, network: Layer[Any, Any], optimizer: Optimizer) -> None:
        kept = [item for _, item in walk(network)]
        self.optimizer = optimizer
        self.parameters = network.parameters()
        self.arrays = [a for a in kept if isinstance(a, np.ndarray) and a.flags.writeable]
        self.arrays.append(optimizer.vector.value)
        # An array that has −inf from the start, such as a mask, may go on having it.
        self.watched = [array for array in self.arrays if _finite(array)]
        self.copies = [np.empty_like(array) for array in self.arrays]
        self.generators = [item for item in kept if isinstance(item, np.random.Generator)]

    @contextmanager
    def undone_on_error(self) -> Iterator[None]:
        """Copy everything; if what follows fails, copy it back and reset an optimizer that stepped.

        KeyboardInterrupt and its like leave things as they are, if they are finite. Gradients
        are zero before and after.
        """
        self._zero_grad()
        for array, copy in zip(self.arrays, self.copies, strict=True):
            copy[...] = array
        steps = self.optimizer.steps
        states = [generator.bit_generator.state for generator in self.generators]
        try:
            yield
        except BaseException as error:
            if isinstance(error, Exception) or not self.finite():
                for array, copy in zip(self.arrays, self.copies, strict=True):
                    array[...] = copy
                for generator, state in zip(self.generators, states, strict=True):
                    generator.bit_generator.state = state
                if isinstance(error, FloatingPointError) or self.optimizer.steps != steps:
                    self.optimizer.reset()
            raise
        finally:
            self._zero_grad()

    def finite(self) -> bool:
        """Whether every number is still finite in the arrays that were finite at first."""
        return all(map(_finite, self.watched))

    def _zero_grad(self) -> None:
        self.optimizer.zero_grad()
        for parameter in self.parameters:
            if parameter.has_grad:  # one that the optimizer does not hold
                parameter.zero_grad()


def _finite(array: NDArray[Any]) -> bool:
    """Whether all numbers are finite: then their extremes are, which takes no memory to see."""
    if array.size == 0 or array.dtype.kind != "f":
        return True
    return bool(np.isfinite(array.min()) and np.isfinite(array.max()))
