"""accuracy: by hand, of classes and of yes or no, and every refusal."""

from typing import Any

import numpy as np
import pytest

from layerwise import accuracy
from tests.raising import raises

Y = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, 3.0], [-1.0, -2.0, 5.0], [1.0, 0.0, 0.5]])  # 0 1 2 0


def test_classes_by_hand() -> None:
    """Of two equal logits the first counts."""
    assert accuracy(Y, np.array([0, 1, 2, 0])) == 1
    assert accuracy(Y, np.array([0, 2, 2, 1])) == 0.5
    assert accuracy(Y, np.array([1, 0, 0, 1])) == 0
    assert type(accuracy(Y, np.array([0, 1, 2, 0]))) is float


def test_one_hot_and_probabilities() -> None:
    assert accuracy(Y, np.eye(3)[[0, 2, 2, 0]]) == 0.75
    assert accuracy(Y, np.eye(3, dtype=int)[[0, 2, 2, 0]]) == 0.75
    assert accuracy(Y, np.array([[0.5, 0.2, 0.3]] * 4)) == 0.5


def test_any_leading_axes() -> None:
    of_sequences, target = Y.reshape(2, 2, 3), np.array([[0, 1], [2, 1]])
    assert accuracy(of_sequences, target) == 0.75
    assert accuracy(of_sequences, np.eye(3)[target]) == 0.75


@pytest.mark.parametrize("no", [0, -1])
@pytest.mark.parametrize("of", [(4,), (4, 1)])
@pytest.mark.parametrize("to", [(4,), (4, 1)])
def test_yes_or_no_by_hand(of: tuple[int, ...], to: tuple[int, ...], no: int) -> None:
    """A logit of 0 is a no, and so is a negative one: yes, no, no, yes against yes, no, yes, no."""
    logits = np.array([0.5, 0.0, -2.0, 3.0]).reshape(of)
    assert accuracy(logits, np.array([1, no, 1, no]).reshape(to)) == 0.5
    assert accuracy(logits, np.array([1, no, no, 1]).reshape(to)) == 1


def test_yes_or_no_as_booleans_and_in_sequences() -> None:
    logits = np.array([[1.0, -1.0, 1.0], [1.0, 1.0, 1.0]])[..., np.newaxis]
    target = np.array([[True, False, False], [True, True, True]])
    assert accuracy(logits, target) == accuracy(logits, target[..., np.newaxis]) == 5 / 6


def test_a_vector_is_never_compared_with_every_row() -> None:
    """(n, 1) against (n,) would broadcast to (n, n), of which half is right."""
    logits = np.array([[1.0], [-1.0]])
    assert accuracy(logits, np.array([1, 0])) == 1


def test_targets_that_do_not_fit() -> None:
    for given, shape in (np.zeros(3), (2,)), (np.zeros((1, 2)), (2,)), (np.zeros(()), (2,)):
        with raises(
            ValueError,
            f"accuracy: target {given.shape} and Y (2, 1) do not fit: expected one yes or no for "
            f"each answer, of shape {shape} or (2, 1)",
        ):
            accuracy(np.zeros((2, 1)), given)
    with raises(
        ValueError,
        "accuracy: target (3,) and Y (4, 3) do not fit: expected classes of shape (4,) or "
        "probabilities of shape (4, 3)",
    ):
        accuracy(Y, np.zeros(3, int))


def test_targets_of_other_numbers() -> None:
    with raises(
        ValueError,
        "accuracy: target has numbers from 0.3 to 2.0, expected 1 for yes and 0 or -1 for no, "
        "because Y has one logit for each answer",
    ):
        accuracy(np.zeros(2), np.array([2, 0.3]))
    with raises(
        ValueError,
        "accuracy: target has classes from 0 to 3, expected 0 to 2, because Y has 3 columns",
    ):
        accuracy(Y, np.array([0, 1, 2, 3]))
    with raises(
        ValueError,
        "accuracy: target has the shape of Y, so each row must hold probabilities, at least 0 and "
        "summing to 1; its smallest entry is 1.0 and its rows sum to 3.0 to 3.0",
    ):
        accuracy(Y, np.ones((4, 3)))
    with raises(
        TypeError,
        "accuracy: target has dtype <U1, expected integer classes 0 to k - 1: "
        "np.unique(y, return_inverse=True) gives the names and these",
    ):
        accuracy(Y, np.array(["a", "b", "c", "a"]))


@pytest.mark.parametrize("logits", [np.zeros((0, 3)), np.zeros(0), np.float64(1)])
def test_no_answers(logits: Any) -> None:
    shape = np.shape(logits)
    with raises(
        ValueError,
        f"accuracy: Y has shape {shape} and no entries, expected at least one row",
    ):
        accuracy(logits, np.zeros(shape[:1], int))


def test_classes_for_logits() -> None:
    with raises(
        TypeError,
        "accuracy: Y has dtype int64, expected logits, what the network answers, and not the "
        "classes that they mean",
    ):
        accuracy(np.array([0, 1]), np.array([0, 1]))
