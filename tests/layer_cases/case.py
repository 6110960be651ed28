"""What a layer has to show to be in the table: how to make it, and an X for it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import DTypeLike

from layerwise import Layer

AnyLayer = Layer[Any, Any]


@dataclass(frozen=True)
class LayerCase:
    """A layer of a dtype, and the shape of an X for it.

    `by_rows`: each row is answered by itself, whatever the batch, in training too. `square`: Y has
    the shape of X. `inference_differs`: a call answers something else than forward. `tokens`: X has
    integers below this.
    """

    name: str
    make: Callable[[DTypeLike], AnyLayer]
    shape: tuple[int, ...]
    by_rows: bool = True
    square: bool = True
    inference_differs: bool = False
    tokens: int | None = None
