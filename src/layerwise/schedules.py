"""Learning rates as functions of the step: give one to an optimizer as its `learning_rate`.

Each function here returns a function of t, the number of steps made so far: 0 before the first.
A step is one mini-batch; an epoch of n rows has ⌈n / batch_size⌉ of them. What is returned can be
pickled, and goes on at its last value after its end.
"""

from collections.abc import Callable
from functools import partial
from math import cos, pi, pow
from typing import TypeAlias

from layerwise.arguments import at_least_zero, fraction, positive, whole_number

Schedule: TypeAlias = Callable[[int], float]


def exponential_decay(start: float, factor: float, every: int = 1) -> Schedule:
    """η(t) = start · factor^(t / every): smaller by `factor` in each `every` steps, bit by bit.

    Raises ValueError for a start or a factor that is not positive, and for an `every` below 1.
    Source: Goodfellow et al. 2016, "Deep learning", section 8.5; as Keras's ExponentialDecay and,
    with every=1, PyTorch's ExponentialLR.

    >>> rate = exponential_decay(0.8, 0.25, every=2); rate(0), rate(1), rate(2)
    (0.8, 0.4, 0.2)
    """
    return partial(_exponential, *_decay("exponential_decay", start, factor, every))


def _exponential(start: float, factor: float, every: int, t: int) -> float:
    return start * pow(factor, t / every)


def step_decay(start: float, factor: float, every: int) -> Schedule:
    """η(t) = start · factor^⌊t / every⌋: smaller by `factor` at once, after each `every` steps.

    Raises ValueError for a start or a factor that is not positive, and for an `every` below 1.
    Source: He et al. 2015, arXiv:1512.03385, section 3.4; as PyTorch's StepLR.

    >>> rate = step_decay(0.8, 0.5, every=2); rate(1), rate(2), rate(4)
    (0.8, 0.4, 0.2)
    """
    return partial(_steps, *_decay("step_decay", start, factor, every))


def _steps(start: float, factor: float, every: int, t: int) -> float:
    return start * factor ** (t // every)


def cosine(peak: float, steps: int, *, warmup: int = 0, end: float = 0.0) -> Schedule:
    """η(t) = end + (peak − end) (1 + cos(π (t − w) / (steps − w))) / 2, from t = w on.

    w is `warmup`: in so many steps before, η(t) = peak (t + 1) / (w + 1), a straight line up to
    the peak. From t = `steps`, the length of the training, on it is `end`.

    Raises ValueError for a peak that is not positive, a negative end, and for no more steps than
    the warm-up has. Source: Loshchilov and Hutter 2017, arXiv:1608.03983, equation 5; warm-up as in
    Goyal et al. 2017, arXiv:1706.02677, section 2.2; without it as PyTorch's CosineAnnealingLR.

    >>> rate = cosine(0.8, 5, warmup=1); [round(rate(t), 3) for t in range(6)]
    [0.4, 0.8, 0.683, 0.4, 0.117, 0.0]
    """
    warmup = whole_number("cosine", "warmup", warmup, least=0)
    steps = whole_number("cosine", "steps", steps, least=warmup + 1)
    peak, end = positive("cosine", "peak", peak), at_least_zero("cosine", "end", end)
    return partial(_cosine, peak, steps, warmup, end)


def _cosine(peak: float, steps: int, warmup: int, end: float, t: int) -> float:
    if t < warmup:
        return peak * (t + 1) / (warmup + 1)
    return _wave(peak, end, (t - warmup) / (steps - warmup))


def one_cycle(
    peak: float,
    steps: int,
    *,
    rise: float = 0.3,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> Schedule:
    """η(t): from peak / d up to the peak at t = r, and down to peak / (d f) at t = steps − 1.

    Both ways are half a wave of the cosine: from a to b, η = b + (a − b) (1 + cos(π s)) / 2 with
    s from 0 to 1. r = `rise` · steps − 1, d is `div_factor` and f `final_div_factor`.

    Raises ValueError for numbers that are not positive, a rise that is no fraction, and where the
    rise is no longer than one step. Source: Smith and Topin 2018, arXiv:1708.07120; the two
    phases, their ends and the defaults as in PyTorch's OneCycleLR.

    >>> rate = one_cycle(1.0, 11, rise=6 / 11); [round(rate(t), 2) for t in (0, 5, 10)]
    [0.04, 1.0, 0.0]
    """
    who = "one_cycle"
    peak, steps = positive(who, "peak", peak), whole_number(who, "steps", steps)
    start = peak / positive(who, "div_factor", div_factor)
    end = start / positive(who, "final_div_factor", final_div_factor)
    top = fraction(who, "rise", rise) * steps - 1
    if top <= 0:
        raise ValueError(
            f"{who}: rise={rise} of steps={steps} is no longer than one step: give a larger rise "
            "or more steps"
        )
    return partial(_one_cycle, (start, peak, end), top, steps - 1)


def _one_cycle(rates: tuple[float, float, float], top: float, last: int, t: int) -> float:
    start, peak, end = rates
    if t <= top:
        return _wave(start, peak, t / top)
    return _wave(peak, end, (t - top) / (last - top))


def _wave(a: float, b: float, s: float) -> float:
    """From a to b while s goes from 0 to 1, and b from there on."""
    return b + (a - b) * (1 + cos(pi * min(s, 1.0))) / 2


def _decay(who: str, start: float, factor: float, every: int) -> tuple[float, float, int]:
    return (
        positive(who, "start", start),
        positive(who, "factor", factor),
        whole_number(who, "every", every),
    )
