"""The cases themselves are sound: right ones are right and wrong ones are wrong.

Nothing here uses the checker that the cases are made for. Derivatives come from central
differences with Richardson extrapolation, judged generously: a right case passes when some part
of its table has settled on the analytic value.
"""

import copy
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from layerwise import Layer, Parameter
from layerwise.layers.base import walk
from tests.gradient_cases import CASES, LOSS_CASES, Case, LossCase
from tests.gradient_cases.losses import SpoiledLoss

AnyLayer: TypeAlias = Layer[Any, Any]
Index: TypeAlias = tuple[int, ...]

SEED = 7
RIGHT = [case for case in CASES if case.expected == "right"]
WRONG = [case for case in CASES if case.expected == "wrong"]
ELSEWHERE = [f"hidden by {what}" for what in ("sizes", "special values", "masks", "many rows")]
PARTNERED = [case for case in WRONG if case.partner and case.kind not in ("not linear", *ELSEWHERE)]
HINTS = ["sign", "factor 2", "factor 1/2", "factor n", "factor 1/n", "transpose", "swapped",
         "missing mean", "negative inputs", "one row", "one column", "zero", "assigned",
         "argument overwritten"]  # fmt: skip


def name(case: Case | LossCase) -> str:
    return case.name


def of_kind(*kinds: str) -> list[Case]:
    return [case for case in WRONG if case.kind in kinds]


# The body as a whole -----------------------------------------------------------------------------


def test_numbers_are_as_promised() -> None:
    assert len(RIGHT) >= 70
    assert len(WRONG) >= 240
    assert sum(case.expected == "right" for case in LOSS_CASES) >= 12
    assert sum(case.expected == "wrong" for case in LOSS_CASES) >= 40


def test_names_are_unique_and_reasons_are_one_line() -> None:
    every: list[Case | LossCase] = [*CASES, *LOSS_CASES]
    assert len({case.name for case in every}) == len(every)
    assert all(case.reason and "\n" not in case.reason for case in every)


def test_half_of_each_kind_is_held_back() -> None:
    parts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    every: list[Case | LossCase] = [*CASES, *LOSS_CASES]
    for case in every:
        parts[case.expected, case.kind][case.part] += 1
    for counts in parts.values():
        assert abs(counts["tuning"] - counts["held-back"]) <= max(2, 0.15 * counts.total())


@pytest.mark.parametrize("hint", HINTS)
def test_each_known_pattern_is_planted_in_both_parts(hint: str) -> None:
    parts = Counter(case.part for case in WRONG if case.hint == hint)
    assert parts.total() >= 4
    assert min(parts["tuning"], parts["held-back"]) >= 2


def test_only_wrong_cases_carry_hints_and_partners() -> None:
    assert not [case for case in RIGHT if case.hint or case.partner]


@pytest.mark.parametrize("case", CASES, ids=name)
def test_make_gives_a_new_layer_that_can_be_copied(case: Case) -> None:
    first, _ = case.make(np.random.default_rng(1))
    second, _ = case.make(np.random.default_rng(1))
    other, _ = case.make(np.random.default_rng(2))
    assert isinstance(first, Layer)
    assert first is not second
    assert first is not other
    theirs = {id(parameter) for parameter in copy.deepcopy(first).parameters()}
    assert not theirs & {id(parameter) for parameter in first.parameters()}
    values = [p.value for p in first.parameters()]
    again = [p.value for p in second.parameters()]
    assert all((A == B).all() for A, B in zip(values, again, strict=False))


# Derivatives -------------------------------------------------------------------------------------


def arrays(X: Any) -> list[NDArray[Any]]:
    """The arrays of an input: itself, or those of a tuple."""
    return list(X) if isinstance(X, tuple) else [X]


def each(change: Callable[[NDArray[Any]], NDArray[Any]], X: Any) -> Any:
    """X with every array changed."""
    return tuple(map(change, X)) if isinstance(X, tuple) else change(X)


def widened(A: NDArray[Any]) -> NDArray[Any]:
    """A copy, in float64 where it is floating."""
    return A.astype(np.float64) if A.dtype.kind == "f" else A.copy()


def in_float64(layer: AnyLayer) -> AnyLayer:
    """A copy whose parameters and arrays are float64."""
    layer = copy.deepcopy(layer)
    for parameter in layer.parameters():
        parameter._value = parameter._value.astype(np.float64)
        parameter._grad = np.zeros_like(parameter._value)
    for name, item in vars(layer).items():
        if isinstance(item, np.ndarray):
            setattr(layer, name, widened(item))
    return layer


