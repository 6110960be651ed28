"""What every layer promises: how far rounding may go, and what is compared."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from layerwise.arrays import Array
from layerwise.gradients.contract import (
    ASSIGNED,
    Fault,
    _added,
    _from_data,
    _independent,
    _Known,
    _linear,
    _other_inputs,
    _reproducible,
    difference,
    fingerprint,
    first_fault,
    same,
    shape_faults,
    tolerance,
)
from layerwise.gradients.function import EPS, Function
from layerwise.gradients.raised import OVERWRITTEN
from layerwise.layers.base import Layer
from layerwise.parameter import Parameter
from tests.gradients.points import Way, normal, numbers

X = normal(4, 3)
Bend = Callable[[Array, int], Array]


class Scale(Layer[Array, Array]):
    """Y = a X. What its gradient becomes in each call of backward, a test says."""

    def __init__(self, bend: Bend | None = None, **how: Any) -> None:
        self.a = Parameter(np.array([1.0, 2.0, 3.0]))
        self.bend, self.how = bend, how
        self.calls = np.zeros(1, int)

    def forward(self, X: Array, /) -> Way:
        a = self.a.value

        def backward(grad: Array) -> Array:
            g = (grad * X).sum(axis=0)
            self.a.add_grad(self.bend(g, len(X)) if self.bend else g)
            return grad * a

        return a * X, backward


def _texts(found: Any) -> list[str]:
    return [fault.text for fault in found]


def _known(layer: Layer[Any, Any], given: Any = X, allowed: float = 0.0) -> tuple[Function, _Known]:
    function = Function(layer, given)
    F = function.output()
    c = normal(F.size, seed=3)
    g = function.gradients(c)
    return function, _Known(F, c, g, dict.fromkeys(g, allowed))


def _fault(layer: Layer[Any, Any], given: Any = X) -> Fault | None:
    with np.errstate(all="ignore"):
        return first_fault(layer, given, np.random.default_rng(0), None)


def _text(layer: Layer[Any, Any], given: Any = X) -> str:
    found = _fault(layer, given)
    return "" if found is None else found.text


class Plain(Layer[Any, Any]):
    """A layer of two functions."""

    def __init__(
        self, f: Callable[[Any], Any] = np.copy, back: Callable[[Any, Any], Any] | None = None
    ) -> None:
        self.f, self.back = f, back or (lambda X, grad: grad.copy())

    def forward(self, X: Any, /) -> tuple[Any, Callable[[Any], Any]]:
        return self.f(X), lambda grad: self.back(X, grad)


class Noisy(Scale):
    """Y = a X + noise, which a call leaves out; the noise is drawn by the layer's Generator."""

    def __init__(self) -> None:
        super().__init__()
        self.rng = np.random.default_rng(0)

    def forward(self, X: Array, /) -> Way:
        Y, backward = super().forward(X)
        return Y + self.rng.random(Y.shape), backward

    def __call__(self, X: Array, /) -> Array:
        return self.a.value * X


# The layer as it is given -------------------------------------------------------------------------


def test_right_layers_have_no_fault() -> None:
    assert _fault(Scale()) is None
    assert _fault(Noisy()) is None
    assert _fault(Plain()) is None
    assert _fault(Plain(lambda X: X[0] + X[1], lambda X, g: (g.copy(), g.copy())), (X, X)) is None


@pytest.mark.parametrize(
    ("pair", "form"),
    [
        (X, "ndarray"), ((X,), "a tuple of ndarray"), ((X, X), "a tuple of ndarray, ndarray"),
        ((X, np.copy, np.copy), "a tuple of ndarray, _ArrayFunctionDispatcher, "
         "_ArrayFunctionDispatcher"),
    ],
)  # fmt: skip
def test_forward_returns_a_pair(pair: Any, form: str) -> None:
    class Returns(Layer[Any, Any]):
        def forward(self, X: Any, /) -> Any:
            return pair

    assert _text(Returns()).startswith(f"forward returned {form}, expected the pair Y, backward")


