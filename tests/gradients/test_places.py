"""Where what is wrong lies."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from layerwise.arrays import Array, Matrix
from layerwise.gradients.jacobian import Flags, Jacobian
from layerwise.gradients.places import by_sign, carried, narrowed, places, repeated
from tests.gradients.matrices import jacobian
from tests.gradients.points import normal


def _elementwise(times: Any, like: Array | None = None, *, name: str = "W") -> Jacobian:
    """Y = f(x), element by element; the gradient is so many times the right one."""
    times = np.array(times, float)
    slopes = 1 + np.arange(times.size) / 16
    x = times.shape if like is None else like
    return jacobian(np.diag(times.ravel() * slopes), np.diag(slopes), x, times.shape, name=name)


def _places(times: Any, like: Array | None = None, *, name: str = "W") -> list[str]:
    """The places among the elements, without those of Y, which are the same here."""
    found = places(_elementwise(times, like, name=name))
    return [hint for hint in found if "of Y" not in hint]


def _sums(E: Matrix, x: tuple[int, ...], Y: tuple[int, ...], what: float = 0.0) -> list[str]:
    """Everything goes everywhere; where E is, it is so many times what is right."""
    J = 1 + np.arange(E.size).reshape(E.shape) / 64
    return list(places(jacobian(np.where(E, what, 1) * J, J, x, Y)))


def _one(n: int, *at: int, value: float = 3.0) -> Array:
    times = np.ones(n)
    times[list(at)] = value
    return times


# What ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "what"),
    [
        ([0, 0, 0], "zero"),
        ([-1, -1, -1], "of the wrong sign"),
        ([2, 2, 2], "wrong by a factor 2"),
        ([0.5, 0.5, 0.5], "wrong by a factor 1/2"),
        ([3, 3, 3], "3 times what is right"),
        ([1.00015, 1.00015, 1.00015], "1.00015 times what is right"),
        ([2, 2, 2.0003], "wrong"),
        ([2, 2, 2.00012], "wrong by a factor 2"),
        ([2.0002, 2.0002, 2.0002], "2.0002 times what is right"),
        ([2.00005, 2.00005, 2.00005], "wrong by a factor 2"),
        ([2, 3, 4], "wrong"),
        ([2, 2], "wrong"),
    ],
)
def test_what_is_wrong(times: Sequence[float], what: str) -> None:
    found = _places([*times, *np.ones(6)])
    assert all(hint.startswith(f"{what} only at ") for hint in found)
    assert found


def test_what_does_not_depend() -> None:
    A, J = np.eye(9), np.diag([1.0, 1, 1, 1, 1, 1, 0, 0, 0])
    assert next(places(jacobian(A, J))) == (
        "not zero, though the answer does not depend on it, only at indices 6 to 8 of axis 0, and "
        "right elsewhere"
    )


# Elements -----------------------------------------------------------------------------------------

HERE = "3 times what is right only at {} of axis 0, and right elsewhere"


def test_one_element_of_four() -> None:
    assert _places([1, 1, 3, 1]) == [
        "wrong only at one element: (2,)",
        "wrong only at index 2 of axis 0, and right elsewhere",
    ]
    assert _places([1, 3, 1]) == ["wrong only at index 1 of axis 0, and right elsewhere"]
    at = np.ones((3, 4))
    at[1, 2] = 0
    assert _places(at)[0] == "zero only at one element: (1, 2)"


def test_two_elements_of_seven() -> None:
    assert _places(_one(7, 1, 4, value=0)) == [
        "zero only at indices 1 and 4 of axis 0: no gradient arrives there",
        "zero only at two elements: (1,) and (4,)",
    ]
    assert _places(_one(6, 1, 4, value=0)) == [
        "zero only at indices 1 and 4 of axis 0: no gradient arrives there"
    ]


# By the element's value ---------------------------------------------------------------------------

BRANCH = ": look at that branch of the function"


def test_where_it_is_zero() -> None:
    x = np.array([0.0, 1, -2, 0, 3, 4, 0, 5])
    found = list(by_sign(_elementwise(np.where(x == 0, 3, 1), x)))
    assert found == ["3 times what is right only where W is 0"]


@pytest.mark.parametrize(("name", "named"), [("W", "W"), ("X[1]", "inputs")])
def test_by_sign(name: str, named: str) -> None:
    x = np.array([-0.5, 1, -2, 0, 3, 4, -1, -5])
    words = "3 times what is right for {} {} only" + BRANCH

    def said(wrong: Flags, x: Array) -> list[str]:
        return list(by_sign(_elementwise(np.where(wrong, 3, 1), x, name=name)))

    assert said(x < 0, x) == [words.format("negative", named)]
    assert said(x > 0, x) == [words.format("positive", named)]
    assert said(x[:7] < 0, x[:7]) == []


SIZES = np.array([0.5, -1, 2, -3, 4, -5, 6, -7])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (SIZES > 1, "X is above 0.5: look at that branch"),
        (SIZES < -1, "X is below -1: look at that branch"),
        (np.abs(SIZES) > 4, "|X| is above 4: look at that branch"),
        (np.abs(SIZES) < 4, "|X| is below 4: look at that branch"),
    ],
)
def test_by_size(wrong: Array, words: str) -> None:
    times = np.where(wrong, 3, 1)
    assert f"3 times what is right only where {words}" in _places(times, SIZES, name="X")
    assert words not in " ".join(_places(times, SIZES, name="W"))


def test_by_size_takes_three_of_both() -> None:
    x = np.array([5.0, 1, 6, 2, 3, 7])
    words = "3 times what is right only where X is above 3: look at that branch"
    assert words in _places(np.where(x > 4, 3, 1), x, name="X")
    assert not any("above" in hint for hint in _places(np.where(x[:5] > 4, 3, 1), x[:5], name="X"))
    assert not any("above" in h for h in _places(np.where(x[1:] > 2, 3, 1), x[1:], name="X"))


# Along axes ---------------------------------------------------------------------------------------


def test_rows_and_columns() -> None:
    times = np.ones((4, 5))
    times[2] = 0
    words = "zero only at index 2 of axis {} (one {}): no gradient arrives there"
    assert _places(times) == [words.format(0, "row")]
    assert _places(times.T) == [words.format(1, "column")]
    cube = np.ones((3, 4, 5))
    cube[:, 2] = 0
    assert _places(cube) == ["zero only at index 2 of axis 1: no gradient arrives there"]
    assert _places(_one(4, 2, value=0))[1:] == [
        "zero only at index 2 of axis 0: no gradient arrives there"
    ]


def test_all_but_one() -> None:
    times = np.ones((4, 5))
    times[[0, 1, 3]] = 0
    assert _places(times) == [
        "only index 2 of axis 0 counts, and nothing comes to the others (zero at every index of "
        "axis 0 but 2)",
        "zero only at every index of axis 0 but 2: no gradient arrives there",
    ]
    assert _places(np.where(times == 0, 3, 1)) == [
        "3 times what is right only at every index of axis 0 but 2, and right elsewhere"
    ]
    # Of two indices none is the rule.
    assert _places(times[:, :2].T[:, 1:3].T) == [
        "zero only at index 0 of axis 0 (one row): no gradient arrives there"
    ]


def test_here_and_there_is_no_place_for_what_is_wrong_in_several_ways() -> None:
    times = np.ones(9)
    times[[0, 3, 4]] = 2, 3, 4
    assert _places(times) == ["wrong only at indices 0, 3 and 4 of axis 0, and right elsewhere"]
    times[7] = 5
    assert _places(times) == []
    assert _places(np.where(times == 1, 1, 3)) == [HERE.format("indices 0, 3, 4 and 7")]
    assert _places(times[[0, 3, 4, 7, 1]]) == [
        "wrong only at every index of axis 0 but 4, and right elsewhere"
    ]
    assert _places(np.array([2, 1, 3, 4, 1, 6, 7.0])) == []


def test_everything_is_no_place() -> None:
    assert _places(np.full((3, 4), 3.0)) == []


CUT = "; in a recurrent layer, the hidden state's gradient is cut off"


def test_the_last_steps_alone_may_be_a_cut() -> None:
    """Y has no axis of time any more, and the last indices of X's are right."""
    right = np.zeros((2, 5, 3))
    right[:, 3:] = 1
    words = "zero only at indices {} of axis {}: no gradient arrives there"

    def said(right: Array, what: float = 0) -> str:
        x, n = right.shape, 4
        return _sums(np.broadcast_to(right.reshape(-1, 1) == 0, (right.size, n)), x, (2, 2), what)[
            -1
        ]

    assert said(right) == words.format("0 to 2", 1) + CUT
    assert said(right[:, ::-1]) == words.format("2 to 4", 1)
    assert said(right.swapaxes(0, 1)) == words.format("0 to 2", 0)
    assert said(right.swapaxes(1, 2)) == words.format("0 to 2", 2)
    assert said(right, 3) == (
        "3 times what is right only at indices 0 to 2 of axis 1, and right elsewhere"
    )
    right[:, 3] = 0
    assert (
        said(right)
        == words.format("", 1).replace("indices  of axis 1", "every index of axis 1 but 4") + CUT
    )
    found = _sums(np.broadcast_to(right.reshape(-1, 1) == 0, (30, 4)), (2, 5, 3), (2, 2))
    assert found[-2] == (
        "only index 4 of axis 1 counts, and nothing comes to the others (zero at every index of "
        "axis 1 but 4)" + CUT
    )
    found = _sums(np.broadcast_to(right.reshape(-1, 1) == 0, (30, 8)), (2, 5, 3), (2, 2, 2))
    assert found[-1] == ("zero only at every index of axis 1 but 4: no gradient arrives there")


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        (lambda i: i == 0, "the first index"),
        (lambda i: i == 4, "the last index"),
        (lambda i: (i == 0) | (i == 4), "the border, both ends"),
        (lambda i: i % 2 == 1, "odd indices"),
        (lambda i: i % 2 == 0, "even indices"),
    ],
)
def test_ends_and_every_second_of_two_axes(kept: Any, words: str) -> None:
    each = kept(np.arange(5))
    either, both = each[:, np.newaxis] | each, each[:, np.newaxis] & each
    assert f"zero only at {words} of axes 0 and 1: no gradient arrives there" in _places(
        np.where(either, 0, 1)
    )
    assert _places(np.where(either, 3, 1)) == [
        f"3 times what is right only at {words} of axes 0 and 1, and right elsewhere"
    ]
    assert f"only {words} of axes 0 and 1 counts, and nothing comes to the others" in _places(
        np.where(both, 1, 0)
    )
    assert not any("counts" in hint for hint in _places(np.where(both, 1, 3)))


