"""MLPClassifier and MLPRegressor: scikit-learn's, with what it lacks."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import sqrt
from numbers import Integral, Real
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, StrOptions

from layerwise.arrays import Array
from layerwise.estimators.base import Estimator, Table, not_finite
from layerwise.estimators.classes import Classifying
from layerwise.estimators.lbfgs import lbfgs
from layerwise.estimators.numbers import Regressing
from layerwise.estimators.objective import Objective
from layerwise.estimators.sparse import for_sparse
from layerwise.layers.activations import ReLU, Sigmoid, Tanh
from layerwise.layers.base import Layer
from layerwise.layers.dense import Dense
from layerwise.layers.dropout import Dropout
from layerwise.layers.normalization import BatchNorm
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

Activation: TypeAlias = str | Callable[[], Layer[Any, Any]]
ACTIVATIONS: dict[str, Callable[[], Layer[Any, Any]]] = {
    "logistic": Sigmoid,
    "tanh": Tanh,
    "relu": ReLU,
}


@dataclass(eq=False, repr=False, kw_only=True)
class Perceptron(Estimator):
    """X W₁ + b₁, an activation, …, X W + b: Dense layers, and what may stand between them."""

    solver: str = "adam"
    alpha: float = 0.0001
    learning_rate: str | Callable[[int], float] = "constant"
    learning_rate_init: float = 0.001
    power_t: float = 0.5
    momentum: float = 0.9
    nesterovs_momentum: bool = True
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    max_fun: int = 15000
    dropout: float | Sequence[float] = 0.0
    batch_norm: bool = False
    clip_norm: float | None = None
    weight_decay: float = 0.01

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **Estimator._parameter_constraints,
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions({"identity", *ACTIVATIONS}), callable, "array-like"],
        "solver": [StrOptions({"lbfgs", "sgd", "adam", "adamw"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"}), callable],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "nesterovs_momentum": ["boolean"],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
        "batch_norm": ["boolean"],
        "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
    }

    @property
    def coefs_(self) -> list[Array]:
        """The weights of each Dense layer, live: W[i, j] is from input i to output j."""
        return [dense.W.value for dense in self._dense()]

    @property
    def intercepts_(self) -> list[Array]:
        """The biases of each Dense layer, live."""
        return [dense.b.value for dense in self._dense()]

    @property
    def n_layers_(self) -> int:
        """How many layers of neurons there are, the inputs being the first."""
        return len(self._dense()) + 1

    def _dense(self) -> list[Dense]:
        return [layer for layer in self.network_ if isinstance(layer, Dense)]

    def _network(
        self, inputs: int, dtype: np.dtype[Any], random_state: np.random.RandomState
    ) -> Sequential[Any]:
        """From the same `random_state` the same first values as scikit-learn's: Glorot's."""
        hidden = np.atleast_1d(self.hidden_layer_sizes).tolist()
        if any(size <= 0 for size in hidden):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
        activations = for_each("activation", self.activation, len(hidden))
        rates = for_each("dropout", self.dropout, len(hidden))
        layers: list[Layer[Any, Any]] = []
        for i, (fan_in, fan_out) in enumerate(pairwise([inputs, *hidden, self.n_outputs_])):
            own = activations[min(i, len(hidden) - 1)] if hidden else "identity"
            # Glorot and Bengio 2010, equation 16; for σ a third of its variance.
            bound = sqrt((2 if own == "logistic" else 6) / (fan_in + fan_out))
            draw = partial(random_state.uniform, -bound, bound)
            dense = Dense(
                fan_in, fan_out, dtype=dtype, W_init=lambda shape, _, draw=draw: draw(shape)
            )
            dense.b.value = draw(fan_out).astype(dtype)
            layers.append(dense)
            if i == len(hidden):
                break
            if self.batch_norm:
                layers.append(BatchNorm(fan_out, dtype=dtype))
            if own != "identity":
                layers.append(ACTIVATIONS[own]() if isinstance(own, str) else own())
            if rates[i]:
                layers.append(Dropout(rates[i], rng=random_state.randint(2**31 - 1)))
        return Sequential(*layers)

    def _loss(self) -> Loss[Array]:
        """The loss that goes with the output's activation."""
        losses = {
            "softmax": SoftmaxCrossEntropy,
            "logistic": SigmoidCrossEntropy,
            "identity": MeanSquaredError,
            "exp": Poisson,
        }
        loss: Loss[Array] = losses[self.out_activation_]()
        return loss

    def _objective(self) -> Objective:
        factors = {"softmax": 1.0, "identity": self.n_outputs_ / 2}
        factor = factors.get(self.out_activation_, float(self.n_outputs_))
        return Objective(self._loss(), factor=factor, alpha=self.alpha)

    def _new_optimizer(self) -> Optimizer:
        given = self.learning_rate if callable(self.learning_rate) else self.learning_rate_init
        parameters, clip = self.network_.parameters(), self.clip_norm
        if self.solver == "sgd":
            nesterov = self.nesterovs_momentum and self.momentum > 0
            return SGD(parameters, given, momentum=self.momentum, nesterov=nesterov, clip_norm=clip)
        betas = {"beta1": self.beta_1, "beta2": self.beta_2, "epsilon": self.epsilon}
        if self.solver == "adam":
            return Adam(parameters, given, clip_norm=clip, **betas)
        decay = self.weight_decay
        return AdamW(parameters, given, clip_norm=clip, weight_decay=decay, **betas)

    def _solve(
        self,
        X: Table,
        targets: NDArray[Any],
        weight: Array | None,
        random_state: np.random.RandomState,
        one_epoch: bool,
    ) -> None:
        if self.solver != "lbfgs":
            return super()._solve(X, targets, weight, random_state, one_epoch)
        if self.batch_norm or np.any(self.dropout):
            raise ValueError(
                "solver='lbfgs' needs a loss that is the same at each call: leave out dropout and "
                "batch_norm, or choose solver='adam'"
            )
        network = Sequential(*for_sparse(self.network_)) if issparse(X) else self.network_
        self.loss_curve_ = []

        def iterated(loss: float) -> None:
            self.loss_curve_.append(loss)
            self._say(f"Iteration {len(self.loss_curve_)}, loss = {loss:.8f}")

        result = lbfgs(
            network,
            X,
            (targets,) if weight is None else (targets, weight),
            self._objective(),
            iterated,
            maxfun=self.max_fun,
            maxiter=self.max_iter,
            gtol=self.tol,
        )
        self.n_iter_, self.loss_ = result.nit, float(result.fun)
        if not np.isfinite(result.x).all():
            raise not_finite()
        if result.status != 0:
            warnings.warn(
                f"lbfgs failed to converge after {result.nit} iteration(s) "
                f"(status={result.status}):\n{result.message}\n\nYou might want to increase "
                f"max_iter={self.max_iter} or max_fun={self.max_fun}, or to scale the data as "
                "shown in:\n    https://scikit-learn.org/stable/modules/preprocessing.html",
                ConvergenceWarning,
                stacklevel=5,
            )
        return None

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


