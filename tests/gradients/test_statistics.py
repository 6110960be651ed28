"""Terms that go through a few numbers."""

import numpy as np
import pytest

from layerwise.arrays import Array, Matrix
from layerwise.gradients.statistics import bottlenecks, couplings
from tests.gradients.matrices import jacobian
from tests.gradients.points import normal


def _centered(n: int) -> Matrix:
    """The Jacobian of X − mean(X)."""
    centered: Matrix = np.eye(n) - 1 / n
    return centered


def _softmax(n: int, seed: int = 0) -> tuple[Array, Matrix]:
    """The answers of a softmax, and their Jacobian."""
    Y = np.exp(normal(n, seed=seed))
    Y /= Y.sum()
    return Y, np.diag(Y) - np.outer(Y, Y)


def _rows(*blocks: Matrix) -> Matrix:
    """A Jacobian of rows that know nothing of each other."""
    n = len(blocks[0])
    J = np.zeros((len(blocks), n, len(blocks), n))
    for i, block in enumerate(blocks):
        J[i, :, i] = block
    return J.reshape(len(blocks) * n, -1)


def _hints(A: Matrix, J: Matrix, x: tuple[int, ...], Y: tuple[int, ...] | None = None) -> list[str]:
    return list(couplings(jacobian(A, J, x, x if Y is None else Y)))


# Couplings ----------------------------------------------------------------------------------------

DIAGONAL = (
    "the diagonal of the Jacobian alone: what goes along {} from an element to the others' answers "
    "is missing, as softmax's -Y sum(grad Y)"
)
OWN = "each element gets its own answer's gradient only, and what goes along {} is missing"
STATISTICS = ": statistics such as a mean, variance, norm or softmax's sum are taken for constants"
STRAIGHT = (
    "missing or wrong: a term that goes straight from each entry of grad to the same entry of X, "
    "as around a layer, by a skip or a gate"
)
THROUGH = "missing or wrong: a term through {} along {}, as a sum, mean, norm or variance is"
SAME = (
    "the error is the same all along {}: what goes through a mean or sum there is missing or wrong"
)


MIXES = "backward mixes the elements along {}, {}: a wrong axis in a sum, mean, product or reshape"
SOFTMAX = _rows(_softmax(4)[1], _softmax(4, 1)[1])
Y_OF_IT = np.concatenate([_softmax(4)[0], _softmax(4, 1)[0]])
CENTERED = _rows(_centered(4), _centered(4))
SLOPES = np.diag(np.arange(1.0, 9.0))


def test_the_diagonal_of_a_softmax() -> None:
    assert _hints(np.diag(np.diag(SOFTMAX)), SOFTMAX, (2, 4)) == [
        DIAGONAL.format("axis 1"),
        OWN.format("axis 1"),
    ]


def test_a_softmax_without_its_sum() -> None:
    assert _hints(np.diag(Y_OF_IT), SOFTMAX, (2, 4)) == [
        OWN.format("axis 1") + STATISTICS,
        THROUGH.format("one number", "axis 1"),
    ]


def test_a_wrong_axis() -> None:
    over_rows = np.diag(Y_OF_IT) - 0.1 * np.kron(np.ones((2, 2)), np.eye(4))
    assert _hints(over_rows, SOFTMAX, (2, 4)) == [
        MIXES.format("axis 0", "where axis 1 belongs"),
    ]
    both = _centered(24)
    first = np.kron(_centered(2), np.kron(_centered(3), np.eye(4)))
    assert _hints(both, first, (2, 3, 4))[0] == MIXES.format("axis 2", "where axes 0 and 1 belong")
    assert _hints(both[:8, :8], SLOPES, (2, 4)) == [
        MIXES.format("axes 0 and 1", "where nothing does")
    ]


def test_too_few_axes() -> None:
    found = _hints(CENTERED @ SLOPES, _centered(8) @ SLOPES, (2, 4))
    assert (
        "backward mixes the elements along axis 1 only, where axes 0 and 1 belong: a sum, mean or "
        "product over too few axes"
    ) in found
    assert not any("too few" in hint for hint in _hints(CENTERED + SOFTMAX, CENTERED, (2, 4)))
    assert not any("too few" in hint for hint in _hints(SLOPES, CENTERED, (2, 4)))


def test_what_is_straight() -> None:
    assert _hints(SLOPES + SOFTMAX, SOFTMAX, (2, 4)) == [STRAIGHT]
    assert _hints(SLOPES - SLOPES[0, 0] * np.eye(8) + SOFTMAX, SOFTMAX, (2, 4)) == []


