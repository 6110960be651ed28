"""The report as a picture."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from numpy.typing import NDArray

from layerwise import Dense, Layer, Parameter, ReLU, check_layer
from layerwise.arrays import Array
from layerwise.gradients.plot import draw
from layerwise.gradients.report import Comparison, GradientReport, State, TensorReport


def normal(*shape: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).standard_normal(shape)


class Sum(Layer[Array, Array]):
    """Y = sin(X) + P₀ + P₁ + …, with the gradients of all changed."""

    def __init__(self, change: Callable[[Array], Array], *P: Array) -> None:
        self.P, self.change = [Parameter(p) for p in P], change

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        def backward(grad: Array) -> Array:
            for p in self.P:
                p.add_grad(self.change(grad.sum(axis=tuple(range(grad.ndim - p.value.ndim)))))
            return self.change(grad * np.cos(X))

        Y: Array = np.sin(X) + sum(p.value for p in self.P)
        return Y, backward


def image(axes: Axes) -> Any:
    """The numbers of the image in it, NaN where there are none."""
    (found,) = axes.get_images()
    return np.ma.filled(np.ma.asarray(found.get_array()), np.nan)


def test_every_wrong_tensor_is_shown() -> None:
    report = check_layer(Sum(lambda g: 2 * g, *(normal(3, seed=i) for i in range(6))), normal(4, 3))
    titles = [axes.get_title() for axes in report.plot().axes]
    for name in ("X (4, 3)", *(f"P.{i} (3,)" for i in range(6))):
        assert f"{name}, at the given X" in titles
    assert titles.count("how far apart") == 6
    assert titles.count("where the errors lie") == 1


@pytest.mark.parametrize("mode", ["fast", "full"])
def test_an_image_shows_where_the_errors_lie(tmp_path: Path, mode: Any) -> None:
    def change(g: Array) -> Array:
        wrong = g.copy()
        wrong[-1, 2] *= 3
        return wrong

    report = check_layer(Sum(change), normal(4, 5), mode=mode)
    figure = report.plot(tmp_path / "report.png")
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")
    values, place, bar = figure.axes
    shown = image(place)
    assert shown.shape == (4, 5)
    assert np.argwhere(shown > 1e-6).tolist() == [[3, 2]]
    (tensor,) = [t for t in report.tensors if t.verdict == "wrong"]
    assert tensor.analytic is not None
    assert tensor.numeric is not None
    error = tensor.analytic[3, 2] - tensor.numeric[3, 2]
    assert shown[3, 2] == pytest.approx(abs(error) / np.abs(tensor.numeric).max())
    assert (place.get_ylabel(), place.get_xlabel()) == ("axis 0", "axis 1")
    assert bar.get_ylabel() == "error / largest derivative"
    assert [text.get_text() for text in values.get_legend().get_texts()] == ["proven", "wrong"]  # type: ignore[union-attr]  # there is one


def test_more_axes_are_laid_side_by_side() -> None:
    def change(g: Array) -> Array:
        wrong = g.copy()
        wrong[-1, :, 2, 1] *= -1
        return wrong

    place = check_layer(Sum(change), normal(2, 3, 4, 2)).plot().axes[1]
    shown = image(place)
    assert shown.shape == (6, 8)
    assert sorted({(int(i), int(j)) for i, j in np.argwhere(shown > 1e-6)}) == [
        (3, 5),
        (4, 5),
        (5, 5),
    ]
    assert (place.get_ylabel(), place.get_xlabel()) == ("axes 0 and 1", "axes 2 and 3")
    lines = [np.asarray(line.get_xydata()) for line in place.get_lines()]
    assert [float(line[0, 1]) for line in lines if line[0, 1] == line[1, 1]] == [2.5]
    assert [float(line[0, 0]) for line in lines if line[0, 0] == line[1, 0]] == [1.5, 3.5, 5.5]


def test_what_was_not_measured_is_left_out_of_the_image() -> None:
    class Kinked(ReLU):
        def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
            Y, inner = super().forward(X)

            def backward(grad: Array) -> Array:
                return 2 * inner(grad)

            return Y, backward

    report = check_layer(Kinked(), np.array([[0.0, 1, 2], [3, 4, -1], [1, 1, 1]]))
    shown = image(report.plot().axes[1])
    assert np.argwhere(np.isnan(shown)).tolist() == [[0, 0]]
    assert shown[1, 2] == 0
    assert np.all(np.delete(shown.ravel(), [0, 5]) > 0.01)


def test_a_proven_tensor_has_no_image() -> None:
    figure = check_layer(Dense(3, 2, rng=0), normal(4, 3), mode="full").plot()
    assert [axes.get_title() for axes in figure.axes][1::2] == 3 * ["how far apart"]
    assert all(axes.get_images() == [] for axes in figure.axes)
    assert figure.axes[1].get_xlabel() == "elements in order"


def test_along_directions_no_element_has_an_error() -> None:
    assert TensorReport("X", (2, 3), "at the given X").errors is None


# The picture itself -------------------------------------------------------------------------------


def tensor(
    *states: State, name: str = "W", shape: tuple[int, ...] = (3,), scale: float = 1.0
) -> TensorReport:
    comparisons = [
        Comparison("", 2.0 * i, i * scale, 1.0, state, 1.0) for i, state in enumerate(states)
    ]
    return TensorReport(name, shape, "here", comparisons)


def drawn(*tensors: TensorReport) -> Figure:
    return draw(GradientReport("L", "fast", tensors=list(tensors)))


def test_four_tensors_are_shown_or_all_that_are_wrong() -> None:
    right = [tensor("proven", name=f"p{i}") for i in range(6)]
    wrong = [tensor("wrong", name=f"w{i}") for i in range(5)]
    shown = drawn(TensorReport("nothing", (0,), "here"), *right[:3], *wrong, *right[3:])
    titles = [axes.get_title() for axes in shown.axes[::2]]
    assert titles == [f"w{i} (3,), here" for i in range(5)]
    titles = [axes.get_title() for axes in drawn(*right, *wrong[:1]).axes[::2]]
    assert titles == [f"{name} (3,), here" for name in ("w0", "p0", "p1", "p2")]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_each_tensor_has_a_row_of_three_inches(count: int) -> None:
    figure = drawn(*(tensor("proven") for _ in range(count)))
    assert figure.get_size_inches().tolist() == [10, 1 + 3 * max(count, 1)]
    assert (
        figure.get_suptitle() == f"L: gradient {'proven' if count else 'inconclusive'} (fast mode)"
    )
    for place, axes in enumerate(figure.axes):
        geometry = axes.get_subplotspec()
        assert geometry is not None
        assert geometry.get_geometry() == (count, 2, place, place)


def test_values_lie_over_the_diagonal_and_distances_over_the_line_at_one() -> None:
    values, distances = drawn(tensor("proven", "wrong", "wrong", scale=-1.0)).axes
    (diagonal,), (bound,) = values.get_lines(), distances.get_lines()
    assert np.asarray(diagonal.get_xydata()).tolist() == [[-2, -2], [4, 4]]
    assert np.asarray(bound.get_ydata()).tolist() == [1, 1]
    for axes, line in ((values, diagonal), (distances, bound)):
        assert all(points.get_zorder() > line.get_zorder() for points in axes.collections)
    points = [np.asarray(found.get_offsets()).tolist() for found in values.collections]
    assert points == [[[0, 0]], [[-1, 2], [-2, 4]]]
    (found,) = distances.collections
    # What agrees to the last digit lies at a millionth, where a logarithm of it can be shown.
    offsets = np.asarray(found.get_offsets(), float)
    np.testing.assert_allclose(offsets, np.array([[0, 1e-6], [1, 3], [2, 6]]))
    assert distances.get_yscale() == "log"
    assert distances.get_xlabel() == "directions in order"


def test_axes_and_points_say_what_they_are() -> None:
    values, distances = drawn(tensor("proven", "wrong")).axes
    assert (values.get_xlabel(), values.get_ylabel()) == ("numeric", "analytic")
    assert (values.get_title(), distances.get_title()) == ("W (3,), here", "how far apart")
    assert distances.get_ylabel() == "difference / bound"
    for axes in (values, distances):
        for points in axes.collections:
            assert isinstance(points, PathCollection)
            assert points.get_sizes().tolist() == [14]


@pytest.mark.parametrize(
    ("shape", "rows", "labels"),
    [
        ((2, 3), 2, ("axis 0", "axis 1")),
        ((2, 2, 9), 4, ("axes 0 and 1", "axis 2")),
        ((9, 2, 2), 9, ("axis 0", "axes 1 and 2")),
    ],
)
def test_an_image_is_as_square_as_it_can_be(
    shape: tuple[int, ...], rows: int, labels: tuple[str, str]
) -> None:
    wrong = tensor("wrong", shape=shape)
    wrong.analytic = np.ones(shape)
    wrong.numeric = np.arange(float(np.prod(shape))).reshape(shape)
    _, place, _ = drawn(wrong).axes
    (found,) = place.get_images()
    assert image(place).shape[0] == rows
    assert found.norm.vmin == 0
    assert (place.get_ylabel(), place.get_xlabel()) == labels
    assert to_hex(place.get_facecolor()) == to_hex("lightgray")
    assert all(tick == int(tick) for tick in (*place.get_xticks(), *place.get_yticks()))
    # A thin line between the blocks of an outer axis.
    assert {line.get_linewidth() for line in place.get_lines()} <= {0.8}
    lines = [np.asarray(line.get_xydata()) for line in place.get_lines()]
    across = [line[0, 1] for line in lines if line[0, 1] == line[1, 1]]
    down = [line[0, 0] for line in lines if line[0, 0] == line[1, 0]]
    assert (across, down) == {
        (2, 3): ([], []), (2, 2, 9): ([1.5], []), (9, 2, 2): ([], [1.5]),
    }[shape]  # fmt: skip


def test_an_image_is_of_a_wrong_tensor_with_axes_and_errors() -> None:
    for states, shape, errors in (
        ("proven", (2, 3), True), ("wrong", (6,), True), ("wrong", (2, 3), False)
    ):  # fmt: skip
        found = tensor(states, shape=shape)  # type: ignore[arg-type]  # a state
        if errors:
            found.analytic = found.numeric = np.ones(shape)
        assert [len(axes.get_images()) for axes in drawn(found).axes] == [0, 0]
