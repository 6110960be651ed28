"""NetworkClassifier and NetworkRegressor: a network of one's own, as scikit-learn has estimators."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, fields, is_dataclass, replace
from numbers import Real
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils._param_validation import Interval

from layerwise.arguments import of_type
from layerwise.arrays import Array
from layerwise.estimators.base import Estimator
from layerwise.estimators.classes import Classifying
from layerwise.estimators.numbers import Regressing
from layerwise.estimators.objective import Objective
from layerwise.layers.base import Layer
from layerwise.losses import (
    Hinge,
    Huber,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    Poisson,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
)
from layerwise.optimizers.adam import Adam
from layerwise.optimizers.base import LearningRate, Optimizer

Build: TypeAlias = Callable[[int, int, np.random.Generator], Layer[Any, Array]]

# Of numbers, not of probabilities: a classifier gives them −1 for no and 1 for yes.
OF_SIGNS = (Hinge, Huber, MeanAbsoluteError, MeanSquaredError)


@dataclass(eq=False, repr=False)
class OwnNetwork(Estimator):
    """The network that `build(n_features, n_outputs, rng)` returns."""

    build: Build
    _: KW_ONLY
    loss: Loss[Array] | None = None
    optimizer: Callable[..., Optimizer] = Adam
    learning_rate: LearningRate = 0.001
    alpha: float = 0.0

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **Estimator._parameter_constraints,
        "build": [callable],
        "loss": [callable, None],
        "optimizer": [callable],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), callable],
        "alpha": [Interval(Real, 0, None, closed="left")],
    }

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name; if deep, with the fields of a dataclass as build__field."""
        params: dict[str, Any] = super().get_params(deep)
        if deep:
            params |= {f"build__{name}": getattr(self.build, name) for name in self._fields()}
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters; a field of build is changed in a copy of it."""
        known = {f"build__{name}": name for name in self._fields()}
        super().set_params(**{name: value for name, value in params.items() if name not in known})
        changed = {known[name]: value for name, value in params.items() if name in known}
        if changed:
            build: Any = self.build
            self.build = replace(build, **changed)
        return self

    def _fields(self) -> list[str]:
        build: Any = self.build
        if isinstance(build, type) or not is_dataclass(build):
            return []
        return [field.name for field in fields(build) if field.init]

    def _network(
        self, inputs: int, dtype: np.dtype[Any], random_state: np.random.RandomState
    ) -> Layer[Any, Array]:
        rng = np.random.default_rng(random_state.randint(2**31 - 1))
        network = self.build(inputs, self.n_outputs_, rng)
        remedy = "build(n_features, n_outputs, rng) returns a network, such as a Sequential"
        of_type(type(self).__name__, "the network", network, Layer, remedy)
        return network

    def _objective(self) -> Objective:
        loss = self._default_loss() if self.loss is None else self.loss
        signs = is_classifier(self) and isinstance(loss, OF_SIGNS)
        return Objective(loss, alpha=self.alpha, signs=signs)

    @abstractmethod
    def _default_loss(self) -> Loss[Array]:
        """The loss where none is given."""

    def _new_optimizer(self) -> Optimizer:
        return self.optimizer(self.network_.parameters(), self.learning_rate)


@dataclass(eq=False, repr=False)
class NetworkClassifier(Classifying, OwnNetwork):
    """TODO."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **OwnNetwork._parameter_constraints,
        **Classifying._parameter_constraints,
    }

    def _has_probabilities(self) -> bool:
        return not isinstance(self.loss, OF_SIGNS)

    def _out_activation(self) -> str:
        if isinstance(self.loss, OF_SIGNS):
            return "identity"
        known = {SoftmaxCrossEntropy: "softmax", SigmoidCrossEntropy: "logistic"}
        return known.get(type(self.loss)) or super()._out_activation()

    def _default_loss(self) -> Loss[Array]:
        return SoftmaxCrossEntropy() if self.out_activation_ == "softmax" else SigmoidCrossEntropy()


@dataclass(eq=False, repr=False)
class NetworkRegressor(Regressing, OwnNetwork):
    """TODO."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = OwnNetwork._parameter_constraints

    def _out_activation(self) -> str:
        return "exp" if isinstance(self.loss, Poisson) else "identity"

    def _default_loss(self) -> Loss[Array]:
        return MeanSquaredError()
