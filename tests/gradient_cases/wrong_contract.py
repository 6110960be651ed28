"""Wrong layers that break the contract: what they write, keep, return, or depend on."""

from typing import Any

import numpy as np

from layerwise import Array, Dense, Layer, Parameter, Sequential, Tanh, relu
from tests.gradient_cases.case import Case
from tests.gradient_cases.corruption import assigned
from tests.gradient_cases.faults import (
    OVERWRITTEN,
    PLAIN,
    Linearly,
    Way,
    layers,
    of_classes,
    of_plain_classes,
)
from tests.gradient_cases.formulas import EPSILON
from tests.gradient_cases.points import Build, normal
from tests.gradient_cases.right_layers import (
    BatchNorm,
    Dropout,
    Identity,
    Residual,
)

WRONG_CONTRACT: list[Case] = []


# Gradients assigned ------------------------------------------------------------------------------


class AssignsBoth(Linearly):
    def learn(self, X: Array, grad: Array) -> None:
        assigned(self.W, X.T @ grad)
        assigned(self.b, grad.sum(axis=0))


class AssignsWeights(Linearly):
    def learn(self, X: Array, grad: Array) -> None:
        assigned(self.W, X.T @ grad)
        self.b.add_grad(grad.sum(axis=0))


class AssignsBias(Linearly):
    def learn(self, X: Array, grad: Array) -> None:
        self.W.add_grad(X.T @ grad)
        assigned(self.b, grad.sum(axis=0))


class ZeroesFirst(Linearly):
    def learn(self, X: Array, grad: Array) -> None:
        self.zero_grad()
        super().learn(X, grad)


class ZeroesInForward(Linearly):
    def forward(self, X: Array, /) -> Way:
        self.zero_grad()
        return super().forward(X)


class AddsOnce(Linearly):
    """Adds only where nothing has been added yet."""

    def learn(self, X: Array, grad: Array) -> None:
        if not self.W.has_grad:
            super().learn(X, grad)


class AddsWhatIsThere(Linearly):
    """Adds the old gradient once more: right as long as that is 0."""

    def learn(self, X: Array, grad: Array) -> None:
        self.W.add_grad(self.W.grad + X.T @ grad)
        self.b.add_grad(grad.sum(axis=0))


class AveragesWithOld(Linearly):
    """A running mean in the place of a sum."""

    def learn(self, X: Array, grad: Array) -> None:
        if self.W.has_grad:
            self.W.grad[...] /= 2
            super().learn(X, grad / 2)
        else:
            super().learn(X, grad)


class AssignedEmbedding(Layer[Any, Any]):
    """Y = W[X]; an index that comes twice counts once."""

    def __init__(self, W: Array) -> None:
        self.W = Parameter(W)

    def forward(self, X: Any, /) -> Any:
        def backward(grad: Array) -> Any:
            dW = np.zeros_like(self.W.value)
            dW[X] += grad
            self.W.add_grad(dW)
            return np.zeros_like(X)

        return self.W.value[X], backward


WRONG_CONTRACT += of_classes("assigned", [
    (AssignsBoth, "both gradients are replaced"),
    (AssignsWeights, "one gradient is replaced, one added"),
    (AssignsBias, "one gradient is replaced, one added"),
    (ZeroesFirst, "gradients are zeroed before each is added"),
], hint="assigned")  # fmt: skip
WRONG_CONTRACT += of_classes("assigned", [
    (ZeroesInForward, "forward zeroes what was added before"),
    (AddsOnce, "what comes second is lost"),
    (AddsWhatIsThere, "right only while the gradient is 0"),
    (AveragesWithOld, "right only the first time"),
])  # fmt: skip
WRONG_CONTRACT += layers("assigned", [
    ("AssignsBoth in a network",
     lambda rng: Sequential(Dense(5, 4, rng=rng), Tanh(), AssignsBoth(rng)), normal(6, 5),
     "behind two right layers"),
], hint="assigned")  # fmt: skip
WRONG_CONTRACT += layers("assigned", [
    ("an embedding that counts an index once",
     lambda rng: AssignedEmbedding(rng.standard_normal((4, 3))),
     lambda rng: rng.permutation(np.arange(8) % 4), "dW[X] += grad adds once for each index"),
])  # fmt: skip


# Arguments overwritten ---------------------------------------------------------------------------


class ReLUInPlace(Layer[Array, Array]):
    """Y = max(X, 0), written into X."""

    def forward(self, X: Array, /) -> Way:
        np.maximum(X, 0, out=X)

        def backward(grad: Array) -> Array:
            return grad * (X > 0)

        return X.copy(), backward


