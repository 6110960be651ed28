"""Optimizers: what all of them keep to, and copies that go on bit for bit."""

import pickle
import tracemalloc
from collections.abc import Callable
from copy import deepcopy
from math import inf, nan
from typing import Any

import numpy as np
import pytest

import layerwise
from layerwise import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Array,
    Dense,
    Lion,
    MeanSquaredError,
    Optimizer,
    Parameter,
    RMSprop,
    Sequential,
    SoftmaxCrossEntropy,
    Tanh,
    Vector,
    fit,
    step_decay,
)
from layerwise.optimizers.base import clip
from tests.raising import raises
from tests.stepping import steps

Make = Callable[[list[Parameter]], Optimizer]

EACH = pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda p: SGD(p, 0.1), id="SGD"),
        pytest.param(lambda p: SGD(p, 0.1, momentum=0.9), id="momentum"),
        pytest.param(lambda p: SGD(p, 0.1, momentum=0.9, nesterov=True), id="Nesterov"),
        pytest.param(lambda p: Adam(p, 0.1), id="Adam"),
        pytest.param(lambda p: AdamW(p, 0.1, weight_decay=0.5), id="AdamW"),
        pytest.param(lambda p: RMSprop(p, 0.1), id="RMSprop"),
        pytest.param(lambda p: Adagrad(p, 0.1), id="Adagrad"),
        pytest.param(lambda p: Lion(p, 0.1, weight_decay=0.5), id="Lion"),
    ],
)


