"""What RNN, LSTM and GRU share: the products with W of all steps at once, and the first state."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from layerwise.arguments import described, whole_number
from layerwise.arrays import Array, Matrix, as_floating, matrix_multiply, sum_rows
from layerwise.forms import mask_of_places, place_of_each, same_form
from layerwise.initializers import first_values, glorot_uniform, orthogonal
from layerwise.layers.base import Layer
from layerwise.layers.gates import for_each_gate
from layerwise.layers.masks import Mask, apart, with_mask
from layerwise.layers.steps import Padded, Unpadded
from layerwise.parameter import Parameter

Sequences = Array | tuple[Array, Mask]
Back = Callable[[Array], Sequences]
States = tuple[Array, ...]  # of each kind that a layer has
WayBack = Callable[[Array], tuple[Array, States]]


class Recurrent(Layer[Sequences, Array]):
    """Hₜ = f(Xₜ W + b, Hₜ₋₁): a state that goes through the steps of a sequence, and is the answer.

    A subclass says in FIRST_B what `b` begins with for each of the sums that a unit needs, and in
    STATES how many kinds of state it has, and goes `through_time`. The products with W are made
    here: that of all steps before the loop over time, and those for the gradients after it.
    """

    FIRST_B: ClassVar[tuple[float, ...]]
    STATES: ClassVar[int] = 1

    takes_mask = True

    def __init__(
        self,
        inputs: int,
        units: int,
        *,
        return_sequences: bool = True,
        reverse: bool = False,
        learn_state: bool = False,
        rng: np.random.Generator | int | None = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        who, gates = type(self).__name__, len(self.FIRST_B)
        inputs, units = whole_number(who, "inputs", inputs), whole_number(who, "units", units)
        rng = np.random.default_rng(rng)
        of_X, of_H = for_each_gate(glorot_uniform, gates), for_each_gate(orthogonal(), gates)
        self.W = first_values(who, of_X, (inputs, gates * units), rng, dtype)
        self.U = first_values(who, of_H, (units, gates * units), rng, dtype)
        self.b = Parameter(np.repeat(self.FIRST_B, units).astype(dtype))
        kinds = self.STATES if learn_state else 0
        self.first_state = tuple(Parameter(np.zeros(units, dtype)) for _ in range(kinds))
        self.return_sequences, self.reverse = return_sequences, reverse
        self.output_shape = None if return_sequences else (units,)

    @abstractmethod
    def through_time(self, A: Array, first: States) -> tuple[States, WayBack]:
        """The states from A = X W + b, (steps, n, gates · units), which may be written into.

        Each kind of states is (steps + 1, n, units), and begins with that of `first`. The way back
        takes dL/dH, of the first kind, to be written into; it adds dL/dU, and returns dL/dA and the
        gradient by each kind of first state, a row for each sequence.
        """

    def forward(self, X: Sequences, /) -> tuple[Array, Back]:
        """A = X W + b, then through time; back: dL/dW = Xᵀ dA, dL/db = Σ dA, dL/dX = dA Wᵀ."""
        return self._forward(X, from_data=False)

    def forward_from_data(self, X: Sequences, /) -> tuple[Array, Back]:
        """`forward` without the product for dL/dX, which no one needs of data."""
        return self._forward(X, from_data=True)

    def _forward(self, X: Sequences, *, from_data: bool) -> tuple[Array, Back]:
        who, W = type(self).__name__, self.W.value
        given, mask = self._sequences(X)
        onward = slice(None, None, -1 if self.reverse else 1)
        places = slice(None) if self.return_sequences else slice(-1, None)
        order = Unpadded() if mask is None else Padded(mask.swapaxes(0, 1)[onward])
        S = order.steps(given.swapaxes(0, 1)[onward])
        A = matrix_multiply(S.reshape(-1, len(W)), W)
        A += self.b.value
        A = A.reshape(*S.shape[:2], A.shape[1])
        (H, *_), back_through_time = self.through_time(A, self._first())
        answers = order.answers(H, places)[onward].swapaxes(0, 1)
        Y = np.ascontiguousarray(answers if self.return_sequences else answers[:, 0])
        shape = Y.shape

        def backward(grad: Array) -> Sequences:
            same_form(who, grad, shape, W.dtype)
            by_place = grad if self.return_sequences else grad[:, np.newaxis]
            dH = order.answers_back(by_place.swapaxes(0, 1)[onward], H, places)
            dA, by_first = back_through_time(dH)
            rows: Matrix = dA.reshape(-1, W.shape[1])
            self.W.add_grad(S.reshape(-1, len(W)).T @ rows)
            self.b.add_grad(sum_rows(rows))
            for state, dstate in zip(self.first_state, by_first, strict=False):
                state.add_grad(sum_rows(dstate))
            dX = grad
            if not from_data:
                dS = matrix_multiply(rows, W.T).reshape(S.shape)
                dX = np.ascontiguousarray(order.steps_back(dS)[onward].swapaxes(0, 1))
            way_in: Sequences = with_mask(dX, mask)
            return way_in

        return Y, backward

    def stepper(self) -> Callable[[Array], Array]:
        """Hₜ from Xₜ, (n, units) from (n, inputs): one turn of the loop over time.

        Raises TypeError in reverse, and for a layer that answers with its last state only; the step
        itself ValueError for an x that does not fit, or of another number of sequences.
        """
        who, W = type(self).__name__, self.W
        if self.reverse or not self.return_sequences:
            setting, reason = "return_sequences=False", "it answers to whole sequences only"
            if self.reverse:
                setting, reason = "reverse=True", "it begins with the place that comes last"
            raise TypeError(f"{who}: it has no stepper with {setting}: {reason}")
        state, n = self._first(), None

        def step(x: Array) -> Array:
            nonlocal state, n
            x = as_floating(x, f"{who}: x", W.dtype)
            n = place_of_each(who, x.shape, n, W.shape[0])
            A = matrix_multiply(x, W.value)
            A += self.b.value
            states, _ = self.through_time(A[np.newaxis], state)
            state = tuple(kind[-1] for kind in states)
            return state[0].copy()

        return step

    def _first(self) -> States:
        """The state before the first step, (units,) of each kind: it is the same for each row."""
        zero = np.zeros(len(self.U.value), self.U.dtype)
        return tuple(state.value for state in self.first_state) or (zero,) * self.STATES

    def _sequences(self, X: Sequences) -> tuple[Array, Mask | None]:
        """X in the layer's dtype, and its mask, where they fit the layer and one another."""
        who, inputs = type(self).__name__, self.W.shape[0]
        given, mask = apart(self, X)
        if isinstance(given, tuple):
            raise TypeError(
                f"{who}: X is {described(given)}, expected an array (n, t, {inputs}), or a pair of "
                "it and a mask, an array of booleans"
            )
        A = as_floating(given, f"{who}: X", self.W.dtype)
        if A.ndim != 3 or A.shape[1] == 0 or A.shape[2] != inputs:
            raise ValueError(
                f"{who}: X {A.shape} came, expected (n, t, {inputs}): n sequences of at least one "
                "place"
            )
        if mask is not None:
            mask_of_places(who, mask, A.shape[:2])
        return A, mask

    def __repr__(self) -> str:
        inputs, units = self.W.shape[0], self.U.shape[0]
        given = [f"{inputs}, {units}", *self._settings()]
        given += [] if self.return_sequences else ["return_sequences=False"]
        given += ["reverse=True"] if self.reverse else []
        given += ["learn_state=True"] if self.first_state else []
        return f"{type(self).__name__}({', '.join(given)})"

    def _settings(self) -> list[str]:
        return []
