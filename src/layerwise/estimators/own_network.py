"""NetworkClassifier and NetworkRegressor: a network of one's own as an estimator."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, fields, is_dataclass, replace
from typing import Any, Self, TypeAlias

import numpy as np
from sklearn.base import is_classifier

from layerwise.arguments import of_type, to_call
from layerwise.arrays import Array
from layerwise.estimators.classifying import Classifying
from layerwise.estimators.objective import Objective
from layerwise.estimators.parameters import AT_LEAST_0, POSITIVE, parameter, required
from layerwise.estimators.regressing import Regressing
from layerwise.estimators.stepwise import Stepwise
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
from layerwise.parameter import ParameterVector

Build: TypeAlias = Callable[[int, int, np.random.Generator], Layer[Any, Array]]

# Of numbers, not of probabilities: a classifier gives them −1 for no and 1 for yes.
OF_SIGNS = (Hinge, Huber, MeanAbsoluteError, MeanSquaredError)


@dataclass(eq=False, repr=False)
class OwnNetwork(Stepwise):
    """The network that `build(n_features, n_outputs, rng)` makes.

    A search reaches the fields of `build` where it is an object of a dataclass, as build__hidden.
    Not the keywords of a functools.partial: a dataclass declares its fields with their types and
    defaults, so that what it does not have is refused at once, and it can always be pickled.
    """

    build: Build = required(callable)
    _: KW_ONLY
    loss: Loss[Array] | None = parameter(None, callable, None)
    optimizer: Callable[..., Optimizer] = parameter(Adam, callable)
    learning_rate: LearningRate = parameter(0.001, POSITIVE, callable)
    alpha: float = parameter(0.0, AT_LEAST_0)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name; if deep, with the fields of a dataclass as build__field."""
        params: dict[str, Any] = super().get_params(deep)
        if deep:
            params |= {f"build__{name}": getattr(self.build, name) for name in self._fields()}
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters; a field of build is changed in a copy of it."""
        own = {name: value for name, value in params.items() if not name.startswith("build__")}
        super().set_params(**own)
        changed = {name[7:]: value for name, value in params.items() if name not in own}
        valid = self._fields()
        for name in changed:
            if name not in valid:
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {self.build!r}. "
                    f"Valid parameters are: {valid!r}."
                )
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

    def _objective(self, vector: ParameterVector) -> Objective:
        loss = self._default_loss() if self.loss is None else self.loss
        to_call(type(self).__name__, "loss", loss, "(Y, target)", "MeanSquaredError()")
        signs = is_classifier(self) and isinstance(loss, OF_SIGNS)
        return Objective(loss, vector, alpha=self.alpha, signs=signs)

    @abstractmethod
    def _default_loss(self) -> Loss[Array]:
        """The loss where none is given."""

    def _new_optimizer(self) -> Optimizer:
        optimizer = self.optimizer(self.network_.parameters(), self.learning_rate)
        remedy = "optimizer(parameters, learning_rate) returns one, as Adam does"
        of_type(type(self).__name__, "the optimizer", optimizer, Optimizer, remedy)
        return optimizer


@dataclass(eq=False, repr=False)
class NetworkClassifier(Classifying, OwnNetwork):
    """A classifier by a network of one's own: `build(n_features, n_outputs, rng)` makes it.

    The network answers with logits: `n_outputs` is the number of labels, but 1 for two of them.

    - `build`: any function; an object of a dataclass with `__call__` where its fields are to be
      searched, as build__hidden.
    - `loss`: any of Layerwise's, or one of one's own. By default SoftmaxCrossEntropy, and for two
      labels, and for many at once, SigmoidCrossEntropy. Given SoftmaxCrossEntropy, two labels
      have two outputs; SigmoidCrossEntropy sets each of many labels against the others. Hinge and
      the losses of numbers get -1 and 1 for no and yes, and give a `decision_function` instead of
      probabilities.
    - `optimizer`: a class, or a function of the parameters and the learning rate, such as
      partial(SGD, momentum=0.9); `learning_rate`: a number or a function of the step.
    - `alpha`: α/2 Σ W² / (rows of the batch) is added to the loss, 0 by default.

    The rest is as in MLPClassifier. `network_` is the network. Sparse X needs one that begins with
    Dense.

    >>> from layerwise import Dense
    >>> def linear(n_features, n_outputs, rng): return Dense(n_features, n_outputs, rng=rng)
    >>> X = [[-2.0], [-1.0], [1.0], [2.0]]; classifier = NetworkClassifier(linear, random_state=0)
    >>> classifier.set_params(learning_rate=0.1).fit(X, ["no", "no", "yes", "yes"]).predict([[3.0]])
    array(['yes'], dtype='<U3')
    """

    def _network(
        self, inputs: int, dtype: np.dtype[Any], random_state: np.random.RandomState
    ) -> Layer[Any, Array]:
        network = super()._network(inputs, dtype, random_state)
        with np.errstate(all="ignore"):  # zeros may be numbers that it never meets
            answer = network(np.zeros((1, inputs), dtype)).shape[1:]
        if answer != (self.n_outputs_,):
            raise ValueError(
                f"{type(self).__name__}: the network answers {answer} for a row, expected "
                f"({self.n_outputs_},): its last layer has the n_outputs that build is given"
            )
        return network

    def _has_probabilities(self) -> bool:
        return not isinstance(self.loss, OF_SIGNS)

    def _out_activation(self) -> str:
        if isinstance(self.loss, OF_SIGNS):
            return "identity"
        if isinstance(self.loss, SoftmaxCrossEntropy):
            return "softmax"
        if isinstance(self.loss, SigmoidCrossEntropy):
            return "logistic"
        return super()._out_activation()

    def _default_loss(self) -> Loss[Array]:
        return SoftmaxCrossEntropy() if self.out_activation_ == "softmax" else SigmoidCrossEntropy()


@dataclass(eq=False, repr=False)
class NetworkRegressor(Regressing, OwnNetwork):
    """A regressor by a network of one's own: `build(n_features, n_outputs, rng)` makes it.

    The parameters are NetworkClassifier's. `loss` is MeanSquaredError by default; with Poisson, the
    network answers with the logarithm of what is predicted.

    >>> from layerwise import Dense, SGD
    >>> def linear(n_features, n_outputs, rng): return Dense(n_features, n_outputs, rng=rng)
    >>> line = NetworkRegressor(linear, optimizer=SGD, learning_rate=0.1, random_state=0)
    >>> line.fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]).predict([[3.0]]).round(1)
    array([7.])
    """

    def _out_activation(self) -> str:
        return "exp" if isinstance(self.loss, Poisson) else "identity"

    def _default_loss(self) -> Loss[Array]:
        return MeanSquaredError()
