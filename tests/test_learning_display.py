"""The loss and the score of an estimator as a picture."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.exceptions import NotFittedError

from layerwise.estimators import LearningDisplay, MLPClassifier

X = np.random.default_rng(0).normal(size=(60, 3))
y = X[:, 0] > 0


def fitted(**options: Any) -> MLPClassifier:
    model = MLPClassifier((4,), max_iter=300, tol=1e-2, random_state=0, **options)
    model.fit(X, y)
    return model


def test_the_loss_is_drawn_epoch_by_epoch() -> None:
    model = fitted()
    ax = Figure().subplots()
    display = LearningDisplay.from_estimator(model, ax=ax, color="red")
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    np.testing.assert_array_equal(display.line_.get_ydata(), model.loss_curve_)
    np.testing.assert_array_equal(display.line_.get_xdata(), np.arange(1, model.n_iter_ + 1))
    assert display.line_.get_color() == "red"
    assert ax.get_title() == "MLPClassifier"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "loss")
    assert display.score_ax_ is None
    assert display.score_line_ is None


def test_an_estimator_plots_it_by_name() -> None:
    model, ax = fitted(), Figure().subplots()
    display = model.plot_loss_curve(ax, color="red")
    assert isinstance(display, LearningDisplay)
    assert (display.ax_, display.line_.get_color()) == (ax, "red")
    np.testing.assert_array_equal(display.line_.get_ydata(), model.loss_curve_)


def test_scores_of_rows_held_out_have_an_axis_of_their_own() -> None:
    model = fitted(early_stopping=True)
    display = LearningDisplay.from_estimator(model, ax=Figure().subplots(), name="Mine")
    assert display.score_line_ is not None
    assert display.score_ax_ is not display.ax_
    np.testing.assert_array_equal(display.score_line_.get_ydata(), model.validation_scores_)
    assert display.ax_.get_title() == "Mine"
    legend = display.ax_.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["loss", "validation score"]


def test_without_axes_it_makes_a_figure_of_pyplot() -> None:
    display = LearningDisplay(loss_curve=[2.0, 1.0]).plot(name="Curve")
    assert plt.get_fignums()
    assert display.ax_.get_title() == "Curve"
    plt.close("all")


def test_what_is_not_fitted_is_refused() -> None:
    with pytest.raises(NotFittedError):
        LearningDisplay.from_estimator(MLPClassifier())
