"""Many processes that train one network: as one would, and all or none to the end."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from mpi4py import MPI

from layerwise import (
    SGD,
    Adam,
    BatchNorm,
    Dense,
    History,
    MeanSquaredError,
    Optimizer,
    Parameter,
    ReLU,
    Sequential,
    Standardize,
    Tanh,
    exponential_decay,
    fit,
    train,
)
from layerwise.distributed import DataParallel, _end_together
from layerwise.saving import load, save
from tests import on_ranks
from tests.processes import outcome, run, start
from tests.raising import raises
from tests.thread_ranks import Room, Threads, on_threads

mse = MeanSquaredError()


def program(name: str, *before: str) -> list[str]:
    """The arguments of Python for one of tests/on_ranks.py."""
    return ["-W", "error", *before, "-m", "tests.on_ranks", name]


class TestOnProcesses:
    """By mpiexec, as users run it."""

    @pytest.mark.parametrize("size", [1, 2, 3, 4])
    def test_they_are_one_process_and_resume_bit_for_bit(self, size: int, tmp_path: Path) -> None:
        assert run(size, program("works"), tmp_path) == (0, "", "")

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            (
                "nan",
                "FloatingPointError: train: the loss is nan in epoch 3, batch 1; X has numbers",
            ),
            ("error", "KeyError: 'in the loss'\nThis was rank 1 of 2: all end now.\n"),
            ("missing", "No such file or directory: 'nowhere.npy'\nThis was rank 1 of 2: all end"),
            ("unequal", "DataParallel: batches is 3 on rank 1 and 2 on rank 0, expected one"),
        ],
    )
    def test_an_error_on_one_is_the_end_of_all(
        self, name: str, message: str, tmp_path: Path
    ) -> None:
        status, printed, errors = run(2, program(name), tmp_path)
        assert status == 1
        assert message in errors
        assert printed == ("printed before\n" if name == "error" else "")

    def test_so_is_one_that_is_killed(self, tmp_path: Path) -> None:
        status, _, _ = run(2, program("killed"), tmp_path)
        assert status == signal.SIGKILL

    def test_so_is_ctrl_c(self, tmp_path: Path) -> None:
        with start(2, program("interrupted"), tmp_path) as process:
            assert process.stdout is not None  # for mypy
            assert process.stdout.readline() == "training\n"
            os.killpg(process.pid, signal.SIGINT)
            _, errors = outcome(process)
        assert process.returncode == 1
        assert re.search(r"KeyboardInterrupt\nfit was interrupted after \d+ epochs\.", errors)

    def test_sys_exit_is_where_mpi4py_runs_the_program(self, tmp_path: Path) -> None:
        status, _, errors = run(2, program("exits", "-m", "mpi4py"), tmp_path)
        assert status == 1
        assert "rank 1 has had enough" in errors


@pytest.mark.parametrize("name", on_ranks.SETTINGS)
def test_threads_as_ranks_are_one_process_too(name: str) -> None:
    """What the programs above do, seen from inside."""
    for size in 1, 3:
        for found in on_threads(size, lambda c: on_ranks.differences(c, name)):
            assert found == []


def line(value: float, optimizer: Callable[[Any], Optimizer]) -> tuple[Dense, Optimizer]:
    """Y = value · X."""
    dense = Dense(1, 1, bias=False)
    dense.W.value = np.array([[value]])
    return dense, optimizer(dense.parameters())


class TestStep:
    def test_by_hand(self) -> None:
        """Gradients 1 and 4 of 3 rows and 1: (3 · 1 + 1 · 4) / 4 is 1.75. By default 2.5."""

        def both(c: Threads) -> list[float]:
            dense, sgd = line(c.rank, lambda parameters: SGD(parameters, 1.0))
            optimizer, values = DataParallel(sgd, c), []
            for weights in (3, 1), (1, 1):
                dense.W.add_grad(np.array([[[1.0, 4.0][c.rank]]]))
                optimizer.step(weights[c.rank])
                values.append(dense.W.value.item())
                assert not dense.W.grad.any()
            dense.W.add_grad(np.array([[[1.0, 4.0][c.rank]]]))
            optimizer.step()
            return [*values, dense.W.value.item(), optimizer.steps, sgd.steps]

        assert on_threads(2, both) == [[-1.75, -4.25, -6.75, 3, 3]] * 2

    def test_it_is_one_call(self) -> None:
        def calls(c: Threads) -> list[str]:
            dense, adam = line(0.0, Adam)
            optimizer = DataParallel(adam, c)
            c.calls.clear()
            dense.W.add_grad(np.ones((1, 1)))
            optimizer.step()
            return c.calls

        assert on_threads(2, calls) == [["Allreduce"]] * 2

    def test_what_the_epoch_asks_for_is_asked_once_an_epoch(self) -> None:
        def calls(c: Threads) -> list[str]:
            dense, adam = line(0.0, Adam)
            optimizer, X = DataParallel(adam, c), np.ones((6, 1))
            run = train(dense, X, X, loss=mse, optimizer=optimizer, epochs=2, batch_size=2)
            c.calls.clear()
            list(run)
            return c.calls

        assert on_threads(2, calls) == [[*["Allreduce"] * 3, "allgather"] * 2] * 2

    def test_parameters_that_another_optimizer_took_are_fetched(self) -> None:
        def value(c: Threads) -> float:
            dense, sgd = line(1.0, lambda parameters: SGD(parameters, 1.0))
            optimizer = DataParallel(sgd, c)
            SGD(dense.parameters())
            dense.W.add_grad(np.full((1, 1), float(c.rank)))
            optimizer.step()
            return dense.W.value.item()

        assert on_threads(2, value) == [0.5, 0.5]

    def test_without_a_gradient_it_says_what_the_optimizer_says(self) -> None:
        _, adam = line(0.0, Adam)
        with pytest.raises(RuntimeError, match=r"^Adam: no gradient was added since the last step"):
            DataParallel(adam, MPI.COMM_SELF).step()

    @pytest.mark.parametrize("weight", [0, -1, float("nan")])
    def test_a_weight_that_is_none_changes_nothing(self, weight: float) -> None:
        dense, adam = line(0.0, Adam)
        optimizer = DataParallel(adam, MPI.COMM_SELF)
        dense.W.add_grad(np.ones((1, 1)))
        message = f"DataParallel: weight={weight} came, expected a positive number"
        with raises(ValueError, message):
            optimizer.step(weight)
        assert dense.W.grad.item() == 1


class TestTheStart:
    def test_everything_is_rank_0s(self) -> None:
        """Values and moments when it is made, the rest of the network when training begins."""

        def state(c: Threads) -> tuple[Any, ...]:
            X = np.random.default_rng(c.rank).normal(size=(4, 2))
            frozen, dense = Dense(2, 2, rng=c.rank), Dense(2, 1, rng=c.rank)
            net = Sequential(Standardize.of(X), frozen, dense)
            adam = Adam(dense.parameters(), exponential_decay(0.1, 0.5))
            if c.rank == 0:
                dense.W.add_grad(np.ones((2, 1)))
                adam.step()
            optimizer = DataParallel(adam, c)
            made = {**optimizer.state(), "W": dense.W.value.copy(), "rate": optimizer.learning_rate}
            optimizer.reset()
            train(net, X, X[:, :1], loss=mse, optimizer=optimizer)
            return made, net.state()

        first, second = on_threads(2, state)
        np.testing.assert_equal(second, first)
        assert first[0]["steps"] == 1
        assert first[0]["moments.0"].any()

    def test_values_are_when_training_begins_again_and_statistics_are_not(self) -> None:
        def states(c: Threads) -> tuple[Any, Any]:
            net = Sequential(Dense(2, 2, rng=0), BatchNorm(2), Dense(2, 1, rng=0))
            optimizer = DataParallel(SGD(net.parameters()), c)
            X = np.random.default_rng(c.rank).normal(size=(4, 2))
            more: Any = {"loss": mse, "optimizer": optimizer, "epochs": 1}
            fit(net, X, X[:, :1], **more)
            SGD(net.parameters())  # it takes the parameters: their own arrays are the truth
            if c.rank == 1:
                net.parameters()[0].value = np.zeros((2, 2))
            own = net.state()["1.running_mean"]
            train(net, X, X[:, :1], **more)
            np.testing.assert_array_equal(net.state()["1.running_mean"], own)
            return [p.value for p in net.parameters()], own

        (first, of_first), (second, of_second) = on_threads(2, states)
        np.testing.assert_equal(second, first)
        assert (of_first != of_second).all()

    @pytest.mark.parametrize(
        ("make", "difference"),
        [
            (lambda ps, rank: [SGD, Adam][rank](ps), "optimizer is Adam on rank 1 and SGD on"),
            (
                lambda ps, rank: SGD(ps[: 2 - rank]),
                "parameter 1 is missing on rank 1 and (3,) on",
            ),
            (
                lambda ps, rank: SGD([ps[0], *[Parameter(np.ones(4))] * rank]),
                "parameter 1 is (4,) on rank 1 and missing on",
            ),
            (
                lambda ps, rank: SGD([Parameter(np.ones(2, ["f8", "f4"][rank]))]),
                "dtype is float32 on rank 1 and float64 on",
            ),
            (lambda ps, rank: SGD(ps, momentum=rank / 2), "moments is 1 on rank 1 and 0 on"),
            (lambda ps, rank: SGD(ps, 0.1 + rank), "rate is 1.1 on rank 1 and 0.1 on"),
            (
                lambda ps, rank: Adam(ps, beta1=0.9 - rank / 2),
                "betas is (0.4, 0.999) on rank 1 and (0.9, 0.999) on",
            ),
            (lambda ps, rank: SGD(ps, clip_norm=[None, 1.0][rank]), "clip_norm is 1.0 on"),
        ],
    )
    def test_other_optimizers_are_refused_by_all(
        self, make: Callable[[list[Parameter], int], Optimizer], difference: str
    ) -> None:
        def message(c: Threads) -> str:
            with pytest.raises(ValueError, match=r"^DataParallel: ") as refused:
                DataParallel(make(Dense(2, 3, rng=0).parameters(), c.rank), c)
            return str(refused.value)

        first, second = on_threads(2, message)
        assert first == second
        assert first.startswith(f"DataParallel: {difference} rank ")

    @pytest.mark.parametrize(
        ("between", "more", "difference"),
        [
            ([ReLU(), Tanh()], [{}, {}], "1 is Tanh on rank 1 and ReLU on"),
            ([ReLU(), BatchNorm(2)], [{}, {}], "1 is BatchNorm on rank 1 and ReLU on"),
            ([Standardize(np.ones(2), np.ones(2))] * 2, [{}, {"epochs": 3}], "epochs is 3 on"),
            (
                [Standardize(np.ones(2, dtype), np.ones(2, dtype)) for dtype in ("f8", "f4")],
                [{}, {}],
                "1.mean is (2,) float32 on rank 1 and (2,) float64 on",
            ),
            ([ReLU(), ReLU()], [{}, {"batch_size": 2}], "batches is 2 on rank 1 and 1 on"),
            (
                [ReLU(), ReLU()],
                [{}, {"validation_data": (np.ones((1, 2)), np.ones((1, 1)))}],
                "validation_data is True on rank 1 and False on",
            ),
            (
                [ReLU(), ReLU()],
                [{"metrics": {"a": mse, "b": mse}}, {"metrics": {"b": mse, "a": mse}}],
                "metrics is ['b', 'a'] on rank 1 and ['a', 'b'] on",
            ),
        ],
    )
    def test_other_networks_and_runs_are_refused_by_all(
        self, between: list[Any], more: list[dict[str, Any]], difference: str
    ) -> None:
        def message(c: Threads) -> str:
            net = Sequential(Dense(2, 2, rng=0), between[c.rank], Dense(2, 1, rng=0))
            learned = [*net[0].parameters(), *net[2].parameters()]
            X, optimizer = np.ones((4, 2)), DataParallel(SGD(learned), c)
            with pytest.raises(ValueError, match=r"^DataParallel: ") as refused:
                train(net, X, X[:, :1], loss=mse, optimizer=optimizer, **more[c.rank])
            return str(refused.value)

        first, second = on_threads(2, message)
        assert first == second
        assert first.startswith(f"DataParallel: {difference} rank ")

    def test_the_whole_message(self) -> None:
        def message(c: Threads) -> None:
            DataParallel(SGD([Parameter(np.ones(2 + (c.rank == 2)))]), c)

        with raises(
            ValueError,
            "DataParallel: parameter 0 is (3,) on rank 2 and (2,) on rank 0, expected one for all: "
            "make the same network and optimizer on every rank, and give each rank rows for as "
            "many batches",
        ):
            on_threads(3, message)

    def test_what_is_no_optimizer_or_communicator(self) -> None:
        wrong: Any = Dense(2, 3).parameters()
        with raises(
            TypeError,
            "DataParallel: optimizer is a list of 2, expected an Optimizer: make one: "
            "Adam(network.parameters())",
        ):
            DataParallel(wrong, MPI.COMM_SELF)
        nothing: Any = None
        with raises(
            TypeError,
            "DataParallel: communicator is None, expected an Intracomm: mpi4py.MPI.COMM_WORLD is "
            "all processes",
        ):
            DataParallel(SGD(wrong), nothing)


class TestTheOptimizerInside:
    def test_its_settings_are_seen_and_set_through_it(self) -> None:
        _, adam = line(0.0, Adam)
        optimizer = DataParallel(adam, MPI.COMM_SELF)
        assert (optimizer.learning_rate, optimizer.clip_norm, optimizer.kind) == (
            1e-3,
            None,
            "Adam",
        )
        optimizer.learning_rate, optimizer.clip_norm, optimizer.steps = 0.5, 2.0, 7
        assert (adam.learning_rate, adam.clip_norm, adam.steps) == (0.5, 2.0, 7)
        assert (optimizer.learning_rate, optimizer.clip_norm, optimizer.steps) == (0.5, 2.0, 7)

    def test_its_state_is_the_state(self) -> None:
        dense, adam = line(0.0, Adam)
        optimizer = DataParallel(adam, MPI.COMM_SELF)
        dense.W.add_grad(np.ones((1, 1)))
        optimizer.step()
        state = optimizer.state()
        np.testing.assert_equal(state, adam.state())
        optimizer.reset()
        assert adam.steps == 0
        assert not adam.moments[0].any()
        optimizer.load_state(state)
        np.testing.assert_equal(adam.state(), state)

    def test_its_formula_is_the_formula(self) -> None:
        _, sgd = line(0.0, lambda parameters: SGD(parameters, 0.5))
        value, grad = np.array([1.0]), np.array([2.0])
        DataParallel(sgd, MPI.COMM_SELF).update(value, grad)
        assert value == 0

    def test_a_copy_goes_on_as_it_would(self) -> None:
        net = Sequential(Dense(2, 3, rng=0), Dense(3, 1, rng=1))
        pair = net, DataParallel(Adam(net.parameters()), MPI.COMM_SELF)
        X, states = np.ones((4, 2)), []
        more: Any = {"loss": mse, "epochs": 2}
        fit(net, X, X[:, :1], optimizer=pair[1], **more)
        for network, optimizer in pair, deepcopy(pair):
            states.append((network.state(), optimizer.state()))
        for network, optimizer in deepcopy(pair), pair:
            fit(network, X, X[:, :1], optimizer=optimizer, **more)
            states.append((network.state(), optimizer.state()))
        np.testing.assert_equal(states[1], states[0])
        np.testing.assert_equal(states[3], states[2])
        assert states[3][1]["steps"] == 4
        assert (states[3][1]["moments.0"] != states[0][1]["moments.0"]).all()

    @pytest.mark.parametrize("then", [1, 3])
    def test_saved_by_rank_0_of_two_another_number_goes_on(self, then: int, tmp_path: Path) -> None:
        """Full batches, so that how the rows are shared out changes nothing but roundings."""
        path = tmp_path / "two.safetensors"
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(12, 4)), rng.integers(0, 3, 12)

        def epochs(c: Threads, *, resume: bool) -> tuple[dict[str, Any], History]:
            net = on_ranks.network(c.rank)
            optimizer = DataParallel(Adam(net.parameters(), 0.05), c)
            if resume:
                load(path, net, optimizer)
            own = np.array_split(np.arange(12), c.size)[c.rank]
            more: Any = {"loss": on_ranks.LOSS, "epochs": 5, "shuffle": False}
            history = fit(net, X[own], y[own], optimizer=optimizer, **more)
            if c.rank == 0 and not resume:
                save(path, net, optimizer)
            return net.state(), history

        on_threads(2, lambda c: epochs(c, resume=False))
        resumed = on_threads(then, lambda c: epochs(c, resume=True))

        alone = on_ranks.network(0)
        adam = Adam(alone.parameters(), 0.05)
        expected = fit(alone, X, y, loss=on_ranks.LOSS, optimizer=adam, epochs=10, shuffle=False)
        for state, history in resumed:
            for path_, array in alone.state().items():
                np.testing.assert_allclose(state[path_], array, rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(history.loss, expected.loss[5:])

    def test_a_file_of_it_is_one_of_its_optimizer(self, tmp_path: Path) -> None:
        """So what many processes have trained one without MPI may train on."""
        net, path = on_ranks.network(0), tmp_path / "net.safetensors"
        adam = Adam(net.parameters())
        save(path, net, DataParallel(adam, MPI.COMM_SELF))
        load(path, net, adam)
        with pytest.raises(ValueError, match="optimizer has kind Adam, expected SGD"):
            load(path, net, DataParallel(SGD(net.parameters()), MPI.COMM_SELF))


class TestEndTogether:
    def test_an_error_is_shown_and_all_are_aborted(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        communicator = Threads(2, Room(4))
        monkeypatch.setattr(sys, "excepthook", sys.excepthook)
        _end_together(communicator)
        error = ValueError("wrong")
        sys.excepthook(ValueError, error, None)
        assert capsys.readouterr().err == "ValueError: wrong\nThis was rank 2 of 4: all end now.\n"
        assert communicator.aborted == [1]

    def test_also_where_it_cannot_be_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Closed:
            def write(self, text: str) -> None:
                raise BrokenPipeError

        communicator = Threads(0, Room(2))
        monkeypatch.setattr(sys, "excepthook", sys.excepthook)
        _end_together(communicator)
        monkeypatch.setattr(sys, "stderr", Closed())
        with pytest.raises(BrokenPipeError):
            sys.excepthook(ValueError, ValueError("wrong"), None)
        assert communicator.aborted == [1]

    def test_one_process_alone_keeps_its_own_way(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = sys.excepthook
        monkeypatch.setattr(sys, "excepthook", before)
        _end_together(MPI.COMM_SELF)
        assert sys.excepthook is before


class TestWhatIsMissing:
    def test_mpi4py(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "mpi4py", None)
        monkeypatch.delitem(sys.modules, "layerwise.distributed")
        with raises(
            ImportError,
            "layerwise.distributed needs mpi4py, which is not installed: "
            "pip install 'layerwise[mpi]'",
        ):
            import_module("layerwise.distributed")

    def test_a_library_for_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class WithoutLibrary(ModuleType):
            def __getattr__(self, name: str) -> object:
                raise RuntimeError("cannot load MPI library")

        monkeypatch.setitem(sys.modules, "mpi4py", WithoutLibrary("mpi4py"))
        monkeypatch.delitem(sys.modules, "layerwise.distributed")
        with raises(
            ImportError,
            "layerwise.distributed needs an MPI library, which mpi4py did not find: load that of "
            "your cluster, or pip install mpich",
        ):
            import_module("layerwise.distributed")

    def test_nothing_inside_knows_of_it(self) -> None:
        """The package works where mpi4py is not installed, and starts no MPI where it is."""
        program = (
            "import sys; sys.modules['mpi4py'] = None; import layerwise; "
            "layerwise.fit; layerwise.SGD; print('layerwise.distributed' in sys.modules)"
        )
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout == "False\n"
