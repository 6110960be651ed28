"""Saving: everything or nothing, in the file and in memory."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from stat import S_ISDIR
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from layerwise import (
    SGD,
    Adam,
    AdamW,
    Array,
    Dense,
    Layer,
    Optimizer,
    Parameter,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    Tanh,
    fit,
    step_decay,
)
from layerwise.layers.base import arrays, walk
from layerwise.saving import load, save
from tests.raising import raises
from tests.stepping import steps

RNG = np.random.default_rng(0)
X, y = RNG.normal(size=(40, 4)), RNG.integers(0, 3, 40)
BIT_GENERATORS = ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"]


class Drop(Layer[Array, Array]):
    """Y = X · mask / (1 − rate), by a Generator of its own, and a count of its calls."""

    def __init__(self, rate: float, rng: np.random.Generator | int) -> None:
        self.rate, self.rng = rate, np.random.default_rng(rng)
        self.drawn = np.zeros((), np.int64)

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        mask = (self.rng.random(X.shape) >= self.rate) / (1 - self.rate)
        self.drawn += 1

        def backward(grad: Array) -> Array:
            dX: Array = grad * mask
            return dX

        return X * mask, backward

    def __call__(self, X: Array, /) -> Array:
        return X


class Keeps(Layer[Array, Array]):
    """Whatever arrays, under the names given."""

    def __init__(self, **kept: Any) -> None:
        vars(self).update(kept)

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        raise NotImplementedError


def network(seed: int = 0, width: int = 8) -> Sequential[Any]:
    first, last = Dense(4, width, rng=seed), Dense(width, 3, rng=seed + 1)
    return Sequential(first, Tanh(), Drop(0.25, seed + 2), last)


def run(
    network: Sequential[Any], optimizer: Optimizer, rng: np.random.Generator, epochs: int
) -> list[float]:
    measure = SoftmaxCrossEntropy()
    options: Any = {"optimizer": optimizer, "epochs": epochs, "batch_size": 16, "rng": rng}
    return list(fit(network, X, y, loss=measure, **options).loss)


def everything(*holders: Any) -> list[Any]:
    """All numbers of networks, optimizers and generators."""
    found: list[Any] = []
    for holder in holders:
        if isinstance(holder, np.random.Generator):
            found.append(holder.bit_generator.state)
        else:
            found.append(holder.state())
        if isinstance(holder, Layer):
            kept = [item for _, item in walk(holder) if isinstance(item, np.random.Generator)]
            found += [generator.bit_generator.state for generator in kept]
    return found


Trio = tuple[Sequential[Any], Optimizer, np.random.Generator]


def trio(seed: int = 0) -> Trio:
    net = network(seed)
    return net, Adam(net.parameters(), 0.01), np.random.default_rng(seed)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A file of a trio that trained."""
    path = tmp_path / "net.safetensors"
    net, adam, rng = trio()
    run(net, adam, rng, 1)
    save(path, net, adam, rng)
    return path


