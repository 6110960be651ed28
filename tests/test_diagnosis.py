"""diagnose: sizes and dead units by hand, nothing changed, and part 4.1 of the course."""

from collections.abc import Callable
from copy import deepcopy
from itertools import pairwise
from math import isnan, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from layerwise import (
    Array,
    Dense,
    Diagnosis,
    Layer,
    Matrix,
    MeanSquaredError,
    Parameter,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    Tanh,
    diagnose,
    he_normal,
)
from layerwise.diagnosis import LayerDiagnosis, rms
from layerwise.layers.base import walk
from tests.raising import raises

mse = MeanSquaredError()


def two() -> Sequential[Matrix]:
    """Y = 3 max(2 X, 0) and X through a unit that only negative rows pass."""
    first, last = Dense(1, 2, bias=False), Dense(2, 1)
    first.W.value, last.W.value = np.array([[2.0, -1.0]]), np.array([[3.0], [5.0]])
    return Sequential(first, ReLU(), last)


def by_path(diagnosis: Diagnosis) -> dict[str, LayerDiagnosis]:
    return {layer.path: layer for layer in diagnosis.layers}


def test_by_hand() -> None:
    """Rows 1 and 2: answers (2, −1), (4, −2); (2, 0), (4, 0); 6 and 12. Targets 5 and 14.

    The loss is (1 + 4) / 2 and its gradient (1, −2); back (3, 5), (−6, −10), and with the mask
    (3, 0), (−6, 0).
    """
    found = diagnose(two(), np.array([[1.0], [2.0]]), np.array([[5.0], [14.0]]), mse)
    assert found.loss == 2.5
    first, relu, last = found.layers
    assert [layer.path for layer in found.layers] == ["0", "1", "2"]
    assert [layer.name for layer in found.layers] == [
        "Dense(1, 2, bias=False)",
        "ReLU()",
        "Dense(2, 1)",
    ]
    assert first.answer == pytest.approx(sqrt((4 + 1 + 16 + 4) / 4))
    assert relu.answer == pytest.approx(sqrt((4 + 16) / 4))
    assert last.answer == pytest.approx(sqrt((36 + 144) / 2))
    assert last.gradient == pytest.approx(sqrt((1 + 4) / 2))
    assert relu.gradient == pytest.approx(sqrt((9 + 25 + 36 + 100) / 4))
    assert first.gradient == pytest.approx(sqrt((9 + 36) / 4))
    # dL/dW of the last is 2·1 − 4·2 = −6 and 0, of b 1 − 2; of the first 3·1 − 6·2 = −9 and 0.
    assert last.parameters == pytest.approx({"W": sqrt(36 / 2), "b": 1.0})
    assert first.parameters == pytest.approx({"W": sqrt(81 / 2)})
    assert relu.parameters == {}
    assert [layer.dead for layer in found.layers] == [0, 0.5, 0]


def test_as_a_table() -> None:
    found = diagnose(two(), np.array([[1.0], [2.0]]), np.array([[5.0], [14.0]]), mse)
    assert str(found).splitlines() == [
        "loss 2.5",
        "   layer                          Y    dL/dY  dead  dL/dP",
        "0  Dense(1, 2, bias=False)  2.5e+00  3.4e+00    0%  W 6.4e+00",
        "1  ReLU()                   2.2e+00  6.5e+00   50%",
        "2  Dense(2, 1)              9.5e+00  1.6e+00    0%  W 4.2e+00, b 1.0e+00",
    ]


def test_as_a_picture(tmp_path: Path) -> None:
    found = diagnose(two(), np.array([[1.0], [2.0]]), np.array([[5.0], [14.0]]), mse)
    figure = found.plot(tmp_path / "diagnosis.png")
    assert (tmp_path / "diagnosis.png").read_bytes().startswith(b"\x89PNG")
    sizes, dead = figure.axes
    assert sizes.get_yscale() == "log"
    lines = {line.get_label(): np.asarray(line.get_ydata()).tolist() for line in sizes.lines}
    assert lines == {
        "Y": [layer.answer for layer in found.layers],
        "dL/dY": [layer.gradient for layer in found.layers],
        "dL/dP": pytest.approx([sqrt(81 / 2), sqrt(18), 1.0]),
    }
    heights = [bar.get_height() for bar in dead.patches if isinstance(bar, Rectangle)]
    assert heights == [0, 0.5, 0]
    assert [label.get_text() for label in dead.get_xticklabels()] == [
        "0 Dense",
        "1 ReLU",
        "2 Dense",
    ]
    assert [file.name for file in tmp_path.iterdir()] == ["diagnosis.png"]
    found.plot()
    assert [file.name for file in tmp_path.iterdir()] == ["diagnosis.png"]


