"""Layerwise's estimators beside scikit-learn's: `python -m benchmarks.estimators`.

Both fit the same rows, in the same batches, from the same first weights, five times: each time with
another seed, which also splits off the rows to score. The two take turns, so that a ratio is of two
runs close in time; times are CPU seconds of one thread, without reading data and scaling it.
"""

import os
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.__main__ import ONE_THREAD

SEEDS = range(5)
CALLS = 300  # of predict with one row; the fastest of as many counts
HEADER = f"{'data':<22}{'score':>16}{'scikit-learn':>16}{'fit':>22}{'predict one row':>22}"


@dataclass
class Task:
    """Data, and the settings that differ from scikit-learn's defaults."""

    title: str
    read: Callable[[], tuple[Any, NDArray[Any]]]
    settings: dict[str, Any] = field(default_factory=dict)
    regression: bool = False


def table_like_california() -> tuple[NDArray[Any], NDArray[Any]]:
    """20,640 rows of 8 columns, as the table of house prices has; y bends and has noise."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20_640, 8))
    bent = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + np.maximum(X[:, 3], 0)
    return X, bent + 0.3 * rng.standard_normal(len(X))


def images_like_mnist() -> tuple[NDArray[Any], NDArray[Any]]:
    """20,000 rows of 784 float32: ten patterns, each with much noise."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, 20_000)
    patterns = rng.random((10, 784), np.float32)
    return patterns[y] + 2 * rng.standard_normal((len(y), 784), np.float32), y


def text() -> tuple[Any, NDArray[Any]]:
    """TF-IDF of 2,000 texts of 60 words on four topics: a sparse matrix of about 5,000 columns."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415

    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, 2000)
    common = 1 / np.arange(1, 5001)  # Zipf's law
    topics = [common * rng.lognormal(0, 0.4, 5000) for _ in range(4)]
    words = [rng.choice(5000, 60, p=topics[topic] / topics[topic].sum()) for topic in y]
    texts = [" ".join(f"w{word}" for word in text) for text in words]
    return TfidfVectorizer().fit_transform(texts), y


def tasks() -> list[Task]:
    """What is fitted."""
    from sklearn import datasets  # noqa: PLC0415

    def given(name: str) -> Callable[[], tuple[NDArray[Any], NDArray[Any]]]:
        return lambda: getattr(datasets, f"load_{name}")(return_X_y=True)

    return [
        Task("digits", given("digits")),
        Task("breast cancer", given("breast_cancer")),
        Task("wine", given("wine")),
        Task("diabetes", given("diabetes"), {"learning_rate_init": 0.01}, regression=True),
        Task("like California", table_like_california, {"max_iter": 20}, regression=True),
        Task("like MNIST, float32", images_like_mnist, {"max_iter": 4}),
        Task("sparse text", text, {"max_iter": 8}),
        Task("wine, lbfgs", given("wine"), {"solver": "lbfgs"}),
        Task("digits, sgd", given("digits"), {"solver": "sgd", "max_iter": 60}),
    ]


def measure(task: Task) -> None:
    """Print a row of the table: means over the seeds, and from the least to the most."""
    import sklearn.neural_network as theirs  # noqa: PLC0415
    from scipy.sparse import issparse  # noqa: PLC0415
    from sklearn.model_selection import train_test_split  # noqa: PLC0415

    from layerwise import estimators as ours  # noqa: PLC0415

    name = "MLPRegressor" if task.regression else "MLPClassifier"
    contestants = [getattr(ours, name), getattr(theirs, name)]
    X, y = task.read()
    scores, fits, rows = [], [], []
    for seed in SEEDS:
        X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=seed)
        if not issparse(X):
            mean, deviation = X_train.mean(axis=0), X_train.std(axis=0) + X.dtype.type(1e-9)
            X_train, X_test = (X_train - mean) / deviation, (X_test - mean) / deviation
        models = [make(random_state=seed, **task.settings) for make in contestants]
        turn = -1 if seed % 2 else 1
        spent = [seconds(model.fit, X_train, y_train) for model in models[::turn]][::turn]
        fits.append(spent[1] / spent[0])
        one = X_test[:1]
        rows.append([min(seconds(m.predict, one) for _ in range(CALLS)) for m in models])
        scores.append([model.score(X_test, y_test) for model in models])
    means, spread = np.mean(scores, axis=0), np.std(scores, axis=0)
    ratios = [their / our for our, their in rows]
    print(
        f"{task.title:<22}"
        + "".join(f"{m:>9.3f} ± {s:.3f}" for m, s in zip(means, spread, strict=True))
        + f"{of(fits):>22}{of(ratios):>22}",
        flush=True,
    )


def seconds(call: Callable[..., object], *arguments: object) -> float:
    """CPU seconds of one call."""
    start = time.process_time()
    call(*arguments)
    return time.process_time() - start


def of(ratios: list[float]) -> str:
    """The middle one, from the least to the most."""
    return f"{np.median(ratios):.1f}x ({min(ratios):.1f} to {max(ratios):.1f})"


def main() -> None:
    """Start again with one thread, then print the table."""
    if any(os.environ.get(name) != value for name, value in ONE_THREAD.items()):
        os.environ.update(ONE_THREAD)
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    warnings.simplefilter("ignore")  # that few epochs are not enough
    print("test scores, mean ± deviation over 5 seeds; how many times faster, median (from, to)\n")
    print(HEADER)
    for task in tasks():
        measure(task)


if __name__ == "__main__":
    main()
