"""Dropout and an L2 penalty against overfitting: part 4.4 of the course.

Run `python examples/overfitting.py`. It takes some seconds and saves overfitting.png. Three
networks, alike but for what holds them back, learn 300 digits by heart or not; 1,000 others judge.
The course's dropout keeps no mask for the way back; here backward uses the one that forward drew.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from layerwise import (
    L2,
    Adam,
    Array,
    Dense,
    Dropout,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    accuracy,
    train,
)

EPOCHS = 100
KINDS = {"nothing": (0.0, None), "dropout of a half": (0.5, None), "L2 of 0.003": (0.0, L2(3e-3))}


def network(rate: float) -> Sequential[Array]:
    """One wide hidden layer, enough to learn the rows by heart, and dropout behind it."""
    rng = np.random.default_rng(0)
    return Sequential(
        Dense(64, 256, rng=rng), ReLU(), Dropout(rate, rng=1), Dense(256, 10, rng=rng)
    )


def main(folder: Path = Path()) -> None:
    """Train with nothing, with dropout and with a penalty, and save the picture in `folder`."""
    X, y = load_digits(return_X_y=True)
    X = X / 16 + np.random.default_rng(0).normal(0, 0.3, X.shape)  # noise, to learn by heart
    X, X_val, y, y_val = train_test_split(X, y, train_size=300, test_size=1000, random_state=0)
    loss = SoftmaxCrossEntropy()
    figure = Figure(figsize=(12, 3.6), dpi=100, layout="constrained")
    panels = figure.subplots(1, 3, sharey=True)
    scores, weights = {}, {}
    for axes, (name, (rate, penalty)) in zip(panels, KINDS.items(), strict=True):
        net = network(rate)
        curves = []
        for _ in train(
            net,
            X,
            y,
            loss=loss,
            optimizer=Adam(net.parameters(), 0.003),
            epochs=EPOCHS,
            penalty=penalty,
            rng=0,
        ):
            curves.append((loss(net(X), y)[0], loss(net(X_val), y_val)[0]))
        scores[name] = accuracy(net(X_val), y_val)
        weights[name] = sum(float((p.value**2).sum()) for p in net.parameters())
        axes.plot(curves, label=["300 rows to learn from", "1,000 others"])
        axes.set(title=f"Against overfitting: {name}", xlabel="epoch", ylim=(0, 1.6))
        print(
            f"{name}: loss {curves[-1][0]:.3f} on its own rows, {curves[-1][1]:.3f} on others; "
            f"accuracy {scores[name]:.3f}; sum of squares of the weights {weights[name]:.0f}"
        )
    panels[0].set(ylabel="cross-entropy, by inference")
    panels[0].legend()
    picture = folder / "overfitting.png"
    figure.savefig(picture)
    print(f"Saved {picture.resolve()}")
    plain, *held = scores.values()
    print("Shown: with nothing against it the loss on other rows climbs while that on its own")
    print(f"falls; accuracy {plain:.3f} there, with dropout {held[0]:.3f}, with the penalty")
    print(f"{held[1]:.3f}.")


if __name__ == "__main__":
    main()
