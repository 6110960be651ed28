"""Sequential: layers in a row, as one layer; what it refuses, and what it lets go of."""

import pickle
import sys
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from threading import Barrier, Thread
from types import FrameType
from typing import Any

import numpy as np
import pytest
import scipy.sparse

import layerwise
from layerwise import (
    SGD,
    Array,
    Dense,
    Indices,
    Layer,
    MeanSquaredError,
    Parameter,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
    fit,
)
from tests.raising import raises

FORWARDS = pytest.mark.parametrize(
    "forward",
    [
        pytest.param(lambda network, X: network(X), id="call"),
        pytest.param(lambda network, X: network.forward(X)[0], id="forward"),
        pytest.param(lambda network, X: network.forward_from_data(X)[0], id="from_data"),
    ],
)


class Scale(Layer[Array, Array]):
    """Y = a X, and a list of what was asked of it."""

    def __init__(self, a: float, log: list[str] | None = None, name: str = "") -> None:
        self.a = Parameter(np.array([a]))
        self.log: Any = log
        self.name = name

    def _note(self, what: str) -> None:
        if self.log is not None:
            self.log.append(f"{what} {self.name}")

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        self._note("forward")
        a = self.a.value.copy()
        Y = a * X

        def backward(grad: Array) -> Array:
            self._note("backward")
            self.a.add_grad(np.array([(grad * X).sum()]))
            return a * grad

        return Y, backward

    def forward_from_data(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        self._note("from data:")
        return self.forward(X)


class Note(Scale):
    """A Scale that learns nothing."""

    def parameters(self) -> list[Parameter]:
        return []


class Watch(Layer[Array, Array]):
    """Y = X + 1, whose backward needs X and counts which answers are still alive then."""

    def __init__(self, answers: list["weakref.ref[Array]"], counts: list[int]) -> None:
        self.answers: Any = answers
        self.counts: Any = counts

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        self.counts.append(alive(self.answers))
        Y = X + 1
        self.answers.append(weakref.ref(Y))

        def backward(grad: Array) -> Array:
            self.counts.append(alive(self.answers))
            return grad + 0 * Y

        return Y, backward


def alive(references: list["weakref.ref[Array]"]) -> int:
    return sum(reference() is not None for reference in references)


class Ends(Layer[Array, Array]):
    """Y = the first and the last column: a layer that knows nothing of its input's size."""

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        if X.ndim != 2:
            raise ValueError(f"Ends: X has {X.ndim} axes, expected 2")
        Y: Array = X[:, [0, -1]]

        def backward(grad: Array) -> Array:
            dX = np.zeros_like(X)
            dX[:, 0] += grad[:, 0]
            dX[:, -1] += grad[:, 1]
            return dX

        return Y, backward


class Flatten(Layer[Array, Array]):
    """Y = the rows of X, each as a vector."""

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        Y = X.reshape(len(X), -1)

        def backward(grad: Array) -> Array:
            return grad.reshape(X.shape)

        return Y, backward


def small() -> Sequential[Any]:
    """Y = relu(X A) B, with numbers for work by hand."""
    network = Sequential[Any](Dense(2, 2, bias=False), ReLU(), Dense(2, 1))
    A, B, b = network.parameters()
    A.value = np.array([[1.0, -1.0], [2.0, 1.0]])
    B.value = np.array([[3.0], [5.0]])
    b.value = np.array([0.5])
    return network


X = np.array([[1.0, 2.0], [3.0, -1.0]])
# X A = [[5, 1], [1, -4]]; relu: [[5, 1], [1, 0]]; times B plus b:
Y = [[20.5], [3.5]]
GRAD = np.array([[1.0], [2.0]])
# Back through B: [[3, 5], [6, 10]], of which relu stops the last.
DX = [[-2.0, 11.0], [6.0, 12.0]]
DA, DB, Db = [[21.0, 5.0], [0.0, 10.0]], [[7.0], [1.0]], [3.0]


class TestForwardAndBack:
    def test_by_hand(self) -> None:
        network = small()
        answer, backward = network.forward(X)
        assert answer.tolist() == Y
        assert network(X).tolist() == Y
        assert backward(GRAD).tolist() == DX
        assert [p.grad.tolist() for p in network.parameters()] == [DA, DB, Db]

    def test_from_data_the_parameters_gradients_are_the_same(self) -> None:
        network = small()
        answer, backward = network.forward_from_data(X)
        backward(GRAD)
        assert answer.tolist() == Y
        assert [p.grad.tolist() for p in network.parameters()] == [DA, DB, Db]

    def test_nested_the_numbers_are_the_same(self) -> None:
        A, relu, B = small()
        for network in Sequential(Sequential(A, relu), B), Sequential(A, Sequential(relu, B)):
            for forward in network.forward, network.forward_from_data:
                network.zero_grad()
                answer, backward = forward(X)
                backward(GRAD)
                assert answer.tolist() == Y
                assert [p.grad.tolist() for p in network.parameters()] == [DA, DB, Db]

    def test_a_layer_used_twice(self) -> None:
        """Y = a² X: dY/da is 2 a X."""
        layer = Scale(3.0)
        network = Sequential(layer, layer)
        for forward in network.forward, network.forward_from_data:
            network.zero_grad()
            answer, backward = forward(np.array([[5.0]]))
            assert answer.tolist() == [[45.0]]
            assert backward(np.ones((1, 1))).tolist() == [[9.0]]
            assert layer.a.grad.tolist() == [30.0]
        assert network.parameters() == [layer.a]

    def test_two_ways_back_at_once(self) -> None:
        network = small()
        _, first = network.forward(X)
        _, second = network.forward(10 * X)
        assert first(GRAD).tolist() == DX
        assert network.parameters()[0].grad.tolist() == DA
        assert second(GRAD).tolist() == DX
        assert network.parameters()[0].grad.tolist() == (11 * np.array(DA)).tolist()

    def test_the_call_uses_the_layers_calls(self) -> None:
        """Where a layer's inference differs from forward, the network's does, too."""

        class Doubles(Scale):
            def __call__(self, X: Array, /) -> Array:
                return 2 * X

        network = Sequential(Sequential(Doubles(1.0)))
        assert network(X).tolist() == (2 * X).tolist()
        assert network.forward(X)[0].tolist() == X.tolist()

    def test_float32_stays_float32(self) -> None:
        network = Sequential(Dense(2, 3, dtype="float32"), Tanh(), Dense(3, 1, dtype="float32"))
        answer, backward = network.forward(X.astype(np.float32))
        assert answer.dtype == backward(GRAD.astype(np.float32)).dtype == np.float32
        assert network(X.astype(np.float32)).dtype == np.float32


class TestFromData:
    def log(self, *layers: Layer[Any, Any]) -> list[str]:
        log: list[str] = []
        for layer in layers:
            assert isinstance(layer, Scale)
            layer.log = log
        return log

    def test_goes_no_further_than_the_first_layer_that_learns(self) -> None:
        first, second, third, fourth = layers = [
            Note(1.0, name="1"),
            Note(1.0, name="2"),
            Scale(1.0, name="3"),
            Scale(1.0, name="4"),
        ]
        network, log = Sequential(first, second, third, fourth), self.log(*layers)
        network.forward_from_data(X)[1](X)
        assert log == [
            "forward 1",
            "forward 2",
            "from data: 3",
            "forward 3",
            "forward 4",
            "backward 4",
            "backward 3",
        ]

    def test_nor_in_a_network_within(self) -> None:
        first, second, third = layers = [
            Note(1.0, name="1"),
            Scale(1.0, name="2"),
            Scale(1.0, name="3"),
        ]
        network = Sequential(Sequential(first, second), third)
        log = self.log(*layers)
        network.forward_from_data(X)[1](X)
        expected = ["forward 1", "from data: 2", "forward 2", "forward 3"]
        assert log == [*expected, "backward 3", "backward 2"]

    def test_where_nothing_learns_nothing_goes_back(self) -> None:
        layer = Note(2.0, name="1")
        network, log = Sequential(layer), self.log(layer)
        answer, backward = network.forward_from_data(X)
        backward(X)
        assert log == ["forward 1"]
        assert answer.tolist() == (2 * X).tolist()

    def test_forward_goes_all_the_way(self) -> None:
        first, second = layers = [Note(2.0, name="1"), Scale(3.0, name="2")]
        network, log = Sequential(first, second), self.log(*layers)
        assert network.forward(X)[1](X).tolist() == (6 * X).tolist()
        assert log == ["forward 1", "forward 2", "backward 2", "backward 1"]


class TestBackwardIsForOneCall:
    MESSAGE = (
        "Sequential: this backward was used before, and has let go of what it needs: "
        "call forward again for another one"
    )

    @pytest.mark.parametrize("from_data", [True, False])
    def test_a_second_call_is_refused(self, from_data: bool) -> None:
        network = small()
        _, backward = (network.forward_from_data if from_data else network.forward)(X)
        backward(GRAD)
        with raises(RuntimeError, self.MESSAGE):
            backward(GRAD)
        assert [p.grad.tolist() for p in network.parameters()] == [DA, DB, Db]

    def test_also_where_no_layer_learns(self) -> None:
        _, backward = Sequential(ReLU()).forward_from_data(X)
        backward(X)
        with raises(RuntimeError, self.MESSAGE):
            backward(X)

    def test_also_after_a_call_that_failed_half_way(self) -> None:
        class Fails(Scale):
            def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
                def backward(grad: Array) -> Array:
                    raise ZeroDivisionError

                return X, backward

        network = Sequential(Fails(1.0), Scale(2.0))
        _, backward = network.forward(X)
        with pytest.raises(ZeroDivisionError):
            backward(X)
        with raises(RuntimeError, self.MESSAGE):
            backward(X)

    @pytest.mark.parametrize("shape", [(), (1,), (2,), (1, 1), (2, 2), (3, 1), (2, 1, 1)])
    def test_a_gradient_of_another_shape_is_refused_before_anything_is_added(
        self, shape: tuple[int, ...]
    ) -> None:
        network = small()
        _, backward = network.forward(X)
        with raises(
            ValueError,
            f"Sequential: a gradient of shape {shape} came, expected (2, 1), "
            "the shape of what forward returned",
        ):
            backward(np.ones(shape))
        assert not any(p.grad.any() or p.has_grad for p in network.parameters())
        assert backward(GRAD).tolist() == DX


class TestMemory:
    """Counts of the answers alive at each layer: a count too high is memory held too long."""

    def test_backward_lets_go_of_each_layer_as_it_passes(self) -> None:
        answers: list[weakref.ref[Array]] = []
        counts: list[int] = []
        network = Sequential(*(Watch(answers, counts) for _ in range(4)))
        backward = network.forward(X)[1]
        assert alive(answers) == 4
        counts.clear()
        backward(X)
        assert counts == [4, 3, 2, 1]
        assert alive(answers) == 0

    def test_so_does_a_network_within(self) -> None:
        answers: list[weakref.ref[Array]] = []
        counts: list[int] = []
        one, two, three, four = (Watch(answers, counts) for _ in range(4))
        backward = Sequential(one, Sequential(two, three), four).forward(X)[1]
        counts.clear()
        backward(X)
        assert counts == [4, 3, 2, 1]

    def test_inference_keeps_only_the_answer_before(self) -> None:
        answers: list[weakref.ref[Array]] = []
        counts: list[int] = []
        network = Sequential(*(Watch(answers, counts) for _ in range(4)))
        answer = network(X)
        assert counts == [0, 1, 1, 1]
        assert alive(answers) == 1
        assert answer.tolist() == (X + 4).tolist()

    def test_from_data_keeps_nothing_of_the_layers_before_the_first_that_learns(self) -> None:
        answers: list[weakref.ref[Array]] = []
        network = Sequential(Watch(answers, []), Watch(answers, []), Scale(1.0))
        _, backward = network.forward_from_data(X)
        assert [reference() is None for reference in answers] == [True, False]
        backward(X)
        assert alive(answers) == 0


class TestShapesThatDoNotFit:
    def test_when_the_network_is_made(self) -> None:
        with raises(
            ValueError,
            "layer 2 Dense does not fit layer 1 ReLU, which gives (4,) per row: "
            "matrix_multiply: X (2, 4) and W (3, 1) do not fit: X has 4 columns, W has 3 rows",
        ) as caught:
            Sequential(Dense(2, 4), ReLU(), Dense(3, 1))
        assert str(caught.value).endswith(str(caught.value.__cause__))

    def test_in_a_network_within(self) -> None:
        with raises(
            ValueError,
            "layer 1 Sequential does not fit layer 0 Dense, which gives (4,) per row: "
            "layer 0 Dense does not fit the input, (4,) per row: "
            "matrix_multiply: X (2, 4) and W (3, 1) do not fit: X has 4 columns, W has 3 rows",
        ):
            Sequential(Dense(2, 4), Sequential(Dense(3, 1), ReLU()))

    def test_from_the_first_layer_that_knows_its_input(self) -> None:
        with raises(
            ValueError,
            "layer 3 Dense does not fit layer 2 Ends, which gives (2,) per row: "
            "matrix_multiply: X (2, 2) and W (3, 1) do not fit: X has 2 columns, W has 3 rows",
        ):
            Sequential(ReLU(), Dense(2, 5), Ends(), Dense(3, 1))

    def test_with_the_shape_of_a_row_given(self) -> None:
        with raises(
            ValueError,
            "layer 1 Dense does not fit layer 0 Flatten, which gives (784,) per row: "
            "matrix_multiply: X (2, 784) and W (700, 10) do not fit: "
            "X has 784 columns, W has 700 rows",
        ):
            Sequential(Flatten(), Dense(700, 10), input_shape=(1, 28, 28))

    def test_a_first_layer_that_does_not_fit_the_shape_given(self) -> None:
        with raises(
            ValueError,
            "layer 0 Dense does not fit the input, (4,) per row: "
            "matrix_multiply: X (2, 4) and W (3, 2) do not fit: X has 4 columns, W has 3 rows",
        ):
            Sequential(Dense(3, 2), input_shape=(4,))

    @FORWARDS
    def test_the_input_at_each_call(self, forward: Callable[[Any, Any], Array]) -> None:
        with raises(
            ValueError,
            "layer 0 Dense does not fit the input, (3,) per row: "
            "matrix_multiply: X (5, 3) and W (2, 2) do not fit: X has 3 columns, W has 2 rows",
        ):
            forward(small(), np.ones((5, 3)))

    @FORWARDS
    def test_at_the_first_call_where_the_shape_is_not_known_before(
        self, forward: Callable[[Any, Any], Array]
    ) -> None:
        network = Sequential(Tanh(), Sequential(ReLU(), Dense(3, 1)))
        with raises(
            ValueError,
            "layer 1 Sequential does not fit layer 0 Tanh, which gives (4,) per row: "
            "layer 1 Dense does not fit layer 0 ReLU, which gives (4,) per row: "
            "matrix_multiply: X (5, 4) and W (3, 1) do not fit: X has 4 columns, W has 3 rows",
        ) as caught:
            forward(network, np.ones((5, 4)))
        assert isinstance(caught.value.__cause__, ValueError)
        assert forward(network, np.ones((5, 3))).shape == (5, 1)

    @FORWARDS
    def test_an_input_that_is_no_array(self, forward: Callable[[Any, Any], Array]) -> None:
        with raises(
            ValueError,
            "layer 0 Dense does not fit the input, (3,) per row: "
            "matrix_multiply: X (1, 3) and W (2, 2) do not fit: X has 3 columns, W has 2 rows",
        ):
            forward(small(), [[1.0, 2.0, 3.0]])

    def test_other_errors_pass_unchanged(self) -> None:
        with raises(
            TypeError,
            "Dense: X has dtype complex128, expected real numbers: convert it first",
        ):
            small()(X.astype(complex))

    def test_two_rows_of_zeros_are_sent_through_by_inference(self) -> None:
        log: list[str] = []
        seen: list[Array] = []

        class Sees(Scale):
            def __call__(self, X: Array, /) -> Array:
                seen.append(X)
                return X

        Sequential(Flatten(), Sees(1.0, log), input_shape=(2, 3))
        assert [A.tolist() for A in seen] == [np.zeros((2, 6)).tolist()]
        assert log == []

    def test_what_zeros_do_to_a_layer_is_no_concern(self) -> None:
        """A warning would fail the test."""

        class Logarithm(Scale):
            def __call__(self, X: Array, /) -> Array:
                return np.log(X) / X

        assert len(Sequential(Dense(2, 2), Logarithm(1.0))) == 2

    @pytest.mark.parametrize(
        ("layers", "item"),
        [
            ([ReLU], "item 0 is the class ReLU"),
            ([Dense(2, 3), None], "item 1 is None"),
            ([[Dense(2, 3), ReLU()]], "item 0 is a list of 2"),
            ([Dense(2, 3), "relu"], "item 1 is a str"),
        ],
    )
    def test_what_is_no_layer_is_refused(self, layers: Any, item: str) -> None:
        with raises(
            TypeError,
            f"Sequential: {item}, expected a Layer: "
            "make the layer, as in Sequential(Dense(2, 3), ReLU())",
        ):
            Sequential(*layers)


class TestAsASequence:
    def test_iteration_length_and_index(self) -> None:
        layers = [Dense(2, 3), ReLU(), Dense(3, 1)]
        network = Sequential(*layers)
        assert list(network) == layers
        assert len(network) == 3
        assert [network[0], network[-1]] == [layers[0], layers[2]]
        with pytest.raises(IndexError):
            network[3]

    def test_a_slice_is_a_network_over_the_same_layers(self) -> None:
        network = small()
        head, tail = network[:2], network[2:]
        assert isinstance(head, Sequential)
        assert list(head) == [network[0], network[1]]
        assert tail.parameters() == network.parameters()[1:]
        assert tail(head(X)).tolist() == Y
        network.parameters()[2].value = np.array([100.5])
        assert tail(head(X)).tolist() == [[120.5], [103.5]]

    def test_a_slice_from_the_first_layer_keeps_the_input_s_shape(self) -> None:
        relu = ReLU()
        network = Sequential(relu, Dense(3, 2), relu, input_shape=(3,))
        assert [network[i:].input_shape for i in (0, 1, 2, -3)] == [(3,), (3,), None, (3,)]
        assert network[:1].input_shape == (3,)
        assert network[::-1].input_shape is None

    def test_an_input_shape_that_is_none(self) -> None:
        number: Any = 3
        with raises(
            TypeError,
            "Sequential: input_shape=3 came, expected the shape of one row, such as (3,)",
        ):
            Sequential(Dense(3, 2), input_shape=number)
        rows: Any = (None, 3)
        with raises(TypeError, "Sequential: input_shape[0]=None came, expected a whole number"):
            Sequential(Dense(3, 2), input_shape=rows)

    def test_input_shape_comes_from_the_first_layer(self) -> None:
        assert small().input_shape == (2,)
        assert Sequential(Sequential(Dense(5, 1))).input_shape == (5,)
        assert Sequential(ReLU(), Dense(5, 1)).input_shape is None
        assert Sequential(Flatten(), input_shape=(2, 3)).input_shape == (2, 3)

    def test_parameters_in_order_each_once(self) -> None:
        shared, last = Dense(2, 2), Dense(2, 1, bias=False)
        network = Sequential(shared, Sequential(ReLU(), shared), last)
        assert network.parameters() == [shared.W, shared.b, last.W]

    def test_zero_grad_reaches_all(self) -> None:
        network = Sequential(Sequential(Dense(2, 2)), Dense(2, 1))
        network.forward(X)[1](GRAD)
        network.zero_grad()
        assert not any(p.grad.any() or p.has_grad for p in network.parameters())


class TestRepr:
    def test_shapes_and_sizes(self) -> None:
        network = Sequential(Dense(64, 64), ReLU(), Dense(64, 10))
        assert repr(network) == "\n".join(
            [
                "Sequential(",
                "  0  Dense(64, 64)  (64,) -> (64,)  4,160",
                "  1  ReLU()         (64,) -> (64,)      0",
                "  2  Dense(64, 10)  (64,) -> (10,)    650",
                "  4,810 parameters",
                ")",
            ]
        )

    def test_nested(self) -> None:
        inner = Sequential(Dense(3, 2000), Tanh())
        network = Sequential(ReLU(), inner, Dense(2000, 1, bias=False))
        assert repr(network) == "\n".join(
            [
                "Sequential(",
                "  0    ReLU()                      ? -> (3,)               0",
                "  1    Sequential                  (3,) -> (2000,)     8,000",
                "  1.0  Dense(3, 2000)              (3,) -> (2000,)     8,000",
                "  1.1  Tanh()                      (2000,) -> (2000,)      0",
                "  2    Dense(2000, 1, bias=False)  (2000,) -> (1,)     2,000",
                "  10,000 parameters",
                ")",
            ]
        )

    def test_paths_of_networks_within_networks(self) -> None:
        network = Sequential(ReLU(), Sequential(ReLU(), Sequential(ReLU(), Tanh())))
        assert [line.split()[0] for line in repr(network).splitlines()[1:-2]] == [
            "0",
            "1",
            "1.0",
            "1.1",
            "1.1.0",
            "1.1.1",
        ]

    def test_a_shared_layer_counts_once_in_the_sum(self) -> None:
        layer = Dense(2, 2)
        assert repr(Sequential(layer, layer)).splitlines()[1:] == [
            "  0  Dense(2, 2)  (2,) -> (2,)  6",
            "  1  Dense(2, 2)  (2,) -> (2,)  6",
            "  6 parameters",
            ")",
        ]

    def test_shapes_unknown_and_given(self) -> None:
        assert "  0  Flatten()  ? -> ?  0\n" in repr(Sequential(Flatten()))
        given = repr(Sequential(Flatten(), input_shape=(2, 3)))
        assert "  0  Flatten()  (2, 3) -> (6,)  0\n" in given

    def test_an_answer_that_is_no_array(self) -> None:
        class Pair(Layer[Array, tuple[Array, Array]]):
            def forward(
                self, X: Array, /
            ) -> tuple[tuple[Array, Array], Callable[[tuple[Array, Array]], Array]]:
                raise NotImplementedError

            def __call__(self, X: Array, /) -> tuple[Array, Array]:
                return X, X

        assert "  1  Pair()       (2,) -> ?     0\n" in repr(Sequential(Dense(2, 2), Pair()))


@pytest.mark.parametrize("copy", [deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_a_copy_is_independent_and_shares_what_was_shared(copy: Any) -> None:
    shared = Dense(2, 2, rng=0)
    network = Sequential(shared, Tanh(), shared)
    other = copy(network)
    before = network(X).tolist()
    assert repr(other) == repr(network)
    assert other[0] is other[2]
    other.parameters()[0].value *= 2
    assert network(X).tolist() == before
    network.parameters()[0].value *= 2
    np.testing.assert_array_equal(other(X), network(X))


def deep() -> Sequential[Any]:
    """Each kind of layer, and a network within."""
    rng = np.random.default_rng(0)
    return Sequential(
        Dense(8, 16, rng=rng),
        ReLU(),
        Sequential(Dense(16, 16, rng=rng), Sigmoid()),
        Dense(16, 8, rng=rng, bias=False),
        Tanh(),
        Dense(8, 3, rng=rng),
    )


def test_threads_in_lockstep_get_their_own_answers() -> None:
    """Three threads do each step of the interpreter together, one of them on a copy.

    What one of them keeps where another can reach it, if only for a step, is overwritten.
    """
    network = deep()
    networks = [network, network, deepcopy(network)]
    batches = np.random.default_rng(1).normal(size=(3, 5, 8))
    expected = [network(X) for X in batches]
    package = str(Path(layerwise.__file__).parent)
    together = Barrier(3)
    answers: dict[int, Array] = {}

    def trace(frame: FrameType, event: str, arg: object) -> Any:
        if not frame.f_code.co_filename.startswith(package):
            return None
        frame.f_trace_opcodes = True
        together.wait(timeout=60)
        return trace

    def run(i: int) -> None:
        before = sys.gettrace()
        sys.settrace(trace)
        try:
            answers[i] = networks[i](batches[i])
        finally:
            sys.settrace(before)

    threads = [Thread(target=run, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [0, 1, 2]
    for i, answer in enumerate(expected):
        np.testing.assert_array_equal(answers[i], answer)


def test_many_threads_get_the_single_thread_answers_while_a_copy_trains() -> None:
    rng = np.random.default_rng(0)
    network = deep()
    batches = [rng.normal(size=(1 + i, 8)) for i in range(8)]
    expected = [network(X) for X in batches]
    copy, before = deepcopy(network), [p.value.copy() for p in network.parameters()]
    optimizer = SGD(copy.parameters(), 0.01)

    def infer(i: int) -> bool:
        return all((network(batches[i]) == expected[i]).all() for _ in range(60))

    def train() -> None:
        X, T = rng.normal(size=(64, 8)), rng.normal(size=(64, 3))
        fit(copy, X, T, loss=MeanSquaredError(), optimizer=optimizer, epochs=30, batch_size=8)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(9) as pool:
            trained = pool.submit(train)
            right = list(pool.map(infer, range(8)))
            trained.result()
    finally:
        sys.setswitchinterval(interval)
    assert right == [True] * 8
    values = zip(network.parameters(), copy.parameters(), before, strict=True)
    for own, copied, value in values:
        np.testing.assert_array_equal(own.value, value)
        assert (copied.value != value).any()


def test_shapes_go_through_inner_networks() -> None:
    with raises(
        ValueError,
        "layer 1 Sequential does not fit layer 0 Sequential, which gives (4,) per row: "
        "layer 1 Dense does not fit layer 0 ReLU, which gives (4,) per row: "
        "matrix_multiply: X (2, 4) and W (5, 2) do not fit: X has 4 columns, W has 5 rows",
    ):
        Sequential(Sequential(ReLU(), Dense(3, 4)), Sequential(ReLU(), Dense(5, 2)))


def test_an_error_of_another_kind_stays() -> None:
    class Singular(Layer[Array, Array]):
        def forward(self, X: Array, /) -> Any:
            raise np.linalg.LinAlgError("Singular matrix")

    network = Sequential(ReLU(), Singular())
    for run in network, network.forward:
        with raises(
            np.linalg.LinAlgError,
            "Singular matrix\nThis came from layer 1 Singular of a Sequential.",
        ):
            run(np.ones((2, 2)))


def test_a_slice_without_layers_is_refused() -> None:
    with raises(ValueError, "Sequential: [5:None] has no layers"):
        Sequential(ReLU())[5:]


class Positive(Layer[Array, Array]):
    """Y = log X, of positive numbers only."""

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        if (X <= 0).any():
            raise ValueError("Positive: X has numbers that are not positive")

        def backward(grad: Array) -> Array:
            return grad / X

        return np.log(X), backward


class Embedding(Layer[Indices, Array]):
    """Y = W[X], each row's vectors side by side."""

    input_shape = (3,)

    def __init__(self) -> None:
        self.W = Parameter(np.ones((5, 2)))

    def forward(self, X: Indices, /) -> tuple[Array, Callable[[Array], Indices]]:
        if X.dtype.kind not in "iu":
            raise TypeError(f"Embedding: X has dtype {X.dtype}, expected integers")
        if X.max() >= 5:
            raise ValueError("Embedding: a token is beyond 4")
        Y: Array = self.W.value[X].reshape(len(X), -1)

        def backward(grad: Array) -> Indices:
            return np.zeros_like(X)

        return Y, backward


class TestErrorsThatAreNoMisfit:
    """What is refused for its numbers is not said to be of another shape."""

    def test_numbers_that_a_layer_refuses(self) -> None:
        network = Sequential(Dense(2, 2, rng=0), Positive())
        network[0].parameters()[0].value[...] = -1.0
        for run in network, network.forward:
            with raises(
                ValueError,
                "Positive: X has numbers that are not positive\n"
                "This came from layer 1 Positive of a Sequential.",
            ):
                run(np.ones((3, 2)))

    def test_zeros_that_a_layer_refuses_are_not_all_there_is(self) -> None:
        network = Sequential(Positive(), Dense(2, 3, rng=0), input_shape=(2,))
        assert network.output_shape == (3,)

    def test_a_shape_that_it_refuses_is_a_misfit(self) -> None:
        with pytest.raises(ValueError, match="layer 1 Dense does not fit layer 0 Positive, which"):
            Sequential(Positive(), Dense(3, 3, rng=0), input_shape=(2,))

    def test_tokens(self) -> None:
        """Zeros of integers are sent through a layer that takes no others."""
        network = Sequential(Embedding(), Dense(6, 1, rng=0))
        assert network.output_shape == (1,)
        with pytest.raises(ValueError, match="layer 1 Dense does not fit layer 0 Embedding, which"):
            Sequential(Embedding(), Dense(5, 1, rng=0))
        with raises(
            ValueError,
            "Embedding: a token is beyond 4\nThis came from layer 0 Embedding of a Sequential.",
        ):
            network(np.full((2, 3), 9))

    def test_a_tuple_has_no_shape_to_speak_of(self) -> None:
        class Pair(Layer[tuple[Array, Array], Array]):
            def forward(self, X: tuple[Array, Array], /) -> Any:
                raise ValueError("Pair: no")

        with raises(ValueError, "Pair: no\nThis came from layer 0 Pair of a Sequential."):
            Sequential(Pair())((np.ones(2), np.ones(2)))

    def test_a_layer_that_takes_none_of_the_rows_tried(self) -> None:
        """Its own error stays: nothing is known of the shape."""

        class Texts(Layer[Any, Array]):
            def forward(self, X: Any, /) -> Any:
                if X.dtype.kind != "U":
                    raise TypeError("Texts: expected texts")
                raise ValueError("Texts: too long")

        with raises(TypeError, "Texts: expected texts"):
            Sequential(Texts(), input_shape=(2,))
        with raises(ValueError, "Texts: too long\nThis came from layer 0 Texts of a Sequential."):
            Sequential(Texts())(np.array(["a"]))


class TestARefusedGradient:
    """It uses up nothing: the right one may follow."""

    @pytest.mark.parametrize(
        ("grad", "error", "message"),
        [
            (
                np.ones((2, 1), np.float32),
                TypeError,
                "Sequential: a gradient of dtype float32 came, expected float64, the dtype of what "
                "forward returned",
            ),
            (
                scipy.sparse.csr_array(np.ones((2, 1))),
                TypeError,
                "Sequential: the gradient is a csr_array, expected a plain array: its .toarray() "
                "is one",
            ),
        ],
    )
    def test_by_the_network(self, grad: Any, error: type[Exception], message: str) -> None:
        network = small()
        _, backward = network.forward(X)
        with raises(error, message):
            backward(grad)
        assert backward(GRAD).tolist() == DX

    def test_by_its_last_layer(self) -> None:
        class Picky(Layer[Array, Array]):
            def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
                def backward(grad: Array) -> Array:
                    if not np.isfinite(grad).all():
                        raise ValueError("Picky: not finite")
                    return grad

                return X, backward

        network = Sequential(*small(), Picky())
        _, backward = network.forward(X)
        with raises(ValueError, "Picky: not finite"):
            backward(np.full_like(GRAD, np.nan))
        assert backward(GRAD).tolist() == DX


def test_an_error_of_another_kind_stays_when_the_network_is_made() -> None:
    class Singular(Layer[Array, Array]):
        def forward(self, X: Array, /) -> Any:
            raise np.linalg.LinAlgError("Singular matrix")

    with raises(
        np.linalg.LinAlgError,
        "Singular matrix\nThis came from layer 1 Singular of a Sequential.",
    ):
        Sequential(Dense(2, 2, rng=0), Singular())


@pytest.mark.parametrize(
    "refuses",
    [
        lambda X: not np.allclose((X * X).sum(axis=-1), 1),
        lambda X: len(X) < 3,
        lambda X: (X <= 10).any(),
    ],
    ids=["length 1", "three rows", "above 10"],
)
def test_what_a_layer_takes_of_numbers_is_no_matter_of_shape(
    refuses: Callable[[Array], bool],
) -> None:
    class Strict(Layer[Array, Array]):
        def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
            if refuses(X):
                raise ValueError("Strict: no")

            def backward(grad: Array) -> Array:
                return grad

            return X, backward

    network = Sequential(Dense(2, 3, rng=0), Strict())
    with raises(ValueError, "Strict: no\nThis came from layer 1 Strict of a Sequential."):
        network(np.zeros((2, 2)))
