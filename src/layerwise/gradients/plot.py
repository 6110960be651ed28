"""The report as a picture."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from layerwise.arrays import Array
from layerwise.gradients.moves import axes_in_words
from layerwise.gradients.report import GradientReport, TensorReport

COLORS = {"proven": "tab:blue", "kink": "tab:orange", "noisy": "tab:gray", "wrong": "tab:red"}
MOST = 4  # tensors in one picture, where fewer are wrong: those are all in it


def draw(report: GradientReport, path: str | Path | None = None) -> Figure:
    """For each tensor, analytic against numeric derivatives, and where and how far they differ.

    On the left a right derivative lies on the diagonal. On the right it lies below the line at 1,
    where the difference is as large as the numerical error allows; of a wrong tensor with two or
    more axes there is an image of its errors instead, as shares of its largest derivative.
    """
    tensors = [tensor for tensor in report.tensors if tensor.comparisons]
    tensors.sort(key=lambda tensor: tensor.verdict != "wrong")
    wrong = sum(tensor.verdict == "wrong" for tensor in tensors)
    tensors = tensors[: max(wrong, MOST)]
    figure = Figure(figsize=(10, 1 + 3 * max(1, len(tensors))), layout="constrained")
    figure.suptitle(str(report).partition("\n")[0])
    for row, tensor in enumerate(tensors):
        values, place = (figure.add_subplot(len(tensors), 2, 2 * row + i) for i in (1, 2))
        _draw_values(values, tensor)
        if tensor.verdict == "wrong" and len(tensor.shape) > 1 and tensor.errors is not None:
            _draw_image(figure, place, tensor.errors)
        else:
            _draw_distances(place, tensor)
    if path is not None:
        figure.savefig(path)
    return figure


def _draw_values(axes: Axes, tensor: TensorReport) -> None:
    """Analytic against numeric values."""
    numeric = np.array([c.numeric for c in tensor.comparisons])
    analytic = np.array([c.analytic for c in tensor.comparisons])
    states = np.array([c.state for c in tensor.comparisons])
    ends = [min(numeric.min(), analytic.min()), max(numeric.max(), analytic.max())]
    axes.plot(ends, ends, color="lightgray", zorder=0)
    for state, color in COLORS.items():
        here = states == state
        if here.any():
            axes.scatter(numeric[here], analytic[here], s=14, color=color, label=state)
    axes.set(title=f"{tensor.name} {tensor.shape}, {tensor.point}")
    axes.set(xlabel="numeric", ylabel="analytic")
    axes.legend()


def _draw_distances(axes: Axes, tensor: TensorReport) -> None:
    """How far apart the two are, in units of the bound."""
    axes.axhline(1, color="lightgray", zorder=0)
    ratio = np.array([max(c.error, 1e-6) for c in tensor.comparisons])
    color = [COLORS[c.state] for c in tensor.comparisons]
    axes.scatter(np.arange(len(ratio)), ratio, s=14, c=color)
    axes.set(yscale="log", xlabel=f"{tensor.unit} in order", ylabel="difference / bound")
    axes.set(title="how far apart")


def _draw_image(figure: Figure, axes: Axes, errors: Array) -> None:
    """The errors as a matrix: some axes of the tensor go down, those behind them across."""
    shape = errors.shape
    sizes = [float(np.prod(shape[:i])) for i in range(1, len(shape))]
    down = 1 + int(np.argmin([abs(np.log(size * size / errors.size)) for size in sizes]))
    image = axes.imshow(
        errors.reshape(int(sizes[down - 1]), -1), cmap="Reds", vmin=0, aspect="auto"
    )
    axes.set_facecolor("lightgray")  # what was not measured
    names = [axes_in_words(range(*ends)) for ends in ((0, down), (down, len(shape)))]
    axes.set(title="where the errors lie", ylabel=names[0], xlabel=names[1])
    for lines, inner, ends in (axes.axhline, shape[1:down], shape[0]), (
        axes.axvline, shape[down + 1 :], shape[down]
    ):  # fmt: skip
        for i in range(1, ends) if inner else ():
            lines(i * int(np.prod(inner)) - 0.5, color="gray", linewidth=0.8)
    axes.locator_params(integer=True)
    figure.colorbar(image, ax=axes, label="error / largest derivative")
