"""Diabetes progression: a small network against Ridge, the linear baseline to beat.

Run `python examples/diabetes.py`. It takes a few seconds and saves diabetes.png. One split of 442
patients says little, so the two are compared on twenty.
"""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from layerwise import Adam, Dense, Matrix, MeanSquaredError, Sequential, Tanh, fit, glorot_normal

SPLITS = 20
BLUE, RED, GRAY = "#1f5a8c", "#c0392b", "#555555"


def main(folder: Path = Path()) -> None:
    """Compare the two on twenty splits and save the picture in `folder`."""
    X, y = load_diabetes(return_X_y=True, scaled=False)
    y = y.reshape(-1, 1)  # one number for each row, as the network answers
    figure = Figure(figsize=(12, 4.3), dpi=100, layout="constrained")
    left, middle, right = figure.subplots(1, 3)

    errors = []
    for split in range(SPLITS):
        X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=split)
        # What standardizes is learned too: from the training rows only.
        inputs, target = StandardScaler().fit(X_train), StandardScaler().fit(y_train)
        Z, Z_test = inputs.transform(X_train), inputs.transform(X_test)
        T = target.transform(y_train)
        by_ridge = target.inverse_transform(Ridge().fit(Z, T).predict(Z_test).reshape(-1, 1))
        by_network = target.inverse_transform(train(Z, T, seed=split)(Z_test))
        errors.append([rmse(y_test, guess) for guess in (y_train.mean(), by_ridge, by_network)])
        if split == 0:
            draw(left, y_test, by_ridge, "Ridge", BLUE)
            draw(middle, y_test, by_network, "Network", RED)

    _, of_ridge, of_network = np.transpose(errors)
    right.scatter(of_ridge, of_network, s=30, color=GRAY)
    right.axline((55, 55), slope=1, color="black", linewidth=1)
    right.set(title=f"{SPLITS} splits: Ridge wins above the line", aspect="equal")
    right.set(xlabel="RMSE of Ridge", ylabel="RMSE of network", xlim=(46, 62), ylim=(46, 62))
    right.set(xticks=range(46, 63, 4), yticks=range(46, 63, 4))
    picture = folder / "diabetes.png"
    figure.savefig(picture)

    mean, ridge, network = np.mean(errors, axis=0)
    better = sum(of_ridge < of_network)
    print(f"Saved {picture.resolve()}")
    print(f"Root mean squared test error, mean of {SPLITS} splits: Ridge {ridge:.1f}, network")
    print(f"{network:.1f}, and {mean:.1f} for always guessing the mean of the training rows.")
    print(f"Shown: Ridge wins. It is better on {better} of {SPLITS} splits: in 353 patients")
    print("there is little beyond straight lines for a network to find.")


def train(X: Matrix, y: Matrix, seed: int) -> Sequential[Matrix]:
    """Return a network of 49 parameters, trained on standardized rows."""
    rng = np.random.default_rng(seed)
    network = Sequential(
        Dense(10, 4, rng=rng, W_init=glorot_normal),
        Tanh(),
        Dense(4, 1, rng=rng, W_init=glorot_normal),
    )
    adam = Adam(network.parameters(), learning_rate=0.01)
    fit(network, X, y, loss=MeanSquaredError(), optimizer=adam, epochs=20, rng=rng)
    return network


def rmse(measured: Matrix, predicted: Matrix | float) -> float:
    """Root of the mean squared error: in the unit of what was measured."""
    return float(np.sqrt(np.mean((measured - predicted) ** 2)))


def draw(axes: Axes, measured: Matrix, predicted: Matrix, name: str, color: str) -> None:
    """Draw predicted against measured values; right ones would lie on the line."""
    axes.scatter(measured, predicted, s=30, color=color, alpha=0.7, linewidths=0)
    axes.axline((150, 150), slope=1, color="black", linewidth=1)
    axes.set(title=f"{name} on one split: RMSE {rmse(measured, predicted):.1f}", aspect="equal")
    axes.set(xlabel="measured progression", ylabel="predicted", xlim=(10, 360), ylim=(10, 360))


if __name__ == "__main__":
    main()
