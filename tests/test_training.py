"""Training with fit: the loop by hand, the same numbers twice, and epochs that fail."""

import gc
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from math import inf, nan
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from numpy.typing import NDArray
from sklearn.metrics import r2_score

from layerwise import (
    L2,
    SGD,
    Adam,
    Array,
    Dense,
    History,
    Indices,
    Layer,
    MeanSquaredError,
    Optimizer,
    Parameter,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    Tanh,
    fit,
    train,
)
from layerwise.layers.base import walk
from layerwise.snapshot import Snapshot
from tests.raising import raises

mse = MeanSquaredError()
rng = np.random.default_rng(0)
X, T = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))  # in batches of two, the last is short


def slope(w: float = 0.0) -> tuple[Dense, SGD]:
    """Y = w X, to be worked by hand, with steps of a tenth of the gradient."""
    line = Dense(1, 1, bias=False)
    line.W.value = np.array([[w]])
    return line, SGD(line.parameters(), 0.1)


def column(*numbers: float) -> Array:
    return np.array(numbers, float).reshape(-1, 1)


class Noise(Layer[Array, Array]):
    """Y = X + noise, with a running mean that inference subtracts: all that a layer may keep."""

    def __init__(self, size: int) -> None:
        self.mean = np.zeros(size)
        self.count = np.zeros(1, int)
        self.empty = np.zeros(0)
        self.names = np.array(["a", "b"])
        self.rng = np.random.default_rng(7)

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        self.mean *= 0.9
        self.mean += 0.1 * X.mean(axis=0)
        self.count += 1
        Y: Array = X + 0.1 * self.rng.normal(size=X.shape)

        def backward(grad: Array) -> Array:
            return grad

        return Y, backward

    def __call__(self, X: Array, /) -> Array:
        Y: Array = X - self.mean
        return Y


def network_and_optimizer() -> tuple[Sequential[Any], Adam]:
    network = Sequential[Any](Dense(3, 4, rng=1), Noise(4), ReLU(), Dense(4, 2, rng=2))
    return network, Adam(network.parameters(), 0.05)


def state(network: Layer[Any, Any]) -> list[Any]:
    """Everything that a network keeps, as numbers to compare."""
    return [
        item.bit_generator.state
        if isinstance(item, np.random.Generator)
        else (item.value if isinstance(item, Parameter) else item).tolist()
        for _, item in walk(network)
    ]


def no_gradients(network: Layer[Any, Any]) -> bool:
    return not any(p.grad.any() or p.has_grad for p in network.parameters())


@dataclass
class At:
    """Mean squared error but for one call, of which it makes something else."""

    call: int
    instead: Callable[[float, Array], tuple[float, Array]]
    calls: int = 0

    def __call__(self, Y: Array, target: Array, /) -> tuple[float, Array]:
        self.calls += 1
        value, grad = mse(Y, target)
        return self.instead(value, grad) if self.calls == self.call else (value, grad)


def stop(value: float, grad: Array) -> tuple[float, Array]:
    raise KeyboardInterrupt


def fail(value: float, grad: Array) -> tuple[float, Array]:
    raise ZeroDivisionError("in the loss")


@dataclass
class Rows:
    """Mean squared error that notes which targets came, batch by batch."""

    seen: list[list[float]] = field(default_factory=list)

    def __call__(self, Y: Array, target: Array, /) -> tuple[float, Array]:
        self.seen.append(target.ravel().tolist())
        np.testing.assert_array_equal(Y, -target)  # X is -y in what follows, and Y is X
        return 0.0, np.zeros_like(Y)


class TestTheLoop:
    def test_by_hand_with_a_short_last_batch(self) -> None:
        """Two rows of loss (4 + 16) / 2, slope -6: w is 0.6. One of 1.2², slope 4.8: w is 0.12."""
        line, optimizer = slope()
        history = fit(
            line,
            column(1, 1, 2),
            column(2, 4, 0),
            loss=mse,
            optimizer=optimizer,
            epochs=1,
            batch_size=2,
            shuffle=False,
            validation_data=(column(1, 2, 3), column(0, 0, 0)),
        )
        assert history.loss == pytest.approx([(2 * 10 + 1.44) / 3], rel=1e-14)
        assert line.W.value[0, 0] == pytest.approx(0.12, rel=1e-14)
        # 0.12² times the mean of 1, 4 and 9
        assert history.validation_loss == pytest.approx([0.0144 * 14 / 3], rel=1e-14)

    def test_the_loss_of_an_epoch_is_measured_on_the_way_validation_after_it(self) -> None:
        """One row 1 with target 1: w' = w + 0.2 (1 - w), so the error shrinks to 0.8 of it."""
        line, optimizer = slope()
        data = column(1), column(1)
        history = fit(line, *data, loss=mse, optimizer=optimizer, epochs=3, validation_data=data)
        assert history.loss == pytest.approx([1, 0.8**2, 0.8**4], rel=1e-14)
        assert history.validation_loss == pytest.approx([0.8**2, 0.8**4, 0.8**6], rel=1e-14)

    def test_it_is_the_loop_that_one_writes_by_hand(self) -> None:
        network, optimizer = network_and_optimizer()
        other, by_hand = deepcopy((network, optimizer))
        fit(network, X, T, loss=mse, optimizer=optimizer, epochs=2, batch_size=2, shuffle=False)
        for _ in range(2):
            for rows in [0, 1], [2, 3], [4]:
                Y, backward = other.forward(X[rows])
                backward(mse(Y, T[rows])[1])
                by_hand.step()
        assert state(network) == state(other)

    def test_a_batch_larger_than_the_data_is_all_of_it(self) -> None:
        line, optimizer = slope()
        data = column(1, 1), column(2, 4)
        fit(line, *data, loss=mse, optimizer=optimizer, epochs=1, batch_size=100)
        assert line.W.value[0, 0] == pytest.approx(0.6, rel=1e-14)

    def test_ten_epochs_of_batches_of_32_by_default(self) -> None:
        loss = Rows()
        Y = column(*range(40))
        line, optimizer = slope(1.0)
        assert len(fit(line, -Y, Y, loss=loss, optimizer=optimizer).loss) == 10
        assert [len(batch) for batch in loss.seen] == [32, 8] * 10

    def test_without_validation_there_is_no_validation_loss(self) -> None:
        line, optimizer = slope()
        first = fit(line, column(1), column(1), loss=mse, optimizer=optimizer, epochs=2)
        assert first.validation_loss == []
        assert len(first.loss) == 2
        second = fit(line, column(1), column(1), loss=mse, optimizer=optimizer, epochs=1)
        assert (len(first.loss), len(second.loss)) == (2, 1)
        assert History() == History([], [])

    def test_validation_is_by_inference_and_changes_nothing(self) -> None:
        """Inference of Noise subtracts its mean; training adds noise and moves it."""
        runs = []
        for validation in None, (X, T):
            network, optimizer = network_and_optimizer()
            history = fit(
                network,
                X,
                T,
                loss=mse,
                optimizer=optimizer,
                epochs=2,
                batch_size=5,
                rng=3,
                validation_data=validation,
            )
            runs.append(state(network))
        assert runs[0] == runs[1]
        assert history.validation_loss[-1] == pytest.approx(mse(network(X), T)[0], rel=1e-14)

    def test_the_gradients_from_before_do_not_count(self) -> None:
        line, optimizer = slope()
        line.W.add_grad(np.array([[1000.0]]))
        fit(line, column(1, 1), column(2, 4), loss=mse, optimizer=optimizer, epochs=1)
        assert line.W.value[0, 0] == pytest.approx(0.6, rel=1e-14)
        assert no_gradients(line)

    def test_the_first_layer_is_told_that_it_reads_data(self) -> None:
        class Told(Noise):
            def __init__(self) -> None:
                super().__init__(3)
                self.weight = Parameter(np.zeros(1))

            def forward_from_data(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
                asked.append(len(X))
                return super().forward(X)

            def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
                raise NotImplementedError

        asked: list[int] = []
        head = Dense(3, 2, rng=0)
        network = Sequential(Told(), head)
        optimizer = SGD(head.parameters())
        fit(network, X, T, loss=mse, optimizer=optimizer, epochs=1, batch_size=2)
        assert asked == [2, 2, 1]

    def test_what_the_optimizer_does_not_hold_is_frozen(self) -> None:
        frozen, head = Dense(3, 4, rng=0), Dense(4, 2, rng=0)
        network = Sequential(frozen, ReLU(), head)
        before = [p.value.copy() for p in network.parameters()]
        optimizer = SGD(head.parameters(), 0.1, momentum=0.9)
        fit(network, X, T, loss=mse, optimizer=optimizer, epochs=3, batch_size=2)
        after = [p.value for p in network.parameters()]
        np.testing.assert_equal(after[:2], before[:2])
        assert all((A != B).any() for A, B in zip(after[2:], before[2:], strict=True))
        assert no_gradients(network)

    def test_an_optimizer_may_hold_more_than_the_network(self) -> None:
        line, _ = slope()
        other = Parameter(np.ones(1))
        optimizer = SGD([other, *line.parameters()], 0.1)
        fit(line, column(1, 1), column(2, 4), loss=mse, optimizer=optimizer, epochs=1)
        assert line.W.value[0, 0] == pytest.approx(0.6, rel=1e-14)
        assert other.value.tolist() == [1.0]

    def test_more_epochs_take_no_more_memory(self) -> None:
        """What is saved at the start of an epoch goes where the epoch before had saved it."""

        class Keeps(ReLU):
            def __init__(self) -> None:
                self.kept = np.zeros(500_000)

        def peak(epochs: int) -> int:
            network = Sequential(Dense(3, 2, rng=0), Keeps())
            optimizer = SGD(network.parameters())
            tracemalloc.start()
            try:
                fit(network, X, T, loss=mse, optimizer=optimizer, epochs=epochs)
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

        assert 4_000_000 < peak(1) < 6_000_000
        assert peak(4) < 6_000_000


class TestRows:
    """With X = -y and w = 1, the loss above sees that each row meets its own target."""

    Y = column(*range(7))

    def seen(self, **options: Any) -> list[list[float]]:
        loss = Rows()
        line, optimizer = slope(1.0)
        fit(line, -self.Y, self.Y, loss=loss, optimizer=optimizer, batch_size=3, **options)
        return loss.seen

    def test_in_order(self) -> None:
        expected = [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0]]
        assert self.seen(epochs=2, shuffle=False, rng=0) == 2 * expected

    def test_shuffled_each_epoch_anew_each_row_once(self) -> None:
        seen = self.seen(epochs=3, rng=0)
        assert [len(batch) for batch in seen] == [3, 3, 1] * 3
        epochs = [[*seen[i], *seen[i + 1], *seen[i + 2]] for i in (0, 3, 6)]
        assert [sorted(epoch) for epoch in epochs] == [list(range(7))] * 3
        assert len({tuple(epoch) for epoch in [*epochs, range(7)]}) == 4

    def test_the_order_is_the_seeds(self) -> None:
        once = self.seen(epochs=3, rng=0)
        assert once == self.seen(epochs=3, rng=0)
        assert once == self.seen(epochs=3, rng=np.random.default_rng(0))
        assert once != self.seen(epochs=3, rng=1)

    def test_without_a_seed_it_is_another_each_time(self) -> None:
        assert self.seen(epochs=10) != self.seen(epochs=10)

    def test_unshuffled_draws_nothing(self) -> None:
        rng = np.random.default_rng(0)
        self.seen(epochs=2, shuffle=False, rng=rng)
        assert rng.random() == np.random.default_rng(0).random()


