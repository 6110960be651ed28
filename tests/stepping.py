"""An optimizer, made to step."""

from typing import Any

import numpy as np

from layerwise import Optimizer, Parameter


def steps(optimizer: Optimizer, parameter: Parameter, gradients: list[Any]) -> list[Any]:
    """The value after a step with each of the gradients."""
    values = []
    for gradient in gradients:
        parameter.add_grad(np.array(gradient, parameter.dtype))
        optimizer.step()
        values.append(parameter.value.tolist())
    return values
