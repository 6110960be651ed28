"""What estimators refuse, as scikit-learn does and in its words where it has them."""

import sys
from importlib import import_module
from math import inf
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from layerwise import GELU
from layerwise.estimators import MLPClassifier, MLPRegressor, NetworkRegressor
from tests.raising import raises
from tests.test_estimators import DIABETES, LABELS, WINE

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_what_a_parameter_may_be() -> None:
    for settings, message in (
        ({"alpha": -1}, "The 'alpha' parameter of MLPClassifier must be a float in the range "
         "[0.0, inf). Got -1 instead."),
        ({"dropout": 1.0}, "The 'dropout' parameter of MLPClassifier must be a float in the "
         "range [0.0, 1.0) or an array-like. Got 1.0 instead."),
        ({"max_iter": 0}, "The 'max_iter' parameter of MLPClassifier must be an int in the "
         "range [1, inf). Got 0 instead."),
    ):  # fmt: skip
        with raises(ValueError, message):
            MLPClassifier(**settings).fit(*WINE)
    with pytest.raises(ValueError, match="'solver' parameter of MLPRegressor must be a str"):
        MLPRegressor(solver="newton").fit(*DIABETES)
    with pytest.raises(ValueError, match="'build' parameter of NetworkRegressor must be a cal"):
        NetworkRegressor("Dense").fit(*DIABETES)


def test_sizes_and_lists_that_do_not_fit() -> None:
    with raises(ValueError, "hidden_layer_sizes must be > 0, got [3, -1]."):
        MLPClassifier((3, -1)).fit(*WINE)
    message = (
        "activation=['relu', 'tanh'] has 2 items, expected 1, one for each hidden layer, or "
        "one for all"
    )
    with raises(ValueError, message):
        MLPClassifier(3, activation=["relu", "tanh"]).fit(*WINE)


def test_an_activation_that_makes_no_layer() -> None:
    cases: list[tuple[Any, str]] = [
        (["relu", "step"], "'step'"),
        (["relu", 3], "3"),
        (GELU(), "GELU()"),
    ]
    for bad, what in cases:
        message = (
            f"activation {what} came, expected one of ['identity', 'logistic', 'tanh', 'relu'],"
            " or a layer class, or a function that makes a layer, such as GELU"
        )
        with raises(ValueError, message):
            MLPClassifier((3, 2), activation=bad).fit(*WINE)


def test_lbfgs_needs_a_loss_that_is_the_same_each_time() -> None:
    message = (
        "solver='lbfgs' needs a loss that is the same at each call: leave out dropout and "
        "batch_norm, or choose solver='adam'"
    )
    for new in {"dropout": 0.5}, {"batch_norm": True}, {"dropout": [0.1]}:
        with raises(ValueError, message):
            MLPClassifier(solver="lbfgs", **new).fit(*WINE)


def test_before_fit() -> None:
    message = (
        "This MLPRegressor instance is not fitted yet. Call 'fit' with appropriate arguments "
        "before using this estimator."
    )
    with raises(NotFittedError, message):
        MLPRegressor().predict(DIABETES[0])
    failed = MLPRegressor(hidden_layer_sizes=(0,))
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        failed.fit(*DIABETES)
    with raises(NotFittedError, message):
        failed.predict(DIABETES[0])
    assert not hasattr(MLPRegressor(), "coefs_")


def test_rows_that_cannot_be_answered() -> None:
    mlp, X = MLPRegressor(max_iter=1).fit(*DIABETES), DIABETES[0][:1].copy()
    with raises(
        ValueError,
        "X has 9 features, but MLPRegressor is expecting 10 features as input.",
    ):
        mlp.predict(X[:, 1:])
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array instead"):
        mlp.predict(X[0])
    with pytest.raises(ValueError, match=r"Found array with 0 sample\(s\)"):
        mlp.predict(X[:0])
    for bad, what in (inf, "infinity"), (np.nan, "NaN"):
        X[0, 0] = bad
        with pytest.raises(ValueError, match=f"Input X contains {what}"):
            mlp.predict(X)


def test_targets_that_are_no_labels() -> None:
    X = WINE[0]
    with pytest.raises(ValueError, match="Unknown label type"):
        MLPClassifier().fit(X, X[:, 0])
    with pytest.raises(ValueError, match="Unknown label type"):
        MLPClassifier().partial_fit(X, X[:, 0], classes=[0, 1])
    message = "Multioutput target data is not supported with label binarization"
    with raises(ValueError, message):
        MLPClassifier().fit(X, np.stack([WINE[1], WINE[1]], axis=1))


def test_labels_that_were_not_announced() -> None:
    mlp = MLPClassifier(max_iter=1).partial_fit(*WINE, classes=[0, 1, 2])
    message = "`y` has classes not in `self.classes_`. `self.classes_` has [0 1 2]. 'y' has [5]."
    with raises(ValueError, message):
        mlp.partial_fit(WINE[0][:2], [5, 5])
    message = "`y` is of another kind: in the previous call it was not multilabel"
    with raises(ValueError, message):
        mlp.partial_fit(WINE[0][:2], [[0, 1, 1], [1, 0, 0]])
    of_many = MLPClassifier(max_iter=1).partial_fit(*LABELS, classes=[0, 1, 2, 3])
    with raises(ValueError, message.replace("not ", "")):
        of_many.partial_fit(LABELS[0][:2], [1, 0])


def test_other_labels_after_a_warm_start() -> None:
    mlp = MLPClassifier(max_iter=1, warm_start=True).fit(*WINE)
    message = (
        "warm_start can only be used where `y` has the same classes as in the previous call "
        "to fit. Previously got [0 1 2], `y` has [0 1]"
    )
    with raises(ValueError, message):
        mlp.fit(WINE[0][:4], [0, 1, 0, 1])


def test_one_epoch_of_what_needs_more() -> None:
    assert not hasattr(MLPRegressor(solver="lbfgs"), "partial_fit")
    with raises(ValueError, "partial_fit does not support early_stopping=True"):
        MLPRegressor(early_stopping=True).partial_fit(*DIABETES)


def test_too_few_rows_to_score() -> None:
    message = (
        "The validation set is too small. Increase 'validation_fraction' or the size of your "
        "dataset."
    )
    with raises(ValueError, message):
        MLPRegressor(early_stopping=True).fit(DIABETES[0][:4], DIABETES[1][:4])


def test_balanced_weights_need_all_rows() -> None:
    message = (
        "class_weight 'balanced' is not supported for partial_fit. In order to use 'balanced' "
        "weights, use compute_class_weight('balanced', classes=classes, y=y), and pass the "
        "resulting weights as the class_weight parameter."
    )
    with raises(ValueError, message):
        MLPClassifier(class_weight="balanced").partial_fit(*WINE, classes=[0, 1, 2])


def test_without_scikit_learn_importing_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.delitem(sys.modules, "layerwise.estimators")
    message = (
        "layerwise.estimators needs scikit-learn, which is not installed: "
        "pip install 'layerwise[sklearn]'"
    )
    with raises(ImportError, message):
        import_module("layerwise.estimators")


def test_lbfgs_has_no_partial_fit() -> None:
    with raises(AttributeError, "This 'MLPClassifier' has no attribute 'partial_fit'") as raised:
        MLPClassifier(solver="lbfgs").partial_fit  # noqa: B018  # asking is enough
    assert str(raised.value.__cause__) == (
        "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic."
    )


def test_weights_below_zero() -> None:
    with raises(ValueError, "Negative values in data passed to `sample_weight`."):
        MLPRegressor().fit(*DIABETES, np.linspace(-1, 1, len(DIABETES[1])))
