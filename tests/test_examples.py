"""The examples: each runs as its user runs it, in an empty folder, and says what it should."""

import os
import re
import runpy
import struct
import subprocess
import sys
from pathlib import Path

import pytest

import layerwise
from tests import processes

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(name: str, folder: Path, settings: str = "") -> str:
    """What the example prints, when every warning is an error; it writes only into the folder.

    With settings, its `main` is called with these.
    """
    path = str(EXAMPLES / f"{name}.py")
    call = f"import runpy; runpy.run_path({path!r})['main']({settings})"
    program = ["-c", call] if settings else [path]
    # One thread: the tests of one machine may run side by side. No bytecode beside the sources.
    quiet = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8"}
    single = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", *program],
        cwd=folder,
        env=os.environ | quiet | single,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def number(pattern: str, text: str) -> float:
    """The number in the only match of the pattern."""
    (found,) = re.findall(pattern, text, re.M)
    return float(found)


def assert_picture(path: Path, printed: str) -> None:
    """The picture is the only file, a whole PNG about 1200 pixels wide, and is spoken of."""
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert f"Saved {path.resolve()}\n" in printed
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert data.endswith(b"IEND\xaeB`\x82")
    width, height = struct.unpack(">II", data[16:24])
    assert 1100 <= width <= 1300
    assert 300 <= height <= 900
    assert 20_000 < len(data) < 300_000


def test_every_example_is_here() -> None:
    """The test of each bears its name."""
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert {path.stem for path in EXAMPLES.glob("*.py")} <= tested


def test_matrix_operations(tmp_path: Path) -> None:
    printed = run("matrix_operations", tmp_path)
    for result in (
        "[[0.9 1.2 1.5]\n [1.9 2.6 3.3]\n [2.9 4.  5.1]\n [3.9 5.4 6.9]]\n",
        "[[2.2 2.8]\n [4.9 6.4]]\n",
        "4*0.2 + 5*0.4 + 6*0.6 = 6.4 (the course prints 6.2)\n",
        "has shape (3, 4), and its first row is\n[1.1 1.4 1.7 2. ]\n",
        "X (2, 3) and W (2, 3) do not fit: X has 3 columns, W has 2 rows",
        "[[14. 32.]\n [32. 77.]]\n",
        "as a row times a column\n[[32.]]\n",
        "as a dot product\n32.0\n",
        "as a dot product\n3.0\n",
    ):
        assert result in printed
    # Y = X W as above and T = 1, so grad = (Y - 1) / 6. Column 0 of X times column 0 of Y - 1 is
    # 1 * -0.1 + 3 * 0.9 + 5 * 1.9 + 7 * 2.9 = 32.4, which is 6 * 5.4.
    gradient = "[[ 5.4     8.4667 11.5333]\n [ 6.3333 10.     13.6667]]\n"
    assert printed.count(gradient) == 4
    assert number(r"at most (\S+) apart", printed) < 1e-8
    assert list(tmp_path.iterdir()) == []


def test_digits(tmp_path: Path) -> None:
    printed = run("digits", tmp_path)
    assert "9,610 parameters" in printed
    assert "Sequential: gradient proven" in printed
    accuracy = number(r"accuracy is (0\.\d+):", printed)
    assert accuracy >= 0.97
    wrong = number(r"(\d+) of 360 are wrong", printed)
    assert accuracy == pytest.approx(1 - wrong / 360, abs=1e-4)
    assert_picture(tmp_path / "digits.png", printed)


def test_digits_cnn(tmp_path: Path) -> None:
    printed = run("digits_cnn", tmp_path)
    assert "9,930 parameters" in printed
    assert "Sequential: gradient proven" in printed
    accuracy = number(r"accuracy is (0\.\d+):", printed)
    assert accuracy >= 0.985
    wrong = number(r"(\d+) of 360 are wrong", printed)
    assert accuracy == pytest.approx(1 - wrong / 360, abs=1e-4)
    assert "eight 3 x 3 filters and a pooling make (1352,),\n" in printed
    assert_picture(tmp_path / "digits_cnn.png", printed)


