"""What attention looks at: a memory and a mask, given beside X, and earlier places, kept."""

from __future__ import annotations

import numpy as np

from layerwise.arguments import described
from layerwise.arrays import Array, as_floating
from layerwise.forms import mask_of_places, sequences_of
from layerwise.layers.masks import Mask


def told_apart(X: object, features: int) -> tuple[Array, Array | None, Mask | None]:
    """X, its memory and the mask of what is looked at, of X, (X, memory) or either with a mask.

    A mask is the last of them, where that has dtype bool.
    """
    who = "MultiHeadAttention"
    own, *others = X if isinstance(X, tuple) else (X,)
    mask: Mask | None = None
    if others and getattr(others[-1], "dtype", None) == np.bool_:
        mask = others.pop()
    memory: Array | None = others.pop() if others else None
    if others or (isinstance(X, tuple) and memory is None and mask is None):
        raise TypeError(
            f"{who}: X is {described(X)}, expected sequences, or (X, mask), (X, memory) or (X, "
            "memory, mask), with a mask of dtype bool"
        )
    own = seen = as_floating(own, f"{who}: X")
    sequences_of(who, "X", own.shape, features)
    if memory is not None:
        seen = memory = as_floating(memory, f"{who}: memory")
        also = "; a mask is an array of dtype bool"
        sequences_of(who, "memory", memory.shape, features, also)
        if len(memory) != len(own):
            raise ValueError(
                f"{who}: X {own.shape} and memory {memory.shape} came, expected as many sequences "
                "in both: X[i] looks at memory[i]"
            )
    if mask is not None:
        mask_of_places(who, mask, seen.shape[:2])
    return own, memory, mask


class Kept:
    """Places of n sequences, one added after another, in memory that doubles where it is full."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, place: Array) -> Array:
        """All places so far, (n, count, features), of which this is the last, (n, features)."""
        if self.count == 0:
            self.memory = place[:, np.newaxis]
        elif self.count == self.memory.shape[1]:
            self.memory = np.concatenate([self.memory, np.empty_like(self.memory)], axis=1)
        self.memory[:, self.count] = place
        self.count += 1
        return self.memory[:, : self.count]
