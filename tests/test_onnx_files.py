"""The file itself: what it holds, layers of one's own, what is refused, and what is left behind."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import layerwise
from layerwise import (
    LSTM,
    Array,
    BatchNorm,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    Parallel,
    Parameter,
    ReLU,
    Sequential,
    Tanh,
)
from layerwise.onnx import Tensor, apply, entry, node, save_onnx, to_onnx
from layerwise.onnx.graph import Graph
from layerwise.onnx.tensor import given
from tests.in_onnx_runtime import Loaded, ulps
from tests.raising import raises


class Scale(Layer[Array, Array]):
    """Y = a X, a layer that the table does not know at first."""

    def __init__(self, features: int, dtype: Any = np.float64) -> None:
        self.a = Parameter(np.arange(1, features + 1, dtype=dtype))

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        def backward(grad: Array) -> Array:
            return grad * self.a.value

        return X * self.a.value, backward


class Twice(Layer[Array, Array]):
    """Y = f(f(X)), a container of one's own."""

    def __init__(self, layer: Layer[Any, Any]) -> None:
        self.layer = layer

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        Y = self.layer(self.layer(X))
        return Y, lambda grad: grad


class Wrong(Layer[Array, Array]):
    """A layer whose entry says something else."""

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        return X, lambda grad: grad


class Shifted(BatchNorm):
    """A layer that inherits an entry, and does something else."""

    def __call__(self, X: Array, /) -> Array:
        return super().__call__(X) + 1


class Centred(BatchNorm):
    """A layer that inherits an entry, and does the same."""


@entry.register
def _(layer: Scale, X: Tensor) -> Tensor:
    return X * layer.a.value


@entry.register
def _(layer: Twice, X: Tensor) -> Tensor:
    return apply(layer.layer, apply(layer.layer, X))


@entry.register
def _(layer: Wrong, X: Tensor) -> Tensor:
    return X.sum(-1)


def example() -> Sequential[Any]:
    return Sequential(Dense(4, 3, rng=0), ReLU(), Dropout(0.5, rng=0), Dense(3, 2, rng=1))


class TestTheFile:
    def test_has_the_names_the_version_and_an_open_number_of_rows(self, tmp_path: Path) -> None:
        save_onnx(tmp_path / "network.onnx", example())
        model = onnx.load(tmp_path / "network.onnx")
        onnx.checker.check_model(model, full_check=True)
        about = {item.key: item.value for item in model.metadata_props}
        assert about == {
            "layerwise": layerwise.__version__,
            "inputs": '["X"]',
            "outputs": '["Y"]',
        }
        assert (model.producer_name, model.producer_version) == ("layerwise", version("layerwise"))
        for value, width in (model.graph.input[0], 4), (model.graph.output[0], 2):
            rows, columns = value.type.tensor_type.shape.dim
            assert (rows.dim_param, columns.dim_value) == ("n", width)
        assert [file.name for file in tmp_path.iterdir()] == ["network.onnx"]

    def test_is_read_by_onnx_runtime_which_says_the_same(self, tmp_path: Path) -> None:
        save_onnx(tmp_path / "network.onnx", example())
        session = Loaded(str(tmp_path / "network.onnx")).session
        meta = session.get_modelmeta()
        assert meta.producer_name == "layerwise"
        assert json.loads(meta.custom_metadata_map["outputs"]) == ["Y"]

    def test_has_each_array_once_under_its_path(self) -> None:
        dense = Dense(3, 3, rng=0)
        model = to_onnx(Sequential(dense, Tanh(), dense, Dense(3, 3, rng=1)))
        names = {item.name for item in model.graph.initializer}
        # The second b has the same numbers as the first.
        assert names == {"network.0.W", "network.0.b", "network.3.W"}

    def test_is_the_same_each_time(self) -> None:
        assert to_onnx(example()).SerializeToString() == to_onnx(example()).SerializeToString()

    def test_a_new_one_takes_the_place_of_the_old(self, tmp_path: Path) -> None:
        path = tmp_path / "network.onnx"
        save_onnx(path, Dense(9, 9, rng=0))
        save_onnx(str(path), example())
        X = np.ones((2, 4))
        assert ulps(Loaded(str(path))(X)[0], example()(X)) <= 8

    def test_integers_where_the_network_takes_no_floats(self) -> None:
        network: Sequential[Any] = Sequential(
            Flatten(), Embedding(5, 2, rng=0), Flatten(), input_shape=(2, 2)
        )
        tokens = np.array([[[0, 4], [1, 2]]])
        (Y,) = Loaded(to_onnx(network))(tokens)
        np.testing.assert_array_equal(Y, network(tokens))

    def test_a_network_that_is_given_another_dtype_converts_it(self) -> None:
        network = Parallel(Dense(4, 3, rng=0, dtype=np.float32), Dense(4, 3, rng=1, dtype="f4"))
        X = np.random.default_rng(0).standard_normal((5, 4))
        (Y,) = Loaded(to_onnx(network, dtype=np.float64))(X)
        assert Y.dtype == np.float32
        assert ulps(Y, network(X)) <= 16


