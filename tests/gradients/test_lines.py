"""Known arrays beside the entries of two matrices."""

import numpy as np
import pytest

from layerwise.arrays import Array
from layerwise.gradients.lines import (
    BITS,
    EXP,
    FORMS,
    INVERSES,
    LARGEST,
    MOST,
    PLACES,
    QUOTIENT,
    SLOPES,
    Entries,
    Lines,
)
from tests.gradients.matrices import jacobian
from tests.gradients.points import normal


def _lines(
    sources: dict[str, Array], x: tuple[int, ...], Y: tuple[int, ...], *, divided: bool = False
) -> tuple[Lines, Entries]:
    A = normal(int(np.prod(x)), int(np.prod(Y)))
    entries = Entries(jacobian(A, A, x, Y, name="x"), np.ones(A.shape, bool))
    return entries.lines(sources, divided=divided), entries


def _axes(found: Lines, words: str) -> list[tuple[int, ...]]:
    return [axes for w, axes in zip(found.words, found.axes, strict=True) if w == words]


def test_a_line_is_the_array_at_each_entry() -> None:
    T = normal(2, 4)
    found, entries = _lines({"T": T}, (3, 2), (5, 4))
    assert _axes(found, "T") == [(1, 3)]
    line = found.values[found.words.index("T")]
    assert np.array_equal(line, T[entries.index[1], entries.index[3]])
    assert np.allclose(found.values[found.words.index("(1 - T * T)")], 1 - line**2)


def test_what_an_array_is_made_to() -> None:
    t, one = np.array(0.3), 1 / (1 + np.exp(-0.3))
    values = {
        "{}": 0.3, "(1 - {})": 0.7, "(1 + {})": 1.3, "{0} * {0}": 0.09, "(1 - {0} * {0})": 0.91,
        "{0} * (1 - {0})": 0.21, "({} > 0)": 1.0, "tanh({})": np.tanh(0.3),
        "(1 - tanh({}) ** 2)": 1 / np.cosh(0.3) ** 2, "sigmoid({})": one,
        "(1 - sigmoid({}))": 1 - one, "sigmoid({0}) * (1 - sigmoid({0}))": one * (1 - one),
        "cos({})": np.cos(0.3), "sin({})": np.sin(0.3), "exp({})": np.exp(0.3),
        "(1 / {})": 1 / 0.3, "(1 / {0} ** 2)": 1 / 0.09, "({})": 0.3, "({0}) * (1 - {0})": 0.21,
    }  # fmt: skip
    forms = {**FORMS, **SLOPES, **EXP, **INVERSES, **QUOTIENT}
    assert {form: float(f(t)) for form, f in forms.items()} == pytest.approx(values)
    assert list(forms) == list(values)
    assert float(EXP["exp({})"](np.array(1e3))) == pytest.approx(np.exp(50))
    assert np.all(np.isnan([INVERSES[form](np.array(0.0)) for form in INVERSES]))


def test_all_places_where_lengths_fit() -> None:
    assert _axes(_lines({"a": normal(3)}, (3, 2), (5, 3))[0], "a") == [(0,), (3,)]
    assert _axes(_lines({"a": normal(1, 3, 1)}, (3, 2), (5, 3))[0], "a") == [(0,), (3,)]
    assert _axes(_lines({"S": normal(3, 3)}, (3, 3), (5, 2))[0], "S") == [(0, 1), (1, 0)]
    assert _axes(_lines({"c": normal(4)}, (3, 2), (5, 3))[0], "c") == []


def test_the_rows_of_an_answer_come_first() -> None:
    assert _axes(_lines({"H": normal(3, 5)}, (3, 4), (3, 5))[0], "H") == [(2, 3), (0, 3)]
    assert _axes(_lines({"H": normal(2, 3)}, (2, 3), (2, 2))[0], "H") == [(2, 1), (0, 1), (3, 1)]


def test_blocks_of_the_last_axes() -> None:
    a = normal(3)
    found, entries = _lines({"a": a}, (2, 6), (6, 4))
    assert _axes(found, "a") == [(1,), (1,)]
    lines = found.values[[i for i, w in enumerate(found.words) if w == "a"]]
    assert np.array_equal(lines, [a[entries.index[1] % 3], a[entries.index[1] // 2]])


@pytest.mark.parametrize("divided", [False, True])
def test_by_what_may_be_divided(divided: bool) -> None:
    found = jacobian(normal(3, 3), normal(3, 3), normal(3), normal(3, seed=1), name="x")
    entries = Entries(found, np.ones((3, 3), bool))
    words = entries.lines({"T": np.array([1.0, 2, 0])}, divided=divided).words
    assert ("(1 / x)" in words) == ("(Y / x)" in words) == divided
    assert not any("/ T" in w for w in words)  # there is a zero in it


def test_which_index_a_number_names() -> None:
    T = np.array([0, 2, 1, 2])
    found = _lines({"T": T}, (4, 3), (4,))[0]
    assert "onehot(T)" in found.words
    assert "(1 - onehot(T))" in found.words
    assert (2, 1) in _axes(found, "onehot(T)")
    assert "onehot(T)" not in _lines({"T": T - 1}, (4, 3), (4,))[0].words
    assert "onehot(T)" not in _lines({"T": T + 2}, (4, 3), (4,))[0].words


def test_signs_of_many_numbers() -> None:
    for n, said in ((BITS - 1, False), (BITS, True)):
        assert ("(T > 0)" in _lines({"T": normal(n)}, (n,), (2,))[0].words) == said


def test_equal_lines_are_one() -> None:
    T = normal(3)
    words = _lines({"T": T, "U": T.copy(), "c": np.full(3, 2.0)}, (3,), (2,))[0].words
    assert "T" in words
    assert "U" not in words
    assert not any(w.startswith("c") and "(" not in w for w in words)


def test_of_many_entries_some() -> None:
    A = normal(40, 40)
    entries = Entries(jacobian(A, A), np.ones(A.shape, bool))
    assert len(entries.a) == MOST
    assert np.array_equal(entries.a, A[entries.index[0], entries.index[1]])


def test_of_many_places_some() -> None:
    T = normal(2, 2, 2)
    found = _lines({"T": T}, (2, 2, 2), (1, 2, 2, 2))[0]
    assert 1 < len(_axes(found, "T")) <= PLACES
    six = _lines({"T": normal(2, 2, 2, 2, 2, 2)}, (2, 2, 2), (1, 2, 2, 2))[0]
    assert _axes(six, "T") == []


def test_too_many_numbers_say_no_index() -> None:
    T = np.array([0, 4, 4, 0])
    for n, said in ((LARGEST // 4 + 1, False), (5, True)):
        A = np.zeros((1, 4))
        entries = Entries(jacobian(A, A, np.zeros(n), (4,), x_at=[0]), np.ones((1, 4), bool))
        known = entries._known({"T": T}, divided=False)
        assert any(name == "onehot(T)" for name, _, _ in known) == said
