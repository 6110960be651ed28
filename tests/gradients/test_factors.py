"""What a constant factor is."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from layerwise.arrays import Array
from layerwise.gradients import factors
from layerwise.gradients.factors import Run, _longer, _own, factor_in_words
from layerwise.gradients.function import Function
from layerwise.gradients.point import Point
from layerwise.layers.base import Layer
from layerwise.parameter import Parameter
from tests.gradients.points import Watched, Way, normal, point_of

SUM, MEAN = ", as by a sum for a mean", ", as by a mean for a sum"


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What is said of a factor for Y of this shape, as X, if it is another one for longer X."""

    def found(
        factor: float, *shape: int, longer: dict[tuple[int, ...], float] | None = None
    ) -> str:
        runs = [Run(f, Y, Y) for Y, f in (longer or {}).items()]
        monkeypatch.setattr(factors, "_longer", lambda point, name: runs)
        return factor_in_words(point_of(lambda x: x, normal(*shape)), "X", factor)

    return found


def _constant(factor: float) -> dict[tuple[int, ...], float]:
    return {(12, 4): factor, (6, 8): factor}


def test_the_wrong_sign(words: Callable[..., str]) -> None:
    for factor in (-1, -1.00009, -0.99991):
        assert words(factor, 6, 4) == "sign: the gradient has the wrong sign"
    assert words(-1.00011, 6, 4, longer=_constant(-1.00011)) == (
        "factor -1.00011: the gradient is -1.00011 times the right one"
    )


def test_digits_of_a_number(words: Callable[..., str]) -> None:
    for factor, number in (
        (3.7123456789, "3.71235"), (1.00112345678, "1.00112"), (1.00091234567, "1.000912346"),
        (0.99912345678, "0.9991234568"), (0.99888345678, "0.998883"),
    ):  # fmt: skip
        assert words(factor, 6, 4, longer=_constant(factor)) == (
            f"factor {number}: the gradient is {number} times the right one"
        )


@pytest.mark.parametrize(("factor", "name"), [(2, "2"), (0.5, "1/2"), (-2, "-2"), (-0.5, "-1/2")])
def test_plain_numbers(words: Callable[..., str], factor: float, name: str) -> None:
    so = f": the gradient is {factor:g} times the right one"
    assert words(factor, 6, 4, longer=_constant(factor)) == f"factor {name}{so}"


@pytest.mark.parametrize(
    ("of", "name"),
    [
        (lambda n, m: n, "n, the rows of the batch (6)" + SUM),
        (lambda n, m: 1 / n, "1/n, one over the rows of the batch (6)" + MEAN),
        (lambda n, m: m, "5, axis 1 of Y (5)" + SUM),
        (lambda n, m: 1 / m, "1/5, one over axis 1 of Y (5)" + MEAN),
        (lambda n, m: n * m, "30, axes 0 and 1 of Y (6 x 5)" + SUM),
        (lambda n, m: 1 / (n * m), "1/30, one over axes 0 and 1 of Y (6 x 5)" + MEAN),
        (lambda n, m: n**0.5, "2.44949, the square root of the rows of the batch (6)"),
        (lambda n, m: m**-0.5, "0.447214, one over the square root of axis 1 of Y (5)"),
    ],
)
def test_lengths_that_go_with_the_factor(
    words: Callable[..., str], of: Callable[[int, int], float], name: str
) -> None:
    found = words(of(6, 5), 6, 5, longer={(12, 5): of(12, 5), (6, 10): of(6, 10)})
    assert found == f"factor {name}: the gradient is {of(6, 5):.6g} times the right one"


class Summed(Layer[Array, Array]):
    """Y = X summed over axis 1, with a gradient that is too large by its length."""

    def forward(self, X: Array, /) -> Way:
        def backward(grad: Array) -> Array:
            dX: Array = X.shape[1] * grad[:, np.newaxis] + 0 * X
            return dX

        return X.sum(axis=1), backward


def test_lengths_of_x() -> None:
    point = Point("here", Function(Summed(), normal(3, 7)), np.random.default_rng(0))
    assert factor_in_words(point, "X", 7.0) == (
        f"factor 7, axis 1 of X (7){SUM}: the gradient is 7 times the right one"
    )


def test_whole_roots_are_plain_numbers(words: Callable[..., str]) -> None:
    assert words(3, 6, 9) == "factor 3: the gradient is 3 times the right one"
    assert words(3, 9, 6, longer={(18, 6): 18**0.5}) == (
        "factor 3: the gradient is 3 times the right one"
    )


