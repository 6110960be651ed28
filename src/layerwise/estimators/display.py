"""What an estimator measured while it learned, as a picture in scikit-learn's style."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from sklearn.utils.validation import check_is_fitted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D


class LearningDisplay:
    """The loss of each epoch, and the score of the rows held out where there are some.

    `from_estimator` makes and plots it. After `plot`, `ax_` and `line_` are those of the loss,
    `score_ax_` and `score_line_` those of the score, None without one, and `figure_` is the figure.

    Raises ImportError without matplotlib.

    >>> from matplotlib.figure import Figure
    >>> display = LearningDisplay(loss_curve=[1.0, 0.5]).plot(Figure().subplots())
    >>> display.line_.get_ydata()
    array([1. , 0.5])
    """

    def __init__(
        self,
        *,
        loss_curve: Sequence[float],
        validation_scores: Sequence[float] | None = None,
        estimator_name: str | None = None,
    ) -> None:
        self.loss_curve, self.validation_scores = loss_curve, validation_scores
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, ax: Axes | None = None, name: str | None = None, **line_kw: Any
    ) -> Self:
        """Plot what a fitted estimator measured; its name is that of its class where none is given.

        Raises scikit-learn's NotFittedError for one that is not fitted.
        """
        check_is_fitted(estimator)
        display = cls(
            loss_curve=estimator.loss_curve_,
            validation_scores=estimator.validation_scores_,
            estimator_name=type(estimator).__name__ if name is None else name,
        )
        return display.plot(ax, **line_kw)

    def plot(self, ax: Axes | None = None, *, name: str | None = None, **line_kw: Any) -> Self:
        """Draw into `ax`, or a new figure of pyplot; `line_kw` goes to the line of the loss."""
        self.figure_: Figure | None
        self.line_: Line2D
        self.score_ax_: Axes | None = None
        self.score_line_: Line2D | None = None
        if ax is None:
            import matplotlib.pyplot as plt  # noqa: PLC0415  # needed by nothing else

            _, ax = plt.subplots(layout="constrained")
        self.ax_, self.figure_ = ax, ax.get_figure(root=True)
        epochs = range(1, len(self.loss_curve) + 1)
        title = self.estimator_name if name is None else name
        (self.line_,) = ax.plot(epochs, self.loss_curve, **({"label": "loss"} | line_kw))
        ax.set(xlabel="epoch", ylabel="loss", title=title or "")
        lines = [self.line_]
        if self.validation_scores is not None:
            self.score_ax_ = ax.twinx()
            scored = range(1, len(self.validation_scores) + 1)
            (self.score_line_,) = self.score_ax_.plot(
                scored, self.validation_scores, color="C1", label="validation score"
            )
            self.score_ax_.set_ylabel("validation score")
            lines.append(self.score_line_)
        ax.legend(handles=lines, loc="center right")
        return self
