"""What it costs that each process keeps BatchNorm statistics of its own, on digits.

    OPENBLAS_NUM_THREADS=1 mpiexec -n 4 python -m benchmarks.distributed_batch_norm

For batches of several sizes, each dealt out to the processes: the accuracy on test digits, over
seeds of split and weights, of one process that has the whole batch, of rank 0 of the processes,
and how far the accuracies of the ranks lie apart.
"""

from typing import Any

import numpy as np
from mpi4py import MPI
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from layerwise import (
    Adam,
    Array,
    BatchNorm,
    Dense,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    accuracy,
    fit,
)
from layerwise.distributed import DataParallel

SEEDS, EPOCHS, BATCHES = 8, 10, [16, 64]


def show(c: MPI.Intracomm) -> None:
    """Print a line for each size of the batch."""
    say(
        c,
        f"{'batch':>6}{'on each':>8}{'one process':>13}{'rank 0':>9}{'difference':>16}{'apart':>8}",
    )
    for batch in BATCHES:
        each = batch // c.size
        found = np.array([accuracies(c, batch, seed) for seed in range(SEEDS)])
        one, first, apart = found.T
        error = (first - one).std(ddof=1) / np.sqrt(SEEDS)
        means = f"{one.mean():13.4f}{first.mean():9.4f}{(first - one).mean():+10.4f} ±{error:.4f}"
        say(c, f"{batch:6}{each:8}{means}{apart.mean():8.4f}")


def accuracies(c: MPI.Intracomm, batch: int, seed: int) -> tuple[float, float, float]:
    """Of one process, of rank 0, and the difference between the best rank and the worst."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, test_size=0.3, random_state=seed, stratify=y)
    X, y = X[: len(X) // batch * batch], y[: len(y) // batch * batch]  # no last batch of one row
    more: dict[str, Any] = {"loss": SoftmaxCrossEntropy(), "epochs": EPOCHS, "shuffle": False}

    own = slice(c.rank, None, c.size)
    network = made(seed)
    optimizer = DataParallel(Adam(network.parameters(), 0.003), c)
    fit(network, X[own], y[own], optimizer=optimizer, batch_size=batch // c.size, **more)
    ranks = c.allgather(accuracy(network(X_test), y_test))

    alone = made(seed)
    if c.rank == 0:
        fit(alone, X, y, optimizer=Adam(alone.parameters(), 0.003), batch_size=batch, **more)
    return accuracy(alone(X_test), y_test), ranks[0], max(ranks) - min(ranks)


def made(seed: int) -> Sequential[Array]:
    """Two hidden layers, each with BatchNorm."""
    rng = np.random.default_rng(seed)
    return Sequential(
        Dense(64, 64, rng=rng),
        BatchNorm(64),
        ReLU(),
        Dense(64, 64, rng=rng),
        BatchNorm(64),
        ReLU(),
        Dense(64, 10, rng=rng),
    )


def say(c: MPI.Intracomm, line: str) -> None:
    """Print it once."""
    if c.rank == 0:
        print(line, flush=True)


if __name__ == "__main__":
    show(MPI.COMM_WORLD)
