"""A pytest plugin: scikit-learn's own tests of its MLP meet Layerwise's estimators.

The names are replaced before those tests are collected, so that they import ours.
"""

import sklearn.neural_network as theirs

import layerwise.estimators as ours

theirs.MLPClassifier, theirs.MLPRegressor = ours.MLPClassifier, ours.MLPRegressor
