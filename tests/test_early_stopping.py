"""EarlyStopping by itself, and as fit uses it."""

from math import inf
from typing import Any

import numpy as np
import pytest

from layerwise import (
    SGD,
    Array,
    Dense,
    EarlyStopping,
    Epoch,
    MeanSquaredError,
    fit,
    train,
)
from tests.raising import raises

mse = MeanSquaredError()


def line(w: float = 0.0) -> Dense:
    """Y = w X."""
    layer = Dense(1, 1, bias=False)
    layer.W.value = np.array([[w]])
    return layer


def test_it_stops_after_so_many_epochs_without_a_lower_loss() -> None:
    stopping = EarlyStopping(line(), patience=2)
    assert [stopping.should_stop(loss) for loss in (3, 2, 2, 1.5, 1.6, 1.5)] == 5 * [False] + [True]
    assert stopping.lowest == 1.5


def test_a_patience_of_1_stops_at_the_first_that_is_no_better() -> None:
    stopping = EarlyStopping(line(), patience=1)
    assert [stopping.should_stop(loss) for loss in (3.0, 2.0, 2.0)] == [False, False, True]


def test_it_keeps_the_best_state_the_first_of_equal_ones() -> None:
    layer = line(7.0)
    stopping = EarlyStopping(layer, patience=9)
    assert (stopping.lowest, stopping.state["W"].item()) == (inf, 7.0)
    for w, loss in (1.0, 5.0), (2.0, 3.0), (3.0, 3.0), (4.0, 4.0):
        layer.W.value = np.array([[w]])
        stopping.should_stop(loss)
    stopping.restore()
    assert layer.W.value.tolist() == [[2.0]]


def test_it_reads_the_validation_loss_of_an_epoch_or_else_its_loss() -> None:
    stopping = EarlyStopping(line(), patience=1)
    assert not stopping.should_stop(Epoch(1, 9.0, 2.0, {}))
    assert stopping.lowest == 2.0
    assert not stopping.should_stop(Epoch(2, 1.0, None, {}))
    assert stopping.lowest == 1.0


def test_what_is_refused() -> None:
    network: Any = [line()]
    with raises(
        TypeError,
        "EarlyStopping: network is a list of 1, expected a Layer: it keeps the state of a network",
    ):
        EarlyStopping(network, 3)
    with raises(ValueError, "EarlyStopping: patience=0 came, expected at least 1"):
        EarlyStopping(line(), 0)
    losses: Any = [1.0, 2.0]
    with raises(
        TypeError,
        "EarlyStopping: a list of 2 came, expected an Epoch or a number: call it once after each "
        "epoch",
    ):
        EarlyStopping(line(), 1).should_stop(losses)


X, ones = np.ones((1, 1)), np.ones((1, 1))
# Training goes from w = 0 to 1 by w' = w + 0.2 (1 - w): 0.2, 0.36, 0.488, 0.5904, 0.67232. Held
# out data that are best answered with w = 0.5 make the third epoch the best one.
HELD_OUT: Any = (X, 0.5 * ones)


def run(**options: Any) -> tuple[Dense, list[float]]:
    layer = line()
    optimizer = SGD(layer.parameters(), 0.1)
    history = fit(layer, X, ones, loss=mse, optimizer=optimizer, **options)
    return layer, history.loss


class TestFit:
    def test_it_stops_and_puts_the_best_state_back(self) -> None:
        layer, losses = run(epochs=50, validation_data=HELD_OUT, patience=2)
        assert layer.W.value[0, 0] == pytest.approx(0.488, rel=1e-14)
        assert len(losses) == 5

    def test_it_puts_it_back_where_epochs_end_first(self) -> None:
        layer, losses = run(epochs=4, validation_data=HELD_OUT, patience=2)
        assert layer.W.value[0, 0] == pytest.approx(0.488, rel=1e-14)
        assert len(losses) == 4

    def test_without_patience_the_last_state_stays(self) -> None:
        layer, _ = run(epochs=5, validation_data=HELD_OUT)
        assert layer.W.value[0, 0] == pytest.approx(0.67232, rel=1e-14)

    def test_without_validation_data_the_loss_counts(self) -> None:
        """It gets ever lower, so that nothing stops."""
        layer, losses = run(epochs=5, patience=1)
        assert layer.W.value[0, 0] == pytest.approx(0.67232, rel=1e-14)
        assert len(losses) == 5

    def test_the_same_in_a_loop_of_ones_own(self) -> None:
        layer = line()
        optimizer, stopping = SGD(layer.parameters(), 0.1), EarlyStopping(layer, patience=2)
        epochs = train(
            layer, X, ones, loss=mse, optimizer=optimizer, epochs=50, validation_data=HELD_OUT
        )
        for epoch in epochs:
            if stopping.should_stop(epoch):
                break
        stopping.restore()
        assert epoch.number == 5
        assert layer.W.value[0, 0] == pytest.approx(0.488, rel=1e-14)

    def test_a_patience_that_is_none_is_refused_at_once(self) -> None:
        with raises(ValueError, "EarlyStopping: patience=0 came, expected at least 1"):
            run(patience=0)
        with raises(TypeError, "EarlyStopping: patience=1.5 came, expected a whole number"):
            run(patience=1.5)

    def test_an_interruption_leaves_the_values_as_they_are(self) -> None:
        layer, calls = line(), []

        def stopped(Y: Array, target: Array) -> tuple[float, Array]:
            calls.append(len(Y))
            if len(calls) == 9:  # two an epoch: in the fifth
                raise KeyboardInterrupt
            return mse(Y, target)

        optimizer = SGD(layer.parameters(), 0.1)
        with pytest.raises(KeyboardInterrupt):
            fit(
                layer,
                X,
                ones,
                loss=stopped,
                optimizer=optimizer,
                epochs=9,
                validation_data=HELD_OUT,
                patience=5,
            )
        assert layer.W.value[0, 0] == pytest.approx(0.5904, rel=1e-14)
