"""A network as one step of a scikit-learn pipeline, on a table with column names.

Run `python examples/sklearn_pipeline.py`. It takes some seconds and saves sklearn_pipeline.png. The
442 diabetes patients have eight measured columns, and one that says which of two sexes: a column
transformer gives each kind what it needs, and a search chooses size and dropout inside the folds.
"""

from pathlib import Path

from matplotlib.figure import Figure
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.datasets import load_diabetes
from sklearn.inspection import permutation_importance
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from layerwise.estimators import LearningDisplay, MLPRegressor

GRID = {
    "regressor__mlpregressor__hidden_layer_sizes": [(16,), (32, 16)],
    "regressor__mlpregressor__dropout": [0.0, 0.2],
}


def pipeline(model: object) -> TransformedTargetRegressor:
    """Categories to columns of 0 and 1, numbers, y too, to mean 0 and deviation 1; the model."""
    columns = make_column_transformer(
        (OneHotEncoder(drop="first"), ["sex"]),
        remainder=StandardScaler(),
        verbose_feature_names_out=False,
    )
    return TransformedTargetRegressor(make_pipeline(columns, model), transformer=StandardScaler())


def main(folder: Path = Path()) -> None:
    """Search, judge beside ridge regression, ask what counts, and save the picture in `folder`."""
    X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.25, random_state=0)
    network = MLPRegressor(
        learning_rate_init=0.003, max_iter=400, early_stopping=True, random_state=0
    )
    search = GridSearchCV(pipeline(network), GRID, cv=4).fit(X, y)
    chosen = {name.rpartition("__")[2]: value for name, value in search.best_params_.items()}
    print(f"The search chose {chosen}.")
    columns, best = search.best_estimator_.regressor_
    print(f"The network reads {', '.join(columns.get_feature_names_out())}:")
    print(best.network_)

    ridge = pipeline(RidgeCV()).fit(X, y)
    scores = {"network": search.score(X_test, y_test), "ridge": ridge.score(X_test, y_test)}
    counts = permutation_importance(search, X_test, y_test, n_repeats=20, random_state=0)

    figure = Figure(figsize=(12, 4), dpi=100, layout="constrained")
    left, right = figure.subplots(1, 2)
    LearningDisplay.from_estimator(best, ax=left, name="The network that the search chose")
    order = counts.importances_mean.argsort()
    right.boxplot(
        counts.importances[order].T, orientation="horizontal", tick_labels=X.columns[order]
    )
    right.set(title="What counts on test rows", xlabel="R² lost when the column is shuffled")
    picture = folder / "sklearn_pipeline.png"
    figure.savefig(picture)
    print(f"Saved {picture.resolve()}")
    most = " and ".join(X.columns[order[:-3:-1]])
    print(
        f"Shown: R² {scores['network']:.3f} on test rows, ridge regression {scores['ridge']:.3f}."
    )
    print(f"The columns go by their names all the way; {most} count most.")


if __name__ == "__main__":
    main()