@EACH
class TestEach:
    def test_the_gradient_is_zeroed_when_made_and_at_each_step(self, make: Make) -> None:
        p = Parameter(np.ones(2))
        p.add_grad(np.ones(2))
        optimizer = make([p])
        seen = [(p.grad.tolist(), p.has_grad)]
        p.add_grad(np.ones(2))
        optimizer.step()
        seen.append((p.grad.tolist(), p.has_grad))
        p.add_grad(np.ones(2))
        optimizer.zero_grad()
        seen.append((p.grad.tolist(), p.has_grad))
        assert seen == [([0.0, 0.0], False)] * 3

    def test_making_one_changes_no_value(self, make: Make) -> None:
        p = Parameter(np.array([1.0, 2.0]))
        make([p])
        assert p.value.tolist() == [1.0, 2.0]

    def test_a_step_is_in_place(self, make: Make) -> None:
        p = Parameter(np.ones(2))
        optimizer = make([p])
        live, live_grad = p.value, p.grad
        p.add_grad(np.array([1.0, -1.0]))
        optimizer.step()
        assert live[0] < 1 < live[1]
        assert live_grad.tolist() == [0.0, 0.0]
        p.add_grad(np.array([1.0, -1.0]))
        assert live_grad.tolist() == [1.0, -1.0]

    def test_many_numbers_take_the_same_steps_and_no_new_arrays(self, make: Make) -> None:
        """No array of the size of their 4 MB: a step works in those that it has."""
        p, q = Parameter(np.ones(500_000)), Parameter(np.ones(1))
        many, one = make([p]), make([q])
        for gradient in 1.0, -2.0, 0.5:
            p.add_grad(np.full(500_000, gradient))
            tracemalloc.start()
            try:
                many.step()
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
            assert peak < 1_000_000
            ((expected,),) = steps(one, q, [[gradient]])
            assert (p.value == expected).all()
            assert not p.grad.any()

    def test_a_gradient_added_in_parts_is_their_sum(self, make: Make) -> None:
        p, q = Parameter(np.ones(2)), Parameter(np.ones(2))
        one, other = make([p]), make([q])
        p.add_grad(np.array([0.25, 0.5]))
        steps(one, p, [[0.75, -1.0]])
        steps(other, q, [[1.0, -0.5]])
        assert p.value.tolist() == q.value.tolist()

    def test_each_number_goes_its_own_way(self, make: Make) -> None:
        """One vector or many parameters: the numbers are the same."""
        gradients = np.random.default_rng(0).normal(size=(4, 5))
        a, b, c = (Parameter(np.zeros(shape)) for shape in ((2, 2), (1, 1), (1, 5)))
        parts, whole = make([a, b]), make([c])
        for g in gradients:
            a.add_grad(g[:4].reshape(2, 2))
            b.add_grad(g[4:].reshape(1, 1))
            parts.step()
            c.add_grad(g.reshape(1, 5))
            whole.step()
        assert [*a.value.ravel(), *b.value.ravel()] == c.value.ravel().tolist()

    def test_a_step_without_a_gradient_is_refused(self, make: Make) -> None:
        p = Parameter(np.ones(2))
        optimizer = make([p])
        message = (
            f"{type(optimizer).__name__}: no gradient was added since the last step: call "
            "backward before step. If you did, this optimizer holds other parameters than the "
            "network: copy or pickle the two together, as in deepcopy((network, optimizer))"
        )
        with raises(RuntimeError, message):
            optimizer.step()
        p.add_grad(np.zeros(2))
        optimizer.step()
        value = p.value.copy()
        with raises(RuntimeError, message):
            optimizer.step()
        assert p.value.tolist() == value.tolist()

    def test_a_parameter_without_a_gradient_beside_one_with(self, make: Make) -> None:
        a, b = Parameter(np.ones(1)), Parameter(np.ones(1))
        optimizer = make([a, b])
        steps(optimizer, a, [[1.0]])
        assert a.value[0] < 1
        assert b.value[0] == 1

    def test_a_parameter_given_twice_is_changed_once(self, make: Make) -> None:
        p, q = Parameter(np.ones(1)), Parameter(np.ones(1))
        one, other = make([p, p]), make([q])
        assert steps(one, p, [[1.0], [2.0]]) == steps(other, q, [[1.0], [2.0]])

    def test_float32_stays_float32(self, make: Make) -> None:
        p = Parameter(np.ones(2, np.float32))
        optimizer = make([p])
        steps(optimizer, p, [[1.0, 2.0], [3.0, 4.0]])
        vector = optimizer.vector
        arrays = [p.value, p.grad, vector.value, vector.grad, *optimizer.moments]
        assert {A.dtype for A in arrays} == {np.dtype(np.float32)}

    def test_float32_is_close_to_float64(self, make: Make) -> None:
        gradients = [[1.0, -2.0], [0.5, 0.25], [-3.0, 1.0]]
        p, q = Parameter(np.ones(2, np.float32)), Parameter(np.ones(2))
        one, other = make([p]), make([q])
        found, expected = steps(one, p, gradients), steps(other, q, gradients)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)

    def test_after_a_reset_the_steps_are_those_of_a_new_one(self, make: Make) -> None:
        p, q = Parameter(np.zeros(1)), Parameter(np.zeros(1))
        one = make([p])
        steps(one, p, [[5.0], [-3.0]])
        one.reset()
        p.value = np.zeros(1)
        assert steps(one, p, [[1.0], [2.0]]) == steps(make([q]), q, [[1.0], [2.0]])

    def test_a_value_assigned_between_steps_is_the_one_changed(self, make: Make) -> None:
        p = Parameter(np.zeros(1))
        optimizer = make([p])
        steps(optimizer, p, [[1.0]])
        p.value = np.array([1000.0])
        ((value,),) = steps(optimizer, p, [[1.0]])
        assert 990 < value < 1000

    @pytest.mark.parametrize("rate", [0, -0.1, inf, nan])
    def test_other_learning_rates_are_refused(self, make: Make, rate: float) -> None:
        optimizer = make([Parameter(np.zeros(1))])
        name = type(optimizer).__name__
        message = f"{name}: learning_rate={rate} came, expected a positive number"
        with raises(ValueError, message):
            optimizer.learning_rate = rate
        assert optimizer.learning_rate == 0.1
        with raises(ValueError, message):
            getattr(layerwise, name)([Parameter(np.zeros(1))], rate)

    def test_no_parameters_are_refused(self, make: Make) -> None:
        name = type(make([Parameter(np.zeros(1))])).__name__
        with raises(
            ValueError,
            f"{name}: no Parameters came, expected at least one: "
            "give network.parameters(), of a network with a layer that learns",
        ):
            make([])

    def test_two_dtypes_are_refused(self, make: Make) -> None:
        name = type(make([Parameter(np.zeros(1))])).__name__
        with raises(
            TypeError,
            f"{name}: parameters of float32 and float64 came, expected one dtype: "
            "make all layers with the same dtype=",
        ):
            make([Parameter(np.zeros(1)), Parameter(np.zeros(1, np.float32))])

    def test_a_large_gradient_is_clipped_before_the_update(self, make: Make) -> None:
        """‖(3, 4, 12)‖ = 13, over both parameters."""
        a, b, c, d = (Parameter(np.zeros(n)) for n in (2, 1, 2, 1))
        one, other = make([a, b]), make([c, d])
        one.clip_norm = 6.5
        scale = 6.5 / (13 + 1e-6)
        for _ in range(2):
            a.add_grad(np.array([3.0, 4.0]))
            b.add_grad(np.array([12.0]))
            c.add_grad(np.array([3.0, 4.0]) * scale)
            d.add_grad(np.array([12.0]) * scale)
            one.step()
            other.step()
        np.testing.assert_array_equal(a.value, c.value)
        np.testing.assert_array_equal(b.value, d.value)

    def test_it_takes_a_norm_to_clip_to(self, make: Make) -> None:
        kind: Any = type(make([Parameter(np.zeros(1))]))
        p = [Parameter(np.zeros(1))]
        assert kind(p, clip_norm=2).clip_norm == 2.0
        assert kind(p).clip_norm is None
        message = f"{kind.__name__}: clip_norm=0 came, expected a positive number"
        with raises(ValueError, message):
            kind(p, clip_norm=0)

    def test_a_function_of_the_step_is_the_learning_rate_of_each(self, make: Make) -> None:
        p, q = Parameter(np.zeros((1, 1))), Parameter(np.zeros((1, 1)))
        one, other = make([p]), make([q])
        asked: list[int] = []

        def rate(step: int) -> float:
            asked.append(step)
            return 0.5 / (step + 1)

        one.learning_rate = rate
        assert one.learning_rate == 0.5
        asked.clear()
        for step in range(4):
            other.learning_rate = 0.5 / (step + 1)
            (a,), (b,) = steps(one, p, [[[step - 1.5]]]), steps(other, q, [[[step - 1.5]]])
            assert a == b
            assert one.learning_rate == other.learning_rate
        assert asked == [0, 1, 2, 3]
        one.reset()
        assert one.learning_rate == 0.5

    def test_its_state_goes_on_bit_for_bit(self, make: Make) -> None:
        p, q = Parameter(np.ones((2, 1))), Parameter(np.ones((2, 1)))
        one, other = make([p]), make([q])
        steps(one, p, [[[1.0], [-2.0]], [[3.0], [0.5]]])
        steps(other, q, [[[9.0], [9.0]]])
        state = one.state()
        q.value = p.value
        other.load_state(state)
        gradients = [[[0.25], [1.0]], [[-1.0], [2.0]]]
        assert steps(other, q, gradients) == steps(one, p, gradients)
        assert one.steps == other.steps == 4
        assert state["steps"] == 2  # a copy

    def test_a_state_of_another_is_refused(self, make: Make) -> None:
        p = Parameter(np.ones(2))
        optimizer = make([p])
        steps(optimizer, p, [[1.0, 2.0]])
        before = optimizer.state()
        wrong = {**before, "steps": np.array(7), "moments.9": np.ones(3)}
        with raises(
            ValueError,
            "load_state: the state is of another optimizer: moments.9 is not in this optimizer. "
            "Nothing was changed: make the optimizer as the one that was saved was made",
        ):
            optimizer.load_state(wrong)
        np.testing.assert_equal(optimizer.state(), before)


