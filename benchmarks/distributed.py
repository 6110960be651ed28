"""Time per step and share of communication of layerwise.distributed, and what an Allreduce costs.

    OPENBLAS_NUM_THREADS=1 mpiexec -n 2 python -m benchmarks.distributed

Run it with -n 1, too. Time here is that of the clock, for waiting is what communication costs; the
quickest of the rounds counts, and the median stands beside it: where they are far apart, the
machine was busy with other things. W2 and W3 are those of `python -m benchmarks`. "Shared": each
batch is dealt out to the processes, so that the result is that of one. "Each": every process takes
a batch as large as that of one.
"""

import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from mpi4py import MPI

from benchmarks import workloads
from benchmarks.contestants.layerwise import network_of, optimizer_of
from benchmarks.workloads import Training
from layerwise import SoftmaxCrossEntropy, fit
from layerwise.distributed import DataParallel

STEPS = {"W2": 40, "W3": 4}  # a round
SIZES = [4**k for k in range(1, 13)]  # numbers in a gradient


class Timed(MPI.Intracomm):
    """A communicator that knows how long its Allreduce took, waiting for others included."""

    seconds = 0.0

    def Allreduce(self, sendbuf: Any, recvbuf: Any, op: MPI.Op = MPI.SUM) -> None:
        """Sum over the processes."""
        start = perf_counter()
        super().Allreduce(sendbuf, recvbuf, op)
        self.seconds += perf_counter() - start


def steps(workload: Training, batch: int, c: Timed | None) -> Callable[[], tuple[float, float]]:
    """Seconds a step of some, and those in Allreduce; without a communicator, of the optimizer."""
    network = network_of(workload.weights)
    optimizer = optimizer_of(workload, network)
    if c is not None:
        optimizer = DataParallel(optimizer, c)
    count = STEPS[workload.key]
    rows = np.arange(count * batch) % len(workload.X)
    X, y = workload.X[rows], workload.y[rows]

    def run() -> tuple[float, float]:
        if c is not None:
            c.seconds = 0.0
            c.barrier()
        loss, start = SoftmaxCrossEntropy(), perf_counter()
        fit(network, X, y, loss=loss, optimizer=optimizer, epochs=1, batch_size=batch, rng=0)
        spent = perf_counter() - start
        return spent / count, 0.0 if c is None else c.seconds / count

    return run


def show_steps(c: Timed, rounds: int) -> None:
    """A line for each workload and way of sharing."""
    say(
        c, f"{'':4}{'batch on each':>16}{'ms a step':>11}{'median':>9}{'Allreduce':>11}{'share':>8}"
    )
    for make in workloads.mnist_sized, workloads.wide:
        workload = make()
        shared, whole = workload.batch_size // c.size, workload.batch_size
        ways = {f"{shared}, shared": shared, f"{whole}, each": whole}
        runs = {name: steps(workload, batch, c) for name, batch in ways.items()}
        if c.size == 1:  # one batch, with DataParallel and without
            runs = {f"{whole}": runs[f"{whole}, each"], "no MPI": steps(workload, whole, None)}
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
        for _ in range(rounds):
            for name, run in runs.items():
                found[name].append(run())
        for name, times in found.items():
            best, within = min(times)
            middle = median(spent for spent, _ in times)
            line = f"{workload.key:4}{name:>16}{1e3 * best:11.2f}{1e3 * middle:9.2f}"
            say(c, f"{line}{1e3 * within:11.3f}{within / best:8.1%}")


def show_allreduce(c: Timed, rounds: int) -> None:
    """A line for each size of the gradient, in float32."""
    say(c, f"\n{'numbers':>10}{'KB':>10}{'µs':>11}{'median':>11}{'GB/s':>8}")
    for size in SIZES:
        vector, times = np.zeros(size, np.float32), []
        repeats = max(1, 2**18 // size)
        for _ in range(rounds):
            c.barrier()
            c.seconds = 0.0
            for _ in range(repeats):
                c.Allreduce(MPI.IN_PLACE, vector)
            vector.fill(0)
            times.append(c.seconds / repeats)
        best, middle, kb = 1e6 * min(times), 1e6 * median(times), 4 * size / 1e3
        say(c, f"{size:10,}{kb:10,.2f}{best:11.2f}{middle:11.2f}{kb / best:8.2f}")


def say(c: MPI.Intracomm, line: str) -> None:
    """Print it once."""
    if c.rank == 0:
        print(line, flush=True)


if __name__ == "__main__":
    world, number = Timed(MPI.COMM_WORLD), int(sys.argv[1]) if len(sys.argv) > 1 else 15
    say(world, f"{world.size} processes, {number} rounds, {MPI.Get_library_version().split()[2]}")
    show_steps(world, number)
    if world.size > 1:
        show_allreduce(world, number)