def test_nested_layers_have_their_paths() -> None:
    network = Sequential(Dense(3, 4, rng=0), Sequential(ReLU(), Dense(4, 2, rng=1)))
    found = by_path(diagnose(network, np.ones((2, 3)), np.zeros((2, 2)), mse))
    assert list(found) == ["0", "1", "1.0", "1.1"]
    assert found["1"].name == "Sequential"
    assert found["1"].parameters == {}
    assert found["1.1"].parameters.keys() == {"W", "b"}
    assert found["1"].answer == found["1.1"].answer
    assert found["1"].gradient == found["1.1"].gradient


def test_a_layer_by_itself_has_no_path() -> None:
    (only,) = diagnose(Dense(3, 2, rng=0), np.ones((2, 3)), np.zeros((2, 2)), mse).layers
    assert (only.path, only.name) == ("", "Dense(3, 2)")
    assert only.parameters.keys() == {"W", "b"}


class Gain(Layer[Array, Array]):
    """Y = a f(X): a layer of one's own with another in a list, one that is never run, and noise."""

    def __init__(self) -> None:
        self.a = Parameter(np.array([2.0]))
        self.inner, self.spare = [Dense(3, 3, rng=0)], Tanh()
        self.mean, self.rng = np.zeros(3), np.random.default_rng(0)

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        Y, inner_backward = self.inner[0].forward(X)
        self.mean += Y.mean(axis=0) + self.rng.normal(size=3)
        a = self.a.value

        def backward(grad: Array) -> Array:
            self.a.add_grad(np.sum(grad * Y).reshape(1))
            return inner_backward(grad * a)

        return Y * a, backward


def test_a_container_of_ones_own() -> None:
    found = by_path(diagnose(Gain(), np.ones((2, 3)), np.zeros((2, 3)), mse))
    assert list(found) == ["", "inner.0", "spare"]
    assert found[""].parameters.keys() == {"a"}
    assert found["inner.0"].parameters.keys() == {"W", "b"}
    assert found[""].answer == pytest.approx(2 * found["inner.0"].answer)
    assert found["inner.0"].gradient == pytest.approx(2 * found[""].gradient)
    spare = found["spare"]
    assert isnan(spare.answer)
    assert isnan(spare.gradient)
    assert isnan(spare.dead)


def test_nothing_is_changed() -> None:
    network: Sequential[Any] = Sequential(Gain(), ReLU(), Dense(3, 2, rng=1))
    for parameter in network.parameters():
        parameter.add_grad(np.full(parameter.shape, 7.0))
    before = deepcopy(network)
    X, y = np.ones((2, 3)), np.zeros((2, 2))
    X.flags.writeable = y.flags.writeable = False
    found = diagnose(network, X, y, mse)
    fresh = deepcopy(before)
    fresh.zero_grad()
    assert found == diagnose(fresh, X, y, mse)  # the gradients from before are no part of it
    for (path, item), (_, other) in zip(walk(network), walk(before), strict=True):
        if isinstance(item, Parameter) and isinstance(other, Parameter):
            assert np.array_equal(item.value, other.value), path
            assert (item.grad == 7).all()
        elif isinstance(item, np.random.Generator) and isinstance(other, np.random.Generator):
            assert item.bit_generator.state == other.bit_generator.state
        else:
            assert np.array_equal(np.asarray(item), np.asarray(other)), path
    assert not any("forward" in vars(layer) for layer in (network, *network))


def test_a_layer_that_is_used_twice_is_measured_over_both() -> None:
    line = Dense(1, 1, bias=False)
    line.W.value = np.array([[2.0]])
    (only,) = diagnose(Sequential(line, line), np.ones((1, 1)), np.zeros((1, 1)), mse).layers
    assert only.answer == pytest.approx(sqrt((4 + 16) / 2))
    assert only.gradient == pytest.approx(sqrt((16**2 + 8**2) / 2))  # dL/dY 2·4, and 8·2
    assert only.parameters == pytest.approx({"W": 8 * 2 + 16 * 1})


