"""RNN, LSTM, GRU and Bidirectional: against PyTorch, masks by hand, and step by step."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise import (
    GRU,
    LSTM,
    RNN,
    Adam,
    Array,
    Bidirectional,
    Dense,
    Embedding,
    Layer,
    Sequential,
    SoftmaxCrossEntropy,
    TimeDistributed,
    fit,
    glorot_uniform,
    orthogonal,
    sigmoid,
)
from layerwise.layers.masks import Mask
from layerwise.layers.recurrent import Recurrent
from layerwise.testing import assert_layer
from tests.raising import raises
from tests.torch_recurrent import LAYERS, SHAPE, UNITS, drawn, stored

RNG = np.random.default_rng(0)
KINDS: dict[str, Callable[..., Recurrent]] = {
    "RNN": RNN,
    "RNN, ReLU": lambda *sizes, **settings: RNN(*sizes, activation="relu", **settings),
    "LSTM": LSTM,
    "GRU": GRU,
}
EACH = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
each_class = pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
both_ways = pytest.mark.parametrize("reverse", [False, True], ids=["onward", "reverse"])

X: Array = RNG.normal(size=(4, 5, 3))
# Padding before, between and after the others, none, and nothing else.
MASK: Mask = np.array(
    [[1, 1, 1, 0, 0], [0, 1, 0, 1, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]], dtype=bool
)

ROWS = [0, 1, 3]  # enough for proofs


def with_first_state(layer: Recurrent) -> Recurrent:
    """The layer, made with learn_state=True, with other numbers than zeros there."""
    for i, state in enumerate(layer.first_state):
        state.value = drawn(i, *state.shape)
    return layer


def fill(layer: Recurrent, torch: list[Array], first: list[Array]) -> None:
    """Give a layer the numbers of one of PyTorch's."""
    W, U, b, c = torch
    both = b + c
    if isinstance(layer, GRU):
        layer.c.value = c[2 * UNITS :]
        both[2 * UNITS :] = b[2 * UNITS :]
    layer.W.value, layer.U.value, layer.b.value = W.T, U.T, both
    for state, value in zip(layer.first_state, first, strict=True):
        state.value = value