class ScalesInput(Linearly):
    """X is divided by 2 in place, and the answer by the copy."""

    def forward(self, X: Array, /) -> Way:
        Y, inner = super().forward(X.copy())
        X /= 2
        return Y, inner


class ClipsInputSlightly(Linearly):
    """X is changed in one entry, if it is large."""

    def forward(self, X: Array, /) -> Way:
        way = super().forward(X.copy())
        X[0, 0] = min(X[0, 0], 100.0)
        return way


class ShiftsAndRestores(Linearly):
    """X is shifted and shifted back."""

    def forward(self, X: Array, /) -> Way:
        kept = X.copy()
        X -= X.mean(axis=0)
        X[...] = kept
        return super().forward(X)


class OverwritesInputGoingBack(Linearly):
    """backward uses X as its working memory."""

    def forward(self, X: Array, /) -> Way:
        Y, inner = super().forward(X)

        def backward(grad: Array) -> Array:
            X[...] = inner(grad)
            return X.copy()

        return Y, backward


class ReturnsInputAsGradient(Layer[Array, Array]):
    """dL/dX is written into X, and X handed out."""

    def forward(self, X: Array, /) -> Way:
        Y = np.tanh(X)

        def backward(grad: Array) -> Array:
            np.multiply(grad, 1 - Y * Y, out=X)
            return X

        return Y, backward


class GradTimesSlopeInPlace(Layer[Array, Array]):
    """grad *= 1 − Y²."""

    def forward(self, X: Array, /) -> Way:
        Y = np.tanh(X)

        def backward(grad: Array) -> Array:
            grad *= 1 - Y * Y
            return grad

        return Y, backward


class MasksGradInPlace(Layer[Array, Array]):
    """grad[X ≤ 0] = 0."""

    def forward(self, X: Array, /) -> Way:
        def backward(grad: Array) -> Array:
            grad[X <= 0] = 0
            return grad

        return relu(X), backward


class ZeroesGrad(Linearly):
    """grad is zeroed after use."""

    def forward(self, X: Array, /) -> Way:
        Y, inner = super().forward(X)

        def backward(grad: Array) -> Array:
            dX = inner(grad)
            grad.fill(0)
            return dX

        return Y, backward


class AddsToGrad(Layer[Array, Array]):
    """Y = X + f(X), where dL/dX is added up in grad."""

    def __init__(self, inner: Layer[Array, Array]) -> None:
        self.inner = inner

    def forward(self, X: Array, /) -> Way:
        Y, inner_back = self.inner.forward(X)

        def backward(grad: Array) -> Array:
            grad += inner_back(grad)
            return grad

        return X + Y, backward


class AddsToInnerGrad(AddsToGrad):
    """Y = X + f(X), where dL/dX is added up in what f's way back returned: grad itself, here."""

    def forward(self, X: Array, /) -> Way:
        Y, inner_back = self.inner.forward(X)

        def backward(grad: Array) -> Array:
            dX = inner_back(grad)
            dX += grad
            return dX

        return X + Y, backward


class AddsToInnerAnswer(AddsToGrad):
    """Y = X + f(X), added up in f's answer: X itself, here."""

    def forward(self, X: Array, /) -> Way:
        Y, inner_back = self.inner.forward(X)
        Y += X

        def backward(grad: Array) -> Array:
            return grad + inner_back(grad)

        return Y, backward


class CallsInPlace(Layer[Array, Array]):
    """The call, not forward, writes into X."""

    def __call__(self, X: Array, /) -> Array:
        Y: Array = np.tanh(X, out=X)
        return Y

    def forward(self, X: Array, /) -> Way:
        Y: Array = np.tanh(X)

        def backward(grad: Array) -> Array:
            return grad * (1 - Y * Y)

        return Y, backward


class SortsInPlace(Layer[Array, Array]):
    """Y = the sorted rows of X, which is sorted itself."""

    def forward(self, X: Array, /) -> Way:
        order = np.argsort(X, axis=-1)
        X.sort(axis=-1)

        def backward(grad: Array) -> Array:
            dX = np.empty_like(grad)
            np.put_along_axis(dX, order, grad, axis=-1)
            return dX

        return X.copy(), backward


