"""Training on a file that is larger than the memory that the program may take.

Run `python examples/larger_than_memory.py`. It takes a few seconds, and 184 MB of the disk
meanwhile. The rows stay in the file, which NumPy maps; fit reads those of a batch at a time.
"""

import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from layerwise import Adam, Array, Dense, ReLU, Sequential, SoftmaxCrossEntropy, accuracy, fit

TIMES = 500  # each digit comes so often, never twice alike
ALLOWED = 64_000_000  # bytes, beyond those that Python, NumPy and scikit-learn have when it starts


def main(folder: Path = Path()) -> None:
    """Write the file, train on it, and take it away again."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, test_size=360, random_state=0, stratify=y)
    rng = np.random.default_rng(0)
    network = Sequential(
        Dense(64, 64, rng=rng, dtype=np.float32), ReLU(), Dense(64, 10, rng=rng, dtype=np.float32)
    )
    network(X_test)  # the first product makes BLAS take what it works in

    with TemporaryDirectory(dir=folder) as temporary, at_most(ALLOWED):
        path = Path(temporary) / "digits.npy"
        write(path, X, rng)
        rows, classes = np.load(path, mmap_mode="r"), np.tile(y, TIMES)
        print(f"Training on {len(rows):,} digits in a file of {rows.nbytes / 1e6:.0f} MB,")
        print(f"with no more than {ALLOWED / 1e6:.0f} MB of memory.")
        try:
            print(f"All of it in one array takes {np.array(rows).nbytes / 1e6:.0f} MB.")
        except MemoryError as error:
            print(f"All of it in one array: {error}")

        tracemalloc.start()
        optimizer = Adam(network.parameters())
        fit(
            network,
            rows,
            classes,
            loss=SoftmaxCrossEntropy(),
            optimizer=optimizer,
            epochs=1,
            batch_size=256,
            rng=rng,
        )
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        del rows  # or else the file could not be taken away everywhere

    right = accuracy(network(X_test), y_test)
    print(f"fit took {peak / 1e6:.0f} MB at most, most of it for the shuffled order of the rows.")
    print(f"Shown: {right:.3f} of the test digits are right, learned from rows never held at once.")


def write(path: Path, X: Array, rng: np.random.Generator) -> None:
    """The digits over and over, with other noise each time, in float32; never all in memory."""
    file: NDArray[np.float32] = open_memmap(path, "w+", np.float32, (TIMES * len(X), X.shape[1]))
    for start in range(0, len(file), len(X)):
        file[start : start + len(X)] = X + 0.3 * rng.standard_normal(X.shape, dtype=np.float32)


@contextmanager
def at_most(more: int) -> Iterator[None]:
    """Refuse this process more than so many bytes beyond those it has, where the system counts.

    A mapped file does not count, for its pages go back to the disk when memory is short.
    """
    if sys.platform != "linux":
        yield
        return
    import resource  # noqa: PLC0415  # which other systems lack

    before = resource.getrlimit(resource.RLIMIT_DATA)
    pages = int(Path("/proc/self/statm").read_text().split()[5])
    resource.setrlimit(resource.RLIMIT_DATA, (pages * resource.getpagesize() + more, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


if __name__ == "__main__":
    main()
