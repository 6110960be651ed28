"""The table, as text, as JSON and as a picture, and the bars that Layerwise has to clear."""

import json
import platform
from dataclasses import asdict
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks.contestants import BARE, EAGER, FUSED, HOMES, LAST, OURS, SKLEARN
from benchmarks.measure import Result

COLORS = dict(
    zip(
        HOMES,
        ["#444444", "#d62728", "#bcbd22", "#ff7f0e", "#9467bd", "#5b3a8c", "#e377c2", "#1f77b4"],
        strict=True,
    )
)


Bar = tuple[float, float | None]  # what is required, and what is aimed at beyond it

AT_MOST: dict[str, Bar] = {  # times the bare products
    "W1": (4.6, 3.5),
    "W2": (1.30, 1.28),
    "W3": (1.15, 1.05),
    "W4": (11.5, 6),
    "W5 10,000 rows": (1.10, None),
    "W7 3x3 same": (3.0, 2.0),
    "W7 3x3 wide": (1.3, 1.12),
    "W7 5x5": (4.2, 2.4),
    "W7 3x3 stride 2": (1.9, 1.6),
    "W7 1x1": (1.2, 1.05),
    "W8 LSTM": (1.6, 1.35),
    "W8 GRU": (1.65, 1.4),
    "W8 RNN": (2.2, None),
    "W8 attention 64": (1.5, 1.3),
    "W8 attention 256": (1.4, 1.2),
}
AT_LEAST: dict[str, dict[str, Bar]] = {  # times faster than these
    "W1": {SKLEARN: (2.6, 4), FUSED: (4, 5)},
    "W2": {SKLEARN: (1.22, 1.4), EAGER: (1.25, 1.4), FUSED: (1.25, 1.4)},
    "W3": {SKLEARN: (1.22, 1.45), FUSED: (0.95, 1.05)},
    "W4": {SKLEARN: (2.9, 5), FUSED: (5, 8)},
    "W5 one row": {SKLEARN: (12, None), EAGER: (2.3, None)},
    "W5 10,000 rows": {SKLEARN: (1.0, None), EAGER: (1.1, None)},
    "W7 CNN": {EAGER: (1.0, None), LAST: (0.65, 0.8)},
    "W7 MaxPool2D": {LAST: (0.5, 0.65)},
    "W7 BatchNorm": {LAST: (0.4, 0.7)},
    "W7 LayerNorm": {EAGER: (0.35, 0.43)},
    "W8 GRU": {EAGER: (1.2, None)},
    "W8 RNN": {EAGER: (2.5, None)},
    "W8 block": {EAGER: (0.85, 1.0)},
    "W8 Embedding": {EAGER: (0.6, 0.75)},
}
MEMORY: Bar = (230, 200)  # MB
LESS_MEMORY: dict[str, Bar] = {SKLEARN: (1.35, None), EAGER: (1.35, None), FUSED: (1.35, None)}
IMPORT: Bar = (20, None)  # ms

Memory = dict[str, tuple[float, float]]


def show(results: list[Result], memory: Memory | None, import_ms: float | None) -> None:
    """Print the table, and bar by bar whether it is met."""
    names = [name for name in HOMES if any(name in result.seconds for result in results)]
    if results:
        print("\nCPU time on one thread, float32. Median (quartiles) of each round's ratio.")
        print("\nTimes the bare products: lower is better")
        _line("", names)
        for result in with_products(results):
            bare = _time(float(np.median(result.seconds[BARE])))
            others = [_ratio(result, name, BARE) for name in names[1:]]
            _line(result.key, [f"1 = {bare} a {result.unit}", *others])
        print("\nLayerwise is so many times faster than")
        _line("", names[2:])
        for result in results:
            _line(result.key, [_ratio(result, name, OURS) for name in names[2:]])
    if memory:
        print("\nPeak memory of W3 over data and imports, MB (10⁶ bytes)")
        _line("", list(memory))
        _line("W6", [f"{first:.0f}" for first, _ in memory.values()])
        _line("  code loaded", [f"{loaded:.0f}" for _, loaded in memory.values()])
    if import_ms is not None:
        print(f"\nimport layerwise: {import_ms:.1f} ms of CPU time over import numpy")
    print("\nWhat Layerwise has to reach")
    for result in results:
        _show_bars(result)
    if memory:
        ours = memory[OURS][0]
        _line("W6", [f"{ours:7.1f} MB: {_verdict(ours, MEMORY, lower=True)}"])
        for name in [name for name in LESS_MEMORY if name in memory]:
            less = memory[name][0] / ours
            verdict = _verdict(less, LESS_MEMORY[name], lower=False)
            _line("W6", [f"{less:7.3f} times less than {name}: {verdict}"])
    if import_ms is not None:
        _line("import", [f"{import_ms:7.1f} ms: {_verdict(import_ms, IMPORT, lower=True)}"])
    print(f"\n{_machine()}")


