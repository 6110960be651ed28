"""What a gradient check found, on at most a page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from layerwise.arrays import Array

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

Verdict = Literal["proven", "wrong", "inconclusive"]
State = Literal["proven", "kink", "noisy", "slight", "wrong"]


@dataclass(eq=False, repr=False)
class Comparison:
    """One derivative, of an element or along a direction: analytic against numeric ± bound."""

    where: str
    analytic: float
    numeric: float
    bound: float
    state: State
    size: float  # what the derivative is measured against

    @property
    def off(self) -> float:
        """How far the two differ."""
        return abs(self.analytic - self.numeric)

    @property
    def error(self) -> float:
        """How many times the bound the two differ."""
        return self.off / self.bound if self.bound else np.inf

    @property
    def share(self) -> float:
        """The difference as a share of the derivative's size."""
        return self.off / self.size if self.size else np.inf

    def __str__(self) -> str:
        return (
            f"{self.where}: analytic {self.analytic:.10g}, "
            f"numeric {self.numeric:.10g} ± {self.bound:.1e}"
        )


@dataclass(eq=False, repr=False)
class TensorReport:
    """The comparisons for one input or parameter.

    `analytic` and `numeric`, where the check went element by element, have the tensor's shape,
    NaN where nothing was measured.
    """

    name: str
    shape: tuple[int, ...]
    point: str
    comparisons: list[Comparison] = field(default_factory=list)
    analytic: Array | None = None
    numeric: Array | None = None

    def count(self, state: str) -> int:
        """How many comparisons ended so."""
        return sum(comparison.state == state for comparison in self.comparisons)

    @property
    def unit(self) -> str:
        """What a comparison is about."""
        return "directions" if self.analytic is None else "elements"

    @property
    def verdict(self) -> Verdict:
        """Wrong if anything is, proven if enough is and nothing is slightly off."""
        if self.count("wrong"):
            return "wrong"
        if self.count("slight"):
            return "inconclusive"
        proven, noisy = self.count("proven"), self.count("noisy")
        enough = proven > 0 if self.analytic is None else proven > 0 and noisy == 0
        return "proven" if enough or not self.comparisons else "inconclusive"

    @property
    def worst(self) -> Comparison | None:
        """The comparison furthest off in units of its bound, a wrong one if there is any."""
        wrong = [c for c in self.comparisons if c.state in ("wrong", "slight")]
        others = [c for c in self.comparisons if c.state != "kink"]
        return max(wrong or others, key=lambda c: c.error, default=None)

    @property
    def errors(self) -> Array | None:
        """How far apart the two are, element by element, as a share of the largest numeric one."""
        if self.analytic is None or self.numeric is None:
            return None
        size = float(np.nanmax(np.abs(self.numeric))) or 1.0
        return np.abs(self.analytic - self.numeric) / size

    @property
    def resolution(self) -> float:
        """The relative error of the whole tensor's gradient that would surely have been seen."""
        seen = [c.bound / c.size for c in self.comparisons if c.state == "proven" and c.size]
        return min(seen, default=np.inf)


@dataclass(eq=False)
class GradientReport:
    """The outcome of a check. Only "proven" passes; `print(report)` shows it on a page.

    `faults` are broken promises of the layer contract, `tensors` the comparisons for each input
    and parameter, `hints` the likely mistakes where their pattern is known, and `forwards` counts
    the forward calls that the differences took.

    >>> from layerwise import Dense, check_layer
    >>> report = check_layer(Dense(3, 2, rng=0), np.ones((4, 3))); report.passed, report.verdicts()
    (True, {'X': 'proven', 'W': 'proven', 'b': 'proven'})
    """

    subject: str
    mode: str
    faults: list[str] = field(default_factory=list)
    tensors: list[TensorReport] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    forwards: int = 0
    notes: list[str] = field(default_factory=list)

    def verdicts(self) -> dict[str, Verdict]:
        """The verdict for each tensor: wrong at any point, or else proven at any.

        One that is slightly off at any is not proven.
        """
        slight = {tensor.name for tensor in self.tensors if tensor.count("slight")}
        found: dict[str, Verdict] = {}
        for tensor in self.tensors:
            both = {tensor.verdict, found.get(tensor.name, "inconclusive")}
            if tensor.name in slight:
                both.discard("proven")
            found[tensor.name] = (
                "wrong" if "wrong" in both else "proven" if "proven" in both else "inconclusive"
            )
        return found

    @property
    def verdict(self) -> Verdict:
        """proven, wrong, or inconclusive where neither could be shown."""
        verdicts = self.verdicts().values()
        if self.faults or "wrong" in verdicts:
            return "wrong"
        nothing = not any(tensor.comparisons for tensor in self.tensors)
        return "inconclusive" if nothing or "inconclusive" in verdicts else "proven"

    def _unresolved(self) -> dict[str, int]:
        """How many elements of each tensor were too noisy to tell, at the point with the most."""
        counts: dict[str, int] = {}
        for tensor in self.tensors:
            if tensor.analytic is not None and tensor.count("noisy"):
                counts[tensor.name] = max(counts.get(tensor.name, 0), tensor.count("noisy"))
        return counts

    @property
    def passed(self) -> bool:
        """Whether the verdict is proven."""
        return self.verdict == "proven"

    @property
    def hint(self) -> str | None:
        """All hints in one, or None."""
        return "; ".join(self.hints) or None

    def __repr__(self) -> str:
        lines = [f"{self.subject}: gradient {self.verdict} ({self.mode} mode)"]
        lines += [f"  broken: {fault}" for fault in self.faults]
        lines += [f"  likely cause: {hint}" for hint in self.hints]
        if not any(tensor.comparisons for tensor in self.tensors) and not self.faults:
            lines.append("  nothing was differentiated: no floating input, and no parameter")
        lines += [
            f"  {count} elements of {name} were below the resolution"
            for name, count in self._unresolved().items()
        ]
        order = sorted(self.tensors, key=lambda t: t.verdict != "wrong")
        for tensor in order[:20]:
            lines += _lines(tensor)
        if len(order) > 20:
            lines.append(f"  ... and {len(order) - 20} more, none of them worse")
        lines += [f"  {note}" for note in self.notes]
        return "\n".join(lines)

    def plot(self, path: str | Path | None = None) -> Figure:
        """Draw analytic against numeric values, and where the errors lie; needs matplotlib.

        Returns the figure, and saves it where a path is given.
        """
        from layerwise.gradients.plot import draw  # noqa: PLC0415  # needs an extra

        return draw(self, path)


def _lines(tensor: TensorReport) -> list[str]:
    """The lines for one tensor: the counts, and its worst comparison."""
    counts = [
        f"{tensor.count(state)} {words}"
        for state, words in (
            ("wrong", "wrong"),
            ("proven", "proven"),
            ("kink", "at a kink"),
            ("slight", "slightly off"),
            ("noisy", "too noisy"),
        )
        if tensor.count(state)
    ]
    line = (
        f"  {tensor.name} {tensor.shape}, {tensor.point}: {', '.join(counts) or 'nothing to check'}"
    )
    line += f" of {len(tensor.comparisons)} {tensor.unit}"
    if tensor.verdict == "proven" and np.isfinite(tensor.resolution):
        line += (
            f"; a relative error of {tensor.resolution:.0e} would have been seen"
            if tensor.resolution < 1
            else "; too small to tell from zero"
        )
    lines = [line]
    if tensor.worst is not None:
        lines.append(f"    worst: {tensor.worst}")
    return lines
