"""The right numbers, but not all of them, or elsewhere."""

import numpy as np

from layerwise.gradients.hints import (
    ONE_KEPT,
    as_it_came,
    elsewhere,
    one_kept,
    rearranged,
    subsets,
)
from tests.gradients.matrices import jacobian
from tests.gradients.points import normal

# Rearranged ---------------------------------------------------------------------------------------

BACK = "transpose: grad is sent the way that forward goes, and not back"


def test_sent_the_way_that_forward_goes() -> None:
    J = normal(6, 6)
    assert list(rearranged(jacobian(J.T, J, (2, 3), (2, 3)))) == [BACK]
    assert list(rearranged(jacobian(J.T, J, (6,), (2, 3)))) == []
    at = [0, 1, 2, 3, 4, 5]
    assert list(rearranged(jacobian(J.T, J, (7,), (7,), x_at=at, y_at=at))) == []
    assert list(rearranged(jacobian(J + 1, J, (2, 3), (2, 3)))) == []


def test_elements_and_answers_in_other_places() -> None:
    J = normal(6, 4)
    A = J.reshape(2, 3, 4)[:, ::-1].reshape(6, 4)
    assert next(rearranged(jacobian(A, J, (2, 3), (4,)))) == "reversed along axis 1"
    A = J.reshape(6, 2, 2)[:, ::-1].reshape(6, 4)
    assert next(rearranged(jacobian(A, J, (6,), (2, 2)))) == "reversed along axis 0 of Y"
    A = J[[1, 0, 2, 3, 4, 5]]
    part = jacobian(A, J, (7,), (5,), x_at=range(6), y_at=range(4))
    assert list(rearranged(part)) == []
    part = jacobian(J[::-1], J, (6,), (5,), y_at=range(4))
    assert next(rearranged(part)) == "reversed along axis 0"
    part = jacobian(J[:, ::-1], J, (7,), (4,), x_at=range(6))
    assert next(rearranged(part)) == "reversed along axis 0 of Y"


def test_two_elements_have_places_and_one_has_none() -> None:
    J = normal(2, 4)
    assert next(rearranged(jacobian(J[::-1], J, (2,), (4,)))) == "reversed along axis 0"
    assert list(rearranged(jacobian(J[:1] + 1, J[:1], (1,), (4,)))) == []


def test_each_answer_has_its_own_tolerance_and_in_other_places_the_largest() -> None:
    J = normal(3, 4) * [1, 1, 1, 1000]
    A = J[::-1] + np.array([0, 0, 0, 0.003])
    assert next(rearranged(jacobian(A, J))) == "reversed along axis 0"
    assert list(rearranged(jacobian(J[::-1] + np.array([0.003, 0, 0, 0]), J))) == []
    J = normal(3, 4) * [1, 10, 1000, 1000]
    A = J[:, [1, 0, 3, 2]] + np.array([0.003, 0, 0, 0])
    assert next(rearranged(jacobian(A, J, (3,), (2, 2)))) == "reversed along axis 1 of Y"


def test_summed() -> None:
    J = np.diag(np.arange(1.0, 7))
    same = ", all along which the gradient is now the same"
    A = np.tile(J.reshape(2, 3, 6).sum(axis=0), (2, 1))
    assert list(rearranged(jacobian(A, J, (2, 3), (2, 3)))) == [f"summed over axis 0{same}"]
    A = np.tile(J.reshape(6, 2, 3).sum(axis=1), (1, 2))
    assert list(rearranged(jacobian(A, J, (2, 3), (2, 3)))) == [f"summed over axis 0 of Y{same}"]


# Subsets ------------------------------------------------------------------------------------------

NOT_ZERO = "not zero where the answer does not depend on the element: "