class TestClip:
    def test_a_small_gradient_is_left_as_it_is(self) -> None:
        g = np.array([3.0, 4.0])
        clip(g, 5.1)
        assert g.tolist() == [3.0, 4.0]

    def test_what_is_not_finite_is_left_for_training_to_see(self) -> None:
        for wrong in inf, nan:
            g = np.array([3.0, wrong])
            clip(g, 1.0)
            np.testing.assert_array_equal(g, [3.0, wrong])

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_squares_that_are_too_large_are_no_infinity(self, dtype: type[Any]) -> None:
        g = np.array([3, -4], dtype) * dtype(np.finfo(dtype).max / 8)
        clip(g, 5.0)
        np.testing.assert_allclose(g, [3, -4], rtol=1e-6)
        assert g.dtype == dtype


class TestSchedules:
    """The learning rate as a function; the functions that are ready are in test_schedules.py."""

    @pytest.mark.parametrize("rate", [-1, inf, nan])
    def test_a_wrong_rate_is_refused_and_nothing_changes(self, rate: float) -> None:
        p = Parameter(np.array([[1.0]]))
        rates = [0.5, 0.25, rate]
        adamw = AdamW([p], rates.__getitem__, weight_decay=0.5, clip_norm=0.1)
        steps(adamw, p, [[[1.0]], [[2.0]]])
        before, value = adamw.state(), p.value.copy()
        p.add_grad(np.array([[3.0]]))
        with raises(
            ValueError,
            f"AdamW: learning_rate(2)={rate} came, expected a finite number of at least 0",
        ):
            adamw.step()
        np.testing.assert_equal(adamw.state(), before)
        assert (p.value, p.grad.item(), adamw.learning_rate) == (value, 3.0, 0.25)
        other = AdamW([Parameter(np.array([[1.0]]))], rates.__getitem__)
        with raises(
            ValueError,
            f"AdamW: learning_rate(2)={rate} came, expected a finite number of at least 0",
        ):
            other.load_state(before)
        assert (other.steps, other.learning_rate) == (0, 0.5)

    def test_a_rate_that_is_no_number_is_refused(self) -> None:
        wrong: Any = str
        with raises(TypeError, "SGD: learning_rate(0)='0' came, expected a number"):
            SGD([Parameter(np.ones(1))], wrong)

    def test_a_rate_of_zero_changes_nothing(self) -> None:
        p = Parameter(np.array([1.0]))
        assert steps(SGD([p], lambda _: 0.0), p, [[1.0]]) == [[1.0]]

    def test_steps_are_mini_batches_of_fit(self) -> None:
        network = Dense(2, 3, rng=0)
        sgd = SGD(network.parameters(), step_decay(0.5, 0.5, every=3))
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(10, 2)), rng.integers(0, 3, 10)
        fit(network, X, y, loss=SoftmaxCrossEntropy(), optimizer=sgd, batch_size=4, epochs=2, rng=0)
        assert (sgd.steps, sgd.learning_rate) == (6, 0.25)

    def test_a_state_goes_on_in_the_schedule(self) -> None:
        p, q = Parameter(np.zeros(1)), Parameter(np.zeros(1))
        one, other = (SGD([x], step_decay(1.0, 0.5, every=1)) for x in (p, q))
        steps(one, p, [[1.0], [1.0]])
        other.load_state(one.state())
        assert other.learning_rate == 0.25  # of the step that comes
        assert steps(other, q, [[1.0]]) == [[-0.25]]

    def test_a_pickle_has_it(self) -> None:
        p, sgd = by_pickle((q := Parameter(np.zeros(1)), SGD([q], step_decay(1.0, 0.5, every=1))))
        assert steps(sgd, p, [[1.0], [1.0]]) == [[-1.0], [-1.5]]


