"""Proof of gradients, in small pieces.

The way of a check through them::

    layer, X
       │  contract     what every layer promises, compared exactly ─────────► a fault
       ▼
    function           F: the layer in float64, run at any tensors from one and the same state
       │
       ▼
    point              x: the given X, then what `variations` makes of it; its F and gradients
       │  tensors      each tensor along a few directions, or element by element
       ▼
    compare            backward against `differences`, or `kinks` where the slope jumps:
       │                 proven, wrong or slightly off, at a kink, or too noisy
       ▼
    report             what was found; `explain` finds in it the `hints` of known mistakes

`check` leads through it, and so do the doors of `adapters`, for losses and plain functions.
`explain` holds `jacobian`s against each other: `products` are factors and summands made of arrays
that are known, such as backward's own (`held`), laid out in `lines`; `known` are other factors,
`hints` ways that are missing, `statistics` means and sums, `moves` what is in the wrong place,
`places` where it is wrong, `factors` the names of numbers; `nearby` are runs that show the same.
`raised` says where an error came from. `numerical` is the definition of a derivative, as the course
has it, which nothing here needs.
"""

from layerwise.gradients.adapters import check_gradient, check_loss
from layerwise.gradients.check import check_layer
from layerwise.gradients.numerical import numerical_gradient
from layerwise.gradients.report import GradientReport

__all__ = ["GradientReport", "check_gradient", "check_layer", "check_loss", "numerical_gradient"]
