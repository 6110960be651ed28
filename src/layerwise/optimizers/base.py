"""How gradients change values: each optimizer is a formula on two flat vectors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from math import inf, sqrt
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from layerwise.arguments import at_least_zero, positive
from layerwise.arrays import CHUNK, Vector
from layerwise.forms import refuse_other_state
from layerwise.parameter import Parameter, ParameterVector

if TYPE_CHECKING:
    from layerwise.layers.base import Layer


LearningRate: TypeAlias = float | Callable[[int], float]


class Optimizer(ABC):
    """θ ← θ + Δ(g): changes the values θ of parameters by a formula on their gradients g.

    To write an optimizer, subclass, say how many vectors of `moments` it remembers from step to
    step, and write `update`. `steps` counts the steps. Gradients are zeroed when it is made, and
    by each step: look at them, or change them, between backward and step. The parameters' arrays
    move into one vector when it is made; those that they had before refuse writes from then on.

    `learning_rate` is a number, or a function that is called before each step with the number of
    steps made so far, 0 before the first, and may give 0. With `clip_norm` c, a gradient whose
    norm ‖g‖, over all parameters, is above c is first scaled by c / (‖g‖ + 10⁻⁶), as
    `torch.nn.utils.clip_grad_norm_` does; Pascanu et al. 2013, arXiv:1211.5063, algorithm 1.

    One that steps together with others, each with rows of its own, overrides `step`, `mean` and
    `agree`, which `train` calls for all that is more than its own rows' affair.

    Raises ValueError for no parameters, a learning rate or a `clip_norm` that is not positive,
    TypeError for parameters of two dtypes and for what is no Parameter or number.

    >>> class Descent(Optimizer):
    ...     def update(self, value, grad): value -= self.learning_rate * grad
    >>> p = Parameter(np.ones(1)); d = Descent([p], 0.1); p.add_grad(p.value); d.step(); p.value
    array([0.9])
    """

    _weight_decay = 0.0  # λ of those that decay weights apart from the gradient

    def __init__(
        self,
        parameters: Iterable[Parameter],
        learning_rate: LearningRate,
        *,
        moments: int = 0,
        clip_norm: float | None = None,
    ) -> None:
        self.steps = 0
        self.learning_rate = learning_rate
        self.clip_norm = clip_norm
        self.vector = ParameterVector(parameters, type(self).__name__)
        self.vector.zero_grad()
        self.moments = [np.zeros_like(self.vector.value) for _ in range(moments)]

    @property
    def learning_rate(self) -> float:
        """The size of the last step; of the next, where none was made since this was assigned."""
        return self._rate

    @learning_rate.setter
    def learning_rate(self, new: LearningRate) -> None:
        if not callable(new):
            new = positive(type(self).__name__, "learning_rate", new)
        self._rate, self._rates = self._rate_after(self.steps, new), new

    @property
    def clip_norm(self) -> float | None:
        """The largest norm that a gradient keeps, None for any; it may be changed between steps."""
        return self._clip_norm

    @clip_norm.setter
    def clip_norm(self, new: float | None) -> None:
        name = type(self).__name__
        self._clip_norm = None if new is None else positive(name, "clip_norm", new)

    @property
    def kind(self) -> str:
        """The name of the formula, for files and messages."""
        return type(self).__name__

    def agree(self, network: Layer[Any, Any], **run: object) -> None:  # noqa: B027  # a choice
        """Refuse a run that not all who step together begin alike: here there is only one."""

    def mean(self, value: float, weight: float) -> float:
        """The mean, over all that step together, of values that count by `weight`: here its own."""
        return value

    def step(self, weight: float = 1.0) -> None:
        """Change the values by the gradients added since the last step, and zero those.

        `weight` is what they are a mean over, such as a number of rows: it matters only to those
        that step together.

        Raises RuntimeError if there are none: then no backward ran, or it ran for other
        parameters than these. Raises ValueError or TypeError, and changes nothing, where a
        function gives a learning rate that is negative or no finite number.
        """
        vector = self.vector
        if not vector.collect():
            raise RuntimeError(
                f"{type(self).__name__}: no gradient was added since the last step: call backward "
                "before step. If you did, this optimizer holds other parameters than the network: "
                "copy or pickle the two together, as in deepcopy((network, optimizer))"
            )
        self._rate = self._rate_after(self.steps, self._rates)
        self.steps += 1
        if self._clip_norm is not None:
            clip(vector.grad, self._clip_norm)
        if self._weight_decay:
            vector.weights *= 1 - self._rate * self._weight_decay
        vectors = (vector.value, vector.grad, *self.moments)
        if vector.value.size <= CHUNK:
            self.update(*vectors)
        else:
            for start in range(0, vector.value.size, CHUNK):
                self.update(*(v[start : start + CHUNK] for v in vectors))
        vector.clear()

    def _rate_after(self, steps: int, rate: LearningRate) -> float:
        if not callable(rate):
            return rate
        return at_least_zero(type(self).__name__, f"learning_rate({steps})", rate(steps))

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to zero."""
        self.vector.zero_grad()

    def reset(self) -> None:
        """Forget the steps made: the moments are zero again."""
        self._rate, self.steps = self._rate_after(0, self._rates), 0
        for moment in self.moments:
            moment.fill(0)

    def state(self) -> dict[str, NDArray[Any]]:
        """Copies of the number of steps and of the moments, by name; settings are no part of it."""
        return {name: array.copy() for name, array in self._arrays().items()}

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Copy a state of `state()` into place: of such an optimizer over such parameters.

        Raises ValueError, which says all that differs in names, shapes and dtypes; nothing is
        changed then.
        """
        given = {name: np.asarray(array) for name, array in state.items()}
        refuse_other_state(self._arrays(), given, of="optimizer")
        steps = int(given["steps"])
        self._rate, self.steps = self._rate_after(steps, self._rates), steps
        for i, moment in enumerate(self.moments):
            moment[...] = given[f"moments.{i}"]

    def _arrays(self) -> dict[str, NDArray[Any]]:
        moments = {f"moments.{i}": moment for i, moment in enumerate(self.moments)}
        return {"steps": np.array(self.steps, np.int64), **moments}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take moments of its own: joblib hands large arrays to its processes read-only."""
        vars(self).update(state, moments=[np.array(moment) for moment in state["moments"]])

    @abstractmethod
    def update(self, value: Vector, grad: Vector, *moments: Vector) -> None:
        """Change `value` and `moments` in place. `grad` is zeroed next, so it may be overwritten.

        The formula must go entry by entry: it is called for one chunk of the vectors at a time.
        """


def clip(grad: Vector, norm: float) -> None:
    """G ← g · min(1, c / (‖g‖ + 10⁻⁶)), in place; a gradient with NaN or infinity is left as it is.

    >>> g = np.array([3.0, 4.0]); clip(g, 1.0); g.round(5)
    array([0.6, 0.8])
    """
    with np.errstate(over="ignore"):
        size = sqrt(grad.dot(grad))
    if size == inf:  # the squares are too large, but perhaps the numbers are not
        largest = float(np.abs(grad).max())
        if largest < inf:
            scaled: Vector = grad / largest
            size = largest * sqrt(scaled.dot(scaled))
    if norm < size + 1e-6 and size < inf:
        grad *= norm / (size + 1e-6)
