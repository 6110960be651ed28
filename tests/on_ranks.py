"""What every rank runs: `mpiexec -n 2 python -m tests.on_ranks exact`, or threads do, as ranks."""

import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from layerwise import (
    L1,
    L2,
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Array,
    Dense,
    Dropout,
    History,
    Indices,
    MeanSquaredError,
    Optimizer,
    RMSprop,
    Sequential,
    SoftmaxCrossEntropy,
    Tanh,
    accuracy,
    cosine,
    fit,
    train,
)
from layerwise.distributed import DataParallel
from layerwise.saving import load, save

LOSS = SoftmaxCrossEntropy()
BATCHES, EPOCHS = 3, 3
Metrics = Mapping[str, Callable[[Any, NDArray[Any]], float]]


@dataclass(frozen=True)
class Setting:
    """How a network is trained, on one process or on many."""

    optimizer: Callable[[Sequential[Array]], Optimizer]
    weighted: bool = False
    single: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)  # for fit


SETTINGS = {
    "SGD": Setting(lambda net: SGD(net.parameters(), 0.3)),
    "momentum": Setting(lambda net: SGD(net.parameters(), 0.1, momentum=0.9, nesterov=True)),
    "Adam": Setting(lambda net: Adam(net.parameters(), 0.02)),
    "AdamW": Setting(lambda net: AdamW(net.parameters(), 0.02, weight_decay=0.1)),
    "RMSprop": Setting(lambda net: RMSprop(net.parameters(), 0.01)),
    "Adagrad": Setting(lambda net: Adagrad(net.parameters(), 0.05)),
    "clipping": Setting(lambda net: SGD(net.parameters(), 0.5, clip_norm=0.1)),
    "penalty": Setting(lambda net: SGD(net.parameters(), 0.3), more={"penalty": L2(0.01)}),
    "schedule": Setting(lambda net: AdamW(net.parameters(), cosine(0.05, 10, warmup=3))),
    "weights": Setting(lambda net: Adam(net.parameters(), 0.02), weighted=True),
    "everything": Setting(
        lambda net: AdamW(net.parameters(), cosine(0.05, 10), clip_norm=0.2),
        weighted=True,
        more={"penalty": L1(0.01)},
    ),
    "float32": Setting(lambda net: Adam(net.parameters(), 0.02), single=True),
}


def network(seed: int, *, single: bool = False, width: int = 6) -> Sequential[Array]:
    dtype = np.float32 if single else np.float64
    first, last = Dense(4, width, rng=seed, dtype=dtype), Dense(width, 3, rng=seed, dtype=dtype)
    return Sequential(first, Tanh(), last)


def rows_of(size: int) -> list[list[Indices]]:
    """For each rank, its rows of each batch: not equally many, and fewer in the last batch."""
    counts = [[2 + rank % 3] * (BATCHES - 1) + [1 + rank % 2] for rank in range(size)]
    numbers = iter(range(1000))
    shares: list[list[Indices]] = [[] for _ in counts]
    for batch in range(BATCHES):
        for rank in range(size):
            shares[rank].append(np.array([next(numbers) for _ in range(counts[rank][batch])]))
    return shares


def data(size: int) -> tuple[Array, Indices, Array]:
    """X, y and weights of all rows."""
    rng, n = np.random.default_rng(1), sum(len(batch) for rank in rows_of(size) for batch in rank)
    return rng.normal(size=(n, 4)), rng.integers(0, 3, n), rng.uniform(0.5, 4.0, n)


def arguments_of_fit(
    setting: Setting, rows: Indices, size: int, held_out: Indices
) -> tuple[Array, Indices, dict[str, Any]]:
    """The arguments for these rows, judged on those held out."""
    X, y, w = data(size)
    weights = {"sample_weight": w[rows]} if setting.weighted else {}
    metrics: Metrics = {"accuracy": accuracy}
    return (
        X[rows],
        y[rows],
        {
            "loss": LOSS,
            "epochs": EPOCHS,
            "shuffle": False,
            "validation_data": (X[held_out], y[held_out]),
            "metrics": metrics,
            **weights,
            **setting.more,
        },
    )


