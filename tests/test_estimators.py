"""The estimators by numbers: beside scikit-learn's, by hand, and what only these can do."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import inf, isnan
from typing import Any

import numpy as np
import pytest
import sklearn.neural_network as theirs
from scipy import sparse
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_wine,
    make_multilabel_classification,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import balanced_accuracy_score
from sklearn.utils.class_weight import compute_sample_weight

from layerwise import (
    GELU,
    SGD,
    AdamW,
    BatchNorm,
    Dense,
    Dropout,
    Hinge,
    Huber,
    Layer,
    MeanAbsoluteError,
    Poisson,
    ReLU,
    Sequential,
    Sigmoid,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    Tanh,
    cosine,
    sigmoid,
)
from layerwise.estimators import (
    MLPClassifier,
    MLPRegressor,
    NetworkClassifier,
    NetworkRegressor,
)
from layerwise.estimators.sparse import Rows, SparseDense, for_sparse
from layerwise.testing import assert_layer
from tests.raising import raises

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

Data = tuple[Any, Any]
Settings = dict[str, Any]


def standardized(data: Data) -> Data:
    X, y = data
    return (X - X.mean(0)) / (X.std(0) + 1e-9), y


WINE = standardized(load_wine(return_X_y=True))
CANCER = standardized(load_breast_cancer(return_X_y=True))
DIABETES = standardized(load_diabetes(return_X_y=True))
LABELS = make_multilabel_classification(60, 8, n_classes=4, random_state=0)
SEVERAL = DIABETES[0], np.stack([DIABETES[1] / 100, DIABETES[0][:, 0]], axis=1)


def distance(ours: Any, other: Any) -> float:
    """The largest difference between two estimators' weights and biases."""
    pairs = zip([*ours.coefs_, *ours.intercepts_], [*other.coefs_, *other.intercepts_], strict=True)
    return max(float(abs(a - b).max()) for a, b in pairs)


@dataclass
class TwoLayers:
    hidden: int = 8

    def __call__(self, n_features: int, n_outputs: int, rng: np.random.Generator) -> Any:
        first = Dense(n_features, self.hidden, rng=rng)
        return Sequential(first, ReLU(), Dense(self.hidden, n_outputs, rng=rng))