class TestReproducible:
    def run(self, *calls: int, rng: Any) -> tuple[list[Any], list[float]]:
        """State and losses after a call of fit for each number of epochs."""
        network, optimizer = network_and_optimizer()
        losses = []
        for epochs in calls:
            history = fit(
                network, X, T, loss=mse, optimizer=optimizer, epochs=epochs, batch_size=2, rng=rng
            )
            losses += history.loss
        return state(network), losses

    def test_bit_for_bit(self) -> None:
        once = self.run(4, rng=5)
        assert once == self.run(4, rng=5)
        assert once == self.run(4, rng=np.random.default_rng(5))
        assert once != self.run(4, rng=6)

    def test_two_calls_with_one_generator_are_one_longer_call(self) -> None:
        assert self.run(1, 3, rng=np.random.default_rng(5)) == self.run(4, rng=5)

    def test_with_an_integer_they_are_not(self) -> None:
        """Each call starts from the seed: both shuffle as the first."""
        assert self.run(2, 2, rng=5) != self.run(4, rng=5)
        one, two = np.random.default_rng(5), np.random.default_rng(5)
        twice, _ = self.run(2, 2, rng=5)
        network, optimizer = network_and_optimizer()
        for rng in one, two:
            fit(network, X, T, loss=mse, optimizer=optimizer, epochs=2, batch_size=2, rng=rng)
        assert twice == state(network)


class TestData:
    def test_lists_are_data(self) -> None:
        rows: Any = X.tolist()
        targets: Any = T.tolist()
        for given in (X, T), (rows, targets):
            network, optimizer = network_and_optimizer()
            history = fit(
                network,
                *given,
                loss=mse,
                optimizer=optimizer,
                epochs=2,
                batch_size=2,
                rng=0,
                validation_data=given,
            )
            result = state(network), history
            if given[0] is X:
                expected = result
        assert result == expected

    def test_they_are_untouched(self) -> None:
        rows, targets = X.copy(), T.copy()
        rows.flags.writeable = targets.flags.writeable = False
        network, optimizer = network_and_optimizer()
        fit(network, rows, targets, loss=mse, optimizer=optimizer, epochs=1, batch_size=2)
        np.testing.assert_array_equal(rows, X)

    def test_indices_and_classes(self) -> None:
        """Integers reach the layer and the loss as integers: classes 0, 1, 2 of indices 0, 1, 2."""

        class Lookup(Layer[Indices, Array]):
            def __init__(self) -> None:
                self.table = Parameter(np.zeros((3, 3)))

            def forward(self, X: Indices, /) -> tuple[Array, Callable[[Array], Indices]]:
                Y: Array = self.table.value[X]

                def backward(grad: Array) -> Indices:
                    dtable = np.zeros((3, 3))
                    np.add.at(dtable, X, grad)
                    self.table.add_grad(dtable)
                    return X

                return Y, backward

        layer, i = Lookup(), np.array([0, 1, 2])
        optimizer = SGD(layer.parameters(), 3.0)
        loss = SoftmaxCrossEntropy()
        history = fit(layer, i, i, loss=loss, optimizer=optimizer, epochs=1)
        assert history.loss == pytest.approx([np.log(3)], rel=1e-14)
        np.testing.assert_allclose(layer.table.value, np.eye(3) - 1 / 3, rtol=1e-14)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_the_networks_dtype_is_kept(self, dtype: type[np.floating[Any]]) -> None:
        network = Sequential(Dense(3, 2, rng=0, dtype=dtype))
        optimizer = SGD(network.parameters(), 0.1, momentum=0.5)
        fit(network, X, T, loss=mse, optimizer=optimizer, epochs=1)
        assert network.parameters()[0].dtype == optimizer.vector.value.dtype == dtype


class TestRefused:
    def refuse(self, message: str, X: Any = X, y: Any = T, **options: Any) -> None:
        network, optimizer = network_and_optimizer()
        before, rng = state(network), np.random.default_rng(0)
        options = {"loss": mse, "optimizer": optimizer, "rng": rng, **options}
        with raises(ValueError, message):
            fit(network, X, y, **options)
        assert state(network) == before
        assert rng.random() == np.random.default_rng(0).random()

    @pytest.mark.parametrize(
        ("rows", "targets"),
        [((5, 3), (4, 2)), ((0, 3), (0, 2)), ((), (5, 2)), ((5, 3), ()), ((1, 3), (5, 2))],
    )
    def test_rows_that_do_not_match(self, rows: tuple[int, ...], targets: tuple[int, ...]) -> None:
        ending = (
            f"shapes {rows} and {targets} came, expected one row for each example, "
            "equally many in all and at least one"
        )
        data = np.zeros(rows), np.zeros(targets)
        self.refuse(f"train: X and y: {ending}", *data)
        self.refuse(f"train: validation_data: {ending}", validation_data=data)

    @pytest.mark.parametrize(
        ("epochs", "batch_size", "wrong"),
        [
            (0, 2, "epochs=0"),
            (-1, 2, "epochs=-1"),
            (2, 0, "batch_size=0"),
            (2, -3, "batch_size=-3"),
        ],
    )
    def test_counts_below_one(self, epochs: int, batch_size: int, wrong: str) -> None:
        self.refuse(
            f"train: {wrong} came, expected at least 1", epochs=epochs, batch_size=batch_size
        )

    def test_an_optimizer_of_another_network(self) -> None:
        other = network_and_optimizer()[1]
        self.refuse(
            "train: the optimizer holds none of the network's parameters, so nothing would be "
            "learned: make it from network.parameters()",
            optimizer=other,
        )

    def test_an_optimizer_copied_apart(self) -> None:
        network, optimizer = network_and_optimizer()
        with pytest.raises(ValueError, match="holds none of the network's parameters"):
            fit(network, X, T, loss=mse, optimizer=deepcopy(optimizer))