class OverwritesMask(Layer[Any, Any]):
    """Y = Σₜ X where the mask; the mask is turned around on the way."""

    def forward(self, X: Any, /) -> Any:
        S, mask = X
        kept = mask.copy()
        np.logical_not(mask, out=mask)

        def backward(grad: Array) -> Any:
            return kept[:, :, np.newaxis] * grad[:, np.newaxis], np.zeros_like(mask)

        return (S * kept[:, :, np.newaxis]).sum(axis=1), backward


class WritesWhenAllowed(Linearly):
    """X is normalized in place where that is allowed, else in a copy."""

    def forward(self, X: Array, /) -> Way:
        way = super().forward(X.copy())
        if X.flags.writeable:
            X -= X.mean()
        return way


WRONG_CONTRACT += of_classes("overwritten", [
    (ScalesInput, "forward writes into X after use"),
    (ShiftsAndRestores, "forward writes into X and restores it"),
    (OverwritesInputGoingBack, "backward writes into X"),
    (ZeroesGrad, "backward writes into grad after use"),
    (WritesWhenAllowed, "forward writes into X unless it is read-only"),
    (ClipsInputSlightly, "forward writes one entry of X, mostly the same number"),
], hint=OVERWRITTEN)  # fmt: skip
WRONG_CONTRACT += of_plain_classes("overwritten", [
    (ReLUInPlace, "forward writes into X"),
    (ReturnsInputAsGradient, "backward writes into X and returns it"),
    (GradTimesSlopeInPlace, "backward writes into grad"),
    (MasksGradInPlace, "backward writes into grad"),
    (CallsInPlace, "inference writes into X"),
    (SortsInPlace, "forward writes into X"),
], hint=OVERWRITTEN)  # fmt: skip
WRONG_CONTRACT += layers("overwritten", [
    ("AddsToGrad", lambda rng: AddsToGrad(Dense(4, 4, rng=rng)), PLAIN,
     "backward writes into grad"),
    ("AddsToInnerGrad", lambda rng: AddsToInnerGrad(Identity()), PLAIN,
     "what the inner layer returned is grad itself"),
    ("AddsToInnerAnswer", lambda rng: AddsToInnerAnswer(Identity()), PLAIN,
     "what the inner layer answered is X itself"),
    ("OverwritesMask", lambda rng: OverwritesMask(),
     lambda rng: (rng.standard_normal((3, 4, 2)), rng.random((3, 4)) < 0.5),
     "forward writes into the mask"),
], hint=OVERWRITTEN)  # fmt: skip


# State between forward and backward --------------------------------------------------------------


class KeepsInput(Linearly):
    """X is kept on the layer."""

    def forward(self, X: Array, /) -> Way:
        self.X = X
        W = self.W.value

        def backward(grad: Array) -> Array:
            self.learn(self.X, grad)
            dX: Array = grad @ W.T
            return dX

        Y: Array = X @ W + self.b.value
        return Y, backward


class KeepsAnswer(Layer[Array, Array]):
    """Y = tanh(X) is kept on the layer."""

    def forward(self, X: Array, /) -> Way:
        self.Y: Array = np.tanh(X)

        def backward(grad: Array) -> Array:
            return grad * (1 - self.Y * self.Y)

        return self.Y, backward


class KeepsMask(Layer[Array, Array]):
    """The mask of max(X, 0) is kept in a list."""

    def __init__(self) -> None:
        self.kept: list[Array] = []

    def forward(self, X: Array, /) -> Way:
        self.kept[:] = [(X > 0).astype(X.dtype)]

        def backward(grad: Array) -> Array:
            return grad * self.kept[0]

        return relu(X), backward


class QueuesInput(Linearly):
    """The inputs wait in a queue: the first comes out first, where the last should."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self.waiting: list[Array] = []

    def forward(self, X: Array, /) -> Way:
        self.waiting.append(X)
        W = self.W.value

        def backward(grad: Array) -> Array:
            self.learn(self.waiting.pop(0), grad)
            dX: Array = grad @ W.T
            return dX

        Y: Array = X @ W + self.b.value
        return Y, backward


class KeepsMeans(Layer[Array, Array]):
    """Y = X / rms(X) over the rows, where backward reads the state that forward wrote."""

    def __init__(self, d: int) -> None:
        self.s = np.ones(d)

    def __call__(self, X: Array, /) -> Array:
        Y: Array = X / self.s
        return Y

    def forward(self, X: Array, /) -> Way:
        self.s[...] = np.sqrt((X * X).mean(axis=0) + EPSILON)
        Z = X / self.s

        def backward(grad: Array) -> Array:
            dX: Array = (grad - Z * (grad * Z).mean(axis=0)) / self.s
            return dX

        return Z, backward


class StacksInput(Linearly):
    """The inputs are stacked: right as long as every forward has its backward, in reverse."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self.waiting: list[Array] = []

    def __call__(self, X: Array, /) -> Array:
        Y: Array = X @ self.W.value + self.b.value
        return Y

    def forward(self, X: Array, /) -> Way:
        self.waiting.append(X)
        W = self.W.value

        def backward(grad: Array) -> Array:
            self.learn(self.waiting.pop(), grad)
            dX: Array = grad @ W.T
            return dX

        return self(X), backward


