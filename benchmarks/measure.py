"""Measuring: contestants in alternation, CPU time, and a check that all did the same work."""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.contestants import NAIVE, load
from benchmarks.workloads import Inference, Training
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


def alternately(
    workload: Training | Inference, names: list[str], rounds: int | None = None
) -> Result:
    """Run every contestant once a round, each time from the start, in an order that moves on.

    A ratio is then of two runs close in time, under the same conditions, whatever else the
    machine does. Each contestant runs once before, unmeasured, to warm up.

    Raises RuntimeError where the answers differ: then the contestants did not do the same work.
    """
    make: dict[str, Callable[[], Callable[[], Any]]] = {}
    entrants = {name: load(name) for name in names}
    for name, contestant in entrants.items():
        if isinstance(workload, Training):
            make[name] = partial(contestant.training, workload)
        elif contestant.inference is not None:
            make[name] = partial(_repeated, contestant.inference, workload)
    gc.freeze()  # nor for searching all that the libraries keep
    if isinstance(workload, Training):
        unit, units = "step", workload.steps
    else:
        unit, units = "call", workload.calls
    result = Result(workload.key, workload.title, unit, {name: [] for name in make})
    for round_ in range(-1, rounds or workload.rounds):
        answers = {}
        turn = round_ % len(make)
        for name in [*make][turn:] + [*make][:turn]:
            seconds, answer = timed(make[name]())
            answers[name] = np.asarray(answer)
            if isinstance(workload, Inference) and entrants[name].gives == "logits":
                answers[name] = softmax(answers[name])
            if round_ >= 0:
                result.seconds[name].append(seconds / units)
        for name in answers:
            if entrants[name].gives != "nothing":
                _check(workload.key, name, answers, entrants[name].tolerance)
    return result


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of all threads, and what came out. Nobody pays for another's garbage."""
    gc.collect()
    start = time.process_time()
    out = run()
    return time.process_time() - start, out


def _repeated(
    inference: Callable[[Inference], Callable[[], Any]], workload: Inference
) -> Callable[[], Any]:
    """As many calls as the workload wants; the last answer."""
    call, calls = inference(workload), workload.calls

    def run() -> Any:
        for _ in range(calls):
            Y = call()
        return Y

    return run


def _check(key: str, name: str, answers: dict[str, NDArray[Any]], tolerance: float) -> None:
    """Refuse answers (losses of all epochs, or probabilities) that differ by more than rounding."""
    given, right = answers[name], answers[NAIVE]
    if given.shape != right.shape or not np.allclose(given, right, rtol=tolerance, atol=1e-5):
        raise RuntimeError(
            f"{key}: {name} ends with {given.ravel()[-3:]} where {NAIVE} ends with "
            f"{right.ravel()[-3:]}: they did not do the same work, so their times say nothing"
        )
