"""Each optimizer by hand, by its paper's formula, and as PyTorch's."""

from collections.abc import Callable
from importlib.util import find_spec
from math import inf, nan, sqrt
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Lion,
    Optimizer,
    Parameter,
    RMSprop,
    step_decay,
)
from tests import torch_numbers
from tests.raising import raises
from tests.stepping import steps


class TestSGD:
    def test_by_hand(self) -> None:
        p = Parameter(np.array([1.0, -1.0]))
        assert steps(SGD([p], 0.5), p, [[2.0, 4.0], [-1.0, 1.0]]) == [[0.0, -3.0], [0.5, -3.5]]

    def test_momentum_as_in_the_course(self) -> None:
        """Part 4.5 prints the velocities; from zero, the value is their sum."""
        p = Parameter(np.zeros((2, 2)))
        gradients = [[[1.0, 2.0], [3.0, 4.0]], [[0.5, 1.5], [2.5, 3.5]]]
        values = steps(SGD([p], 0.1, momentum=0.9), p, gradients)
        first, second = np.array([[-0.1, -0.2], [-0.3, -0.4]]), [[-0.14, -0.33], [-0.52, -0.71]]
        np.testing.assert_allclose(values[0], first, rtol=1e-14)
        np.testing.assert_allclose(values[1], first + second, rtol=1e-14)

    def test_nesterov_by_hand(self) -> None:
        """v: -1, then -1/2 - 2 = -5/2. Steps: -1/2 - 1 = -3/2, then -5/4 - 2 = -13/4."""
        p = Parameter(np.array([0.0]))
        optimizer = SGD([p], 0.5, momentum=0.5, nesterov=True)
        assert steps(optimizer, p, [[2.0], [4.0]]) == [[-1.5], [-4.75]]

    def test_a_new_learning_rate_holds_for_new_gradients_only(self) -> None:
        """v: -1, then -1/2 - 4 = -9/2."""
        p = Parameter(np.array([0.0]))
        optimizer = SGD([p], 0.5, momentum=0.5)
        assert steps(optimizer, p, [[2.0]]) == [[-1.0]]
        optimizer.learning_rate = 1.0
        assert steps(optimizer, p, [[4.0]]) == [[-5.5]]

    def test_the_learning_rate_is_a_hundredth_by_default(self) -> None:
        assert SGD([Parameter(np.zeros(1))]).learning_rate == 0.01

    @pytest.mark.parametrize("momentum", [-0.1, 1, 1.5, nan])
    def test_other_momenta_are_refused(self, momentum: float) -> None:
        with raises(ValueError, f"SGD: momentum={momentum} came, expected at least 0 and below 1"):
            SGD([Parameter(np.zeros(1))], momentum=momentum)

    def test_nesterov_without_momentum_is_refused(self) -> None:
        with raises(
            ValueError,
            "SGD: nesterov=True without momentum came, expected one, as in momentum=0.9",
        ):
            SGD([Parameter(np.zeros(1))], nesterov=True)


