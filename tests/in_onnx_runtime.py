"""What ONNX Runtime answers to a model, and how far that is from what it should."""

from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto


def answers(model: ModelProto, *inputs: NDArray[Any]) -> list[NDArray[Any]]:
    """Each output, for inputs in the model's order."""
    return session(model.SerializeToString())(*inputs)


class session:
    """A model that is loaded once, from its bytes or its path, to be asked many times."""

    def __init__(self, model: bytes | str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.loaded = onnxruntime.InferenceSession(model, options)

    def __call__(self, *inputs: NDArray[Any]) -> list[NDArray[Any]]:
        names = [given.name for given in self.loaded.get_inputs()]
        outputs: list[NDArray[Any]] = self.loaded.run(None, dict(zip(names, inputs, strict=True)))
        return outputs


def ulps(answer: NDArray[Any], expected: NDArray[Any], *, each: bool = False) -> float:
    """The largest difference, in ulps of the largest number expected; or of each number itself."""
    assert answer.dtype == expected.dtype
    assert answer.shape == expected.shape
    same = (answer == expected) | (np.isnan(answer) & np.isnan(expected))
    away = np.abs(np.where(same, 0, answer - expected))
    size = np.abs(expected) if each else np.max(np.abs(expected), initial=0.0)
    return float(np.max(away / np.spacing(size.astype(expected.dtype)), initial=0.0))