def test_a_parameter_in_the_wrong_place_is_a_fault() -> None:
    found = first_fault(Scale(), X, np.random.default_rng(0), "w, of type Parameter")
    assert found is not None
    assert found.text.startswith("w, of type Parameter, is held where nothing looks for it: ")


def _written(A: Array) -> Array:
    A[0] += 1
    return A


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (Plain(lambda X: _written(X).copy()), "forward changed its argument X"),
        (Plain(back=lambda X, g: _written(g)), "backward changed its argument grad"),
        (Plain(back=lambda X, g: 0 * _written(X) + g), "backward changed forward's argument X"),
    ],
)
def test_arguments_are_left_alone(layer: Layer[Any, Any], text: str) -> None:
    found = _fault(layer)
    assert found is not None
    assert (found.text, found.hint) == (text, OVERWRITTEN)


def test_an_answer_is_left_alone() -> None:
    class Own(Layer[Array, Array]):
        def forward(self, X: Array, /) -> Way:
            Y = 2 * X

            def backward(grad: Array) -> Array:
                Y[0] = 0
                return 2 * grad

            return Y, backward

    found = _fault(Own())
    assert found is not None
    assert (found.text, found.hint) == ("backward changed forward's answer Y", OVERWRITTEN)


@pytest.mark.parametrize(
    ("f", "text"),
    [
        (lambda X: [1.0], "forward returned list, expected an array of floats"),
        (lambda X: X > 0, "forward returned ndarray, expected an array of floats"),
        (lambda X: X / 0, "forward returned numbers that are not finite"),
        (
            lambda X: X.astype(np.float32),
            "forward returned float32, expected float64: keep one dtype",
        ),
    ],
)
def test_the_form_of_an_answer(f: Callable[[Any], Any], text: str) -> None:
    assert _text(Plain(f)) == text


def test_of_two_dtypes_any_may_be_the_answer_s() -> None:
    def f(X: Any) -> Any:
        return X[0] + X[1].sum()

    def back(X: Any, g: Any) -> Any:
        return g.copy(), np.full_like(X[1], g.sum())

    for one, other in ((np.float32, np.float64), (np.float64, np.float32)):
        assert _fault(Plain(f, back), (X.astype(one), X.astype(other))) is None


@pytest.mark.parametrize(
    ("dX", "text"),
    [
        ((X, X), "backward returned another number of gradients than forward has inputs"),
        ((X,), "backward returned another number of gradients than forward has inputs"),
        ([1], "the gradient of X is list, expected an array"),
        (X.T, "the gradient of X has shape (3, 4), expected (4, 3)"),
        (X.astype(np.float16), "the gradient of X has dtype float16, expected float64"),
    ],
)
def test_the_form_of_a_gradient(dX: Any, text: str) -> None:
    found = next(shape_faults(dX, X, X))
    assert found.text == text
    assert (found.hint is not None) == ("(3, 4)" in text)


def test_a_gradient_may_have_the_dtype_of_X_or_Y() -> None:
    small = X.astype(np.float32)
    assert list(shape_faults(small, small, X)) == []
    assert list(shape_faults(X, small, X)) == []
    assert list(shape_faults((X, np.zeros(3)), (X, np.arange(3)), X)) == []
    (fault,) = shape_faults((X, np.zeros(2)), (X, np.arange(3)), X)
    assert fault.text.startswith("backward returned nothing like X[1], which has no gradient")


def test_something_new_in_the_place_of_an_array_is_a_fault() -> None:
    class Replaces(Plain):
        def __init__(self) -> None:
            super().__init__()
            self.mean = np.zeros(3)

        def forward(self, X: Any, /) -> Any:
            self.mean = X.mean(axis=0)
            return super().forward(X)

        def __call__(self, X: Any, /) -> Any:
            return X.copy()

    assert _text(Replaces()).startswith("forward or backward put something new in place of mean: ")


