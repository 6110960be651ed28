"""What a network goes on to say: which token, with which chances, at which cost."""

from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
import pytest

from layerwise import GRU, Array, Dense, Embedding, Layer, Sequential, TimeDistributed, generate
from layerwise.arrays import Indices
from layerwise.layers.activations import softmax
from tests.raising import raises

PROMPT = np.array([[0, 1, 4], [3, 3, 2]])


def network() -> Sequential[Any]:
    return Sequential(Embedding(5, 4, rng=0), GRU(4, 6, rng=1), TimeDistributed(Dense(6, 5, rng=2)))


class Counts(Layer[Indices, Array]):
    """Logits that say the last token plus one; it counts its steps."""

    def __init__(self, logits: Callable[[Indices], Array]) -> None:
        self.logits = logits
        self.steps: list[Indices] = []

    def forward(self, X: Indices, /) -> tuple[Array, Callable[[Array], Indices]]:
        raise NotImplementedError

    def stepper(self) -> Callable[[Any], Any]:
        def step(x: Indices) -> Array:
            self.steps.append(x)
            return self.logits(x)

        return step


def after(x: Indices) -> Array:
    Y: Array = 9.0 * np.eye(5)[(x + 1) % 5]
    return Y


def test_at_temperature_zero_it_is_what_the_whole_sequence_makes_likeliest() -> None:
    """Worked out again from the beginning for each token."""
    tokens = PROMPT
    for token in islice(generate(network(), PROMPT, temperature=0), 8):
        assert token.shape == (2,)
        np.testing.assert_array_equal(token, network()(tokens)[:, -1].argmax(axis=1))
        tokens = np.concatenate([tokens, token[:, np.newaxis]], axis=1)


def test_a_token_costs_one_step_whatever_was_said_before() -> None:
    counts = Counts(after)
    said = [token.tolist() for token in islice(generate(counts, PROMPT, temperature=0), 4)]
    assert said == [[0, 3], [1, 4], [2, 0], [3, 1]]
    assert [x.tolist() for x in counts.steps] == [[0, 3], [1, 3], [4, 2], *said[:-1]]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_tokens_are_drawn_by_the_softmax_of_the_logits(temperature: float) -> None:
    logits = np.array([1.0, 0.0, -1.0, 2.0, -np.log(9)])
    same = Counts(lambda x: np.tile(logits, (len(x), 1)))
    rows = 20_000
    token = next(generate(same, np.zeros((rows, 1), int), temperature=temperature, rng=0))
    found = np.bincount(token, minlength=5) / rows
    expected = softmax(logits / temperature)
    np.testing.assert_allclose(found, expected, atol=4 * 0.5 / np.sqrt(rows))


def test_a_seed_repeats_it_and_small_temperatures_are_the_largest_logit() -> None:
    def said(**settings: Any) -> list[list[int]]:
        return [token.tolist() for token in islice(generate(network(), PROMPT, **settings), 9)]

    assert said(rng=0) == said(rng=0) != said(rng=1)
    assert said(rng=0) == said(rng=np.random.default_rng(0), temperature=1)
    assert said(temperature=1e-310, rng=0) == said(temperature=0)


def test_the_prompt_stays_as_it_is_and_what_was_said_too() -> None:
    prompt = PROMPT.copy()
    said = list(islice(generate(network(), prompt, rng=0), 3))
    kept = [token.copy() for token in said]
    list(islice(generate(network(), prompt, rng=0), 3))
    np.testing.assert_array_equal(prompt, PROMPT)
    np.testing.assert_array_equal(said, kept)


def test_what_it_cannot_go_on_from_is_refused_at_once() -> None:
    other: Any = PROMPT / 2
    with raises(TypeError, "generate: tokens have dtype float64, expected integers, (n, t)"):
        generate(network(), other)
    for shape in (3,), (2, 0), (1, 2, 3):
        with raises(
            ValueError,
            f"generate: tokens {shape} came, expected (n, t), at least one for each of n "
            "sequences: tokens[np.newaxis] makes one sequence of a vector",
        ):
            generate(network(), np.zeros(shape, int))
    with raises(
        ValueError, "generate: temperature=-1 came, expected a finite number of at least 0"
    ):
        generate(network(), PROMPT, temperature=-1)
    kind: Any = Sequential
    with raises(
        TypeError,
        "generate: network is the class Sequential, expected a Layer: as in generate(network, "
        "tokens)",
    ):
        generate(kind, PROMPT)
    with pytest.raises(ValueError, match="Embedding: "):
        generate(network(), np.array([[0, 7]]))


def test_a_network_without_logits_or_steps_is_refused() -> None:
    with raises(
        ValueError,
        "generate: the network gives (2,) at a place, expected (2, k), a logit for each of k "
        "tokens: let it end in TimeDistributed(Dense(units, k))",
    ):
        generate(Counts(lambda x: x.astype(float)), PROMPT)
    reverse = Sequential(Embedding(5, 4), GRU(4, 5, reverse=True))
    with raises(
        TypeError,
        "GRU: it has no stepper with reverse=True: it begins with the place that comes last",
    ):
        generate(reverse, PROMPT)


def test_logits_that_are_not_finite_are_an_error() -> None:
    bad = Counts(lambda x: np.full((len(x), 5), np.nan))
    with raises(
        FloatingPointError,
        "generate: the network gives logits that are not finite: look at its parameters",
    ):
        next(generate(bad, PROMPT))