class TestSameNumbersAsScikitLearn:
    """Same settings and random_state: the same weights, up to rounding."""

    @pytest.mark.parametrize(
        "settings",
        [
            {},
            {"activation": "logistic"},
            {"activation": "tanh", "hidden_layer_sizes": (7, 5)},
            {"activation": "identity", "hidden_layer_sizes": [4]},
            {"shuffle": False, "batch_size": 50},
            {"nesterovs_momentum": False, "alpha": 0.5},
            {"momentum": 0.0, "batch_size": 40},
            {"learning_rate": "invscaling", "learning_rate_init": 0.02},
            {"learning_rate": "adaptive", "tol": 0.01, "n_iter_no_change": 2},
            {"early_stopping": True, "n_iter_no_change": 3},
            {"warm_start": True},
        ],
        ids=str,
    )
    @pytest.mark.parametrize("data", [WINE, CANCER, LABELS, DIABETES], ids="1234")
    def test_sgd(self, data: Data, settings: dict[str, Any]) -> None:
        X, y = data
        y = y / 100 if data is DIABETES else y
        name = "MLPRegressor" if data is DIABETES else "MLPClassifier"
        settings = {"solver": "sgd", "max_iter": 15, "random_state": 3, **settings}
        ours, other = globals()[name](**settings), getattr(theirs, name)(**settings)
        for mlp in ours, other:
            mlp.fit(X, y)
            if settings.get("warm_start"):
                mlp.fit(X, y)
            if not settings.get("early_stopping"):
                mlp.partial_fit(X, y)
        assert distance(ours, other) < 1e-12
        assert np.allclose(ours.loss_curve_, other.loss_curve_, rtol=1e-9)
        assert ours.validation_scores_ == pytest.approx(other.validation_scores_)
        assert ours.best_validation_score_ == pytest.approx(other.best_validation_score_)
        assert ours.best_loss_ == pytest.approx(other.best_loss_)
        for attribute in "n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_":
            assert getattr(ours, attribute) == getattr(other, attribute), attribute

    @pytest.mark.parametrize("data", [WINE, CANCER, LABELS, DIABETES], ids="1234")
    @pytest.mark.parametrize("as_rows", [np.asarray, sparse.csr_array, sparse.csc_matrix])
    def test_lbfgs(self, data: Data, as_rows: Callable[[Any], Any]) -> None:
        X, y = as_rows(data[0]), data[1]
        name = "MLPRegressor" if data is DIABETES else "MLPClassifier"
        settings: Settings = {
            "solver": "lbfgs",
            "max_iter": 15,
            "hidden_layer_sizes": 5,
            "random_state": 3,
        }
        ours, other = globals()[name](**settings), getattr(theirs, name)(**settings)
        assert distance(ours.fit(X, y), other.fit(X, y)) < 1e-6
        assert ours.loss_ == pytest.approx(other.loss_)
        assert ours.n_iter_ == other.n_iter_ == len(ours.loss_curve_)

    @pytest.mark.parametrize("as_rows", [np.asarray, sparse.csr_array])
    @pytest.mark.parametrize("weighted", [True, False])
    def test_lbfgs_of_many_rows(self, as_rows: Callable[[Any], Any], weighted: bool) -> None:
        rng = np.random.default_rng(0)
        X = rng.normal(size=(2300, 5))
        y = (X[:, 0] * X[:, 1] > 0) + rng.integers(0, 2, 2300)
        weight = rng.uniform(0.5, 2, 2300)
        weight[:1200] = 0.0
        rows = (weight,) if weighted else ()
        settings: Settings = {"hidden_layer_sizes": 6, "activation": "tanh", "max_iter": 10}
        settings |= {"solver": "lbfgs", "alpha": 5.0, "random_state": 3}
        ours, other = MLPClassifier(**settings), theirs.MLPClassifier(**settings)
        assert distance(ours.fit(as_rows(X), y, *rows), other.fit(X, y, *rows)) < 1e-8
        assert ours.loss_ == pytest.approx(other.loss_, rel=1e-9)

    def test_adam_but_for_the_place_of_epsilon(self) -> None:
        settings: Settings = {"max_iter": 30, "epsilon": 1e-14, "random_state": 0}
        ours, other = MLPClassifier(**settings), theirs.MLPClassifier(**settings)
        assert distance(ours.fit(*CANCER), other.fit(*CANCER)) < 1e-8

    def test_weights_of_rows(self) -> None:
        X, y = CANCER
        weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
        settings: Settings = {
            "solver": "sgd",
            "max_iter": 10,
            "early_stopping": True,
            "random_state": 0,
        }
        ours, other = MLPClassifier(**settings), theirs.MLPClassifier(**settings)
        assert distance(ours.fit(X, y, weight), other.fit(X, y, weight)) < 1e-12
        assert ours.validation_scores_ == pytest.approx(other.validation_scores_)

    def test_counts(self) -> None:
        X, y = DIABETES
        settings: Settings = {"loss": "poisson", "solver": "sgd", "max_iter": 10, "random_state": 0}
        settings |= {"learning_rate_init": 1e-4}
        ours, other = MLPRegressor(**settings), theirs.MLPRegressor(**settings)
        assert distance(ours.fit(X, y), other.fit(X, y)) < 1e-10
        assert np.allclose(ours.predict(X), other.predict(X))
        assert ours.out_activation_ == other.out_activation_ == "exp"

    def test_several_outputs_but_for_the_value_which_is_their_sum(self) -> None:
        settings: Settings = {"solver": "sgd", "max_iter": 10, "random_state": 0, "alpha": 0.0}
        ours, other = MLPRegressor(**settings), theirs.MLPRegressor(**settings)
        assert distance(ours.fit(*SEVERAL), other.fit(*SEVERAL)) < 1e-12
        assert ours.loss_ == pytest.approx(2 * other.loss_)

    def test_probabilities(self) -> None:
        for X, y in WINE, CANCER, LABELS:
            settings: Settings = {"solver": "lbfgs", "max_iter": 5, "random_state": 0}
            ours = MLPClassifier(**settings).fit(X, y)
            other = theirs.MLPClassifier(**settings).fit(X, y)
            assert np.allclose(ours.predict_proba(X), other.predict_proba(X), atol=1e-6)
            assert np.array_equal(ours.predict_log_proba(X), np.log(ours.predict_proba(X)))
            assert np.array_equal(ours.predict(X), other.predict(X))
            assert ours.predict(X).dtype == other.predict(X).dtype

    def test_every_parameter_has_its_name_place_and_default(self) -> None:
        for ours, other in (
            (MLPClassifier(), theirs.MLPClassifier()),
            (MLPRegressor(), theirs.MLPRegressor()),
        ):
            defaults = other.get_params()
            assert {name: ours.get_params()[name] for name in defaults} == defaults
        assert MLPClassifier((3,), "tanh").activation == "tanh"
        assert MLPRegressor("poisson", (3,), "tanh").activation == "tanh"


