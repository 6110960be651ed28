"""What a report says of comparisons that are given."""

import numpy as np
import pytest

from layerwise.gradients.report import Comparison, GradientReport, State, TensorReport


def _of(state: State, error: float = 0.5, bound: float = 1e-9, where: str = "W[0]") -> Comparison:
    return Comparison(where, 1.0 + error * bound, 1.0, bound, state, 2.0)


def _tensor(*states: State, name: str = "W", elements: bool = True) -> TensorReport:
    found = TensorReport(name, (2, 3), "here", [_of(state) for state in states])
    if elements:
        found.analytic = found.numeric = np.ones((2, 3))
    return found


def test_errors_in_units_of_the_bound_and_of_the_size() -> None:
    found = Comparison("W[0]", 3.0, 1.0, 4.0, "wrong", 8.0)
    assert (found.error, found.share) == (0.5, 0.25)
    assert str(found) == "W[0]: analytic 3, numeric 1 ± 4.0e+00"
    nothing = Comparison("W[0]", 3.0, 1.0, 0.0, "wrong", 0.0)
    assert (nothing.error, nothing.share) == (np.inf, np.inf)


@pytest.mark.parametrize(
    ("states", "of_elements", "of_directions"),
    [
        ([], "proven", "proven"),
        (["proven", "wrong"], "wrong", "wrong"),
        (["proven", "kink"], "proven", "proven"),
        (["proven", "noisy"], "inconclusive", "proven"),
        (["kink"], "inconclusive", "inconclusive"),
        (["noisy"], "inconclusive", "inconclusive"),
    ],
)
def test_the_verdict_on_a_tensor(states: list[State], of_elements: str, of_directions: str) -> None:
    assert _tensor(*states).verdict == of_elements
    assert _tensor(*states, elements=False).verdict == of_directions
    assert _tensor(*states).unit == "elements"
    assert _tensor(*states, elements=False).unit == "directions"


def test_the_worst_is_a_wrong_one_or_else_the_furthest_but_no_kink() -> None:
    assert _tensor().worst is None
    tensor = _tensor()
    near, far, kink = _of("proven", 0.1), _of("noisy", 0.9), _of("kink", 5)
    tensor.comparisons = [near, far, kink]
    assert tensor.worst is far
    wrong, worse = _of("wrong", 0.2), _of("wrong", 0.3)
    tensor.comparisons += [worse, wrong]
    assert tensor.worst is worse


def test_errors_are_shares_of_the_largest() -> None:
    tensor = _tensor()
    tensor.analytic, tensor.numeric = np.array([1.0, -3.0, 2.0]), np.array([1.0, -4.0, np.nan])
    np.testing.assert_array_equal(tensor.errors, [0, 0.25, np.nan])
    tensor.numeric = np.zeros(3)
    np.testing.assert_array_equal(tensor.errors, [1, 3, 2])
    tensor.numeric = None
    assert tensor.errors is None
    assert _tensor(elements=False).errors is None


def test_the_resolution_is_the_least_of_what_is_proven() -> None:
    tensor = _tensor()
    assert tensor.resolution == np.inf
    tensor.comparisons = [_of("proven", bound=4e-9), _of("proven", bound=6e-9), _of("noisy")]
    assert tensor.resolution == 2e-9
    tensor.comparisons = [Comparison("", 0, 0, 1.0, "proven", 0.0)]
    assert tensor.resolution == np.inf


def test_of_several_points_wrong_counts_before_proven() -> None:
    open_, right, wrong = _tensor("noisy"), _tensor("proven"), _tensor("wrong")
    for tensors, verdict in (
        ([open_], "inconclusive"), ([open_, right], "proven"), ([right, open_], "proven"),
        ([right, wrong], "wrong"), ([wrong, right, open_], "wrong"),
    ):  # fmt: skip
        report = GradientReport("L", "fast", tensors=tensors)
        assert (report.verdict, report.verdicts()) == (verdict, {"W": verdict})
        assert report.passed == (verdict == "proven")
    both = GradientReport("L", "fast", tensors=[right, _tensor("noisy", name="b")])
    assert both.verdict == "inconclusive"
    assert GradientReport("L", "fast", ["a fault"], [right]).verdict == "wrong"
    assert GradientReport("L", "fast", ["a fault"]).verdict == "wrong"


def test_nothing_proves_nothing() -> None:
    for tensors in ([], [_tensor()]):
        report = GradientReport("L", "fast", tensors=tensors)
        assert report.verdict == "inconclusive"
        line = "  nothing was differentiated: no floating input, and no parameter"
        assert str(report).splitlines()[1] == line
    assert "nothing was" not in str(GradientReport("L", "fast", ["a fault"]))
    assert "nothing was" not in str(GradientReport("L", "fast", tensors=[_tensor("kink")]))


def test_hints_in_one_line() -> None:
    assert GradientReport("L", "fast", hints=["one", "two"]).hint == "one; two"
    assert GradientReport("L", "fast").hint is None
    assert GradientReport("L", "fast").forwards == 0


def test_the_whole_page() -> None:
    tensors = [
        _tensor("proven", "kink", name="X"),
        _tensor("wrong", "wrong", "proven"),
        _tensor("noisy", "noisy", "proven", name="b"),
        _tensor("noisy", name="b"),
        _tensor(name="c"),
        _tensor("noisy", "proven", elements=False, name="d"),
    ]
    tensors[0].comparisons[0].size = 0.5e-9
    report = GradientReport("L", "full", ["a fault"], tensors, ["a hint"], 0, ["a note"])
    worst = "    worst: W[0]: analytic 1.000000001, numeric 1 ± 1.0e-09"
    assert str(report).splitlines() == [
        "L: gradient wrong (full mode)",
        "  broken: a fault",
        "  likely cause: a hint",
        "  2 elements of b were below the resolution",
        "  W (2, 3), here: 2 wrong, 1 proven of 3 elements",
        worst,
        "  X (2, 3), here: 1 proven, 1 at a kink of 2 elements; too small to tell from zero",
        worst,
        "  b (2, 3), here: 1 proven, 2 too noisy of 3 elements",
        worst,
        "  b (2, 3), here: 1 too noisy of 1 elements",
        worst,
        "  c (2, 3), here: nothing to check of 0 elements",
        "  d (2, 3), here: 1 proven, 1 too noisy of 2 directions; a relative error of 5e-10 would "
        "have been seen",
        worst,
        "  a note",
    ]


def test_at_most_twenty_tensors_are_shown() -> None:
    for count, lines in ((20, 41), (21, 42), (25, 42)):
        report = GradientReport("L", "fast", tensors=[_tensor("proven") for _ in range(count)])
        found = str(report).splitlines()
        assert len(found) == lines
        if count > 20:
            assert found[-1] == f"  ... and {count - 20} more, none of them worse"


def test_a_resolution_of_one_is_none() -> None:
    for bound, words in ((1.99, "would have been seen"), (2.0, "too small to tell from zero")):
        tensor = _tensor()
        tensor.comparisons = [_of("proven", bound=bound)]
        assert words in str(GradientReport("L", "fast", tensors=[tensor]))


def test_reports_are_told_apart_by_what_they_are() -> None:
    """Arrays have no truth value, so two reports are not compared number by number."""
    for item, other in (
        (_of("proven"), _of("proven")),
        (_tensor("proven"), _tensor("proven")),
        (GradientReport("L", "fast"), GradientReport("L", "fast")),
    ):
        assert item != other
        assert len({item, other}) == 2
    for item in (_of("proven"), _tensor()):
        assert repr(item).startswith("<layerwise")