def remembers(layer: AnyLayer) -> bool:
    """Whether an answer may depend on what came before."""
    return any(not isinstance(item, Parameter) for _, item in walk(layer))


def is_random(layer: AnyLayer) -> bool:
    return any(isinstance(item, np.random.Generator) for _, item in walk(layer))


class Point:
    """A layer at X, with its analytic gradients for one random gradient of Y."""

    def __init__(self, layer: AnyLayer, X: Any) -> None:
        self.layer, self.X = in_float64(layer), each(widened, X)
        self.remembers = remembers(self.layer)
        Y = self.answer()
        rng = np.random.default_rng(SEED)
        # Each answer weighs as much as another, however small it is.
        self.grad = rng.uniform(0.5, 1.5, Y.shape) * rng.choice([-1, 1], Y.shape)
        self.grad /= np.maximum(np.abs(Y), 1e-9 * (np.abs(Y).max(initial=0) or 1))
        self.tensors = [A for A in arrays(self.X) if A.dtype.kind == "f"]
        self.tensors += [p.value for p in self.layer.parameters()]
        self.analytic = self.gradients(self.grad)

    def gradients(self, grad: NDArray[Any]) -> list[NDArray[Any]]:
        """The analytic gradients, in the order of `tensors`."""
        layer = copy.deepcopy(self.layer)
        layer.zero_grad()
        _, backward = layer.forward(self.X)
        pairs = zip(arrays(backward(grad)), arrays(self.X), strict=True)
        dX = [np.asarray(dA) for dA, A in pairs if A.dtype.kind == "f"]
        return dX + [p.grad for p in layer.parameters()]

    def answer(self) -> NDArray[Any]:
        layer = copy.deepcopy(self.layer) if self.remembers else self.layer
        Y: NDArray[Any] = np.array(layer.forward(self.X)[0])
        return Y

    def slopes(self, A: NDArray[Any], i: Index, h: float) -> tuple[NDArray[Any], NDArray[Any]]:
        """The slopes of Y to the left and to the right of entry i of A."""
        kept, here = A[i], self.answer()
        A[i] = kept + h
        after, right = self.answer(), A[i] - kept
        A[i] = kept - h
        before, left = self.answer(), kept - A[i]
        A[i] = kept
        return (here - before) / left, (after - here) / right

    def settles(self, j: int, i: Index) -> bool:
        """Whether a part of an extrapolation table has settled on the analytic value."""
        A, analytic = self.tensors[j], float(self.analytic[j][i])
        scale = float(np.abs(A).max()) or 1.0
        # Beside the largest entry, or beside what the answers' rounding hides, errors are nothing.
        floor = 1e-7 * self.grad.size / scale
        size = max(abs(analytic), 1e-3 * float(np.abs(self.analytic[j]).max()), floor)
        for h in (0.3 * max(abs(float(A[i])), 1e-7), 0.3 * scale):
            table: list[list[float]] = []
            for _ in range(16):
                left, right = self.slopes(A, i, h)
                row = [float((self.grad * (left + right)).sum() / 2)]
                for k, above in enumerate(table[-1][:4] if table else []):
                    row.append(row[k] + (row[k] - above) / (16 ** (k + 1) - 1))
                noise = 1e-16 * self.grad.size / h
                if noise > 1e-6 * size:
                    break
                tolerance = 1e-6 * size + noise
                for a, b in pairwise(row):
                    if abs(a - b) <= tolerance and abs(b - analytic) <= tolerance:
                        return True
                table.append(row)
                h /= 4
        return False

    def is_subgradient(self, j: int, i: Index) -> bool:
        """Whether each answer's derivative lies between its one-sided slopes."""
        left, right = self.slopes(self.tensors[j], i, 1e-7)
        low, high = np.minimum(left, right) - 1e-6, np.maximum(left, right) + 1e-6
        for k in map(tuple, np.argwhere((left != 0) | (right != 0))):
            only = np.zeros_like(left)
            only[k] = 1
            if not low[k] <= self.gradients(only)[j][i] <= high[k]:
                return False
        return True

    def agrees(self, *, kinks: bool = False, elements: int = 3) -> bool:
        """Whether some entries of each gradient agree with differences."""
        rng = np.random.default_rng(SEED)
        for j, (A, analytic) in enumerate(zip(self.tensors, self.analytic, strict=True)):
            if analytic.shape != A.shape or not np.isfinite(analytic).all():
                return False
            for flat in rng.choice(A.size, min(elements, A.size), replace=False):
                i = tuple(map(int, np.unravel_index(flat, A.shape)))
                if not self.settles(j, i) and not (kinks and self.is_subgradient(j, i)):
                    return False
        return True


