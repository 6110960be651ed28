"""What training changes, kept so that an epoch that fails can be undone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layerwise.data import is_finite
from layerwise.layers.base import Layer, walk
from layerwise.optimizers.base import Optimizer


class Snapshot:
    """The state of a network, the values that an optimizer changes, and the layers' generators.

    They are copied into the same arrays each time.
    """

    def __init__(self, network: Layer[Any, Any], optimizer: Optimizer) -> None:
        self.optimizer, self.parameters = optimizer, network.parameters()
        packed, kept = set(optimizer.vector.parameters), [item for _, item in walk(network)]
        self.generators = [item for item in kept if isinstance(item, np.random.Generator)]
        others = [p for p in self.parameters if p not in packed]
        self.holders: list[Any] = [optimizer.vector, *others]  # whose .value is the live array
        self.fixed = [a for a in kept if isinstance(a, np.ndarray) and a.flags.writeable]
        # An array that has −inf from the start, such as a mask, may go on having it.
        self.watched = list(map(is_finite, self._arrays()))
        self.copies = [np.empty_like(array) for array in self._arrays()]

    @contextmanager
    def undone_on_error(self) -> Iterator[None]:
        """Copy everything; if what follows fails, copy it back and reset an optimizer that stepped.

        KeyboardInterrupt and its like leave things as they are, if they are finite. Gradients
        are zero before and after.
        """
        self._zero_grad()
        for array, copy in zip(self._arrays(), self.copies, strict=True):
            copy[...] = array
        steps = self.optimizer.steps
        states = [generator.bit_generator.state for generator in self.generators]
        try:
            yield
        except BaseException as error:
            if isinstance(error, Exception) or not self.finite():
                for failure in self._undo(states):
                    error.add_note(f"Not all of the epoch could be undone: {failure!r}")
                if isinstance(error, FloatingPointError) or self.optimizer.steps != steps:
                    self.optimizer.reset()
            self._zero_grad()
            raise
        self._zero_grad()

    def finite(self) -> bool:
        """Whether every number is still finite in the arrays that were finite at first."""
        pairs = zip(self._arrays(), self.watched, strict=True)
        return all(is_finite(array) for array, watched in pairs if watched)

    def _arrays(self) -> list[NDArray[Any]]:
        """Where everything is now: another optimizer may have moved a parameter's array."""
        self.optimizer.vector.collect()
        return [*(holder.value for holder in self.holders), *self.fixed]

    def _undo(self, states: list[Any]) -> list[Exception]:
        """Put everything back; what could not be."""
        failures: list[Exception] = []
        for array, copy in zip(self._arrays(), self.copies, strict=True):
            try:
                array[...] = copy
            except ValueError as error:  # it refuses writes since
                failures.append(error)
        for generator, state in zip(self.generators, states, strict=True):
            generator.bit_generator.state = state
        return failures

    def _zero_grad(self) -> None:
        self.optimizer.zero_grad()
        for parameter in self.parameters:
            if parameter.has_grad:  # one that the optimizer does not hold
                parameter.zero_grad()
