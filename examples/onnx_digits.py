"""A network of images, trained here, and answered by ONNX Runtime from a file.

Run `python examples/onnx_digits.py`. It takes some seconds, and writes `digits.onnx` into the
folder that it is run in.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from layerwise import (
    Adam,
    Array,
    BatchNorm,
    Conv2D,
    Dense,
    Flatten,
    Indices,
    MaxPool2D,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    Standardize,
    fit,
)
from layerwise.onnx import save_onnx

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # else it reports, and keeps files in the user's home
import onnxruntime

ROWS = 10_000


def main() -> None:
    """Train, export, ask both, and compare."""
    X, y = load_digits(return_X_y=True)
    X = X.reshape(-1, 8, 8, 1).astype(np.float32)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
    network = trained(X_train, y_train)

    path = Path("digits.onnx")
    save_onnx(path, network)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options)
    about = session.get_modelmeta()
    (input_name,) = json.loads(about.custom_metadata_map["inputs"])

    def by_runtime(X: Array) -> Array:
        Y: Array = session.run(None, {input_name: X})[0]
        return Y

    size = path.stat().st_size / 1000
    print(f"Saved {path.resolve()}")
    print(f"{size:.0f} kB, by {about.producer_name} {about.custom_metadata_map['layerwise']}\n")

    Y, Z = network(X_test), by_runtime(X_test)
    ulps = np.max(np.abs(Y - Z)) / np.spacing(np.max(np.abs(Y)))
    same = np.mean(Y.argmax(axis=1) == Z.argmax(axis=1))
    right = np.mean(Z.argmax(axis=1) == y_test)
    many = X[np.arange(ROWS) % len(X)]
    print(f"{'':14}{'one row':>12}{ROWS:>9,} rows")
    for name, answer in ("Layerwise", network), ("ONNX Runtime", by_runtime):
        one, all_of_them = fastest(answer, many[:1], 200), fastest(answer, many, 3)
        print(f"{name:14}{one * 1e6:>9.0f} µs{all_of_them * 1e3:>11.0f} ms")
    print(f"\nShown: from the file, ONNX Runtime reads {right:.4f} of the test digits rightly, and")
    print(f"{same:.2%} of them as Layerwise does; their logits are at most {ulps:.1f} ulps apart.")


def trained(X: Array, y: Indices) -> Sequential[Array]:
    """A small convolutional network, its running statistics and those of its pixels included."""
    rng, t = np.random.default_rng(0), np.float32
    network: Sequential[Array] = Sequential(
        Standardize.of(X),
        Conv2D(1, 8, 3, padding="same", rng=rng, dtype=t),
        BatchNorm(8, dtype=t),
        ReLU(),
        MaxPool2D(2),
        Conv2D(8, 16, 3, padding="same", rng=rng, dtype=t),
        BatchNorm(16, dtype=t),
        ReLU(),
        Flatten(),
        Dense(256, 10, rng=rng, dtype=t),
    )
    optimizer = Adam(network.parameters(), learning_rate=2e-3)
    loss = SoftmaxCrossEntropy()
    fit(network, X, y, loss=loss, optimizer=optimizer, epochs=8, batch_size=32, rng=rng)
    return network


def fastest(answer: Callable[[Array], Array], X: Array, times: int) -> float:
    """The quickest of so many calls, in seconds: others only had to wait for something else."""
    durations = []
    for _ in range(times):
        start = perf_counter()
        answer(X)
        durations.append(perf_counter() - start)
    return min(durations)


if __name__ == "__main__":
    main()