def is_right(layer: AnyLayer, X: Any, *, kinks: bool = False, elements: int = 3) -> bool:
    """Whether forward and backward work, and agree."""
    with np.errstate(all="ignore"):
        try:
            return Point(layer, X).agrees(kinks=kinks, elements=elements)
        except (ValueError, IndexError):
            return False


# Many kinks meet in one answer: each has a subgradient, but their sum need not be one.
SEVERAL_KINKS = {
    "right: a fresh network on a blank row",
    "right: a new convolutional network on black images",
}


@pytest.mark.parametrize(
    "case", [case for case in RIGHT if case.name not in SEVERAL_KINKS], ids=name
)
def test_right_gradients_agree_with_differences(case: Case) -> None:
    assert is_right(
        *case.make(np.random.default_rng(SEED)), kinks=case.kind == "kink" or "at 0" in case.name
    )


@pytest.mark.parametrize("case", PARTNERED, ids=name)
def test_a_wrong_layer_differs_from_its_partner_in_gradients_only(case: Case) -> None:
    assert case.partner is not None
    (wrong, X), (right, _) = (
        make(np.random.default_rng(SEED)) for make in (case.make, case.partner)
    )
    answer, *gradients = run(wrong, X)
    expected, *others = run(right, X)
    assert np.array_equal(answer, expected)
    assert any(
        A.shape != B.shape or not np.allclose(A, B, rtol=3e-9, atol=1e-14 * np.abs(B).max())
        for A, B in zip(gradients, others, strict=True)
    )


@pytest.mark.parametrize(
    "case", of_kind("derivative", "structure", "reduction", "tuple", "memory", "advanced"), ids=name
)
def test_differences_tell_a_wrong_derivative(case: Case) -> None:
    layer, X = case.make(np.random.default_rng(SEED))
    rng = np.random.default_rng(SEED)
    points = [X, each(lambda A: rng.standard_normal(A.shape), X)]
    kinks = " at 0" in case.name
    assert not all(is_right(layer, point, kinks=kinks, elements=99) for point in points)


@pytest.mark.parametrize("case", of_kind("hidden by values"), ids=name)
def test_a_fault_hidden_by_values_shows_at_normal_ones(case: Case) -> None:
    layer, X = case.make(np.random.default_rng(SEED))
    assert is_right(layer, X)
    assert not is_right(layer, np.random.default_rng(SEED).standard_normal(X.shape), elements=99)


@pytest.mark.parametrize("case", of_kind("hidden by shape"), ids=name)
def test_a_fault_hidden_by_shape_shows_with_another_batch(case: Case) -> None:
    layer, X = case.make(np.random.default_rng(SEED))
    assert is_right(layer, X)
    shapes = [(n, *X.shape[1:]) for n in (1, 2, 3)]
    points = [np.random.default_rng(SEED).standard_normal(shape) for shape in shapes]
    assert not all(is_right(layer, point, elements=99) for point in points)


@pytest.mark.parametrize("case", of_kind("hidden by parameters"), ids=name)
def test_a_fault_hidden_by_parameters_shows_with_others(case: Case) -> None:
    layer, X = case.make(np.random.default_rng(SEED))
    assert is_right(layer, X)
    for p in layer.parameters():
        p.value = np.random.default_rng(SEED).standard_normal(p.shape)
    assert not is_right(layer, X, elements=99)


@pytest.mark.parametrize("case", of_kind(*ELSEWHERE), ids=name)
def test_a_fault_hidden_elsewhere_does_not_show_at_X(case: Case) -> None:
    assert case.partner is not None
    (wrong, X), (right, _) = (
        make(np.random.default_rng(SEED)) for make in (case.make, case.partner)
    )
    assert same(run(wrong, X), run(right, X), 8)


# The contract ------------------------------------------------------------------------------------