@dataclass(eq=False, repr=False)
class MLPClassifier(Classifying, Perceptron):
    """TODO."""

    hidden_layer_sizes: int | Sequence[int] = (100,)
    activation: Activation | Sequence[Activation] = "relu"

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **Perceptron._parameter_constraints,
        **Classifying._parameter_constraints,
    }


@dataclass(eq=False, repr=False)
class MLPRegressor(Regressing, Perceptron):
    """TODO."""

    loss: str = "squared_error"
    hidden_layer_sizes: int | Sequence[int] = (100,)
    activation: Activation | Sequence[Activation] = "relu"

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **Perceptron._parameter_constraints,
        "loss": [StrOptions({"squared_error", "poisson"})],
    }

    def _out_activation(self) -> str:
        return "exp" if self.loss == "poisson" else "identity"


def for_each(name: str, given: Any, hidden: int) -> list[Any]:
    """What each hidden layer is given: one for all of them, or a sequence of as many.

    >>> for_each("dropout", 0.5, 2), for_each("dropout", [0.2, 0.5], 2)
    ([0.5, 0.5], [0.2, 0.5])
    """
    if isinstance(given, str) or not hasattr(given, "__len__"):
        return [given] * hidden
    if len(given) != hidden:
        raise ValueError(
            f"{name}={given} has {len(given)} items, expected {hidden}, one for each hidden layer, "
            "or one for all"
        )
    return list(given)