class TestTwoOptimizers:
    def test_over_the_same_parameters(self) -> None:
        """By turns; each sees what the other did to the values."""
        p = Parameter(np.array([0.0]))
        one, other = SGD([p], 1.0), SGD([p], 0.5)
        assert steps(one, p, [[1.0]]) == [[-1.0]]
        assert steps(other, p, [[1.0]]) == [[-1.5]]
        p.value = np.array([10.0])
        assert steps(one, p, [[1.0], [1.0]]) == [[9.0], [8.0]]
        assert steps(other, p, [[1.0]]) == [[7.5]]

    def test_each_has_its_own_momentum(self) -> None:
        """The first one's v: -1, then -3/2; the other's: -1."""
        p = Parameter(np.array([0.0]))
        one, other = SGD([p], 1.0, momentum=0.5), SGD([p], 1.0, momentum=0.5)
        assert steps(one, p, [[1.0]]) == [[-1.0]]
        assert steps(other, p, [[1.0]]) == [[-2.0]]
        assert steps(one, p, [[1.0]]) == [[-3.5]]

    def test_over_overlapping_parameters(self) -> None:
        a, b, c = (Parameter(np.array([0.0])) for _ in range(3))
        one, other = SGD([a, b], 1.0), SGD([b, c], 10.0)
        for p in a, b, c:
            p.add_grad(np.array([1.0]))
        one.step()
        assert [p.value.tolist() for p in (a, b, c)] == [[-1.0], [-1.0], [0.0]]
        assert [p.has_grad for p in (a, b, c)] == [False, False, True]
        other.step()
        assert [p.value.tolist() for p in (a, b, c)] == [[-1.0], [-1.0], [-10.0]]

    def test_what_is_not_given_stays(self) -> None:
        frozen, head = Dense(2, 2, rng=0), Dense(2, 1, rng=0)
        before = frozen.W.value.copy()
        optimizer = Adam(head.parameters(), 0.1)
        Sequential(frozen, head).forward(np.ones((3, 2)))[1](np.ones((3, 1)))
        optimizer.step()
        np.testing.assert_array_equal(frozen.W.value, before)
        assert frozen.W.has_grad


