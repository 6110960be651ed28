"""What MLPClassifier and MLPRegressor have in common: parameters, solvers, attributes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.exceptions import ConvergenceWarning

from layerwise.arrays import Array
from layerwise.estimators.base import Samples, Table, not_finite
from layerwise.estimators.lbfgs import lbfgs
from layerwise.estimators.multilayer import multilayer
from layerwise.estimators.objective import Objective
from layerwise.estimators.parameters import (
    AT_LEAST_0,
    COUNT,
    FRACTION,
    POSITIVE,
    options,
    parameter,
)
from layerwise.estimators.sparse import for_sparse
from layerwise.estimators.stepwise import USER, Stepwise
from layerwise.layers.base import layers
from layerwise.layers.dense import Dense
from layerwise.losses import (
    Loss,
    MeanSquaredError,
    Poisson,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
)
from layerwise.network import Sequential
from layerwise.optimizers.adam import Adam, AdamW
from layerwise.optimizers.base import Optimizer
from layerwise.optimizers.sgd import SGD
from layerwise.parameter import ParameterVector


@dataclass(eq=False, repr=False, kw_only=True)
class Perceptron(Stepwise):
    """Dense layers and what stands between them, by one of scikit-learn's solvers or by AdamW."""

    solver: str = parameter("adam", options("lbfgs", "sgd", "adam", "adamw"))
    alpha: float = parameter(0.0001, AT_LEAST_0)
    learning_rate: str | Callable[[int], float] = parameter(
        "constant", options("constant", "invscaling", "adaptive"), callable
    )
    learning_rate_init: float = parameter(0.001, POSITIVE)
    power_t: float = parameter(0.5, AT_LEAST_0)
    momentum: float = parameter(0.9, FRACTION)
    nesterovs_momentum: bool = parameter(True, "boolean")
    beta_1: float = parameter(0.9, FRACTION)
    beta_2: float = parameter(0.999, FRACTION)
    epsilon: float = parameter(1e-8, POSITIVE)
    max_fun: int = parameter(15000, COUNT)
    dropout: float | Sequence[float] = parameter(0.0, FRACTION, "array-like")
    batch_norm: bool = parameter(False, "boolean")
    clip_norm: float | None = parameter(None, POSITIVE, None)
    weight_decay: float = parameter(0.01, AT_LEAST_0)

    @property
    def coefs_(self) -> list[Array]:
        """The weights of each Dense layer, live: W[i, j] leads from input i to output j."""
        return [dense.W.value for dense in self._dense()]

    @property
    def intercepts_(self) -> list[Array]:
        """The biases of each Dense layer, live."""
        return [dense.b.value for dense in self._dense()]

    @property
    def n_layers_(self) -> int:
        """The number of layers as scikit-learn counts them, the inputs being the first."""
        return len(self._dense()) + 1

    def _dense(self) -> list[Dense]:
        return [layer for layer in layers(self.network_).values() if isinstance(layer, Dense)]

    def _network(
        self, inputs: int, dtype: np.dtype[Any], random_state: np.random.RandomState
    ) -> Sequential[Any]:
        hidden = np.atleast_1d(self.hidden_layer_sizes).tolist()
        if any(size <= 0 for size in hidden):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
        return multilayer(
            [inputs, *hidden, self.n_outputs_],
            activation=self.activation,
            dropout=self.dropout,
            batch_norm=self.batch_norm,
            dtype=dtype,
            random_state=random_state,
        )

    def _objective(self, vector: ParameterVector) -> Objective:
        losses: dict[str, tuple[Loss[Array], float]] = {
            "softmax": (SoftmaxCrossEntropy(), 1.0),
            "logistic": (SigmoidCrossEntropy(), self.n_outputs_),
            "identity": (MeanSquaredError(), self.n_outputs_ / 2),
            "exp": (Poisson(), self.n_outputs_),
        }
        loss, factor = losses[self.out_activation_]
        return Objective(loss, vector, factor=factor, alpha=self.alpha)

    def _new_optimizer(self) -> Optimizer:
        rate = self.learning_rate if callable(self.learning_rate) else self.learning_rate_init
        parameters, clip = self.network_.parameters(), self.clip_norm
        if self.solver == "sgd":
            nesterov = self.nesterovs_momentum and self.momentum > 0
            return SGD(parameters, rate, momentum=self.momentum, nesterov=nesterov, clip_norm=clip)
        betas = {"beta1": self.beta_1, "beta2": self.beta_2, "epsilon": self.epsilon}
        if self.solver == "adam":
            return Adam(parameters, rate, clip_norm=clip, **betas)
        decay = self.weight_decay
        return AdamW(parameters, rate, clip_norm=clip, weight_decay=decay, **betas)

    def _epoch_ended(self) -> None:
        if self.solver == "sgd" and self.learning_rate == "invscaling":
            self._optimizer.learning_rate = self.learning_rate_init / (self.t_ + 1) ** self.power_t

    def _stops(self) -> bool:
        super()._stops()
        rate = self._optimizer.learning_rate
        if self.solver != "sgd" or self.learning_rate != "adaptive" or rate <= 1e-6:
            return True
        self._optimizer.learning_rate, self._no_improvement_count = rate / 5, 0
        self._say(f"Setting learning rate to {rate / 5:f}")
        return False

    def _learns_by_steps(self) -> bool:
        if self.solver == "lbfgs":
            raise AttributeError(
                "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic."
            )
        return True

    def _solve(
        self, samples: Samples, random_state: np.random.RandomState, *, one_epoch: bool
    ) -> None:
        if self.solver == "lbfgs":
            self._minimize(*samples)
        else:
            self._descend(samples, random_state, one_epoch=one_epoch)

    def _minimize(self, X: Table, targets: NDArray[Any], weight: Array | None) -> None:
        if self.batch_norm or np.any(self.dropout):
            raise ValueError(
                "solver='lbfgs' needs a loss that is the same at each call: leave out dropout and "
                "batch_norm, or choose solver='adam'"
            )
        if weight is not None and weight.any():  # a part must not be all of rows that do not count
            rows = np.flatnonzero(weight)
            X, targets, weight = X[rows], targets[rows], weight[rows]
        network = Sequential(*for_sparse(self.network_)) if issparse(X) else self.network_
        self.loss_curve_ = []

        def iterated(loss: float) -> None:
            self.loss_curve_.append(loss)
            self._say(f"Iteration {len(self.loss_curve_)}, loss = {loss:.8f}")

        result = lbfgs(
            network,
            X,
            (targets,) if weight is None else (targets, weight),
            self._objective(ParameterVector(self.network_.parameters())),
            iterated,
            maxfun=self.max_fun,
            maxiter=self.max_iter,
            gtol=self.tol,
        )
        self.n_iter_, self.loss_ = result.nit, float(result.fun)
        if not isfinite(self.loss_):
            raise not_finite()
        if result.status != 0:
            warnings.warn(
                f"lbfgs failed to converge after {result.nit} iteration(s) "
                f"(status={result.status}):\n{result.message}\n\nYou might want to increase "
                f"max_iter={self.max_iter} or max_fun={self.max_fun}, or to scale the data as "
                "shown in:\n    https://scikit-learn.org/stable/modules/preprocessing.html",
                ConvergenceWarning,
                stacklevel=USER,
            )