class TestAdam:
    def test_two_steps_by_hand(self) -> None:
        """β₁ = 1/2 and β₂ = 3/4, with gradients 2 and then 1.

        m: 1, 1; m̂: 1 / (1/2) = 2, 1 / (3/4) = 4/3.
        v: 1, 3/4 + 1/4 = 1; v̂: 1 / (1/4) = 4, 1 / (7/16) = 16/7.
        """
        p = Parameter(np.array([5.0]))
        optimizer = Adam([p], 0.1, beta1=0.5, beta2=0.75, epsilon=0.5)
        values = steps(optimizer, p, [[2.0], [1.0]])
        first = 5 - 0.1 * 2 / (2 + 0.5)
        second = first - 0.1 * (4 / 3) / (4 / sqrt(7) + 0.5)
        np.testing.assert_allclose(values, [[first], [second]], rtol=1e-14)

    @given(data=st.data())
    def test_the_textbook_formula(self, data: st.DataObject) -> None:
        rng = np.random.default_rng(data.draw(st.integers(0, 999)))
        beta1 = data.draw(st.sampled_from([0.0, 0.5, 0.9]))
        beta2 = data.draw(st.sampled_from([0.0, 0.5, 0.999]))
        epsilon = data.draw(st.sampled_from([1e-8, 1.0]))
        rate = data.draw(st.sampled_from([0.001, 0.1]))
        gradients = rng.normal(size=(8, 3)) * 10.0 ** rng.integers(-3, 4, (8, 3))
        p = Parameter(np.ones(3))
        optimizer = Adam([p], rate, beta1=beta1, beta2=beta2, epsilon=epsilon)
        theta, m, v = np.ones(3), np.zeros(3), np.zeros(3)
        for t, g in enumerate(gradients, 1):
            steps(optimizer, p, [g])
            m = beta1 * m + (1 - beta1) * g
            v = beta2 * v + (1 - beta2) * g * g
            m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
            theta = theta - rate * m_hat / (np.sqrt(v_hat) + epsilon)
            np.testing.assert_allclose(p.value, theta, rtol=1e-11)

    def test_the_first_step_is_the_learning_rate_whatever_the_size(self) -> None:
        p = Parameter(np.zeros(4))
        values = steps(Adam([p], 0.5), p, [[1e-3, -1e-3, 1e6, 0.0]])
        np.testing.assert_allclose(values, [[-0.5, 0.5, -0.5, 0.0]], rtol=1.1e-5)

    def test_a_new_learning_rate_scales_the_whole_step(self) -> None:
        p, q = Parameter(np.zeros(1)), Parameter(np.zeros(1))
        one, other = Adam([p], 0.5), Adam([q], 0.5)
        other.learning_rate = 0.125
        (((a,),), ((b,),)) = steps(one, p, [[3.0]]), steps(other, q, [[3.0]])
        assert a == 4 * b

    def test_float32_is_computed_in_float32(self) -> None:
        """Bit for bit: every factor is rounded to float32 before it is used."""
        rng, f = np.random.default_rng(0), np.float32
        p = Parameter(rng.standard_normal(1000, dtype=f))
        adam, value = Adam([p], 0.1, epsilon=0.3), p.value.copy()
        m, v = np.zeros(1000, f), np.zeros(1000, f)
        for t in 1, 2, 3:
            g = rng.standard_normal(1000, dtype=f)
            p.add_grad(g)
            adam.step()
            m, v = m * f(0.9) + g, v * f(0.999) + g * g
            m_scale, v_scale = (1 - 0.9) / (1 - 0.9**t), sqrt((1 - 0.999) / (1 - 0.999**t))
            step = m / (np.sqrt(v) + f(0.3 / v_scale)) * f(0.1 * m_scale / v_scale)
            value -= step
            assert np.array_equal(p.value, value)

    def test_defaults(self) -> None:
        adam = Adam([Parameter(np.zeros(1))])
        assert (adam.learning_rate, adam.betas) == (0.001, (0.9, 0.999))
        assert adam.epsilon == 1e-8

    @pytest.mark.parametrize("name", ["beta1", "beta2"])
    @pytest.mark.parametrize("beta", [-0.1, 1, 2.0, nan])
    def test_other_betas_are_refused(self, name: str, beta: float) -> None:
        options: Any = {name: beta}
        with raises(ValueError, f"Adam: {name}={beta} came, expected at least 0 and below 1"):
            Adam([Parameter(np.zeros(1))], **options)

    @pytest.mark.parametrize("epsilon", [0, -1e-8, inf, nan])
    def test_other_epsilons_are_refused(self, epsilon: float) -> None:
        with raises(ValueError, f"Adam: epsilon={epsilon} came, expected a positive number"):
            Adam([Parameter(np.zeros(1))], epsilon=epsilon)


class TestAsPyTorch:
    """The options of torch_numbers.OPTIMIZERS, by the names that they have here."""

    SAME: ClassVar[dict[str, Callable[[list[Parameter]], Optimizer]]] = {
        "SGD": lambda p: SGD(p, 0.05),
        "SGD, defaults, clipped": lambda p: SGD(p, clip_norm=0.75),
        "SGD, momentum": lambda p: SGD(p, 0.05, momentum=0.9),
        "SGD, Nesterov": lambda p: SGD(p, 0.05, momentum=0.9, nesterov=True),
        "Adam": Adam,
        "Adam, large, clipped": lambda p: Adam(
            p, 0.1, beta1=0.8, beta2=0.9, epsilon=1e-3, clip_norm=0.75
        ),
        "AdamW": AdamW,
        "AdamW, large": lambda p: AdamW(p, 0.1, weight_decay=0.5),
        "RMSprop": RMSprop,
        "RMSprop, large": lambda p: RMSprop(p, 0.1, alpha=0.8, epsilon=1e-2),
        "Adagrad": Adagrad,
        "Adagrad, large": lambda p: Adagrad(p, 0.5, epsilon=1e-2),
    }

    @pytest.mark.parametrize("name", torch_numbers.OPTIMIZERS)
    def test_a_hundred_steps_agree_to_rounding(self, name: str) -> None:
        W, b = Parameter(torch_numbers.W), Parameter(torch_numbers.b)
        optimizer, expected = self.SAME[name]([b, W]), torch_numbers.stored()["values"][name]
        for step in range(1, 101):
            for p in W, b:
                p.add_grad(torch_numbers.gradient(p.value, step))
            optimizer.step()
            if step in torch_numbers.SEEN:
                for p, values in zip((W, b), expected.pop(str(step)), strict=True):
                    np.testing.assert_allclose(p.value, values, rtol=1e-12, atol=1e-13)
        assert not expected

    if find_spec("torch") is not None:

        def test_the_stored_numbers_are_what_it_gives(self) -> None:
            """Where it is installed; elsewhere the stored ones stand for it."""
            for part, numbers in torch_numbers.made().items():
                stored = torch_numbers.stored()[part]
                assert stored.keys() == numbers.keys()
                for name, found in numbers.items():
                    steps = found if isinstance(found, dict) else {"": found}
                    kept = stored[name] if isinstance(found, dict) else {"": stored[name]}
                    for step, values in steps.items():
                        for one, other in zip(values, kept[step], strict=True):
                            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13)


