"""Deeper networks, and gradients that vanish: part 4.1 of the course.

Run `python examples/vanishing_gradients.py`. It takes a few seconds and saves
vanishing_gradients.png: how large answers and gradients are, layer by layer, for the course's first
weights and for He's, and what becomes of the loss.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from layerwise import (
    SGD,
    Array,
    Dense,
    Diagnosis,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    diagnose,
    fit,
    he_normal,
    normal,
)
from layerwise.initializers import Initializer

EPOCHS = 10


def network(W_init: Initializer) -> Sequential[Array]:
    """Three layers, as in the course."""
    rng = np.random.default_rng(0)
    return Sequential(
        Dense(64, 64, W_init=W_init, rng=rng),
        ReLU(),
        Dense(64, 32, W_init=W_init, rng=rng),
        ReLU(),
        Dense(32, 10, W_init=W_init, rng=rng),
    )


def main(folder: Path = Path()) -> None:
    """Diagnose and train a network of three layers from two kinds of first weights."""
    X, y = load_digits(return_X_y=True)
    X /= 16
    loss = SoftmaxCrossEntropy()
    found: dict[str, tuple[Diagnosis, list[float]]] = {}
    for name, W_init in ("normal, scale 0.01", normal(0.01)), ("He", he_normal):
        deep = network(W_init)
        diagnosis = diagnose(deep, X, y, loss)
        optimizer = SGD(deep.parameters(), learning_rate=0.1)
        history = fit(deep, X, y, loss=loss, optimizer=optimizer, epochs=EPOCHS, rng=0)
        found[name] = diagnosis, history.loss
        print(f"First weights {name}:\n{diagnosis}\n")

    picture = folder / "vanishing_gradients.png"
    draw(found).savefig(picture)
    print(f"Saved {picture.resolve()}")
    (_, small), (_, he) = found.values()
    print(f"Shown: between epochs 1 and {EPOCHS} weights of scale 0.01 take the loss from")
    print(
        f"{small[0]:.3f} to {small[-1]:.3f}, He's from {he[0]:.3f} to {he[-1]:.3f}. In each layer"
    )
    print("small weights make answers, and on the way back gradients, many times smaller.")


def draw(found: dict[str, tuple[Diagnosis, list[float]]]) -> Figure:
    """The sizes of answers and gradients before training, and the loss over the epochs."""
    figure = Figure(figsize=(12, 3.6), dpi=100, layout="constrained")
    answers, gradients, losses = figure.subplots(1, 3)
    for name, (diagnosis, loss) in found.items():
        names = [layer.name.partition("(")[0] for layer in diagnosis.layers]
        places = range(len(names))
        answers.plot(places, [layer.answer for layer in diagnosis.layers], "o-", label=name)
        gradients.plot(places, [layer.gradient for layer in diagnosis.layers], "o-", label=name)
        for axes in answers, gradients:
            axes.set_xticks(places, names)
        losses.plot(range(1, len(loss) + 1), loss, label=name)
    answers.set(yscale="log", title="Size of answers, before training", ylabel="root mean square")
    gradients.set(yscale="log", title="Size of their gradients, before training")
    losses.set(title="Loss", xlabel="epoch")
    losses.axhline(np.log(10), color="lightgray", zorder=0)
    losses.annotate(
        "ln 10, a guess",
        (EPOCHS, np.log(10)),
        (0, -6),
        textcoords="offset points",
        ha="right",
        va="top",
        color="gray",
    )
    losses.legend(title="first weights")
    return figure


if __name__ == "__main__":
    main()