class TestProgress:
    def test_a_bar_with_the_mean_loss_of_the_epoch_so_far(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The numbers of the first test: 1.44 is the last batch's, 7.1467 the mean's."""
        line, optimizer = slope()
        fit(
            line,
            column(1, 1, 2),
            column(2, 4, 0),
            loss=mse,
            optimizer=optimizer,
            epochs=1,
            batch_size=2,
            shuffle=False,
            progress=True,
        )
        shown = capsys.readouterr()
        assert shown.out == ""
        last = shown.err.split("\r")[-1]
        assert "100%" in last
        assert "2/2" in last
        assert "epoch 1, loss 7.1467" in last
        assert last.endswith("\n")

    def test_it_counts_all_batches_of_all_epochs(self, capsys: pytest.CaptureFixture[str]) -> None:
        network, optimizer = network_and_optimizer()
        fit(network, X, T, loss=mse, optimizer=optimizer, epochs=4, batch_size=2, progress=True)
        last = capsys.readouterr().err.split("\r")[-1]
        assert "12/12" in last
        assert "epoch 4, loss " in last

    def test_none_by_default(self, capsys: pytest.CaptureFixture[str]) -> None:
        network, optimizer = network_and_optimizer()
        fit(network, X, T, loss=mse, optimizer=optimizer, epochs=1)
        assert capsys.readouterr() == ("", "")

    def test_the_result_is_the_same(self) -> None:
        results = []
        for progress in True, False:
            network, optimizer = network_and_optimizer()
            options: Any = {"epochs": 2, "batch_size": 2, "rng": 0, "progress": progress}
            history = fit(network, X, T, loss=mse, optimizer=optimizer, **options)
            results.append((state(network), history))
        assert results[0] == results[1]

    def test_without_tqdm_the_error_names_the_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "tqdm", None)
        network, optimizer = network_and_optimizer()
        before = state(network)
        with raises(
            ImportError,
            "progress=True needs tqdm, which is not installed: "
            "pip install 'layerwise[examples]', or leave progress out",
        ):
            fit(network, X, T, loss=mse, optimizer=optimizer, progress=True)
        assert state(network) == before
        fit(network, X, T, loss=mse, optimizer=optimizer, epochs=1)

    def test_an_error_closes_the_bar_where_it_stands(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """After the first of two batches: the mean is over the rows so far, not over all."""
        line, optimizer = slope()
        options: Any = {"epochs": 1, "batch_size": 2, "shuffle": False, "progress": True}
        data = column(1, 1, 2), column(2, 4, 0)
        with pytest.raises(ZeroDivisionError):
            fit(line, *data, loss=At(2, fail), optimizer=optimizer, **options)
        last = capsys.readouterr().err.split("\r")[-1]
        assert "1/2" in last
        assert "epoch 1, loss 10.0000" in last
        assert last.endswith("\n")


NO_STEP = "no step was made yet: look at the network's first values and at the loss"
TOO_LARGE = "the learning rate 0.05 is likely too large: try a tenth of it"
BACK = "Values and layers are back where the epoch began"


class TestFailedEpochs:
    """Three batches an epoch; the eighth is the second of the third epoch."""

    def fit(
        self, network: Layer[Any, Any], optimizer: Optimizer, loss: Any, epochs: int = 5
    ) -> History:
        rng = np.random.default_rng(9)
        return fit(
            network, X, T, loss=loss, optimizer=optimizer, epochs=epochs, batch_size=2, rng=rng
        )

    def good(self, epochs: int) -> Sequential[Any]:
        """The network as it is after so many epochs that went well."""
        network, optimizer = network_and_optimizer()
        if epochs:
            self.fit(network, optimizer, mse, epochs)
        return network

    def assert_undone(self, network: Sequential[Any], optimizer: Optimizer, epochs: int) -> None:
        """All is as after so many epochs; the optimizer starts as if it were new."""
        good = self.good(epochs)
        assert state(network) == state(good)
        assert no_gradients(network)
        new = Adam(good.parameters(), 0.05)
        self.fit(network, optimizer, mse, 1)
        self.fit(good, new, mse, 1)
        assert state(network) == state(good)

    @pytest.mark.parametrize("value", [nan, inf, -inf])
    @pytest.mark.parametrize(
        ("call", "epoch", "batch"), [(1, 1, 1), (3, 1, 3), (4, 2, 1), (8, 3, 2), (15, 5, 3)]
    )
    def test_a_loss_that_is_not_finite(
        self, call: int, epoch: int, batch: int, value: float
    ) -> None:
        """Nothing is done with its gradient, which here would fit nowhere."""
        network, optimizer = network_and_optimizer()
        loss = At(call, lambda _, grad: (value, grad[:0]))
        cause = TOO_LARGE if call > 1 else NO_STEP
        with raises(
            FloatingPointError,
            f"train: the loss is {value} in epoch {epoch}, batch {batch}; {cause}. {BACK}",
        ):
            self.fit(network, optimizer, loss)
        assert loss.calls == call
        self.assert_undone(network, optimizer, epoch - 1)

    @pytest.mark.parametrize("bad", [nan, inf, -inf])
    def test_a_value_that_is_not_finite_at_the_end_of_an_epoch(self, bad: float) -> None:
        """The loss of the sixth batch is finite, its gradient is not; no loss follows to tell."""
        network, optimizer = network_and_optimizer()
        loss = At(6, lambda value, grad: (value, np.where(grad == grad.max(), bad, grad)))
        with raises(
            FloatingPointError,
            f"train: a value is not finite after the last batch of epoch 2; {TOO_LARGE}. {BACK}",
        ):
            self.fit(network, optimizer, loss)
        self.assert_undone(network, optimizer, 1)

    @pytest.mark.parametrize("bad", [nan, inf, -inf])
    def test_one_infinite_value_is_enough(self, bad: float) -> None:
        """Written by the loss in the last batch, so that nothing else is."""
        network, optimizer = network_and_optimizer()

        def write(value: float, grad: Array) -> tuple[float, Array]:
            network[0].parameters()[1].value[2] = bad
            return value, 0 * grad

        optimizer = Adam(network.parameters(), 0.05)
        with pytest.raises(FloatingPointError, match="a value is not finite after the last batch"):
            self.fit(network, optimizer, At(3, write))
        self.assert_undone(network, optimizer, 0)

    def test_a_layers_array_that_becomes_infinite(self) -> None:
        network, optimizer = network_and_optimizer()

        def write(value: float, grad: Array) -> tuple[float, Array]:
            vars(network[1])["mean"][0] = inf
            return value, grad

        with pytest.raises(FloatingPointError, match="a value is not finite after the last batch"):
            self.fit(network, optimizer, At(6, write))
        self.assert_undone(network, optimizer, 1)

    def test_when_another_optimizer_has_taken_the_parameters(self) -> None:
        """And they were changed since: the start of the epoch is what they are now."""
        network, optimizer = network_and_optimizer()
        SGD(network.parameters(), 1.0)
        network.parameters()[0].value *= 2
        before = state(network)
        with pytest.raises(FloatingPointError, match="in epoch 1, batch 2"):
            self.fit(network, optimizer, At(2, lambda _, grad: (nan, grad)))
        assert state(network) == before

    def test_a_real_learning_rate_too_large(self) -> None:
        """The error grows 1.6e5-fold a step, so it is infinite long before 200. No warning."""
        line, _ = slope()
        optimizer = SGD(line.parameters(), 1e5)
        with pytest.raises(FloatingPointError, match="the learning rate 100000 is likely too lar"):
            fit(line, column(1), column(1), loss=mse, optimizer=optimizer, epochs=200)
        assert np.isfinite(line.W.value).all()
        assert abs(line.W.value[0, 0]) > 1e100

    def test_a_real_learning_rate_too_large_in_the_first_epoch(self) -> None:
        line, _ = slope(0.25)
        optimizer = SGD(line.parameters(), 1e300)
        options: Any = {"epochs": 1, "batch_size": 1}
        with pytest.raises(FloatingPointError, match="in epoch 1, batch 2; the learning rate 1e"):
            fit(line, column(*[1] * 4), column(*[1] * 4), loss=mse, optimizer=optimizer, **options)
        assert line.W.value.tolist() == [[0.25]]

    @pytest.mark.parametrize(("in_X", "in_y", "named"), [(1, 0, "X"), (0, 1, "y"), (1, 1, "X")])
    @pytest.mark.parametrize("bad", [nan, inf])
    def test_data_that_are_not_finite_are_named(
        self, in_X: int, in_y: int, named: str, bad: float
    ) -> None:
        rows, targets = X.copy(), T.copy()
        if in_X:
            rows[3, 1] = bad
        if in_y:
            targets[3, 1] = bad
        network = Sequential(Dense(3, 2, rng=0))
        optimizer = SGD(network.parameters(), 0.05)
        before = state(network)
        options: Any = {"epochs": 2, "batch_size": 2, "shuffle": False}
        value = bad if in_X + in_y == 1 else nan  # inf - inf is nan
        with raises(
            FloatingPointError,
            f"train: the loss is {value} in epoch 1, batch 2; {named} has numbers that are not "
            f"finite: remove or replace them first. {BACK}",
        ):
            fit(network, rows, targets, loss=mse, optimizer=optimizer, **options)
        assert state(network) == before

    def test_data_are_named_where_only_a_value_tells(self) -> None:
        """A loss blind to it lets a nan in X through to the weights."""
        rows = X.copy()
        rows[4, 1] = nan
        network = Sequential(Dense(3, 2, rng=0))
        optimizer = SGD(network.parameters(), 0.05)

        def blind(Y: Array, target: NDArray[Any]) -> tuple[float, Array]:
            return 1.0, Y - target

        with raises(
            FloatingPointError,
            "train: a value is not finite after the last batch of epoch 1; X has numbers that are "
            f"not finite: remove or replace them first. {BACK}",
        ):
            fit(network, rows, T, loss=blind, optimizer=optimizer, batch_size=2)

    def test_integers_are_finite(self) -> None:
        layer = Dense(1, 2, rng=0)
        optimizer = SGD(layer.parameters(), 0.05)
        rows, classes = np.ones((2, 1), int), np.array([0, 1])

        def bad(Y: Array, target: NDArray[Any]) -> tuple[float, Array]:
            return nan, Y

        numbers: Any = rows
        with raises(
            FloatingPointError, f"train: the loss is nan in epoch 1, batch 1; {NO_STEP}. {BACK}"
        ):
            fit(layer, numbers, classes, loss=bad, optimizer=optimizer)

    def test_an_error_of_the_loss_undoes_the_epoch(self) -> None:
        network, optimizer = network_and_optimizer()
        with raises(ZeroDivisionError, "in the loss"):
            self.fit(network, optimizer, At(8, fail))
        self.assert_undone(network, optimizer, 2)

    def test_an_error_of_a_layer_undoes_the_epoch(self) -> None:
        """In backward, after the last layer has added its gradient."""

        class Fails(ReLU):
            calls = 0

            def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
                Y, relu_back = super().forward(X)

                def backward(grad: Array) -> Array:
                    Fails.calls += 1
                    if Fails.calls == 5:
                        raise ZeroDivisionError("in the layer")
                    return relu_back(grad)

                return Y, backward

        network = Sequential[Any](Dense(3, 4, rng=1), Noise(4), Fails(), Dense(4, 2, rng=2))
        optimizer = Adam(network.parameters(), 0.05)
        with raises(ZeroDivisionError, "in the layer"):
            self.fit(network, optimizer, mse)
        self.assert_undone(network, optimizer, 1)

    def test_an_error_in_validation_undoes_the_epoch(self) -> None:
        network, optimizer = network_and_optimizer()
        before = state(network)
        with pytest.raises(ValueError, match="nothing is broadcast"):
            fit(
                network,
                X,
                T,
                loss=mse,
                optimizer=optimizer,
                epochs=1,
                validation_data=(X, T[:, :1]),
            )
        assert state(network) == before


class TestKeyboardInterrupt:
    def test_in_the_loss_it_keeps_the_values_so_far(self) -> None:
        """The first batch makes w 0.6; the second is interrupted."""
        line, optimizer = slope()
        options: Any = {"epochs": 2, "batch_size": 2, "shuffle": False}
        loss = At(2, stop)
        with pytest.raises(KeyboardInterrupt):
            fit(line, column(1, 1, 2), column(2, 4, 0), loss=loss, optimizer=optimizer, **options)
        assert line.W.value[0, 0] == pytest.approx(0.6, rel=1e-14)
        assert no_gradients(line)

    def test_nothing_but_gradients_is_touched(self) -> None:
        """The noise drawn and the optimizer's means stay, too: training can go on."""
        network, optimizer = network_and_optimizer()
        other, by_hand = deepcopy((network, optimizer))
        options: Any = {"epochs": 1, "batch_size": 2, "shuffle": False}
        with pytest.raises(KeyboardInterrupt):
            fit(network, X, T, loss=At(2, stop), optimizer=optimizer, **options)
        for rows in [0, 1], [2, 3]:
            Y, backward = other.forward(X[rows])
            if rows[0] == 0:
                backward(mse(Y, T[rows])[1])
                by_hand.step()
        assert state(network) == state(other)
        for one, its_optimizer in (network, optimizer), (other, by_hand):
            fit(one, X, T, loss=mse, optimizer=its_optimizer, **options)
        assert state(network) == state(other)

    def test_in_a_layer_on_the_way_back_the_gradients_added_are_zeroed(self) -> None:
        class Stops(ReLU):
            def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
                def backward(grad: Array) -> Array:
                    had_gradient.append(head.W.has_grad)
                    raise KeyboardInterrupt

                return X, backward

        had_gradient: list[bool] = []
        head = Dense(4, 2, rng=0)
        network = Sequential(Dense(3, 4, rng=0), Stops(), head)
        optimizer = SGD(network.parameters(), 0.1)
        before = state(network)
        with pytest.raises(KeyboardInterrupt):
            fit(network, X, T, loss=mse, optimizer=optimizer)
        assert had_gradient == [True]
        assert no_gradients(network)
        assert state(network) == before

    def test_with_values_that_are_not_finite_it_goes_back_to_the_start_of_the_epoch(self) -> None:
        network, optimizer = network_and_optimizer()
        reference, its_optimizer = deepcopy((network, optimizer))
        options: Any = {"batch_size": 2, "rng": 9}
        fit(reference, X, T, loss=mse, optimizer=its_optimizer, epochs=1, **options)
        calls = []

        def loss(Y: Array, target: Array) -> tuple[float, Array]:
            calls.append(len(Y))
            if len(calls) == 5:
                raise KeyboardInterrupt
            value, grad = mse(Y, target)
            return value, grad * (nan if len(calls) == 4 else 1)

        with pytest.raises(KeyboardInterrupt):
            fit(network, X, T, loss=loss, optimizer=optimizer, epochs=2, **options)
        assert state(network) == state(reference)
        assert no_gradients(network)
        its_optimizer.reset()
        for one, own in (network, optimizer), (reference, its_optimizer):
            fit(one, X, T, loss=mse, optimizer=own, epochs=1, **options)
        assert state(network) == state(reference)


class Masked(Layer[Array, Array]):
    """Y = X + mask, of arrays that are infinite or cannot be written to."""

    def __init__(self) -> None:
        self.mask = np.array([0.0, -np.inf])
        self.mask.flags.writeable = False
        self.other = np.array([-np.inf])

    def forward(self, X: Array, /) -> Any:
        def backward(grad: Array) -> Array:
            return grad

        return X + np.maximum(self.mask, -1), backward


@pytest.mark.parametrize("learning_rate", [0.1, 1e200])
def test_arrays_that_were_never_finite_or_writable_are_left_alone(learning_rate: float) -> None:
    masked = Masked()
    network = Sequential(Dense(2, 2, rng=0), masked)
    optimizer = SGD(network.parameters(), learning_rate)
    X = np.ones((3, 2))
    before = optimizer.vector.value.copy()

    def train() -> None:
        fit(network, X, X, loss=MeanSquaredError(), optimizer=optimizer, epochs=3)

    if learning_rate < 1:
        train()
        assert not np.array_equal(optimizer.vector.value, before)
    else:
        with pytest.raises(FloatingPointError, match="the learning rate 1e"):
            train()
        assert np.all(np.isfinite(optimizer.vector.value))
    assert masked.other.tolist() == [-np.inf]


def test_bad_input_before_any_step_costs_no_moments() -> None:
    layer = Dense(2, 1, rng=0)
    adam = Adam(layer.parameters())
    X, y = np.ones((4, 2)), np.ones((4, 1))
    fit(layer, X, y, loss=MeanSquaredError(), optimizer=adam, epochs=1)
    moments = [moment.copy() for moment in adam.moments]
    with pytest.raises(ValueError, match="same shape"):
        fit(layer, X, y[:, 0], loss=MeanSquaredError(), optimizer=adam, epochs=1)
    assert adam.steps == 1
    for moment, before in zip(adam.moments, moments, strict=True):
        assert np.array_equal(moment, before)
        assert before.any()


def test_the_history_is_of_floats() -> None:
    def loss(Y: Array, target: Array) -> tuple[float, Array]:
        value: Any = np.float32(0.5)
        return value, np.zeros_like(Y)

    layer = Dense(2, 1, rng=0, dtype=np.float32)
    sgd = SGD(layer.parameters())
    data = (np.ones((4, 2), np.float32), np.ones((4, 1), np.float32))
    history = fit(layer, *data, loss=loss, optimizer=sgd, epochs=1, validation_data=data)
    assert [type(x) for x in history.loss + history.validation_loss] == [float, float]


class TestTrain:
    """The generator that `fit` goes through."""

    def options(self, network: Layer[Any, Any], **others: Any) -> dict[str, Any]:
        optimizer = Adam(network.parameters(), 0.05)
        return {"loss": mse, "optimizer": optimizer, "batch_size": 2, "rng": 0, **others}

    def test_each_step_is_an_epoch_and_fit_is_all_of_them(self) -> None:
        one, other = network_and_optimizer()[0], network_and_optimizer()[0]
        data: Any = {"validation_data": (X[:2], T[:2]), "metrics": {"rows": lambda Y, y: len(Y)}}
        history = fit(one, X, T, epochs=4, **self.options(one), **data)
        epochs = list(train(other, X, T, epochs=4, **self.options(other), **data))
        assert [epoch.number for epoch in epochs] == [1, 2, 3, 4]
        assert [epoch.loss for epoch in epochs] == history.loss
        assert [epoch.validation_loss for epoch in epochs] == history.validation_loss
        assert [dict(epoch.metrics) for epoch in epochs] == [{"rows": 2.0}] * 4
        assert history.metrics == {"rows": [2.0] * 4}
        assert state(one) == state(other)

    def test_what_was_not_asked_for_is_empty(self) -> None:
        network, _ = network_and_optimizer()
        (epoch,) = train(network, X, T, epochs=1, **self.options(network))
        assert epoch.validation_loss is None
        assert epoch.metrics == {}
        assert fit(network, X, T, epochs=1, **self.options(network)).metrics == {}

    def test_a_loop_that_is_left_early_has_done_so_many_epochs(self) -> None:
        one, other = network_and_optimizer()[0], network_and_optimizer()[0]
        for epoch in train(one, X, T, epochs=50, **self.options(one)):
            if epoch.number == 3:
                break
        fit(other, X, T, epochs=3, **self.options(other))
        assert state(one) == state(other)

    def test_and_leaves_nothing_open(self, capsys: pytest.CaptureFixture[str]) -> None:
        """No bar, no gradient, and no copy that fit keeps to undo an epoch."""
        network, _ = network_and_optimizer()
        options = self.options(network, progress=True)
        gc.collect()
        before = {id(item) for item in gc.get_objects() if isinstance(item, Snapshot)}
        for _ in train(network, X, T, epochs=5, **options):
            break
        gc.collect()
        assert {id(i) for i in gc.get_objects() if isinstance(i, Snapshot)} <= before
        assert capsys.readouterr().err.split("\r")[-1].endswith("\n")
        assert no_gradients(network)

    def test_gradients_are_zero_between_epochs(self) -> None:
        network, _ = network_and_optimizer()
        for _ in train(network, X, T, epochs=2, **self.options(network)):
            assert no_gradients(network)

    def test_a_schedule_is_an_assignment(self) -> None:
        """The numbers of the first test, with half the rate in the second epoch."""
        line, optimizer = slope()
        run = train(
            line,
            column(1, 1, 2),
            column(2, 4, 0),
            loss=mse,
            optimizer=optimizer,
            epochs=2,
            batch_size=3,
            shuffle=False,
        )
        values = []
        for epoch in run:
            values.append(line.W.value.item())
            optimizer.learning_rate = 0.1 / (epoch.number + 1)
        first = 0.1 * 2 / 3 * 6
        assert values[0] == pytest.approx(first)
        slope_there = 2 / 3 * ((first - 2) + (first - 4) + 2 * 2 * first)
        assert values[1] == pytest.approx(first - 0.05 * slope_there)

    def test_errors_of_arguments_come_at_once(self) -> None:
        network, _ = network_and_optimizer()
        with pytest.raises(ValueError, match="train: epochs=0 came"):
            train(network, X, T, epochs=0, **self.options(network))

    def test_an_epoch_that_fails_is_undone_and_ends_the_run(self) -> None:
        network, _ = network_and_optimizer()
        options = self.options(network, loss=At(5, fail))
        run = train(network, X, T, epochs=4, **options)
        next(run)
        after_one = state(network)
        with raises(ZeroDivisionError, "in the loss"):
            next(run)
        assert state(network) == after_one
        assert next(run, None) is None


class TestMetrics:
    def test_they_see_the_answers_for_all_rows_at_once(self) -> None:
        """Of the validation data where there is some, or else of X; with the values after it."""
        network, optimizer = network_and_optimizer()
        seen: list[tuple[Array, NDArray[Any]]] = []

        def count(Y: Array, target: NDArray[Any]) -> int:
            seen.append((Y, target))
            return len(Y)

        options: Any = {"loss": mse, "optimizer": optimizer, "epochs": 2, "batch_size": 2}
        history = fit(network, X, T, metrics={"count": count}, **options)
        assert history.metrics == {"count": [5.0, 5.0]}
        np.testing.assert_array_equal(
            seen[-1][0], np.concatenate([network(X[i : i + 2]) for i in (0, 2, 4)])
        )
        np.testing.assert_array_equal(seen[-1][1], T)
        history = fit(
            network, X, T, metrics={"count": count}, validation_data=(X[:3], T[:3]), **options
        )
        assert history.metrics == {"count": [3.0, 3.0]}
        np.testing.assert_array_equal(seen[-1][1], T[:3])

    def test_scikit_learn_s_do(self) -> None:
        network, optimizer = network_and_optimizer()
        metrics = {"R²": lambda Y, y: r2_score(y, Y)}
        history = fit(network, X, T, loss=mse, optimizer=optimizer, epochs=2, metrics=metrics)
        assert history.metrics["R²"][-1] == r2_score(T, network(X))

    def test_answers_in_tuples_are_joined_part_by_part(self) -> None:
        class Two(Layer[Array, tuple[Array, Array]]):
            def __init__(self) -> None:
                self.a = Parameter(np.ones(1))

            def forward(self, X: Array, /) -> Any:
                def backward(grad: tuple[Array, Array]) -> Array:
                    self.a.add_grad(np.ones(1))
                    return X

                return (X, 2 * X), backward

        def loss(Y: tuple[Array, Array], target: Array) -> tuple[float, tuple[Array, Array]]:
            return 0.0, Y

        network, shapes = Two(), []

        def metric(Y: tuple[Array, Array], target: Array) -> float:
            shapes.append((Y[0].shape, Y[1].shape))
            return 0.0

        optimizer = SGD(network.parameters())
        fit(
            network,
            X,
            T,
            loss=loss,
            optimizer=optimizer,
            epochs=1,
            batch_size=2,
            metrics={"": metric},
        )
        assert shapes == [((5, 3), (5, 3))]

    def test_one_that_raises_undoes_the_epoch(self) -> None:
        network, optimizer = network_and_optimizer()
        before = state(network)

        def metric(Y: Array, target: NDArray[Any]) -> float:
            raise ZeroDivisionError("in the metric")

        with raises(ZeroDivisionError, "in the metric"):
            fit(network, X, T, loss=mse, optimizer=optimizer, metrics={"m": metric})
        assert state(network) == before


class Selected(Layer[tuple[Array, Array], Array]):
    """Y = (X ⊙ M) W + b: a layer of a tuple."""

    def __init__(self) -> None:
        self.dense = Dense(3, 2, rng=0)

    def forward(
        self, X: tuple[Array, Array], /
    ) -> tuple[Array, Callable[[Array], tuple[Array, Array]]]:
        A, M = X
        Y, back = self.dense.forward(A * M)

        def backward(grad: Array) -> tuple[Array, Array]:
            return back(grad) * M, np.zeros_like(M)

        return Y, backward


class TestTuples:
    def test_rows_of_all_arrays_go_together(self) -> None:
        """With the masked numbers given as zeros the same is learned."""
        M = (rng.random((5, 3)) < 0.5).astype(float)
        masked, plain = Selected(), Dense(3, 2, rng=0)
        results = []
        networks: list[tuple[Any, Any]] = [(masked, (X, M)), (plain, X * M)]
        for network, data in networks:
            history = fit(
                network,
                data,
                T,
                loss=mse,
                optimizer=SGD(network.parameters(), 0.1),
                epochs=3,
                batch_size=2,
                rng=0,
                validation_data=(data, T),
            )
            results.append((history, state(network)))
        assert results[0] == results[1]

    @pytest.mark.parametrize(
        ("rows", "of_mask", "targets"), [(5, 4, 5), (5, 5, 4), (4, 5, 5), (0, 0, 0)]
    )
    def test_rows_that_do_not_match(self, rows: int, of_mask: int, targets: int) -> None:
        network = Selected()
        data: Any = (np.ones((rows, 3)), np.ones((of_mask, 3)))
        message = (
            f"shapes ({rows}, 3) and ({of_mask}, 3) and ({targets}, 2) came, expected one row for "
            "each example, equally many in all and at least one"
        )
        options: Any = {"loss": mse, "optimizer": SGD(network.parameters())}
        with raises(ValueError, f"train: X and y: {message}"):
            fit(network, data, np.ones((targets, 2)), **options)
        good = np.ones((5, 3)), np.ones((5, 3))
        with raises(ValueError, f"train: validation_data: {message}"):
            fit(network, good, T, validation_data=(data, np.ones((targets, 2))), **options)


class TestInterrupted:
    def test_it_hands_out_the_history_so_far(self) -> None:
        network, optimizer = network_and_optimizer()
        options: Any = {"epochs": 9, "batch_size": 2, "rng": 0}
        with raises(
            KeyboardInterrupt,
            "\nfit was interrupted after 2 epochs. The values reached are kept; the History is "
            "this error's .history, in a session sys.last_value.history.",
        ) as caught:
            fit(network, X, T, loss=At(8, stop), optimizer=optimizer, **options)
        other, adam = network_and_optimizer()
        whole = fit(other, X, T, loss=mse, optimizer=adam, **options | {"epochs": 2})
        assert vars(caught.value)["history"] == whole
        assert no_gradients(network)

    def test_it_ends_a_program_like_any_other(self) -> None:
        """With the exit code by which a shell's loop ends too."""
        program = (
            "import os, signal, numpy as np\nfrom layerwise import *\n"
            "def loss(Y, target): os.kill(os.getpid(), signal.SIGINT); return 0.0, Y\n"
            "line = Dense(1, 1); X = np.ones((2, 1))\n"
            "fit(line, X, X, loss=loss, optimizer=SGD(line.parameters()))"
        )
        run = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=False
        )
        assert run.returncode == -signal.SIGINT
        assert "KeyboardInterrupt" in run.stderr
        assert "fit was interrupted after 0 epochs." in run.stderr