def test_the_step_that_scikit_learn_worked_out_by_hand() -> None:
    """The numbers of its test_fit: one step of SGD at 0.1 with α = 0.1, on one row of class 0."""
    X, y = np.array([[0.6, 0.8, 0.7]]), np.array([0])

    def build(n_features: int, n_outputs: int, rng: np.random.Generator) -> Any:
        first, second = Dense(3, 2), Dense(2, n_outputs)
        first.W.value = np.array([[0.1, 0.2], [0.3, 0.1], [0.5, 0]])
        second.W.value = np.array([[0.1], [0.2]])
        first.b.value, second.b.value = np.array([0.1, 0.1]), np.array([1.0])
        return Sequential(first, Sigmoid(), second)

    classifier = NetworkClassifier(build, optimizer=SGD, learning_rate=0.1, alpha=0.1)
    classifier.partial_fit(X, y, classes=[0, 1])
    first, _, second = classifier.network_.parts().values()
    assert isinstance(first, Dense)
    assert isinstance(second, Dense)
    near = partial(np.testing.assert_almost_equal, decimal=3)
    near(first.W.value, [[0.098, 0.195756], [0.2956664, 0.096008], [0.4939998, -0.002244]])
    near(second.W.value, [[0.04706], [0.154089]])
    near(first.b.value, [0.098333, 0.09626])
    near(second.b.value, [0.9235])
    near(classifier.predict_proba(X)[0, 1], 0.739)


class TestWhatIsNew:
    def test_layers_between_the_dense_ones(self) -> None:
        mlp = MLPClassifier(
            (6, 5, 4),
            activation=["relu", GELU, "identity"],
            dropout=[0.1, 0.0, 0.3],
            batch_norm=True,
            max_iter=2,
        ).fit(*WINE)
        kinds = [type(layer) for layer in mlp.network_]
        hidden = [Dense, BatchNorm, ReLU, Dropout], [Dense, BatchNorm, GELU]
        assert kinds == [*hidden[0], *hidden[1], Dense, BatchNorm, Dropout, Dense]
        assert [W.shape for W in mlp.coefs_] == [(13, 6), (6, 5), (5, 4), (4, 3)]
        assert [b.shape for b in mlp.intercepts_] == [(6,), (5,), (4,), (3,)]

    def test_no_hidden_layer_and_any_function_that_makes_one(self) -> None:
        assert len(MLPClassifier((), max_iter=2).fit(*WINE).coefs_) == 1
        made = MLPClassifier(4, activation=partial(Tanh), max_iter=2).fit(*WINE)
        assert isinstance(made.network_[1], Tanh)

    def test_dropout_and_batch_norm_learn_and_a_seed_repeats_them(self) -> None:
        settings: Settings = {"dropout": 0.2, "batch_norm": True, "max_iter": 60, "random_state": 0}
        first, second = (MLPClassifier(**settings).fit(*WINE) for _ in range(2))
        assert distance(first, second) == 0
        assert first.score(*WINE) > 0.98

    def test_balanced_classes_help_the_rare_one(self) -> None:
        X, y = CANCER
        kept = np.flatnonzero(y == 1)[:200].tolist() + np.flatnonzero(y == 0)[:8].tolist()
        X, y = X[kept], np.where(y[kept] == 0, "rare", "common")
        settings: Settings = {"hidden_layer_sizes": 4, "max_iter": 60, "random_state": 0}
        plain = MLPClassifier(**settings).fit(X, y)
        balanced = MLPClassifier(**settings, class_weight="balanced").fit(X, y)
        scores = [balanced_accuracy_score(y, mlp.predict(X)) for mlp in (plain, balanced)]
        assert scores[1] > scores[0] + 0.04
        by_hand = {"rare": 208 / 16, "common": 208 / 400}
        assert distance(MLPClassifier(**settings, class_weight=by_hand).fit(X, y), balanced) == 0

    def test_weights_of_classes_multiply_those_of_rows(self) -> None:
        settings: Settings = {"solver": "lbfgs", "max_iter": 5, "random_state": 0}
        for (X, y), classes in (
            (WINE, {0: 1.0, 1: 3.0, 2: 0.5}),
            (LABELS, [{0: 1.0, 1: 2.0}] * 4),
        ):
            rows = np.linspace(0.5, 2, len(X))
            both = MLPClassifier(**settings, class_weight=classes).fit(X, y, rows)
            product = rows * compute_sample_weight(classes, y)
            assert distance(MLPClassifier(**settings).fit(X, y, product), both) < 1e-9

    def test_a_learning_rate_by_the_step(self) -> None:
        settings: Settings = {"solver": "sgd", "max_iter": 3, "batch_size": 50, "random_state": 0}
        rates: list[int] = []

        def rate(step: int) -> float:
            rates.append(step)
            return 0.01

        by_step = MLPClassifier(**settings, learning_rate=rate).fit(*WINE)
        fixed = MLPClassifier(**settings, learning_rate_init=0.01).fit(*WINE)
        assert distance(by_step, fixed) == 0
        assert sorted(set(rates)) == list(range(12))
        scheduled = MLPClassifier(learning_rate=cosine(0.01, 100), max_iter=100).fit(*WINE)
        assert scheduled.score(*WINE) > 0.98

    def test_clipping_and_decay(self) -> None:
        settings: Settings = {"max_iter": 5, "random_state": 0, "hidden_layer_sizes": 4}
        free = MLPRegressor(**settings, solver="sgd", learning_rate_init=1e-5).fit(*DIABETES)
        clipped = MLPRegressor(
            **settings, solver="sgd", learning_rate_init=1e-5, clip_norm=1e-3, momentum=0.0
        ).fit(*DIABETES)
        start = MLPRegressor(**settings, solver="sgd", learning_rate_init=1e-30).fit(*DIABETES)
        assert distance(clipped, start) < 1e-7
        assert distance(free, start) > 1e-3
        decayed = MLPRegressor(**settings, solver="adamw", weight_decay=100.0).fit(*DIABETES)
        adam = MLPRegressor(**settings, solver="adam").fit(*DIABETES)
        assert isinstance(decayed._optimizer, AdamW)
        assert abs(decayed.coefs_[0]).sum() < 0.5 * abs(adam.coefs_[0]).sum()

    def test_clipping_is_handed_to_adam_and_adamw(self) -> None:
        for solver in "adam", "adamw":
            mlp = MLPRegressor(solver=solver, clip_norm=0.5, max_iter=1).fit(*DIABETES)
            assert mlp._optimizer.clip_norm == 0.5

    def test_progress_shows_a_bar(self, capsys: pytest.CaptureFixture[str]) -> None:
        MLPClassifier(progress=True, max_iter=2).fit(*WINE)
        assert "epoch 2, loss" in capsys.readouterr().err

    def test_the_best_state_is_put_back(self) -> None:
        mlp = MLPClassifier(
            20, early_stopping=True, learning_rate_init=0.1, max_iter=40, random_state=0
        ).fit(*CANCER)
        best = mlp.validation_scores_.index(mlp.best_validation_score_)
        assert best < mlp.n_iter_ - 1
        shorter = MLPClassifier(
            20, early_stopping=True, learning_rate_init=0.1, max_iter=best + 1, random_state=0
        ).fit(*CANCER)
        assert distance(mlp, shorter) == 0

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_the_dtype_is_kept(self, dtype: type) -> None:
        X = WINE[0].astype(dtype)
        mlp = MLPClassifier(max_iter=3).fit(X, WINE[1])
        assert mlp.coefs_[0].dtype == mlp.predict_proba(X).dtype == dtype
        assert mlp.predict_proba(sparse.csr_array(X)).dtype == dtype
        lbfgs = MLPRegressor(solver="lbfgs", max_iter=3).fit(X, X[:, 0])
        assert lbfgs.intercepts_[0].dtype == lbfgs.predict(X).dtype == dtype

    def test_the_arrays_are_the_networks(self) -> None:
        mlp = MLPClassifier(max_iter=2).fit(*WINE)
        mlp.coefs_[-1][...] = 0
        assert np.ptp(mlp.network_(WINE[0]), axis=0).max() == 0

    def test_partial_fit_of_a_warm_started_one_may_lack_labels(self) -> None:
        mlp = MLPClassifier(warm_start=True, max_iter=2, random_state=0).fit(*WINE)
        assert mlp.partial_fit(WINE[0][:5], WINE[1][:5]).n_iter_ == 1