@pytest.mark.parametrize("name", ["digits", "digits_cnn", "addition"])
def test_digits_stop_before_training_with_a_gradient_that_is_not_proven(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Report:
        passed, verdict = False, "inconclusive"

    monkeypatch.setattr(layerwise, "check_layer", lambda layer, X: Report())
    monkeypatch.setattr(layerwise, "fit", None)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    assert stopped.value.code == f"{name}: the gradient is inconclusive, so nothing was trained"
    assert list(tmp_path.iterdir()) == []


def test_two_moons(tmp_path: Path) -> None:
    printed = run("two_moons", tmp_path)
    assert "5 and 35 epochs give the same bits as 40 in one call: True\n" in printed
    before = number(r"from (0\.\d+) to", printed)
    during = number(r"to (0\.\d+) in 5 epochs", printed)
    after = number(r"\n(0\.\d+) in 40", printed)
    assert before < 0.8 < during < 0.92 < after
    assert_picture(tmp_path / "two_moons.png", printed)


def test_diabetes(tmp_path: Path) -> None:
    printed = run("diabetes", tmp_path)
    ridge = number(r"Ridge (\d+\.\d)", printed)
    network = number(r"network\n(\d+\.\d)", printed)
    mean = number(r"and (\d+\.\d) for always guessing", printed)
    assert ridge == pytest.approx(54.8, abs=0.5)
    assert mean == pytest.approx(75.6, abs=0.5)
    assert ridge < network < ridge + 3  # "Ridge wins", and the network is a fair opponent
    assert 11 <= number(r"better on (\d+) of 20", printed) <= 19
    assert_picture(tmp_path / "diabetes.png", printed)


def test_custom_layer(tmp_path: Path) -> None:
    printed = run("custom_layer", tmp_path)
    right, wrong = printed.split("WrongPReLU: ")
    assert right.startswith("PReLU: gradient proven")
    assert "factor" not in right
    assert wrong.startswith("gradient wrong")
    assert "a: factor 1/n, one over the rows of the batch (5)" in wrong
    assert number(r"first epoch, (\S+) in the last", wrong) < 1e-6
    assert "PReLU is proven, and with a mean for its sum wrong, by 1/n.\n" in wrong
    assert "two slopes, -1.000 and 1.000.\n" in wrong
    assert list(tmp_path.iterdir()) == []


def test_gradient_descent(tmp_path: Path) -> None:
    """The numbers of course parts 2.1 and 2.2."""
    printed = run("gradient_descent", tmp_path)
    assert "Mean squared error 1.1667, its gradient [-0.3333 -0.6667 -1.    ]\n" in printed
    assert "Cross-entropy 0.1539 (the course prints 0.1731)" in printed
    assert "Loss before each of the first steps: 57 1.94 0.0932 0.030344 0.027324\n" in printed
    assert "end at W = 2.0209, b = 0.9247, near\n2 and 1." in printed
    assert_picture(tmp_path / "gradient_descent.png", printed)


def test_mini_batches(tmp_path: Path) -> None:
    """The numbers of course part 2.3."""
    printed = run("mini_batches", tmp_path)
    assert "batches of two, in order: W = 1.94760446, b = 0.34253964\n" in printed
    losses = re.findall(r"^\d: +([\d.]+) +([\d.]+) +([\d.]+)", printed, re.M)
    after_one, _, after_all = ([float(row[i]) for row in losses] for i in range(3))
    assert after_one == sorted(after_one)
    assert max(after_all) < 0.02
    assert printed.split("   the last batch has 2 rows")[0].splitlines()[-1].startswith("3: ")
    first, second = re.findall(r"twice: W = (\S+) and (\S+)", printed)[0]
    assert first == second
    assert list(tmp_path.iterdir()) == []


def test_wrong_gradient(tmp_path: Path) -> None:
    """The numbers of course part 2.4."""
    printed = run("wrong_gradient", tmp_path)
    assert "(the course prints -5 and -1.5):\n[-17.5  -6. ]\n" in printed
    assert "a mistake in it:\n[-17.5   -0.75]" in printed
    assert "Line: gradient wrong" in printed
    assert printed.endswith("Shown: the line is wrong, in b and nowhere else;\nDense is proven.\n")
    assert list(tmp_path.iterdir()) == []


def test_logic_gates(tmp_path: Path) -> None:
    """The numbers of course part 3.1."""
    printed = run("logic_gates", tmp_path)
    expected = {"AND": 0.0174433068729574, "OR": 0.009304633558853725, "XOR": 0.6931471805599433}
    for gate, loss in expected.items():
        found = number(rf"^{gate} with one layer: loss (\S+)$", printed)
        assert found == pytest.approx(loss, rel=1e-9)
    assert "answers [0. 1. 1. 0.]" in printed
    assert_picture(tmp_path / "logic_gates.png", printed)


def test_larger_than_memory(tmp_path: Path) -> None:
    printed = run("larger_than_memory", tmp_path)
    size, allowed = number(r"file of (\d+) MB", printed), number(r"no more than (\d+) MB", printed)
    assert number(r"took (\d+) MB at most", printed) < allowed < size / 2
    if sys.platform == "linux":
        assert "All of it in one array: Unable to allocate" in printed
    assert number(r"(0\.\d+) of the test digits", printed) > 0.95


def test_objective_gradient(tmp_path: Path) -> None:
    printed = run("objective_gradient", tmp_path)
    wrong, right = printed.split("\nobjective: ")
    assert wrong.startswith("wrong_objective: gradient wrong")
    assert "likely cause: x: wrong only at one element: (30,)\n" in wrong
    assert right.startswith("gradient proven")
    low = number(r"right gradient: (\S+),", right)
    assert low == pytest.approx(0.09959, abs=1e-4)
    assert number(r"wrong gradient: (\S+),", right) > low + 0.001
    assert number(r"wrong gradient: \S+ where the slope is (\S+)", right) > 1e-3
    assert number(r"right gradient: \S+ where the slope is (\S+)", right) < 1e-4
    assert 0.97 < number(r"classifies (\S+) rightly", right) < 1
    assert list(tmp_path.iterdir()) == []


def test_vanishing_gradients(tmp_path: Path) -> None:
    """Course part 4.1: small first weights stay where a guess is."""
    printed = run("vanishing_gradients", tmp_path)
    small, he = printed.split("First weights He:")
    assert "0  Dense(64, 64)" in small
    assert "4  Dense(32, 10)" in he
    stuck, learned = re.findall(r"from\s+(\d\.\d+) to\s+(\d\.\d+)", printed)
    assert float(stuck[1]) > 2.2
    assert float(learned[1]) < 0.2
    assert_picture(tmp_path / "vanishing_gradients.png", printed)


def test_overfitting(tmp_path: Path) -> None:
    """Course part 4.4."""
    printed = run("overfitting", tmp_path)
    own, others = (
        [float(x) for x in re.findall(pattern, printed)]
        for pattern in (r"loss (\d\.\d+) on its own rows", r"own rows, (\d\.\d+) on others")
    )
    assert own[0] < 0.01
    assert own[2] > 0.05
    assert others[0] > others[1] > others[2]
    scores = [float(x) for x in re.findall(r"accuracy (0\.\d+);", printed)]
    assert scores[0] < min(scores[1:])
    assert_picture(tmp_path / "overfitting.png", printed)


def test_capstone(tmp_path: Path) -> None:
    """Course part 4.5, whose loop reaches .959."""
    printed = run("capstone", tmp_path)
    assert "17,226 parameters" in printed
    assert "The gradient is proven.\n" in printed
    assert "gives the same answers: True\n" in printed
    assert number(r"accuracy (0\.\d+) on test digits", printed) > 0.965
    assert_picture(tmp_path / "capstone.png", printed)


def test_characters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Small: in its own setting it takes half a minute."""
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(EXAMPLES / "characters.py"))["main"](units=24, letters=20_000, epochs=3)
    printed = capsys.readouterr().out
    assert "20000 letters" in printed
    begun, *_, ended = (float(bits) for bits in re.findall(r"(\d\.\d\d) bits for", printed))
    assert ended < 0.8 * begun
    assert printed.count("\n    The ") == 3
    assert number(r"where it began with (\S+)\.$", printed) == begun
    assert number(r"costs it (\S+) bits", printed) == ended
    assert list(tmp_path.iterdir()) == []


def test_padded_sequences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Small: in its own setting it takes some ten seconds."""
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(EXAMPLES / "padded_sequences.py"))["main"](rows=600, epochs=10)
    printed = capsys.readouterr().out
    assert "Gradient proven, with the mask.\n" in printed
    assert number(r"answers are (\S+) apart", printed) < 1e-12
    assert number(r"^Shown: (\S+) of other", printed) > 0.85
    assert number(r"^(0\.\d+) of longer", printed) > 0.75