@pytest.mark.parametrize("n", [3, 8, 17])
def test_the_square_root_of_a_number(words: Callable[..., str], n: int) -> None:
    root = n**0.5
    assert words(root, 6, 4, longer=_constant(root)) == (
        f"factor {root:.6g}, the square root of {n}: the gradient is {root:.6g} times the right one"
    )
    assert words(1 / root, 6, 4, longer=_constant(1 / root)) == (
        f"factor {1 / root:.6g}, one over the square root of {n}: the gradient is {1 / root:.6g} "
        "times the right one"
    )


def test_a_square_root_is_one_to_a_millionth(words: Callable[..., str]) -> None:
    for off, root in ((0.9e-6, True), (1.1e-6, False)):
        factor = (3 * (1 + off)) ** 0.5
        assert ("square root of 3" in words(factor, 6, 4, longer=_constant(factor))) == root


def test_rows_or_a_number_is_not_settled_without_longer_runs(words: Callable[..., str]) -> None:
    so = ": the gradient is {} times the right one"
    assert words(2, 2, 5) == "a constant factor" + so.format(2)
    assert words(0.5, 2, 5) == "a constant factor" + so.format(0.5)
    assert words(0.5, 2, 5, longer={(4, 5): 0.25}) == (
        f"factor 1/n, one over the rows of the batch (2){MEAN}" + so.format(0.5)
    )
    assert words(0.5, 2, 5, longer={(4, 5): 0.5}) == "factor 1/2" + so.format(0.5)
    assert words(3, 3, 5) == f"factor n, the rows of the batch (3){SUM}" + so.format(3)
    assert words(5, 5, 5) == "a constant factor" + so.format(5)
    assert words(5, 5, 5, longer={(10, 5): 10}) == (
        f"factor n, the rows of the batch (5){SUM}" + so.format(5)
    )


def test_a_length_that_stays_is_named_if_nothing_else_fits(words: Callable[..., str]) -> None:
    """Longer along axis 0 alone: what is as long as axis 1 may be a number of its own."""
    assert words(5, 6, 5, longer={(12, 5): 5}) == "factor 5: the gradient is 5 times the right one"


def test_a_name_fits_to_a_ten_thousandth(words: Callable[..., str]) -> None:
    for off, plain in ((0.9e-4, True), (1.1e-4, False)):
        factor = 2 * (1 + off)
        assert (words(factor, 6, 4, longer=_constant(factor)).startswith("factor 2: ")) == plain


def test_answers_of_other_axes_say_nothing(words: Callable[..., str]) -> None:
    assert words(6, 6, 4, longer={(12, 4): 12, (48,): 48}) == (
        f"factor n, the rows of the batch (6){SUM}: the gradient is 6 times the right one"
    )


# Numbers of the layer -----------------------------------------------------------------------------


class Kept(Layer[Array, Array]):
    """Y = X, with anything kept."""

    def __init__(self, **kept: Any) -> None:
        vars(self).update(kept)

    times = 1  # whole numbers are not named

    def forward(self, X: Array, /) -> Way:
        def backward(grad: Array) -> Array:
            return self.times * grad

        return X, backward


def test_what_a_number_may_have_been_made_to() -> None:
    found = dict(_own(Kept(p=0.36)))
    assert found == pytest.approx(
        {
            "1 - p": 0.64, "1 / (1 - p)": 1 / 0.64, "(1 - p) ** 2": 0.64**2,
            "sqrt(1 - p)": 0.8, "1 / sqrt(1 - p)": 1.25,
            "p": 0.36, "1 / p": 1 / 0.36, "p ** 2": 0.36**2, "sqrt(p)": 0.6, "1 / sqrt(p)": 1 / 0.6,
        }
    )  # fmt: skip
    assert list(dict(_own(Kept(s=1.0)))) == ["s", "1 / s", "s ** 2", "sqrt(s)", "1 / sqrt(s)"]
    found = dict(_own(Kept(s=Parameter(np.full(1, -2.0)))))
    assert found["exp(s)"] == pytest.approx(np.exp(-2))
    assert found["1 / exp(s)"] == pytest.approx(np.exp(2))
    assert dict(_own(Kept(s=Parameter(np.full(1, 1e4)))))["exp(s)"] == pytest.approx(np.exp(50))
    assert "s" not in dict(_own(Kept(s=-2.5)))
    for other in (3, "2.5", None, np.ones(1)):
        assert list(_own(Kept(s=other))) == []