class TestVerbose:
    def test_each_epoch_and_the_end(self, capsys: pytest.CaptureFixture[str]) -> None:
        settings: Settings = {
            "solver": "sgd",
            "n_iter_no_change": 1,
            "verbose": True,
            "random_state": 0,
        }
        MLPClassifier(**settings, tol=1.0, max_iter=9).fit(*WINE)
        assert capsys.readouterr().out.splitlines()[-1] == (
            "Training loss did not improve more than tol=1.000000 for 1 consecutive epochs."
        )
        MLPClassifier(**settings, tol=1.0, learning_rate="adaptive", max_iter=3).fit(*WINE)
        assert capsys.readouterr().out.splitlines()[-1] == "Setting learning rate to 0.000200"
        MLPClassifier(**settings, early_stopping=True, tol=2.0, max_iter=9).fit(*WINE)
        out = capsys.readouterr().out.splitlines()
        assert out[0].startswith("Iteration 1, loss = ")
        assert out[1].startswith("Validation score: 0.")
        assert out[-1].startswith("Validation score did not improve more than tol=2.000000 for 1 ")

    def test_lbfgs(self, capsys: pytest.CaptureFixture[str]) -> None:
        mlp = MLPClassifier(solver="lbfgs", max_iter=2, verbose=True, random_state=0).fit(*WINE)
        assert capsys.readouterr().out == "".join(
            f"Iteration {i}, loss = {loss:.8f}\n" for i, loss in enumerate(mlp.loss_curve_, 1)
        )


