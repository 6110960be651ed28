"""MLPClassifier and MLPRegressor: scikit-learn's, with what they lack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from layerwise.estimators.classifying import Classifying
from layerwise.estimators.multilayer import ACTIVATIONS, Activation
from layerwise.estimators.parameters import COUNT, options, parameter
from layerwise.estimators.perceptron import Perceptron
from layerwise.estimators.regressing import Regressing


@dataclass(eq=False, repr=False)
class MLPClassifier(Classifying, Perceptron):
    """p = softmax(X W₁ + b₁ → activation → … → X W + b): scikit-learn's MLPClassifier, and more.

    Its parameters, attributes and methods have scikit-learn's names, meanings and defaults, and
    the same `random_state` gives the same first weights and the same batches. What is new:

    - `activation`: also a layer class, such as GELU, or any function that makes a layer; or a list
      of names and of these, one for each hidden layer.
    - `dropout`: the rate behind each hidden layer, one for all or a list; `batch_norm`: whether
      BatchNorm stands before each activation.
    - `class_weight`: a weight by label, or "balanced"; it multiplies `sample_weight`.
    - `learning_rate`: also a function of the number of steps made so far, which gives the rate
      itself, as those of `layerwise.schedules`; then `learning_rate_init` is not used.
    - `clip_norm`: the largest norm that a gradient keeps.
    - `solver`: also "adamw", Adam with decoupled `weight_decay`. Its L2 penalty is `alpha`, as
      everywhere: set it to 0 for weight decay alone.
    - `progress`: shows a bar.
    - `network_`: the network itself, a Sequential that ends in logits. `coefs_` and `intercepts_`
      are its arrays, not copies of them.

    X may be of float32, and is then computed with in it; or sparse, and is never made dense.
    Early stopping puts the best state back, also after numbers went beyond all bounds.

    >>> from sklearn.datasets import load_wine; X, y = load_wine(return_X_y=True)
    >>> mlp = MLPClassifier(max_iter=1000, random_state=0).fit((X - X.mean(0)) / X.std(0), y)
    >>> mlp.predict((X[:3] - X.mean(0)) / X.std(0))
    array([0, 0, 0])
    """

    hidden_layer_sizes: int | Sequence[int] = parameter((100,), "array-like", COUNT)
    activation: Activation | Sequence[Activation] = parameter(
        "relu", options("identity", *ACTIVATIONS), callable, "array-like"
    )


@dataclass(eq=False, repr=False)
class MLPRegressor(Regressing, Perceptron):
    """y = X W₁ + b₁ → activation → … → X W + b: scikit-learn's MLPRegressor, and more.

    Its parameters, attributes and methods have scikit-learn's names, meanings and defaults; what
    is new is what MLPClassifier has, but for `class_weight`. `loss` is "squared_error", which is
    half of it, or "poisson", for counts: the network then answers with the logarithm of the rate.

    Of several outputs, the loss of a row is the sum, as the gradient is in scikit-learn, too, whose
    value is the mean.

    >>> X = [[0.0], [1.0], [2.0], [3.0]]
    >>> MLPRegressor(solver="lbfgs", random_state=0).fit(X, [1, 3, 5, 7]).predict([[4.0]]).round(1)
    array([9.])
    """

    loss: str = parameter("squared_error", options("squared_error", "poisson"))
    hidden_layer_sizes: int | Sequence[int] = parameter((100,), "array-like", COUNT)
    activation: Activation | Sequence[Activation] = parameter(
        "relu", options("identity", *ACTIVATIONS), callable, "array-like"
    )

    def _out_activation(self) -> str:
        return "exp" if self.loss == "poisson" else "identity"