def test_a_choice_that_is_not_applied() -> None:
    J = np.diag([1.0, 0, 2, 0])
    A = np.eye(4) * [1, 3, 2, 5]
    chosen = "a mask or choice of forward (as of ReLU, dropout, a maximum) is not applied"
    assert next(subsets(jacobian(A, J, name="X"))) == NOT_ZERO + chosen
    # Of a parameter, an element that other answers depend on may be summed over too many axes.
    assert next(subsets(jacobian(A, J, name="W"))) == NOT_ZERO + chosen
    A[0, 2] = 7
    summed = "a sum over too many axes, or a choice of forward that is not applied"
    assert next(subsets(jacobian(A, J, name="W"))) == NOT_ZERO + summed
    assert next(subsets(jacobian(A, J, name="X"))) == NOT_ZERO + chosen
    A[2, 2] = 3
    assert list(subsets(jacobian(A, J, name="X"))) == []


def test_the_right_ways_without_their_factors() -> None:
    J = np.diag([1.0, 3, 2])
    words = (
        "grad goes the right ways, but all of it times {}: a factor that differs from way to way, "
        "such as a weight or a slope, is left out"
    )
    assert list(subsets(jacobian(np.eye(3) / 3, J))) == [words.format("0.333333")]
    assert list(subsets(jacobian(np.eye(3) * [1, 1, 1.1], J))) == []
    assert list(subsets(jacobian(np.eye(3) + 1, J))) == []
    assert list(subsets(jacobian(np.eye(3), np.diag([1.0, 3, 0])))) != [words.format("1")]
    assert list(subsets(jacobian(np.diag([1.0, 1, 0]), np.diag([1.0, 3, 0])))) == []


# As it came ---------------------------------------------------------------------------------------

CAME = "backward gives grad as it came: what forward does to X is missing"


def test_grad_as_it_came() -> None:
    J = normal(4, 4)
    assert list(as_it_came(jacobian(np.eye(4), J, (2, 2), (2, 2)))) == [CAME]
    assert list(as_it_came(jacobian(2 * np.eye(4), J, (2, 2), (2, 2)))) == []
    assert list(as_it_came(jacobian(np.eye(4), J, (4,), (2, 2)))) == []
    part = jacobian(np.eye(4)[1:, [0, 2]], J[1:, [0, 2]], (4,), (4,), x_at=[1, 2, 3], y_at=[0, 2])
    assert list(as_it_came(part)) == [CAME]


# Elsewhere ----------------------------------------------------------------------------------------

ANOTHER = "the gradient of an answer arrives at another place than the answer came from"


def test_each_answers_numbers_at_other_elements() -> None:
    J = np.diag([1.0, 2, 3, 4]) - 0.5
    A = J.copy()
    A[:3, 0], A[1:, 1] = J[[1, 2, 0], 0], J[[3, 1, 2], 1]
    assert list(elsewhere(jacobian(A, J))) == [ANOTHER]
    assert list(elsewhere(jacobian(A[:3], J[:3], (4,), x_at=[0, 1, 2]))) == []
    A[0, 3] = 9
    assert list(elsewhere(jacobian(A, J))) == []


def test_of_three_elements_or_more() -> None:
    J = np.zeros((4, 3))
    J[0] = [1, 2, 3]
    for to, many in (([1, 1, 1], 0), ([1, 2, 1], 1)):
        A = np.zeros((4, 3))
        A[to, range(3)] = [1, 2, 3]
        assert len(list(elsewhere(jacobian(A, J)))) == many


def test_in_the_order_in_which_it_came() -> None:
    J = np.eye(4)[[2, 0, 3, 1]]
    assert list(elsewhere(jacobian(np.eye(4), J))) == [CAME, ANOTHER]


# One kept -----------------------------------------------------------------------------------------

KEPT = (
    "one of several gradients is kept, where they add up: add them, with += for overlapping "
    "windows, and np.add.at where an index repeats (+= keeps one)"
)
WAYS = np.array([[1.0, 2, 0, 0], [0, 3, 4, 0], [0, 0, 5, 6]])