def nothing(Y: Any, target: Any) -> Any:
    """A loss, or an optimizer, whose return was forgotten."""


class TestNetworks:
    def test_what_build_is_asked_for(self) -> None:
        asked = []

        def build(n_features: int, n_outputs: int, rng: np.random.Generator) -> Any:
            asked.append((n_features, n_outputs))
            return Dense(n_features, n_outputs, rng=rng)

        for X, y in WINE, CANCER, LABELS:
            NetworkClassifier(build, max_iter=1).fit(X, y)
        for X, y in DIABETES, SEVERAL:
            NetworkRegressor(build, max_iter=1).fit(X, y)
        NetworkClassifier(build, loss=SoftmaxCrossEntropy(), max_iter=1).fit(*CANCER)
        assert asked == [(13, 3), (30, 1), (8, 4), (10, 1), (10, 2), (30, 2)]

    @pytest.mark.parametrize(
        "loss",
        [
            None,
            SoftmaxCrossEntropy(label_smoothing=0.1),
            SigmoidCrossEntropy(),
            Hinge(),
            Huber(),
            MeanAbsoluteError(),
            lambda Y, T, *w: (SigmoidCrossEntropy() if T.ndim == 2 else SoftmaxCrossEntropy())(
                Y, T, *w
            ),
        ],
        ids=lambda loss: getattr(type(loss), "__name__", ""),
    )
    def test_any_loss_classifies(self, loss: Any) -> None:
        for X, y in WINE, CANCER:
            names = np.array(["zero", "one", "two"])[y]
            network = NetworkClassifier(
                TwoLayers(), loss=loss, learning_rate=0.02, max_iter=100, random_state=0
            ).fit(X, names)
            assert network.score(X, names) > 0.95
            k = len(network.classes_)
            if isinstance(loss, Hinge | Huber | MeanAbsoluteError):
                assert not hasattr(network, "predict_proba")
                decided = network.decision_function(X)
                assert decided.shape == ((len(X),) if k == 2 else (len(X), k))
                number = (decided > 0).astype(int) if k == 2 else decided.argmax(axis=1)
            else:
                P = network.predict_proba(X)
                assert np.allclose(P.sum(axis=1), 1)
                assert P.shape == (len(X), k)
                number = P.argmax(axis=1)
            assert np.array_equal(network.classes_[number], network.predict(X))

    def test_a_subclass_of_a_loss_is_one(self) -> None:
        class Sharp(SoftmaxCrossEntropy):
            """Softmax cross-entropy by another name."""

        class Yes(SigmoidCrossEntropy):
            """Sigmoid cross-entropy by another name."""

        for loss, (X, y), outputs, activation in (
            (Sharp(), CANCER, 2, "softmax"),
            (Yes(), WINE, 3, "logistic"),
        ):
            network = NetworkClassifier(TwoLayers(), loss=loss, max_iter=1).fit(X, y)
            assert (network.n_outputs_, network.out_activation_) == (outputs, activation)

    def test_one_label_against_the_others(self) -> None:
        network = NetworkClassifier(TwoLayers(), loss=SigmoidCrossEntropy(), max_iter=3)
        each = sigmoid(network.fit(*WINE).network_(WINE[0]))
        assert np.allclose(network.predict_proba(WINE[0]), each / each.sum(axis=1)[:, np.newaxis])

    def test_many_labels_by_signs(self) -> None:
        X, y = LABELS
        network = NetworkClassifier(
            TwoLayers(), loss=Hinge(), learning_rate=0.01, early_stopping=True, max_iter=99
        ).fit(X, y)
        assert network.decision_function(X).shape == y.shape
        assert np.array_equal(network.predict(X), network.decision_function(X) > 0)

    def test_counts_and_any_optimizer(self) -> None:
        X, y = DIABETES
        network = NetworkRegressor(
            TwoLayers(),
            loss=Poisson(),
            optimizer=partial(SGD, momentum=0.9, clip_norm=1.0),
            learning_rate=cosine(0.01, 200),
            random_state=0,
        ).fit(X, y)
        assert np.allclose(network.predict(X), np.exp(network.network_(X)[:, 0]))
        assert network.score(X, y) > 0.2

    def test_many_rows_are_answered_in_parts(self) -> None:
        taken: list[int] = []

        class Counted(ReLU):
            """A ReLU that tells how many rows it was called with."""

            def __call__(self, X: Any, /) -> Any:
                taken.append(len(X))
                return super().__call__(X)

        X = np.where(np.arange(12500).reshape(2500, 5) % 3, 0.0, np.linspace(-1, 1, 5))
        mlp = MLPRegressor(hidden_layer_sizes=4, activation=Counted, max_iter=1, random_state=0)
        mlp.fit(X[:10], X[:10, 0])
        whole = mlp.network_(X)[:, 0]
        for as_rows in np.asarray, sparse.csr_array, sparse.csc_array:
            taken.clear()
            assert np.allclose(mlp.predict(as_rows(X)), whole, rtol=1e-12)
            assert taken == [1000, 1000, 500]

    @pytest.mark.parametrize(
        ("as_rows", "columns", "parts"),
        [
            (np.asarray, 1250, [1000, 1000, 500]),
            (sparse.csr_array, 5, [1000, 1000, 500]),
            (sparse.csc_array, 1250, [1250, 1250]),  # as many rows as columns: each fills a W
        ],
    )
    def test_lbfgs_takes_many_rows_in_parts(
        self, as_rows: Callable[[Any], Any], columns: int, parts: list[int]
    ) -> None:
        taken: list[int] = []

        class Counted(Tanh):
            """A Tanh that tells how many rows it learned from."""

            def forward(self, X: Any, /) -> Any:
                taken.append(len(X))
                return super().forward(X)

        X = np.random.default_rng(0).normal(size=(2500, columns))
        mlp = MLPRegressor(
            hidden_layer_sizes=4, activation=Counted, solver="lbfgs", max_iter=1, random_state=0
        )
        mlp.fit(as_rows(X), X[:, 0])
        assert taken[-len(parts) :] == parts

    def test_fields_of_build_are_parameters(self) -> None:
        build = TwoLayers(5)
        network = NetworkClassifier(build)
        assert network.get_params()["build__hidden"] == 5
        assert "build__hidden" not in network.get_params(deep=False)
        network.set_params(build__hidden=6, max_iter=3)
        assert network.build == TwoLayers(6)
        assert network.max_iter == 3
        assert build == TwoLayers(5)
        assert "build__hidden" not in NetworkClassifier(lambda n, k, rng: Dense(n, k)).get_params()
        assert "build__hidden" not in NetworkClassifier(TwoLayers).get_params()  # the class itself
        message = (
            "Invalid parameter 'depth' for estimator TwoLayers(hidden=6). "
            "Valid parameters are: ['hidden']."
        )
        with raises(ValueError, message):
            network.set_params(build__depth=2)
        with pytest.raises(ValueError, match="Invalid parameter 'width' for estimator"):
            network.set_params(width=2)

    def test_a_build_that_makes_no_network(self) -> None:
        message = (
            "NetworkRegressor: the network is None, expected a Layer: build(n_features, "
            "n_outputs, rng) returns a network, such as a Sequential"
        )
        with raises(TypeError, message):
            NetworkRegressor(lambda n, k, rng: None).fit(*DIABETES)

    def test_an_optimizer_that_is_none(self) -> None:
        message = (
            "NetworkRegressor: the optimizer is None, expected an Optimizer: optimizer(parameters, "
            "learning_rate) returns one, as Adam does"
        )
        with raises(TypeError, message):
            NetworkRegressor(TwoLayers(2), optimizer=nothing).fit(*DIABETES)

    def test_a_loss_that_is_none(self) -> None:
        message = (
            "NetworkRegressor: loss is the class Huber, expected one to be called with "
            "(Y, target), such as MeanSquaredError()"
        )
        the_class: Any = Huber
        with raises(TypeError, message):
            NetworkRegressor(TwoLayers(2), loss=the_class).fit(*DIABETES)
        with raises(TypeError, "nothing returned None, expected a pair: (value, gradient)"):
            NetworkRegressor(TwoLayers(2), loss=nothing).fit(*DIABETES)

    def test_a_network_of_other_outputs(self) -> None:
        message = (
            "NetworkClassifier: the network answers (5,) for a row, expected (3,): its last layer "
            "has the n_outputs that build is given"
        )
        with raises(ValueError, message):
            NetworkClassifier(lambda n, k, rng: Dense(n, 5)).fit(*WINE)


