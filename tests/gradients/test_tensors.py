"""Tensors: along which directions, and which elements."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from layerwise.arrays import Array
from layerwise.gradients import tensors
from layerwise.gradients.differences import Slope, element_slope, slope
from layerwise.gradients.function import Function, rms
from layerwise.gradients.point import Point
from layerwise.gradients.report import Comparison, TensorReport
from layerwise.gradients.tensors import (
    _chosen,
    _directional,
    _directions,
    _elements,
    _everything,
    _halving,
    _per_unit,
    _unit,
    check_tensor,
    off_together,
)
from layerwise.layers.base import Layer
from layerwise.parameter import Parameter
from tests.gradients.points import Way, normal, numbers, point_of


class Product(Layer[Array, Array]):
    """Y = w X, whose way back a test bends."""

    def __init__(self, size: int, bend: Callable[[Array], Array] = np.copy) -> None:
        self.w, self.bend = Parameter(np.linspace(1, 2, size)), bend

    def forward(self, X: Array, /) -> Way:
        def backward(grad: Array) -> Array:
            self.w.add_grad((grad * X).sum(axis=0))
            return self.bend(grad * self.w.value)

        return self.w.value * X, backward


def _point(
    X: Array, bend: Callable[[Array], Array] = np.copy, values: Array | None = None
) -> Point:
    layer = Product(X.shape[1], bend)
    if values is not None:
        layer.w.value = values
    return Point("here", Function(layer, X), np.random.default_rng(1))


def _at(*wrong: int, off: float = 2.0) -> Callable[[Array], Array]:
    """A gradient that is wrong in these entries."""

    def bend(g: Array) -> Array:
        g = g.copy()
        g.ravel()[list(wrong)] *= off
        return g

    return bend


def _check(
    point: Point, name: str = "X", *, everything: bool = False, full: bool = False
) -> TensorReport:
    return check_tensor(point, name, everything=everything, full=full, progress=False)


def test_a_right_tensor_is_seen_along_four_directions_or_in_full_mode_one() -> None:
    point = _point(normal(4, 5))
    found = _check(point)
    assert [c.where for c in found.comparisons] == [
        "a random direction", "a direction in proportion to the values", "all entries alike",
        "the direction of the values",
    ]  # fmt: skip
    assert (found.count("proven"), found.name, found.shape, found.point) == (4, "X", (4, 5), "here")
    assert len(_check(point, full=True).comparisons) == 1
    every = _check(point, everything=True, full=True)
    assert [c.where for c in every.comparisons][:6] == [
        "X[0, 0]", "X[0, 1]", "X[0, 2]", "X[0, 3]", "X[0, 4]", "X[1, 0]",
    ]  # fmt: skip
    assert (every.count("proven"), every.unit) == (20, "elements")
    assert every.errors is not None
    assert every.errors.max() < 1e-9


def test_in_full_mode_directions_go_on_until_one_is_proven() -> None:
    point = _point(normal(4, 5), lambda g: 1.1 * g)
    assert len(_directional(point, "X", full=True)[0].comparisons) == 4


def test_a_wrong_tensor_is_seen_element_by_element() -> None:
    found = _check(_point(normal(4, 5), _at(3, 11)))
    assert [c.where for c in found.comparisons if c.state == "wrong"] == ["X[0, 3]", "X[2, 1]"]
    assert (found.count("proven"), found.name, found.shape, found.point) == (
        18,
        "X",
        (4, 5),
        "here",
    )


def test_a_kink_leads_to_the_elements_too() -> None:
    point = point_of(lambda x: np.maximum(x, 0), [0.0, 1.0, -1.0, 2.0], lambda x: 1.0 * (x > 0))
    found = _check(point)
    assert [c.state for c in found.comparisons] == ["kink", "proven", "proven", "proven"]
    assert found.numeric is not None
    assert np.isnan(found.numeric).tolist() == [[True, False, False, False]]


def test_at_kinks_some_elements_are_enough() -> None:
    found = _check(point_of(np.abs, np.zeros(60), np.zeros_like))
    assert (found.unit, found.count("kink")) == ("elements", 48)


@pytest.mark.parametrize(
    ("X", "names"),
    [
        ([[3.0]], 1), ([[3.0, 4.0]], 4), ([[0.0, 0.0]], 2), ([[0.0]], 1),
    ],
)  # fmt: skip
def test_directions_are_of_the_size_of_the_tensor(X: list[list[float]], names: int) -> None:
    x = np.array(X)
    found = dict(_directions(x, np.random.default_rng(0)))
    assert len(found) == names
    alike = found["its one element"] if x.size == 1 else found["all entries alike"]
    assert np.all(alike == rms(x))


def test_random_directions() -> None:
    x = 3 + normal(2000)
    found = dict(_directions(x, np.random.default_rng(0)))
    assert np.std(found["a random direction"]) == pytest.approx(rms(x), rel=0.1)
    assert np.std(found["a direction in proportion to the values"] / x) == pytest.approx(1, rel=0.1)
    assert found["the direction of the values"] is x


def test_the_slope_that_tells_the_step_has_a_bound_if_any_has() -> None:
    point = point_of(lambda x: np.where(x < 0, np.nan, x), [0.0, 1.0, 2.0], np.ones_like)
    tensor, seen = _directional(point, "X", full=False)
    assert np.isfinite(seen.bound).all()  # only in proportion to the values nothing is below zero
    assert len(tensor.comparisons) == 4


# Elements -----------------------------------------------------------------------------------------


def test_a_step_in_one_element_is_of_the_size_that_changes_F_as_others_do() -> None:
    x = np.array([[1e-3, 1.0, 0.0, 1.0]])
    g = np.array([[1e3, 1.0, 1.0, 1e-9]])
    usual = rms(x)
    for scale in (1, 1e6, 1e-6):
        assert _unit(x, scale * g, (0, 0)).tolist() == [[1e-3, 0, 0, 0]]
    assert _unit(x, np.ones_like(x), (0, 0)).tolist() == [[usual, 0, 0, 0]]
    assert _unit(x, g, (0, 2)).tolist() == [[0, 0, usual, 0]]
    zero = np.zeros_like(x)
    assert _unit(x, zero, (0, 0)).tolist() == [[usual, 0, 0, 0]]
    assert _unit(-x, g, (0, 0)).tolist() == [[1e-3, 0, 0, 0]]


def test_the_smallest_gradients_have_a_logarithm() -> None:
    # Of a tiny gradient the element's own size, the larger, changes F more like others do.
    x, g = np.array([[5.0, 1.0]]), np.array([[0.5e-300, 1.0]])
    assert _unit(x, g, (0, 0))[0, 0] == 5
    g[0, 0] = 0.15e-300
    assert _unit(x, g, (0, 0))[0, 0] == pytest.approx(rms(x))  # no difference is seen below


def test_a_comparison_of_an_element_is_a_partial_derivative() -> None:
    found = _per_unit(Comparison("W[1]", 4.0, 6.0, 2.0, "wrong", 8.0), 2.0, 3.0)
    assert (found.where, found.analytic, found.numeric, found.bound) == ("W[1]", 2, 3, 1)
    assert (found.state, found.size) == ("wrong", 4)
    assert _per_unit(Comparison("W[1]", 4.0, 6.0, 2.0, "wrong", 8.0), 2.0, 5.0).size == 5


def test_an_element_is_as_fine_as_the_largest_and_let_off_a_hundred_millionth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes: list[Array] = []

    def noted(point: Point, direction: dict[str, Array], size: Array, *a: Any, **how: Any) -> Slope:
        sizes.append(size / direction["X"].sum())
        return element_slope(point, direction, size, *a, **how)

    monkeypatch.setattr(tensors, "element_slope", noted)
    X = 9 + normal(4, 5)
    found = _check(_point(X, _at(3, off=1 + 0.5e-8)), everything=True)
    assert found.count("proven") == 20
    largest = [np.abs(g["X"]).max() for g in _point(X).G]
    np.testing.assert_allclose(sizes, [largest] * 20)


def test_partial_derivatives_are_measured_against_the_largest() -> None:
    found = _check(_point(normal(4, 5)), everything=True)
    largest = max(np.abs(g["X"]).max() for g in _point(normal(4, 5)).G)
    np.testing.assert_allclose([c.size for c in found.comparisons], largest)


@pytest.mark.parametrize(("size", "chosen"), [(1024, 1024), (1025, 256)])
def test_so_many_are_measured_to_find_a_mistake(
    size: int, chosen: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensors, "_halving", lambda point, name: np.arange(0))
    point = _point(normal(1, size))
    found = _chosen(point, "X", wrong=True)
    assert len(set(found.tolist())) == len(found) == chosen
    assert len(_chosen(point, "X", wrong=False)) == 48
    assert len(_chosen(_point(normal(1, 7)), "X", wrong=False)) == 7


@pytest.mark.parametrize("place", [0, 516, 1099])
def test_the_one_wrong_element_of_many_is_found_by_halving(place: int) -> None:
    found = _halving(_point(normal(1, 1100), _at(place)), "X")
    assert place in found
    assert len(found) in (17, 18, 34)[:2]
    assert place in _chosen(_point(normal(1, 1100), _at(place)), "X", wrong=True)


def test_halving_ends_at_32() -> None:
    assert len(_halving(_point(normal(1, 32)), "X")) == 32
    assert len(_halving(_point(normal(1, 33)), "X")) < 32


def _noted(off: float, size: float, X: Array, bend: Callable[[Array], Array]) -> TensorReport:
    """What elements say where directions say "wrong", off by so much of the size."""
    directional = TensorReport("X", X.shape, "here")
    directional.comparisons.append(Comparison("a random direction", off, 0.0, 0.0, "wrong", size))
    point = _point(X, bend)
    _, seen = _directional(point, "X", full=False)
    return _elements(point, "X", seen, directional, everything=False, progress=False)


def test_an_error_that_no_element_has_is_believed_unless_it_is_tiny_and_all_were_seen() -> None:
    assert _noted(0.9e-7, 1.0, normal(2, 3), np.copy).count("proven") == 6
    assert _noted(1.1e-7, 1.0, normal(2, 3), np.copy).unit == "directions"
    assert _noted(1.0, 1.0, normal(2, 3), _at(2)).count("wrong") == 1


def test_a_bar_is_shown_if_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []

    @contextmanager
    def bar(total: int, name: str, shown: bool) -> Iterator[Callable[[], None]]:
        told.extend((total, name, shown))
        yield lambda: told.append("advance")

    monkeypatch.setattr(tensors, "progress_bar", bar)
    check_tensor(_point(normal(1, 3)), "X", everything=True, full=True, progress=True)
    assert told == [3, "X", True, "advance", "advance", "advance"]


# All together -------------------------------------------------------------------------------------


def test_all_together_is_right_or_not() -> None:
    assert off_together(_point(normal(4, 5))) is None
    assert off_together(_point(normal(4, 5), _at(3))) is not None
    assert off_together(_point(np.ones((4, 5)), lambda g: 1.1 * g)) is not None


def test_a_difference_of_a_ten_billionth_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[object] = []

    def noted(point: Point, direction: dict[str, Array], size: Array) -> Slope:
        looks.append(direction)
        return slope(point, direction, size)

    monkeypatch.setattr(tensors, "slope", noted)
    X = np.arange(10.0, 70.0, 10.0).reshape(2, 3)
    assert off_together(point_of(np.zeros_like, [1.0, 2.0])) is None
    assert looks == []
    for off, looked in ((1e-12, 0), (0.9e-10, 0), (1.1e-10, 1)):
        looks.clear()
        point = _point(X)
        monkeypatch.setattr(
            tensors, "two_differences",
            lambda p, d, off=off: p.analytic(d) + off * p.sizes(d),
        )  # fmt: skip
        assert off_together(point) is None
        assert len(looks) == looked


def test_equal_numbers_are_also_moved_alike() -> None:
    assert len(list(_everything(_point(10 * np.arange(6.0).reshape(2, 3))))) == 1
    X = np.array([[4.0, 3.0, 3.0]])
    random, alike, values = _everything(_point(X))
    assert random.keys() == {"X", "w"}
    np.testing.assert_array_equal(alike["X"], np.full((1, 3), rms(X)))
    np.testing.assert_array_equal(values["X"], X)
    assert alike.keys() == values.keys() == {"X"}
    # Equal parameters alone say nothing; but what a parameter shares with the inputs does.
    assert len(list(_everything(_point(np.arange(3.0).reshape(1, 3), values=3 * np.ones(3))))) == 1
    _, shared = _everything(_point(np.arange(3.0).reshape(1, 3), values=np.ones(3)))
    size = np.sqrt((0 + 1 + 4 + 1 + 1 + 1) / 6)
    np.testing.assert_allclose(shared["X"], np.full((1, 3), size))
    np.testing.assert_allclose(shared["w"], np.full(3, size))


def test_a_direction_of_all_moves_zeros_and_large_numbers() -> None:
    X = np.concatenate([np.zeros(1000), np.full(1000, 5.0)]).reshape(1, -1)
    d = next(iter(_everything(_point(X))))["X"][0]
    assert np.std(d[:1000]) == pytest.approx(rms(X), rel=0.1)
    assert np.std(d[1000:]) == pytest.approx(np.hypot(rms(X), 5), rel=0.1)
    assert numbers([1]).dtype == np.float64
