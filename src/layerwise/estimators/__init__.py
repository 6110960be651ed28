"""Networks as scikit-learn has them: `fit`, `predict`, and everything that is built on these two.

`MLPClassifier` and `MLPRegressor` stand in for scikit-learn's: change the import, keep the code.
`NetworkClassifier` and `NetworkRegressor` train a network of one's own.

- `parameters`: what the constructors take, and what is valid
- `sparse`: rows that are mostly zeros, for a network that begins with Dense
- `objective`: what is made small, a loss and scikit-learn's penalty
- `base`, `stepwise`: what all of them validate, and how they learn on `train`
- `classifying`, `regressing`: from labels and numbers to targets, and from answers back
- `lbfgs`: the solver whose steps are of all rows
- `perceptron`, `multilayer`, `mlp`, `own_network`: the four estimators
- `display`: what they measured, as a picture
"""

try:
    import sklearn  # noqa: F401
except ImportError as error:
    raise ImportError(
        "layerwise.estimators needs scikit-learn, which is not installed: "
        "pip install 'layerwise[sklearn]'"
    ) from error

from layerwise.estimators.display import LearningDisplay
from layerwise.estimators.mlp import MLPClassifier, MLPRegressor
from layerwise.estimators.own_network import NetworkClassifier, NetworkRegressor

__all__ = [
    "LearningDisplay",
    "MLPClassifier",
    "MLPRegressor",
    "NetworkClassifier",
    "NetworkRegressor",
]
