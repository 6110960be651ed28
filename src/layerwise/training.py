"""Training: the loop over epochs and mini-batches."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from functools import partial
from math import isfinite
from typing import TYPE_CHECKING, Any, Generic

import numpy as np
from numpy.typing import NDArray

from layerwise.arguments import (
    diverged,
    number_from,
    of_type,
    pair_from,
    some_shared,
    to_call,
    whole_number,
)
from layerwise.arrays import Indices
from layerwise.data import Data, Examples, HeldOut, total_weight
from layerwise.early_stopping import EarlyStopping
from layerwise.evaluation import Metrics, evaluate
from layerwise.history import Epoch, History
from layerwise.layers.base import Layer, Out
from layerwise.optimizers.base import Optimizer
from layerwise.progress import progress_bar
from layerwise.snapshot import Snapshot

if TYPE_CHECKING:
    from layerwise.losses import Loss
    from layerwise.penalties import Penalty


def train(
    network: Layer[Data, Out],
    X: Data,
    y: NDArray[Any],
    *,
    loss: Loss[Out],
    optimizer: Optimizer,
    epochs: int = 10,
    batch_size: int = 32,
    shuffle: bool = True,
    rng: np.random.Generator | int | None = None,
    sample_weight: NDArray[Any] | None = None,
    validation_data: HeldOut[Data] | None = None,
    metrics: Metrics | None = None,
    penalty: Penalty | None = None,
    progress: bool = False,
) -> Generator[Epoch, None, None]:
    """θ ← step(θ, dL/dθ), for each mini-batch of rows of X and y: a generator of epochs.

    Each step of the generator is one epoch over all rows and yields an `Epoch`. So an early stop
    is a `break`, a schedule an assignment to `optimizer.learning_rate`. Gradients are zero then.

    X is an array, or a tuple of arrays, with one row for each example. Before each epoch the rows
    are shuffled by `rng`, which is whatever `numpy.random.default_rng` takes; the last batch may
    be short. The same rng gives the same result, bit for bit where BLAS runs as many threads.
    With one Generator two calls equal one longer call; with an integer they do not, because each
    call starts from that seed anew.

    `sample_weight`, a weight for each row or position, goes to the loss as its third argument, and
    the loss of an epoch is the mean weighted so. A loss divides by the sum of its weights, so they
    count within a batch; rows of weight 0 are in none. Validation data is (X, y) or (X, y, weight).
    `penalty`, such as L2(1e-4), is called after each backward with the optimizer's parameters; its
    value is in the loss of an epoch, not in the validation loss. Arrays may be memory-mapped.

    After each epoch, `metrics`, functions (Y, target) -> float by name, are called with the
    answers for all rows of the validation data, or of X where there is none. `progress=True`
    shows a bar with the mean loss of the epoch so far.

    An epoch that fails is undone: if the loss, or a value at the epoch's end, is not finite, or
    if a layer, the loss or a metric raises, then values, and the layers' arrays and generators,
    go back to where the epoch began, gradients are zeroed, and the error goes on. The optimizer
    is reset if it made a step in that epoch, or if a number was not finite; `rng` is not set back.
    KeyboardInterrupt keeps the values, if they are finite, and zeroes the gradients.

    Raises, at once, TypeError for arguments of another kind, ValueError for sizes that do not fit,
    validation data that is not finite and an optimizer of another network; then FloatingPointError
    for a loss or a value that is not finite, ImportError without tqdm. Source: course part 2.3.

    >>> from layerwise import Dense, MeanSquaredError, SGD
    >>> X, line = np.array([[0.0], [1.0]]), Dense(1, 1, rng=0); sgd = SGD(line.parameters(), 0.5)
    >>> for epoch in train(line, X, 2 * X + 1, loss=MeanSquaredError(), optimizer=sgd, epochs=99):
    ...     if epoch.loss < 1e-3: break
    """
    of_type("train", "network", network, Layer, "a network is a layer, such as a Sequential")
    of_type("train", "optimizer", optimizer, Optimizer, "make one: Adam(network.parameters())")
    some_shared("train", optimizer.vector.parameters, network.parameters())
    to_call("train", "loss", loss, "(Y, target)", "MeanSquaredError()")
    if penalty is not None:
        to_call("train", "penalty", penalty, "the parameters", "L2(1e-4)")
    metrics = metrics or {}
    of_type("train", "metrics", metrics, Mapping, 'as in {"accuracy": accuracy}')
    for name, metric in metrics.items():
        to_call("train", f"metric {name!r}", metric, "(Y, target)", "accuracy")
    examples, held_out = Examples("train: X and y", X, y, sample_weight), None
    if validation_data is not None:
        held_out = Examples.of_pair("train: validation_data", validation_data)
    epochs = whole_number("train", "epochs", epochs)
    batch_size = whole_number("train", "batch_size", batch_size)
    rng = np.random.default_rng(rng)
    optimizer.agree(
        network,
        batches=examples.batches(batch_size),
        epochs=epochs,
        validation_data=held_out is not None,
        metrics=list(metrics),
    )
    data, size, steps = (examples, held_out), batch_size, optimizer.steps
    run = _Run(network, loss, penalty, optimizer, *data, metrics, size, steps)
    return run.epochs(epochs, shuffle, rng, progress)


def fit(
    network: Layer[Data, Out],
    X: Data,
    y: NDArray[Any],
    *,
    loss: Loss[Out],
    optimizer: Optimizer,
    epochs: int = 10,
    batch_size: int = 32,
    shuffle: bool = True,
    rng: np.random.Generator | int | None = None,
    sample_weight: NDArray[Any] | None = None,
    validation_data: HeldOut[Data] | None = None,
    metrics: Metrics | None = None,
    penalty: Penalty | None = None,
    patience: int | None = None,
    progress: bool = False,
) -> History:
    """θ ← step(θ, dL/dθ), for each mini-batch, `epochs` times over all rows of X and y.

    This is `train`, which describes the arguments, run to its end. Raises what `train` raises; the
    KeyboardInterrupt of Ctrl-C has the epochs so far as its `history`.

    With `patience`, it ends when the validation loss, or the loss where there is no validation
    data, has not become lower for so many epochs; and however it ends, but for an error, the state
    after the best epoch is put back. See `EarlyStopping`.

    >>> from layerwise import Dense, MeanSquaredError, SGD
    >>> X, line = np.array([[0.0], [1.0]]), Dense(1, 1, rng=0); sgd = SGD(line.parameters(), 0.5)
    >>> history = fit(line, X, 2 * X + 1, loss=MeanSquaredError(), optimizer=sgd, epochs=200)
    >>> line(np.array([[2.0]])).round(3)
    array([[5.]])
    """
    history = History()
    run = train(
        network,
        X,
        y,
        loss=loss,
        optimizer=optimizer,
        epochs=epochs,
        batch_size=batch_size,
        shuffle=shuffle,
        rng=rng,
        sample_weight=sample_weight,
        validation_data=validation_data,
        metrics=metrics,
        penalty=penalty,
        progress=progress,
    )
    stopping = None if patience is None else EarlyStopping(network, patience)
    try:
        for epoch in run:
            history.append(epoch)
            if stopping is not None and stopping.should_stop(epoch):
                break
    except KeyboardInterrupt as error:
        vars(error)["history"] = history
        error.add_note(
            f"fit was interrupted after {len(history.loss)} epochs. The values reached are kept; "
            "the History is this error's .history, in a session sys.last_value.history."
        )
        raise
    if stopping is not None:
        stopping.restore()
    return history


@dataclass(frozen=True)
class _Run(Generic[Data, Out]):
    """One call of `train`."""

    network: Layer[Data, Out]
    loss: Loss[Out]
    penalty: Penalty | None
    optimizer: Optimizer
    examples: Examples[Data]
    held_out: Examples[Data] | None
    metrics: Metrics
    batch_size: int
    steps: int  # of the optimizer, before

    def epochs(
        self, epochs: int, shuffle: bool, rng: np.random.Generator, progress: bool
    ) -> Generator[Epoch, None, None]:
        """The loop over epochs and mini-batches."""
        rows, batches = self.examples.rows, self.examples.batches(self.batch_size)
        saved, text = Snapshot(self.network, self.optimizer), "epoch {}, loss {:.4f}"
        with progress_bar(epochs * batches, "batch", progress, text) as advance:
            for number in range(1, epochs + 1):
                order = rng.permutation(rows) if shuffle else rows
                with saved.undone_on_error():
                    with np.errstate(over="ignore", invalid="ignore"):
                        loss = self.over(order, number, partial(advance, number))
                    if not saved.finite():
                        where = f"the last batch of epoch {number}"
                        raise self.diverged(f"a value is not finite after {where}")
                    judged = self.held_out or self.examples
                    of = None if self.held_out is None else self.loss
                    found = evaluate(
                        self.network,
                        judged,
                        self.batch_size,
                        loss=of,
                        metrics=self.metrics,
                        mean=self.optimizer.mean,
                    )
                yield Epoch(number, loss, *found)

    def over(self, order: Indices, number: int, advance: Callable[[float], None]) -> float:
        """The steps of one epoch over these rows; returns the mean loss."""
        total = count = 0.0
        for start in range(0, len(order), self.batch_size):
            X, targets = self.examples.take(order[start : start + self.batch_size])
            weight = total_weight(targets)
            value = self.step(X, targets, weight)
            if not isfinite(value):
                where = f"epoch {number}, batch {start // self.batch_size + 1}"
                raise self.diverged(f"the loss is {value} in {where}")
            total, count = total + value * weight, count + weight
            advance(total / count)
        return self.optimizer.mean(total / count, count)

    def step(self, X: Data, targets: tuple[NDArray[Any], ...], weight: float) -> float:
        """One step of training; without one, where the loss is not finite. Returns the loss."""
        Y, backward = pair_from(self.network, self.network.forward_from_data(X), "(Y, backward)")
        loss_value, grad = pair_from(self.loss, self.loss(Y, *targets), "(value, gradient)")
        value = number_from(self.loss, "the value", loss_value)
        if isfinite(value):
            backward(grad)
            if self.penalty is not None:
                value += self.penalty(self.optimizer.vector.parameters)
            self.optimizer.step(weight)
        return value

    def diverged(self, what: str) -> FloatingPointError:
        """The error for what is not finite, with its likely cause."""
        rate = self.optimizer.learning_rate if self.optimizer.steps > self.steps else None
        return diverged(what, self.examples.not_finite(), rate)
