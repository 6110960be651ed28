"""What a layer is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from layerwise.arguments import of_type
from layerwise.forms import refuse_other_state
from layerwise.parameter import Parameter

In = TypeVar("In")
Out = TypeVar("Out")


class Layer(ABC, Generic[In, Out]):
    """Y = f(X; P), with the way back: given dL/dY, it adds dL/dP and returns dL/dX.

    The contract, with L the loss and P each of the layer's parameters::

        layer(X)           -> Y             inference: writes nothing, safe from many threads
        layer.forward(X)   -> Y, backward   training
        backward(grad)     -> dL/dX         and adds dL/dP to each P, with P.add_grad
        layer.parameters() -> the parameters in attribute order, those of inner layers included

    To write a layer, subclass and write `forward`; inside it, as its last statement before
    `return Y, backward`, a function `backward` that uses forward's names and makes new ones.
    Then prove it with `check_layer`. The rules that make layers compose:

    - Gradients are added, never assigned: the same layer may be used twice.
    - A layer writes only into arrays it made itself, never into X or grad.
    - What it keeps is its attributes, made in `__init__`: Parameters, arrays, Generators, layers,
      and lists, tuples or dicts of these. `forward` may write into its arrays and draw from its
      generators; it puts no others in their place, and writes nothing that a backward reads. A
      call writes nothing: a layer whose forward writes or draws overrides `__call__`.
    - X may be a tuple of arrays with equally many rows; then backward returns a tuple. Of an input
      that has no gradient, of integers or booleans, it returns zeros like it.
    - One backward for one forward, and between the two neither a step nor a write into X.
    - One thread trains a network; others may call a copy of it meanwhile.

    What a layer may say of itself, as attributes of its class or made in `__init__`:

    - `input_shape` is the shape of one row of X, where the layer knows it.
    - `takes_mask`: X may also be (X, mask), with a boolean for each place of each sequence, False
      for padding; containers hand it to the layers that say so (`layers/masks.py`).
    - `by_position`: when it is called, Y at one place of a sequence depends on X at this place
      only. Then `stepper` works without another line.

    >>> from layerwise import Dense; dense = Dense(2, 1, rng=0)
    >>> Y, backward = dense.forward(np.ones((3, 2))); backward(np.ones((3, 1))).shape
    (3, 2)
    """

    input_shape: tuple[int, ...] | None = None
    takes_mask: bool = False
    by_position: bool = False

    @abstractmethod
    def forward(self, X: In, /) -> tuple[Out, Callable[[Out], In]]:
        """Return Y and backward, the function that takes dL/dY and returns dL/dX."""

    def __call__(self, X: In, /) -> Out:
        """Return Y, the way it is wanted outside training."""
        return self.forward(X)[0]

    def forward_from_data(self, X: In, /) -> tuple[Out, Callable[[Out], In]]:
        """`forward` for a layer that reads data: what backward returns has no meaning.

        A layer that can save the work of dL/dX overrides this, and is then `@final`: a subclass
        that changed only `forward` would train on the other's gradient.
        """
        return self.forward(X)

    def stepper(self) -> Callable[[Any], Any]:
        """A function `step` that takes one place of n sequences after another: y = step(x).

        x and y are what the layer takes and gives, without the axis of the places, as (n, d) for
        (n, t, d). The answers are those of the layer to the whole sequences, by inference; what
        is needed of earlier places the function remembers, and the layer stays as it is.

        Raises TypeError for a layer whose answer at one place depends on later ones.
        """
        if not self.by_position:
            raise TypeError(
                f"{type(self).__name__}: it has no stepper: it needs whole sequences. Where its "
                "answer at each place depends on this place only, set by_position = True; where on "
                "earlier ones too, override stepper"
            )
        return self._at_one_place

    def _at_one_place(self, x: Any) -> Any:
        Y: Any = self(x[:, np.newaxis])
        return Y[:, 0]

    def parameters(self) -> list[Parameter]:
        """The parameters in attribute order, those of inner layers included, each once."""
        return [parameter for _, parameter in self.named_parameters()]

    def named_parameters(self) -> list[tuple[str, Parameter]]:
        """The parameters with their paths, such as "0.W" in a Sequential."""
        return [(path, item) for path, item in walk(self) if isinstance(item, Parameter)]

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to zero."""
        for parameter in self.parameters():
            parameter.zero_grad()

    def state(self) -> dict[str, NDArray[Any]]:
        """Copies of all values and arrays, running statistics included, by their paths."""
        return {path: array.copy() for path, array in arrays(self).items()}

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Copy a state into place, one of `state()` or a file of `np.savez` that holds one.

        Raises ValueError, which says all that differs in names, shapes and dtypes; nothing is
        changed then.
        """
        of_type("load_state", "state", state, Mapping, "give what state() returned")
        given = {path: np.asarray(array) for path, array in state.items()}
        own = arrays(self)
        refuse_other_state(own, given)
        for path, array in own.items():
            if array.flags.writeable:  # others are constants, and the same
                array[...] = given[path]

    def parts(self) -> Mapping[str, object]:
        """What the layer keeps, by name: its attributes."""
        return vars(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take arrays of its own: joblib hands large ones to its processes read-only."""
        vars(self).update((name, in_memory(item)) for name, item in state.items())

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def arrays(layer: Layer[Any, Any]) -> dict[str, NDArray[Any]]:
    """The values and arrays that a layer keeps, by path."""
    kept = {path: getattr(item, "value", item) for path, item in walk(layer)}
    return {path: item for path, item in kept.items() if isinstance(item, np.ndarray)}


def in_memory(item: Any) -> Any:
    """The item, with copies for memory maps in it."""
    if isinstance(item, np.memmap):
        return np.array(item)
    if isinstance(item, dict):
        return {name: in_memory(part) for name, part in item.items()}
    if type(item) in (list, tuple):
        return type(item)(map(in_memory, item))
    return item


def walk(
    layer: Layer[Any, Any],
) -> Iterator[tuple[str, Parameter | NDArray[Any] | np.random.Generator]]:
    """Every Parameter, array and Generator that a layer keeps, each once, with its path.

    >>> from layerwise import Dense, Sequential
    >>> [path for path, _ in walk(Sequential(Dense(2, 3), Dense(3, 1)))]
    ['0.W', '0.b', '1.W', '1.b']
    """
    for path, item in everything(layer):
        if isinstance(item, Parameter | np.ndarray | np.random.Generator):
            yield path, item


def layers(layer: Layer[Any, Any]) -> dict[str, Layer[Any, Any]]:
    """The layer itself, whose path is "", and every layer that it keeps, each once, by its path."""
    return {path: item for path, item in everything(layer) if isinstance(item, Layer)}


def everything(layer: Layer[Any, Any]) -> Iterator[tuple[str, object]]:
    """All that a layer keeps, with its path: layers, what `walk` finds, and what it leaves out."""
    seen: set[int] = set()
    waiting: list[tuple[str, object]] = [("", layer)]
    while waiting:
        path, item = waiting.pop()
        inner: Mapping[Any, object] = {}
        once = isinstance(
            item, Layer | Mapping | list | Parameter | np.ndarray | np.random.Generator
        )
        if once and id(item) in seen:
            continue
        if isinstance(item, Layer):
            yield path, item
            inner = item.parts()
        elif isinstance(item, Mapping):
            inner = item
        elif isinstance(item, list | tuple):
            inner = dict(enumerate(item))
        else:
            yield path, item
        seen.add(id(item))
        below = [(f"{path}.{name}" if path else str(name), part) for name, part in inner.items()]
        waiting += reversed(below)