class TestResuming:
    @pytest.mark.parametrize(
        "make",
        [
            pytest.param(lambda p: SGD(p, 0.1), id="SGD"),
            pytest.param(lambda p: SGD(p, 0.1, momentum=0.9), id="momentum"),
            pytest.param(lambda p: Adam(p, 0.01), id="Adam"),
            pytest.param(lambda p: AdamW(p, step_decay(0.05, 0.5, every=4)), id="AdamW"),
        ],
    )
    @pytest.mark.parametrize("bits", BIT_GENERATORS)
    def test_it_is_bit_for_bit_the_run_that_was_never_interrupted(
        self, make: Callable[[list[Parameter]], Optimizer], bits: str, tmp_path: Path
    ) -> None:
        def start(seed: int) -> Trio:
            net = network(seed)
            generator = np.random.Generator(getattr(np.random, bits)(seed))
            return net, make(net.parameters()), generator

        whole = start(0)
        losses = run(*whole, 5)
        begun, other = start(0), start(90)
        first = run(*begun, 2)
        run(*other, 1)  # whatever was there before
        save(tmp_path / "run", *begun)
        load(tmp_path / "run", *other)
        np.testing.assert_equal(everything(*other), everything(*begun))
        assert first + run(*other, 3) == losses
        np.testing.assert_equal(everything(*other), everything(*whole))

    def test_saving_changes_nothing(self, tmp_path: Path) -> None:
        one = trio()
        run(*one, 1)
        before = everything(*one)
        save(tmp_path / "run", *one)
        np.testing.assert_equal(everything(*one), before)

    def test_a_generator_shared_by_layers_and_training_is_shared_again(
        self, tmp_path: Path
    ) -> None:
        def start(seed: int) -> Trio:
            rng = np.random.default_rng(seed)
            net = Sequential[Any](Dense(4, 6, rng=rng), Drop(0.5, rng), Dense(6, 3, rng=rng))
            return net, SGD(net.parameters(), 0.1), rng

        whole, begun, other = start(0), start(0), start(1)
        losses = run(*whole, 3)
        first = run(*begun, 1)
        save(tmp_path / "run", *begun)
        load(tmp_path / "run", *other)
        assert first + run(*other, 2) == losses

    def test_a_part_of_the_file_is_enough(self, saved: Path) -> None:
        net, adam, rng = trio()
        run(net, adam, rng, 1)
        alone, untouched = network(5), np.random.default_rng(5)
        load(saved, alone)
        np.testing.assert_equal(everything(alone), everything(net))
        load(saved, alone, rng=untouched)
        np.testing.assert_equal(everything(untouched), everything(rng))

    def test_frozen_layers_are_saved_with_an_optimizer_of_the_others(self, tmp_path: Path) -> None:
        net, other = network(0), network(3)
        sgd, other_sgd = (SGD(n[3].parameters(), 0.1, momentum=0.9) for n in (net, other))
        run(net, sgd, np.random.default_rng(0), 1)
        save(tmp_path / "run", net, sgd)
        load(tmp_path / "run", other, other_sgd)
        np.testing.assert_equal(everything(other, other_sgd), everything(net, sgd))

    def test_a_layer_may_use_the_optimizer_s_names(self, tmp_path: Path) -> None:
        def start(number: float) -> tuple[Keeps, SGD]:
            p = Parameter(np.full(3, number))
            kept = {"steps": np.array(7 * number, np.int64), "moments": [np.full(3, number)]}
            return Keeps(p=p, **kept), SGD([p], 0.5, momentum=0.5)

        (layer, sgd), (other, other_sgd) = start(1.0), start(0.0)
        steps(sgd, layer.parameters()[0], [np.ones(3)])
        save(tmp_path / "run", layer, sgd)
        load(tmp_path / "run", other, other_sgd)
        np.testing.assert_equal(everything(other, other_sgd), everything(layer, sgd))
        assert (other_sgd.steps, vars(other)["steps"]) == (1, 7)

    def test_live_arrays_stay_where_they_are(self, saved: Path) -> None:
        net, adam, _ = trio(7)
        before = arrays(net)
        load(saved, net, adam)
        assert all(array is before[path] for path, array in arrays(net).items())


