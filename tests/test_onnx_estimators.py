"""Labels, probabilities and numbers of estimators, as ONNX Runtime answers them."""

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.datasets import load_diabetes, load_iris

from layerwise import (
    Dense,
    Hinge,
    Layer,
    Poisson,
    Sequential,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    Standardize,
    Tanh,
)
from layerwise.estimators import (
    MLPClassifier,
    MLPRegressor,
    NetworkClassifier,
    NetworkRegressor,
)
from layerwise.onnx import save_onnx, to_onnx
from tests.in_onnx_runtime import Loaded, ulps
from tests.raising import raises

IRIS, SPECIES = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])[SPECIES]
SMALL: dict[str, Any] = {"hidden_layer_sizes": (5,), "max_iter": 30, "random_state": 0}


def network(inputs: int, outputs: int, rng: np.random.Generator) -> Layer[Any, Any]:
    return Sequential(
        Standardize.of(IRIS[:, :inputs]),
        Dense(inputs, 5, rng=rng),
        Tanh(),
        Dense(5, outputs, rng=rng),
    )


# They may stop early: what is tested is their answers.
STOPPED = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")


@STOPPED
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("classifier", "y"),
    [
        (MLPClassifier(**SMALL), SPECIES),
        (MLPClassifier(activation="tanh", batch_norm=True, dropout=0.2, **SMALL), NAMES),
        (MLPClassifier(**SMALL), NAMES.astype(object)),
        (MLPClassifier(**SMALL), SPECIES.astype(np.uint8)),
        (MLPClassifier(**SMALL), SPECIES > 0),
        (MLPClassifier(**SMALL), np.where(SPECIES > 1, "yes", "no")),
        (MLPClassifier(**SMALL), np.where(SPECIES > 1, 1.0, -1.0)),
        (MLPClassifier(**SMALL), np.full(150, "one")),
        (MLPClassifier(**SMALL), np.eye(3, dtype=int)[SPECIES] | (IRIS[:, :3] > 5)),
        (NetworkClassifier(network, random_state=0), NAMES),
        (NetworkClassifier(network, random_state=0), SPECIES > 1),
        (NetworkClassifier(network, loss=SoftmaxCrossEntropy(), random_state=0), SPECIES > 1),
        (NetworkClassifier(network, loss=SigmoidCrossEntropy(), random_state=0), NAMES),
    ],
    ids=[
        "many",
        "strings",
        "objects",
        "small-integers",
        "booleans",
        "two-strings",
        "floats",
        "one-label",
        "multilabel",
        "own",
        "own-two",
        "own-two-by-softmax",
        "own-one-against-others",
    ],
)
def test_labels_and_probabilities(classifier: Any, y: NDArray[Any], dtype: Any) -> None:
    X = IRIS.astype(dtype)
    model = to_onnx(classifier.fit(X, y))
    loaded = Loaded(model)
    if loaded.session.get_inputs()[0].type == "tensor(double)":  # as own networks compute
        X = X.astype(np.float64)
    for n in (1, 33, 150):
        labels, probabilities = loaded(X[-n:])
        expected = classifier.predict(X[-n:])
        np.testing.assert_array_equal(labels, expected)
        assert labels.dtype in {expected.dtype, np.dtype(object)}
        assert ulps(probabilities, classifier.predict_proba(X[-n:])) <= 16
    about = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(about["classes"]) == classifier.classes_.tolist()
    assert json.loads(about["outputs"]) == ["label", "probabilities"]


@STOPPED
@pytest.mark.parametrize("y", [NAMES, SPECIES > 1], ids=["three", "two"])
def test_scores_where_there_are_no_probabilities(y: NDArray[Any]) -> None:
    classifier = NetworkClassifier(network, loss=Hinge(), random_state=0).fit(IRIS, y)
    loaded = Loaded(to_onnx(classifier))
    assert [output.name for output in loaded.session.get_outputs()] == ["label", "scores"]
    labels, scores = loaded(IRIS)
    np.testing.assert_array_equal(labels, classifier.predict(IRIS))
    assert ulps(scores, classifier.decision_function(IRIS)) <= 16


@STOPPED
@pytest.mark.parametrize(
    "regressor",
    [
        MLPRegressor(**SMALL),
        MLPRegressor(loss="poisson", **SMALL),
        NetworkRegressor(network, random_state=0),
        NetworkRegressor(network, loss=Poisson(), random_state=0),
    ],
    ids=["squared", "poisson", "own", "own-poisson"],
)
@pytest.mark.parametrize("outputs", [1, 2])
def test_numbers(regressor: Any, outputs: int) -> None:
    X, y = load_diabetes(return_X_y=True)
    X, y = X[:, :4], np.column_stack([y, y[::-1]])[:, :outputs] / 100
    regressor.fit(X, y.ravel() if outputs == 1 else y)
    loaded = Loaded(to_onnx(regressor))
    assert [output.name for output in loaded.session.get_outputs()] == ["predictions"]
    for n in (1, 33):
        (numbers,) = loaded(X[:n])
        assert ulps(numbers, regressor.predict(X[:n])) <= 16


@STOPPED
def test_one_that_learned_from_sparse_rows_answers_dense_ones() -> None:
    classifier = MLPClassifier(**SMALL).fit(csr_array(IRIS), SPECIES)
    labels, _ = Loaded(to_onnx(classifier))(IRIS)
    np.testing.assert_array_equal(labels, classifier.predict(csr_array(IRIS)))


def test_one_that_is_not_fitted_is_refused_and_leaves_no_file(tmp_path: Any) -> None:
    message = "to_onnx: this MLPClassifier is not fitted, so it has no network: call fit first"
    with raises(ValueError, message):
        save_onnx(tmp_path / "model.onnx", MLPClassifier())
    assert list(tmp_path.iterdir()) == []


@STOPPED
def test_rows_of_another_length_are_refused() -> None:
    classifier = MLPClassifier(**SMALL).fit(IRIS, SPECIES)
    message = (
        "to_onnx: the network takes no rows (3,): layer 0 Dense does not fit the input, (3,) per "
        "row: matrix_multiply: X (2, 3) and W (4, 5) do not fit: X has 3 columns, W has 4 rows"
    )
    with raises(ValueError, message):
        to_onnx(classifier, (3,))