class WritesIntoAnswer(Layer[Array, Array]):
    """dL/dX is made in Y, and handed out."""

    def forward(self, X: Array, /) -> Way:
        Y = np.exp(X)

        def backward(grad: Array) -> Array:
            np.multiply(grad, Y, out=Y)
            return Y

        return Y, backward


class RunningMeanAsConstant(Layer[Array, Array]):
    """Y = X − m, where m first moves towards mean(X): the gradient does not know."""

    def __init__(self, d: int) -> None:
        self.m = np.zeros(d)

    def __call__(self, X: Array, /) -> Array:
        return X - self.m

    def forward(self, X: Array, /) -> Way:
        self.m[...] = 0.9 * self.m + 0.1 * X.mean(axis=0)

        def backward(grad: Array) -> Array:
            return grad.copy()

        return X - self.m, backward


class SpareGradient(Linearly):
    """A parameter that nothing uses gets a gradient."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self.spare = Parameter(np.ones(3))

    def learn(self, X: Array, grad: Array) -> None:
        super().learn(X, grad)
        self.spare.add_grad(grad.sum(axis=0))


class SharedBackBuffer(Layer[Array, Array]):
    """dL/dX is a buffer of the layer, overwritten by the next backward."""

    def __init__(self) -> None:
        self.buffer = np.zeros(0)

    def forward(self, X: Array, /) -> Way:
        Y = np.tanh(X)

        def backward(grad: Array) -> Array:
            if self.buffer.shape != grad.shape:
                self.buffer = np.empty_like(grad)
            np.multiply(grad, 1 - Y * Y, out=self.buffer)
            return self.buffer

        return Y, backward


class SharedAnswerBuffer(Layer[Array, Array]):
    """Y is a buffer of the layer, overwritten by the next forward or call."""

    def __init__(self) -> None:
        self.buffer = np.zeros(0)

    def forward(self, X: Array, /) -> Way:
        if self.buffer.shape != X.shape or self.buffer.dtype != X.dtype:
            self.buffer = np.empty_like(X)
        np.maximum(X, 0, out=self.buffer)

        def backward(grad: Array) -> Array:
            return grad * (X > 0)

        return self.buffer, backward


class SharedAnswerOfCall(SharedAnswerBuffer):
    """Only the call answers with a buffer."""

    def __call__(self, X: Array, /) -> Array:
        return super().forward(X)[0]

    def forward(self, X: Array, /) -> Way:
        def backward(grad: Array) -> Array:
            return grad * (X > 0)

        return relu(X), backward


class OverwritesAnswer(Layer[Array, Array]):
    """backward uses Y as its working memory."""

    def forward(self, X: Array, /) -> Way:
        Y = np.tanh(X)

        def backward(grad: Array) -> Array:
            np.multiply(Y, -Y, out=Y)
            np.add(Y, 1, out=Y)
            return grad * Y

        return Y, backward


class ReadsAnswerLater(Layer[Array, Array]):
    """Every second forward gives back a wrong gradient."""

    def __init__(self) -> None:
        self.calls = np.zeros(1)

    def __call__(self, X: Array, /) -> Array:
        return np.tanh(X)

    def forward(self, X: Array, /) -> Way:
        self.calls += 1
        even = self.calls[0] % 2 == 0
        Y: Array = np.tanh(X)

        def backward(grad: Array) -> Array:
            return grad * (1 - Y * Y) * (1.1 if even else 1.0)

        return Y, backward


class StepsGoingBack(Linearly):
    """backward makes a step of its own."""

    def learn(self, X: Array, grad: Array) -> None:
        super().learn(X, grad)
        self.W.value -= 0.01 * self.W.grad


class NormalizesWeights(Linearly):
    """forward scales W to columns of length 1, in place."""

    def forward(self, X: Array, /) -> Way:
        self.W.value /= np.linalg.norm(self.W.value, axis=0)
        return super().forward(X)


class ViewOfGrad(Layer[Array, Array]):
    """Y = 2 X; dL/dX is one buffer, doubled when it is handed out again."""

    def __init__(self) -> None:
        self.handed: Array = np.zeros(0)

    def forward(self, X: Array, /) -> Way:
        def backward(grad: Array) -> Array:
            self.handed *= 2
            self.handed = 2 * grad
            return self.handed

        return 2 * X, backward


def used_twice(layer: Layer[Any, Any]) -> Sequential[Any]:
    """The layer in two places of one network."""
    return Sequential(layer, Tanh(), layer)


WRONG_CONTRACT += of_classes("state", [
    (KeepsInput, "two forwards, then two backwards: both see the second X"),
    (QueuesInput, "two forwards, then two backwards in reverse: each sees the other's X"),
    (StacksInput, "a forward without a backward, and all later ones are wrong"),
    (StepsGoingBack, "backward writes the parameter"),
    (SpareGradient, "a gradient where there is none"),
    (NormalizesWeights, "forward writes the parameter, and its gradient is another's"),
])  # fmt: skip
WRONG_CONTRACT += of_plain_classes("state", [
    (KeepsAnswer, "backward reads what the last forward kept"),
    (KeepsMask, "backward reads what the last forward kept, in a list"),
    (SharedBackBuffer, "an input gradient handed out changes later"),
    (SharedAnswerBuffer, "an answer handed out changes later, and calls write state"),
    (SharedAnswerOfCall, "an answer of inference handed out changes later"),
    (OverwritesAnswer, "an answer handed out changes in backward"),
    (WritesIntoAnswer, "an answer handed out becomes the gradient"),
    (ReadsAnswerLater, "not the same gradient for the same forward"),
    (ViewOfGrad, "an input gradient handed out changes later"),
])  # fmt: skip
WRONG_CONTRACT += layers("state", [
    ("KeepsMeans", lambda rng: KeepsMeans(4), PLAIN, "backward reads running state"),
    ("RunningMeanAsConstant", lambda rng: RunningMeanAsConstant(4), PLAIN,
     "a tenth of the way back through the mean is missing"),
    ("KeepsAnswer used twice", lambda rng: used_twice(KeepsAnswer()), PLAIN,
     "the first use goes back through the second's answer"),
])  # fmt: skip


# Hidden writes of the call -----------------------------------------------------------------------


class CountsCalls(Linearly):
    """A number on the layer counts forwards."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self.calls = 0

    def forward(self, X: Array, /) -> Way:
        self.calls += 1
        return super().forward(X)


