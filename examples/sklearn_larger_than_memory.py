"""partial_fit on data that are larger than the memory that the program may take.

Run `python examples/sklearn_larger_than_memory.py`. It takes some seconds, and 105 MB of the disk
meanwhile. The rows come from a memory-mapped array, and once more from a CSV file, read in chunks.
"""

import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from numpy.lib.format import open_memmap
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from layerwise import Array
from layerwise.estimators import MLPClassifier

TIMES = 250  # each digit comes so often, never twice alike
ALLOWED = 64_000_000  # bytes, beyond those that Python and its packages have when it starts
CHUNK = 10_000  # rows at a time


def main(folder: Path = Path()) -> None:
    """Write the files, learn from each, and take them away again."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, test_size=360, random_state=0, stratify=y)
    X, X_test = X.astype(np.float32), X_test.astype(np.float32)
    rng = np.random.default_rng(0)
    from_map, from_text = (MLPClassifier((64,), random_state=0) for _ in range(2))
    from_map.partial_fit(X[:500], y[:500], classes=np.arange(10))  # BLAS takes what it works in
    from_text.partial_fit(X[:500], y[:500], classes=np.arange(10))

    with TemporaryDirectory(dir=folder) as temporary, at_most(ALLOWED):
        array, table = Path(temporary) / "digits.npy", Path(temporary) / "digits.csv"
        write(array, table, X, y, rng)
        rows = np.load(array, mmap_mode="r")
        print(f"Learning from {len(rows):,} digits in a file of {rows.nbytes / 1e6:.0f} MB and a ")
        print(
            f"table of {table.stat().st_size / 1e6:.0f} MB, with no more than "
            f"{ALLOWED / 1e6:.0f} MB of memory."
        )
        try:
            print(f"All of it in one array takes {np.array(rows).nbytes / 1e6:.0f} MB.")
        except MemoryError as error:
            print(f"All of it in one array: {error}")
        tracemalloc.start()
        classes = np.tile(y, TIMES)
        for start in range(0, len(rows), CHUNK):
            some = slice(start, start + CHUNK)
            from_map.partial_fit(rows[some], classes[some])
        for chunk in pd.read_csv(table, chunksize=CHUNK, dtype=np.float32):
            digits = chunk.pop("digit").to_numpy().astype(int)
            from_text.partial_fit(chunk.to_numpy(), digits)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        del rows  # or else the file could not be taken away everywhere

    print(f"Memory beyond that at the start, at most {peak / 1e6:.0f} MB.")
    scores = [model.score(X_test, y_test) for model in (from_map, from_text)]
    print(f"Shown: {scores[0]:.3f} of the test digits are right, from rows never held at once,")
    print(f"{scores[1]:.3f} from the table.")


def write(array: Path, table: Path, X: Array, y: Array, rng: np.random.Generator) -> None:
    """The digits over and over, with other noise each time; a twentieth of them as a table too."""
    rows = open_memmap(array, "w+", np.float32, (TIMES * len(X), X.shape[1]))
    columns = [f"pixel{i}" for i in range(X.shape[1])]
    for start in range(0, len(rows), len(X)):
        rows[start : start + len(X)] = X + 0.3 * rng.standard_normal(X.shape, dtype=np.float32)
        if start < len(rows) // 20:
            frame = pd.DataFrame(rows[start : start + len(X)].round(3), columns=columns)
            frame.assign(digit=y).to_csv(table, mode="a", header=start == 0, index=False)


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
