"""Measuring: contestants in alternation, CPU time, and a check that all did the same work."""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.contestants import NAIVE, OURS, load
from benchmarks.workloads import Inference, Pass, Training, Workload
from layerwise import softmax


@dataclass
class Result:
    """CPU seconds per unit of work (a training step, a call) of each contestant, one a round."""

    key: str
    title: str
    unit: str
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def ratios(self, name: str, to: str) -> tuple[float, float, float]:
        """Lower quartile, median and upper quartile of the rounds' ratios of time."""
        ratios = np.divide(self.seconds[name], self.seconds[to])
        low, middle, high = np.percentile(ratios, [25, 50, 75])
        return float(low), float(middle), float(high)


def alternately(workload: Workload, names: list[str], rounds: int | None = None) -> Result:
    """Run every contestant once a round, each time from the start, in an order that moves on.

    A ratio is then of two runs close in time, under the same conditions, whatever else the
    machine does. Each contestant runs once before, unmeasured, to warm up.

    Raises RuntimeError where the answers differ: then the contestants did not do the same work.
    """
    entrants = {name: load(name) for name in names}
    entries = {name: contestant.entry(workload) for name, contestant in entrants.items()}
    make = {name: entry for name, entry in entries.items() if entry is not None}
    gc.freeze()  # nor for searching all that the libraries keep
    if isinstance(workload, Training):
        unit, units = "step", workload.steps
    else:
        unit, units = "call", workload.calls
        make = {name: partial(_repeated, entry, units) for name, entry in make.items()}
    result = Result(workload.key, workload.title, unit, {name: [] for name in make})
    for round_ in range(-1, rounds or workload.rounds):
        answers = {}
        turn = round_ % len(make)
        for name in [*make][turn:] + [*make][:turn]:
            seconds, answer = timed(make[name]())
            if isinstance(workload, Inference) and entrants[name].gives == "logits":
                answer = softmax(np.asarray(answer))
            if isinstance(workload, Pass) and answer is not None:
                answer = np.concatenate([np.ravel(part) for part in answer])
            if round_ >= 0:
                result.seconds[name].append(seconds / units)
            if entrants[name].gives != "nothing":
                answers[name] = np.asarray(answer)
        for name in answers:
            _check(workload.key, name, answers, entrants[name].tolerance)
    return result


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of all threads, and what came out. Nobody pays for another's garbage."""
    gc.collect()
    start = time.process_time()
    out = run()
    return time.process_time() - start, out


def _repeated(entry: Callable[[], Callable[[], Any]], calls: int) -> Callable[[], Any]:
    """As many calls as the workload wants; the last answer.

    One more is not measured: it would pay for memory that the contestant before it gave back.
    """
    call = entry()
    call()

    def run() -> Any:
        for _ in range(calls - 1):
            call()  # its answer is let go, as it soon is in training
        return call()

    return run


def _check(key: str, name: str, answers: dict[str, NDArray[Any]], tolerance: float) -> None:
    """Refuse answers (losses, probabilities, gradients) that differ by more than rounding."""
    reference = NAIVE if NAIVE in answers else OURS
    given, right = answers[name], answers[reference]
    scale = max(1, float(np.abs(right).max()))
    if given.shape != right.shape or not np.allclose(
        given, right, rtol=tolerance, atol=1e-5 * scale
    ):
        raise RuntimeError(
            f"{key}: {name} ends with {given.ravel()[-3:]} where {reference} ends with "
            f"{right.ravel()[-3:]}: they did not do the same work, so their times say nothing"
        )