class TestArgumentsOfAnotherKind:
    def refuse(self, message: str, network: Any = None, **others: Any) -> None:
        own, optimizer = network_and_optimizer()
        options: Any = {"loss": mse, "optimizer": optimizer, **others}
        with raises(TypeError, message):
            fit(network or own, X, T, **options)

    def test_a_network_that_is_no_layer(self) -> None:
        remedy = "expected a Layer: a network is a layer, such as a Sequential"
        self.refuse(f"train: network is a list of 2, {remedy}", network=[Dense(3, 2), ReLU()])
        self.refuse(f"train: network is the class ReLU, {remedy}", network=ReLU)

    def test_an_optimizer_that_is_none(self) -> None:
        remedy = "expected an Optimizer: make one: Adam(network.parameters())"
        self.refuse(f"train: optimizer is the class Adam, {remedy}", optimizer=Adam)
        self.refuse(f"train: optimizer is None, {remedy}", optimizer=None)

    def test_a_loss_that_is_none(self) -> None:
        remedy = "expected one to be called with (Y, target), such as MeanSquaredError()"
        self.refuse(f"train: loss is the class MeanSquaredError, {remedy}", loss=MeanSquaredError)
        self.refuse(f"train: loss is a str, {remedy}", loss="mse")

    def test_a_loss_that_returns_only_its_value(self) -> None:
        def half(Y: Array, target: Array) -> float:
            return 0.5

        self.refuse("half returned a float, expected a pair: (value, gradient)", loss=half)

    @pytest.mark.parametrize(
        ("value", "came"),
        [
            (None, "None"),
            (np.ones(3), "an array of shape (3,) and dtype float64"),
            (np.array(["1"]), "an array of shape (1,) and dtype <U1"),
        ],
    )
    def test_a_loss_or_metric_that_is_no_number(self, value: Any, came: str) -> None:
        def half(Y: Array, target: Array) -> tuple[Any, Array]:
            return value, Y

        def mean(Y: Array, target: Array) -> Any:
            return value

        self.refuse(f"half: the value is {came}, expected one number", loss=half)
        metrics = {"share": mean}
        self.refuse(f"mean: the metric 'share' is {came}, expected one number", metrics=metrics)

    def test_an_array_of_one_number_is_a_number(self) -> None:
        line, optimizer = slope()
        metrics: Any = {"m": lambda Y, target: np.array([2.0])}
        history = fit(
            line, column(1), column(1), loss=mse, optimizer=optimizer, epochs=1, metrics=metrics
        )
        assert history.metrics["m"] == [2.0]

    def test_a_forward_that_returns_only_its_answer(self) -> None:
        class Half(Layer[Any, Any]):
            def __init__(self) -> None:
                self.a = Parameter(np.ones(1))

            def forward(self, X: Any, /) -> Any:
                return X

        half = Half()
        self.refuse(
            "Half returned an array, expected a pair: (Y, backward)",
            network=half,
            optimizer=SGD(half.parameters()),
        )

    def test_validation_data_of_another_form(self) -> None:
        for data, kind in ((X,), "a tuple of 1"), ((X,) * 4, "a tuple of 4"), (X, "an array"):
            self.refuse(
                f"train: validation_data is {kind}, expected a pair (X, y), or (X, y, weight)",
                validation_data=data,
            )

    @pytest.mark.parametrize("bad", [nan, inf])
    def test_validation_data_that_is_not_finite(self, bad: float) -> None:
        network, optimizer = network_and_optimizer()
        wrong = X.copy()
        wrong[1, 1] = bad
        for name, data in ("X", (wrong, T)), ("y", (X, wrong[:, :2])):
            with raises(
                ValueError,
                f"train: validation_data: {name} has numbers that are not finite: remove or "
                "replace them first",
            ):
                fit(network, X, T, loss=mse, optimizer=optimizer, validation_data=data)

    def test_counts_that_are_no_whole_numbers(self) -> None:
        for name in "epochs", "batch_size":
            for value in 2.0, "2", None:
                self.refuse(
                    f"train: {name}={value!r} came, expected a whole number", **{name: value}
                )

    def test_numpy_s_whole_numbers_of_any_width_are_counts(self) -> None:
        """300 rows are more than a uint8 counts."""
        line, optimizer = slope()
        rows: Rows = Rows()
        many = np.ones((300, 1))
        line.W.value[...] = -1.0
        counts: Any = {"epochs": np.uint8(1), "batch_size": np.uint8(200)}
        fit(line, -many, many, loss=lambda Y, y: rows(-Y, y), optimizer=optimizer, **counts)
        assert list(map(len, rows.seen)) == [200, 100]

    def test_metrics_that_are_no_functions_by_name(self) -> None:
        self.refuse(
            'train: metrics is a list of 1, expected a Mapping: as in {"accuracy": accuracy}',
            metrics=[len],
        )


