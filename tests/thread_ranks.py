"""A communicator between threads: ranks without processes, so that a test sees into all of them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from threading import Barrier, BrokenBarrierError
from typing import Any, TypeVar

from mpi4py import MPI

T = TypeVar("T")


class Room:
    """Where ranks meet: each brings something, and all see what all have brought."""

    def __init__(self, size: int) -> None:
        self.brought: list[Any] = [None] * size
        self.barrier = Barrier(size, timeout=60)


class Threads(MPI.Intracomm):
    """What `layerwise.distributed` asks of a communicator, with notes of what it asked."""

    def __new__(cls, rank: int, room: Room) -> "Threads":
        return super().__new__(cls)

    rank = size = 0  # here in the place of properties, so that they can be assigned

    def __init__(self, rank: int, room: Room) -> None:
        self.rank, self.size, self._room = rank, len(room.brought), room
        self.calls: list[str] = []
        self.aborted: list[int] = []

    def _meet(self, name: str, own: Any) -> list[Any]:
        self.calls.append(name)
        self._room.brought[self.rank] = own
        self._room.barrier.wait()
        everything = list(self._room.brought)
        self._room.barrier.wait()
        return everything

    def allgather(self, sendobj: Any) -> list[Any]:
        return self._meet("allgather", copy(sendobj))

    def bcast(self, obj: Any, root: int = 0) -> Any:
        return self._meet("bcast", copy(obj))[root]

    def Bcast(self, buf: Any, root: int = 0) -> None:
        buf[...] = self._meet("Bcast", buf.copy())[root]

    def Allreduce(self, sendbuf: Any, recvbuf: Any, op: MPI.Op = MPI.SUM) -> None:
        assert sendbuf is MPI.IN_PLACE
        assert op is MPI.SUM
        recvbuf[...] = sum(self._meet("Allreduce", recvbuf.copy()))

    def Abort(self, errorcode: int = 0) -> Any:
        self.aborted.append(errorcode)


def on_threads(size: int, run: Callable[[Threads], T]) -> list[T]:
    """What `run` returns on each rank; the first error of one, if any has one."""
    room = Room(size)

    def one(rank: int) -> T:
        try:
            return run(Threads(rank, room))
        except BaseException:
            room.barrier.abort()
            raise

    with ThreadPoolExecutor(size) as pool:
        waiting = [pool.submit(one, rank) for rank in range(size)]
    errors = [future.exception() for future in waiting]
    first = [error for error in errors if error and not isinstance(error, BrokenBarrierError)]
    if first:
        raise first[0]
    return [future.result() for future in waiting]
