"""Regressors: from numbers to what a loss takes, and from a network's answers to numbers."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from math import nan
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils.metaestimators import available_if

from layerwise.arrays import Array, Matrix
from layerwise.data import is_finite
from layerwise.estimators.base import Table
from layerwise.estimators.stepwise import Stepwise


@dataclass(eq=False, repr=False, kw_only=True)
class Regressing(RegressorMixin, Stepwise):  # type: ignore[misc]  # no types in scikit-learn
    """A number for each row, or several."""

    @abstractmethod
    def _out_activation(self) -> str:
        """What makes numbers of the network's answers: "identity" or "exp"."""

    def _targets(self, y: NDArray[Any], *, one_epoch: bool, dtype: np.dtype[Any]) -> NDArray[Any]:
        """A column for each output."""
        targets = y.reshape(len(y), -1).astype(dtype)
        self.n_outputs_, self.out_activation_ = targets.shape[1], self._out_activation()
        return targets

    def _weights(self, sample_weight: Array | None, y: NDArray[Any]) -> Array | None:
        return sample_weight

    def _score(self, Y: Array, targets: NDArray[Any], weight: Array | None) -> float:
        """R², the share of the variance that is explained."""
        numbers = self._numbers(Y)
        if not is_finite(numbers):
            return nan
        return float(r2_score(targets, numbers, sample_weight=weight))

    def _numbers(self, Y: Matrix) -> Matrix:
        return np.exp(Y) if self.out_activation_ == "exp" else Y

    def predict(self, X: Table) -> Array:
        """The number of each row of X, or a row of numbers for it."""
        numbers = self._numbers(self._predicted(X))
        return numbers.ravel() if numbers.shape[1] == 1 else numbers

    @available_if(lambda self: self._learns_by_steps())  # type: ignore[untyped-decorator]
    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Table, y: Table, sample_weight: Array | None = None) -> Self:
        """Learn one epoch more, from the rows of X and their y; return self.

        Raises what `fit` raises, and ValueError for early stopping.
        """
        return self._fit(X, y, sample_weight, one_epoch=True)
