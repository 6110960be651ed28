"""How all estimators learn: what they validate, the loop over epochs, and when it stops."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import inf, nan
from numbers import Integral, Real
from types import SimpleNamespace
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, _fit_context, is_classifier, is_regressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from layerwise.arrays import Array, Indices
from layerwise.data import is_finite
from layerwise.estimators.objective import Objective
from layerwise.estimators.sparse import Rows, for_sparse
from layerwise.layers.base import Layer
from layerwise.network import Sequential
from layerwise.optimizers.base import Optimizer
from layerwise.training import train

Table: TypeAlias = Any  # an array, a matrix of scipy.sparse, or a data frame of pandas or polars


@dataclass(eq=False, repr=False, kw_only=True)
class Estimator(BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn publishes no types
    """θ ← argmin loss(network(X; θ), y), by `train`; the rest is scikit-learn's conventions.

    A subclass says which network, objective and optimizer these are; `Classifying` and
    `Regressing` say what y is to them.
    """

    batch_size: int | str = "auto"
    max_iter: int = 200
    shuffle: bool = True
    random_state: int | np.random.RandomState | None = None
    tol: float = 1e-4
    verbose: bool | int = False
    progress: bool = False
    warm_start: bool = False
    early_stopping: bool = False
    validation_fraction: float = 0.1
    n_iter_no_change: float = 10

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "progress": ["boolean"],
        "warm_start": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {inf})],
    }

    @abstractmethod
    def _network(
        self, inputs: int, dtype: np.dtype[Any], random_state: np.random.RandomState
    ) -> Layer[Any, Array]:
        """A new network of so many inputs, and of `n_outputs_` outputs."""

    @abstractmethod
    def _objective(self) -> Objective:
        """What is made small."""

    @abstractmethod
    def _new_optimizer(self) -> Optimizer:
        """An optimizer of the network's parameters."""

    @abstractmethod
    def _targets(self, y: NDArray[Any], *, one_epoch: bool, dtype: np.dtype[Any]) -> NDArray[Any]:
        """What the loss takes for y; sets `n_outputs_` and `out_activation_`."""

    @abstractmethod
    def _weights(self, sample_weight: Array | None, y: NDArray[Any]) -> Array | None:
        """What each row counts; None where all count the same."""

    @abstractmethod
    def _score(self, Y: Array, targets: NDArray[Any], weight: Array | None) -> float:
        """How good these answers are, 1 at best."""

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(self, X: Table, y: Table, sample_weight: Array | None = None) -> Self:
        """Learn from the rows of X, dense or sparse, and their y; return self.

        Anew, or with `warm_start=True` from where the last fit ended.

        Raises what scikit-learn raises, ValueError if the numbers grow beyond all bounds.
        """
        return self._fit(X, y, sample_weight)

    def _fit(
        self, X: Table, y: Table, sample_weight: Array | None, *, one_epoch: bool = False
    ) -> Self:
        if one_epoch and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        fresh = not (hasattr(self, "network_") and (self.warm_start or one_epoch))
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            y_numeric=is_regressor(self),
            dtype=(np.float64, np.float32),
            reset=fresh,
        )
        if issparse(y):
            y = y.toarray()
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X)
        targets = self._targets(y, one_epoch=one_epoch, dtype=X.dtype)
        weight = self._weights(sample_weight, y)
        random_state = check_random_state(self.random_state)
        if fresh:
            self.network_ = self._network(X.shape[1], X.dtype, random_state)
            self.n_iter_, self.t_ = 0, 0
            self.loss_curve_: list[float] = []
            self._no_improvement_count = 0
            self.best_loss_ = None if self.early_stopping else inf
            self.validation_scores_: list[float] | None = [] if self.early_stopping else None
            self.best_validation_score_ = -inf if self.early_stopping else None
        self._solve(X.tocsr() if issparse(X) else X, targets, weight, random_state, one_epoch)
        return self

    def _solve(
        self,
        X: Table,
        targets: NDArray[Any],
        weight: Array | None,
        random_state: np.random.RandomState,
        one_epoch: bool,
    ) -> None:
        """The steps of one epoch or of many, until the loss or the score no longer improves."""
        if not (one_epoch and hasattr(self, "_optimizer")):
            self._optimizer = self._new_optimizer()
        held_out = best = None
        if self.early_stopping:
            X, targets, weight, held_out = self._hold_out(X, targets, weight, random_state)
            best = self.network_.state()
        n, network, rows = X.shape[0], self.network_, X
        if issparse(X):
            network, rows = Sequential(Rows(X), *for_sparse(self.network_)), np.arange(n)
        if self.batch_size != "auto" and self.batch_size > n:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be "
                "clipped",
                stacklevel=5,
            )
        objective = self._objective()
        epochs = train(
            network,
            rows,
            targets,
            loss=objective,
            optimizer=self._optimizer,
            epochs=1 if one_epoch else self.max_iter,
            batch_size=min(200, n) if self.batch_size == "auto" else self.batch_size,
            shuffle=self.shuffle,
            rng=Orders(random_state),
            sample_weight=weight,
            penalty=objective.penalty,
            progress=self.progress,
        )
        self.n_iter_ = 0
        try:
            for epoch in epochs:
                self.n_iter_, self.loss_ = epoch.number, epoch.loss
                self.t_ += n
                self.loss_curve_.append(epoch.loss)
                self._say(f"Iteration {self.n_iter_}, loss = {epoch.loss:.8f}")
                if self._improved(held_out):
                    best = self.network_.state()
                self._epoch_ended()
                if self._no_improvement_count > self.n_iter_no_change and self._stops():
                    break
            else:
                if not one_epoch:
                    warnings.warn(
                        f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and "
                        "the optimization hasn't converged yet.",
                        ConvergenceWarning,
                        stacklevel=5,
                    )
        except FloatingPointError as error:
            if held_out is None:
                raise not_finite() from error
            self.n_iter_ += 1
            self.validation_scores_.append(nan)
            warnings.warn(
                f"Training diverged in epoch {self.n_iter_}, and ends with the best one before: "
                f"{error}",
                ConvergenceWarning,
                stacklevel=5,
            )
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=5)
        if best is not None:
            self.network_.load_state(best)

    def _hold_out(
        self,
        X: Table,
        targets: NDArray[Any],
        weight: Array | None,
        random_state: np.random.RandomState,
    ) -> tuple[Table, NDArray[Any], Array | None, tuple[Table, NDArray[Any], Array | None]]:
        """The rows to learn from, and those to score, which are as scikit-learn chooses them."""
        arrays = (X, targets) if weight is None else (X, targets, weight)
        yes_no = targets.astype(bool) if is_classifier(self) and self.n_outputs_ == 1 else None
        halves = train_test_split(
            *arrays, random_state=random_state, test_size=self.validation_fraction, stratify=yes_no
        )
        learned, scored = [*halves[::2], None][:3], [*halves[1::2], None][:3]
        if scored[0].shape[0] < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of "
                "your dataset."
            )
        return (*learned, tuple(scored))

    def _improved(self, held_out: tuple[Table, NDArray[Any], Array | None] | None) -> bool:
        """Whether this epoch is the best so far by its score; counts those that are no better."""
        if held_out is None:
            loss, self.best_loss_ = self.loss_, min(self.loss_, before := self.best_loss_)
            worse = loss > before - self.tol
            best = False
        else:
            X, targets, weight = held_out
            score = self._score(self._answers(X), targets, weight)
            self.validation_scores_.append(score)
            self._say(f"Validation score: {score:f}")
            before = self.best_validation_score_
            worse, best = score < before + self.tol, score > before
            self.best_validation_score_ = max(score, before)
        self._no_improvement_count = self._no_improvement_count + 1 if worse else 0
        return best

    def _learns_by_steps(self) -> bool:
        """Whether there is a partial_fit."""
        return True

    def _epoch_ended(self) -> None:
        """What changes after an epoch."""

    def _stops(self) -> bool:
        """Whether it is enough when `n_iter_no_change` epochs were no better than those before."""
        what = "Validation score" if self.early_stopping else "Training loss"
        self._say(
            f"{what} did not improve more than tol={self.tol:f} for {self.n_iter_no_change} "
            "consecutive epochs."
        )
        return True

    def _say(self, text: str) -> None:
        if self.verbose:
            print(text)

    def _answers(self, X: Table) -> Array:
        """The network's answers to rows that are valid."""
        if not issparse(X):
            return self.network_(X)
        Y: Any = X
        for layer in for_sparse(self.network_):
            Y = layer(Y)
        answers: Array = Y
        return answers

    def _predicted(self, X: Table) -> Array:
        """The network's answers to the rows of X, which are validated.

        An array without names that is of the right shape and finite is valid: only for another
        one is scikit-learn asked, which takes longer than the answer to a row.
        """
        known = vars(self)
        usual = (
            type(X) is np.ndarray
            and X.dtype.kind == "f"
            and X.ndim == 2
            and X.shape[1] == known.get("n_features_in_")
            and len(X) > 0
            and "network_" in known
            and "feature_names_in_" not in known
            and is_finite(X)
        )
        if not usual:
            check_is_fitted(self)
            X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        return self._answers(X)

    def _sk_visual_block_(self) -> object:
        """What scikit-learn draws in a notebook: once there is a network, its layers."""
        if not hasattr(self, "network_"):
            name, details = type(self).__name__, str(self)
            return SimpleNamespace(
                kind="single",
                estimators=self,
                names=name,
                name_details=details,
                name_caption=None,
                doc_link_label=None,
            )
        layers = list(map(repr, getattr(self.network_, "layers", [self.network_])))
        return SimpleNamespace(
            kind="serial", estimators=layers, names=layers, name_details=layers, dash_wrapped=True
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class Orders(np.random.Generator):
    """The orders in which scikit-learn takes the rows: it shuffles the order of the epoch before.

    So that the same `random_state` makes the same batches.
    """

    def __init__(self, random_state: np.random.RandomState) -> None:
        super().__init__(np.random.PCG64(0))  # never drawn from
        self.random_state, self.order = random_state, np.arange(0)

    def permutation(self, rows: Indices) -> Indices:  # type: ignore[override]  # of rows only
        """The rows in their next order."""
        shuffled = np.arange(len(rows))
        self.random_state.shuffle(shuffled)
        self.order = (self.order if len(self.order) else rows)[shuffled]
        return self.order


def not_finite() -> ValueError:
    """The error for values that grew beyond all bounds."""
    return ValueError(
        "Solver produced non-finite parameter weights. The input data may contain large values and "
        "need to be preprocessed."
    )
