"""MultiHeadAttention and TransformerBlock: against PyTorch, by what is seen, and step by step."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerwise import (
    Array,
    Dense,
    Embedding,
    LayerNorm,
    MultiHeadAttention,
    PositionalEncoding,
    PositionEmbedding,
    Residual,
    Sequential,
    TimeDistributed,
    TransformerBlock,
)
from layerwise.layers.dot_product import bars
from layerwise.layers.masks import Mask
from layerwise.layers.memory import Kept
from layerwise.testing import assert_layer
from tests import torch_numbers
from tests.raising import raises
from tests.torch_numbers import ATTENTION, PADDING, PLACES, drawn

RNG = np.random.default_rng(0)
X: Array = RNG.normal(size=(3, 5, 4))
MEMORY: Array = RNG.normal(size=(3, 6, 4))
MASK: Mask = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [0, 1, 0, 1, 1]], bool)
SEEN: Mask = np.concatenate([MASK, MASK[:, :1]], axis=1)
NONE: Mask = np.where(np.arange(3) == 2, False, MASK.T).T
INPUTS: dict[str, Any] = {
    "X": X,
    "mask": (X, MASK),
    "memory": (X, MEMORY),
    "memory, mask": (X, MEMORY, SEEN),
    "nothing seen": (X, NONE),
}


def as_in_torch(attention: MultiHeadAttention, numbers: list[Array]) -> None:
    """Take PyTorch's weights, of outputs times inputs, and all of its biases but that of K."""
    W, b, W_output, b_output = numbers
    for i, dense in enumerate((attention.query, attention.key, attention.value)):
        own = slice(4 * i, 4 * i + 4)
        dense.W.value = W[own].T
        if dense.bias:
            dense.b.value = b[own]
    attention.output.W.value, attention.output.b.value = W_output.T, b_output


def gradients_of(attention: MultiHeadAttention) -> list[Array]:
    """The gradients as PyTorch has them, with 0 for the bias of K, which does nothing."""
    three = attention.query, attention.key, attention.value
    W = np.concatenate([dense.W.grad.T for dense in three])
    b = np.concatenate([dense.b.grad if dense.bias else np.zeros(4) for dense in three])
    return [W, b, attention.output.W.grad.T, attention.output.b.grad]


NAMES = ["in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"]
SHAPES = [(12, 4), (12,), (4, 4), (4,)]


@pytest.mark.parametrize("name", ATTENTION)
def test_attention_is_that_of_torch(name: str) -> None:
    with_memory, causal, padding = ATTENTION[name]
    expected = torch_numbers.stored()["attention"][name]
    attention = MultiHeadAttention(4, 2, causal=causal)
    as_in_torch(attention, [drawn(i, *shape) for i, shape in enumerate(SHAPES)])
    s = PLACES[with_memory]
    given: Any = drawn(90, 2, 3, 4)
    if with_memory or padding:
        given = (given, *[drawn(91, 2, s, 4)][:with_memory], *[PADDING[s]][:padding])
    Y, backward = attention.forward(given)
    dX = backward(drawn(92, 2, 3, 4))
    parts = dX if isinstance(dX, tuple) else (dX,)
    found = {"Y": Y, "weights": attention.weights(given), "dX": parts[0]}
    found |= {"dM": parts[1]} if with_memory else {}
    found |= dict(zip(NAMES, gradients_of(attention), strict=True))
    assert found.keys() == expected.keys()
    for key, numbers in expected.items():
        np.testing.assert_allclose(found[key], numbers, rtol=1e-10, atol=1e-13, err_msg=key)
    assert all(not part.any() for part in parts[1 + with_memory :])


@pytest.mark.parametrize("name", torch_numbers.stored()["block"])
def test_a_block_is_an_encoder_layer_of_torch(name: str) -> None:
    _, causal, padding = ATTENTION[name]
    expected = torch_numbers.stored()["block"][name]
    block = TransformerBlock(4, 2, hidden=6, causal=causal)
    first, last = (dense for dense in block.mlp if isinstance(dense, Dense))
    as_in_torch(block.attention, [drawn(i, *shape) for i, shape in enumerate(SHAPES)])
    first.W.value, first.b.value = drawn(4, 6, 4).T, drawn(5, 6)
    last.W.value, last.b.value = drawn(6, 4, 6).T, drawn(7, 4)
    for i, norm in (8, block.norm), (10, block.mlp_norm):
        norm.gamma.value, norm.beta.value = drawn(i, 4), drawn(i + 1, 4)
    given: Any = drawn(90, 2, 3, 4)
    Y, backward = block.forward((given, PADDING[3]) if padding else given)
    dX: Any = backward(drawn(92, 2, 3, 4))
    found = [Y, dX[0] if padding else dX, *gradients_of(block.attention)]
    found += [first.W.grad.T, first.b.grad, last.W.grad.T, last.b.grad]
    found += [P.grad for norm in (block.norm, block.mlp_norm) for P in norm.parameters()]
    for (key, numbers), own in zip(expected.items(), found, strict=True):
        np.testing.assert_allclose(own, numbers, rtol=1e-9, atol=1e-12, err_msg=key)


