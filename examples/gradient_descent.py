"""Losses, and gradient descent on a line: parts 2.1 and 2.2 of the course.

Run `python examples/gradient_descent.py`. It takes a second and saves gradient_descent.png: the way
of slope and intercept downhill, and the loss along it. The course updates by half of the gradient,
with rate 0.1; with the gradient as it is, the same run has rate 0.05.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from layerwise import SGD, Array, Dense, MeanSquaredError, SigmoidCrossEntropy, train

STEPS = 100


def main(folder: Path = Path()) -> None:
    """Measure two losses, then fit y = 2 x + 1 and save the picture in `folder`."""
    mse, bce = MeanSquaredError(), SigmoidCrossEntropy()
    value, grad = mse(np.array([1.5, 2.5, 3.5]), np.array([2.0, 3.5, 5.0]))
    print(f"Mean squared error {value:.4f}, its gradient {grad.round(4)}")
    value, grad = bce(np.array([2.0, -1.0, 3.0, -2.0]), np.array([1.0, 0.0, 1.0, 0.0]))
    print(f"Cross-entropy {value:.4f} (the course prints 0.1731), its gradient {grad.round(4)}\n")

    x = np.arange(1.0, 6.0).reshape(-1, 1)
    y = 2 * x + 1
    line = Dense(1, 1, W_init=lambda shape, rng: np.zeros(shape))
    optimizer = SGD(line.parameters(), learning_rate=0.05)
    path = [(0.0, 0.0)]
    losses = []
    for epoch in train(line, x, y, loss=mse, optimizer=optimizer, epochs=STEPS, batch_size=len(x)):
        path.append((line.W.value.item(), line.b.value.item()))
        losses.append(epoch.loss)
    print("Loss before each of the first steps:", *(f"{loss:.5g}" for loss in losses[:5]))

    picture = folder / "gradient_descent.png"
    draw(x, y, np.array(path), losses).savefig(picture)
    print(f"Saved {picture.resolve()}")
    slope, intercept = path[-1]
    print(f"Shown: {STEPS} steps from W = b = 0 end at W = {slope:.4f}, b = {intercept:.4f}, near")
    print("2 and 1. The first steps settle the slope; the intercept crawls along a narrow valley.")


def draw(x: Array, y: Array, path: Array, losses: list[float]) -> Figure:
    """The loss over W and b with the way taken, and the loss over the steps."""
    figure = Figure(figsize=(12, 4), dpi=100, layout="constrained")
    valley, curve = figure.subplots(1, 2)
    W, b = np.meshgrid(np.linspace(-0.2, 4.4, 150), np.linspace(-0.4, 2.2, 150))
    surface = ((W[..., None] * x.ravel() + b[..., None] - y.ravel()) ** 2).mean(axis=-1)
    levels = np.geomspace(surface.min() + 1e-3, surface.max(), 14)
    valley.contour(W, b, surface, levels, colors="lightgray")
    valley.plot(*path.T, marker=".", color="#1f5a8c")
    valley.plot(2, 1, marker="*", markersize=14, color="#c0392b")
    valley.set(xlabel="W", ylabel="b", title="The way downhill, and the line's own W and b (star)")
    curve.plot(range(1, len(losses) + 1), losses, color="#1f5a8c")
    curve.set(xlabel="step", ylabel="mean squared error", yscale="log", title="The loss")
    return figure


if __name__ == "__main__":
    main()