class RemembersInput(Linearly):
    """The last X is kept, though nothing reads it."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self.last: Array = np.zeros((1, 4))

    def forward(self, X: Array, /) -> Way:
        self.last = X.copy()
        return super().forward(X)


class NormWithoutCall(BatchNorm):
    """The call is training: running means follow what inference reads."""

    def __call__(self, X: Array, /) -> Array:
        return self.forward(X)[0]


class DropoutInCall(Dropout):
    """The call drops, too."""

    def __call__(self, X: Array, /) -> Array:
        return self.forward(X)[0]


class DrawsInCall(Dropout):
    """The call answers X, and draws in vain."""

    def __call__(self, X: Array, /) -> Array:
        self.rng.random()
        return X


class LearnsInCall(BatchNorm):
    """The call moves the running mean by a little."""

    def __call__(self, X: Array, /) -> Array:
        Y = super().__call__(X)
        self.mean += 1e-6 * X.mean(axis=tuple(range(X.ndim - 1)))
        return Y


class AddsInCall(Linearly):
    """The call adds a gradient."""

    def __call__(self, X: Array, /) -> Array:
        Y, backward = self.forward(X)
        backward(np.ones_like(Y))
        return Y


class AppendsInCall(Linearly):
    """The call keeps a list of what it saw."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self.seen: list[float] = []

    def __call__(self, X: Array, /) -> Array:
        self.seen.append(float(X.mean()))
        return super().__call__(X)


class ResidualWithoutCall(Residual):
    """The call trains what is inside."""

    def __call__(self, X: Array, /) -> Array:
        return self.forward(X)[0]