class TestTheUndoItself:
    def test_parameters_that_another_optimizer_took_in_the_epoch(self) -> None:
        network, optimizer = network_and_optimizer()
        before = state(network)

        def take(value: float, grad: Array) -> tuple[float, Array]:
            other = SGD(network.parameters(), 1.0)
            network.parameters()[0].add_grad(np.ones((3, 4)))
            other.step()
            raise ZeroDivisionError("after another took them")

        with raises(ZeroDivisionError, "after another took them"):
            fit(network, X, T, loss=At(1, take), optimizer=optimizer)
        assert state(network) == before

    def test_and_parameters_that_are_only_another_optimizer_s(self) -> None:
        network, _ = network_and_optimizer()
        optimizer = Adam(network.parameters()[:1], 0.05)
        before = state(network)

        def take(value: float, grad: Array) -> tuple[float, Array]:
            other = SGD(network.parameters()[1:], 1.0)
            for parameter in network.parameters()[1:]:
                parameter.add_grad(np.ones(parameter.shape))
            other.step()
            raise ZeroDivisionError("after another took them")

        with raises(ZeroDivisionError, "after another took them"):
            fit(network, X, T, loss=At(1, take), optimizer=optimizer)
        assert state(network) == before

    def test_an_error_in_it_never_hides_the_first(self) -> None:
        network, optimizer = network_and_optimizer()

        def lock(value: float, grad: Array) -> tuple[float, Array]:
            vars(network[1])["mean"].flags.writeable = False
            raise ZeroDivisionError("the first")

        with raises(
            ZeroDivisionError,
            "the first\nNot all of the epoch could be undone: "
            "ValueError('assignment destination is read-only')",
        ):
            fit(network, X, T, loss=At(2, lock), optimizer=optimizer)