def test_the_last_of_several_or_the_first() -> None:
    last = [[0, 2, 0, 0], [0, 0, 4, 0], [0, 0, 0, 6]]
    first = [[1, 0, 0, 0], [0, 3, 0, 0], [0, 0, 5, 0]]
    assert list(one_kept(jacobian(last, WAYS))) == [KEPT]
    assert list(one_kept(jacobian(first, WAYS))) == [KEPT]
    assert list(one_kept(jacobian([first[0], *last[1:]], WAYS))) == []
    assert list(one_kept(jacobian(WAYS, WAYS))) == []
    assert list(one_kept(jacobian(0.5 * np.array(last), WAYS))) == []


def test_the_last_along_an_axis_of_the_answers() -> None:
    J = np.zeros((3, 2, 4))
    J[:, 0], J[:, 1] = WAYS, WAYS
    for along in (0, 1):
        kept = np.zeros_like(J)
        if along:
            kept[[0, 1, 2], :, [1, 2, 3]] = J[[0, 1, 2], :, [1, 2, 3]]
        else:
            kept[:, 1] = J[:, 1]
        found = list(one_kept(jacobian(kept.reshape(3, 8), J.reshape(3, 8), (3,), (2, 4))))
        assert found == [KEPT] * along  # along axis 0 all keep index 1: that is a place


def test_the_last_along_two_axes_together() -> None:
    J = np.zeros((3, 2, 2))
    J[0] = [[1, 2], [3, 0]]
    J[1] = [[0, 4], [5, 6]]
    J[2] = [[7, 8], [0, 0]]
    kept = np.zeros_like(J)
    kept[0, 1, 0], kept[1, 1, 1], kept[2, 0, 1] = 3, 6, 8
    assert list(one_kept(jacobian(kept.reshape(3, 4), J.reshape(3, 4), (3,), (2, 2)))) == [KEPT]


def test_elements_that_nothing_comes_to_have_no_last() -> None:
    J = np.concatenate([[[1.0, 2, 0], [0, 3, 0]], np.zeros((1, 3))])
    last = [[0, 2, 0], [0, 3, 0], [0, 0, 0]]
    assert list(one_kept(jacobian(last, J))) == []  # index 1 for all: that is a place
    first = [[1, 0, 0], [0, 3, 0], [0, 0, 0]]
    assert list(one_kept(jacobian(first, J))) == [KEPT]


def test_of_the_edges_of_a_graph_any_may_be_kept() -> None:
    J, A = np.zeros((5, 5)), np.zeros((5, 5))
    for start, end in (0, 1), (0, 2), (1, 2), (2, 2), (3, 0), (3, 4), (4, 3), (1, 0):
        J[start, end], A[start] = 1, 0
        A[start, end] = 1
    assert list(one_kept(jacobian(A, J))) == [ONE_KEPT]
    # In a matrix of other rows than columns there is no edge, and the same way of all is a way.
    assert list(one_kept(jacobian(A, J, (5,), (5, 1)))) == []
    beside = np.eye(5) + np.eye(5, k=1) + np.eye(5, k=-1)
    assert list(one_kept(jacobian(np.eye(5), beside))) == []
    # Two of three are not one.
    J[0] = A[0] = [0, 1, 1, 0, 0]
    J[0, 4] = 1
    assert list(one_kept(jacobian(A, J))) == []


def test_what_does_not_arrive() -> None:
    J = np.eye(5) + np.eye(5, k=1) / 2 + np.eye(5, k=-1) / 2
    A = np.tril(J)
    (hint,) = subsets(jacobian(A, J))
    assert hint == (
        "what arrives is right, but 4 of 13 gradients that add up do not arrive: those of one use, "
        "one neighbour or one way are left out"
    )
    A = J.copy()
    A[0, 1] = A[1, 2] = 0  # two may be an accident
    assert list(subsets(jacobian(A, J))) == []
    A = np.tril(J)
    A[3, 4] = 1
    assert list(subsets(jacobian(A, J))) == []