def run(layer: AnyLayer, X: Any, forward: str = "forward") -> list[NDArray[Any]]:
    """Y, dL/dX and all dL/dP of a copy, for a random gradient."""
    layer = copy.deepcopy(layer)
    layer.zero_grad()
    Y, backward = getattr(layer, forward)(copy.deepcopy(X))
    answer = Y.copy()
    dX = backward(random_grad(Y))
    return [answer, *arrays(dX), *added(layer)]


def random_grad(Y: NDArray[Any], seed: int = SEED) -> NDArray[Any]:
    return np.asarray(np.random.default_rng(1000 + seed).standard_normal(Y.shape)).astype(Y.dtype)


def added(layer: AnyLayer) -> list[NDArray[Any]]:
    return [p.grad.copy() for p in layer.parameters()]


def same(these: list[NDArray[Any]], those: list[NDArray[Any]], rounding: float = 0) -> bool:
    """Whether arrays are equal, but for some roundings of the largest entry."""
    top = max((float(np.abs(A).max(initial=0)) for A in those if A.dtype.kind == "f"), default=0)
    return all(
        A.shape == B.shape and np.allclose(A, B, rtol=0, atol=rounding * np.finfo(float).eps * top)
        for A, B in zip(these, those, strict=True)
    )


def frozen(A: NDArray[Any]) -> NDArray[Any]:
    """A copy that cannot be written to."""
    A = A.copy()
    A.flags.writeable = False
    return A


def overwrites(layer: AnyLayer, X: Any, forwards: Sequence[str] = ("__call__", "forward")) -> bool:
    """X or grad is changed, or written to where that is forbidden."""
    for forward in forwards:
        for protect in (np.copy, frozen):
            given = each(protect, X)
            try:
                answer = getattr(copy.deepcopy(layer), forward)(given)
                if forward != "__call__":
                    grad = protect(random_grad(answer[0]))
                    answer[1](grad)
                    if not same([grad], [random_grad(answer[0])]):
                        return True
            except ValueError as error:
                if "read-only" in str(error):
                    return True
            if not same(arrays(given), arrays(X)):
                return True
    return False


def assigns(layer: AnyLayer, X: Any, forward: str = "forward") -> bool:
    """What was added before is not there any more, or changes what is added."""
    _, *alone = run(layer, X, forward)
    layer = copy.deepcopy(layer)
    layer.zero_grad()
    for p in layer.parameters():
        p.add_grad(np.ones_like(p.value))
    Y, backward = getattr(layer, forward)(copy.deepcopy(X))
    backward(random_grad(Y))
    parameters = layer.parameters()
    sums = [g + np.ones_like(g) for g in alone[len(alone) - len(parameters) :]]
    return not same(added(layer), sums, 8 * precision(layer, X))


def precision(layer: AnyLayer, X: Any) -> float:
    """How many roundings of float64 one rounding of the layer is."""
    single = any(A.dtype == np.float32 for A in [*added(layer), *arrays(X)])
    return 2.0**29 if single else 1.0


def another(A: NDArray[Any]) -> NDArray[Any]:
    """The rows in reverse, and half as large where they are floating."""
    return A[::-1] / A.dtype.type(2) if A.dtype.kind == "f" else A[::-1].copy()


def depends_on_state(layer: AnyLayer, X: Any) -> bool:
    """What is handed out changes later, or another use in between changes it."""
    alone = run(layer, X)
    layer = copy.deepcopy(layer)
    layer.zero_grad()
    called = layer(copy.deepcopy(X))
    kept = called.copy()
    Y, backward = layer.forward(copy.deepcopy(X)) if not is_random(layer) else (kept, None)
    answer, other = Y.copy(), each(another, X)
    layer(other)
    layer.forward(copy.deepcopy(X))
    if backward is None:
        return not same([called], [kept])
    _, backward_of_other = layer.forward(other)
    layer.zero_grad()
    dX = backward(random_grad(Y))
    handed_out = [A.copy() for A in arrays(dX)]
    found = [answer, *handed_out, *added(layer)]
    backward_of_other(random_grad(Y, SEED + 1))
    kept_so_far = same([called, Y, *arrays(dX)], [kept, answer, *handed_out])
    third = layer.forward(copy.deepcopy(X))[1]
    layer.zero_grad()
    dX_again = arrays(third(random_grad(Y)))
    values = [p.value for p in layer.parameters()]
    return not (
        kept_so_far
        and same(found, alone)
        and same([*dX_again, *added(layer)], alone[1:])
        and same(values, [p.value for p in copy.deepcopy(layer).parameters()])
    )