class TestSampleWeight:
    def test_by_hand(self) -> None:
        """Errors −2 with weight 3 and −4 with 1: loss (3·4 + 16) / 4, slope −(3·4 + 8) / 4."""
        line, optimizer = slope()
        history = fit(
            line,
            column(1, 1),
            column(2, 4),
            loss=mse,
            optimizer=optimizer,
            epochs=1,
            sample_weight=np.array([3, 1]),
            validation_data=(column(1, 2), column(0, 0), np.array([2, 6])),
        )
        assert history.loss == pytest.approx([7], rel=1e-14)
        assert line.W.value[0, 0] == pytest.approx(0.5, rel=1e-14)
        assert history.validation_loss == pytest.approx([0.25 * (2 * 1 + 6 * 4) / 8], rel=1e-14)

    def test_epochs_are_means_by_weight(self) -> None:
        """Batches of weights 3 and 1 with the losses 4 and (4 − .4)², after a step of .4."""
        line, optimizer = slope()
        history = fit(
            line,
            column(1, 1),
            column(2, 4),
            loss=mse,
            optimizer=optimizer,
            epochs=1,
            batch_size=1,
            shuffle=False,
            sample_weight=np.array([3, 1]),
            validation_data=(column(1, 1), column(0, 1), np.array([3, 1])),
        )
        assert history.loss == pytest.approx([(3 * 4 + 3.6**2) / 4], rel=1e-14)
        w = 0.4 + 0.2 * 3.6
        assert line.W.value[0, 0] == pytest.approx(w, rel=1e-14)
        assert history.validation_loss == pytest.approx([(3 * w**2 + (w - 1) ** 2) / 4], rel=1e-14)

    def test_ones_are_no_weights(self) -> None:
        runs = []
        for weight in None, np.ones(5):
            network, optimizer = network_and_optimizer()
            history = fit(network, X, T, loss=mse, optimizer=optimizer, rng=0, sample_weight=weight)
            runs.append(history.loss)
        assert runs[0] == pytest.approx(runs[1], rel=1e-12)

    def test_rows_of_weight_0_are_not_there(self) -> None:
        """Not in a batch, not in the layers' statistics, and not in what a metric sees."""
        seen: list[int] = []
        runs = []

        def total(Y: Array, target: Array) -> float:
            seen.append(len(target))
            return float(np.sum(Y - target))

        more, weight = [0, 1, 0, 2, 3, 3, 4], np.array([1, 1, 0, 1, 1, 0, 1])
        for rows, w in (np.arange(5), None), (np.array(more), weight):
            network, optimizer = network_and_optimizer()
            data: Any = (X[rows], T[rows]) if w is None else (X[rows], T[rows], w)
            history = fit(
                network,
                *data[:2],
                loss=mse,
                optimizer=optimizer,
                batch_size=2,
                epochs=3,
                shuffle=False,
                sample_weight=w,
                validation_data=data,
                metrics={"total": total},
            )
            runs.append((state(network), history.loss, history.metrics))
        assert set(seen) == {5}
        np.testing.assert_allclose(runs[0][1], runs[1][1], rtol=1e-12)
        np.testing.assert_allclose(runs[0][2]["total"], runs[1][2]["total"], rtol=1e-9)

    def test_weights_of_positions(self) -> None:
        """A row is left out where all of its positions are."""
        given: list[Any] = []

        def loss(Y: Array, target: Array, weight: Array) -> tuple[float, Array]:
            given.append(weight.tolist())
            return mse(Y, target, weight)

        network = Sequential(Tanh(), Dense(2, 2, rng=0))
        options: Any = {"loss": loss, "optimizer": SGD(network.parameters()), "epochs": 1}
        weight = np.array([[1, 0], [0, 0], [2, 3]])
        fit(
            network,
            np.ones((3, 2)),
            np.ones((3, 2)),
            shuffle=False,
            sample_weight=weight,
            **options,
        )
        assert given == [[[1, 0], [2, 3]]]

    def test_what_is_refused(self) -> None:
        line, optimizer = slope()
        data = column(1, 1), column(2, 4)
        options: Any = {"loss": mse, "optimizer": optimizer}
        with raises(
            ValueError,
            "train: X and y: shapes (2, 1) and (2, 1) and (3,) (the weights) came, expected one "
            "row for each example, equally many in all and at least one",
        ):
            fit(line, *data, sample_weight=np.ones(3), **options)
        with raises(
            ValueError,
            "train: X and y: weight has numbers from -1.0 to 1.0, expected finite numbers from 0 "
            "up",
        ):
            fit(line, *data, sample_weight=np.array([1, -1]), **options)
        with raises(
            ValueError,
            "train: validation_data: weight is 0 everywhere, so nothing is left to take a mean of",
        ):
            fit(line, *data, validation_data=(*data, np.zeros(2)), **options)
        weights: Any = {0: 1.0}
        with raises(
            TypeError,
            "train: X and y: weight is a dict, expected an array: one number after another",
        ):
            fit(line, *data, sample_weight=weights, **options)
        assert line.W.value.tolist() == [[0.0]]

    def test_a_loss_of_two_arguments_takes_no_weights(self) -> None:
        line, optimizer = slope()
        options: Any = {"loss": At(9, fail), "optimizer": optimizer}
        with pytest.raises(TypeError, match="takes 3 positional arguments but 4 were given"):
            fit(line, column(1, 1), column(2, 4), sample_weight=np.ones(2), **options)
        assert line.W.value.tolist() == [[0.0]]


