"""Numbers in the wrong places."""

from collections.abc import Callable

import numpy as np
import pytest

from layerwise.arrays import Array
from layerwise.gradients.moves import (
    axes_in_words,
    behind,
    flips,
    indices_in_words,
    moved,
    reach,
    sums,
)
from tests.gradients.matrices import jacobian
from tests.gradients.points import normal

TOLERANCE = np.full(2, 1e-3)


def _moved(slip: Callable[[Array], Array], *shape: int, of: str = "") -> list[str]:
    """What is said of a slip with the gradients of a tensor of this shape."""
    J = normal(*shape, 2)
    return list(moved(slip(J), J, TOLERANCE, of))


def test_axes_in_words() -> None:
    assert axes_in_words([1]) == "axis 1"
    assert axes_in_words([0, 2]) == "axes 0 and 2"
    assert axes_in_words([0, 1, 2]) == "axes 0, 1 and 2"


def test_choices_of_axes_begin_with_few() -> None:
    assert list(flips(3)) == [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)]


@pytest.mark.parametrize(
    ("indices", "words"),
    [
        ([3], "index 3"),
        ([0, 1, 2], "indices 0 to 2"),
        ([4, 5], "indices 4 to 5"),
        ([1, 3, 5], "odd indices"),
        ([2, 4, 6], "even indices"),
        ([1, 3], "indices 1 and 3"),
        ([0, 3, 6], "indices 0, 3 and 6"),
    ],
)
def test_indices_in_words(indices: list[int], words: str) -> None:
    assert indices_in_words(indices) == words


def test_two_axes_of_one_length_are_exchanged() -> None:
    assert _moved(lambda J: J.swapaxes(0, 2), 3, 2, 3) == ["transpose: axes 0 and 2 are exchanged"]
    assert _moved(lambda J: J.swapaxes(1, 2), 4, 3, 3, of=" of Y") == [
        "transpose: axes 1 and 2 of Y are exchanged",
        "axes 1 and 2 of Y are flattened in another order than they were",
    ]


def test_axes_are_reversed() -> None:
    def reversed_along(*axes: int, shape: tuple[int, ...]) -> list[str]:
        found = _moved(lambda J: np.flip(J, axes), *shape, of=" of Y")
        return [hint for hint in found if "reversed" in hint]

    assert reversed_along(1, shape=(1, 3)) == ["reversed along axis 1 of Y"]
    assert reversed_along(0, 1, shape=(3, 2)) == ["reversed along axes 0 and 1 of Y"]


def test_axes_are_flattened_in_another_order() -> None:
    def slip(J: Array) -> Array:
        return J.swapaxes(1, 2).reshape(J.shape)

    text = "axes 1 and 2{} are flattened in another order than they were"
    assert _moved(slip, 2, 4, 3) == [text.format("")]
    assert _moved(slip, 2, 4, 3, of=" of Y") == [text.format(" of Y")]


def test_what_is_in_its_place_has_not_moved() -> None:
    """Though with axes of one index, every exchange of them fits."""
    for shape in ((1, 1), (1, 4), (2, 3)):
        assert _moved(lambda J: J + 0.9e-3, *shape) == []


def test_a_move_fits_to_the_tolerance() -> None:
    assert _moved(lambda J: J[::-1] + 0.9e-3, 2, 3)[0] == "reversed along axis 0"
    assert _moved(lambda J: J[::-1] + 1.1e-3, 2, 3) == []
    J = np.array([[1.0, 2], [4, 8]])
    (first, *_) = moved(J[::-1] + 0.5, J, np.full(2, 0.5), "")
    assert first == "reversed along axis 0"


@pytest.mark.parametrize("shift", [1, 2, 3, -1, -2, -3])
def test_shifts_go_up_to_three(shift: int) -> None:
    def slip(J: Array) -> Array:
        A = 9 + normal(*J.shape, seed=1)
        if shift > 0:
            A[:, shift:] = J[:, :-shift]
        else:
            A[:, :shift] = J[:, -shift:]
        return A

    assert _moved(slip, 3, 5) == [
        f"shifted by {shift} along axis 1: padding, a stride or an index is off"
    ]
    assert _moved(slip, 3, 4, of=" of Y") == [
        f"shifted by {shift} along axis 1 of Y: padding, a stride or an index is off"
    ]


def test_a_shift_may_be_along_two_axes() -> None:
    def slip(J: Array) -> Array:
        A = np.zeros_like(J)
        A[1:, 1:] = J[:-1, :-1]
        return A

    assert _moved(slip, 4, 3) == [
        "shifted by 1 along axes 0 and 1: padding, a stride or an index is off"
    ]


