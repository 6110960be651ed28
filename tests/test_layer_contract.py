"""Every layer and every loss, one row each in a table, through the whole contract.

A new layer of the toolkit gets a row here and has bought all of these tests.
"""

import inspect
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import DTypeLike, NDArray

import layerwise
from layerwise import (
    SGD,
    Hinge,
    Huber,
    Layer,
    MeanAbsoluteError,
    MeanSquaredError,
    Poisson,
    Sequential,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    Tanh,
    check_loss,
)
from layerwise.gradients.check import Mode
from layerwise.layers.base import walk
from layerwise.losses import Loss
from layerwise.testing import assert_layer
from tests.layer_cases import LAYERS, AnyLayer, LayerCase


@dataclass(frozen=True)
class LossCase:
    """A loss, the shape of Y, and a target for it."""

    name: str
    loss: Loss[Any]
    shape: tuple[int, ...]
    target: Callable[[np.random.Generator], NDArray[Any]]


def weighted(
    loss: Callable[[Any, NDArray[Any], NDArray[Any]], tuple[float, Any]],
) -> Loss[Any]:
    """The loss with a weight for each of five rows, and the same again for more rows."""

    def of_rows(Y: Any, target: NDArray[Any]) -> tuple[float, Any]:
        return loss(Y, target, np.resize([1, 3, 0, 2, 0.5], len(Y)))

    return of_rows


def real(*shape: int) -> Callable[[np.random.Generator], NDArray[Any]]:
    return lambda rng: rng.standard_normal(shape)


def classes(*shape: int) -> Callable[[np.random.Generator], NDArray[Any]]:
    return lambda rng: rng.integers(3, size=shape)


def soft(rng: np.random.Generator) -> NDArray[Any]:
    return rng.dirichlet(np.ones(3), 5)


LOSSES = [
    LossCase("MSE", MeanSquaredError(), (5, 3), real(5, 3)),
    LossCase("MSE of vectors", MeanSquaredError(), (5,), real(5)),
    LossCase("MAE", MeanAbsoluteError(), (5, 3), real(5, 3)),
    LossCase("Huber", Huber(), (5, 3), real(5, 3)),
    LossCase("Huber, small delta", Huber(delta=0.3), (5,), real(5)),
    LossCase("Poisson", Poisson(), (5, 2), lambda rng: rng.poisson(2.0, size=(5, 2))),
    LossCase("hinge", Hinge(), (5, 3), lambda rng: 2 * rng.integers(2, size=(5, 3)) - 1),
    LossCase("sigmoid", SigmoidCrossEntropy(), (5, 3), lambda rng: rng.integers(2, size=(5, 3))),
    LossCase("sigmoid, soft", SigmoidCrossEntropy(), (5, 1), lambda rng: rng.random((5, 1))),
    LossCase(
        "sigmoid, positive weight",
        SigmoidCrossEntropy(positive_weight=3),
        (5, 2),
        lambda rng: rng.integers(2, size=(5, 2)),
    ),
    LossCase("softmax, classes", SoftmaxCrossEntropy(), (5, 3), classes(5)),
    LossCase(
        "softmax, one-hot", SoftmaxCrossEntropy(), (5, 3), lambda rng: np.eye(3)[[0, 2, 1, 1, 0]]
    ),
    LossCase("softmax, soft", SoftmaxCrossEntropy(), (5, 3), soft),
    LossCase("softmax of sequences", SoftmaxCrossEntropy(), (5, 2, 3), classes(5, 2)),
    LossCase("softmax, smoothed", SoftmaxCrossEntropy(label_smoothing=0.2), (5, 3), classes(5)),
    LossCase("softmax, soft, smoothed", SoftmaxCrossEntropy(label_smoothing=0.2), (5, 3), soft),
]
# By weights, which are no mean over rows each of which counts as much.
WEIGHTED = [
    LossCase("MSE, weights", weighted(MeanSquaredError()), (5, 3), real(5, 3)),
    LossCase(
        "MSE of sequences, weights of positions",
        weighted(lambda Y, t, w: MeanSquaredError()(Y, t, np.outer(w, [1, 2]))),
        (5, 2, 3),
        real(5, 2, 3),
    ),
    LossCase("softmax, weights", weighted(SoftmaxCrossEntropy()), (5, 3), classes(5)),
    LossCase("softmax, soft, weights", weighted(SoftmaxCrossEntropy()), (5, 3), soft),
    LossCase("classes", SoftmaxCrossEntropy(class_weight=[1, 3, 0.5]), (5, 3), classes(5)),
    LossCase("classes, soft", SoftmaxCrossEntropy(class_weight=[1, 3, 0.5]), (5, 3), soft),
    LossCase(
        "classes, smoothed, and weights of rows",
        weighted(SoftmaxCrossEntropy(class_weight=[1, 3, 0], label_smoothing=0.2)),
        (5, 3),
        classes(5),
    ),
    LossCase(
        "softmax of sequences, ignore",
        SoftmaxCrossEntropy(ignore=-1),
        (5, 2, 3),
        lambda rng: np.where(rng.random((5, 2)) < 0.4, -1, rng.integers(3, size=(5, 2))),
    ),
]


