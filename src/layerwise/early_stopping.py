"""When training has gone on for long enough, and what it was best at."""

from __future__ import annotations

from math import inf
from numbers import Real
from typing import Any

from layerwise.arguments import described, of_type, whole_number
from layerwise.history import Epoch
from layerwise.layers.base import Layer


class EarlyStopping:
    """Stop once the loss has not become lower for `patience` epochs; keep the best state.

    For a loop of one's own; `fit(..., patience=10)` has it built in. What counts is the validation
    loss of an epoch, or its loss where there is none; or any number to be made small. Of equal ones
    the first is the best. `lowest` is the lowest so far, `state` what `network.state()` was then:
    first infinity, and the network as it came. The optimizer is no part of it.

    Raises TypeError for what is no layer, ValueError for a patience below 1. Source: Prechelt,
    "Early stopping, but when?", 1998.

    >>> from layerwise import Dense
    >>> stopping = EarlyStopping(Dense(2, 1), patience=2)
    >>> [stopping.should_stop(loss) for loss in (3.0, 1.0, 1.0, 2.0)]
    [False, False, False, True]
    """

    def __init__(self, network: Layer[Any, Any], patience: int) -> None:
        of_type("EarlyStopping", "network", network, Layer, "it keeps the state of a network")
        self.network = network
        self.patience = whole_number("EarlyStopping", "patience", patience)
        self.lowest, self.state, self._waited = inf, network.state(), 0

    def should_stop(self, epoch: Epoch | float) -> bool:
        """Keep the state if this epoch is the best so far; whether patience is at its end."""
        given: object = epoch
        if isinstance(epoch, Epoch):
            epoch = epoch.loss if epoch.validation_loss is None else epoch.validation_loss
        elif not isinstance(given, Real):
            raise TypeError(
                f"EarlyStopping: {described(given)} came, expected an Epoch or a number: call it "
                "once after each epoch"
            )
        self._waited += 1
        if epoch < self.lowest:
            self.lowest, self.state, self._waited = epoch, self.network.state(), 0
        return self._waited >= self.patience

    def restore(self) -> None:
        """Put the best state back."""
        self.network.load_state(self.state)
