"""Training: the loop over mini-batches, and what is kept of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from layerwise.arrays import A, Indices
from layerwise.layers.base import Layer, Out
from layerwise.losses import Loss
from layerwise.optimizers import Optimizer
from layerwise.progress import progress_bar
from layerwise.snapshot import Snapshot

Data = TypeVar("Data", bound=NDArray[Any])


@dataclass
class History:
    """What `fit` measured, one number for each epoch.

    `loss` is the mean over the rows of the epoch, each as its batch came by, while the values
    were changing. `validation_loss`, with the values after the epoch, is empty where there is no
    validation data.
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)


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
    validation_data: tuple[Data, NDArray[Any]] | None = None,
    progress: bool = False,
) -> History:
    """θ ← step(θ, dL/dθ), for each mini-batch of rows of X and y, `epochs` times over all rows.

    X and y have one row for each example. Before each epoch the rows are shuffled by `rng`, which
    is whatever `numpy.random.default_rng` takes; the last batch may be short. The same rng gives
    the same result, bit for bit. With one Generator two calls equal one longer call; with an
    integer they do not, because each call starts from that seed anew. `progress=True` shows a
    bar with the mean loss of the epoch so far.

    An epoch that fails is undone: if the loss, or a value at the epoch's end, is not finite, or
    if a layer or the loss raises, then values, and the layers' arrays and generators, go back to
    where the epoch began, gradients are zeroed, the optimizer is reset and the error goes on;
    `rng` is not set back. KeyboardInterrupt keeps the values, if they are finite, and zeroes the
    gradients.

    Raises ValueError for sizes that do not fit and for an optimizer that holds none of the
    network's parameters, FloatingPointError for a loss or a value that is not finite, ImportError
    for a progress bar without tqdm. Source: course part 2.3.

    >>> from layerwise import Dense, MeanSquaredError, SGD
    >>> X, line = np.array([[0.0], [1.0]]), Dense(1, 1, rng=0); sgd = SGD(line.parameters(), 0.5)
    >>> history = fit(line, X, 2 * X + 1, loss=MeanSquaredError(), optimizer=sgd, epochs=200)
    >>> line(np.array([[2.0]])).round(3)
    array([[5.]])
    """
    X, y = _rows("X and y", X, y)
    if validation_data is not None:
        validation_data = _rows("validation_data", *validation_data)
    if epochs < 1 or batch_size < 1:
        raise ValueError(
            f"fit: epochs={epochs} and batch_size={batch_size} came, expected at least 1 of each"
        )
    if not set(optimizer.vector.parameters) & set(network.parameters()):
        raise ValueError(
            "fit: the optimizer holds none of the network's parameters, so nothing would be "
            "learned: make it from network.parameters()"
        )
    rng = np.random.default_rng(rng)
    n, steps = len(X), optimizer.steps
    saved = Snapshot(network, optimizer)
    history = History()
    with progress_bar(epochs * -(-n // batch_size), "batch", progress) as bar:
        for epoch in range(1, epochs + 1):
            order = rng.permutation(n) if shuffle else np.arange(n)
            with saved.undone_on_error(), np.errstate(over="ignore", invalid="ignore"):
                total = 0.0
                for start in range(0, n, batch_size):
                    rows = order[start : start + batch_size]
                    value = _step(network, _take(X, rows), y[rows], loss, optimizer)
                    if not isfinite(value):
                        where = f"epoch {epoch}, batch {start // batch_size + 1}"
                        stepped = optimizer.steps > steps
                        raise _diverged(f"the loss is {value} in {where}", X, y, optimizer, stepped)
                    total += value * len(rows)
                    if bar is not None:
                        mean = total / (start + len(rows))
                        bar.set_postfix_str(f"epoch {epoch}, loss {mean:.4f}", refresh=False)
                        bar.update()
                if not saved.finite():
                    what = f"a value is not finite after the last batch of epoch {epoch}"
                    raise _diverged(what, X, y, optimizer, True)
                history.loss.append(total / n)
                if validation_data is not None:
                    mean = _mean_loss(network, *validation_data, loss, batch_size)
                    history.validation_loss.append(mean)
    return history


def _step(
    network: Layer[Data, Out], X: Data, y: NDArray[Any], loss: Loss[Out], optimizer: Optimizer
) -> float:
    """One step of training; without one, where the loss is not finite. Returns the loss."""
    Y, backward = network.forward_from_data(X)
    loss_value, grad = loss(Y, y)
    value = float(loss_value)
    if isfinite(value):
        backward(grad)
        optimizer.step()
    return value


def _mean_loss(
    network: Layer[Data, Out], X: Data, y: NDArray[Any], loss: Loss[Out], batch_size: int
) -> float:
    """The mean loss over all rows, by inference."""
    total = 0.0
    for start in range(0, len(X), batch_size):
        rows = np.arange(start, min(start + batch_size, len(X)))
        total += float(loss(network(_take(X, rows)), y[rows])[0]) * len(rows)
    return total / len(X)


def _take(X: A, rows: Indices) -> A:
    taken: Any = X.take(rows, axis=0)
    array: A = taken
    return array


def _rows(who: str, X: A, y: NDArray[Any]) -> tuple[A, NDArray[Any]]:
    """X and y as arrays, if they have equally many rows and at least one."""
    X, y = _as_array(X), _as_array(y)
    if X.ndim == 0 or y.ndim == 0 or len(X) != len(y) or len(X) == 0:
        raise ValueError(
            f"fit: {who} have shapes {X.shape} and {y.shape}, expected one row for each example, "
            "equally many in both and at least one"
        )
    return X, y


def _as_array(X: A) -> A:
    given: Any = np.asarray(X)  # a list or a data frame is an array from here on
    array: A = given
    return array


def _diverged(
    what: str, X: NDArray[Any], y: NDArray[Any], optimizer: Optimizer, stepped: bool
) -> FloatingPointError:
    """The error for a loss or value that is not finite, with its likely cause."""
    cause = f"the learning rate {optimizer.learning_rate:g} is likely too large: try a tenth of it"
    if not stepped:
        cause = "no step was made yet: look at the network's first values and at the loss"
    for name, data in ("X", X), ("y", y):
        if data.dtype.kind == "f" and not np.isfinite(data).all():
            cause = f"{name} has numbers that are not finite: remove or replace them first"
    return FloatingPointError(
        f"fit: {what}; {cause}. Values and layers are back where the epoch began"
    )