def state(layer: AnyLayer) -> list[object]:
    """Everything that the layer and those within keep, as text and bytes."""
    kept: list[object] = []
    for path, item in walk(layer):
        if isinstance(item, Parameter):
            kept += [path, item.value.tobytes(), item.grad.tobytes(), item.has_grad]
        elif isinstance(item, np.ndarray):
            kept += [path, item.shape, item.tobytes()]
        else:
            kept += [path, str(item.bit_generator.state)]
    return [*kept, *(repr(item) for item in vars(layer).values() if isinstance(item, int | list))]


def call_writes(layer: AnyLayer, X: Any) -> bool:
    """Inference changes what the layer keeps."""
    before = copy.deepcopy(state(layer))
    layer(copy.deepcopy(X))
    return state(layer) != before


def does_not_repeat(layer: AnyLayer, X: Any) -> bool:
    """Two copies answer differently."""
    return not same(run(layer, X), run(layer, X))


def is_not_linear(layer: AnyLayer, X: Any) -> bool:
    """backward(c grad) is not c backward(grad), for c of 0, tiny and large."""
    _, *once = run(layer, X)
    for factor in (0, 2.0**-30, 1024):
        copied = copy.deepcopy(layer)
        copied.zero_grad()
        Y, backward = copied.forward(copy.deepcopy(X))
        dX = backward(factor * random_grad(Y))
        multiples = [factor * A for A in once]
        if not same([*arrays(dX), *added(copied)], multiples, 8 * precision(layer, X)):
            return True
    return False


def has_wrong_form(layer: AnyLayer, X: Any) -> bool:
    """A gradient or an answer has the wrong shape or dtype or is not finite, or is refused."""
    layer = copy.deepcopy(layer)
    layer.zero_grad()
    dtypes = {p.dtype for p in layer.parameters()} or {arrays(X)[0].dtype}
    try:
        Y, backward = layer.forward(copy.deepcopy(X))
        dX = backward(random_grad(Y))
    except (ValueError, TypeError):
        return True
    if not isinstance(dX, type(X)) or Y.dtype not in dtypes:
        return True
    for dA, A in zip(arrays(dX), arrays(X), strict=True):
        dtype = dA.dtype in dtypes or dA.dtype == A.dtype
        if dA.shape != A.shape or not dtype or not np.isfinite(dA).all():
            return True
    return not all(np.isfinite(g).all() for g in added(layer))


def differs_from_data(layer: AnyLayer, X: Any) -> bool:
    """forward_from_data breaks the contract, or differs from forward."""
    try:
        if overwrites(layer, X, ["forward_from_data"]) or assigns(layer, X, "forward_from_data"):
            return True
        Y, *_ = run(layer, X)
        Z, *_ = run(layer, X, "forward_from_data")
    except ValueError:
        return True
    n = len(layer.parameters())
    rest = [
        run(layer, X, forward)[-n:] if n else [] for forward in ("forward_from_data", "forward")
    ]
    return not same([Z], [Y]) or not same(rest[0], rest[1], 8 * precision(layer, X))


WITNESSES: dict[str, Callable[[AnyLayer, Any], bool]] = {
    "overwritten": overwrites,
    "assigned": assigns,
    "state": depends_on_state,
    "call writes": call_writes,
    "randomness": does_not_repeat,
    "not linear": is_not_linear,
    "form": has_wrong_form,
    "from data": differs_from_data,
}


@pytest.mark.parametrize("case", RIGHT, ids=name)
def test_right_layers_keep_the_contract(case: Case) -> None:
    for broken in WITNESSES.values():
        assert not broken(*case.make(np.random.default_rng(SEED))), broken.__doc__


@pytest.mark.parametrize("case", of_kind(*WITNESSES), ids=name)
def test_wrong_layers_break_the_contract(case: Case) -> None:
    layer, X = case.make(np.random.default_rng(SEED))
    assert WITNESSES[case.kind](layer, X) or not is_right(layer, X, elements=99)


# Losses ------------------------------------------------------------------------------------------


def loss_of_kind(expected: str, *kinds: str) -> list[LossCase]:
    return [case for case in LOSS_CASES if case.expected == expected and case.kind in kinds]


