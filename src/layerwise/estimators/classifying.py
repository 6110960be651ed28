"""Classifiers: from labels to what a loss takes, and from a network's answers to labels."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    check_classification_targets,
    type_of_target,
    unique_labels,
)

from layerwise.arrays import Array, Matrix
from layerwise.data import is_finite
from layerwise.estimators.base import Table
from layerwise.estimators.parameters import options, parameter
from layerwise.estimators.stepwise import Stepwise
from layerwise.layers.activations import sigmoid, softmax

ClassWeight: TypeAlias = dict[Any, float] | list[dict[Any, float]] | str


@dataclass(eq=False, repr=False, kw_only=True)
class Classifying(ClassifierMixin, Stepwise):  # type: ignore[misc]  # no types in scikit-learn
    """One of many labels for each row; with a matrix of 0 and 1 as y, any number of them.

    The network answers with logits: one for each label, but of two labels only one, for the
    second. `class_weight` has a weight by label, or is "balanced": n / (number of labels · rows of
    the label). It multiplies `sample_weight`.
    """

    class_weight: ClassWeight | None = parameter(None, options("balanced"), dict, list, None)

    def _out_activation(self) -> str:
        """What makes probabilities of the network's answers, and decides what it is trained on."""
        return "softmax" if len(self.classes_) > 2 and not self._multilabel else "logistic"

    def _targets(self, y: NDArray[Any], *, one_epoch: bool, dtype: np.dtype[Any]) -> NDArray[Any]:
        """For softmax the number of the class, for others a column of 0 and 1 for each output."""
        if not one_epoch:  # it warns of many labels in few rows, which a part of them may well have
            check_classification_targets(y)
        kind = type_of_target(y, input_name="y")
        if kind == "multiclass-multioutput":
            raise ValueError("Multioutput target data is not supported with label binarization")
        self._learn_labels(unique_labels(y), kind.startswith("multilabel"), one_epoch)
        k, self.out_activation_ = len(self.classes_), self._out_activation()
        if self._multilabel:
            self.n_outputs_ = k
            return y.astype(dtype)
        numbers = np.searchsorted(self.classes_, y)
        if self.out_activation_ == "softmax":
            self.n_outputs_ = k
            return numbers
        self.n_outputs_ = k if k > 2 else 1
        return np.eye(max(k, 2), dtype=dtype)[:, -self.n_outputs_ :][numbers]

    def _learn_labels(self, labels: NDArray[Any], multilabel: bool, one_epoch: bool) -> None:
        goes_on = self.warm_start or one_epoch
        if not (goes_on and hasattr(self, "classes_")):
            self.classes_ = labels
        elif one_epoch and len(np.setdiff1d(labels, self.classes_, assume_unique=True)):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {labels}."
            )
        elif not one_epoch and set(labels) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {labels}"
            )
        if not (goes_on and hasattr(self, "network_")):
            self._multilabel = multilabel
        elif multilabel != self._multilabel:
            was = "" if self._multilabel else "not "
            raise ValueError(f"`y` is of another kind: in the previous call it was {was}multilabel")

    def _weights(self, sample_weight: Array | None, y: NDArray[Any]) -> Array | None:
        if self.class_weight is None:
            return sample_weight
        if self._multilabel:
            of_rows: Array = compute_sample_weight(self.class_weight, y)
        else:
            each = compute_class_weight(self.class_weight, classes=self.classes_, y=y)
            of_rows = each[np.searchsorted(self.classes_, y)]
        return of_rows if sample_weight is None else of_rows * sample_weight

    def _score(self, Y: Array, targets: NDArray[Any], weight: Array | None) -> float:
        """The share of rows all of whose labels are right."""
        if not is_finite(Y):
            return nan
        right = self._chosen(Y) == (targets if targets.ndim == 1 else self._chosen(targets - 0.5))
        return float(np.average(right.all(axis=1) if self._multilabel else right, weights=weight))

    def _chosen(self, Y: Matrix) -> NDArray[Any]:
        """The number of each row's label; of many labels, whether it has each of them."""
        if self._multilabel:
            return Y > 0
        return (Y[:, 0] > 0).astype(np.intp) if Y.shape[1] == 1 else Y.argmax(axis=1)

    def predict(self, X: Table) -> NDArray[Any]:
        """The label of each row of X; of many labels, a row of 0 and 1."""
        chosen = self._chosen(self._predicted(X))
        if self._multilabel:
            return chosen.astype(int)
        labels: NDArray[Any] = self.classes_.take(chosen, mode="clip")  # there may be one label
        return labels

    def _has_probabilities(self) -> bool:
        return True

    @available_if(lambda self: self._has_probabilities())  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Table) -> Matrix:
        """The probability of each label, in the order of `classes_`, for each row of X."""
        Y = self._predicted(X)
        if self.out_activation_ == "softmax":
            return softmax(Y)
        if self._multilabel:
            return sigmoid(Y)
        if len(self.classes_) == 1:
            return np.ones_like(Y)
        if Y.shape[1] == 1:
            return sigmoid(np.hstack([-Y, Y]))
        each = sigmoid(Y)  # one label against the others, for each
        shares: Matrix = each / each.sum(axis=1, keepdims=True)
        return shares

    @available_if(lambda self: self._has_probabilities())  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: Table) -> Matrix:
        """The logarithm of `predict_proba`."""
        P = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            logarithms: Matrix = np.log(P)
        return logarithms

    @available_if(lambda self: not self._has_probabilities())  # type: ignore[untyped-decorator]
    def decision_function(self, X: Table) -> Array:
        """How clearly each row of X has each label, above 0 for yes; of two labels, the second."""
        Y = self._predicted(X)
        return Y[:, 0] if Y.shape[1] == 1 and not self._multilabel else Y

    @available_if(lambda self: self._learns_by_steps())  # type: ignore[untyped-decorator]
    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def partial_fit(
        self,
        X: Table,
        y: Table,
        sample_weight: Array | None = None,
        classes: NDArray[Any] | None = None,
    ) -> Self:
        """Learn one epoch more, from the rows of X and their y; return self.

        The first call needs `classes`, all labels that will ever come.

        Raises what `fit` raises; ValueError for early stopping and for balanced class weights,
        which need to see all rows.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight 'balanced' is not supported for partial_fit. In order to use "
                "'balanced' weights, use compute_class_weight('balanced', classes=classes, y=y), "
                "and pass the resulting weights as the class_weight parameter."
            )
        _check_partial_fit_first_call(self, classes)
        return self._fit(X, y, sample_weight, one_epoch=True)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
