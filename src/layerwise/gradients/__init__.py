"""Proof of gradients, in small pieces.

- `numerical`: the definition of a derivative, as the course has it
- `probe`: a float64 copy of a layer that can be run anywhere, always from the same state
- `contract`: what every layer promises, compared exactly
- `differences`: a derivative from differences, with a computed bound on its error
- `kinks`: what is right where the slope jumps
- `report`: what was found
- `point`: both derivatives at one place, compared
- `points`: where to look, so that a mistake cannot hide behind the values it is tried on
- `measure`: the tensors at a point, along directions, all together, element by element
- `hints`, `explain`: known mistakes by the pattern they leave
- `check`: `check_layer` and `check_loss`, which put these together
"""

from layerwise.gradients.check import check_layer, check_loss
from layerwise.gradients.numerical import numerical_gradient
from layerwise.gradients.report import GradientReport

__all__ = ["GradientReport", "check_layer", "check_loss", "numerical_gradient"]
