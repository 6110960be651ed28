"""Networks as files of ONNX, which other runtimes answer from: `to_onnx` and `save_onnx`.

What a layer gives is said in one function for each type, its entry in a table; layers know nothing
of it. For a layer of one's own, that multiplies by a Parameter `a`::

    from layerwise.onnx import Tensor, entry

    @entry.register
    def _(layer: Scale, X: Tensor) -> Tensor:
        return X * layer.a.value

- `tensor`: what an entry computes with, a `Tensor`; its operators, and `node` for all else
- `graph`: what comes of it, in ONNX's form
- `table`: `entry`, the table, and `apply`, which an entry calls for the layers inside its own
- `activations`, `rows`, `images`, `recurrent`, `attention`, `composition`: the entries
- `estimators`: labels, probabilities and numbers
- `trial`: what a network takes, seen from two rows
- `model`: the whole file
"""

try:
    import onnx  # noqa: F401
except ImportError as error:
    raise ImportError(
        "layerwise.onnx needs onnx, which is not installed: pip install 'layerwise[onnx]'"
    ) from error

from layerwise.onnx import (  # noqa: F401  # their entries are in the table from here on
    activations,
    attention,
    composition,
    images,
    recurrent,
    rows,
)
from layerwise.onnx.model import save_onnx, to_onnx
from layerwise.onnx.table import apply, entry
from layerwise.onnx.tensor import Tensor, node

__all__ = ["Tensor", "apply", "entry", "node", "save_onnx", "to_onnx"]