class TestPenalty:
    def test_by_hand(self) -> None:
        """From w = 1: loss 1 for the error −1 and .5 for the weight; slope −2 and 1."""
        line, optimizer = slope(1.0)
        history = fit(
            line,
            column(1),
            column(2),
            loss=mse,
            optimizer=optimizer,
            epochs=1,
            penalty=L2(0.5),
            validation_data=(column(1), column(0)),
        )
        assert history.loss == pytest.approx([1.5], rel=1e-14)
        assert line.W.value[0, 0] == pytest.approx(1.1, rel=1e-14)
        assert history.validation_loss == pytest.approx([1.1**2], rel=1e-14)

    def test_any_function_of_the_parameters_is_one(self) -> None:
        line, optimizer = slope(1.0)
        seen: list[Any] = []

        def pull(parameters: Any) -> float:
            seen.append(list(parameters))
            line.W.add_grad(np.array([[3.0]]))
            return 4.0

        data = column(1), column(1)
        history = fit(line, *data, loss=mse, optimizer=optimizer, epochs=2, penalty=pull)
        assert history.loss == pytest.approx([4, 4.09], rel=1e-14)
        assert seen == [[line.W], [line.W]]

    def test_one_that_is_not_finite_undoes_the_epoch(self) -> None:
        line, optimizer = slope(1.0)
        with raises(
            FloatingPointError,
            "train: the loss is inf in epoch 1, batch 1; the learning rate 0.1 is likely too "
            f"large: try a tenth of it. {BACK}",
        ):
            fit(line, column(1), column(2), loss=mse, optimizer=optimizer, penalty=lambda _: inf)
        assert line.W.value.tolist() == [[1.0]]

    def test_what_is_none_is_refused(self) -> None:
        line, optimizer = slope()
        remedy = "expected one to be called with the parameters, such as L2(1e-4)"
        for given, kind in (L2, "the class L2"), (0.1, "a float"):
            options: Any = {"penalty": given}
            with raises(TypeError, f"train: penalty is {kind}, {remedy}"):
                fit(line, column(1), column(2), loss=mse, optimizer=optimizer, **options)


@pytest.fixture(scope="module", params=["C", "F"])
def on_disk(request: pytest.FixtureRequest, tmp_path_factory: Any) -> tuple[Any, Any, Any]:
    """X of 8 MB, y of 4 MB and weights, in files, in C order or by columns."""
    folder, rng = tmp_path_factory.mktemp("files"), np.random.default_rng(0)
    files = []
    for name, shape in ("X", (125_000, 8)), ("y", (125_000, 4)), ("weight", (125_000,)):
        array = np.asarray(rng.random(shape), order=request.param)
        np.save(folder / f"{name}.npy", array)
        files.append(np.load(folder / f"{name}.npy", mmap_mode="r"))
    return files[0], files[1], files[2]