class TestRMSprop:
    def test_two_steps_by_hand(self) -> None:
        """α = 3/4, with gradients 2 and then 1. v: 1, 3/4 + 1/4 = 1."""
        p = Parameter(np.array([5.0]))
        optimizer = RMSprop([p], 0.5, alpha=0.75, epsilon=1.0)
        assert steps(optimizer, p, [[2.0], [1.0]]) == [[4.5], [4.25]]

    def test_it_is_adam_without_the_first_mean_and_the_correction(self) -> None:
        """At t → ∞ the correction is 1; after one step it is 1 / (1 − β₂)."""
        p, q = Parameter(np.zeros(1)), Parameter(np.zeros(1))
        (((one,),), ((other,),)) = (
            steps(RMSprop([p], 0.1, alpha=0.96), p, [[3.0]]),
            steps(Adam([q], 0.1, beta1=0.0, beta2=0.96), q, [[3.0]]),
        )
        assert one == pytest.approx(5 * other, rel=1e-6)

    def test_settings_are_refused(self) -> None:
        p = [Parameter(np.ones(1))]
        with raises(ValueError, "RMSprop: alpha=1 came, expected at least 0 and below 1"):
            RMSprop(p, alpha=1)
        with raises(ValueError, "RMSprop: epsilon=0 came, expected a positive number"):
            RMSprop(p, epsilon=0)


class TestAdagrad:
    def test_two_steps_by_hand(self) -> None:
        """Gradients 3 and then 4. s: 9, 25."""
        p = Parameter(np.array([5.0]))
        optimizer = Adagrad([p], 0.5, epsilon=1.0)
        assert steps(optimizer, p, [[3.0], [4.0]]) == [[5 - 1.5 / 4], [5 - 1.5 / 4 - 2 / 6]]

    def test_settings_are_refused(self) -> None:
        with raises(
            ValueError,
            "Adagrad: epsilon=1e-45 came, expected at least 1.2e-38, the smallest number of this "
            "dtype that keeps its digits",
        ):
            Adagrad([Parameter(np.ones(1, np.float32))], epsilon=1e-45)