@pytest.mark.parametrize("mode", ["fast", "full"])
@pytest.mark.parametrize("name", INPUTS)
def test_it_is_proven(name: str, mode: Any) -> None:
    assert_layer(MultiHeadAttention(4, 2, rng=0), INPUTS[name], mode=mode)


def test_padding_is_proven_in_a_block() -> None:
    assert_layer(TransformerBlock(4, 2, hidden=3, rng=0), (X, MASK))


def test_weights_by_hand() -> None:
    """Two heads of one column each, queries and keys as they come: scores are x y."""
    attention = MultiHeadAttention(2, 2)
    for dense in attention.query, attention.key, attention.value, attention.output:
        dense.W.value = np.eye(2)
    A = np.array([[[1.0, 2.0], [3.0, 0.0]]])
    P = attention.weights(A)
    e = np.exp
    np.testing.assert_allclose(P[0, 0, 0], [e(1) / (e(1) + e(3)), e(3) / (e(1) + e(3))])
    np.testing.assert_allclose(P[0, 1], [[1 / (1 + e(-4)), 1 / (1 + e(4))], [0.5, 0.5]])
    np.testing.assert_allclose(attention(A)[0, 1], [(e(3) + 3 * e(9)) / (e(3) + e(9)), 1])


@pytest.mark.parametrize("name", INPUTS)
def test_weights_are_what_the_answer_is_made_with(name: str) -> None:
    attention, given = MultiHeadAttention(4, 2, rng=0), INPUTS[name]
    P = attention.weights(given)
    memory = MEMORY if "memory" in name else X
    assert P.shape == (3, 2, 5, memory.shape[1])
    total = np.ones((3, 2, 5))
    total[2] = name != "nothing seen"
    np.testing.assert_allclose(P.sum(axis=-1), total, rtol=1e-12)
    V = TimeDistributed(attention.value)(memory).reshape(3, -1, 2, 2).swapaxes(1, 2)
    A = (P @ V).swapaxes(1, 2).reshape(X.shape)
    np.testing.assert_allclose(attention(given), TimeDistributed(attention.output)(A), rtol=1e-12)


def test_who_sees_nothing_takes_nothing() -> None:
    attention = MultiHeadAttention(4, 2, rng=0)
    attention.value.b.value = np.ones(4)
    Y, backward = attention.forward((X, NONE))
    np.testing.assert_array_equal(Y[2], np.zeros((5, 4)))
    attention.output.b.value = np.arange(4.0)
    np.testing.assert_array_equal(attention((X, NONE))[2], np.tile(np.arange(4.0), (5, 1)))
    dX, _ = backward(np.ones_like(Y))
    assert not dX[2].any()
    assert not MultiHeadAttention(4, 2).weights((X, MEMORY[:, :0])).any()


@pytest.mark.parametrize("layer", [MultiHeadAttention, TransformerBlock])
def test_causal_places_do_not_look_ahead(layer: Any) -> None:
    attention, later = layer(4, 2, causal=True, rng=0), X.copy()
    later[:, 3:] *= -2
    np.testing.assert_array_equal(attention(X)[:, :3], attention(later)[:, :3])
    assert np.abs(attention(X)[:, 3] - attention(later)[:, 3]).max() > 0.1
    assert not np.triu(attention.weights(X), 1).any()
    assert np.abs(layer(4, 2, rng=0)(X)[:, :3] - layer(4, 2, rng=0)(later)[:, :3]).max() > 0.1


@pytest.mark.parametrize("layer", [MultiHeadAttention, TransformerBlock])
@pytest.mark.parametrize("causal", [False, True])
def test_padding_is_not_looked_at(layer: Any, causal: bool) -> None:
    attention, other = layer(4, 2, causal=causal, rng=0), X.copy()
    other[~MASK] = 1e6
    Y, Z = attention((X, MASK)), attention((other, MASK))
    np.testing.assert_array_equal(Y[MASK], Z[MASK])
    assert not attention.weights((X, MASK))[1, :, :, 3:].any()
    short = attention(X[1:2, :3])
    np.testing.assert_allclose(Y[1:2, :3], short, rtol=1e-12)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("mask", [None, MASK])
