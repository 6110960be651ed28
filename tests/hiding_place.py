"""A module that holds a parameter, for a layer to use."""

import numpy as np

from layerwise import Parameter

HIDDEN = Parameter(np.ones(3))