def by_pickle(item: Any) -> Any:
    return pickle.loads(pickle.dumps(item))


@pytest.mark.parametrize("copy", [deepcopy, by_pickle])
@EACH
class TestCopies:
    X = np.random.default_rng(1).normal(size=(6, 3))
    T = np.random.default_rng(2).normal(size=(6, 2))

    def pair(self, make: Make) -> tuple[Sequential[Any], Optimizer]:
        rng = np.random.default_rng(0)
        shared = Dense(4, 4, rng=rng)
        network = Sequential[Any](
            Dense(3, 4, rng=rng), Tanh(), shared, Tanh(), shared, Dense(4, 2, rng=rng)
        )
        return network, make(network.parameters())

    def backward(self, network: Sequential[Any]) -> None:
        Y, backward = network.forward(self.X)
        backward(MeanSquaredError()(Y, self.T)[1])

    def train(self, network: Sequential[Any], optimizer: Optimizer) -> list[Array]:
        for _ in range(3):
            self.backward(network)
            optimizer.step()
        return [p.value.copy() for p in network.parameters()]

    @pytest.mark.parametrize("order", ["network first", "optimizer first"])
    def test_go_on_bit_for_bit(self, make: Make, copy: Callable[[Any], Any], order: str) -> None:
        network, optimizer = self.pair(make)
        self.train(network, optimizer)
        if order == "network first":
            other, other_optimizer = copy((network, optimizer))
        else:
            other_optimizer, other = copy((optimizer, network))
        start = [p.value.copy() for p in network.parameters()]
        expected = self.train(network, optimizer)
        np.testing.assert_equal([p.value for p in other.parameters()], start)
        np.testing.assert_equal(self.train(other, other_optimizer), expected)
        np.testing.assert_equal([p.value for p in network.parameters()], expected)

    def test_a_gradient_on_its_way_is_copied(self, make: Make, copy: Callable[[Any], Any]) -> None:
        network, optimizer = self.pair(make)
        self.train(network, optimizer)
        self.backward(network)
        other, other_optimizer = copy((network, optimizer))
        optimizer.step()
        other_optimizer.step()
        for p, q in zip(network.parameters(), other.parameters(), strict=True):
            np.testing.assert_array_equal(p.value, q.value)
            assert not q.has_grad

    def test_the_setting_is_copied(self, make: Make, copy: Callable[[Any], Any]) -> None:
        network, optimizer = self.pair(make)
        optimizer.learning_rate = 0.375
        assert copy((network, optimizer))[1].learning_rate == 0.375

    def test_copied_apart_the_step_is_refused(self, make: Make, copy: Callable[[Any], Any]) -> None:
        network, optimizer = self.pair(make)
        self.train(network, optimizer)
        other, other_optimizer = copy(network), copy(optimizer)
        self.backward(other)
        with raises(
            RuntimeError,
            f"{type(optimizer).__name__}: no gradient was added since the last step: call "
            "backward before step. If you did, this optimizer holds other parameters than the "
            "network: copy or pickle the two together, as in deepcopy((network, optimizer))",
        ):
            other_optimizer.step()


