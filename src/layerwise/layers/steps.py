"""Which place of each sequence a step of a recurrent layer is, with the padding left out.

A masked step keeps the state. So a padded sequence is its other steps in a row, and the answer at
each place is the state after as many of them as there are up to here: no layer has to know of
masks. All arrays here have time first, and `places` are those that are answered: all, or the last.
"""

import numpy as np

from layerwise.arrays import Array
from layerwise.layers.masks import Mask


class Unpadded:
    """Step s is at place s, and the answer at a place is the state after its step."""

    def steps(self, X: Array) -> Array:
        """What each step reads: X (t, n, d), each step of it in one block of memory."""
        return np.ascontiguousarray(X)

    def steps_back(self, dS: Array) -> Array:
        """The gradient by X of that by what the steps read."""
        return dS

    def answers(self, H: Array, places: slice) -> Array:
        """The states (steps + 1, n, units), of which the first has seen no step, at the places."""
        return H[1:][places]

    def answers_back(self, grad: Array, H: Array, places: slice) -> Array:
        """The gradient by the states H of that by the answers."""
        dH = np.zeros_like(H)
        dH[1:][places] = grad
        return dH


class Padded(Unpadded):
    """Step s is at the place of the s-th True of each column of the mask (t, n).

    There are as many steps as the longest sequence has. After the last one of a shorter sequence
    the steps read 0; their states are no answer, so their gradients are 0.
    """

    def __init__(self, mask: Mask) -> None:
        self.shape = mask.shape
        self.seen = mask.cumsum(axis=0)  # steps up to each place
        last = np.max(self.seen[-1], initial=0)
        self.rows = np.arange(mask.shape[1])
        self.place = np.argsort(~mask, axis=0, kind="stable")[:last]
        self.over = ~mask[self.place, self.rows]

    def steps(self, X: Array) -> Array:
        """What each step reads of X (t, n, d)."""
        S = X[self.place, self.rows]
        S[self.over] = 0
        return S

    def steps_back(self, dS: Array) -> Array:
        """The gradient by X, 0 where there is padding."""
        dX = np.zeros((*self.shape, dS.shape[-1]), dS.dtype)
        dX[self.place, self.rows] = dS
        return dX

    def answers(self, H: Array, places: slice) -> Array:
        """The states after as many steps as were up to each place."""
        Y: Array = H[self.seen[places], self.rows]
        return Y

    def answers_back(self, grad: Array, H: Array, places: slice) -> Array:
        """The gradient by the states: a state that was kept gets those of several places."""
        dH = np.zeros_like(H)
        for seen, of_place in zip(self.seen[places], grad, strict=True):
            dH[seen, self.rows] += of_place
        return dH
