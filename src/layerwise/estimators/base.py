"""An estimator: what it validates, what it keeps, and how it answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import inf
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, _fit_context, is_regressor
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from layerwise.arrays import Array
from layerwise.data import is_finite
from layerwise.estimators.display import LearningDisplay
from layerwise.estimators.parameters import constraints, parameter
from layerwise.estimators.sparse import for_sparse
from layerwise.layers.base import Layer
from layerwise.network import Sequential

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Table: TypeAlias = Any  # an array, a matrix of scipy.sparse, or a data frame of pandas or polars


FORMATS = ("csr", "csc")  # of sparse matrices, that are taken as they are
ROWS = 1000  # at a time: what lies between two layers then fits into a CPU's cache


class Samples(NamedTuple):
    """Rows, what the loss takes for each of them, and what each counts."""

    X: Table
    targets: NDArray[Any]
    weight: Array | None


@dataclass(eq=False, repr=False, kw_only=True)
class Estimator(BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn publishes no types
    """θ ← argmin loss(network(X; θ), y), by scikit-learn's conventions.

    The parameters are the fields of a dataclass, so that `__init__` does nothing but keep them.
    """

    random_state: int | np.random.RandomState | None = parameter(None, "random_state")
    verbose: bool | int = parameter(False, "verbose")
    warm_start: bool = parameter(False, "boolean")

    @property
    def _parameter_constraints(self) -> dict[str, list[Any]]:
        return constraints(self)

    @abstractmethod
    def _network(
        self, inputs: int, dtype: np.dtype[Any], random_state: np.random.RandomState
    ) -> Layer[Any, Array]:
        """A new network of so many inputs, and of `n_outputs_` outputs."""

    @abstractmethod
    def _solve(
        self, samples: Samples, random_state: np.random.RandomState, *, one_epoch: bool
    ) -> None:
        """Change the values of the network until the loss is small, or for one epoch."""

    @abstractmethod
    def _targets(self, y: NDArray[Any], *, one_epoch: bool, dtype: np.dtype[Any]) -> NDArray[Any]:
        """What the loss takes for y; sets `n_outputs_` and `out_activation_`."""

    @abstractmethod
    def _weights(self, sample_weight: Array | None, y: NDArray[Any]) -> Array | None:
        """What each row counts; None where all count the same."""

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(self, X: Table, y: Table, sample_weight: Array | None = None) -> Self:
        """Learn from the rows of X, dense or sparse, and their y; return self.

        It starts anew, or with `warm_start=True` from where the last fit ended. Raises what
        scikit-learn raises, and ValueError where the numbers grow beyond all bounds.
        """
        return self._fit(X, y, sample_weight)

    def _fit(
        self, X: Table, y: Table, sample_weight: Array | None, *, one_epoch: bool = False
    ) -> Self:
        fresh = not (hasattr(self, "network_") and (self.warm_start or one_epoch))
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=list(FORMATS),
            multi_output=True,
            y_numeric=is_regressor(self),
            dtype=(np.float64, np.float32),
            reset=fresh,
        )
        if issparse(X):
            X = X.tocsr()  # the format that gives away rows
        y = y.toarray() if issparse(y) else y
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        targets = self._targets(y, one_epoch=one_epoch, dtype=X.dtype)
        samples = Samples(X, targets, self._weights(sample_weight, y))
        random_state = check_random_state(self.random_state)
        if fresh:
            self.network_ = self._network(X.shape[1], X.dtype, random_state)
            self.__dict__.pop("_optimizer", None)  # that of the network before
            self.n_iter_, self.t_ = 0, 0
            self.loss_curve_: list[float] = []
            self.validation_scores_: list[float] | None = None
            self.best_loss_: float | None = None
            self.best_validation_score_: float | None = None
            self._no_improvement_count, self._best = 0, -inf
        self._solve(samples, random_state, one_epoch=one_epoch)
        return self

    def _predicted(self, X: Table) -> Array:
        """The network's answers to the rows of X, which are validated.

        An array or sparse matrix of the right shape and finite numbers is valid, where no names are
        known. Only of what is none scikit-learn is asked, which takes several times as long as the
        answer.
        """
        known = vars(self)
        numbers = (
            X if type(X) is np.ndarray else X.data if issparse(X) and X.format in FORMATS else None
        )
        valid = (
            numbers is not None
            and X.ndim == 2
            and X.dtype.kind == "f"
            and X.shape[1] == known.get("n_features_in_")
            and "network_" in known
            and "feature_names_in_" not in known
            and X.shape[0] > 0
            and is_finite(numbers)
        )
        if not valid:
            check_is_fitted(self)
            X = validate_data(self, X, accept_sparse=list(FORMATS), reset=False)
        return self._answers(X)

    def _answers(self, X: Table) -> Array:
        if X.shape[0] > ROWS:
            X = X.tocsr() if issparse(X) else X
            starts = range(0, X.shape[0], ROWS)
            return np.concatenate([self._answers(X[start : start + ROWS]) for start in starts])
        if not issparse(X):
            return self.network_(X)
        Y = X
        for layer in for_sparse(self.network_):
            Y = layer(Y)
        answers: Array = Y
        return answers

    def plot_loss_curve(self, ax: Axes | None = None, **line_kw: Any) -> LearningDisplay:
        """Draw the loss of each epoch: `LearningDisplay.from_estimator` of this estimator."""
        return LearningDisplay.from_estimator(self, ax=ax, **line_kw)

    def _say(self, text: str) -> None:
        if self.verbose:
            print(text)

    def _sk_visual_block_(self) -> object:
        """What scikit-learn draws in a notebook: itself, and once there is a network its layers."""
        block = SimpleNamespace(name_caption=None, doc_link_label=None, dash_wrapped=True)
        if not hasattr(self, "network_"):
            block.kind, block.estimators = "single", self
            block.names, block.name_details = type(self).__name__, str(self)
        else:
            network = self.network_
            layers = list(map(repr, network if isinstance(network, Sequential) else [network]))
            block.kind, block.estimators = "serial", layers
            block.names, block.name_details = layers, layers
        return block

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def not_finite() -> ValueError:
    """The error for values that grew beyond all bounds, in scikit-learn's words."""
    return ValueError(
        "Solver produced non-finite parameter weights. The input data may contain large values and "
        "need to be preprocessed."
    )