@pytest.mark.parametrize(("n", "channels"), [(5, 4), (2, 3)])
def test_a_channel_is_dead_where_it_is_0_in_all_positions(n: int, channels: int) -> None:
    X = np.ones((n, 2, 2, channels))
    X[..., 0] = -1
    X[0, 1, 0, 1] = -1  # once is not always
    (relu,) = diagnose(ReLU(), X, np.zeros_like(X), mse).layers
    assert relu.dead == pytest.approx(1 / channels)


def test_a_unit_that_lives_in_one_of_two_uses_is_not_dead() -> None:
    relu, turn = ReLU(), Dense(2, 2, bias=False)
    turn.W.value = np.array([[0.0, 1.0], [1.0, 0.0]])
    X = np.array([[1.0, -1.0]])
    found = by_path(diagnose(Sequential(relu, turn, relu), X, np.zeros((1, 2)), mse))
    assert found["0"].dead == 0
    assert by_path(diagnose(Sequential(relu, relu), X, X, mse))["0"].dead == 0.5


def test_sizes_do_not_overflow_in_float32() -> None:
    assert rms(np.full(2, 1e30, np.float32)) == pytest.approx(1e30, rel=1e-6)


class Pair(Layer[Any, Any]):
    """Y = (X, 2 X), answers of 3 and of 2 columns."""

    def forward(self, X: Array, /) -> tuple[Any, Callable[[Any], Array]]:
        def backward(grad: Any) -> Array:
            return np.asarray(grad[0])

        return (X, 2 * X[:, :2]), backward


def test_an_answer_of_several_arrays() -> None:
    def loss(Y: Any, target: NDArray[Any]) -> tuple[float, Any]:
        return 0.0, tuple(map(np.ones_like, Y))

    (pair,) = diagnose(Pair(), np.ones((2, 3)), np.zeros(2), loss).layers
    assert pair.answer == pytest.approx(sqrt((6 + 4 * 4) / 10))
    assert pair.gradient == 1
    assert isnan(pair.dead)  # they have not the same units


def test_part_4_1_small_weights_against_he() -> None:
    """With normal weights of scale .01 answers and gradients vanish layer by layer; He's keep."""
    rng = np.random.default_rng(0)
    X, y = rng.random((200, 64)), rng.integers(10, size=200)

    def small(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return rng.normal(0, 0.01, shape)

    found = {}
    for W_init in small, he_normal:
        layers: list[Layer[Any, Any]] = []
        for i, (a, b) in enumerate([(64, 128), (128, 64), (64, 32)]):
            layers += [Dense(a, b, rng=i, W_init=W_init), ReLU()]
        network: Sequential[Any] = Sequential(*layers, Dense(32, 10, rng=9, W_init=W_init))
        found[W_init] = diagnose(network, X, y, SoftmaxCrossEntropy()).layers
    answers = [layer.answer for layer in found[small][::2]]
    assert all(after < before / 10 for before, after in pairwise(answers))
    first, last = found[small][0], found[small][-1]
    assert first.gradient < last.gradient / 1000
    answers = [layer.answer for layer in found[he_normal][::2]]
    assert max(answers) < 3 * min(answers)
    first, last = found[he_normal][0], found[he_normal][-1]
    assert last.gradient / 10 < first.gradient < last.gradient


def test_what_is_refused() -> None:
    network: Any = [Dense(1, 1)]
    X = np.ones((2, 1))
    with raises(
        TypeError,
        "diagnose: network is a list of 1, expected a Layer: a network is a layer, such as a "
        "Sequential",
    ):
        diagnose(network, X, X, mse)
    loss: Any = MeanSquaredError
    with raises(
        TypeError,
        "diagnose: loss is the class MeanSquaredError, expected one to be called with (Y, target), "
        "such as MeanSquaredError()",
    ):
        diagnose(network[0], X, X, loss)
    with raises(
        ValueError,
        "diagnose: X and y: shapes (2, 1) and (1, 1) came, expected one row for each example, "
        "equally many in all and at least one",
    ):
        diagnose(network[0], X, X[:1], mse)
