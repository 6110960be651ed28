"""Rare classes: what class weights do, which scikit-learn's own network has not.

Run `python examples/sklearn_imbalanced.py`. It takes some seconds. One in twenty rows is a yes. A
network that is right in most rows may miss most of these; with `class_weight="balanced"` each
class counts as much as the other.
"""

from typing import Any

import numpy as np
from sklearn.datasets import make_classification
from sklearn.metrics import balanced_accuracy_score, confusion_matrix
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from layerwise.estimators import MLPClassifier


def main() -> None:
    """Train with and without weights, and compare what is found of the rare class."""
    X, y = make_classification(
        n_samples=4000,
        n_features=12,
        n_informative=6,
        weights=[0.95],
        class_sep=0.8,
        random_state=0,
    )
    names = np.array(["common", "rare"])[y]
    X, X_test, y, y_test = train_test_split(X, names, test_size=0.5, stratify=names, random_state=0)
    print(f"{np.mean(y == 'rare'):.1%} of {len(y)} rows are rare.")
    found, balanced = {}, {}
    weights: list[str | dict[Any, float] | None] = [None, "balanced", {"common": 1, "rare": 5}]
    for weight in weights:
        model = make_pipeline(
            StandardScaler(),
            MLPClassifier(
                (32,), class_weight=weight, dropout=0.2, tol=1e-3, max_iter=300, random_state=0
            ),
        )
        answers = model.fit(X, y).predict(X_test)
        (right, alarms), (missed, hits) = confusion_matrix(y_test, answers)
        found[str(weight)] = hits / (hits + missed)
        balanced[str(weight)] = balanced_accuracy_score(y_test, answers)
        print(
            f"class_weight={weight}: {hits} of {hits + missed} rare rows found, {alarms} false "
            f"alarms, accuracy {(right + hits) / len(y_test):.3f}, balanced "
            f"{balanced[str(weight)]:.3f}"
        )
    print(
        f"Shown: with balanced weights {found['balanced']:.0%} of the rare rows are found, without"
    )
    print(
        f"{found['None']:.0%}; balanced accuracy {balanced['balanced']:.3f} and "
        f"{balanced['None']:.3f}."
    )


if __name__ == "__main__":
    main()