def of(cases: list[LayerCase]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name)


each_layer = of(LAYERS)
each_by_rows = of([case for case in LAYERS if case.by_rows])
each_square = of([case for case in LAYERS if case.square])
each_loss = pytest.mark.parametrize("case", LOSSES + WEIGHTED, ids=lambda case: case.name)
each_mean = pytest.mark.parametrize("case", LOSSES, ids=lambda case: case.name)
each_mode = pytest.mark.parametrize("mode", ["fast", "full"])


def inputs(
    case: LayerCase | LossCase, dtype: DTypeLike = np.float64, seed: int = 0
) -> NDArray[Any]:
    rng = np.random.default_rng(seed)
    if isinstance(case, LayerCase) and case.tokens:
        return rng.integers(case.tokens, size=case.shape)
    return rng.standard_normal(case.shape).astype(dtype)


def gradients(layer: AnyLayer) -> list[NDArray[Any]]:
    return [parameter.grad.copy() for parameter in layer.parameters()]


def train(layer: AnyLayer, X: NDArray[Any], steps: int) -> None:
    """Some steps by hand, towards an answer of zero; no more than forwards without parameters."""
    optimizer = SGD(layer.parameters(), 0.1, momentum=0.9) if layer.parameters() else None
    for _ in range(steps):
        Y, backward = layer.forward(X)
        backward(MeanSquaredError()(Y, np.zeros_like(Y))[1])
        if optimizer is not None:
            optimizer.step()


@each_mode
@each_layer
def test_gradients_are_proven(case: LayerCase, mode: Mode) -> None:
    assert_layer(case.make(np.float64), inputs(case), mode=mode)
    assert_layer(case.make(np.float32), inputs(case, np.float32), mode=mode)


@each_layer
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept(case: LayerCase, dtype: DTypeLike) -> None:
    layer, X = case.make(dtype), inputs(case, dtype)
    Y, backward = layer.forward(X)
    assert layer(X).dtype == Y.dtype == dtype
    assert backward(np.ones_like(Y)).dtype == X.dtype


@each_layer
def test_arguments_are_untouched(case: LayerCase) -> None:
    layer, X = case.make(np.float64), inputs(case)
    Y, backward = layer.forward(X)
    grad, answer, before = np.ones_like(Y), Y.copy(), X.copy()
    backward(grad)
    layer(X)
    assert np.array_equal(X, before)
    assert np.array_equal(grad, np.ones_like(Y))
    assert np.array_equal(Y, answer)


@each_by_rows
def test_a_batch_is_its_rows(case: LayerCase) -> None:
    layer, X = case.make(np.float64), inputs(case)
    Y, backward = layer.forward(X)
    grad = np.random.default_rng(1).standard_normal(Y.shape)
    dX = backward(grad)
    of_batch = gradients(layer)
    layer.zero_grad()
    for i in range(len(X)):
        y, back = layer.forward(X[i : i + 1])
        np.testing.assert_allclose(y, Y[i : i + 1], rtol=1e-12)
        np.testing.assert_allclose(back(grad[i : i + 1]), dX[i : i + 1], rtol=1e-10, atol=1e-12)
    for batch, rows in zip(of_batch, gradients(layer), strict=True):
        np.testing.assert_allclose(rows, batch, rtol=1e-10, atol=1e-12)


