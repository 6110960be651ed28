"""Layer and walk: what a layer of one's own gets for writing `forward`."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from layerwise import Array, Dense, Layer, Parameter, Sequential
from layerwise.layers.base import walk


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