WRONG_CONTRACT += layers("call writes", [
    ("ResidualWithoutCall of BatchNorm", lambda rng: ResidualWithoutCall(BatchNorm(4)), PLAIN,
     "the container's call is the inner layer's forward"),
    ("ResidualWithoutCall of Dropout", lambda rng: ResidualWithoutCall(Dropout(0.5, rng)), PLAIN,
     "the container's call is the inner layer's forward"),
    ("CountsCalls", CountsCalls, PLAIN, "a call writes a number"),
    ("RemembersInput", RemembersInput, PLAIN, "a call writes an array"),
    ("NormWithoutCall", lambda rng: NormWithoutCall(4), PLAIN, "a call writes running means"),
    ("DropoutInCall", lambda rng: DropoutInCall(0.5, rng), PLAIN, "a call draws random numbers"),
    ("DrawsInCall", lambda rng: DrawsInCall(0.5, rng), PLAIN, "a call moves the generator"),
    ("LearnsInCall", lambda rng: LearnsInCall(4), PLAIN, "a call writes running means, a little"),
    ("AddsInCall", AddsInCall, PLAIN, "a call adds a gradient"),
    ("AppendsInCall", AppendsInCall, PLAIN, "a call writes a list"),
    ("DropoutInCall in a network",
     lambda rng: Sequential(Dense(4, 4, rng=rng), DropoutInCall(0.5, rng), Dense(4, 2, rng=rng)),
     PLAIN, "a call draws random numbers, deep inside"),
])  # fmt: skip


# Randomness that a copy does not repeat ----------------------------------------------------------

_HIDDEN = np.random.default_rng(0)


class HiddenGenerator(Dropout):
    """The numbers come from a generator outside the layer."""

    def forward(self, X: Array, /) -> Way:
        M = (_HIDDEN.random(X.shape) >= self.p) / (1 - self.p)

        def backward(grad: Array) -> Array:
            return grad * M

        return X * M, backward


class GlobalRandomness(HiddenGenerator):
    """The numbers come from numpy's global state."""

    def forward(self, X: Array, /) -> Way:
        M = (np.random.random(X.shape) >= self.p) / (1 - self.p)  # noqa: NPY002  # that is the fault

        def backward(grad: Array) -> Array:
            return grad * M

        return X * M, backward


class FreshGenerator(Dropout):
    """Each forward makes a generator of its own."""

    def forward(self, X: Array, /) -> Way:
        M = (np.random.default_rng().random(X.shape) >= self.p) / (1 - self.p)

        def backward(grad: Array) -> Array:
            return grad * M

        return X * M, backward


class DrawsAgain(Dropout):
    """backward draws a mask of its own."""

    def forward(self, X: Array, /) -> Way:
        M = (self.rng.random(X.shape) >= self.p) / (1 - self.p)

        def backward(grad: Array) -> Array:
            return grad * (self.rng.random(grad.shape) >= self.p) / (1 - self.p)

        return X * M, backward


class UnscaledMask(Dropout):
    """The mask without 1 / (1 − p) on the way back."""

    def forward(self, X: Array, /) -> Way:
        M = self.rng.random(X.shape) >= self.p

        def backward(grad: Array) -> Array:
            return grad * M

        return X * M / (1 - self.p), backward


class MaskForgotten(Dropout):
    """The inputs dropped get a gradient."""

    def forward(self, X: Array, /) -> Way:
        Y, _ = super().forward(X)

        def backward(grad: Array) -> Array:
            return grad.copy()

        return Y, backward


class NoisyGradient(Linearly):
    """Noise of 1e-3 is added to the gradient."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self.rng = rng

    def learn(self, X: Array, grad: Array) -> None:
        super().learn(X, grad)
        self.W.add_grad(1e-3 * self.rng.standard_normal(self.W.shape))


def half_of(layer: type[Dropout]) -> Build:
    """Half of the entries are dropped."""
    return lambda rng: layer(0.5, rng)


WRONG_CONTRACT += layers("randomness", [
    ("HiddenGenerator", half_of(HiddenGenerator), PLAIN, "a copy does not draw the same"),
    ("GlobalRandomness", half_of(GlobalRandomness), PLAIN, "a copy does not draw the same"),
    ("FreshGenerator", half_of(FreshGenerator), PLAIN, "nothing draws the same"),
    ("DrawsAgain", half_of(DrawsAgain), PLAIN, "backward's mask is not forward's"),
    ("UnscaledMask", half_of(UnscaledMask), PLAIN, "a factor is missing"),
    ("MaskForgotten", half_of(MaskForgotten), PLAIN, "the mask is missing"),
])  # fmt: skip
WRONG_CONTRACT += layers("randomness", [
    ("NoisyGradient", NoisyGradient, PLAIN, "not the same gradient twice"),
])  # fmt: skip