def test_ends_of_three_indices_but_not_of_two() -> None:
    times = np.ones((3, 4))
    times[0] = times[:, 0] = 0
    assert len(_places(times)) == 1
    assert _places(times[:2]) == _places(times[:, :2]) == []


# Of Y ---------------------------------------------------------------------------------------------


def test_answers_are_places_too() -> None:
    E = np.zeros((3, 4, 5), bool)
    E[:, 2] = True
    assert _sums(E.reshape(3, 20), (3,), (4, 5)) == [
        "zero only from index 2 of axis 0 of Y (one row): their gradient is not used"
    ]
    assert _sums(E.reshape(3, 20), (3,), (4, 5), 3) == [
        "3 times what is right only from index 2 of axis 0 of Y (one row), and right elsewhere"
    ]
    assert _sums(~E.reshape(3, 20), (3,), (4, 5))[0] == (
        "only index 2 of axis 0 of Y counts, and nothing comes from the others (zero from every "
        "index of axis 0 of Y but 2)"
    )
    E = np.zeros((3, 2, 5, 2), bool)
    E[:, :, :3] = True
    assert _sums(E.reshape(3, 20), (3,), (2, 5, 2)) == [
        "zero only from indices 0 to 2 of axis 1 of Y: their gradient is not used"
    ]
    E = np.ones((3, 4, 5), bool)
    E[:, 0, 0] = False
    assert _sums(E.reshape(3, 20), (3,), (4, 5)) == [
        "only the first index of axes 0 and 1 of Y counts, and nothing comes from the others"
    ]