def test_distributed_digits(tmp_path: Path) -> None:
    """With a file of 20,000 rows, not of a million."""
    example = ["-W", "error", str(EXAMPLES / "distributed_digits.py"), "20000"]
    status, printed, errors = processes.run(2, example, tmp_path)
    assert status == 0, errors
    assert number(r"2 processes are within (\S+) of one in every weight", printed) < 1e-10
    assert number(r"and read\n(\S+) of the test digits right", printed) > 0.96
    assert "each with 10,000\nrows of one file" in printed
    assert number(r"classify (\S+) of all", printed) > 0.75
    assert list(tmp_path.iterdir()) == []


def test_onnx_digits(tmp_path: Path) -> None:
    printed = run("onnx_digits", tmp_path)
    assert f"Saved {(tmp_path / 'digits.onnx').resolve()}\n" in printed
    assert f"by layerwise {layerwise.__version__}\n" in printed
    assert number(r"reads (0\.\d+) of the test digits", printed) > 0.95
    assert "\n100.00% of them as Layerwise does" in printed
    assert number(r"at most (\S+) ulps apart", printed) < 32
    for name in "Layerwise", "ONNX Runtime":
        assert re.search(rf"^{name} +\d+ µs +\d+ ms$", printed, re.M)
    assert [file.name for file in tmp_path.iterdir()] == ["digits.onnx"]


