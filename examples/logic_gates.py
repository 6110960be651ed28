"""Logic gates, and why XOR needs two layers: part 3.1 of the course.

Run `python examples/logic_gates.py`. It takes a few seconds and saves logic_gates.png. A perceptron
here is a Dense layer of one output with the sigmoid cross-entropy.
"""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from layerwise import (
    SGD,
    Adam,
    Array,
    Dense,
    Layer,
    Matrix,
    Optimizer,
    Sequential,
    SigmoidCrossEntropy,
    Tanh,
    fit,
    sigmoid,
)

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
GATES = {
    "AND": np.array([[0.0], [0.0], [0.0], [1.0]]),
    "OR": np.array([[0.0], [1.0], [1.0], [1.0]]),
    "XOR": np.array([[0.0], [1.0], [1.0], [0.0]]),
}


def learn(network: Layer[Matrix, Matrix], gate: Matrix, optimizer: Optimizer, epochs: int) -> float:
    """Train on the four rows at once and return the last loss."""
    loss = SigmoidCrossEntropy()
    fit(network, X, gate, loss=loss, optimizer=optimizer, epochs=epochs, batch_size=4)
    return loss(network(X), gate)[0]


def main(folder: Path = Path()) -> None:
    """Learn three gates with one layer and XOR with two, and save the picture in `folder`."""
    figure = Figure(figsize=(12, 3.4), dpi=100, layout="constrained")
    panels = figure.subplots(1, 4, sharex=True, sharey=True)
    losses = {}
    for (name, gate), axes in zip(GATES.items(), panels, strict=False):
        perceptron = Dense(2, 1, W_init=lambda shape, rng: np.zeros(shape))
        losses[name] = learn(perceptron, gate, SGD(perceptron.parameters(), 0.1), 10_000)
        draw(axes, perceptron, gate, f"{name}, one layer: loss {losses[name]:.4f}")
    rng = np.random.default_rng(0)
    network = Sequential(Dense(2, 3, rng=rng), Tanh(), Dense(3, 1, rng=rng))
    two = learn(network, GATES["XOR"], Adam(network.parameters(), 0.05), 500)
    draw(panels[3], network, GATES["XOR"], f"XOR, two layers: loss {two:.4f}")

    picture = folder / "logic_gates.png"
    figure.savefig(picture)
    print(f"Saved {picture.resolve()}")
    for name, loss in losses.items():
        print(f"{name} with one layer: loss {loss:.16g}")
    answers = sigmoid(network(X)).ravel().round(2)
    print(f"XOR with two layers: loss {two:.4f}, answers {answers}")
    print("Shown: one layer draws one straight line, which parts AND and OR; on XOR it stays at")
    print("ln 2 = 0.6931, a guess. Three hidden units bend the line, and XOR is learned.")


def draw(axes: Axes, network: Layer[Matrix, Matrix], gate: Array, title: str) -> None:
    """Color the plane by the network's answer, and put the four rows on it."""
    across, up = np.meshgrid(np.linspace(-0.5, 1.5, 80), np.linspace(-0.5, 1.5, 80))
    answer = sigmoid(network(np.column_stack([across.ravel(), up.ravel()])))
    levels = np.linspace(0, 1, 11)
    axes.contourf(across, up, answer.reshape(across.shape), levels, cmap="RdBu_r", alpha=0.6)
    axes.scatter(X[:, 0], X[:, 1], c=gate.ravel(), cmap="RdBu_r", s=120, edgecolors="black")
    axes.set(title=title, xticks=[0, 1], yticks=[0, 1], aspect="equal")


if __name__ == "__main__":
    main()
