"""What training measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Epoch:
    """What `train` measured in one epoch, the first of which has the number 1.

    `loss` is the mean over the rows, each as its batch came by, while the values were changing.
    `validation_loss` and `metrics` are of the values after the epoch.

    >>> Epoch(number=1, loss=0.5, validation_loss=None, metrics={"accuracy": 0.9}).metrics
    {'accuracy': 0.9}
    """

    number: int
    loss: float
    validation_loss: float | None
    metrics: Mapping[str, float]


@dataclass
class History:
    """What `fit` measured: the numbers of each `Epoch`, as lists over the epochs.

    `validation_loss` is empty where there is no validation data; `metrics` has a list by name.

    >>> history = History(); history.append(Epoch(1, 0.5, None, {"accuracy": 0.9}))
    >>> history.loss, history.validation_loss, history.metrics
    ([0.5], [], {'accuracy': [0.9]})
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)

    def append(self, epoch: Epoch) -> None:
        """Add the numbers of one more epoch."""
        self.loss.append(epoch.loss)
        if epoch.validation_loss is not None:
            self.validation_loss.append(epoch.validation_loss)
        for name, number in epoch.metrics.items():
            self.metrics.setdefault(name, []).append(number)