def loss_slope(case: LossCase, Y: NDArray[Any], T: NDArray[Any], i: Index, h: float) -> float:
    """The slope of the value on one side."""
    moved = Y.copy()
    moved[i] += h
    loss, _, _ = case.make(np.random.default_rng(SEED))
    value, _ = loss(moved, T.copy())
    before, _ = loss(Y.copy(), T.copy())
    return float((value - before) / (moved[i] - Y[i]))


def loss_agrees(case: LossCase) -> bool:
    """Whether the gradient lies between the slopes to the left and right, for every entry."""
    loss, Y, T = case.make(np.random.default_rng(SEED))
    Y, T = widened(Y), widened(T)
    _, grad = loss(Y.copy(), T.copy())
    scale = float(np.abs(Y).max())
    for i in np.ndindex(Y.shape):
        slopes = [loss_slope(case, Y, T, i, h * scale) for h in (-1e-6, 1e-6)]
        slack = 1e-5 * float(np.abs(grad).max()) + 1e-12
        if not min(slopes) - slack <= grad[i] <= max(slopes) + slack:
            return False
    return True


@pytest.mark.parametrize("case", loss_of_kind("right", "loss"), ids=name)
def test_right_losses_agree_with_differences_and_are_means(case: LossCase) -> None:
    assert loss_agrees(case)
    loss, Y, T = case.make(np.random.default_rng(SEED))
    value, grad = loss(frozen(Y), frozen(T))
    single = np.mean([loss(Y[i : i + 1], T[i : i + 1])[0] for i in range(len(Y))])
    assert np.isclose(value, single, rtol=1e-5 if Y.dtype == np.float32 else 1e-12)
    assert grad.shape == Y.shape
    assert grad.dtype == Y.dtype


@pytest.mark.parametrize(
    "case", loss_of_kind("wrong", "loss gradient", "loss, small error"), ids=name
)
def test_wrong_loss_gradients_are_wrong(case: LossCase) -> None:
    loss, Y, T = case.make(np.random.default_rng(SEED))
    assert isinstance(loss, SpoiledLoss)
    if "batch of 1" in case.name:
        Y, T = np.repeat(Y, 3, axis=0), np.repeat(T, 3, axis=0)
    value, grad = loss(Y, T)
    right_value, right_grad = loss.loss(Y, T)
    assert value == right_value
    assert not np.allclose(grad, right_grad, rtol=1e-9, atol=1e-9 * np.abs(right_grad).max())


@pytest.mark.parametrize("case", loss_of_kind("wrong", "loss, overwritten"), ids=name)
def test_wrong_losses_write_into_their_arguments(case: LossCase) -> None:
    loss, Y, T = case.make(np.random.default_rng(SEED))
    with pytest.raises(ValueError, match="read-only"):
        loss(frozen(Y), frozen(T))


@pytest.mark.parametrize("case", loss_of_kind("wrong", "loss, form"), ids=name)
def test_wrong_losses_return_something_else(case: LossCase) -> None:
    loss, Y, T = case.make(np.random.default_rng(SEED))
    value, grad = loss(Y, T)
    right_form = (
        isinstance(value, float)
        and np.isfinite(value)
        and isinstance(grad, np.ndarray)
        and (grad.shape, grad.dtype) == (Y.shape, Y.dtype)
        and np.isfinite(grad).all()
    )
    assert not right_form


@pytest.mark.parametrize("case", loss_of_kind("wrong", "loss, not a mean"), ids=name)
def test_wrong_losses_are_no_means(case: LossCase) -> None:
    assert loss_agrees(case)
    loss, Y, T = case.make(np.random.default_rng(SEED))
    single = np.mean([loss(Y[i : i + 1], T[i : i + 1])[0] for i in range(len(Y))])
    assert not np.isclose(loss(Y, T)[0], single, rtol=1e-3)


@pytest.mark.parametrize("case", loss_of_kind("wrong", "loss, state"), ids=name)
def test_wrong_losses_remember(case: LossCase) -> None:
    loss, Y, T = case.make(np.random.default_rng(SEED))
    value, grad = loss(Y, T)
    kept = grad.copy()
    loss(Y[::-1].copy(), T)
    changed = not same([grad], [kept])
    again, grad_again = loss(Y, T)
    third, grad_third = loss(Y, T)
    assert changed or not same([grad_again, grad_third], [kept, kept]) or {again, third} != {value}