def test_a_gradient_past_add_grad_is_a_fault() -> None:
    class Past(Scale):
        def forward(self, X: Array, /) -> Way:
            def backward(grad: Array) -> Array:
                self.a.grad[...] = (grad * X).sum(axis=0)
                return grad * self.a.value

            return self.a.value * X, backward

    used = Past()
    used.a.add_grad(np.ones(3))  # as by a training before
    for layer in (Past(), used):
        found = _fault(layer)
        assert found is not None
        assert found.text == "the gradient of a was not added with add_grad"
        assert found.hint == ASSIGNED


def test_gradients_are_finite() -> None:
    assert _text(Scale(lambda g, n: g / 0)) == "the gradient of a has numbers that are not finite"
    infinite = Plain(back=lambda X, g: g / 0)
    assert _text(infinite) == "the gradient of X has numbers that are not finite"


def test_what_is_raised_is_a_fault() -> None:
    def fails(X: Any, grad: Any = None) -> Any:
        raise ValueError("fails")

    assert _text(Plain(back=fails)).startswith("backward raised ValueError: fails")

    def writes(X: Any) -> Any:
        X[0] += 0  # nothing changes, and yet it is written
        return X.copy()

    found = _fault(Plain(writes))
    assert found is not None
    assert found.text.startswith("forward or backward with read-only arguments raised ValueError")
    assert found.hint == OVERWRITTEN

    class Call(Plain):
        def __call__(self, X: Any, /) -> Any:
            raise ValueError("fails")

    assert _text(Call()).startswith("a call raised ValueError: fails")


def test_inference_writes_nothing_and_answers_the_same_twice() -> None:
    class Writes(Scale):
        def __call__(self, X: Any, /) -> Any:
            self.calls += 1
            self.how["new"] = 1
            return X.copy()

    assert _text(Writes()).startswith("a call wrote to calls, how.new: inference writes nothing; ")
    drawn = iter(range(1000))

    class Draws(Scale):
        def __call__(self, X: Any, /) -> Any:
            return X + next(drawn)

    class Grows(Scale):
        def __call__(self, X: Array, /) -> Any:
            return (X,) * next(drawn)

    for layer in (Draws(), Grows()):
        assert _text(layer) == "two calls with one X gave two answers"


# What two runs may differ by ----------------------------------------------------------------------


def test_the_same_state_gives_the_same() -> None:
    assert not list(_reproducible(*_known(Scale(), allowed=1e-12)))
    function, known = _known(Scale(), allowed=1e-12)
    known.F = known.F + 1e-9
    (fault,) = _reproducible(function, known)
    assert fault.text.startswith("two forwards from the same state gave two answers or gradients")
    function, known = _known(Scale(), allowed=1e-12)
    known.g = {name: g + 1e-9 for name, g in known.g.items()}
    assert len(list(_reproducible(function, known))) == 1


@pytest.mark.parametrize(("off", "faults"), [(0.9e-6, 0), (1.1e-6, 1)])
def test_a_millionth_may_be_lost_of_a_gradient_that_is_added_to(off: float, faults: int) -> None:
    function, known = _known(Scale())
    there = np.random.default_rng(0).standard_normal(3) * np.abs(known.g["a"]).max()
    known.g = {**known.g, "a": known.g["a"] + off * np.abs(there).max()}
    # What is there is drawn anew, in proportion to the largest of these.
    found = list(_added(function, known, np.random.default_rng(0), from_data=False))
    assert len(found) == faults
    if faults:
        assert found[0].text == "the gradient of a was not added to the one before"
        assert found[0].hint is None


@pytest.mark.parametrize(("off", "hint"), [(0.0, ASSIGNED), (0.9e-6, ASSIGNED), (1.1e-6, None)])
def test_assigned_is_what_is_the_gradient_alone(off: float, hint: str | None) -> None:
    class Assigns(Scale):
        def forward(self, X: Array, /) -> Way:
            def backward(grad: Array) -> Array:
                g = (grad * X).sum(axis=0)
                self.a.zero_grad()
                self.a.add_grad(g + off * np.abs(g).max())
                return grad * self.a.value

            return self.a.value * X, backward

    function, known = _known(Assigns())
    known.g = _known(Scale())[1].g
    for from_data in (False, True):
        (fault,) = _added(function, known, np.random.default_rng(0), from_data=from_data)
        assert (fault.text, fault.hint) == (
            "the gradient of a was not added to the one before", hint
        )  # fmt: skip


