"""Time per step and share of communication of layerwise.distributed, and what an Allreduce costs.

    OPENBLAS_NUM_THREADS=1 mpiexec -n 2 python -m benchmarks.distributed [epochs]

Run it with -n 1, too. Time here is that of the clock, for waiting is what communication costs; the
quickest step of all counts, and the median stands beside it: where they are far apart, the machine
was busy with other things. W2 and W3 are those of `python -m benchmarks`. "Shared": each batch is
dealt out to the processes, so that the result is that of one. "Each": every process takes a batch
as large as that of one.
"""

import sys
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from mpi4py import MPI

from benchmarks import workloads
from benchmarks.contestants.layerwise import network_of, optimizer_of
from benchmarks.workloads import Array, Indices, Training
from layerwise import SoftmaxCrossEntropy, fit
from layerwise.distributed import DataParallel

STEPS = {"W2": 100, "W3": 5}  # an epoch
SIZES = [4**k for k in range(1, 13)]  # numbers in a gradient


class Timed(MPI.Intracomm):
    """A communicator that notes how long each Allreduce took, waiting for others included."""

    def __init__(self, communicator: MPI.Intracomm) -> None:
        self.seconds: list[float] = []

    def Allreduce(self, sendbuf: Any, recvbuf: Any, op: MPI.Op = MPI.SUM) -> None:
        """Sum over the processes."""
        start = perf_counter()
        super().Allreduce(sendbuf, recvbuf, op)
        self.seconds.append(perf_counter() - start)


def steps(
    workload: Training, batch: int, c: Timed | None, epochs: int
) -> list[tuple[float, float]]:
    """(seconds, those of them in Allreduce) of each step; without MPI where there is none."""
    network = network_of(workload.weights)
    optimizer = optimizer_of(workload, network)
    if c is not None:
        optimizer = DataParallel(optimizer, c)
    count, found = STEPS[workload.key], list[tuple[float, float]]()
    rows = np.arange(count * batch) % len(workload.X)
    X, y = workload.X[rows], workload.y[rows]
    called: list[float] = []

    def loss(Y: Array, target: Indices) -> tuple[float, Array]:
        called.append(perf_counter())
        return SoftmaxCrossEntropy()(Y, target)

    for _ in range(epochs):
        called.clear()
        if c is not None:
            c.seconds.clear()
            c.barrier()
        fit(network, X, y, loss=loss, optimizer=optimizer, epochs=1, batch_size=batch, rng=0)
        inside = [0.0] * count if c is None else c.seconds
        # From one call of the loss to the next, in which there is one Allreduce.
        found += list(zip(np.diff(called).tolist(), inside, strict=False))
    return found


def show_steps(c: Timed, epochs: int) -> None:
    """A line for each workload and way of sharing."""
    head = f"{'':4}{'batch on each':>16}{'ms a step':>11}{'Allreduce':>11}{'share':>8}"
    say(c, f"{head}{'median':>12}{'Allreduce':>11}")
    for make in workloads.mnist_sized, workloads.wide:
        workload = make()
        shared, whole = workload.batch_size // c.size, workload.batch_size
        ways: list[tuple[str, int, Timed | None]] = [
            (f"{shared}, shared", shared, c),
            (f"{whole}, each", whole, c),
        ]
        if c.size == 1:
            ways = [(f"{whole}", whole, c), (f"{whole}, no MPI", whole, None)]
        for name, batch, communicator in ways:
            times = steps(workload, batch, communicator, epochs)
            best, within = min(times)
            middle, middle_within = (1e3 * median(column) for column in zip(*times, strict=True))
            line = f"{workload.key:4}{name:>16}{1e3 * best:11.2f}{1e3 * within:11.3f}"
            say(c, f"{line}{within / best:8.1%}{middle:12.2f}{middle_within:11.3f}")


def show_allreduce(c: Timed, rounds: int) -> None:
    """A line for each size of the gradient, in float32."""
    say(c, f"\n{'numbers':>10}{'KB':>10}{'µs':>11}{'median':>11}{'GB/s':>8}")
    for size in SIZES:
        vector = np.zeros(size, np.float32)
        c.seconds.clear()
        c.barrier()
        for _ in range(rounds * max(1, min(1000, 2**22 // size))):
            c.Allreduce(MPI.IN_PLACE, vector)
        best, middle, kb = 1e6 * min(c.seconds), 1e6 * median(c.seconds), 4 * size / 1e3
        say(c, f"{size:10,}{kb:10,.2f}{best:11.2f}{middle:11.2f}{kb / best:8.2f}")


def say(c: MPI.Intracomm, line: str) -> None:
    """Print it once."""
    if c.rank == 0:
        print(line, flush=True)


if __name__ == "__main__":
    world, number = Timed(MPI.COMM_WORLD), int(sys.argv[1]) if len(sys.argv) > 1 else 10
    say(world, f"{world.size} processes, {number} epochs, {MPI.Get_library_version().split()[2]}")
    show_steps(world, number)
    if world.size > 1:
        show_allreduce(world, number)