def test_what_is_right_but_for_a_full_matrix() -> None:
    full = _rows(normal(4, 4), normal(4, 4, seed=1))
    assert _hints(2 * np.eye(8), full, (2, 4)) == [OWN.format("axis 1")]
    # Grad as it came is another pattern.
    assert _hints(np.eye(8), full, (2, 4)) == []


def test_through_two_numbers() -> None:
    E = np.outer(*normal(2, 4)) + np.outer(*normal(2, 4, seed=1))
    one = np.outer(*normal(2, 4, seed=2))
    assert _hints(SLOPES, SLOPES - _rows(E, one), (2, 4)) == [
        OWN.format("axis 1") + STATISTICS,
        THROUGH.format("two numbers", "axis 1"),
    ]


def test_a_term_through_three_numbers_is_no_pattern() -> None:
    E = sum((np.outer(*normal(2, 4, seed=seed)) for seed in (3, 4, 5)), np.zeros((4, 4)))
    assert _hints(SLOPES, SLOPES - _rows(E, np.outer(*normal(2, 4))), (2, 4)) == [
        OWN.format("axis 1")
    ]


def test_along_other_axes() -> None:
    block = np.outer(*normal(2, 4))
    J = SLOPES - np.kron(block, np.eye(2))
    assert _hints(SLOPES, J, (4, 2)) == [
        OWN.format("axis 0") + STATISTICS,
        THROUGH.format("one number", "axis 0"),
    ]
    slopes = np.diag(np.arange(1.0, 25.0))
    J = slopes - np.kron(block, np.eye(6))
    assert _hints(slopes, J, (4, 2, 3))[1:] == [THROUGH.format("one number", "axis 0")]
    u, v = normal(2, 4, 3)
    both = np.einsum("ac,bd,xy->axcbyd", u, v, np.eye(2)).reshape(24, 24)
    assert _hints(slopes, slopes - both, (4, 2, 3))[1:] == [
        THROUGH.format("one number", "axes 0 and 2")
    ]


def test_two_lines_are_no_pattern_of_numbers() -> None:
    """They go through two numbers whatever they are."""
    for u in ([1.0, 2, 0], [1.0, 2, 0.5e-4]):
        J = np.diag([1.0, 2, 3, 4, 5, 6]) - np.kron(np.eye(2), np.outer(u, [1, 2, 2]))
        assert _hints(np.diag([1.0, 2, 3, 4, 5, 6]), J, (2, 3)) == [OWN.format("axis 1")]
        assert _hints(np.diag([1.0, 2, 3, 4, 5, 6]), J.T, (2, 3)) == [OWN.format("axis 1")]
    J = np.eye(4) * 9 - np.kron(np.eye(2), [[1, 2], [3, 5]])
    assert _hints(np.eye(4) * 9, J, (2, 2)) == [OWN.format("axis 1")]


def test_three_lines_of_a_ten_thousandth_are() -> None:
    slopes = np.diag([1.0, 2, 3, 4, 5, 6])
    J = slopes - np.kron(np.eye(2), np.outer([1, 2, 4e-4], [1, 2, 2]))
    for right in (J, J.T):
        assert _hints(slopes, right, (2, 3)) == [
            OWN.format("axis 1") + STATISTICS,
            THROUGH.format("one number", "axis 1"),
        ]


@pytest.mark.parametrize(("third", "words"), [(2e-4, ""), (0.5e-4, STATISTICS)])
def test_a_third_number_counts_from_a_ten_thousandth(third: float, words: str) -> None:
    turn = np.linalg.qr(normal(4, 4))[0]
    E = turn @ np.diag([1, 0.5, third, 0]) @ turn.T
    found = _hints(SLOPES, SLOPES - _rows(E, E), (2, 4))
    assert found[0] == OWN.format("axis 1") + words


@pytest.mark.parametrize(("right", "said"), [(0, True), (1, False), (2, False)])
def test_nine_tenths_of_a_term_are_not_enough(right: int, said: bool) -> None:
    u, v = normal(2, 10)
    u[:right] = 0
    slopes = np.diag(np.arange(1.0, 11.0))
    found = _hints(slopes, slopes - np.outer(u, v), (1, 10))
    assert (THROUGH.format("one number", "axis 1") in found) == said
    if right < 2:
        u, v = normal(2, 20)
        u[:right] = 0
        slopes = np.diag(np.arange(1.0, 21.0))
        found = _hints(slopes, slopes - np.outer(u, v), (1, 20))
        assert THROUGH.format("one number", "axis 1") in found