class TestTheFile:
    def test_the_library_alone_reads_it(self, saved: Path) -> None:
        net, adam, rng = trio()
        run(net, adam, rng, 1)
        found = load_file(saved)
        moments = {f"optimizer:{name}": array for name, array in adam.state().items()}
        np.testing.assert_equal(found, {**net.state(), **moments})
        assert sorted(found) == [
            "0.W",
            "0.b",
            "2.drawn",
            "3.W",
            "3.b",
            "optimizer:moments.0",
            "optimizer:moments.1",
            "optimizer:steps",
        ]
        assert found["2.drawn"].shape == found["optimizer:steps"].shape == ()
        with safe_open(saved, framework="numpy") as file:
            assert json.loads(file.metadata()["layerwise"]) == {
                "optimizer": {"kind": "Adam", "parameters": ["0.W", "3.W", "0.b", "3.b"]},
                "generators": {
                    "2.rng": everything(net)[1],
                    "rng=": rng.bit_generator.state,
                },
            }

    def test_arrays_in_any_order_and_of_every_dtype_that_it_holds(self, tmp_path: Path) -> None:
        """The library by itself writes memory in Fortran order as if it were in C order."""
        base = np.arange(24).reshape(2, 3, 4)
        kept = {f"a{i}": base.astype(d) for i, d in enumerate("?bBhHiIlLqQefd")}
        kept |= {"fortran": np.asfortranarray(base), "turned": base.T, "part": base[::2, 1:, ::-1]}
        kept |= {"none": np.zeros((0, 3)), "one": np.array(2.5)}
        blank = Keeps(**{name: np.zeros_like(array) for name, array in kept.items()})
        save(tmp_path / "all", Keeps(**kept))
        load(tmp_path / "all", blank)
        np.testing.assert_equal(vars(blank), kept)

    @pytest.mark.parametrize("dtype", ["complex128", "longdouble", ">f8", "M8[s]", "U3"])
    def test_other_dtypes_are_refused_and_no_file_appears(self, dtype: str, tmp_path: Path) -> None:
        kept = np.zeros(2, dtype)
        with raises(
            TypeError,
            f"save: odd has dtype {kept.dtype}, which safetensors does not hold: "
            "keep it as another dtype",
        ):
            save(tmp_path / "net", Keeps(odd=kept))
        assert not list(tmp_path.iterdir())

    def test_a_path_may_be_a_string_and_a_link_stays_one(self, tmp_path: Path) -> None:
        real, link = tmp_path / "real", tmp_path / "link"
        link.symlink_to(real)
        save(str(link), Dense(2, 3, rng=0))
        assert link.is_symlink()
        other = Dense(2, 3, rng=1)
        load(str(real), other)
        np.testing.assert_array_equal(other.W.value, Dense(2, 3, rng=0).W.value)

    def test_it_is_as_readable_as_any_file_that_is_made(self, saved: Path) -> None:
        (saved.parent / "plain").write_bytes(b"")
        assert saved.stat().st_mode == (saved.parent / "plain").stat().st_mode