class TestLayersOfOnesOwn:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_are_one_function_away(self, dtype: Any) -> None:
        network = Sequential(
            Twice(Scale(3, dtype)), Dense(3, 2, rng=0, dtype=dtype), Centred(2, dtype=dtype)
        )
        X = np.random.default_rng(0).standard_normal((33, 3)).astype(dtype)
        (Y,) = Loaded(to_onnx(network, (3,)))(X)
        assert ulps(Y, network(X)) <= 16

    def test_all_operators(self) -> None:
        """An array or a number may stand on either side."""
        X = given(Graph(), "X", np.float32, (2,))
        A = np.ones(2)
        for Y in X + 1, 1 + X, A + X, X - A, A - X, 2 * X, X * A, X / 2, 2 / X, A / X, -X:
            assert (Y.dtype, Y.row) == (np.dtype(np.float32), (2,))
        assert (X @ np.ones((2, 5))).row == (5,)
        assert (np.ones((5, 1)) @ X.reshape(1, 2)).row == (5, 2)
        assert X.reshape().row == ()
        assert X.astype(np.float32) is X
        assert X.astype(np.int64).floating().dtype == np.float64

    def test_without_an_entry_are_refused_by_name(self, tmp_path: Path) -> None:
        class Unknown(Layer[Array, Array]):
            def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
                return X, lambda grad: grad

        with raises(
            TypeError,
            "to_onnx: Unknown has no entry in the table of layerwise.onnx: add one:\n\n"
            "    from layerwise.onnx import Tensor, entry\n\n"
            "    @entry.register\n"
            "    def _(layer: Unknown, X: Tensor) -> Tensor:\n"
            '        return ...  # what layer(X) gives, as 2 * X or node("Exp", X)',
        ):
            save_onnx(tmp_path / "network.onnx", Sequential(Dense(2, 2), Unknown()))
        assert list(tmp_path.iterdir()) == []

    def test_that_inherit_an_entry_but_not_the_answer_are_refused(self) -> None:
        with raises(
            TypeError,
            "to_onnx: Shifted has the entry of BatchNorm, but its own __call__: add one:\n\n"
            "    from layerwise.onnx import Tensor, entry\n\n"
            "    @entry.register\n"
            "    def _(layer: Shifted, X: Tensor) -> Tensor:\n"
            '        return ...  # what layer(X) gives, as 2 * X or node("Exp", X)',
        ):
            to_onnx(Shifted(3), (3,))

    def test_whose_entry_gives_another_shape_are_refused(self) -> None:
        with raises(
            ValueError,
            "to_onnx: the entries in the table make float64 (1,) per row, expected float64 (3,), "
            "which the network gives: an entry says something else than its layer",
        ):
            to_onnx(Wrong(), (3,))

    def test_whose_entry_asks_for_what_onnx_has_not(self) -> None:
        X = given(Graph(), "X", np.float32, (3,))
        with pytest.raises(
            ValueError,
            match=r"layerwise.onnx: Nothing does not take float32 \(n, 3\): No schema",
        ):
            node("Nothing", X)
        with pytest.raises(
            ValueError,
            match=r"layerwise.onnx: Add does not take float32 \(n, 3\) and float32 \(2\): ",
        ):
            X + np.ones(2)