def test_four_elements_are_enough_and_all_are_needed() -> None:
    Y, J = _softmax(4)
    assert len(_hints(np.diag(Y), J, (4,))) == 2
    Y, J = _softmax(3)
    assert _hints(np.diag(Y), J, (3,)) == []
    Y, J = _softmax(5)
    assert list(couplings(jacobian(np.diag(Y)[1:], J[1:], (5,), (5,), x_at=[1, 2, 3, 4]))) == []
    assert (
        list(couplings(jacobian(np.diag(Y)[:, 1:], J[:, 1:], (5,), (5,), y_at=[1, 2, 3, 4]))) == []
    )


# Means --------------------------------------------------------------------------------------------

MISSING = "missing mean: the mean of the gradient along {} is not subtracted"
SURPLUS = "surplus mean: the mean along {} is subtracted, and must not be"
SUM = "a sum for a mean: too much is subtracted along {}"


def test_a_missing_mean() -> None:
    assert _hints(SLOPES, CENTERED @ SLOPES, (2, 4)) == [
        MISSING.format("axis 1"),
        SAME.format("axis 1"),
        OWN.format("axis 1") + STATISTICS,
        THROUGH.format("one number", "axis 1"),
    ]


def test_a_sum_for_a_mean() -> None:
    summed = np.eye(8) - _rows(np.ones((4, 4)), np.ones((4, 4)))
    assert _hints(summed @ SLOPES, CENTERED @ SLOPES, (2, 4)) == [
        SUM.format("axis 1"),
        SAME.format("axis 1"),
        THROUGH.format("one number", "axis 1"),
    ]


def test_means_of_a_parameter() -> None:
    W = normal(8, 6)
    for J, along in (CENTERED @ W, "axis 1"), (_centered(8) @ W, "axes 0 and 1"):
        assert _hints(W, J, (2, 4), (6,)) == [MISSING.format(along)]
        assert _hints(J, W, (2, 4), (6,)) == [SURPLUS.format(along)]
    half = np.kron(_centered(2), np.eye(4)) @ W
    assert _hints(W, half, (2, 4), (6,)) == [MISSING.format("axis 0")]
    assert _hints(half, W, (2, 4), (6,)) == [SURPLUS.format("axis 0")]


def test_there_is_no_mean_along_one_index() -> None:
    J = normal(4, 6)
    assert _hints(0 * J, J, (1, 4), (6,)) == []
    assert _hints(J, 0 * J, (1, 4), (6,)) == []
    assert _hints(2 * np.diag([1.0, 2, 4, 5]), np.diag([1.0, 2, 4, 5]), (1, 4)) == []


def test_the_same_error_along_most_axes_comes_first() -> None:
    slopes = _centered(8) @ SLOPES
    found = _hints(slopes + 1, slopes, (2, 4))
    assert [hint for hint in found if "same" in hint] == [
        SAME.format("axes 0 and 1"),
        SAME.format("axis 1"),
        SAME.format("axis 0"),
    ]


# Bottlenecks --------------------------------------------------------------------------------------

ANSWERS = (
    "missing or wrong: a term through {} for all answers along the last axis of Y, as the sum of "
    "grad times Y in a softmax's gradient (one for each head), or a mean or norm"
)
AXIS = (
    "missing or wrong: a term through {} along axis {}, as a norm, a mean or a softmax's sum of it "
    "is"
)
ROW = (
    "missing or wrong: a term through one number for each row of Y along axis {}, as of one use of "
    "a parameter that is used more than once"
)


def _low(rank: int, *shape: int, seed: int = 0) -> Matrix:
    """A matrix of this rank."""
    low: Matrix = normal(shape[0], rank, seed=seed) @ normal(rank, shape[1], seed=seed + 50)
    return low


def _bottlenecks(
    E: Matrix, J: Matrix, x: tuple[int, ...], Y: tuple[int, ...], name: str = "X"
) -> list[str]:
    return list(bottlenecks(jacobian(J + E, J, x, Y, name=name)))


def _answers(first: Matrix, second: Matrix, J: Matrix | None = None) -> list[str]:
    """What is said of errors of two rows of answers."""
    E = np.concatenate([first, second], axis=1)
    J = normal(*E.shape, seed=9) if J is None else J
    return _bottlenecks(E, J, (len(E),), (2, first.shape[1]))