def of_one(setting: Setting, size: int) -> tuple[Sequential[Array], History]:
    """What one process gives, with the rows of all ranks in each batch."""
    one, everything = network(0, single=setting.single), np.arange(len(data(size)[0]))
    X, y, more = arguments_of_fit(setting, everything, size, everything[::2])
    batch = sum(len(rank[0]) for rank in rows_of(size))
    return one, fit(one, X, y, optimizer=setting.optimizer(one), batch_size=batch, **more)


def by_fit(setting: Setting, c: MPI.Intracomm) -> tuple[Sequential[Array], History]:
    own = rows_of(c.size)[c.rank]
    net, all_rows = network(c.rank, single=setting.single), np.concatenate(own)
    optimizer = DataParallel(setting.optimizer(net), c)
    held_out = all_rows[all_rows % 2 == 0]
    X, y, more = arguments_of_fit(setting, all_rows, c.size, held_out)
    return net, fit(net, X, y, optimizer=optimizer, batch_size=len(own[0]), **more)


def by_train(setting: Setting, c: MPI.Intracomm) -> tuple[Sequential[Array], History]:
    """Stopped after every epoch, and begun again."""
    own = rows_of(c.size)[c.rank]
    net, all_rows = network(c.rank, single=setting.single), np.concatenate(own)
    optimizer, history = DataParallel(setting.optimizer(net), c), History()
    held_out = all_rows[all_rows % 2 == 0]
    X, y, more = arguments_of_fit(setting, all_rows, c.size, held_out)
    for _ in range(EPOCHS):
        for epoch in train(net, X, y, optimizer=optimizer, batch_size=len(own[0]), **more):
            history.append(epoch)
            break
    return net, history


def by_hand(setting: Setting, c: MPI.Intracomm) -> tuple[Sequential[Array], History]:
    X, y, w = data(c.size)
    net, history = network(c.rank, single=setting.single), History()
    optimizer = DataParallel(setting.optimizer(net), c)
    for _ in range(EPOCHS):
        losses, weights = [], []
        for rows in rows_of(c.size)[c.rank]:
            Y, backward = net.forward(X[rows])
            value, grad = LOSS(Y, y[rows], w[rows] if setting.weighted else None)
            backward(grad)
            value += setting.more.get("penalty", lambda _: 0.0)(net.parameters())
            weight = float(w[rows].sum()) if setting.weighted else len(rows)
            optimizer.step(weight)
            losses.append(value * weight)
            weights.append(weight)
        history.loss.append(optimizer.mean(sum(losses) / sum(weights), sum(weights)))
    return net, history


WAYS = {"fit": by_fit, "train": by_train, "a loop by hand": by_hand}


def differences(c: MPI.Intracomm, name: str, ways: Iterable[str] = WAYS) -> list[str]:
    """Where the ranks of this communicator differ from one process, and from one another."""
    setting, found = SETTINGS[name], []
    one, expected = of_one(setting, c.size)
    rtol, atol = (3e-4, 3e-5) if setting.single else (1e-9, 1e-11)
    for how in ways:
        net, history = WAYS[how](setting, c)
        for path, array in net.state().items():
            if not np.allclose(array, one.state()[path], rtol, atol):
                found.append(f"{name}, {how}: {path} on rank {c.rank} of {c.size}")
        losses = (history.loss, expected.loss), (history.validation_loss, expected.validation_loss)
        for came, right in losses if history.validation_loss else losses[:1]:
            if not (len(came) == EPOCHS and np.allclose(came, right, rtol, atol)):
                found.append(f"{name}, {how}: losses {came}, expected {right}")
        if history.metrics and not np.allclose(
            history.metrics["accuracy"], expected.metrics["accuracy"]
        ):
            found.append(f"{name}, {how}: accuracies {history.metrics}")
        bits = {path: array.tobytes() for path, array in net.state().items()}
        if any(other != (history, bits) for other in c.allgather((history, bits))):
            found.append(f"{name}, {how}: rank {c.rank} differs from another in its last bits")
    return found


def exact(c: MPI.Intracomm) -> None:
    """Every setting by fit, and one by each way: threads as ranks try all settings in all ways."""
    found = [line for name in SETTINGS for line in differences(c, name, ["fit"])]
    found += differences(c, "everything")
    if found:
        raise AssertionError("\n".join(found))


# Programs of which one rank fails in its second epoch, while the others would train for ever.


