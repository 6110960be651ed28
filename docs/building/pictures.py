"""The pictures of pages, drawn when the site is built, by the code that they speak of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from layerwise import (
    ELU,
    GELU,
    SELU,
    Array,
    Dense,
    HardSigmoid,
    Layer,
    LeakyReLU,
    ReLU,
    Sequential,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
    Vector,
)
from layerwise.gradients.differences import ORDERS, RATIO, extrapolate

FOLDER = Path(__file__).parent.parent / "drawn"
BLUE, RED, GRAY, INK = "#1f5a8c", "#c0392b", "#8a8a8a", "#222222"


def two_layers() -> Figure:
    """Data goes forth through two layers, its gradient back through what each has left."""
    figure = Figure(figsize=(6.6, 4.4), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(-0.2, 8.2), ylim=(0, 4.7))
    axes.axis("off")
    layers = (1.9, 1, "$Y_1 = XW_1 + b_1$"), (5.1, 2, "$Y_2 = Y_1W_2 + b_2$")
    for x, i, formula in layers:
        _box(axes, (x, 3.6), f"Dense {i}\n{formula}", BLUE)
        _box(axes, (x, 1.1), f"backward {i}\nadds $dW_{i},\\ db_{i}$", RED)
        leaves = {"arrowstyle": "-|>", "color": GRAY, "linestyle": ":"}
        axes.annotate("", (x, 1.72), (x, 2.98), arrowprops=leaves)
        axes.text(x + 0.1, 2.35, "leaves", color=GRAY, ha="left", va="center", fontsize=11)
    between = (0.1, "X"), (3.6, "Y_1"), (6.85, "Y_2")
    for x, text in between:
        axes.text(x, 3.95, f"${text}$", color=BLUE, ha="center")
        axes.text(x, 1.42, rf"$\frac{{dL}}{{d{text}}}$", color=RED, ha="center", fontsize=16)
    for start, end in (-0.2, 0.85), (2.95, 4.05), (6.15, 7.25):
        _arrow(axes, start, end, 3.6, BLUE)
        _arrow(axes, end, start, 1.1, RED)
    axes.text(7.3, 3.6, "loss $L$", va="center", color=INK)
    axes.annotate("", (7.6, 1.1), (7.6, 3.35), arrowprops={"arrowstyle": "-|>", "color": RED})
    axes.plot([7.25, 7.6], [1.1, 1.1], color=RED, lw=1.5)
    small: dict[str, Any] = {"ha": "center", "fontsize": 12}
    axes.text(4, 4.5, "forward: the answer, and the way back", color=BLUE, **small)
    axes.text(4, 0.1, "back: the last way first, each used once", color=RED, **small)
    return figure


def _box(axes: Axes, center: tuple[float, float], text: str, color: str) -> None:
    """A box with its name and what it computes."""
    frame = {"boxstyle": "round,pad=0.5", "fc": "white", "ec": color, "linewidth": 1.5}
    axes.text(*center, text, ha="center", va="center", color=INK, bbox=frame)


def _arrow(axes: Axes, start: float, end: float, y: float, color: str) -> None:
    arrow = {"arrowstyle": "-|>", "color": color, "linewidth": 1.5}
    axes.annotate("", (end, y), (start, y), arrowprops=arrow)


def richardson() -> Figure:
    """How far each column of the table is from the derivative, and the bound that is computed."""
    slope, right = _along_a_line()
    ks = np.arange(1, 15)
    h = RATIO**-ks
    D = np.array([slope(step) for step in h])
    rounding = 2.0**-53 * 4
    value, bound, _ = extrapolate(h[2:], D[2:], rounding)
    figure = Figure(figsize=(6.6, 4.8), layout="constrained")
    axes = figure.subplots()
    T = D
    for order in range(ORDERS):
        if order:
            T = T[1:] + (T[1:] - T[:-1]) / (RATIO ** (2 * order) - 1)
        label = "differences D(h)" if not order else f"column {order}"
        shade = str(0.7 - 0.2 * order) if order else BLUE
        away = np.maximum(np.abs(T - right), 1e-17)
        axes.loglog(h[order:], away, "o-", ms=4, color=shade, label=label)
    axes.loglog(h, 4 * rounding / h, ":", color=GRAY, label="rounding of F, divided by h")
    axes.axhline(bound, color=RED, label=f"computed bound, {bound:.0e}")
    axes.axhline(max(abs(value - right), 1e-17), color=RED, ls="--", lw=1, label="its true error")
    axes.set(xlabel="step h", ylabel="distance from dL/dx by backward")
    axes.legend(frameon=False, fontsize=11)
    return figure


def _along_a_line() -> tuple[Callable[[float], float], float]:
    """D(h) of a small network along one direction, and the derivative by its backward."""
    rng = np.random.default_rng(0)
    network = Sequential(Dense(3, 8, rng=rng), GELU(), Dense(8, 2, rng=rng))
    X, direction = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    Y, backward = network.forward(X)
    C = rng.normal(size=Y.shape) / Y.size

    def F(h: float) -> float:
        return float((C * network(X + h * direction)).sum())

    return lambda h: (F(h) - F(-h)) / (2 * h), float((backward(C) * direction).sum())


def kink() -> Figure:
    """ReLU at its kink: no step gives one slope, and backward's lies between the two sides."""
    figure = Figure(figsize=(6.6, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    x: Vector = np.linspace(-1, 1, 201)
    _relu(left, x, 0.0, "at the kink: every h gives 1/2")
    _relu(right, x, 0.3, "beside it: small h give 1")
    return figure


def _relu(axes: Axes, x: Vector, at: float, title: str) -> None:
    """The function, and chords around a place."""
    axes.plot(x, np.maximum(x, 0), color=BLUE, lw=2)
    for h in (0.6, 0.25):
        ends: Array = np.array([at - h, at + h])
        axes.plot(ends, np.maximum(ends, 0), "o-", color=RED, ms=4, lw=1)
    axes.set(title=title, xlabel="x", xticks=[-1, 0, 1], yticks=[0, 1])
    axes.title.set_fontsize(12)


def activations() -> Figure:
    """Each activation, and its slope as backward gives it."""
    kinds: list[Layer[Array, Array]] = [
        *(ReLU(), LeakyReLU(0.1), ELU(), SELU()),
        *(GELU(), SiLU(), Softplus(), Sigmoid()),
        *(HardSigmoid(), Tanh()),
    ]
    figure = Figure(figsize=(6.6, 6.2), layout="constrained")
    x: Array = np.linspace(-4, 4, 161)
    for axes, layer in zip(figure.subplots(4, 3).flat, [*kinds, None, None], strict=True):
        if layer is None:
            axes.axis("off")
            continue
        Y, backward = layer.forward(x)
        axes.plot(x, Y, color=BLUE, lw=2, label="Y")
        axes.plot(x, backward(np.ones_like(x)), color=RED, lw=1, label="dY/dX")
        axes.set(ylim=(-2, 3), xticks=[-4, 0, 4], yticks=[-1, 0, 1, 2])
        axes.set_title(type(layer).__name__, fontsize=12)
        axes.tick_params(labelsize=9)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.axes[-1].legend(handles, labels, loc="center", frameon=False)
    return figure


def text() -> Figure:
    """In the gallery, for examples that draw nothing."""
    figure = Figure(figsize=(4, 2.8), dpi=100)
    figure.text(0.5, 0.5, ">>>", ha="center", va="center", color=GRAY, size=60, family="monospace")
    return figure


PICTURES = two_layers, richardson, kink, activations


def draw(*_: Any) -> None:
    """Draw them all."""
    FOLDER.mkdir(exist_ok=True)
    plain: dict[Any, Any] = {"font.size": 13, "axes.spines.top": False, "axes.spines.right": False}
    with rc_context(plain | {"svg.hashsalt": "layerwise"}):
        for picture in PICTURES:
            picture().savefig(FOLDER / f"{picture.__name__}.svg", metadata={"Date": None})
        text().savefig(FOLDER / "text.png")


def setup(app: Any) -> dict[str, bool]:
    """Draw before pages are read, and the gallery made."""
    app.connect("config-inited", draw)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
