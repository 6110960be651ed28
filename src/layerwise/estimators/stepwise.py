"""Learning step by step: the loop over epochs, and when it is enough."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Generator
from dataclasses import dataclass
from math import inf, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from layerwise.arrays import Array, Indices
from layerwise.estimators.base import Estimator, Samples, not_finite
from layerwise.estimators.objective import Objective
from layerwise.estimators.parameters import (
    AT_LEAST_0,
    COUNT,
    FRACTION,
    INFINITE,
    options,
    parameter,
)
from layerwise.estimators.sparse import by_rows
from layerwise.history import Epoch
from layerwise.optimizers.base import Optimizer
from layerwise.parameter import ParameterVector
from layerwise.training import train

USER = 6  # how many calls a warning is away from the line that called fit


@dataclass(eq=False, repr=False, kw_only=True)
class Stepwise(Estimator):
    """θ ← step(θ), by `train`, until the loss or the score has not improved for a while."""

    batch_size: int | str = parameter("auto", options("auto"), COUNT)
    max_iter: int = parameter(200, COUNT)
    shuffle: bool = parameter(True, "boolean")
    tol: float = parameter(1e-4, AT_LEAST_0)
    n_iter_no_change: float = parameter(10, COUNT, INFINITE)
    early_stopping: bool = parameter(False, "boolean")
    validation_fraction: float = parameter(0.1, FRACTION)
    progress: bool = parameter(False, "boolean")

    @abstractmethod
    def _objective(self, vector: ParameterVector) -> Objective:
        """What is made small, by changing this vector."""

    @abstractmethod
    def _new_optimizer(self) -> Optimizer:
        """An optimizer of the network's parameters."""

    @abstractmethod
    def _score(self, Y: Array, targets: NDArray[Any], weight: Array | None) -> float:
        """How good these answers are, 1 at best."""

    def _solve(
        self, samples: Samples, random_state: np.random.RandomState, *, one_epoch: bool
    ) -> None:
        self._descend(samples, random_state, one_epoch=one_epoch)

    def _descend(
        self, samples: Samples, random_state: np.random.RandomState, *, one_epoch: bool
    ) -> None:
        if one_epoch and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        if not (one_epoch and hasattr(self, "_optimizer")):
            self._optimizer = self._new_optimizer()
        if self.early_stopping == (self.validation_scores_ is None):  # it watches something else
            self.validation_scores_ = [] if self.early_stopping else None
            self.best_loss_, self.best_validation_score_, self._best = None, None, -inf
        samples, held_out = self._hold_out(samples, random_state)
        best = None if held_out is None else self.network_.state()
        self.n_iter_ = 0
        try:
            for epoch in self._epochs(samples, random_state, 1 if one_epoch else self.max_iter):
                self.n_iter_, self.loss_ = epoch.number, epoch.loss
                self.t_ += len(samples.targets)
                self.loss_curve_.append(epoch.loss)
                self._say(f"Iteration {epoch.number}, loss = {epoch.loss:.8f}")
                if self._improved(held_out) and held_out is not None:
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
                        stacklevel=USER,
                    )
        except FloatingPointError as error:
            if best is None:
                raise not_finite() from error
            self.n_iter_ += 1
            self.validation_scores_ = [*(self.validation_scores_ or []), nan]
            what = f"Training diverged in epoch {self.n_iter_}; the best epoch before is put back."
            warnings.warn(f"{what} {error}", ConvergenceWarning, stacklevel=USER)
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=USER)
        if best is not None:
            self.network_.load_state(best)

    def _epochs(
        self, samples: Samples, random_state: np.random.RandomState, epochs: int
    ) -> Generator[Epoch, None, None]:
        n = len(samples.targets)
        size = min(200, n) if isinstance(self.batch_size, str) else min(self.batch_size, n)
        if size != self.batch_size != "auto":
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be "
                "clipped",
                stacklevel=USER + 1,
            )
        network, rows = by_rows(self.network_, samples.X)
        objective = self._objective(self._optimizer.vector)
        return train(
            network,
            rows,
            samples.targets,
            sample_weight=samples.weight,
            loss=objective,
            penalty=objective.penalty,
            optimizer=self._optimizer,
            epochs=epochs,
            batch_size=size,
            shuffle=self.shuffle,
            rng=Orders(random_state),
            progress=self.progress,
        )

    def _hold_out(
        self, samples: Samples, random_state: np.random.RandomState
    ) -> tuple[Samples, Samples | None]:
        """The rows to learn from, and for early stopping those to score: scikit-learn's choice."""
        if not self.early_stopping:
            return samples, None
        yes_no = is_classifier(self) and self.n_outputs_ == 1
        halves = train_test_split(
            *(samples if samples.weight is not None else samples[:2]),
            random_state=random_state,
            test_size=self.validation_fraction,
            stratify=samples.targets.astype(bool) if yes_no else None,
        )
        learned, scored = (Samples(*[*halves[i::2], None][:3]) for i in (0, 1))
        if scored.X.shape[0] < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of "
                "your dataset."
            )
        return learned, scored

    def _improved(self, held_out: Samples | None) -> bool:
        """Whether this epoch is the best so far; counts those that are hardly better, or worse."""
        if held_out is None:
            score = -self.loss_
        else:
            with np.errstate(over="ignore", invalid="ignore"):  # as in training
                score = self._score(self._answers(held_out.X), *held_out[1:])
            self.validation_scores_ = [*(self.validation_scores_ or []), score]
            self._say(f"Validation score: {score:f}")
        hardly, better = score < self._best + self.tol, score > self._best
        self._no_improvement_count = self._no_improvement_count + 1 if hardly else 0
        if better:
            self._best = score
        if held_out is None:
            self.best_loss_ = -self._best
        else:
            self.best_validation_score_ = self._best
        return better

    def _stops(self) -> bool:
        """Whether it ends after `n_iter_no_change` epochs that are hardly better."""
        what = "Validation score" if self.early_stopping else "Training loss"
        self._say(
            f"{what} did not improve more than tol={self.tol:f} for {self.n_iter_no_change} "
            "consecutive epochs."
        )
        return True

    def _epoch_ended(self) -> None:
        """What changes from epoch to epoch."""

    def _learns_by_steps(self) -> bool:
        """Whether there is a partial_fit."""
        return True


class Orders(np.random.Generator):
    """The orders in which scikit-learn takes the rows: it shuffles the order of the epoch before.

    So the same `random_state` makes the same batches.
    """

    def __init__(self, random_state: np.random.RandomState) -> None:
        super().__init__(np.random.PCG64(0))  # which nothing is drawn from
        self.random_state = random_state
        self.order: Indices | None = None

    def permutation(self, rows: Indices) -> Indices:  # type: ignore[override]  # all that train asks
        """The rows in their next order."""
        before = rows if self.order is None else self.order
        self.order = before[self.random_state.permutation(len(rows))]
        return self.order
