"""The estimators as scikit-learn sees them: its checks, its tests, and all that is built on it."""

import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest import SkipTest

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.ensemble import StackingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401  # allows the next but one
from sklearn.inspection import PartialDependenceDisplay, permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingRandomSearchCV,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from layerwise import SGD, Dense, Parallel, ReLU, Sequential
from layerwise.estimators import (
    MLPClassifier,
    MLPRegressor,
    NetworkClassifier,
    NetworkRegressor,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

REPOSITORY = Path(__file__).parent.parent


@dataclass(frozen=True)
class TwoLayers:
    """A network of a hidden layer; its width can be searched."""

    hidden: int = 16

    def __call__(self, n_features: int, n_outputs: int, rng: np.random.Generator) -> Any:
        return Sequential(
            Dense(n_features, self.hidden, rng=rng), ReLU(), Dense(self.hidden, n_outputs, rng=rng)
        )


ALL_FOUR = [
    MLPClassifier(max_iter=100),
    MLPRegressor(max_iter=100),
    NetworkClassifier(TwoLayers(), learning_rate=0.01, max_iter=100),
    NetworkRegressor(TwoLayers(), learning_rate=0.01, max_iter=100),
]
# What scikit-learn itself leaves out: arrays of other libraries, and decision_function where there
# are probabilities, as with its own MLPClassifier.
LEFT_OUT = re.compile("SCIPY_ARRAY_API is not set|.* does not have a decision_function method")


@parametrize_with_checks(ALL_FOUR)  # type: ignore[untyped-decorator]
def test_every_check_of_scikit_learn_passes(estimator: Any, check: Callable[[Any], None]) -> None:
    try:
        check(estimator)
    except SkipTest as reason:
        if not LEFT_OUT.match(str(reason)):
            raise


def test_the_checks_pass_for_a_decision_function_too() -> None:
    from sklearn.utils.estimator_checks import check_classifiers_train  # noqa: PLC0415

    from layerwise import Hinge  # noqa: PLC0415

    classifier = NetworkClassifier(TwoLayers(), loss=Hinge(), learning_rate=0.01)
    check_classifiers_train("NetworkClassifier", classifier)


# Why these two of its functions cannot pass: they do not test what an estimator does.
PRIVATE = {
    "test_fit": "sets coefs_, intercepts_ and private attributes by hand and then calls "
    "partial_fit; its numbers are test_the_step_that_scikit_learn_worked_out_by_hand",
    "test_gradient": "calls _loss_grad_lbfgs with lists of scratch arrays; every layer and loss "
    "here is proven by check_layer and check_loss",
}


def test_its_own_tests_of_its_mlp_pass() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-c", os.devnull]
    command += ["-p", "tests.mlp_plugin", "-p", "no:cacheprovider"]
    command += ["--pyargs", "sklearn.neural_network.tests.test_mlp"]
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    outcomes: dict[str, set[str]] = {}
    for outcome, name in re.findall(r"^([A-Z]+) \S*::(test_\w+)", run.stdout, re.MULTILINE):
        outcomes.setdefault(name, set()).add(outcome)
    assert len(outcomes) > 36
    assert {name for name, found in outcomes.items() if found != {"PASSED"}} == set(PRIVATE)


def scaled(estimator: Any) -> Pipeline:
    return make_pipeline(StandardScaler(), estimator)


class TestInsideOtherEstimators:
    def test_a_pipeline_in_a_grid_search_is_scored_by_cross_validation(self) -> None:
        X, y = load_breast_cancer(return_X_y=True)
        mlp = MLPClassifier(8, learning_rate_init=0.01, max_iter=40, random_state=0)
        grid = {"mlpclassifier__dropout": [0.0, 0.2], "mlpclassifier__alpha": [1e-4, 1e-2]}
        search = GridSearchCV(scaled(mlp), grid, cv=3).fit(X, y)
        assert len(search.cv_results_["params"]) == 4
        assert search.best_score_ > 0.9
        assert cross_val_score(search.best_estimator_, X, y, cv=3).min() > 0.9

    def test_halving_searches_the_fields_of_a_network_of_ones_own(self) -> None:
        X, y = load_wine(return_X_y=True)
        network = NetworkClassifier(TwoLayers(), learning_rate=0.01, max_iter=30, random_state=0)
        choices = {
            "networkclassifier__build__hidden": [4, 8, 16],
            "networkclassifier__optimizer": [partial(SGD, momentum=0.9)],
        }
        search = HalvingRandomSearchCV(
            scaled(network), choices, n_candidates=3, random_state=0, cv=2
        ).fit(X, y)
        best = search.best_estimator_[-1]
        assert best.build.hidden == best.network_[0].W.shape[1]
        assert search.best_score_ > 0.8

    def test_stacking_and_calibration_take_its_probabilities(self) -> None:
        X, y = load_breast_cancer(return_X_y=True)
        mlp = scaled(MLPClassifier(8, learning_rate_init=0.01, max_iter=40, random_state=0))
        stack = StackingClassifier([("mlp", mlp)], LogisticRegression(), cv=2).fit(X, y)
        calibrated = CalibratedClassifierCV(mlp, cv=2).fit(X, y)
        for model in stack, calibrated:
            assert model.score(X, y) > 0.95
            assert model.predict_proba(X[:2]).shape == (2, 2)

    def test_inspection_finds_what_matters(self) -> None:
        import matplotlib as mpl  # noqa: PLC0415

        mpl.use("Agg")
        X, y = load_diabetes(return_X_y=True, as_frame=True)
        mlp = scaled(MLPRegressor(solver="lbfgs", hidden_layer_sizes=4, random_state=0)).fit(X, y)
        found = permutation_importance(mlp, X, y, n_repeats=2, random_state=0)
        assert X.columns[found.importances_mean.argmax()] in {"bmi", "s5", "s1"}
        display = PartialDependenceDisplay.from_estimator(mlp, X, ["bmi"], grid_resolution=5)
        low, *_, high = display.pd_results[0]["average"][0]
        assert low < high

    def test_weights_are_routed_to_fit_and_score(self) -> None:
        X, y = load_breast_cancer(return_X_y=True)
        weight = np.where(y == 0, 2.0, 1.0)
        mlp = MLPClassifier(hidden_layer_sizes=4, max_iter=20, random_state=0)
        plain = cross_validate(scaled(mlp), X, y, cv=2, return_estimator=True)
        with sklearn.config_context(enable_metadata_routing=True):
            mlp.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
            mlp.set_partial_fit_request(sample_weight=True, classes=True)
            scaler = StandardScaler().set_fit_request(sample_weight=False)
            routed = cross_validate(
                make_pipeline(scaler, mlp),
                X,
                y,
                cv=[(np.arange(300), np.arange(300, 569))],
                params={"sample_weight": weight},
                return_estimator=True,
            )
        Z = StandardScaler().fit_transform(X[:300])
        by_hand = clone(mlp).fit(Z, y[:300], weight[:300])
        assert np.array_equal(routed["estimator"][0][-1].coefs_[0], by_hand.coefs_[0])
        assert not np.allclose(plain["estimator"][0][-1].coefs_[0], by_hand.coefs_[0])


class TestFrames:
    X, y = load_wine(return_X_y=True, as_frame=True)

    @pytest.mark.parametrize("kind", [pd.DataFrame, pl.from_pandas])
    def test_names_are_kept_and_other_names_refused(self, kind: Any) -> None:
        X = kind(self.X)
        mlp = MLPClassifier(max_iter=5, random_state=0).fit(X, self.y)
        assert list(mlp.feature_names_in_) == list(self.X.columns)
        assert np.array_equal(mlp.predict(X), mlp.predict(kind(self.X.copy())))
        with pytest.raises(ValueError, match="feature names should match"):
            mlp.predict(X[list(self.X.columns)[::-1]])
        with pytest.warns(UserWarning, match="X does not have valid feature names"):
            mlp.predict(self.X.to_numpy())

    def test_the_frame_changes_nothing_but_the_names(self) -> None:
        mlp = MLPClassifier(max_iter=5, random_state=0)
        of_array = clone(mlp).fit(self.X.to_numpy(), self.y.to_numpy()).coefs_[0]
        assert np.array_equal(clone(mlp).fit(self.X, self.y).coefs_[0], of_array)
        assert np.array_equal(clone(mlp).fit(pl.from_pandas(self.X), self.y).coefs_[0], of_array)

    def test_a_table_of_numbers_and_words(self) -> None:
        table = pd.DataFrame({"size": [1.0, 2.0, 3.0, 4.0] * 5, "kind": ["a", "b"] * 10})
        label = np.where(table["kind"] == "a", "yes", "no")
        columns = make_column_transformer(
            (StandardScaler(), ["size"]), (OneHotEncoder(sparse_output=False), ["kind"])
        ).set_output(transform="pandas")
        model = make_pipeline(columns, MLPClassifier(solver="lbfgs", random_state=0))
        model.fit(table, label)
        assert model[-1].feature_names_in_[0] == "standardscaler__size"
        assert model.predict(table).tolist() == label.tolist()


class TestCopies:
    X, y = load_digits(return_X_y=True)

    @pytest.mark.parametrize(
        "copied",
        [lambda e: pickle.loads(pickle.dumps(e)), deepcopy],
        ids=["pickle", "deepcopy"],
    )
    def test_a_copy_goes_on_as_the_first_would_have(self, copied: Callable[[Any], Any]) -> None:
        first = MLPClassifier(max_iter=3, random_state=0, dropout=0.1).fit(self.X, self.y)
        second = copied(first)
        assert np.array_equal(first.predict_proba(self.X), second.predict_proba(self.X))
        for mlp in first, second:
            mlp.partial_fit(self.X, self.y)
        assert np.array_equal(first.coefs_[0], second.coefs_[0])
        assert not np.shares_memory(first.coefs_[0], second.coefs_[0])

    def test_a_clone_is_not_fitted_and_has_the_same_parameters(self) -> None:
        network = NetworkClassifier(TwoLayers(3), max_iter=2).fit(self.X, self.y)
        again = clone(network)
        assert not hasattr(again, "network_")
        assert again.get_params() == network.get_params()


def test_the_picture_of_a_pipeline_shows_the_layers() -> None:
    X, y = load_wine(return_X_y=True)
    model = scaled(MLPClassifier(hidden_layer_sizes=7, max_iter=2))
    assert "Dense(13, 7)" not in model._repr_html_()
    html = model.fit(X, y)._repr_html_()
    assert html.index("Dense(13, 7)") < html.index("ReLU()") < html.index("Dense(7, 3)")
    one = NetworkClassifier(lambda n, k, rng: Dense(n, k, rng=rng), max_iter=2)
    assert "NetworkClassifier" in one._repr_html_()
    assert "Dense(13, 3)" in one.fit(X, y)._repr_html_()
    two = NetworkClassifier(
        lambda n, k, rng: Parallel(Dense(n, k, rng=rng), Dense(n, k, rng=rng), join="add"),
        max_iter=2,
    )
    assert "Parallel(Dense(13, 3), Dense(13, 3)" in two.fit(X, y)._repr_html_()  # not in a row
