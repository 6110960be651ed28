"""A pytest plugin: scikit-learn's own tests of its MLP meet Layerwise's estimators.

The names are replaced before those tests are collected, so that they import ours.
"""

import sklearn.neural_network as theirs

import layerwise.estimators as ours


def pytest_configure() -> None:
    """Only where this is a plugin: an import, as for doctests, replaces nothing."""
    theirs.MLPClassifier, theirs.MLPRegressor = ours.MLPClassifier, ours.MLPRegressor