class TestCrash:
    """What a kill leaves is counted by benchmarks/killed_saves.py."""

    @pytest.mark.parametrize("call", ["fsync", "replace"])
    def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(
        self, call: str, saved: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = saved.read_bytes()

        def fail(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(os if call == "fsync" else Path, call, fail)
            with pytest.raises(KeyboardInterrupt):
                save(saved, network(9))
        assert saved.read_bytes() == before
        assert list(saved.parent.iterdir()) == [saved]

    def test_the_numbers_are_on_the_disk_before_the_name_is(
        self, saved: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And the name too before save returns."""
        seen: list[str] = []
        fsync, replace = os.fsync, Path.replace

        def noted_fsync(file: int) -> None:
            status = os.fstat(file)
            seen.append("folder" if S_ISDIR(status.st_mode) else f"{status.st_size} bytes")
            fsync(file)

        def noted_replace(self: Path, target: Path) -> Path:
            assert (self.parent, target) == (saved.parent, saved)
            seen.append("name")
            return replace(self, target)

        monkeypatch.setattr(os, "fsync", noted_fsync)
        monkeypatch.setattr(Path, "replace", noted_replace)
        save(saved, network(9))
        assert seen == [f"{saved.stat().st_size} bytes", "name", "folder"]

    def test_a_folder_that_cannot_be_opened_is_no_error(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As on Windows."""

        def refused(*_: object) -> int:
            raise PermissionError

        with monkeypatch.context() as patched:
            patched.setattr(os, "open", refused)
            save(tmp_path / "net", Dense(2, 3, rng=0))
        load(tmp_path / "net", Dense(2, 3))

    def test_a_folder_that_is_not_there_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError, match="nowhere"):
            save(tmp_path / "nowhere" / "net", Dense(2, 3))
        with pytest.raises(FileNotFoundError, match="nowhere"):
            load(tmp_path / "nowhere" / "net", Dense(2, 3))


class TestDamage:
    def test_every_length_of_a_truncated_file_is_refused(self, saved: Path) -> None:
        whole, target = saved.read_bytes(), trio(4)
        before = everything(*target)
        for n in [*range(0, len(whole), 11), len(whole) - 1]:
            saved.write_bytes(whole[:n])
            with pytest.raises(ValueError, match=r"net\.safetensors is damaged, or no saf"):
                load(saved, *target)
        np.testing.assert_equal(everything(*target), before)

    def test_every_bit_that_is_wrong_is_found(self, saved: Path) -> None:
        """A byte in eleven, but all kinds of place: lengths, names, metadata, numbers."""
        whole, target = saved.read_bytes(), trio(4)
        before = everything(*target)
        for n in range(0, len(whole), 11):
            for bit in 0, 6:
                damaged = bytearray(whole)
                damaged[n] ^= 1 << bit
                saved.write_bytes(damaged)
                with pytest.raises(ValueError, match=r"^load: .*net\.safetensors (is|was|has) "):
                    load(saved, *target)
        np.testing.assert_equal(everything(*target), before)

    def test_it_is_said_which_file(self, saved: Path) -> None:
        saved.write_bytes(b"not at all")
        with pytest.raises(ValueError, match=r"\Aload: /.*/net\.safetensors is damaged, or no saf"):
            load(saved, network())
        net = network()
        save(saved, net)
        whole = saved.read_bytes()
        saved.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with raises(
            ValueError, f"load: {saved} is damaged: its numbers are not those that were saved"
        ):
            load(saved, net)

    def test_a_file_of_another_program_is_refused_with_the_way_to_read_it(
        self, saved: Path
    ) -> None:
        net = network(3)
        for metadata in None, {"format": "pt"}:
            save_file(net.state(), saved, metadata)
            with raises(
                ValueError,
                f"load: {saved} was not written by layerwise.saving: "
                "network.load_state(safetensors.numpy.load_file(path)) takes any file that fits",
            ):
                load(saved, network())
        other = network(5)
        other.load_state(load_file(saved))
        np.testing.assert_equal(other.state(), net.state())


class TestAnother:
    """Whatever differs is refused, all of it is said, and nothing is changed."""

    def refused(self, path: Path, message: str, *target: Any, **named: Any) -> None:
        before = everything(*target, *named.values())
        with raises(ValueError, message):
            load(path, *target, **named)
        np.testing.assert_equal(everything(*target, *named.values()), before)

    def test_network(self, saved: Path) -> None:
        net = Sequential(Dense(4, 5, rng=0, dtype=np.float32), ReLU(), Dense(5, 3, rng=0))
        self.refused(
            saved,
            f"load: {saved} is of another network: 0.W has dtype float64, expected float32; "
            "0.W has shape (4, 8), expected (4, 5); 0.b has dtype float64, expected float32; "
            "0.b has shape (8,), expected (5,); 2.W is missing; 2.b is missing; 2.drawn is not in "
            "this network; 2.rng is not in this network; 3.W is not in this network; 3.b is not "
            "in this network. Nothing was changed: make the network as the one that was saved was "
            "made",
            net,
            rng=np.random.default_rng(3),
        )

    def test_optimizer(self, saved: Path) -> None:
        net = network(3)
        self.refused(
            saved,
            f"load: {saved} is of another network: optimizer has kind Adam, expected SGD; "
            "optimizer:moments.1 is not in this network. Nothing was changed: make the network as "
            "the one that was saved was made",
            net,
            SGD(net.parameters(), momentum=0.9),
            np.random.default_rng(3),
        )

    def test_optimizer_of_the_same_parameters_in_another_order(self, saved: Path) -> None:
        """Their moments would be mixed up, silently: the sizes are the same."""
        net = network(3)
        self.refused(
            saved,
            f"load: {saved} is of another network: optimizer has parameters "
            "['0.W', '3.W', '0.b', '3.b'], expected ['3.W', '0.W', '3.b', '0.b']. Nothing was "
            "changed: make the network as the one that was saved was made",
            net,
            Adam([*net[3].parameters(), *net[0].parameters()]),
        )

    def test_kind_of_generator(self, saved: Path) -> None:
        net, philox = network(3), np.random.Generator(np.random.Philox(3))
        vars(net[2])["rng"] = np.random.Generator(np.random.SFC64(3))
        self.refused(
            saved,
            f"load: {saved} is of another network: 2.rng is a PCG64, expected a SFC64; rng= is "
            "a PCG64, expected a Philox. Nothing was changed: make the network as the one that was "
            "saved was made",
            net,
            rng=philox,
        )

    def test_a_generator_that_the_file_lacks(self, saved: Path) -> None:
        net = Keeps(drawn=np.zeros(()), rng=np.random.default_rng(1))
        save(saved, Keeps(drawn=np.zeros(())))
        self.refused(
            saved,
            f"load: {saved} is of another network: rng is missing. Nothing was changed: make "
            "the network as the one that was saved was made",
            net,
        )

    def test_optimizer_or_generator_that_the_file_lacks(self, saved: Path) -> None:
        net, adam, rng = trio(3)
        save(saved, network())
        for name, item in ("optimizer", adam), ("rng", rng):
            self.refused(
                saved,
                f"load: {saved} has no {name}: it was saved without, so leave it out",
                net,
                **{name: item},
            )

    @pytest.mark.parametrize("function", [save, load])
    def test_optimizer_of_another_network(self, function: Callable[..., None], saved: Path) -> None:
        _, adam, _ = trio(3)
        with raises(
            ValueError,
            f"{function.__name__}: the optimizer holds parameters that the network does not: "
            "make it from network.parameters()",
        ):
            function(saved, network(), adam)

    @pytest.mark.parametrize("function", [save, load])
    def test_what_is_none_at_all(self, function: Callable[..., None], saved: Path) -> None:
        name, before = function.__name__, saved.read_bytes()
        net, adam, _ = trio(3)
        for arguments, message in (
            (
                (net.state(),),
                "network is a dict, expected a Layer: a network is a layer, such as a Sequential",
            ),
            (
                (net, Adam),
                "optimizer is the class Adam, expected an Optimizer: make one: "
                "Adam(network.parameters())",
            ),
            (
                (net, adam, 0),
                "rng is an int, expected a Generator: np.random.default_rng(seed) "
                "makes one, which fit takes as its rng",
            ),
        ):
            with raises(TypeError, f"{name}: {message}"):
                function(saved, *arguments)
        assert saved.read_bytes() == before

    def test_a_schedule_that_fails_changes_nothing(self, saved: Path) -> None:
        net, rng = network(3), np.random.default_rng(3)
        adam = Adam(net.parameters(), {0: 0.1}.__getitem__)
        before = everything(net, adam, rng)
        with pytest.raises(KeyError):
            load(saved, net, adam, rng)
        np.testing.assert_equal(everything(net, adam, rng), before)


def test_without_safetensors_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.delitem(sys.modules, "layerwise.tensor_file")
    monkeypatch.delitem(sys.modules, "layerwise.saving")
    with raises(
        ImportError,
        "layerwise.saving needs safetensors, which is not installed: "
        "pip install 'layerwise[saving]'",
    ):
        import_module("layerwise.saving")


def test_nothing_inside_knows_of_it() -> None:
    """The package works where safetensors is not installed."""
    program = (
        "import sys; sys.modules['safetensors'] = None; import layerwise; "
        "[getattr(layerwise, name) for name in layerwise.__all__]"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)