@pytest.mark.parametrize("wrong", ["forward", "forward_from_data"])
def test_either_forward_adds_gradients(wrong: str) -> None:
    class Assigns(Scale):
        def way(self, X: Array, name: str) -> Way:
            Y, back = super().forward(X)

            def backward(grad: Array) -> Array:
                if name == wrong:
                    self.a.zero_grad()
                return back(grad)

            return Y, backward

        def forward(self, X: Array, /) -> Way:
            return self.way(X, "forward")

        def forward_from_data(self, X: Array, /) -> Way:
            return self.way(X, "forward_from_data")

    assert _text(Assigns()) == "the gradient of a was not added to the one before"


def test_where_the_gradient_is_zero_others_are_there_too() -> None:
    class Assigns(Scale):
        def forward(self, X: Array, /) -> Way:
            def backward(grad: Array) -> Array:
                self.a.zero_grad()
                return grad

            return X.copy(), backward

    function, known = _known(Assigns())
    (fault,) = _added(function, known, np.random.default_rng(0), from_data=False)
    assert fault.hint == ASSIGNED


def test_values_are_left_alone() -> None:
    class Steps(Scale):
        def forward(self, X: Array, /) -> Way:
            Y, back = super().forward(X)

            def backward(grad: Array) -> Array:
                dX = back(grad)
                self.a.value -= 0.1
                return dX

            return Y, backward

    function, known = _known(Steps())
    known.g = _known(Scale())[1].g
    function.parameters["a"].value = function.base["a"].copy()
    (fault,) = _added(function, known, np.random.default_rng(0), from_data=False)
    assert fault.text == "forward or backward changed the value of a"


def test_a_backward_belongs_to_its_own_forward() -> None:
    class Keeps(Plain):
        def forward(self, X: Any, /) -> Any:
            self.f = X
            return X**2, lambda grad: 2 * grad * self.f

        def __call__(self, X: Any, /) -> Any:
            return X**2

    function, known = _known(Keeps(), allowed=1e-12)
    (fault, *_) = _independent(function, known, np.random.default_rng(0))
    assert fault.text.startswith("a forward between a forward and its backward changed")


def test_what_was_handed_out_never_changes() -> None:
    class Buffer(Layer[Array, Array]):
        def __init__(self, what: str) -> None:
            self.what = what
            self.Y, self.dX = np.zeros((4, 3)), np.zeros((4, 3))
            self.given: list[Array] = []

        def forward(self, X: Array, /) -> Way:
            Y = self.Y[: len(X)] if self.what == "Y" else np.zeros_like(X)
            Y[...] = 2 * X
            self.given += [Y] if self.what == "call" else []

            def backward(grad: Array) -> Array:
                dX = self.dX[: len(X)] if self.what == "dX" else np.zeros_like(X)
                dX[...] = 2 * grad
                return dX

            return Y, backward

        def __call__(self, X: Array, /) -> Array:
            for Y in self.given:
                Y += 1
            return 2 * X

    words = {"Y": "a later forward changed an answer", "dX": "a later call changed an answer"}
    for what, text in words.items():
        function, known = _known(Buffer(what), allowed=1e-12)
        first = next(_independent(function, known, np.random.default_rng(0)))
        assert first.text.startswith(text)
    function, known = _known(Buffer("call"), allowed=1e-12)
    (fault,) = _independent(function, known, np.random.default_rng(0))
    assert fault.text == "a later call changed an answer or gradient given before"


def test_other_inputs_are_reversed_and_one_row() -> None:
    count = np.arange(4)
    (reverse, counts, number), (first, one, same_number) = _other_inputs([X, count, np.array(2.0)])
    np.testing.assert_allclose(reverse, 0.9 * X[::-1])
    np.testing.assert_array_equal(counts, [3, 2, 1, 0])
    np.testing.assert_array_equal(first, X[:1])
    np.testing.assert_array_equal(one, [0])
    assert (float(number), float(same_number)) == (1.8, 2)