def save(
    folder: Path, results: list[Result], memory: Memory | None, import_ms: float | None
) -> None:
    """Write table.json, with every single time, and table.png."""
    content = {
        "machine": _machine(),
        "results": [
            {
                **asdict(result),
                "times_bare": {
                    name: result.ratios(name, BARE)
                    for name in result.seconds
                    if BARE in result.seconds
                },
                "times_layerwise": {name: result.ratios(name, OURS) for name in result.seconds},
            }
            for result in results
        ],
        "memory_MB": memory,
        "import_ms": import_ms,
    }
    (folder / "table.json").write_text(json.dumps(content, indent=1) + "\n")
    if with_products(results):
        _picture(with_products(results)).savefig(folder / "table.png", dpi=150)


def with_products(results: list[Result]) -> list[Result]:
    """Those with matrix products to compare with: pooling and normalization have none."""
    return [result for result in results if BARE in result.seconds]


def _line(key: str, cells: list[str]) -> None:
    print(f"{key:<18}" + "".join(f"{cell:<21}" for cell in cells))


def _time(seconds: float) -> str:
    return f"{1e6 * seconds:.3g} µs" if seconds < 1e-3 else f"{1e3 * seconds:.3g} ms"


def _ratio(result: Result, name: str, to: str) -> str:
    if name not in result.seconds:
        return "-"
    low, middle, high = result.ratios(name, to)
    digits = 2 if middle < 10 else 1
    return f"{middle:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def _show_bars(result: Result) -> None:
    """Print each bar of a workload, and whether it is met."""
    if result.key in AT_MOST:
        value = result.ratios(OURS, BARE)[1]
        verdict = _verdict(value, AT_MOST[result.key], lower=True)
        _line(result.key, [f"{value:7.3f} times the bare products: {verdict}"])
    for name, bar in AT_LEAST.get(result.key, {}).items():
        if name in result.seconds:
            value = result.ratios(name, OURS)[1]
            verdict = _verdict(value, bar, lower=False)
            _line(result.key, [f"{value:7.3f} times faster than {name}: {verdict}"])


def _verdict(value: float, bar: Bar, *, lower: bool) -> str:
    """In words, whether a bar and its aim are met."""

    def met(mark: float) -> bool:
        return value <= mark if lower else value >= mark

    required, aim = bar
    words = f"{'at most' if lower else 'at least'} {required:g}: "
    words += "met" if met(required) else "NOT MET"
    return words if aim is None else f"{words}; aim {aim:g}: {'met' if met(aim) else 'not met'}"


def _machine() -> str:
    """What was measured on, and with which versions."""
    kernels = [
        f"{pool['internal_api']} {pool['version']} for {pool.get('architecture', '?')}"
        for pool in import_module("threadpoolctl").threadpool_info()
        if pool["user_api"] == "blas" and "numpy" in pool["filepath"]
    ]
    parts = [f"Python {platform.python_version()}", platform.machine(), *kernels]
    for package in ("layerwise", "numpy", "scikit-learn", "torch", "jax"):
        try:
            parts.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join(parts)


def _picture(results: list[Result]) -> Figure:
    """A row for each workload, a point for each contestant: the ratio to the bare products."""
    figure = Figure(figsize=(9, 1.3 + 0.75 * len(results)), layout="constrained")
    axes = figure.add_subplot()
    for row, result in enumerate(results):
        names = [name for name in HOMES if name in result.seconds and name != BARE]
        for name, offset in zip(names, np.linspace(-0.3, 0.3, len(names)), strict=True):
            low, middle, high = result.ratios(name, BARE)
            axes.errorbar(
                middle,
                row + offset,
                xerr=[[middle - low], [high - middle]],
                fmt="D" if name == OURS else "o",
                markersize=9 if name == OURS else 6,
                color=COLORS[name],
                label=name,
            )
        if row % 2:
            axes.axhspan(row - 0.5, row + 0.5, color="#f4f4f4", zorder=0)
    axes.axvline(1, color=COLORS[BARE], linestyle=":")
    axes.set_xscale("log")
    ticks = [1, 1.5, 2, 3, 5, 10, 20, 50, 100]
    largest = max(result.ratios(name, BARE)[2] for result in results for name in result.seconds)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlim(0.6, 1.3 * largest)
    axes.set_ylim(len(results) - 0.5, -0.5)
    axes.set_yticks(
        range(len(results)),
        [f"{result.key}\n{result.title.replace(', ', chr(10), 1)}" for result in results],
        fontsize=8,
    )
    axes.set_xlabel("CPU time, times the bare matrix products (median and quartiles)")
    axes.spines[["top", "right"]].set_visible(False)
    labels = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    figure.legend(
        labels.values(), labels.keys(), loc="outside upper center", ncols=6, frameon=False
    )
    return figure