def test_bars_are_of_the_dtype_of_scores(causal: bool, mask: Mask | None) -> None:
    """Of another one, all scores would be converted, twice."""
    barred = bars(X.astype(np.float32), mask, causal=causal)
    if barred is None:
        assert not causal
        assert mask is None
    else:
        assert barred.dtype == np.float32


def test_padding_of_a_memory_is_not_looked_at() -> None:
    attention, other = MultiHeadAttention(4, 2, rng=0), MEMORY.copy()
    other[~SEEN] = 1e6
    Y, backward = attention.forward((X, MEMORY, SEEN))
    np.testing.assert_array_equal(Y, attention((X, other, SEEN)))
    _, dM, dmask = backward(np.ones_like(Y))
    assert not dM[~SEEN].any()
    assert dM[SEEN].all()
    assert dmask.dtype == bool
    assert not dmask.any()


def test_large_scores_do_not_overflow() -> None:
    attention = MultiHeadAttention(4, 2, rng=0)
    P = attention.weights(1e3 * X)
    np.testing.assert_allclose(P.sum(axis=-1), 1)


def transformer(places: Any) -> Sequential[Any]:
    return Sequential(
        Embedding(7, 4, rng=0),
        places,
        TransformerBlock(4, 2, causal=True, rng=1),
        Residual(Sequential(LayerNorm(4), MultiHeadAttention(4, 1, causal=True, rng=2))),
        TimeDistributed(Dense(4, 7, rng=3)),
    )


@pytest.mark.parametrize(
    "places", [PositionalEncoding(4), PositionEmbedding(20, 4, rng=4)], ids=str
)
@settings(max_examples=25)
@given(data=st.data())
def test_one_place_after_another_gives_what_the_whole_gives(places: Any, data: Any) -> None:
    n, t = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 9))
    tokens = np.array(data.draw(st.lists(st.integers(0, 6), min_size=n * t, max_size=n * t)))
    tokens = tokens.reshape(n, t)
    network = transformer(places)
    step, other = network.stepper(), network.stepper()
    Y = np.stack([(step(tokens[:, i]), other(tokens[:, 0]))[0] for i in range(t)], axis=1)
    np.testing.assert_allclose(Y, network(tokens), rtol=1e-10, atol=1e-13)


def test_steps_of_float32_are_float32() -> None:
    attention = MultiHeadAttention(4, 2, causal=True, rng=0, dtype=np.float32)
    step = attention.stepper()
    Y = np.stack([step(X[:, i]) for i in range(5)], axis=1)
    assert Y.dtype == np.float32
    np.testing.assert_allclose(Y, attention(X), rtol=1e-4, atol=1e-6)


def test_a_step_of_other_sequences_is_refused_and_what_is_kept_stays() -> None:
    """One sequence would be broadcast, as if it were all of them."""
    attention = MultiHeadAttention(4, 2, causal=True, rng=0)
    step = attention.stepper()
    for shape, n in (((3, 3), "n"), ((3, 5, 4), "n"), ((1, 4), 3), ((2, 4), 3), ((3, 3), 3)):
        if n == 3:
            step = attention.stepper()
            step(X[:, 0])
        with raises(
            ValueError,
            f"MultiHeadAttention: x {shape} came for a step, expected ({n}, 4): a place of each "
            "sequence; for other sequences call stepper() again",
        ):
            step(np.ones(shape))
    np.testing.assert_allclose(step(X[:, 1]), attention(X)[:, 1], rtol=1e-12)


def test_what_is_kept_grows_by_doubling() -> None:
    kept, rows = Kept(), RNG.normal(size=(9, 2, 3))
    sizes, moves, memory = [], 0, None
    for i, row in enumerate(rows):
        so_far = kept.add(row)
        np.testing.assert_array_equal(so_far, rows[: i + 1].swapaxes(0, 1))
        sizes.append(kept.memory.shape[1])
        moves += kept.memory is not memory
        memory = kept.memory
    assert sizes == [1, 2, 4, 4, 8, 8, 8, 8, 16]
    assert moves == 5


def test_a_stepper_needs_the_order_of_time() -> None:
    with raises(
        TypeError,
        "MultiHeadAttention: it has no stepper, for its places look at later ones too: make it "
        "with causal=True",
    ):
        TransformerBlock(4, 2).stepper()


def test_weights_of_a_block_are_those_after_its_norm() -> None:
    block = TransformerBlock(4, 2, rng=0)
    block.norm.gamma.value = np.arange(4.0)
    np.testing.assert_array_equal(block.weights(X), block.attention.weights(block.norm(X)))
    expected = block.attention.weights((block.norm(X), MASK))
    np.testing.assert_array_equal(block.weights((X, MASK)), expected)