# Linear in grad -----------------------------------------------------------------------------------


def _bent(bend: Callable[[Array, Array], Array], allowed: float = 1e-9) -> list[str]:
    """The faults of a backward that bends dX as a function of grad."""
    function, known = _known(Plain(back=lambda X, g: bend(g, X)), allowed=allowed)
    return _texts(_linear(function, known, np.random.default_rng(0)))


def test_backward_is_linear() -> None:
    assert _bent(lambda g, X: 3 * g) == []
    assert "backward(0) gives X a gradient that is not zero" in _bent(lambda g, X: g + 1)
    scales = [text for text in _bent(lambda g, X: np.abs(g)) if "times" in text]
    assert scales == [
        "backward is not linear in grad: -1 times the gradient gives something else than -1 times "
        "the answer for X"
    ]
    clipped = _bent(lambda g, X: np.clip(g, -100, 100))
    assert ["1.04858e+06 times the gradient" in text for text in clipped] == [True]
    # Only beyond 2¹⁹, and only below 2⁻¹⁹: both are looked at.
    assert len(_bent(lambda g, X: g * (1 + (np.abs(g).max() > 2.0**19)))) == 1
    assert len(_bent(lambda g, X: g * (1 + (np.abs(g).max() < 2.0**-17)))) == 1
    assert len(_bent(lambda g, X: g * (1 + (np.abs(g).max() > 2.0**24)))) == 0
    assert len(_bent(lambda g, X: g * (1 + (np.abs(g).max() < 2.0**-24)))) == 0
    sums = _bent(lambda g, X: np.abs(g) * np.sign(g.sum()))
    assert any("for X, backward(c1 + c2) differs from" in text for text in sums)


def test_what_rounding_may_change_in_a_gradient() -> None:
    # A thousand times what an ulp does, and a thousand and a hundred ulps.
    function, known = _known(Scale(), given := 5 * X)
    found = tolerance(function, known.g, known.c)
    terms = np.abs(known.c).max() * np.abs(given).max()
    for name, g in known.g.items():
        least = 1000 * EPS * np.abs(g).max() + 100 * EPS * terms
        # An ulp of c, one to three times, moves each product so much.
        most = least + 3000 * EPS * np.abs(known.c).max() * np.abs(given).max() * 4
        assert least < found[name] < most
    exact = Plain(lambda X: X, lambda X, g: 0 * g)
    for given, largest in ((0.1 * X, 1.0), (X / np.abs(X).max() * 5, 5.0)):
        function, known = _known(exact, given)
        expected = 100 * EPS * np.abs(known.c).max() * largest
        found = tolerance(function, known.g, known.c)
        assert found["X"] == pytest.approx(expected, rel=1e-9, abs=0)


def test_integers_are_no_terms_of_a_gradient() -> None:
    layer = Plain(lambda X: X[0].copy(), lambda X, g: (0 * g, np.zeros_like(X[1])))
    function, known = _known(layer, (0.1 * X, np.full(4, 10**6)))
    expected = 100 * EPS * np.abs(known.c).max()
    assert tolerance(function, known.g, known.c)["X[0]"] == pytest.approx(expected, abs=0)


def test_what_an_ulp_of_grad_moves_is_seen_a_thousandfold() -> None:
    c = normal(X.size, seed=3).reshape(X.shape)

    def back(X: Array, grad: Array) -> Array:
        off = grad / c - 1
        return np.where(np.abs(off) < 2.0**-46, 1e9 * off, 0)

    function, known = _known(Plain(back=back))
    found = tolerance(function, known.g, known.c)["X"] / (1000 * 1e9 * EPS)
    assert 2.4 < found < 3.6  # grad is moved by one to three ulps


