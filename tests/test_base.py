"""Layer and walk: what a layer of one's own gets for writing `forward`."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from layerwise import SGD, Array, Dense, Layer, Parameter, Sequential
from layerwise.layers.base import walk
from tests.raising import raises


class Scale(Layer[Array, Array]):
    """Y = a X."""

    def __init__(self, a: float = 1.0) -> None:
        self.a = Parameter(np.array([a]))

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        a = self.a.value.copy()
        Y = a * X

        def backward(grad: Array) -> Array:
            self.a.add_grad(np.array([(grad * X).sum()]))
            return a * grad

        return Y, backward


class Keeps(Scale):
    """Keeps what it is given, as attributes."""

    def __init__(self, **kept: object) -> None:
        vars(self).update(kept)


def parameter() -> Parameter:
    return Parameter(np.zeros(1))


def test_forward_has_to_be_written() -> None:
    class Nothing(Layer[Array, Array]):
        pass

    with pytest.raises(TypeError, match=r"abstract class Nothing .*forward"):
        Nothing()  # type: ignore[abstract]  # the mistake under test


def test_the_call_is_forward_without_the_way_back() -> None:
    layer = Scale(3.0)
    assert layer(np.array([1.0, 2.0])).tolist() == [3.0, 6.0]
    assert not layer.a.has_grad


def test_forward_from_data_is_forward() -> None:
    layer = Scale(3.0)
    Y, backward = layer.forward_from_data(np.array([1.0, 2.0]))
    assert Y.tolist() == [3.0, 6.0]
    assert backward(np.array([1.0, 1.0])).tolist() == [3.0, 3.0]
    assert layer.a.grad.tolist() == [3.0]


def test_input_shape_is_unknown_unless_told() -> None:
    assert Scale().input_shape is None


def test_repr_is_the_name() -> None:
    assert repr(Scale()) == "Scale()"


def test_zero_grad_reaches_inner_layers() -> None:
    inner = Scale()
    outer = Keeps(inner=[inner], own=parameter())
    for p in outer.parameters():
        p.add_grad(np.ones(1))
    outer.zero_grad()
    assert [p.grad.tolist() for p in outer.parameters()] == [[0.0], [0.0]]
    assert not any(p.has_grad for p in outer.parameters())


def test_parameters_in_attribute_order_inner_ones_included() -> None:
    first, second, third, fourth = (parameter() for _ in range(4))
    layer = Keeps(z=first, layer=Keeps(p=second), a=[third], m={"p": fourth})
    assert layer.parameters() == [first, second, third, fourth]


def test_a_layer_without_parameters_has_none() -> None:
    assert Keeps(number=3, array=np.ones(2)).parameters() == []


def test_shared_parameters_and_layers_are_listed_once() -> None:
    shared, layer = parameter(), Scale()
    outer = Keeps(a=shared, b=Keeps(p=shared), c=layer, d=[layer, layer.a])
    assert outer.parameters() == [shared, layer.a]


def test_equal_arrays_are_not_the_same_array() -> None:
    first, second = np.zeros(2), np.zeros(2)
    assert [path for path, _ in walk(Keeps(a=first, b=second, c=first))] == ["a", "b"]


def test_walk_finds_what_a_layer_keeps_with_its_path() -> None:
    a, b, c = parameter(), np.ones(2), np.random.default_rng(0)
    d, e, f = Scale(), np.ones(3, int), parameter()
    layer = Keeps(
        a=a,
        none=None,
        name="x",
        number=3,
        function=len,
        items=[b, (c, {"deep": d})],
        table={"e": e, 5: f},
        unordered={1, 2},
    )
    found = list(walk(layer))
    assert [path for path, _ in found] == [
        "a",
        "items.0",
        "items.1.0",
        "items.1.1.deep.a",
        "table.e",
        "table.5",
    ]
    assert all(item is kept for (_, item), kept in zip(found, [a, b, c, d.a, e, f], strict=True))


def test_walk_through_a_network() -> None:
    network = Sequential(Dense(2, 3), Sequential(Dense(3, 3, bias=False), Scale()))
    assert [path for path, _ in walk(network)] == ["0.W", "0.b", "1.0.W", "1.1.a"]


def test_walk_ends_where_layers_know_each_other() -> None:
    inner, outer = Keeps(p=parameter()), Keeps(q=parameter())
    vars(inner)["outer"], vars(outer)["inner"] = outer, inner
    assert [path for path, _ in walk(outer)] == ["q", "inner.p"]


def test_walk_sees_what_parts_names() -> None:
    class Renamed(Keeps):
        def parts(self) -> Mapping[str, object]:
            return {"theta": vars(self)["a"]}

    assert [path for path, _ in walk(Renamed(a=parameter(), b=parameter()))] == ["theta"]


def test_an_array_of_no_axes_is_kept_too() -> None:
    kept: Any = np.array(2.0)
    assert [item for _, item in walk(Keeps(a=kept))] == [kept]


class Mean(Layer[Array, Array]):
    """Y = X − the running mean, which a call leaves as it is: a layer with all kinds of state."""

    def __init__(self) -> None:
        self.scale = Scale(2.0)
        self.mean = np.array([1.0, 2.0])
        self.history = [np.array([5])]
        self.constant = np.array([7.0])
        self.constant.flags.writeable = False
        self.rng = np.random.default_rng(0)

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        return X - self.mean, lambda grad: grad


class TestState:
    def test_named_parameters_are_pairs_of_path_and_parameter(self) -> None:
        network = Sequential(Dense(2, 3, rng=0), Sequential(Dense(3, 1, rng=0)))
        named = network.named_parameters()
        assert [path for path, _ in named] == ["0.W", "0.b", "1.0.W", "1.0.b"]
        assert [parameter for _, parameter in named] == network.parameters()

    def test_it_is_copies_of_values_and_arrays_by_path(self) -> None:
        layer = Mean()
        state = layer.state()
        assert {path: array.tolist() for path, array in state.items()} == {
            "scale.a": [2.0],
            "mean": [1.0, 2.0],
            "history.0": [5],
            "constant": [7.0],
        }
        for array in state.values():
            array[...] = 9
        assert layer.mean.tolist() == [1.0, 2.0]

    def test_loading_copies_into_place(self) -> None:
        layer, state = Mean(), Mean().state()
        state["scale.a"][...], state["mean"][...] = 3, 4
        mean, value = layer.mean, layer.scale.a.value
        layer.load_state(state)
        state["mean"][...] = 8
        assert mean.tolist() == [4.0, 4.0]
        assert value.tolist() == [3.0]

    def test_it_goes_through_a_file_of_numpy(self, tmp_path: Path) -> None:
        one, other = (Sequential(Dense(2, 3, rng=i), Dense(3, 1, rng=i)) for i in (0, 1))
        saved: dict[str, Any] = dict(one.state())
        np.savez(tmp_path / "state.npz", **saved)
        with np.load(tmp_path / "state.npz") as state:
            other.load_state(state)
        assert all(np.array_equal(a, other.state()[path]) for path, a in one.state().items())

    def test_another_layer_s_is_refused_with_all_that_differs_and_nothing_changes(self) -> None:
        layer = Sequential(Dense(2, 3, rng=0), Dense(3, 1, rng=0))
        before, state = layer.state(), layer.state()
        state["0.W"] = np.zeros((9, 9), np.float32)
        state["0.b"] += 1
        del state["1.b"]
        state["2.W"] = np.zeros(1)
        with raises(
            ValueError,
            "load_state: the state is of another layer: 0.W has dtype float32, expected float64; "
            "0.W has shape (9, 9), expected (2, 3); 1.b is missing; 2.W is not in this layer. "
            "Nothing was changed: make the layer as the one that was saved was made",
        ):
            layer.load_state(state)
        assert all(np.array_equal(a, before[path]) for path, a in layer.state().items())

    def test_what_is_no_state_is_refused(self) -> None:
        nothing: Any = None
        with raises(
            TypeError,
            "load_state: state is None, expected a Mapping: give what state() returned",
        ):
            Mean().load_state(nothing)

    def test_it_follows_the_values_when_an_optimizer_moves_them(self) -> None:
        dense = Dense(1, 1, rng=0, bias=False)
        SGD(dense.parameters())
        dense.load_state({"W": np.array([[5.0]])})
        assert dense.W.value.tolist() == dense.state()["W"].tolist() == [[5.0]]


def test_arrays_that_are_memory_maps_are_copied_when_unpickled(tmp_path: Path) -> None:
    """As joblib hands large ones to its processes: running statistics go on being written."""
    layer = Mean()
    np.save(tmp_path / "mean.npy", layer.mean)
    layer.mean = np.load(tmp_path / "mean.npy", mmap_mode="r")
    other = deepcopy(layer)
    other.mean += 1
    assert type(other.mean) is np.ndarray
    assert other.mean.tolist() == [2.0, 3.0]


def test_and_so_are_those_inside_lists_and_dicts(tmp_path: Path) -> None:
    np.save(tmp_path / "mean.npy", np.ones(2))
    mapped = np.load(tmp_path / "mean.npy", mmap_mode="r")
    layer = Keeps(parts={"a": [mapped, (mapped, 1)]}, name="x")
    other = deepcopy(layer)
    kept = vars(other)["parts"]["a"]
    assert [type(kept[0]), type(kept[1][0]), kept[1][1]] == [np.ndarray, np.ndarray, 1]


def test_a_constant_of_other_numbers_is_another_layer_s() -> None:
    layer, state = Mean(), Mean().state()
    layer.load_state(state)
    state["constant"] = np.array([8.0])
    with pytest.raises(ValueError, match=r"constant is a constant, and has other numbers\."):
        layer.load_state(state)
    assert deepcopy(layer).state().keys() == layer.state().keys()