def test_dropout_of_a_block_is_of_what_is_added() -> None:
    block = TransformerBlock(4, 2, dropout=0.5, rng=0)
    block.mlp[2].W.value[...] = 0  # type: ignore[attr-defined]  # it is a Dense
    added = block.forward(X)[0] - X
    without = block(X) - X
    dropped = added == 0
    assert 10 < dropped.sum() < 50
    np.testing.assert_allclose(added[~dropped], 2 * without[~dropped], rtol=1e-9)
    first, second = (dropout.rng.bit_generator.state["state"] for dropout in block.dropouts)
    assert first != second
    block.forward(X)
    for before, dropout in zip((first, second), block.dropouts, strict=True):
        assert dropout.rng.bit_generator.state["state"] != before
    assert not TransformerBlock(4, 2).dropouts


def test_a_backward_of_a_block_is_for_one_call() -> None:
    Y, backward = TransformerBlock(4, 2, rng=0).forward(X)
    backward(Y)
    with raises(
        RuntimeError,
        "Sequential: this backward was used before, and has let go of what it needs: call forward "
        "again for another one",
    ):
        backward(Y)


def test_a_block_keeps_each_layer_once() -> None:
    block = TransformerBlock(4, 2, hidden=3)
    assert [path for path, _ in block.named_parameters()][::4] == [
        "norm.gamma",
        "attention.key.W",
        "attention.output.b",
        "mlp.0.b",
    ]
    assert block.mlp[0].input_shape == (4,)
    assert repr(Sequential(block)).count("LayerNorm(4)") == 2
    assert TransformerBlock(4, 2).mlp.parameters()[0].shape == (4, 16)


def test_heads_that_do_not_divide_the_features_are_refused() -> None:
    with raises(ValueError, "MultiHeadAttention: heads=3 came, expected a divisor of features=4"):
        MultiHeadAttention(4, 3)
    with raises(ValueError, "MultiHeadAttention: heads=0 came, expected at least 1"):
        MultiHeadAttention(4, 0)
    with raises(ValueError, "MultiHeadAttention: features=0 came, expected at least 1"):
        MultiHeadAttention(0, 1)


@pytest.mark.parametrize("name", ["X", "memory"])
@pytest.mark.parametrize("shape", [(3, 4), (3, 5, 3), (3, 5, 2, 4)])
def test_other_shapes_are_refused(name: str, shape: tuple[int, ...]) -> None:
    A: Any = np.ones(shape)
    X_or_pair = A if name == "X" else (X, A)
    also = "; a mask is an array of dtype bool" if name == "memory" else ""
    with raises(
        ValueError,
        f"MultiHeadAttention: {name} {shape} came, expected (n, t, 4): n sequences of t places "
        f"with 4 features{also}",
    ):
        MultiHeadAttention(4, 2)(X_or_pair)


def test_other_tuples_are_refused() -> None:
    given: Any
    for given in (X,), (X, MASK, X), (X, X, X), (X, X, X, MASK):
        with raises(
            TypeError,
            f"MultiHeadAttention: X is a tuple of {len(given)}, expected sequences, or (X, mask), "
            "(X, memory) or (X, memory, mask), with a mask of dtype bool",
        ):
            MultiHeadAttention(4, 2)(given)


def test_masks_and_memories_that_do_not_fit_are_refused() -> None:
    attention = MultiHeadAttention(4, 2)
    for pair, places in ((X, SEEN), (3, 5)), ((X, MEMORY, MASK), (3, 6)):
        with raises(
            ValueError,
            f"MultiHeadAttention: a mask {pair[-1].shape} came, expected {places}: True or False "
            "for each place of each sequence",
        ):
            attention(pair)
    with raises(
        ValueError,
        "MultiHeadAttention: X (3, 5, 4) and memory (2, 6, 4) came, expected as many sequences in "
        "both: X[i] looks at memory[i]",
    ):
        attention((X, MEMORY[:2]))
    with raises(
        ValueError,
        "MultiHeadAttention: a memory came, expected none where causal=True: no place of it is "
        "earlier or later than one of X",
    ):
        MultiHeadAttention(4, 2, causal=True)((X, MEMORY))


def test_a_gradient_that_would_broadcast_is_refused() -> None:
    with raises(
        ValueError,
        "MultiHeadAttention: a gradient of shape (5, 4) came, expected (3, 5, 4), the shape of "
        "what forward returned",
    ):
        MultiHeadAttention(4, 2).forward(X)[1](np.ones((5, 4)))


def test_repr() -> None:
    assert repr(MultiHeadAttention(4, 2)) == "MultiHeadAttention(4, 2)"
    assert repr(TransformerBlock(4, 2, causal=True)) == "TransformerBlock(4, 2, causal=True)"
