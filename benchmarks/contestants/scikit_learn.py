"""scikit-learn's MLPClassifier, made to begin at given weights and to take rows in a given order.

No public argument does either, so a subclass sets the weights and a random state gives prepared
orders. What is measured is scikit-learn's own `fit`, shuffling and gathering as it always does,
and `predict_proba`. Its L2 penalty is off and it never stops early.
"""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier

from benchmarks.contestants import SKLEARN, Contestant
from benchmarks.workloads import Array, Indices, Inference, Training


class _Classifier(MLPClassifier):  # type: ignore[misc]  # scikit-learn publishes no types
    """An MLPClassifier with given first weights, and with softmax for two classes as well."""

    weights: list[Array]

    def _initialize(self, y: Any, layer_units: list[int], dtype: Any) -> None:
        self._left = iter(self.weights)
        super()._initialize(y, layer_units, dtype)
        self.out_activation_ = "softmax"

    def _init_coef(self, fan_in: int, fan_out: int, dtype: Any) -> tuple[Array, Array]:
        return next(self._left).copy(), np.zeros(fan_out, np.float32)


class _Orders(np.random.RandomState):
    """Shuffles by prepared orders: `fit` shuffles the order of the epoch before."""

    def __init__(self, orders: list[Indices]) -> None:
        super().__init__(0)
        before = [np.arange(len(orders[0])), *orders]
        self.steps = iter(
            [np.argsort(last)[order] for last, order in zip(before, orders, strict=False)]
        )

    def shuffle(self, x: Any) -> None:
        """Order x as prepared."""
        x[:] = next(self.steps)


def _classifier(weights: list[Array], **options: Any) -> Any:
    classifier = _Classifier(
        hidden_layer_sizes=[W.shape[1] for W in weights[:-1]],
        alpha=0.0,
        tol=0.0,
        n_iter_no_change=np.inf,
        **options,
    )
    classifier.weights = weights
    return classifier


def _targets(y: Indices, classes: int) -> NDArray[Any]:
    """The classes; of two, one column each, else scikit-learn makes the network end in one."""
    return y if classes > 2 else np.eye(2, dtype=int)[y]


def training(workload: Training) -> Callable[[], list[float]]:
    """A call of `fit`."""
    classifier = _classifier(
        workload.weights,
        solver=workload.optimizer.lower(),
        momentum=0.9,
        nesterovs_momentum=False,
        learning_rate_init=workload.learning_rate,
        batch_size=workload.batch_size,
        max_iter=workload.epochs,
        random_state=_Orders(list(workload.orders())),
    )
    y = _targets(workload.y, workload.sizes[-1])

    def run() -> list[float]:
        with warnings.catch_warnings():  # that it has not converged after so few epochs
            warnings.simplefilter("ignore")
            classifier.fit(workload.X, y)
        losses: list[float] = classifier.loss_curve_
        return losses

    return run


def inference(workload: Inference) -> Callable[[], Array]:
    """A call of `predict_proba`."""
    inputs, classes = workload.weights[0].shape[0], workload.weights[-1].shape[1]
    classifier = _classifier(workload.weights, max_iter=1, learning_rate_init=1e-30)
    y = np.arange(2 * classes) % classes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classifier.fit(np.zeros((len(y), inputs), np.float32), _targets(y, classes))
    return partial(classifier.predict_proba, workload.X)


# Its Adam adds ε before the correction for the start, not after it: the losses differ by 0.002.
CONTESTANTS = {
    SKLEARN: Contestant(training, inference, gives="probabilities", tolerance=1e-2),
}