class TestOnesOwn:
    def test_a_formula_is_all_it_takes(self) -> None:
        class Signs(Optimizer):
            """θ ← θ − η sign(s) / t, s the sum of the gradients at step t."""

            def update(self, value: Vector, grad: Vector, *moments: Vector) -> None:
                (total,) = moments
                total += grad
                value -= self.learning_rate / self.steps * np.sign(total)

        p = Parameter(np.zeros((1, 2)))
        optimizer = Signs([p], 0.5, moments=1)
        assert optimizer.steps == 0
        assert steps(optimizer, p, [[[3.0, -4.0]], [[-1.0, 9.0]]]) == [
            [[-0.5, 0.5]],
            [[-0.75, 0.25]],
        ]
        assert optimizer.steps == 2
        optimizer.reset()
        assert optimizer.steps == 0
        assert steps(optimizer, p, [[[-1.0, 1.0]]]) == [[[-0.25, -0.25]]]
        with raises(ValueError, "Signs: learning_rate=-1 came, expected a positive number"):
            Signs([p], -1)

    def test_update_has_to_be_written(self) -> None:
        class Nothing(Optimizer):
            pass

        with pytest.raises(TypeError, match=r"abstract class Nothing .*update"):
            Nothing([Parameter(np.zeros(1))], 0.1)  # type: ignore[abstract]  # under test


def test_momentum_is_fixed() -> None:
    sgd: Any = SGD([Parameter(np.ones(1))], momentum=0.5)
    assert sgd.momentum == 0.5
    with pytest.raises(AttributeError, match="momentum"):
        sgd.momentum = 0.9


@pytest.mark.parametrize("rate", ["0.1", None, [0.1], 1j])
def test_a_learning_rate_that_is_no_number_is_refused(rate: Any) -> None:
    with raises(TypeError, f"SGD: learning_rate={rate!r} came, expected a number"):
        SGD([Parameter(np.ones(1))], rate)


def test_every_setting_that_is_no_number_is_refused() -> None:
    wrong: Any = "0.9"
    p = Parameter(np.ones(1))
    with raises(TypeError, "SGD: momentum='0.9' came, expected a number"):
        SGD([p], momentum=wrong)
    for name in "beta1", "beta2", "epsilon":
        with raises(TypeError, f"Adam: {name}='0.9' came, expected a number"):
            Adam([p], **{name: wrong})


@pytest.mark.parametrize("kind", [np.float32, np.float64, float])
def test_settings_are_floats_whatever_came(kind: Any) -> None:
    adam = Adam([Parameter(np.ones(1))], kind(0.5), beta1=kind(0.5), beta2=kind(0.25))
    settings = adam.learning_rate, *adam.betas, adam.epsilon
    assert settings == (0.5, 0.5, 0.25, 1e-8)
    assert all(type(number) is float for number in settings)


def test_an_epsilon_that_float32_does_not_hold_is_refused() -> None:
    """It would be 0, and 0 / 0 follows for a number that never had a gradient."""
    p = Parameter(np.ones(1, np.float32))
    with raises(
        ValueError,
        "Adam: epsilon=1e-45 came, expected at least 1.2e-38, the smallest number of this dtype "
        "that keeps its digits",
    ):
        Adam([p], epsilon=1e-45)
    Adam([p], epsilon=1e-37)
    Adam([Parameter(np.ones(1))], epsilon=1e-45)


def test_moments_in_memory_that_cannot_be_written_are_copied() -> None:
    """As joblib hands a network and its optimizer to another process."""
    p = Parameter(np.ones(3))
    adam = Adam([p], 0.1)
    steps(adam, p, [[1.0, 2.0, 3.0]])
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps((p, adam), protocol=5, buffer_callback=buffers.append)
    q, other = pickle.loads(data, buffers=[bytes(buffer.raw()) for buffer in buffers])
    gradients = [[1.0, 0.0, -1.0], [0.5, 0.5, 0.5]]
    assert steps(other, q, gradients) == steps(adam, p, gradients)
