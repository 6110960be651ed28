"""Two moons: a decision boundary before, during and after training.

Run `python examples/two_moons.py`. It takes a second or two and saves two_moons.png. It trains in
two calls of fit, to look in between, and shows that one longer call would have done the same.
"""

from copy import deepcopy
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from sklearn.datasets import make_moons
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

from layerwise import Adam, Dense, Matrix, ReLU, Sequential, SigmoidCrossEntropy, fit, sigmoid

SOME, ALL = 5, 40  # epochs


def main(folder: Path = Path()) -> None:
    """Train on the two moons and save the picture in `folder`."""
    X, y = make_moons(600, noise=0.2, random_state=0)
    y = y.reshape(-1, 1)  # one answer for each row, as the network gives it
    X, X_test, y, y_test = train_test_split(X, y, test_size=1 / 3, random_state=0)

    rng = np.random.default_rng(1)
    network = Sequential(
        Dense(2, 32, rng=rng), ReLU(), Dense(32, 32, rng=rng), ReLU(), Dense(32, 1, rng=rng)
    )
    optimizer = Adam(network.parameters(), learning_rate=0.005)
    twin, twin_optimizer, twin_rng = deepcopy((network, optimizer, rng))
    loss = SigmoidCrossEntropy()

    figure = Figure(figsize=(12, 3.3), dpi=100, layout="constrained")
    panels = figure.subplots(1, 3, sharex=True, sharey=True)
    accuracies = []

    def look(axes: Axes, when: str) -> None:
        accuracies.append(accuracy_score(y_test, network(X_test) > 0))
        axes.set_title(f"{when}: test accuracy {accuracies[-1]:.3f}")
        draw(axes, network, X_test, y_test)

    look(panels[0], "Before training")
    fit(network, X, y, loss=loss, optimizer=optimizer, epochs=SOME, rng=rng)
    look(panels[1], f"After {SOME} epochs")
    fit(network, X, y, loss=loss, optimizer=optimizer, epochs=ALL - SOME, rng=rng)
    look(panels[2], f"After {ALL} epochs")

    # The Generator goes on where it was, so two calls are one longer call. A seed would start anew.
    fit(twin, X, y, loss=loss, optimizer=twin_optimizer, epochs=ALL, rng=twin_rng)
    same = np.array_equal(network(X_test), twin(X_test))

    figure.supxlabel(
        "Test rows, and the predicted probability of the lower moon: from 0 (blue) to 1 (red), "
        "1/2 on the black line",
        fontsize=11,
    )
    picture = folder / "two_moons.png"
    figure.savefig(picture)
    print(f"Saved {picture.resolve()}")
    print(f"{SOME} and {ALL - SOME} epochs give the same bits as {ALL} in one call: {same}")
    before, during, after = accuracies
    print(f"Shown: test accuracy rises from {before:.3f} to {during:.3f} in {SOME} epochs and to")
    print(f"{after:.3f} in {ALL}, while the boundary bends around the moons.")


def draw(axes: Axes, network: Sequential[Matrix], X: Matrix, y: Matrix) -> None:
    """Color the plane by the network's probability of the lower moon, and put the rows on it."""
    across, up = np.meshgrid(np.linspace(-1.7, 2.7, 177), np.linspace(-1.2, 1.7, 117))
    logits = network(np.column_stack([across.ravel(), up.ravel()])).reshape(across.shape)
    levels = np.linspace(0, 1, 11)
    axes.contourf(across, up, sigmoid(logits), levels, cmap="RdBu_r", alpha=0.6)
    axes.contour(across, up, logits, levels=[0], colors="black", linewidths=1.5)
    colors = ListedColormap(["#1f5a8c", "#c0392b"])
    axes.scatter(
        X[:, 0], X[:, 1], c=y.ravel(), cmap=colors, s=18, edgecolors="white", linewidths=0.5
    )
    axes.set(xticks=[], yticks=[], aspect="equal")


if __name__ == "__main__":
    main()