class TestMemoryMapped:
    """What NumPy allocates meanwhile: a file that is mapped is no part of it, a copy of it is."""

    def peak(self, X: Any, y: Any, **options: Any) -> int:
        network = Dense(8, 4, rng=0)
        optimizer = SGD(network.parameters(), 0.01)
        options = {"loss": mse, "batch_size": 2500, "epochs": 1, **options}
        tracemalloc.start()
        try:
            fit(network, X, y, optimizer=optimizer, rng=0, **options)
        except FloatingPointError:
            pass
        finally:
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        return peak

    def test_fit_never_holds_the_data_as_a_whole(self, on_disk: tuple[Any, Any, Any]) -> None:
        """The order of the rows, and of the shuffled rows, is 1 MB each."""
        X, y, _ = on_disk
        assert self.peak(X, y) < 3_500_000
        assert self.peak(X, y, validation_data=(X, y), penalty=L2(1e-3)) < 4_500_000

    def test_nor_where_there_are_weights(self, on_disk: tuple[Any, Any, Any]) -> None:
        assert self.peak(*on_disk[:2], sample_weight=on_disk[2]) < 4_500_000

    def test_nor_where_the_loss_is_not_finite(self, on_disk: tuple[Any, Any, Any]) -> None:
        """The look for what is not finite in the data takes no memory."""
        assert self.peak(*on_disk[:2], loss=lambda Y, target: (nan, Y)) < 3_500_000

    def test_the_result_is_that_of_arrays(self, on_disk: tuple[Any, Any, Any]) -> None:
        results = []
        for X, y in on_disk[:2], tuple(map(np.array, on_disk[:2])):
            network = Dense(8, 4, rng=0)
            optimizer = SGD(network.parameters(), 0.01)
            fit(network, X, y, loss=mse, optimizer=optimizer, rng=0, epochs=1, batch_size=5000)
            results.append(network.W.value)
        assert np.array_equal(results[0], results[1])


class TestWhatElseTheUndoMeets:
    def test_what_fails_in_it_keeps_nothing_else_from_being_undone(self) -> None:
        network, optimizer = network_and_optimizer()
        fit(network, X, T, loss=mse, optimizer=optimizer, epochs=1, batch_size=2)
        before = state(network)

        def lock(value: float, grad: Array) -> tuple[float, Array]:
            vars(network[1])["mean"].flags.writeable = False
            raise ZeroDivisionError("the first")

        with pytest.raises(ZeroDivisionError, match="Not all of the epoch could be undone"):
            fit(network, X, T, loss=At(2, lock), optimizer=optimizer, batch_size=2)
        mean = [path for path, _ in walk(network)].index("1.mean")
        after = state(network)
        assert after[:mean] + after[mean + 1 :] == before[:mean] + before[mean + 1 :]
        assert after[mean] != before[mean]
        assert optimizer.steps == 0

    def test_arrays_that_refuse_writes_are_no_part_of_it(self) -> None:
        network, optimizer = network_and_optimizer()
        vars(network[1])["names"].flags.writeable = False
        with raises(ZeroDivisionError, "in the loss"):
            fit(network, X, T, loss=At(2, fail), optimizer=optimizer)

    def test_values_that_another_optimizer_made_infinite_are_seen(self) -> None:
        network, optimizer = network_and_optimizer()
        before = state(network)

        def spoil(value: float, grad: Array) -> tuple[float, Array]:
            SGD(network.parameters(), 1.0)
            network.parameters()[0].value[0, 0] = inf
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fit(network, X, T, loss=At(2, spoil), optimizer=optimizer, batch_size=2)
        assert state(network)[0] == before[0]


def test_what_is_thrown_into_a_run_between_epochs_undoes_none() -> None:
    network, optimizer = network_and_optimizer()
    run = train(network, X, T, loss=mse, optimizer=optimizer, rng=0)
    next(run)
    after_one, steps = state(network), optimizer.steps
    with raises(ZeroDivisionError, "from outside"):
        run.throw(ZeroDivisionError("from outside"))
    assert state(network) == after_one
    assert optimizer.steps == steps


def test_a_validation_loss_of_zero_is_kept() -> None:
    line, optimizer = slope(1.0)
    data = column(1, 2), column(1, 2)
    history = fit(line, *data, loss=mse, optimizer=optimizer, epochs=1, validation_data=data)
    assert history.validation_loss == [0.0]


def test_lists_in_a_tuple_are_arrays() -> None:
    network = Selected()
    ones: Any = ([[1.0] * 3] * 5, [[1.0] * 3] * 5)
    fit(network, ones, T, loss=mse, optimizer=SGD(network.parameters()), epochs=1)


def test_a_warning_in_a_metric_is_its_own() -> None:
    line, optimizer = slope()
    metrics = {"ratio": lambda Y, y: float((np.zeros(1) / np.zeros(1))[0])}
    options: Any = {"loss": mse, "optimizer": optimizer, "epochs": 1}
    with pytest.warns(RuntimeWarning, match="invalid value"):
        fit(line, column(1), column(1), metrics=metrics, **options)


@pytest.mark.parametrize("make", [np.ma.masked_array, scipy.sparse.csr_array])
def test_data_with_rules_of_its_own_is_refused(make: Any) -> None:
    """The numbers that a mask hides would be learned from."""
    line, optimizer = slope()
    with pytest.raises(TypeError, match=r"train: X and y: X is a \w+, expected a plain array"):
        fit(line, make(column(1, 2)), column(1, 2), loss=mse, optimizer=optimizer)


def test_a_metric_that_is_no_function_is_refused_at_once() -> None:
    line, optimizer = slope()
    wrong: Any = {"accuracy": "accuracy"}
    with raises(
        TypeError,
        "train: metric 'accuracy' is a str, expected one to be called with (Y, target), such as "
        "accuracy",
    ):
        fit(line, column(1), column(1), loss=mse, optimizer=optimizer, metrics=wrong)


def test_batches_of_which_everything_is_ignored_stop_no_training() -> None:
    network = Sequential(Dense(2, 3, rng=0))
    targets = np.full(40, -1)
    targets[:4] = [0, 1, 2, 0]
    history = fit(
        network,
        np.ones((40, 2)),
        targets,
        loss=SoftmaxCrossEntropy(ignore=-1),
        optimizer=SGD(network.parameters(), 0.1),
        batch_size=4,
        rng=0,
    )
    assert history.loss[-1] < history.loss[0]


class Pair(SGD):
    """One of two that step together: the other has the same gradients, and values of 0."""

    def __init__(self, parameters: list[Parameter]) -> None:
        super().__init__(parameters, 0.1)
        self.called: list[Any] = []

    def agree(self, network: Layer[Any, Any], **run: object) -> None:
        self.called.append((network, run))

    def mean(self, value: float, weight: float) -> float:
        self.called.append((value, weight))
        return value / 2

    def step(self, weight: float = 1.0) -> None:
        self.called.append(weight)
        super().step(weight)


class TestTogether:
    """What `train` tells an optimizer that steps together with others, and takes from it."""

    def test_by_hand(self) -> None:
        """Rows of weight 1, 2 and 3: the second batch is one row, as heavy as the first."""
        line, _ = slope()
        optimizer = Pair(line.parameters())
        history = fit(
            line,
            column(1, 1, 1),
            column(1, 2, 2),
            loss=mse,
            optimizer=optimizer,
            epochs=1,
            batch_size=2,
            shuffle=False,
            sample_weight=np.array([1, 2, 3]),
            validation_data=(column(0, 0, 0), column(2, 2, 2), np.array([0, 1, 3])),
            metrics={"rows": lambda Y, y: len(y)},
        )
        (network, run), *rest = optimizer.called
        assert network is line
        assert run == {"batches": 2, "epochs": 1, "validation_data": True, "metrics": ["rows"]}
        step_1, step_2, loss, metric, validation = rest
        w = 0.1 * 2 * (1 + 2 * 2) / 3
        value = (3 * (1 + 2 * 4) / 3 + 3 * (2 - w) ** 2) / 6
        assert (step_1, step_2, metric, validation) == (3.0, 3.0, (2.0, 2), (4.0, 4.0))
        assert loss == (pytest.approx(value), 6.0)
        assert history.loss == [loss[0] / 2]
        assert history.validation_loss == [2.0]
        assert history.metrics == {"rows": [1.0]}

    def test_without_weights_rows_count_and_nothing_else_is_asked(self) -> None:
        line, _ = slope()
        optimizer = Pair(line.parameters())
        fit(line, column(1, 1, 1), column(1, 1, 1), loss=mse, optimizer=optimizer, epochs=1)
        (_, run), *rest = optimizer.called
        assert run == {"batches": 1, "epochs": 1, "validation_data": False, "metrics": []}
        assert rest == [3.0, (1.0, 3.0)]

    def test_they_agree_before_the_first_epoch_and_after_all_refusals(self) -> None:
        line, _ = slope()
        optimizer = Pair(line.parameters())
        with pytest.raises(ValueError, match="epochs=0"):
            train(line, column(1), column(1), loss=mse, optimizer=optimizer, epochs=0)
        assert optimizer.called == []
        train(line, column(1), column(1), loss=mse, optimizer=optimizer)
        assert len(optimizer.called) == 1