def test_addition(tmp_path: Path) -> None:
    """Small: of three digits it takes half a minute."""
    printed = run("addition", tmp_path, "digits=2, epochs=6")
    assert "a transformer with a proven gradient" in printed
    assert "\n35+77=211\n" in printed
    assert number(r"Of 1000 others (\S+)% are right", printed) >= 99
    assert_picture(tmp_path / "addition.png", printed)


def test_sklearn_pipeline(tmp_path: Path) -> None:
    printed = run("sklearn_pipeline", tmp_path)
    assert "The network reads sex_2.0, age, bmi, bp, s1, s2, s3, s4, s5, s6:\n" in printed
    assert number(r"R² (0\.\d+) on test rows", printed) > 0.25
    assert number(r"ridge regression (0\.\d+)", printed) == pytest.approx(0.356, abs=0.01)
    assert "all the way; bmi and s5 count most.\n" in printed
    assert_picture(tmp_path / "sklearn_pipeline.png", printed)


def test_sklearn_imbalanced(tmp_path: Path) -> None:
    printed = run("sklearn_imbalanced", tmp_path)
    found = [int(n) for n in re.findall(r"(\d+) of 106 rare rows found", printed)]
    assert found[0] < 50 < found[2] < found[1]
    balanced = [float(n) for n in re.findall(r", balanced (0\.\d+)$", printed, re.M)]
    assert balanced[1] > balanced[2] > balanced[0]


def test_sklearn_text(tmp_path: Path) -> None:
    printed = run("sklearn_text", tmp_path)
    assert "Weights are float32, as the words are.\n" in printed
    sparse, dense = number(r"in each: (\S+) MB", printed), number(r"as they are, (\d+) MB", printed)
    assert sparse < dense / 100
    assert number(r"coast: .*weather (0\.\d+)", printed) > 0.9
    assert number(r"season: .*football (0\.\d+)", printed) > 0.9
    assert number(r"Shown: (0\.\d+) of the other reports", printed) > 0.9


def test_sklearn_custom_layer(tmp_path: Path) -> None:
    printed = run("sklearn_custom_layer", tmp_path)
    assert printed.startswith("Waves: gradient proven")
    assert "The search chose {'build__frequency': 5.0, 'build__waves': 32}.\n" in printed
    assert number(r"R² (0\.\d+) on test rows", printed) > 0.85
    assert number(r"with 128 ReLUs (-?0\.\d+)", printed) < 0.5


def test_sklearn_larger_than_memory(tmp_path: Path) -> None:
    printed = run("sklearn_larger_than_memory", tmp_path)
    size, allowed = number(r"file of (\d+) MB", printed), number(r"no more than (\d+) MB", printed)
    assert number(r"start, at most (\d+) MB", printed) < allowed < size
    if sys.platform == "linux":
        assert "All of it in one array: Unable to allocate" in printed
    assert number(r"(0\.\d+) of the test digits", printed) > 0.95
    assert number(r"(0\.\d+) from the table", printed) > 0.8


def test_sklearn_dask(tmp_path: Path) -> None:
    printed = run("sklearn_dask", tmp_path)
    assert "A worker was killed in the middle: True.\n" in printed
    assert "Shown: the cluster gives the same 4 scores: True.\n" in printed