class MadeSparse(Layer[Any, Any]):
    """Y = X, as a sparse matrix."""

    def forward(self, X: Any, /) -> tuple[Any, Callable[[Any], Any]]:
        def backward(grad: Any) -> Any:
            return grad

        return sparse.csr_array(X), backward


class TestSparse:
    X = sparse.random(40, 7, 0.3, format="csr", random_state=0)
    dense = Dense(7, 3, rng=0)

    @pytest.mark.parametrize("bias", [True, False])
    def test_the_layer_for_sparse_rows_is_proven(self, bias: bool) -> None:
        layer = SparseDense(Dense(7, 3, rng=0, bias=bias))
        assert_layer(Sequential(MadeSparse(), layer), self.X[:6].toarray())
        assert_layer(layer, self.X[:6].toarray())  # and as a first layer, of plain arrays

    def test_rows_are_taken_by_their_numbers(self) -> None:
        rows = np.array([3, 0, 3])
        Y, backward = Rows(self.X).forward(rows)
        assert np.array_equal(Y.toarray(), self.X.toarray()[rows])
        assert backward(Y).tolist() == [0, 0, 0]

    def test_it_is_the_dense_layer(self) -> None:
        layer = SparseDense(self.dense)
        assert np.allclose(layer(self.X), self.dense(self.X.toarray()))
        assert repr(layer) == "SparseDense(Dense(7, 3))"
        grad = np.ones((40, 3))
        _, backward = layer.forward(self.X)
        _, of_dense = self.dense.forward(self.X.toarray())
        assert np.allclose(backward(grad), of_dense(grad))

    def test_it_refuses_a_gradient_of_another_shape(self) -> None:
        message = (
            "SparseDense: a gradient of shape (40, 2) came, expected (40, 3), the shape of what "
            "forward returned"
        )
        _, backward = SparseDense(self.dense).forward_from_data(self.X)
        with raises(ValueError, message):
            backward(np.ones((40, 2)))

    def test_the_first_dense_is_found_however_deep(self) -> None:
        inner = Sequential(self.dense, ReLU())
        assert repr(for_sparse(Sequential(inner, Tanh()))) == (
            "[SparseDense(Dense(7, 3)), ReLU(), Tanh()]"
        )
        assert repr(for_sparse(self.dense)) == "[SparseDense(Dense(7, 3))]"

    @pytest.mark.parametrize("as_rows", [sparse.csr_array, sparse.csc_array, sparse.csr_matrix])
    @pytest.mark.parametrize("early_stopping", [True, False])
    def test_sparse_and_dense_learn_the_same(
        self, as_rows: Callable[[Any], Any], early_stopping: bool
    ) -> None:
        X, y = self.X.toarray(), np.arange(40) % 2
        settings: Settings = {"max_iter": 20, "early_stopping": early_stopping, "random_state": 0}
        of_dense = MLPClassifier(**settings, batch_size=9).fit(X, y)
        of_sparse = MLPClassifier(**settings, batch_size=9).fit(as_rows(X), y)
        assert distance(of_dense, of_sparse) < 1e-12
        assert isinstance(of_sparse.network_[0], Dense)
        for mlp in of_dense, of_sparse:
            assert np.allclose(mlp.predict_proba(X), mlp.predict_proba(as_rows(X)))

    def test_rows_are_never_made_dense(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise AssertionError("made dense")

        for name in "toarray", "todense":
            monkeypatch.setattr(sparse.csr_matrix, name, refuse)
        y = np.arange(40) % 3
        for solver in "adam", "lbfgs":
            MLPClassifier(4, solver=solver, max_iter=3).fit(self.X, y).predict_proba(self.X)

    def test_labels_may_be_sparse(self) -> None:
        X, y = LABELS
        settings: Settings = {"max_iter": 5, "random_state": 0}
        of_sparse = MLPClassifier(**settings).fit(X, sparse.csr_array(y))
        assert distance(of_sparse, MLPClassifier(**settings).fit(X, y)) == 0

    def test_a_network_that_does_not_begin_with_dense(self) -> None:
        def build(n_features: int, n_outputs: int, rng: np.random.Generator) -> Any:
            return Sequential(Tanh(), Dense(n_features, n_outputs, rng=rng))

        message = (
            "sparse X needs a network that begins with Dense, and this one begins with Tanh(): "
            "give X.toarray()"
        )
        with raises(ValueError, message):
            NetworkClassifier(build).fit(self.X, np.arange(40) % 3)


def test_partial_fit_after_lbfgs_forgets_the_optimizer_of_an_older_network() -> None:
    mlp = MLPClassifier(5, max_iter=3, random_state=0).fit(*WINE)
    mlp.set_params(solver="lbfgs").fit(*WINE).set_params(solver="sgd")
    before = mlp.coefs_[0].copy()
    mlp.partial_fit(*WINE)
    assert isinstance(mlp._optimizer, SGD)
    assert not np.array_equal(mlp.coefs_[0], before)


class TestEndings:
    """What ends training other than being good enough."""

    def test_numbers_beyond_all_bounds(self) -> None:
        message = (
            "Solver produced non-finite parameter weights. The input data may contain large values "
            "and need to be preprocessed."
        )
        huge = np.full((4, 2), 1e308), np.array([0.0, 1.0, 2.0, 3.0])
        with raises(ValueError, message) as caught:
            MLPRegressor(max_iter=2).fit(*huge)
        assert isinstance(caught.value.__cause__, FloatingPointError)
        with raises(ValueError, message):
            MLPRegressor(solver="lbfgs", max_iter=2).fit(*huge)

    def test_early_stopping_puts_the_best_state_back_after_them(self) -> None:
        mlp = MLPRegressor(
            solver="sgd", learning_rate_init=0.05, early_stopping=True, max_iter=50, random_state=0
        )
        with pytest.warns(ConvergenceWarning, match="Training diverged in epoch") as caught:
            mlp.fit(*DIABETES)
        assert caught[0].filename == __file__
        assert mlp.validation_scores_ is not None
        assert isnan(mlp.validation_scores_[-1])
        assert len(mlp.validation_scores_) == mlp.n_iter_
        assert np.isfinite(mlp.predict(DIABETES[0])).all()

    @pytest.mark.parametrize(
        ("estimator", "message"),
        [
            (MLPClassifier(max_iter=2), r"Maximum iterations \(2\) reached and the optimization"),
            (MLPClassifier(solver="lbfgs", max_iter=2), "lbfgs failed to converge after 2 iter"),
            (NetworkClassifier(TwoLayers(), max_iter=2), r"Maximum iterations \(2\) reached"),
        ],
    )
    def test_too_few_epochs_are_told_where_fit_is_called(
        self, estimator: Any, message: str
    ) -> None:
        with pytest.warns(ConvergenceWarning, match=message) as caught:
            estimator.fit(*WINE)
        assert caught[0].filename == __file__

    def test_a_batch_larger_than_all_rows(self) -> None:
        with pytest.warns(UserWarning, match="It is going to be clipped") as caught:
            MLPClassifier(batch_size=1000, max_iter=1).fit(*WINE)
        assert caught[0].filename == __file__

    def test_ctrl_c_keeps_what_was_learned(self) -> None:
        def rate(step: int) -> float:
            if step == 5:
                raise KeyboardInterrupt
            return 0.1

        mlp = MLPClassifier(learning_rate=rate)
        with pytest.warns(UserWarning, match=r"Training interrupted by user\.") as caught:
            mlp.fit(*WINE)
        assert caught[0].filename == __file__
        assert mlp.n_iter_ == 5
        assert mlp.score(*WINE) > 0.8

    def test_partial_fit_never_warns_of_convergence(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            MLPRegressor().partial_fit(*DIABETES)

    def test_partial_fit_takes_few_rows_of_many_labels_without_a_warning(self) -> None:
        X, y = WINE[0][:30], np.arange(30)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            MLPClassifier().partial_fit(X, y, classes=np.arange(50))
        with pytest.warns(UserWarning, match="number of unique classes is greater than 50%"):
            MLPClassifier(max_iter=1).fit(X, y)

    def test_watching_something_else_starts_anew(self) -> None:
        mlp = MLPRegressor(warm_start=True, max_iter=2).fit(*DIABETES)
        assert mlp.best_loss_ > 1
        mlp.set_params(early_stopping=True).fit(*DIABETES)
        assert mlp.best_loss_ is None
        assert mlp.best_validation_score_ < 1
        mlp.set_params(early_stopping=False).fit(*DIABETES)
        assert mlp.validation_scores_ is None
        assert mlp.best_loss_ == min(mlp.loss_curve_[-2:])


class TestOddTargets:
    def test_one_label(self) -> None:
        mlp = MLPClassifier(max_iter=2).fit(WINE[0], ["wine"] * 178)
        assert set(mlp.predict(WINE[0])) == {"wine"}
        assert np.array_equal(mlp.predict_proba(WINE[0][:2]), [[1.0], [1.0]])

    def test_scores_that_are_not_finite_are_nan(self) -> None:
        mlp = MLPClassifier(max_iter=2).fit(*CANCER)
        assert isnan(mlp._score(np.array([[inf]]), np.array([[1.0]]), None))

    def test_a_column_is_flattened_with_a_warning(self) -> None:
        with pytest.warns(UserWarning, match="A column-vector y was passed"):
            mlp = MLPRegressor(max_iter=1).fit(DIABETES[0], DIABETES[1][:, np.newaxis])
        assert mlp.predict(DIABETES[0]).shape == (442,)

    def test_digits_by_a_network_are_as_good_as_by_theirs(self) -> None:
        X, y = load_digits(return_X_y=True)
        ours, other = (
            M(hidden_layer_sizes=30, max_iter=40, random_state=0).fit(X[:1200], y[:1200])
            for M in (MLPClassifier, theirs.MLPClassifier)
        )
        assert ours.score(X[1200:], y[1200:]) > other.score(X[1200:], y[1200:]) - 0.01
