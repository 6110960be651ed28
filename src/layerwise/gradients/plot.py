"""The report as a picture."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from layerwise.gradients.report import GradientReport, TensorReport

COLORS = {"proven": "tab:blue", "kink": "tab:orange", "noisy": "tab:gray", "wrong": "tab:red"}
MOST = 4  # tensors in one picture, the wrong ones first


def draw(report: GradientReport, path: str | Path | None = None) -> Figure:
    """For each tensor, analytic against numeric derivatives, and how far apart they are.

    On the left a right derivative lies on the diagonal; on the right it lies below the line at 1,
    where the difference is as large as the numerical error allows.
    """
    tensors = sorted(report.tensors, key=lambda t: t.verdict != "wrong")[:MOST]
    tensors = [tensor for tensor in tensors if tensor.comparisons]
    figure = Figure(figsize=(10, 1 + 3 * max(1, len(tensors))), layout="constrained")
    figure.suptitle(str(report).partition("\n")[0])
    for row, tensor in enumerate(tensors):
        _draw_tensor(figure, tensor, row, len(tensors))
    if path is not None:
        figure.savefig(path)
    return figure


def _draw_tensor(figure: Figure, tensor: TensorReport, row: int, rows: int) -> None:
    values, errors = (figure.add_subplot(rows, 2, 2 * row + i) for i in (1, 2))
    numeric = np.array([c.numeric for c in tensor.comparisons])
    analytic = np.array([c.analytic for c in tensor.comparisons])
    ratio = np.array([max(c.error, 1e-6) for c in tensor.comparisons])
    states = np.array([c.state for c in tensor.comparisons])
    ends = [min(numeric.min(), analytic.min()), max(numeric.max(), analytic.max())]
    values.plot(ends, ends, color="lightgray", zorder=0)
    errors.axhline(1, color="lightgray", zorder=0)
    for state, color in COLORS.items():
        here = np.flatnonzero(states == state)
        if len(here):
            values.scatter(numeric[here], analytic[here], s=14, color=color, label=state)
            errors.scatter(here, ratio[here], s=14, color=color)
    values.set(title=f"{tensor.name} {tensor.shape}, {tensor.point}")
    values.set(xlabel="numeric", ylabel="analytic")
    values.legend()
    errors.set(yscale="log", xlabel=f"{tensor.unit} in order", ylabel="difference / bound")
    errors.set(title="how far apart")
