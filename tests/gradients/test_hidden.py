"""What a layer uses and does not keep."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from layerwise import Layer, Parameter, Tanh, check_layer
from layerwise.arrays import Array
from layerwise.gradients.hidden import _is_other
from layerwise.testing import assert_layer
from tests import hiding_place
from tests.gradients.points import Elementwise, Scale, Way, normal


class Box:
    """A plain object, or one with slots, in which something hides."""

    __slots__ = ("__dict__", "other", "thing")


GLOBAL = Parameter(np.ones(3))
KEEP = (
    "keep it in an attribute of the layer, or in a list, tuple or dict there; optimizers, saving "
    "and copies know of nothing else"
)


class Finds(Layer[Array, Array]):
    """Y = P X for a parameter P that it finds somewhere."""

    def __init__(self, keep: Any, find: Callable[[Any], Parameter]) -> None:
        self.keep, self.find = keep, find

    def forward(self, X: Array, /) -> Way:
        P = self.find(self.keep)

        def backward(grad: Array) -> Array:
            P.add_grad((grad * X).sum(axis=0))
            return grad * P.value

        return X * P.value, backward


def boxed(name: str, thing: object) -> Box:
    box = Box()
    setattr(box, name, thing)
    return box


def closed(parameter: Parameter) -> Callable[[Any], Parameter]:
    def find(keep: Any) -> Parameter:
        return parameter

    return find


def object_array(parameter: Parameter) -> NDArray[Any]:
    found = np.empty(1, object)
    found[0] = parameter
    return found


def of_the_module(keep: Any) -> Parameter:
    def inner() -> Parameter:
        return GLOBAL

    return inner()


@pytest.mark.parametrize(
    ("keep", "find", "place"),
    [
        (boxed("d", Parameter(np.ones(3))), lambda k: k.d, "keep.d"),
        (boxed("thing", Parameter(np.ones(3))), lambda k: k.thing, "keep.thing"),
        ({Parameter(np.ones(3))}, lambda k: next(iter(k)), "an element of keep"),
        ({Parameter(np.ones(3)): 1}, lambda k: next(iter(k)), "a key of keep"),
        ([{Parameter(np.ones(3))}], lambda k: next(iter(k[0])), "an element of keep.0"),
        (object_array(Parameter(np.ones(3))), lambda k: k[0], "keep.0"),
        (partial(list, [Parameter(np.ones(3))]), lambda k: k.args[0][0], "keep.0.0"),
        (boxed("d", {"e": (Parameter(np.ones(3)),)}), lambda k: k.d["e"][0], "keep.d.e.0"),
    ],
)
def test_a_parameter_where_walk_does_not_look_is_a_fault(
    keep: Any, find: Callable[[Any], Parameter], place: str
) -> None:
    (fault,) = check_layer(Finds(keep, find), normal(4, 3)).faults
    assert fault == f"{place}, of type Parameter, is held where nothing looks for it: {KEEP}"


def test_an_array_or_a_generator_where_walk_does_not_look_is_a_fault() -> None:
    for thing in (np.ones(3), np.random.default_rng(0)):
        layer = Elementwise(np.sin, np.cos)
        layer.kept = boxed("thing", thing)  # type: ignore[attr-defined]  # as a user may write
        (fault,) = check_layer(layer, normal(4, 3)).faults
        assert fault == (
            f"kept.thing, of type {type(thing).__name__}, is held where nothing looks for it: "
            f"{KEEP}"
        )


class OfClass(Finds):
    """The parameter is an attribute of the class."""

    P = Parameter(np.ones(3))


class Below(OfClass):
    """The parameter is an attribute of a class above."""


def with_default(keep: Any, parameter: Parameter = Parameter(np.ones(3))) -> Parameter:  # noqa: B008
    return parameter


@pytest.mark.parametrize(
    ("layer", "place"),
    [
        (
            Finds(None, closed(Parameter(np.ones(3)))),
            "the variable parameter around closed.<locals>.find",
        ),
        (Finds(None, of_the_module), "the global GLOBAL"),
        (OfClass(None, lambda keep: OfClass.P), "P of class OfClass"),
        (Below(None, lambda keep: OfClass.P), "P of class OfClass"),
        (Finds(None, lambda keep: hiding_place.HIDDEN), "HIDDEN of module hiding_place"),
        (Finds(None, with_default), "a default of with_default.0"),
    ],
)
def test_a_parameter_that_code_holds_is_a_fault_and_left_alone(layer: Finds, place: str) -> None:
    parameter = layer.find(None)
    parameter.add_grad(np.ones(3))
    (fault,) = check_layer(layer, normal(4, 3)).faults
    assert (
        fault == f"{place}, of type Parameter, got a gradient and is not among parameters(): {KEEP}"
    )
    assert np.array_equal(parameter.grad, np.ones(3))
    assert parameter.has_grad
    parameter.zero_grad()
    check_layer(layer, normal(4, 3))
    assert not parameter.has_grad


@pytest.mark.parametrize("add", [lambda grad: grad.fill(2), lambda grad: GLOBAL.add_grad(0 * grad)])
def test_a_gradient_that_is_written_or_of_zeros_is_got_too(add: Callable[[Array], None]) -> None:
    class Writes(Scale):
        def forward(self, X: Array, /) -> Way:
            Y, back = super().forward(X)

            def backward(grad: Array) -> Array:
                add(GLOBAL.grad)
                return back(grad)

            return Y, backward

    (fault,) = check_layer(Writes(3), normal(4, 3)).faults
    assert fault.startswith("the global GLOBAL, of type Parameter, got a gradient and is not among")
    assert not GLOBAL.grad.any()


def test_a_class_that_is_kept_is_code() -> None:
    layer = Elementwise(np.sin, np.cos)
    layer.kind = OfClass  # type: ignore[attr-defined]  # as a user may write
    assert_layer(layer, normal(4, 3))


def test_code_of_python_numpy_and_this_package_is_not_looked_into() -> None:
    assert all(map(_is_other, (np.linalg, np.linalg.inv, json.dumps, Tanh, check_layer)))
    assert not any(map(_is_other, (hiding_place, Box, of_the_module)))


def test_a_parameter_that_code_names_and_leaves_alone_is_no_fault() -> None:
    layer = Elementwise(lambda X: X * GLOBAL.value, lambda X: np.ones_like(X) * GLOBAL.value)
    assert_layer(layer, normal(4, 3))


def test_a_parameter_that_is_no_part_of_its_layer_is_a_fault() -> None:
    class Part(Scale):
        def parts(self) -> dict[str, object]:
            return {"bend": self.bend}

    (fault,) = check_layer(Part(3), normal(4, 3)).faults
    assert fault == f"a, of type Parameter, is held where nothing looks for it: {KEEP}"


def test_what_code_holds_beside_parameters_is_no_fault() -> None:
    class Many(Scale):
        def __init__(self) -> None:
            super().__init__(3)
            self.name, self.numbers, self.method = "a", {1, 2}, Tanh().forward

            def later() -> object:
                return unbound

            self.later = later
            if self.name == "b":
                unbound = 1

        @property
        def shape(self) -> tuple[int, ...]:
            return self.a.shape

        @staticmethod
        def none() -> None:
            return None

    assert_layer(Many(), normal(4, 3))