def test_half_of_a_place_has_to_be_wrong() -> None:
    J = np.ones((6, 4))
    for answers, said in ((2, True), (1, False)):
        A = J.copy()
        A[0, :answers], A[1, :answers], A[3, 4 - answers :] = 2, 3, 4
        found = places(jacobian(A, J))
        text = "wrong only at indices 0, 1 and 3 of axis 0, and right elsewhere"
        assert (text in list(found)) == said
        # Of what is wrong in one way all has to be.
        assert list(places(jacobian(np.where(A == 1, 1, 3), J))) == []


def test_what_the_answer_does_not_depend_on_is_not_seen() -> None:
    J = np.eye(6)
    J[4:] = 0
    A = J.copy()
    A[:2] *= 3
    found = list(places(jacobian(A, J, (6,), (6,))))
    assert found[0] == "wrong only at indices 0 to 1 of axis 0, and right elsewhere"
    A[:4] = 3 * J[:4]
    assert list(places(jacobian(A, J, (6,), (6,)))) == []


# Narrowed -----------------------------------------------------------------------------------------


def test_narrowed_to_what_is_wrong() -> None:
    found = dict(narrowed(_elementwise(np.array([[1.0, 3, 3], [1, 3, 3]]))))
    assert list(found) == ["indices 1 to 2 of axis 1", "indices 1 to 2 of axis 1 of Y"]
    part = found["indices 1 to 2 of axis 1"]
    assert (part.x.shape, part.Y.shape, part.A.shape) == ((2, 2), (2, 3), (4, 6))
    assert part.wrong.any(axis=1).all()
    part = found["indices 1 to 2 of axis 1 of Y"]
    assert (part.x.shape, part.Y.shape, part.A.shape) == ((2, 3), (2, 2), (6, 4))
    assert part.wrong.any(axis=0).all()