@pytest.mark.parametrize("name", LAYERS)
def test_it_gives_what_pytorch_gives(name: str) -> None:
    """Answers and gradients, from a first state, which is the same for each row."""
    kind, options, kinds = LAYERS[name]
    right = {path: np.array(A) for path, A in stored()[name].items()}
    settings = {"activation": "relu"} if "nonlinearity" in options else {}
    layers: list[Recurrent] = []
    for direction in range(2 if "bidirectional" in options else 1):
        layer = {"RNN": RNN, "LSTM": LSTM, "GRU": GRU}[kind](
            SHAPE[2], UNITS, reverse=direction == 1, learn_state=True, **settings
        )
        numbers = [P for P in right if P.startswith(("weight", "bias"))][:4]
        values = [drawn(4 * direction + i, *right[P].shape) for i, P in enumerate(numbers)]
        first = [drawn(80 + i, len(right["first 0"]), UNITS)[direction] for i in range(kinds)]
        fill(layer, values, first)
        layers.append(layer)
    whole: Layer[Any, Array] = layers[0] if len(layers) == 1 else Bidirectional(*layers)
    Y, backward = whole.forward(drawn(90, *SHAPE))
    np.testing.assert_allclose(Y, right["Y"], rtol=1e-10)
    dX = backward(drawn(92, *Y.shape))
    np.testing.assert_allclose(dX, right["dX"], rtol=1e-10, atol=1e-12)
    for layer, end in zip(layers, ("", "_reverse"), strict=False):
        for i, state in enumerate(layer.first_state):
            np.testing.assert_allclose(state.grad, right[f"first {i}"][int(end != "")], rtol=1e-9)
        W, U, b, c = (
            right[f"{P}_l0{end}"] for P in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        np.testing.assert_allclose(layer.W.grad, W.T, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(layer.U.grad, U.T, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(layer.b.grad, b, rtol=1e-9, atol=1e-12)
        if isinstance(layer, GRU):
            np.testing.assert_allclose(layer.c.grad, c[2 * UNITS :], rtol=1e-9)


def test_an_rnn_by_hand() -> None:
    """H = 2 X + 3 H before, from 1: 2 + 3, −20 + 15 cut off, and 2 + 0."""
    rnn = RNN(1, 1, activation="relu", learn_state=True)
    rnn.W.value, rnn.U.value, rnn.first_state[0].value = [[2.0]], [[3.0]], [1.0]  # type: ignore[assignment]  # lists are converted
    Y, backward = rnn.forward(np.array([[[1.0], [-10.0], [1.0]]]))
    assert Y.ravel().tolist() == [5, 0, 2]
    dX = backward(np.ones_like(Y))
    assert dX.ravel().tolist() == [2, 0, 2]  # type: ignore[union-attr]  # X had no mask
    assert rnn.U.grad.tolist() == [[1]]  # 1 · H₀ + 0 · 5 + 1 · 0
    assert rnn.W.grad.tolist() == [[2]]
    assert rnn.b.grad.tolist() == [2]
    assert rnn.first_state[0].grad.tolist() == [3]


def test_an_lstm_by_its_equations() -> None:
    lstm = LSTM(3, 2, rng=0)
    H: Array = np.zeros((4, 2))
    C: Array = np.zeros((4, 2))
    for t in range(5):
        Z = X[:, t] @ lstm.W.value + H @ lstm.U.value + lstm.b.value
        i, f, o = (sigmoid(Z[:, 2 * k : 2 * k + 2]) for k in (0, 1, 3))
        C = f * C + i * np.tanh(Z[:, 4:6])
        H = o * np.tanh(C)
        np.testing.assert_allclose(lstm(X)[:, t], H, rtol=1e-12)


def test_first_values() -> None:
    """Each gate is drawn as a matrix of its own, the LSTM forgets little, all else is zero."""
    for kind, gates in ((RNN, 1), (LSTM, 4), (GRU, 3)):
        layer = kind(100, 50, learn_state=True, rng=0)
        limit = np.sqrt(6 / 150)
        assert 0.98 * limit < np.abs(layer.W.value).max() < limit
        for k in range(gates):
            U = layer.U.value[:, 50 * k : 50 * k + 50]
            np.testing.assert_allclose(U.T @ U, np.eye(50), atol=1e-12)
        forget = 1.0 if kind is LSTM else 0.0
        np.testing.assert_array_equal(layer.b.value[50:100], forget)
        assert np.abs(layer.b.value).sum() == 50 * forget
        assert not any(state.value.any() for state in layer.first_state)
        assert len(layer.first_state) == (2 if kind is LSTM else 1)
    rng = np.random.default_rng(0)
    gru = GRU(5, 3, rng=0)
    for P, W_init in ((gru.W, glorot_uniform), (gru.U, orthogonal())):
        drawn_apart = [W_init((len(P.value), 3), rng) for _ in range(3)]
        np.testing.assert_array_equal(P.value, np.concatenate(drawn_apart, axis=1))
    assert not GRU(2, 2).c.value.any()
    assert [path for path, _ in GRU(2, 2, learn_state=True).named_parameters()] == [
        *("W", "U", "b", "first_state.0", "c"),
    ]


@EACH
def test_the_last_state_is_the_last_answer(make: Callable[..., Recurrent]) -> None:
    for mask in None, MASK:
        given = X if mask is None else (X, mask)
        for reverse, place in ((False, -1), (True, 0)):
            Y = make(3, 2, reverse=reverse, rng=0)(given)
            last = make(3, 2, reverse=reverse, return_sequences=False, rng=0)(given)
            np.testing.assert_array_equal(last, Y[:, place])


@EACH
def test_reverse_is_the_layer_of_what_is_turned_round(make: Callable[..., Recurrent]) -> None:
    onward, reverse = make(3, 2, rng=0), make(3, 2, reverse=True, rng=0)
    np.testing.assert_array_equal(reverse(X), onward(X[:, ::-1])[:, ::-1])
    np.testing.assert_array_equal(reverse((X, MASK)), onward((X[:, ::-1], MASK[:, ::-1]))[:, ::-1])


def by_hand(layer: Recurrent, X: Array, mask: Mask) -> Iterator[tuple[int, int, Array]]:
    """Row, place and state: what a layer of single steps says where a masked step is left out."""
    places = range(X.shape[1])
    for row in range(len(X)):
        seen: list[int] = []
        for place in reversed(places) if layer.reverse else places:
            seen += [place] if mask[row, place] else []
            state = layer.first_state[0].value
            if seen:
                steps = X[row, sorted(seen)][np.newaxis]
                state = layer(steps)[0, 0 if layer.reverse else -1]
            yield row, place, state


@EACH
@both_ways
def test_a_masked_step_keeps_the_state(make: Callable[..., Recurrent], reverse: bool) -> None:
    layer = with_first_state(make(3, 2, reverse=reverse, learn_state=True, rng=0))
    Y = layer((X, MASK))
    for row, place, state in by_hand(layer, X, MASK):
        np.testing.assert_allclose(Y[row, place], state, rtol=1e-12)


def test_padding_anywhere_in_long_sequences_is_left_out() -> None:
    rng = np.random.default_rng(1)
    A, mask = rng.normal(size=(3, 60, 3)), rng.random((3, 60)) < 0.5
    layer = GRU(3, 2, learn_state=True, rng=0)
    Y = layer((A, mask))
    for row, place, state in by_hand(layer, A, mask):
        np.testing.assert_allclose(Y[row, place], state, rtol=1e-11)


@EACH
@both_ways
@pytest.mark.parametrize("return_sequences", [True, False])
def test_layers_with_a_mask_are_proven(
    make: Callable[..., Recurrent], reverse: bool, return_sequences: bool
) -> None:
    layer = with_first_state(
        make(
            *(2, 2),
            reverse=reverse,
            return_sequences=return_sequences,
            learn_state=True,
            dtype=np.float32 if reverse else np.float64,
            rng=0,
        )
    )
    A = X[ROWS, :4, :2].astype(layer.W.dtype)
    assert_layer(layer, (A, MASK[ROWS, :4]), mode="fast" if return_sequences else "full")


def test_two_directions_with_a_mask_are_proven() -> None:
    both = Bidirectional(LSTM(2, 2, rng=0), GRU(2, 1, reverse=True, rng=1))
    assert_layer(both, (X[ROWS, :4, :2], MASK[ROWS, :4]), mode="full")


@given(
    st.integers(0, 2**20 - 1),
    st.sampled_from([*KINDS]),
    st.booleans(),
    st.booleans(),
)
def test_nothing_of_the_padding_is_seen(flags: int, name: str, reverse: bool, last: bool) -> None:
    """Neither in the answers nor in the gradients, not even of what is no number."""
    mask: Mask = np.array([flags >> k & 1 for k in range(20)], bool).reshape(4, 5)
    layer = KINDS[name](3, 2, reverse=reverse, return_sequences=not last, rng=0)
    other = X.copy()
    other[~mask] = np.nan
    found = []
    for given_X in X, other:
        layer.zero_grad()
        Y, backward = layer.forward((given_X, mask))
        dX, dmask = backward(np.ones_like(Y))
        assert not dmask.any()
        assert not dX[~mask].any()
        found.append([Y, dX, *(parameter.grad.copy() for parameter in layer.parameters())])
    for one, two in zip(*found, strict=True):
        np.testing.assert_array_equal(one, two)


@EACH
def test_a_mask_of_true_changes_nothing(make: Callable[..., Recurrent]) -> None:
    layer = make(3, 2, rng=0)
    np.testing.assert_array_equal(layer((X, np.ones((4, 5), bool))), layer(X))


@EACH
def test_one_place_after_another_gives_what_the_whole_gives(
    make: Callable[..., Recurrent],
) -> None:
    layer = with_first_state(make(3, 2, learn_state=True, rng=0))
    step, other = layer.stepper(), layer.stepper()
    other(X[:2, 4])  # they remember apart
    Y = np.stack([step(X[:, t]) for t in range(5)], axis=1)
    np.testing.assert_allclose(Y, layer(X), rtol=1e-12)


@EACH
def test_a_step_leaves_the_answers_before_it_alone(make: Callable[..., Recurrent]) -> None:
    step = make(3, 2, rng=0).stepper()
    y = step(X[:, 0])
    before = y.copy()
    y += 100
    expected = make(3, 2, rng=0)(X)[:, 1]
    np.testing.assert_allclose(step(X[:, 1]), expected, rtol=1e-12)
    np.testing.assert_array_equal(y, before + 100)


@EACH
def test_parts_of_a_sequence_go_on_from_the_state_they_are_given(
    make: Callable[..., Recurrent],
) -> None:
    """Truncation is the caller's: a part begins at the first state, which can be any."""
    layer = make(3, 2, learn_state=True, rng=0)
    whole = layer(X[:1])
    step = layer.stepper()
    for t in range(2):
        step(X[:1, t])
    np.testing.assert_allclose(step(X[:1, 2]), whole[:, 2], rtol=1e-12)
    if not isinstance(layer, LSTM):  # whose other state is no answer
        layer.first_state[0].value = whole[0, 1]
        np.testing.assert_allclose(layer(X[:1, 2:]), whole[:, 2:], rtol=1e-12)


@EACH
def test_a_sequence_learns_from_its_own_order(make: Callable[..., Recurrent]) -> None:
    """Which of two tokens came first: the sum of what they are says nothing about it."""
    rng = np.random.default_rng(0)
    tokens = np.array([rng.permutation(4) for _ in range(64)])
    first = (tokens == 0).argmax(axis=1) < (tokens == 1).argmax(axis=1)
    network = Sequential(
        Embedding(4, 6, rng=0), make(6, 12, return_sequences=False, rng=1), Dense(12, 2, rng=2)
    )
    optimizer = Adam(network.parameters(), learning_rate=0.02)
    history = fit(
        network,
        tokens,
        first.astype(int),
        loss=SoftmaxCrossEntropy(),
        optimizer=optimizer,
        epochs=40,
        rng=0,
    )
    assert history.loss[-1] < 0.1


def test_a_mask_goes_through_a_network_of_them() -> None:
    tokens = np.array([[1, 2, 3, 0, 0], [3, 3, 1, 2, 1]])
    mask = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], bool)
    network = Sequential(
        Embedding(4, 3, rng=0),
        Bidirectional(GRU(3, 2, rng=1), GRU(3, 2, reverse=True, rng=2)),
        TimeDistributed(Dense(4, 3, rng=3)),
        LSTM(3, 2, return_sequences=False, rng=4),
        Dense(2, 2, rng=5),
    )
    np.testing.assert_allclose(network((tokens, mask))[:1], network(tokens[:1, :3]), rtol=1e-12)
    assert_layer(network[:3], (tokens, mask))


def test_what_fits_the_last_state_is_known_before_the_first_call() -> None:
    layer = LSTM(3, 2, return_sequences=False)
    assert Sequential(layer, Dense(2, 4)).output_shape == (4,)
    both = Bidirectional(layer, LSTM(3, 1, return_sequences=False, reverse=True))
    assert Sequential(both, Dense(3, 4)).output_shape == (4,)
    with pytest.raises(ValueError, match="layer 1 Dense does not fit layer 0 LSTM, which gives"):
        Sequential(layer, Dense(3, 4))
    assert LSTM(3, 2).output_shape is None


@each_class
def test_another_x_is_refused(kind: Any) -> None:
    name, layer = kind.__name__, kind(3, 2)
    for shape in ((4, 5, 2), (4, 3), (4, 0, 3), (3,)):
        with raises(
            ValueError,
            f"{name}: X {shape} came, expected (n, t, 3): n sequences of at least one place",
        ):
            layer(np.ones(shape))
    with raises(
        TypeError, f"{name}: X has dtype complex128, expected real numbers: convert it first"
    ):
        layer(X + 0j)
    with raises(
        TypeError,
        f"{name}: X is a tuple of 2, expected an array (n, t, 3), or a pair of it and a mask, an "
        "array of booleans",
    ):
        layer((X, MASK.astype(int)))
    with raises(
        ValueError,
        f"{name}: a mask (4, 4) came, expected (4, 5): True or False for each place of each "
        "sequence",
    ):
        layer((X, MASK[:, :4]))


@each_class
def test_another_gradient_is_refused_and_nothing_is_added(kind: Any) -> None:
    layer = kind(3, 2)
    _, backward = layer.forward(X)
    with raises(
        ValueError,
        f"{kind.__name__}: a gradient of shape (4, 2) came, expected (4, 5, 2), the shape of what "
        "forward returned",
    ):
        backward(np.ones((4, 2)))
    assert not any(parameter.has_grad for parameter in layer.parameters())


@each_class
def test_x_is_converted_to_the_dtype_of_the_layer(kind: Any) -> None:
    layer = kind(3, 2, dtype=np.float32, rng=0)
    assert layer(X).dtype == np.float32
    assert layer.stepper()(X[:, 0]).dtype == np.float32
    np.testing.assert_array_equal(layer(np.ones((1, 2, 3), int)), layer(np.ones((1, 2, 3))))


@each_class
def test_settings_are_refused(kind: Any) -> None:
    name = kind.__name__
    with raises(ValueError, f"{name}: inputs=0 came, expected at least 1"):
        kind(0, 2)
    with raises(TypeError, f"{name}: units=1.5 came, expected a whole number"):
        kind(2, 1.5)


def test_an_activation_that_is_neither_is_refused() -> None:
    with raises(ValueError, "RNN: activation='gelu' came, expected 'tanh' or 'relu'"):
        RNN(2, 2, activation="gelu")


@each_class
def test_what_has_no_stepper_says_why(kind: Any) -> None:
    name = kind.__name__
    with raises(
        TypeError,
        f"{name}: it has no stepper with reverse=True: it begins with the place that comes last",
    ):
        kind(3, 2, reverse=True, return_sequences=False).stepper()
    with raises(
        TypeError,
        f"{name}: it has no stepper with return_sequences=False: it answers to whole sequences "
        "only",
    ):
        kind(3, 2, return_sequences=False).stepper()
    with raises(
        TypeError,
        "Bidirectional: it has no stepper: one of its layers begins with the place that comes last",
    ):
        Bidirectional(kind(3, 2), kind(3, 2, reverse=True)).stepper()


@each_class
def test_a_step_of_other_sequences_is_refused_and_the_state_stays(kind: Any) -> None:
    name, layer = kind.__name__, kind(3, 2, rng=0)
    step = layer.stepper()
    for shape, n in (((4, 2), "n"), ((4, 5, 3), "n"), ((2, 3), 4), ((4, 2), 4)):
        if n == 4:
            step = layer.stepper()
            step(X[:, 0])
        with raises(
            ValueError,
            f"{name}: x {shape} came for a step, expected ({n}, 3): a place of each sequence; for "
            "other sequences call stepper() again",
        ):
            step(np.ones(shape))
    np.testing.assert_allclose(step(X[:, 1]), layer(X)[:, 1], rtol=1e-12)


def test_two_layers_that_are_not_of_two_directions_are_refused() -> None:
    as_in = "as in Bidirectional(GRU(3, 4), GRU(3, 4, reverse=True))"
    for one, two in (
        (LSTM(3, 2), LSTM(3, 2)),
        (LSTM(3, 2, reverse=True), LSTM(3, 2)),
        (LSTM(3, 2, reverse=True), LSTM(3, 2, reverse=True)),
    ):
        with raises(
            ValueError,
            f"Bidirectional: {one!r} and {two!r} came, expected one without reverse=True and then "
            f"one with it, {as_in}",
        ):
            Bidirectional(one, two)
    for settings, what, values in (
        ({"inputs": 4}, "inputs", "3 and 4"),
        ({"dtype": np.float32}, "dtype", "float64 and float32"),
        ({"return_sequences": False}, "return_sequences", "True and False"),
    ):
        given: dict[str, Any] = {"inputs": 3, "units": 2, **settings}
        with raises(
            ValueError, f"Bidirectional: the layers have {what} {values}, expected the same"
        ):
            Bidirectional(GRU(3, 2), GRU(**given, reverse=True))
    other: Any = Dense(3, 2)
    with raises(
        TypeError, f"Bidirectional: backward_layer is a Dense, expected a Recurrent: {as_in}"
    ):
        Bidirectional(GRU(3, 2), other)


def test_two_directions_of_one_gradient_are_refused_before_any_is_added() -> None:
    both = Bidirectional(GRU(3, 2), GRU(3, 1, reverse=True))
    _, backward = both.forward(X)
    with raises(
        ValueError,
        "Bidirectional: a gradient of shape (4, 5, 2) came, expected (4, 5, 3), the shape of what "
        "forward returned",
    ):
        backward(np.ones((4, 5, 2)))
    assert not any(parameter.has_grad for parameter in both.parameters())


def test_repr() -> None:
    assert repr(RNN(3, 2)) == "RNN(3, 2)"
    assert repr(RNN(3, 2, activation="relu")) == 'RNN(3, 2, activation="relu")'
    lstm = LSTM(3, 2, return_sequences=False, reverse=True, learn_state=True)
    assert repr(lstm) == ("LSTM(3, 2, return_sequences=False, reverse=True, learn_state=True)")
    assert repr(Bidirectional(GRU(3, 2), GRU(3, 1, reverse=True))) == (
        "Bidirectional(GRU(3, 2), GRU(3, 1, reverse=True))"
    )
