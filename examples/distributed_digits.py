"""Two processes that train one network, on digits and on a file of which each opens its own rows.

Run `mpiexec -n 2 python examples/distributed_digits.py`, or with any other number of processes. It
takes a few seconds, and 256 MB of the disk meanwhile; another number of rows may be given:
`... examples/distributed_digits.py 20000`.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from mpi4py import MPI
from numpy.lib.format import open_memmap
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from layerwise import SGD, Adam, Dense, Matrix, ReLU, Sequential, SoftmaxCrossEntropy, accuracy, fit
from layerwise.distributed import DataParallel

WORLD = MPI.COMM_WORLD
COLUMNS, CLASSES = 64, 10
BATCH = 64 // WORLD.size  # of each process


def main(rows: int = 1_000_000) -> None:
    """Train on both; rank 0 says what came of it."""
    away, right = digits()
    say(f"Digits: {WORLD.size} processes are within {away:.0e} of one in every weight, and read")
    say(f"{right:.4f} of the test digits right.")

    with TemporaryDirectory(dir=Path()) as folder:  # of which only that of rank 0 is used
        path = Path(WORLD.bcast(folder)) / "rows.npy"
        found = large_file(path, rows)
        WORLD.barrier()  # nobody takes the file away from another
    say(f"Shown: {WORLD.size} processes give what one gives, and each with {rows // WORLD.size:,}")
    say(f"rows of one file, they learn to classify {found:.3f} of all of them.")


def digits() -> tuple[float, float]:
    """How far the weights are from those of one process, and the accuracy on test digits."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, test_size=360, random_state=0, stratify=y)

    # One row in so many: then all processes together have in a batch what one would have in it.
    own = slice(WORLD.rank, None, WORLD.size)
    network = made(seed=WORLD.rank)  # of any seed: the values of rank 0 count
    optimizer = DataParallel(SGD(network.parameters(), 0.1, momentum=0.9), WORLD)
    fit(
        network,
        X[own],
        y[own],
        loss=SoftmaxCrossEntropy(),
        optimizer=optimizer,
        epochs=20,
        batch_size=BATCH,
        shuffle=False,
    )

    alone = made(seed=0)
    fit(
        alone,
        X,
        y,
        loss=SoftmaxCrossEntropy(),
        optimizer=SGD(alone.parameters(), 0.1, momentum=0.9),
        epochs=20,
        batch_size=BATCH * WORLD.size,
        shuffle=False,
    )
    pairs = zip(network.state().values(), alone.state().values(), strict=True)
    return max(float(np.abs(a - b).max()) for a, b in pairs), accuracy(network(X_test), y_test)


def large_file(path: Path, rows: int) -> float:
    """Write the file and train on it, each process its own rows; the accuracy on all."""
    start, stop = (rows * (WORLD.rank + i) // WORLD.size for i in (0, 1))
    if WORLD.rank == 0:
        open_memmap(path, "w+", np.float32, (rows, COLUMNS)).flush()
    WORLD.barrier()
    own = np.load(path, mmap_mode="r+")[start:stop]
    rng, rule = np.random.default_rng(WORLD.rank), np.random.default_rng(0)
    W = rule.standard_normal((COLUMNS, CLASSES), dtype=np.float32)
    y = np.empty(len(own), np.int64)
    for first in range(0, len(own), 10_000):
        part = slice(first, first + 10_000)
        own[part] = rng.standard_normal(own[part].shape, dtype=np.float32)
        y[part] = (own[part] @ W).argmax(axis=1)

    network = made(seed=WORLD.rank, dtype=np.float32)
    history = fit(
        network,
        own,
        y,
        loss=SoftmaxCrossEntropy(),
        optimizer=DataParallel(Adam(network.parameters(), 0.005), WORLD),
        epochs=1,
        batch_size=4 * BATCH,
        rng=rng,  # each shuffles its own rows
        metrics={"accuracy": accuracy},
        progress=WORLD.rank == 0,
    )
    return history.metrics["accuracy"][-1]


def made(seed: int, dtype: type[np.floating] = np.float64) -> Sequential[Matrix]:
    """The network."""
    rng = np.random.default_rng(seed)
    hidden, last = (Dense(a, b, rng=rng, dtype=dtype) for a, b in ((COLUMNS, 64), (64, CLASSES)))
    return Sequential(hidden, ReLU(), last)


def say(line: str) -> None:
    """Print it once."""
    if WORLD.rank == 0:
        print(line)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
