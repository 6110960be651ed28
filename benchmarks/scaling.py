"""How the cost of a training step grows with width, depth and batch, beside the bare products."""

import json
from dataclasses import replace
from pathlib import Path
from statistics import median

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.contestants import BARE, OURS, load
from benchmarks.measure import timed
from benchmarks.report import COLORS
from benchmarks.workloads import Training, first_weights, made_up

WIDTH, DEPTH, BATCH = 128, 3, 64  # where the other two stay while one grows
SECONDS = 0.05  # how long a run lasts at least

SWEEPS = {
    "width": [16, 32, 64, 128, 256, 512, 1024, 2048, 4096],
    "depth": [1, 2, 4, 8, 16, 32, 64],
    "batch": [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096],
}


def run(folder: Path, rounds: int) -> None:
    """Measure each point, print it, save scaling.json and scaling.png."""
    times: dict[str, dict[str, list[float]]] = {}
    for swept, sizes in SWEEPS.items():
        times[swept] = {BARE: [], OURS: []}
        print(f"\n{swept:>6}  {BARE:>18}  {OURS:>18}  ratio")
        for size in sizes:
            workload = _workload(**{"width": WIDTH, "depth": DEPTH, "batch": BATCH, swept: size})
            bare, ours, ratio = _time(workload, rounds)
            times[swept][BARE].append(bare)
            times[swept][OURS].append(ours)
            print(f"{size:>6}  {bare:>15,.1f} µs  {ours:>15,.1f} µs  {ratio:5.2f}", flush=True)
    (folder / "scaling.json").write_text(
        json.dumps({"sizes": SWEEPS, "microseconds": times}, indent=1) + "\n"
    )
    _picture(times).savefig(folder / "scaling.png", dpi=150)


def _workload(width: int, depth: int, batch: int) -> Training:
    """`depth` layers of `width` that read `width` columns and end in 10 classes; Adam."""
    weights = first_weights(*[width] * depth, 10)
    steps = 8 if width * width * batch > 1e8 else 32
    X, y = made_up(batch * steps, width)
    return Training(
        key="",
        title="",
        X=X,
        y=y,
        weights=weights,
        batch_size=batch,
        epochs=1,
        optimizer="Adam",
        learning_rate=1e-5,
        rounds=0,
    )


def _time(workload: Training, rounds: int) -> tuple[float, float, float]:
    """Medians over the rounds: µs per step of the bare products and of Layerwise; their ratio."""
    entrants = []
    for name in (BARE, OURS):
        training = load(name).training
        seconds, _ = timed(training(workload))
        epochs = max(1, round(SECONDS / max(seconds, 1e-6)))
        entrants.append((training, replace(workload, epochs=min(epochs, 2000))))
    spent = [
        [1e6 * timed(training(longer))[0] / longer.steps for training, longer in entrants]
        for _ in range(rounds)
    ]
    bare, ours = zip(*spent, strict=True)
    ratio = median(our / their for their, our in spent)
    return median(bare), median(ours), ratio


def _picture(times: dict[str, dict[str, list[float]]]) -> Figure:
    """Three panels, both axes logarithmic; what lies between the lines is overhead."""
    figure = Figure(figsize=(13, 4.5), layout="constrained")
    fixed = {
        "width": f"{DEPTH} layers, batch {BATCH}",
        "depth": f"width {WIDTH}, batch {BATCH}",
        "batch": f"{DEPTH} layers of width {WIDTH}",
    }
    panels: list[Axes] = list(figure.subplots(1, 3, sharey=True))
    for axes, (swept, sizes) in zip(panels, SWEEPS.items(), strict=True):
        bare, ours = times[swept][BARE], times[swept][OURS]
        axes.fill_between(sizes, bare, ours, color=COLORS[OURS], alpha=0.1)
        axes.plot(sizes, ours, "D-", color=COLORS[OURS], label="Layerwise, fit with Adam")
        axes.plot(sizes, bare, "o-", color=COLORS[BARE], label="bare matrix products")
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xticks(sizes[::2], [f"{size}" for size in sizes[::2]])
        axes.set_xlabel(f"{swept} ({fixed[swept]})")
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        _mark_crossing(axes, sizes, bare, ours)
    panels[0].set_ylabel("CPU time per training step, µs")
    panels[0].legend(loc="upper left", frameon=False)
    return figure


def _mark_crossing(axes: Axes, sizes: list[int], bare: list[float], ours: list[float]) -> None:
    """A line where the products become more than half of the time: arithmetic begins."""
    small = [size for size, b, o in zip(sizes, bare, ours, strict=True) if o > 2 * b]
    if small and small[-1] != sizes[-1]:
        axes.axvline(small[-1] * 2**0.5, color="#888888", linestyle=":")
        axes.annotate(
            "overhead  ",
            (small[-1] * 2**0.5, 0.03),
            xycoords=("data", "axes fraction"),
            ha="right",
            color="#888888",
        )
        axes.annotate(
            "  arithmetic",
            (small[-1] * 2**0.5, 0.03),
            xycoords=("data", "axes fraction"),
            color="#888888",
        )