@each_by_rows
def test_an_empty_batch_gives_an_empty_answer(case: LayerCase) -> None:
    layer, X = case.make(np.float64), inputs(case)[:0]
    Y, backward = layer.forward(X)
    assert Y.shape[0] == 0
    assert backward(np.zeros_like(Y)).shape == X.shape
    assert all(not gradient.any() for gradient in gradients(layer))


@each_layer
def test_inference_equals_forward(case: LayerCase) -> None:
    layer, X = case.make(np.float64), inputs(case)
    assert np.array_equal(layer(X), layer.forward(X)[0]) != case.inference_differs


@each_square
def test_twice_in_one_network(case: LayerCase) -> None:
    layer, X = case.make(np.float64), inputs(case)
    twice = Sequential(layer, Tanh(), layer)
    assert_layer(twice, X)
    assert len(twice.parameters()) == len(layer.parameters())


@each_layer
@pytest.mark.parametrize("copy", [deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_go_on_alike(case: LayerCase, copy: Callable[[AnyLayer], AnyLayer]) -> None:
    layer, X = case.make(np.float64), inputs(case)
    train(layer, X, 2)
    other = copy(layer)
    train(other, X, 2)
    untouched = copy(layer)
    train(layer, X, 2)
    assert np.array_equal(layer(X), other(X))
    for one, two in zip(layer.parameters(), other.parameters(), strict=True):
        assert np.array_equal(one.value, two.value)
        assert one is not two
    if layer.parameters():
        assert not np.array_equal(layer(X), untouched(X))
    assert [path for path, _ in walk(layer)] == [path for path, _ in walk(other)]


@each_layer
def test_threads_may_call_while_a_copy_trains(case: LayerCase) -> None:
    layer, X = case.make(np.float64), inputs(case)
    batches = [inputs(case, seed=seed) for seed in range(40)]
    expected = [layer(batch) for batch in batches]
    with ThreadPoolExecutor(8) as pool:
        training = pool.submit(train, deepcopy(layer), X, 50)
        answers = list(pool.map(layer, batches * 5))
        training.result()
    for answer, right in zip(answers, expected * 5, strict=True):
        assert np.array_equal(answer, right)


@each_mode
@each_loss
def test_loss_gradients_are_proven(case: LossCase, mode: Mode) -> None:
    target = case.target(np.random.default_rng(1))
    for dtype in (np.float64, np.float32):
        report = check_loss(case.loss, inputs(case, dtype), target, mode=mode)
        assert report.passed, report


@each_loss
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_losses_keep_the_dtype(case: LossCase, dtype: DTypeLike) -> None:
    value, grad = case.loss(inputs(case, dtype), case.target(np.random.default_rng(1)))
    assert type(value) is float
    assert grad.dtype == dtype


@each_loss
def test_losses_leave_their_arguments_alone(case: LossCase) -> None:
    Y, target = inputs(case), case.target(np.random.default_rng(1))
    before = Y.copy(), target.copy()
    case.loss(Y, target)
    assert np.array_equal(Y, before[0])
    assert np.array_equal(target, before[1])


@each_mean
def test_losses_are_means_over_rows(case: LossCase) -> None:
    Y, target = inputs(case), case.target(np.random.default_rng(1))
    value, grad = case.loss(Y, target)
    rows = [case.loss(Y[i : i + 1], target[i : i + 1]) for i in range(len(Y))]
    assert value == pytest.approx(np.mean([row[0] for row in rows]), rel=1e-12)
    np.testing.assert_allclose(
        grad, np.concatenate([row[1] for row in rows]) / len(Y), rtol=1e-10, atol=1e-15
    )


def test_the_table_has_every_public_layer_and_loss() -> None:
    public = [getattr(layerwise, name) for name in layerwise.__all__]
    classes = {item for item in public if inspect.isclass(item)}
    layers = {kind for kind in classes if issubclass(kind, Layer) and kind is not Layer}
    losses = {kind for kind in classes if kind.__module__.startswith("layerwise.losses")}
    assert layers == {type(case.make(np.float64)) for case in LAYERS}
    assert losses == {type(case.loss) for case in LOSSES}