def test_all_answers_go_through_one_number() -> None:
    assert _answers(_low(1, 5, 4), _low(1, 5, 4, seed=1)) == [ANSWERS.format("one number")]
    assert _answers(_low(1, 5, 4), _low(2, 5, 4, seed=1)) == [ANSWERS.format("two numbers")]
    assert _answers(_low(1, 5, 4), _low(3, 5, 4, seed=1)) == []
    assert _answers(_low(1, 4, 5), 0 * _low(1, 4, 5)) == [ANSWERS.format("one number")]


def test_where_the_right_way_goes_through_one_number_too_it_says_nothing() -> None:
    E = _low(1, 5, 4), _low(1, 5, 4, seed=1)
    for rank, many in ((1, 0), (2, 1)):
        J = np.concatenate([_low(rank, 5, 4, seed=2), _low(rank, 5, 4, seed=3)], axis=1)
        assert len(_answers(*E, J)) == many


def test_two_answers_or_elements_are_too_few() -> None:
    assert _answers(_low(1, 5, 3), _low(1, 5, 3, seed=1)) == [ANSWERS.format("one number")]
    assert _answers(_low(1, 5, 2), _low(1, 5, 2, seed=1)) == []
    assert _answers(_low(1, 3, 5), _low(1, 3, 5, seed=1)) == [ANSWERS.format("one number")]
    assert _answers(_low(1, 2, 5), _low(1, 2, 5, seed=1)) == []


@pytest.mark.parametrize(("size", "many"), [(2e-3, 1), (0.5e-3, 0)])
def test_three_of_a_thousandth_have_to_be_there(size: float, many: int) -> None:
    u, v = np.array([1, size, 0, 0, -1]), np.array([0.5, 0.25, 1.0, 0])
    for E in (np.outer(u, v), np.outer(v, u)):
        assert len(_answers(E, 0 * E)) == many


@pytest.mark.parametrize(("third", "many"), [(2e-4, 0), (0.5e-4, 1)])
def test_a_third_way_counts_from_a_ten_thousandth(third: float, many: int) -> None:
    left, right = np.linalg.qr(normal(4, 4))[0], np.linalg.qr(normal(4, 4, seed=1))[0]
    E = left @ np.diag([1, 0.5, third, 0]) @ right
    assert len(_answers(E, E)) == many


def test_answers_without_rows_have_no_last_axis() -> None:
    E = _low(1, 5, 6)
    assert _bottlenecks(E, normal(5, 6, seed=9), (5,), (6,)) == []
    assert _bottlenecks(E, normal(5, 6, seed=9), (5,), (1, 6)) == [ANSWERS.format("one number")]


def test_some_answers_are_not_the_last_axis() -> None:
    J, y_at = normal(5, 8, seed=9), [0, 1, 2, 3, 4, 5, 6, 7]
    part = jacobian(J + _low(1, 5, 8), J, (5,), (3, 4), y_at=y_at)
    assert list(bottlenecks(part)) == []


def test_a_parameter_through_one_number() -> None:
    u, v = normal(4, 5), normal(5, 6, seed=1)
    E = np.einsum("ij,jy->ijy", u, v).reshape(20, 6)
    J = normal(20, 6, seed=9)
    assert _bottlenecks(E, J, (4, 5), (6,), "W") == [AXIS.format("one number", 0)]
    assert _bottlenecks(E, J, (4, 5), (6,), "X") == []
    turned = np.einsum("ij,jy->jiy", u, v).reshape(20, 6)
    assert _bottlenecks(turned, J, (5, 4), (6,), "W") == [AXIS.format("one number", 1)]
    part = jacobian(J[1:] + E[1:], J[1:], (4, 5), (6,), x_at=np.arange(1, 20))
    assert list(bottlenecks(part)) == []


def test_a_parameter_through_one_number_for_each_row() -> None:
    u, v = normal(3, 4), normal(3, 5, 2, seed=1)
    E = np.einsum("ri,rjc->ijrc", u, v).reshape(20, 6)
    J = normal(20, 6, seed=9)
    assert _bottlenecks(E, J, (4, 5), (3, 2), "W") == [ROW.format(0)]
    turned = np.einsum("ri,rjc->jirc", u, v).reshape(20, 6)
    assert _bottlenecks(turned, J, (5, 4), (3, 2), "W") == [ROW.format(1)]
    twice = E + np.einsum("ri,rjc->ijrc", u[::-1], v[:, ::-1] + 1).reshape(20, 6)
    assert _bottlenecks(twice, J, (4, 5), (3, 2), "W") == []
