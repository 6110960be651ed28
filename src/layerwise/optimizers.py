"""How gradients change values: each optimizer is a formula on two flat vectors."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from math import sqrt
from typing import Any

import numpy as np

from layerwise.arguments import fraction, positive
from layerwise.arrays import Vector
from layerwise.parameter import Parameter, ParameterVector

CHUNK = 65536  # numbers whose parameters, gradients and moments fit together into a CPU's cache


class Optimizer(ABC):
    """θ ← θ + Δ(g): changes the values θ of parameters by a formula on their gradients g.

    To write an optimizer, subclass, say how many vectors of `moments` it remembers from step to
    step, and write `update`. `steps` counts the steps. Gradients are zeroed when it is made, and
    by each step: look at them, or clip them, between backward and step. The parameters' arrays
    move into one vector when it is made; those that they had before refuse writes from then on.

    Raises ValueError for no parameters or a learning rate that is not positive, TypeError for
    parameters of two dtypes and for what is no Parameter or number.
    """

    def __init__(
        self, parameters: Iterable[Parameter], learning_rate: float, *, moments: int = 0
    ) -> None:
        self.learning_rate = learning_rate
        self.vector = ParameterVector(parameters)
        self.vector.zero_grad()
        self.moments = [np.zeros_like(self.vector.value) for _ in range(moments)]
        self.steps = 0

    @property
    def learning_rate(self) -> float:
        """The size of a step; it may be changed between steps."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, new: float) -> None:
        self._learning_rate = positive(type(self).__name__, "learning_rate", new)

    def step(self) -> None:
        """Change the values by the gradients added since the last step, and zero those.

        Raises RuntimeError if there are none: then no backward ran, or it ran for other
        parameters than these.
        """
        vector = self.vector
        if not vector.collect():
            raise RuntimeError(
                f"{type(self).__name__}: no gradient was added since the last step: call backward "
                "before step. If you did, this optimizer holds other parameters than the network: "
                "copy or pickle the two together, as in deepcopy((network, optimizer))"
            )
        self.steps += 1
        vectors = (vector.value, vector.grad, *self.moments)
        if vector.value.size <= CHUNK:
            self.update(*vectors)
        else:
            for start in range(0, vector.value.size, CHUNK):
                self.update(*(v[start : start + CHUNK] for v in vectors))
        vector.clear()

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to zero."""
        self.vector.zero_grad()

    def reset(self) -> None:
        """Forget the steps made: the moments are zero again."""
        self.steps = 0
        for moment in self.moments:
            moment.fill(0)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take moments of its own: joblib hands large arrays to its processes read-only."""
        vars(self).update(state, moments=[np.array(moment) for moment in state["moments"]])

    @abstractmethod
    def update(self, value: Vector, grad: Vector, *moments: Vector) -> None:
        """Change `value` and `moments` in place. `grad` is zeroed next, so it may be overwritten.

        The formula must go entry by entry: it is called for one chunk of the vectors at a time.
        """


class SGD(Optimizer):
    """θ ← θ − η g; with momentum μ: v ← μ v − η g and θ ← θ + v; Nesterov: θ ← θ + μ v − η g.

    g is the gradient, η `learning_rate` and v starts from zero. Nesterov's formula uses the new v.

    Raises ValueError for a momentum beyond [0, 1), and for Nesterov without momentum. Source:
    course part 2.2, momentum part 4.5; Nesterov as in Sutskever et al. 2013, in the form of
    Bengio et al. 2012, arXiv:1212.0901, equation 7.

    >>> p = Parameter(np.array([1.0])); sgd = SGD([p], learning_rate=0.1)
    >>> p.add_grad(np.array([2.0])); sgd.step(); p.value
    array([0.8])
    """

    def __init__(
        self,
        parameters: Iterable[Parameter],
        learning_rate: float = 0.01,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        self._momentum, self._nesterov = fraction("SGD", "momentum", momentum), nesterov
        if nesterov and not self._momentum:
            raise ValueError(
                "SGD: nesterov=True without momentum came, expected one, as in momentum=0.9"
            )
        super().__init__(parameters, learning_rate, moments=1 if momentum else 0)

    @property
    def momentum(self) -> float:
        """The share of the velocity that is kept from step to step; fixed."""
        return self._momentum

    def update(self, value: Vector, grad: Vector, *moments: Vector) -> None:
        """Change `value` in place; `grad` serves as scratch."""
        grad *= self.learning_rate
        if not moments:
            value -= grad
            return
        (v,) = moments
        v *= self.momentum
        v -= grad
        if self._nesterov:
            value -= grad
            np.multiply(v, self.momentum, out=grad)
            value += grad
        else:
            value += v


class Adam(Optimizer):
    """θ ← θ − η m̂ / (√v̂ + ε), m̂ and v̂ the running means of g and g², corrected for their start.

    In full: m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ)
    at step t, η `learning_rate`, and m and v from zero. Kept here are the sums m / (1 − β₁) and
    v / (1 − β₂), which need two products fewer; the factors go into the step size and ε.

    Raises ValueError for a β beyond [0, 1) or an ε that is not positive. Source: Kingma and Ba
    2015, arXiv:1412.6980, algorithm 1.

    >>> p = Parameter(np.array([1.0])); adam = Adam([p], learning_rate=0.1)
    >>> p.add_grad(np.array([2.0])); adam.step(); p.value.round(6)
    array([0.9])
    """

    def __init__(
        self,
        parameters: Iterable[Parameter],
        learning_rate: float = 0.001,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
    ) -> None:
        self._betas = fraction("Adam", "beta1", beta1), fraction("Adam", "beta2", beta2)
        super().__init__(parameters, learning_rate, moments=2)
        dtype = self.vector.value.dtype
        self._epsilon = positive("Adam", "epsilon", epsilon, least=float(np.finfo(dtype).tiny))
        self._decays = tuple(np.array(beta, dtype) for beta in self._betas)

    @property
    def betas(self) -> tuple[float, float]:
        """β₁ and β₂; fixed, because the sums are kept with them."""
        return self._betas

    @property
    def epsilon(self) -> float:
        """ε; fixed."""
        return self._epsilon

    def update(self, value: Vector, grad: Vector, *moments: Vector) -> None:
        """Change `value` in place; `grad` serves as scratch."""
        (beta1, beta2), (decay1, decay2), (m, v) = self._betas, self._decays, moments
        m_scale = (1 - beta1) / (1 - beta1**self.steps)
        v_scale = sqrt((1 - beta2) / (1 - beta2**self.steps))
        # Arrays without axes, because NumPy takes half the time for them that it takes for numbers.
        epsilon = np.array(self._epsilon / v_scale, grad.dtype)
        rate = np.array(self.learning_rate * m_scale / v_scale, grad.dtype)
        m *= decay1
        m += grad
        np.square(grad, out=grad)
        v *= decay2
        v += grad
        np.sqrt(v, out=grad)
        grad += epsilon
        np.divide(m, grad, out=grad)
        grad *= rate
        value -= grad