def test_some_elements_are_not_narrowed() -> None:
    A, J = np.diag([1.0, 3, 3, 1]), np.eye(4)
    found = narrowed(jacobian(A, J, (5,), (4,), x_at=[0, 1, 2, 3]))
    assert [words for words, _ in found] == ["indices 1 to 2 of axis 0 of Y"]


# Carried ------------------------------------------------------------------------------------------

CARRIED = ": what is carried from step to step, as a hidden state's gradient, is left out or wrong"


def _steps(J: Matrix, wrong: Any, times: Any = 0.0, *shape: int) -> list[str]:
    x = shape or (len(J),)
    return list(carried(jacobian(np.where(wrong, times, 1) * J, J, x, x)))


AHEAD = np.arange(5) - np.arange(5)[:, np.newaxis]
LATER = (AHEAD >= 0) * (2.0 + np.arange(25).reshape(5, 5) / 32)


def test_what_is_carried_to_later_answers() -> None:
    assert _steps(LATER, AHEAD >= 1) == [
        "zero only between index i of axis 0 and later answers along axis 0 of Y"
        f"{CARRIED} (all but the last step are wrong)"
    ]
    assert _steps(LATER, AHEAD >= 1, normal(5, 5)) == [
        "wrong only between index i of axis 0 and later answers along axis 0 of Y"
        f"{CARRIED} (all but the last step are wrong)"
    ]
    assert _steps(LATER.T, AHEAD <= -1) == [
        "zero only between index i of axis 0 and earlier answers along axis 0 of Y"
        f"{CARRIED} (all but the first step are wrong)"
    ]
    for least in (2, 3):
        assert _steps(LATER, least <= AHEAD) == [
            f"zero only between index i of axis 0 and {least} or more steps later answers along "
            f"axis 0 of Y{CARRIED} (it is cut off)"
        ]
    assert _steps(LATER, AHEAD >= 4) == []
    assert _steps(LATER, AHEAD >= 0) == []


def test_what_goes_both_ways_is_not_carried() -> None:
    J = 2.0 + np.arange(25).reshape(5, 5) / 32
    assert _steps(J, AHEAD >= 1) == [
        "zero only between index i of axis 0 and later answers along axis 0 of Y"
    ]
    assert _steps(J, AHEAD >= 1, normal(5, 5)) == []
    assert _steps(LATER * (AHEAD < 4), AHEAD >= 1) == [
        "zero only between index i of axis 0 and later answers along axis 0 of Y"
    ]


def test_nine_tenths_of_what_is_carried_have_to_be_wrong() -> None:
    for right, many in ((1, 1), (2, 0)):
        wrong = AHEAD >= 1
        wrong[0, 1 : 1 + right] = False
        assert len(_steps(LATER, wrong)) == many


def test_what_has_no_own_step_is_not_carried() -> None:
    assert _steps(LATER * (AHEAD != 0), AHEAD >= 2) == []


def test_steps_along_an_axis_of_a_tensor() -> None:
    J = np.kron(LATER, np.eye(2))
    wrong = np.kron(AHEAD >= 1, np.ones((2, 2))) > 0
    assert _steps(J, wrong, 0.0, 5, 2) == [
        "zero only between index i of axis 0 and later answers along axis 0 of Y"
        f"{CARRIED} (all but the last step are wrong)"
    ]


# By an input --------------------------------------------------------------------------------------


def test_rows_whose_index_repeats() -> None:
    words = (
        "zero only in rows whose index repeats in X: each of them has to be added, as by np.add.at "
        "(+= on an index keeps one of several)"
    )
    A = np.array([[0.0], [1], [0], [0]])
    tokens = np.array([[2, 3], [0, 2], [0, 1], [3, 3]])
    J = np.ones((4, 1))
    assert list(repeated(jacobian(A, J), {"X": tokens})) == [words]
    assert list(repeated(jacobian(A, J), {"X": tokens.astype(float)})) == []
    assert list(repeated(jacobian(A, J), {"X": tokens + 1})) == []
