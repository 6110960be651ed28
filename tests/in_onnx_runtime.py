"""What ONNX Runtime answers to a model, and how far that is from what it should."""

from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto

LEAST = 1e-30  # below this, float32's exponentials in ONNX Runtime lose digits


class Loaded:
    """A model, from its bytes or its path, to be asked many times."""

    def __init__(self, model: ModelProto | str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        given = model if isinstance(model, str) else model.SerializeToString()
        self.session = onnxruntime.InferenceSession(given, options)

    def __call__(self, *inputs: NDArray[Any]) -> list[NDArray[Any]]:
        """Each output, for inputs in the model's order."""
        names = [given.name for given in self.session.get_inputs()]
        outputs: list[NDArray[Any]] = self.session.run(None, dict(zip(names, inputs, strict=True)))
        return outputs


def ulps(answer: NDArray[Any], expected: NDArray[Any], *, each: bool = False) -> float:
    """The largest difference, in ulps of the largest number expected; or of each number itself."""
    assert answer.dtype == expected.dtype
    assert answer.shape == expected.shape
    same = (answer == expected) | (np.isnan(answer) & np.isnan(expected))
    away = np.where(same, 0, np.abs(answer - np.where(same, answer, expected)))
    size = np.where(same, 1, np.abs(expected))
    unit = np.spacing(np.maximum(size if each else size.max(initial=0), LEAST).astype(answer.dtype))
    return float(np.max(away / unit, initial=0.0))