class TestLion:
    def test_three_steps_by_hand(self) -> None:
        """β₁ = 1/2 and β₂ = 3/4, with gradients 4, −2 and −1, and a decay of η λ = 1/8.

        c: 2, 1/2 − 1 = −1/2, 1/8 − 1/2 = −3/8. m: 1, 3/4 − 1/2 = 1/4, ...
        """
        W, b = Parameter(np.array([[8.0]])), Parameter(np.array([8.0]))
        lion = Lion([W, b], 0.25, beta1=0.5, beta2=0.75, weight_decay=0.5)
        found = []
        for g in 4.0, -2.0, -1.0:
            W.add_grad(np.array([[g]]))
            b.add_grad(np.array([g]))
            lion.step()
            found.append((W.value.item(), b.value.item()))
        first = 7 / 8 * 8 - 0.25
        second = 7 / 8 * first + 0.25
        assert found == [(first, 7.75), (second, 8.0), (7 / 8 * second + 0.25, 8.25)]
        assert lion.moments[0].tolist() == [-0.0625, -0.0625]

    @given(data=st.data())
    def test_the_paper_s_algorithm(self, data: st.DataObject) -> None:
        rng = np.random.default_rng(data.draw(st.integers(0, 999)))
        beta1 = data.draw(st.sampled_from([0.0, 0.5, 0.9]))
        beta2 = data.draw(st.sampled_from([0.0, 0.5, 0.99]))
        decay = data.draw(st.sampled_from([0.0, 0.5]))
        p = Parameter(np.ones((2, 3)))
        lion = Lion([p], 0.1, beta1=beta1, beta2=beta2, weight_decay=decay)
        theta, m = np.ones((2, 3)), np.zeros((2, 3))
        for g in rng.normal(size=(100, 2, 3)):
            steps(lion, p, [g])
            c = beta1 * m + (1 - beta1) * g
            theta = theta - 0.1 * (np.sign(c) + decay * theta)
            m = beta2 * m + (1 - beta2) * g
            np.testing.assert_allclose(p.value, theta, rtol=1e-11, atol=1e-13)

    def test_no_gradient_no_step(self) -> None:
        p = Parameter(np.array([1.0, 1.0]))
        assert steps(Lion([p], 0.5), p, [[3.0, 0.0]]) == [[0.5, 1.0]]

    def test_defaults(self) -> None:
        """Those of the paper's authors: decay is asked for."""
        p = Parameter(np.ones((1, 1)))
        lion = Lion([p])
        assert lion.learning_rate == 1e-4
        steps(lion, p, [[[1.0]], [[-9.5]]])  # 9 × 0.01 against 9.5 × 0.1: β₁ is 0.9
        assert p.value.item() == pytest.approx(1.0, abs=1e-15)
        assert lion.moments[0].item() == pytest.approx(0.99 * 0.01 - 0.095, rel=1e-12)

    @pytest.mark.parametrize("name", ["beta1", "beta2"])
    def test_other_betas_are_refused(self, name: str) -> None:
        options: Any = {name: 1}
        with raises(ValueError, f"Lion: {name}=1 came, expected at least 0 and below 1"):
            Lion([Parameter(np.zeros(1))], **options)


@pytest.mark.parametrize("kind", [AdamW, Lion])
class TestWeightDecay:
    def test_only_parameters_of_two_or_more_axes_shrink(
        self, kind: type[AdamW] | type[Lion]
    ) -> None:
        """Without a gradient to speak of, whatever the order they come in; many chunks of them."""
        gain, kernel = Parameter(np.ones(70_000)), Parameter(np.ones((2, 2, 2)))
        weights = Parameter(np.ones((300, 300)))
        optimizer = kind([gain, weights, kernel], 0.5, weight_decay=0.25)
        for p in gain, weights, kernel:
            p.add_grad(np.zeros(p.shape))
        optimizer.step()
        assert (gain.value == 1).all()
        assert (weights.value == 0.875).all()
        assert (kernel.value == 0.875).all()

    def test_it_follows_the_learning_rate(self, kind: type[AdamW] | type[Lion]) -> None:
        p = Parameter(np.ones((1, 1)))
        optimizer = kind([p], step_decay(0.5, 0.5, every=1), weight_decay=0.5)
        assert steps(optimizer, p, [[[0.0]]] * 2) == [[[0.75]], [[0.75 * 0.875]]]

    @pytest.mark.parametrize("decay", [-0.1, inf, nan])
    def test_others_are_refused(self, kind: type[AdamW] | type[Lion], decay: float) -> None:
        with raises(
            ValueError,
            f"{kind.__name__}: weight_decay={decay} came, expected a finite number of at least 0",
        ):
            kind([Parameter(np.zeros(1))], weight_decay=decay)


class TestAdamW:
    def test_without_decay_it_is_adam_bit_for_bit(self) -> None:
        p, q = Parameter(np.ones((1, 2))), Parameter(np.ones((1, 2)))
        gradients = [[[1.0, -2.0]], [[0.5, 0.25]]]
        assert steps(AdamW([p], 0.1, weight_decay=0), p, gradients) == steps(
            Adam([q], 0.1), q, gradients
        )

    def test_defaults(self) -> None:
        p = Parameter(np.ones((1, 1)))
        adamw = AdamW([p])
        assert (adamw.learning_rate, adamw.betas, adamw.epsilon) == (0.001, (0.9, 0.999), 1e-8)
        assert steps(adamw, p, [[[0.0]]]) == [[[1 - 0.001 * 0.01]]]

    def test_it_speaks_under_its_own_name(self) -> None:
        with raises(ValueError, "AdamW: beta1=1 came, expected at least 0 and below 1"):
            AdamW([Parameter(np.zeros(1))], beta1=1)
        with raises(ValueError, "AdamW: epsilon=0 came, expected a positive number"):
            AdamW([Parameter(np.zeros(1))], epsilon=0)