def test_a_little_more_of_grad_rounds_all_products_anew() -> None:
    def back(X: Array, grad: Array) -> Array:
        return np.where(grad == 1 + 2.0**-45, 1.5, 1.0) * np.ones_like(X)

    function, known = _known(Plain(back=back))
    known.c[:] = 1.0
    known.g = function.gradients(known.c)
    assert tolerance(function, known.g, known.c)["X"] == pytest.approx(500, rel=1e-6)


def test_a_difference_of_more_than_allowed() -> None:
    one, other = (
        {"X": numbers([1, 2]), "W": numbers([3])},
        {"X": numbers([1, 3]), "W": numbers([9])},
    )
    assert difference(one, other, {"X": 1.0, "W": 6.0}) is None
    assert difference(one, other, {"X": 0.9, "W": 6.0}) == "X"
    assert difference(one, other, {"X": 1.0, "W": 5.0}) == "W"
    assert difference({"X": numbers([np.nan])}, {"X": numbers([1])}, {"X": 1.0}) == "X"
    assert difference({"X": np.zeros(0)}, {"X": np.zeros(0)}, {"X": 0.0}) is None


class Data(Scale):
    """Its forward_from_data is off by so much."""

    def forward_from_data(self, X: Array, /) -> Way:
        Y, back = self.forward(X)
        if "grad" in self.how:
            back = self.forward(X * (1 + self.how["grad"]))[1]
        return Y * (1 + self.how.get("Y", 0.0)) + self.how.get("plus", 0.0), back


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({}, None),
        ({"Y": 0.9e-9}, None),
        ({"Y": 1.2e-9}, "forward_from_data gives another answer than forward"),
        ({"plus": 0.9e-12}, None),
        ({"plus": 1.2e-12}, "forward_from_data gives another answer than forward"),
        ({"grad": 1e-6}, "forward_from_data gives a another gradient than forward"),
    ],
)
def test_forward_from_data_gives_the_same(how: dict[str, float], text: str | None) -> None:
    given = X * (np.abs(X) > 1e-3)
    given[0, 0] = 0.0
    layer = Data(None, **how)
    layer.a.value = np.ones(3)
    function, known = _known(layer, given / np.abs(given).max(), allowed=1e-9)
    if "plus" in how:
        known.F[1:] = function.forward(from_data=True)[0].ravel()[1:]
    assert _texts(_from_data(function, known)) == ([] if text is None else [text])


# What is the same ---------------------------------------------------------------------------------


def test_the_same_is_bit_for_bit() -> None:
    assert same(X, X.copy())
    assert same((X, None), (X.copy(), None))
    assert not same(0.0 * X, -0.0 * np.abs(X))
    assert not same(np.zeros((2, 3)), np.zeros((3, 2)))
    assert same(np.full(2, np.nan), np.full(2, np.nan))
    assert not same((X, X), (X, X + 1))
    assert not same((X, X), (X,))


def test_a_fingerprint_knows_all_that_a_layer_keeps() -> None:
    class Keeps(Layer[Array, Array]):
        def __init__(self) -> None:
            self.w = Parameter(np.ones(2))
            self.mean = np.zeros((2, 3))
            self.rng = np.random.default_rng(0)
            self.count, self.box, self.f = 3, Box(), np.sin

        def forward(self, X: Array, /) -> Way:
            return X, lambda grad: grad

    class Box:
        def __init__(self) -> None:
            self.inside = 1

    layer = Keeps()
    before = fingerprint(layer)
    assert fingerprint(layer) == before

    def change(name: str, write: Callable[[], Any]) -> None:
        last = fingerprint(layer)
        write()
        now = fingerprint(layer)
        assert [key for key in now if now[key] != last[key]] == [name]

    change("w", lambda: layer.w.value.__setitem__(0, 5))
    change("w", lambda: layer.w.grad.__setitem__(0, 5))
    change("mean", lambda: layer.mean.__setitem__((0, 0), 5))
    change("mean", lambda: setattr(layer, "mean", layer.mean.reshape(3, 2)))
    change("rng", layer.rng.random)
    change("count", lambda: setattr(layer, "count", 4))
    change("box", lambda: setattr(layer.box, "inside", 2))
    change("f", lambda: setattr(layer, "f", np.cos))
