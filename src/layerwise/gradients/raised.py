"""What a layer's own code raised: on which line, for which parameter, and from what mistake."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from layerwise.layers.base import Layer, walk
from layerwise.parameter import Parameter

OVERWRITTEN = "argument overwritten: make a new array instead of writing into one you were given"
ROOT = Path(__file__).parent.parent
# An error is raised here, and made by the code that calls: by the layer's.
ROOMS = "arguments.py", "forms.py", "arrays.py", "parameter.py", "gradients"
CALLED = [ROOT / name for name in ROOMS]
CALLED.append(Path(np.__file__).parent)


class LayerRaisedError(Exception):
    """A layer raised an error where it has to work: on which line, and why where that is known."""

    def __init__(self, who: str, error: Exception, layer: Layer[Any, Any]) -> None:
        paths = {id(item): path for path, item in walk(layer)}
        self.hint = OVERWRITTEN if "read-only" in str(error) else None
        places = []
        for frame, line in _frames(error):
            path = Path(frame.f_code.co_filename)
            if not any(path.is_relative_to(part) for part in CALLED):
                places = [f"{path.name}, line {line}"]
            parameter, grad = (frame.f_locals.get(name) for name in ("self", "grad"))
            if isinstance(parameter, Parameter) and isinstance(grad, np.ndarray):
                places.append(f"for {paths.get(id(parameter), 'a parameter')}")
                self.hint = transposed(grad.shape, parameter.shape) or self.hint
        where = f" ({', '.join(places)})" if places else ""
        super().__init__(f"{who} raised {type(error).__name__}: {error}{where}")


def transposed(shape: tuple[int, ...], expected: tuple[int, ...]) -> str | None:
    """The hint where a gradient has the axes of its value in the opposite order."""
    if shape != expected and shape == expected[::-1]:
        return f"transpose: the gradient has shape {shape}, and the value {expected}"
    return None


def _frames(error: BaseException) -> Iterator[tuple[FrameType, int]]:
    """The calls that led to an error, the outermost first, each with its line."""
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next