def small(c: MPI.Intracomm, at: Callable[[int], None], rows: int = 4) -> None:
    """`at` is called with the number of each batch, in the loss; an epoch has two of them."""
    net, batch = Sequential(Dense(2, 1, rng=0)), count(1)
    optimizer = DataParallel(SGD(net.parameters(), 0.1), c)

    def loss(Y: Array, target: Array) -> tuple[float, Array]:
        at(next(batch))
        return MeanSquaredError()(Y, target)

    X = np.ones((rows, 2))
    fit(net, X, X[:, :1], loss=loss, optimizer=optimizer, epochs=1_000_000, batch_size=2)


def nan(c: MPI.Intracomm) -> None:
    """A value becomes nan on rank 1."""
    net = Sequential(Dense(2, 1, rng=0))
    optimizer, X = DataParallel(SGD(net.parameters(), 0.1), c), np.ones((4, 2))
    for epoch in train(
        net, X, X[:, :1], loss=MeanSquaredError(), optimizer=optimizer, epochs=1_000_000
    ):
        if epoch.number == 2 and c.rank == 1:
            X[:] = np.nan


def error(c: MPI.Intracomm) -> None:
    """An error on rank 1, after it printed something."""

    def at(batch: int) -> None:
        if c.rank == 1 and batch == 3:
            print("printed before")
            raise KeyError("in the loss")

    small(c, at)


def missing(c: MPI.Intracomm) -> None:
    """A file that rank 1 lacks, before there is any DataParallel."""
    if c.rank == 1:
        np.load("nowhere.npy")
    small(c, lambda batch: None)


def killed(c: MPI.Intracomm) -> None:
    """Rank 1 is killed, as when memory runs out."""

    def at(batch: int) -> None:
        if c.rank == 1 and batch == 3:
            os.kill(os.getpid(), signal.SIGKILL)

    small(c, at)


def interrupted(c: MPI.Intracomm) -> None:
    """Rank 0 says that it trains, and all train until Ctrl-C."""

    def at(batch: int) -> None:
        if c.rank == 0 and batch == 3:
            print("training", flush=True)

    small(c, at)


def unequal(c: MPI.Intracomm) -> None:
    """Two batches an epoch on rank 0, three on rank 1."""
    small(c, lambda batch: None, rows=4 + c.rank)


def exits(c: MPI.Intracomm) -> None:
    """Rank 1 leaves by sys.exit, which `python -m mpi4py` sees."""
    if c.rank == 1:
        sys.exit("rank 1 has had enough")
    small(c, lambda batch: None)


def resumed(c: MPI.Intracomm) -> None:
    """Rank 0 saves and all load, or each its own: then it goes on as it would have, bit for bit."""
    for files in 1, c.size:
        run, other = (Resumable(c, own_draws=files > 1) for _ in range(2))
        run.train(3)
        path = Path(f"{files}-{c.rank % files}.safetensors")
        if c.rank < files:
            save(path, run.net, run.optimizer, run.rng)
        c.barrier()
        run.train(3)
        load(path, other.net, other.optimizer, other.rng)
        other.train(3)
        for name, array in run.net.state().items():
            np.testing.assert_array_equal(other.net.state()[name], array)
        assert run.history.loss[3:] == other.history.loss


class Resumable:
    """A run of which each rank draws its own order and masks, or all the same and no masks."""

    def __init__(self, c: MPI.Intracomm, *, own_draws: bool) -> None:
        seed, rate = (c.rank, 0.2) if own_draws else (0, 0.0)
        self.net = Sequential(Dense(4, 6, rng=c.rank), Dropout(rate, rng=seed), Dense(6, 3, rng=0))
        self.optimizer = DataParallel(Adam(self.net.parameters(), 0.01), c)
        self.rng, self.history = np.random.default_rng(seed), History()
        drawn = np.random.default_rng(c.rank)
        self.X, self.y = drawn.normal(size=(10, 4)), drawn.integers(0, 3, 10)

    def train(self, epochs: int) -> None:
        more: Any = {"epochs": epochs, "batch_size": 4, "rng": self.rng}
        for epoch in train(self.net, self.X, self.y, loss=LOSS, optimizer=self.optimizer, **more):
            self.history.append(epoch)


def works(c: MPI.Intracomm) -> None:
    """All that is to come out right, in one launch."""
    exact(c)
    resumed(c)


if __name__ == "__main__":
    globals()[sys.argv[1]](MPI.COMM_WORLD)
