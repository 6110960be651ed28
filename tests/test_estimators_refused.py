"""What estimators refuse as scikit-learn does, and layers for sparse rows by themselves."""

import numpy as np
import pytest
from scipy import sparse

from layerwise import Dense
from layerwise.estimators import MLPClassifier, MLPRegressor
from layerwise.estimators.sparse import Rows, SparseDense
from tests.raising import raises

X = np.random.default_rng(0).normal(size=(40, 3))
y = (X[:, 0] > 0).astype(int)


def test_other_classes_after_a_warm_start() -> None:
    model = MLPClassifier((4,), warm_start=True, tol=0.1, max_iter=500, random_state=0).fit(X, y)
    with raises(
        ValueError,
        "warm_start can only be used where `y` has the same classes as in the previous call to "
        "fit. Previously got [0 1], `y` has [0 1 2]",
    ):
        model.fit(X, np.arange(40) % 3)


def test_the_identity_is_no_layer() -> None:
    model = MLPRegressor(
        hidden_layer_sizes=(4,), activation="identity", tol=0.1, max_iter=500, random_state=0
    )
    assert len(model.fit(X, y).network_) == 2


def test_lbfgs_has_no_partial_fit() -> None:
    with raises(AttributeError, "This 'MLPClassifier' has no attribute 'partial_fit'") as raised:
        MLPClassifier(solver="lbfgs").partial_fit  # noqa: B018  # asking is enough
    assert str(raised.value.__cause__) == (
        "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic."
    )


def test_weights_below_zero() -> None:
    with raises(ValueError, "Negative values in data passed to `sample_weight`."):
        MLPRegressor().fit(X, y, np.linspace(-1, 1, 40))


def test_partial_fit_holds_nothing_out() -> None:
    with raises(ValueError, "partial_fit does not support early_stopping=True"):
        MLPRegressor(early_stopping=True).partial_fit(X, y)


def test_too_few_rows_to_hold_out() -> None:
    with raises(
        ValueError,
        "The validation set is too small. Increase 'validation_fraction' or the size of your "
        "dataset.",
    ):
        MLPRegressor(early_stopping=True).fit(X[:5], y[:5])


def test_numbers_of_rows_have_no_gradient() -> None:
    rows = np.array([2, 0, 2])
    Y, backward = Rows(sparse.csr_array(X)).forward(rows)
    np.testing.assert_array_equal(Y.toarray(), X[rows])
    np.testing.assert_array_equal(backward(Y), [0, 0, 0])


@pytest.mark.parametrize("bias", [True, False])
def test_sparse_rows_give_what_dense_rows_give(bias: bool) -> None:
    dense = Dense(3, 2, bias=bias, rng=0)
    A = np.where(X > 0.5, X, 0)
    grad = np.random.default_rng(1).normal(size=(40, 2))
    answers, gradients = [], []
    for layer, rows in (dense, A), (SparseDense(dense), sparse.csr_array(A)):
        dense.zero_grad()
        Y, backward = layer.forward(rows)
        answers.append(Y)
        gradients.append([backward(grad), *(p.grad.copy() for p in dense.parameters())])
    np.testing.assert_allclose(answers[0], answers[1], rtol=1e-14, atol=1e-14)
    for own, other in zip(*gradients, strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-13, atol=1e-14)
