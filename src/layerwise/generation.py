"""What a network goes on to say: one token after another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from layerwise.arguments import at_least_zero, of_type
from layerwise.arrays import Array, Indices
from layerwise.forms import as_plain
from layerwise.layers.base import Layer


def generate(
    network: Layer[Any, Array],
    tokens: Indices,
    *,
    temperature: float = 1.0,
    rng: np.random.Generator | int | None = None,
) -> Iterator[Indices]:
    """Endlessly the next token k of each sequence, drawn with P(k) = softmax(logits / temperature).

    The network gives k logits at each place of (n, t) tokens. It goes through `tokens`, the prompt,
    and on, one place after another, by its `stepper`, so that a token costs what one place costs,
    whatever was said before, but for what attention looks back on. Each token that comes is (n,)
    integers; take as many as are wanted by `break` or `itertools.islice`. At temperature 0 it is
    the one with the largest logit. `rng` is whatever `numpy.random.default_rng` takes.

    Raises TypeError for a network that has no stepper and for tokens that are no integers,
    ValueError for a prompt without tokens, a temperature below 0 and a network that gives no
    logits, FloatingPointError for logits that are not finite. Drawn by Gumbel's maximum: 1954,
    "Statistical theory of extreme values", lecture 4.

    >>> from layerwise import Dense, Embedding, Sequential, TimeDistributed
    >>> network = Sequential(Embedding(3, 4, rng=0), TimeDistributed(Dense(4, 3, rng=0)))
    >>> next(generate(network, np.array([[0, 1]]), temperature=0)).shape
    (1,)
    """
    of_type("generate", "network", network, Layer, "as in generate(network, tokens)")
    temperature = at_least_zero("generate", "temperature", temperature)
    prompt = as_plain(tokens, "generate: tokens")
    if prompt.dtype.kind not in "iu":
        raise TypeError(f"generate: tokens have dtype {prompt.dtype}, expected integers, (n, t)")
    if prompt.ndim != 2 or prompt.shape[1] == 0:
        raise ValueError(
            f"generate: tokens {prompt.shape} came, expected (n, t), at least one for each of n "
            "sequences: tokens[np.newaxis] makes one sequence of a vector"
        )
    step = network.stepper()
    for place in prompt.T:
        logits = step(place)
    if logits.ndim != 2 or len(logits) != len(prompt):
        raise ValueError(
            f"generate: the network gives {logits.shape} at a place, expected ({len(prompt)}, k), "
            "a logit for each of k tokens: let it end in TimeDistributed(Dense(units, k))"
        )
    return _drawn(step, logits, temperature, np.random.default_rng(rng))


def _drawn(
    step: Any, logits: Array, temperature: float, rng: np.random.Generator
) -> Iterator[Indices]:
    while True:
        if not np.isfinite(logits).all():
            raise FloatingPointError(
                "generate: the network gives logits that are not finite: look at its parameters"
            )
        # argmax(logits / temperature + G), with G of Gumbel's distribution, has these chances.
        scores = logits.astype(np.float64)
        if temperature:
            with np.errstate(over="ignore"):
                scores = (scores - scores.max(axis=1, keepdims=True)) / temperature
            scores += rng.gumbel(size=scores.shape)
        token = scores.argmax(axis=1)
        yield token
        logits = step(token)
