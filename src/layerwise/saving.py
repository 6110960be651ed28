"""A network in a file, with its optimizer and all generators: in the safetensors format, no pickle.

The tensors are `network.state()` by its paths, and `optimizer.state()` with "optimizer:" before its
names. The rest is a JSON text in the metadata. `tensor_file.py` has what is below: the format.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from layerwise.arguments import of_type
from layerwise.forms import refuse_other_state
from layerwise.layers.base import Layer, arrays, walk
from layerwise.optimizers.base import Optimizer
from layerwise.tensor_file import Tensors, packed, read
from layerwise.whole_file import write

PREFIX = "optimizer:"  # no path of a layer begins with it: an attribute's name has no colon
RNG = "rng="  # nor an equals sign


def save(
    path: str | os.PathLike[str],
    network: Layer[Any, Any],
    optimizer: Optimizer | None = None,
    rng: np.random.Generator | None = None,
) -> None:
    """File ← network.state(), the states of its generators, and those of optimizer and rng.

    The file appears whole or not at all: it is written beside `path`, brought to the disk, and
    renamed. So a crash leaves the old file as it was, and at most a "*.partial" beside it, which
    may be deleted. Settings such as a learning rate are no part of it.

    Raises TypeError for what is no network, optimizer or Generator and for dtypes that the format
    does not hold, ValueError for an optimizer of other parameters than the network's, OSError.

    >>> from tempfile import mkdtemp; from layerwise import Dense; a, b = Dense(2, 3), Dense(2, 3)
    >>> file = Path(mkdtemp()) / "dense.safetensors"; save(file, a); load(file, b)
    >>> bool((a.W.value == b.W.value).all())
    True
    """
    _refuse_others("save", network, optimizer, rng)
    held, generators = _tensors(network, optimizer), _generators(network, rng)
    about = {
        "optimizer": None if optimizer is None else _about("save", network, optimizer),
        "generators": {where: g.bit_generator.state for where, g in generators.items()},
    }
    text = json.dumps(about, default=np.ndarray.tolist)  # some states have arrays in them
    write(Path(path).resolve(), packed(held, text))


def load(
    path: str | os.PathLike[str],
    network: Layer[Any, Any],
    optimizer: Optimizer | None = None,
    rng: np.random.Generator | None = None,
) -> None:
    """network, optimizer, rng ← file: what `save` wrote, copied into place.

    Make the three as those that were saved were made, from any seeds: then training goes on bit
    for bit as if it had never stopped. Those not given are left in the file.

    Raises ValueError for a file that is damaged, that `save` did not write, that has no optimizer
    or rng where one is given, or that is of another network, optimizer or kind of Generator: the
    message says all that differs. Nothing is changed then. Raises OSError as `open` does.

    >>> from tempfile import mkdtemp; from layerwise import Dense; a, b = Dense(2, 3), Dense(2, 3)
    >>> file = Path(mkdtemp()) / "dense.safetensors"; save(file, a); load(file, b)
    >>> np.array_equal(a.W.value, b.W.value)
    True
    """
    _refuse_others("load", network, optimizer, rng)
    given, text = read(Path(path))
    about: dict[str, Any] = json.loads(text)
    own, generators = _tensors(network, optimizer), _generators(network, rng)
    states, other = about["generators"], []
    if optimizer is None:
        given = {name: array for name, array in given.items() if not name.startswith(PREFIX)}
    elif about["optimizer"] is None:
        raise ValueError(f"load: {path} has no optimizer: it was saved without, so leave it out")
    else:
        expected = _about("load", network, optimizer)
        other += [
            f"optimizer has {name} {about['optimizer'][name]}, expected {expected[name]}"
            for name in expected
            if about["optimizer"][name] != expected[name]
        ]
    if rng is None:
        states.pop(RNG, None)
    elif RNG not in states:
        raise ValueError(f"load: {path} has no rng: it was saved without, so leave it out")
    other += _other_generators(generators, states)
    refuse_other_state(own, given, what=f"load: {path}", of="network", also=other)
    if optimizer is not None:
        optimizer.load_state({name: given[PREFIX + name] for name in optimizer.state()})
    for where, array in arrays(network).items():
        array[...] = given[where]
    for where, generator in generators.items():
        generator.bit_generator.state = states[where]


def _refuse_others(
    who: str,
    network: Layer[Any, Any],
    optimizer: Optimizer | None,
    rng: np.random.Generator | None,
) -> None:
    of_type(who, "network", network, Layer, "a network is a layer, such as a Sequential")
    if optimizer is not None:
        of_type(who, "optimizer", optimizer, Optimizer, "make one: Adam(network.parameters())")
    if rng is not None:
        remedy = "np.random.default_rng(seed) makes one, which fit takes as its rng"
        of_type(who, "rng", rng, np.random.Generator, remedy)


def _tensors(network: Layer[Any, Any], optimizer: Optimizer | None) -> Tensors:
    """Everything that is an array, by its name in the file."""
    moments = {} if optimizer is None else optimizer.state()
    return {**arrays(network), **{PREFIX + name: moment for name, moment in moments.items()}}


def _generators(
    network: Layer[Any, Any], rng: np.random.Generator | None
) -> dict[str, np.random.Generator]:
    """The layers' generators by path, and the one given."""
    kept = {p: item for p, item in walk(network) if isinstance(item, np.random.Generator)}
    return kept if rng is None else {**kept, RNG: rng}


def _about(who: str, network: Layer[Any, Any], optimizer: Optimizer) -> dict[str, object]:
    """What tells whose the moments are: they lie in the order of these parameters."""
    paths = {parameter: path for path, parameter in network.named_parameters()}
    if not paths.keys() >= set(optimizer.vector.parameters):
        raise ValueError(
            f"{who}: the optimizer holds parameters that the network does not: make it from "
            "network.parameters()"
        )
    own = [paths[parameter] for parameter in optimizer.vector.parameters]
    return {"kind": optimizer.kind, "parameters": own}


def _other_generators(
    own: Mapping[str, np.random.Generator], states: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """What differs in the generators."""
    for where in own.keys() | states.keys():
        if where not in states:
            yield f"{where} is missing"
        elif where not in own:
            yield f"{where} is not in this network"
        else:
            came, expected = states[where]["bit_generator"], own[where].bit_generator.state
            if came != expected["bit_generator"]:
                yield f"{where} is a {came}, expected a {expected['bit_generator']}"