def test_numbers_in_what_a_layer_keeps() -> None:
    kept = Kept(
        inner=Kept(scale=2.0), many=[{"one": 3.0}, (4.0,)], a=Parameter(np.full(1, 5.0)),
        b=Parameter(np.full(2, 6.0)),
    )  # fmt: skip
    names = {words: value for words, value in _own(kept) if " " not in words and "(" not in words}
    assert names == {"inner.scale": 2, "many.0.one": 3, "many.1.0": 4, "a": 5}


def test_a_number_of_the_layer_is_named_first() -> None:
    for times, words in ((2, "1 / (1 - p)"), (9, "q ** 2")):
        layer = Kept(p=0.5, q=3.0, times=times)
        point = Point("here", Function(layer, normal(6, 3)), np.random.default_rng(0))
        assert factor_in_words(point, "X", times) == (
            f"factor {times}, which is {words}: the gradient is {times} times the right one"
        )


# Longer runs --------------------------------------------------------------------------------------


def _runs(f: Callable[[Array], Array], slope: Callable[[Array], Array], *shape: int) -> list[Run]:
    return list(_longer(point_of(f, normal(*shape), slope), "X"))


def test_a_run_for_each_axis_twice_as_long() -> None:
    found = _runs(np.sin, lambda x: len(x) * np.cos(x), 3, 2)
    assert [(run.X, run.Y) for run in found] == [((6, 2), (6, 2)), ((3, 4), (3, 4))]
    assert [run.factor for run in found] == pytest.approx([6, 3], rel=1e-6)


def test_a_step_is_of_the_size_of_the_tensor() -> None:
    f = Watched(lambda x: 3.0 * x)
    point = point_of(f, 1e3 * normal(1, 2), lambda x: 1e6 * np.ones_like(x))
    f.at.clear()
    assert [run.factor for run in _longer(point, "X")] == pytest.approx([1e6 / 3] * 2, rel=1e-6)
    x = float(point.function.base["X"][0, 0])
    size = np.sqrt(np.mean(point.function.base["X"] ** 2))
    moves = np.abs(np.array(f.at) - x)
    assert 1e-6 * size < moves.max() < 4e-5 * size


def test_lengths_that_the_layer_does_not_take_are_left_out() -> None:
    def rows_of_2(x: Array) -> Array:
        if x.shape[1] != 2:
            raise ValueError("rows of 2")
        return np.sin(x)

    assert [run.X for run in _runs(rows_of_2, np.cos, 3, 2)] == [(6, 2)]

    def finite(x: Array) -> Array:
        return x * (1 if len(x) == 3 else np.inf)

    with np.errstate(invalid="ignore"):
        assert [run.X for run in _runs(finite, np.ones_like, 3, 2)] == [(3, 4)]


class Product(Layer[tuple[Array, Array], Array]):
    """Y = a b X, with a number of each row."""

    def __init__(self) -> None:
        self.b = Parameter(np.full(1, 2.0))

    def forward(self, X: tuple[Array, Array], /) -> tuple[Array, Callable[[Array], Any]]:
        A, a = X

        def backward(grad: Array) -> tuple[Array, Array]:
            self.b.add_grad((grad * a[:, np.newaxis] * A).sum().reshape(1) * len(A))
            return grad * a[:, np.newaxis] * self.b.value, (grad * A).sum(axis=1) * self.b.value

        return self.b.value * a[:, np.newaxis] * A, backward


def test_all_inputs_of_that_length_grow() -> None:
    layer = Product()
    function = Function(layer, (normal(4, 4), normal(4, seed=1)), {"b": np.full(1, 3.0)})
    found = list(_longer(Point("here", function, np.random.default_rng(0)), "b"))
    assert [(run.X, run.Y) for run in found] == [((8, 4), (8, 4)), ((4, 8), (4, 8))]
    assert [run.factor for run in found] == pytest.approx([8, 4], rel=1e-6)
    function = Function(layer, (normal(4, 3), normal(4, seed=1)))
    found = list(_longer(Point("here", function, np.random.default_rng(0)), "X[0]"))
    assert [run.factor for run in found] == pytest.approx([1, 1], rel=1e-6)