def test_a_shift_by_four_is_none() -> None:
    def slip(J: Array) -> Array:
        A = np.zeros_like(J)
        A[4:] = J[:-4]
        return A

    assert _moved(slip, 6) == []


def test_nothing_that_moves_is_no_shift() -> None:
    J = np.zeros((4, 2))
    J[3] = 5
    assert list(moved(0 * J, J, TOLERANCE, "")) == []


def test_equal_neighbours_have_not_moved() -> None:
    J = np.full((5, 2), 3.0)
    A = J.copy()
    A[0] = 7
    assert list(moved(A, J, TOLERANCE, "")) == []


@pytest.mark.parametrize(("n", "by"), [(5, 1), (5, 2), (5, -1), (5, -2), (7, 3), (7, -3)])
def test_around_the_end(n: int, by: int) -> None:
    found = _moved(lambda J: np.roll(J, by, axis=1), 2, n, of=" of Y")
    assert found[:2] == [
        f"shifted by {by} along axis 1 of Y, around the end",
        f"exchanged: at index 0 of axis 1 of Y is the gradient of index {-by % n}",
    ]


def test_blocks_are_exchanged() -> None:
    def thirds(J: Array) -> Array:
        a, b, c = np.split(J, 3, axis=0)
        return np.concatenate([a, c, b])

    assert _moved(lambda J: np.roll(J, 4, axis=1), 2, 8) == [
        "exchanged: at indices 0 to 3 of axis 1 is the gradient of indices 4 to 7",
        "exchanged: at indices 0 to 1 of axis 1 is the gradient of indices 4 to 5",
        "shifted by -4 along axis 1, around the end",
        "exchanged: at index 0 of axis 1 is the gradient of index 4",
    ]
    assert _moved(thirds, 6) == [
        "exchanged: at indices 2 to 3 of axis 0 is the gradient of indices 4 to 5",
        "exchanged: at index 2 of axis 0 is the gradient of index 4",
    ]


def test_a_block_that_is_nowhere_is_no_exchange() -> None:
    J = normal(2, 2)
    A = np.array([[7.0, 7.0], J[0]])
    assert list(moved(A, J, TOLERANCE, "")) == [
        "shifted by 1 along axis 0: padding, a stride or an index is off"
    ]


# Sums ---------------------------------------------------------------------------------------------


def _each(*shape: int) -> tuple[Array, list[np.ndarray[tuple[int], np.dtype[np.intp]]]]:
    """The Jacobian of an elementwise function, and where each answer is along each axis."""
    n = int(np.prod(shape))
    return np.diag(1 + np.arange(n)).astype(float).reshape(*shape, n), list(
        np.unravel_index(np.arange(n), shape)
    )


def _sums(A: Array, J: Array, others: list[np.ndarray[tuple[int], np.dtype[np.intp]]]) -> list[str]:
    return list(sums(A, J, np.full(J.shape[-1], 1e-3), " of Y", others))


def test_summed_and_averaged() -> None:
    same = ", all along which the gradient is now the same"
    for axes, words in ((0,), "axis 0"), ((1,), "axis 1"), ((0, 1), "axes 0 and 1"):
        J, others = _each(2, 3)
        total = J.sum(axis=axes, keepdims=True) + 0 * J
        n = 6 if len(axes) == 2 else (2, 3)[axes[0]]
        assert _sums(total, J, others) == [f"summed over {words} of Y{same}"]
        assert _sums(total / n, J, others) == [f"averaged over {words} of Y{same}"]
        # A sum is as far off as its terms are together.
        assert _sums(total + 0.9e-3 * n, J, others) == [f"summed over {words} of Y{same}"]
        assert _sums(total + 1.1e-3 * n, J, others) == []
        assert _sums(total / n + 0.9e-3, J, others) == [f"averaged over {words} of Y{same}"]
        assert _sums(total / n + 1.1e-3, J, others) == []


def test_a_sum_along_an_axis_that_ends_is_none() -> None:
    J, others = _each(2, 3)
    total = J.sum(axis=0, keepdims=True) + 0 * J
    assert _sums(total, J, others[1:]) == []
    assert _sums(total, J, others[:1]) != []


def test_a_sum_of_one_is_none() -> None:
    J, others = _each(1, 3)
    assert _sums(J, J, others) == []


def test_what_is_below_the_tolerance_goes_nowhere() -> None:
    J, others = _each(2, 3)
    A = J.sum(axis=0, keepdims=True) + 0 * J
    assert len(_sums(A, J + 0.9e-3, others)) == 1
    assert _sums(A, np.where(J == 0, 1.1e-3, J), others) == []