class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "options", "message"),
        [
            (
                (ReLU(),),
                {},
                "to_onnx: this network does not know the shape of a row: give input_shape, such "
                "as to_onnx(network, (28, 28, 1))",
            ),
            (
                (Dense(3, 2, rng=0), (4,)),
                {},
                "to_onnx: the network takes no rows (4,): matrix_multiply: X (2, 4) and W (3, 2) "
                "do not fit: X has 4 columns, W has 3 rows",
            ),
            (
                (LSTM(3, 2, rng=0), (4, 4)),
                {},
                "to_onnx: the network takes no rows (4, 4): LSTM: X (2, 4, 4) came, expected "
                "(n, t, 3): n sequences of at least one place",
            ),
            (
                (ReLU(), (3, 0)),
                {},
                "to_onnx: input_shape[1]=0 came, expected at least 1",
            ),
            (
                (ReLU(), ((3,), (3, 4), (0,))),
                {},
                "to_onnx: X2[0]=0 came, expected at least 1",
            ),
            (
                (ReLU(), (3,)),
                {"mask": True},
                "to_onnx: mask=True came, but ReLU takes no mask: leave it out",
            ),
        ],
    )
    def test_shapes(self, tmp_path: Path, arguments: Any, options: Any, message: str) -> None:
        path = tmp_path / "network.onnx"
        path.write_bytes(b"the old one")
        with raises(ValueError, message):
            save_onnx(path, *arguments, **options)
        assert [file.name for file in tmp_path.iterdir()] == ["network.onnx"]
        assert path.read_bytes() == b"the old one"

    @pytest.mark.parametrize(
        ("arguments", "options", "message"),
        [
            (
                ("network",),
                {},
                "to_onnx: network is a str, expected a layer, such as a Sequential, or an "
                "estimator of layerwise.estimators",
            ),
            (
                (ReLU(), 3),
                {},
                "to_onnx: input_shape=3 came, expected the shape of one row, such as (3,)",
            ),
            (
                (ReLU(), (3,)),
                {"dtype": np.float16},
                "to_onnx: dtype=<class 'numpy.float16'> came, expected float64 or float32",
            ),
        ],
    )
    def test_types(self, arguments: Any, options: Any, message: str) -> None:
        with raises(TypeError, message):
            to_onnx(*arguments, **options)

    def test_the_same_where_no_estimators_were_imported(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delitem(sys.modules, "layerwise.estimators", raising=False)
        given: Any = None
        with raises(
            TypeError,
            "to_onnx: network is None, expected a layer, such as a Sequential, or an estimator of "
            "layerwise.estimators",
        ):
            to_onnx(given)

    def test_a_disk_that_fails_leaves_the_old_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "network.onnx"
        path.write_bytes(b"the old one")

        def full(file: int) -> None:
            raise OSError("no space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with raises(OSError, "no space left on device"):
            save_onnx(path, example())
        assert [file.name for file in tmp_path.iterdir()] == ["network.onnx"]
        assert path.read_bytes() == b"the old one"

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            save_onnx(tmp_path / "nowhere" / "network.onnx", example())
        assert list(tmp_path.iterdir()) == []


def test_without_onnx_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.delitem(sys.modules, "layerwise.onnx")
    with raises(
        ImportError,
        "layerwise.onnx needs onnx, which is not installed: pip install 'layerwise[onnx]'",
    ):
        import_module("layerwise.onnx")


def test_networks_need_no_estimators() -> None:
    """Nor scikit-learn, which takes a second to import; and nothing inside needs onnx."""
    program = (
        "import sys; import layerwise; [getattr(layerwise, name) for name in layerwise.__all__]; "
        "assert 'onnx' not in sys.modules; "
        "from layerwise.onnx import to_onnx; to_onnx(layerwise.Dense(2, 2)); "
        "assert 'sklearn' not in sys.modules\n"
        "try: to_onnx(3)\n"
        "except TypeError as error: print(error)"
    )
    command = [sys.executable, "-W", "error", "-c", program]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.startswith("to_onnx: network is an int, expected a layer")


def test_onnx_runtime_writes_nothing_into_the_home_of_who_runs_these_tests(
    tmp_path: Path,
) -> None:
    """As conftest.py tells it; without, it leaves two files there."""
    path, home = tmp_path / "network.onnx", tmp_path / "home"
    home.mkdir()
    save_onnx(path, example())
    program = f"import onnxruntime; onnxruntime.InferenceSession({str(path)!r})"
    own = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    subprocess.run([sys.executable, "-c", program], env=own | {"HOME": str(home)}, check=True)
    assert list(home.rglob("*")) == []