def test_tolerances_are_inclusive() -> None:
    J, others = _each(2, 3)
    A = J.sum(axis=0, keepdims=True) + 0 * J
    half = np.full(6, 0.5)
    assert len(list(sums(A + 1, J, half, "", others))) == 1
    # What is no more than the tolerance goes nowhere.
    everywhere = np.where(J == 0, 0.5, J)
    assert len(list(sums(A, everywhere, half, "", others))) == 1


# From which to which ------------------------------------------------------------------------------


def _band(n: int, m: int, stride: int, *offsets: int) -> Array:
    """Numbers from i = stride j + offset on to j."""
    M = np.zeros((n, m))
    for j in range(m):
        for o in offsets:
            if 0 <= stride * j + o < n:
                M[stride * j + o, j] = 1 + 0.1 * o + 0.01 * j
    return M


@pytest.mark.parametrize(
    ("right", "mine", "taken", "sent"),
    [
        ((1, 0, 2, 4), (1, 0, 1, 2), "j, j + 2, j + 4", "j to j + 2"),
        ((2, 0, 1), (1, 0, 1), "2j, 2j + 1", "j, j + 1"),
        ((1, -3, -2, -1, 0), (1, 0, 1, 2, 3), "j - 3 to j", "j to j + 3"),
        ((3, 0), (4, 0), "3j", "4j"),
    ],
)
def test_where_an_answer_comes_from_and_where_its_gradient_goes(
    right: tuple[int, ...], mine: tuple[int, ...], taken: str, sent: str
) -> None:
    words = f"{taken}, and backward sends its gradient to {sent}"
    J, A = _band(9, 5, *right), _band(9, 5, *mine)
    (hint,) = reach(jacobian(A, J))
    assert hint == (
        f"along axis 0 forward makes answer j of {words}: a stride, dilation, padding, direction "
        "or index is off"
    )
    A2, J2 = (np.kron(np.ones((2, 3)), M) for M in (A, J))
    (hint,) = reach(jacobian(A2, J2, (2, 9), (3, 5)))
    assert hint.startswith(f"along axis 1 forward makes answer j of {words}")
    assert list(reach(jacobian(A, J, (10,), (5,), x_at=range(9)))) == []
    assert list(reach(jacobian(A[:, :2], J[:, :2], (9,), (2,)))) == []  # two answers are no line


def test_what_is_only_missing_is_a_place() -> None:
    assert list(reach(jacobian(_band(9, 5, 1, 0, 2), _band(9, 5, 1, 0, 2, 4)))) == []


@pytest.mark.parametrize(
    "M",
    [
        np.ones((6, 5)),
        _band(9, 5, 1, 0, 1, 3, 4, 6),
        np.array([[1.0, 0, 1, 1, 0, 0, 1, 0, 0, 1]]) * np.ones((9, 1)),
    ],
)
def test_what_is_no_band(M: Array) -> None:
    n = M.shape[1]
    assert list(reach(jacobian(_band(9, n, 1, 0)[: len(M)], M))) == []
    assert list(reach(jacobian(M, _band(9, n, 1, 0)[: len(M)]))) == []


def test_as_many_numbers_go_along_all_of_a_band() -> None:
    J, A = _band(9, 5, 1, 0, 2), _band(9, 5, 1, 0, 3)
    A2, J2 = (np.concatenate([M, M]) for M in (A, J))
    assert len(list(reach(jacobian(A2, J2, (2, 9), (5,))))) == 1
    J2[2, 2] = 0
    assert list(reach(jacobian(A2, J2, (2, 9), (5,)))) == []


def test_the_matrices_before_a_matrix() -> None:
    W, Z = normal(4, 3), (normal(6, 5), normal(6, 5, seed=1))
    way = np.kron(np.eye(2), W)
    found = jacobian(way @ Z[0], way @ Z[1], (2, 4), (5,), name="X")
    ((path, part),) = behind(found, {"W": W, "V": normal(3, 4), "b": normal(4)})
    assert path == "W"
    assert part.x.shape == (2, 3)
    assert np.allclose(part.A, Z[0])
    assert np.allclose(part.J, Z[1])
    assert list(behind(found, {"W": normal(4, 3, seed=2)})) == []
    assert list(behind(found, {"W": W * [1, 0, 1]})) == []
    other = jacobian(way @ Z[0], way @ Z[1], (2, 4), (5,), name="U")
    assert list(behind(other, {"W": W})) == []
    wrong = jacobian(way @ Z[0] + normal(8, 5), way @ Z[1], (2, 4), (5,), name="X")
    assert list(behind(wrong, {"W": W})) == []
