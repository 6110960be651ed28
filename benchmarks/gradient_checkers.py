"""How good are gradient checkers? `python -m benchmarks.gradient_checkers`, in the project's root.

Every checker gets every case of tests/gradient_cases: right layers, which it should pass, and wrong
ones, which it should not. The public ones, those that are installed, run with their own settings on
the layer wrapped as a custom function of X and all parameters, with the gradient of each.

`--part held-back` shows what no one has tuned on; `--only`, `--cases` and `--list-failures` are for
work on a checker; `--seeds 10` moves the numbers of the cases; `--json FILE` saves everything.
"""

import argparse
import contextlib
import copy
import importlib
import io
import json
import logging
import os
import re
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from layerwise import Layer, Parameter, check_layer, check_loss
from layerwise.layers.base import walk
from tests.gradient_cases import CASES, LOSS_CASES, Case, LossCase

Arrays = list[NDArray[Any]]
Check = Callable[[Layer[Any, Any], Any], bool]

Mode = Literal["fast", "full"]
MODES: tuple[Mode, Mode] = ("fast", "full")
PARTS = ("tuning", "held-back")


# A layer as a plain function ---------------------------------------------------------------------


class Plain:
    """Y = f(A₁, A₂, …): a layer as a function of the floating arrays of X and of its parameters.

    `arrays` are the numbers it was given. A layer that draws random numbers or has state is copied
    for every evaluation, so that it does the same: no public checker could pass it otherwise.
    """

    def __init__(self, layer: Layer[Any, Any], X: Any) -> None:
        self.layer, self.X = layer, X
        self.inputs = list(X) if isinstance(X, tuple) else [X]
        self.floating = [i for i, A in enumerate(self.inputs) if A.dtype.kind == "f"]
        self.arrays: Arrays = [self.inputs[i] for i in self.floating]
        self.arrays += [p.value.copy() for p in layer.parameters()]
        self.remembers = any(not isinstance(item, Parameter) for _, item in walk(layer))

    def _forward(self, arrays: Sequence[NDArray[Any]]) -> tuple[Layer[Any, Any], Any, Any]:
        """The layer that was used, Y and the way back."""
        layer = copy.deepcopy(self.layer) if self.remembers else self.layer
        inputs = list(self.inputs)
        for i, A in zip(self.floating, arrays, strict=False):
            inputs[i] = A
        values = arrays[len(self.floating) :]
        for p, value in zip(layer.parameters(), values, strict=True):
            p.value[...] = value
        Y, backward = layer.forward(tuple(inputs) if isinstance(self.X, tuple) else inputs[0])
        return layer, Y, backward

    def __call__(self, *arrays: NDArray[Any]) -> NDArray[Any]:
        """Y, an array of its own."""
        return np.array(self._forward(arrays)[1])

    def pull_back(self, arrays: Sequence[NDArray[Any]], grad: NDArray[Any]) -> Arrays:
        """The gradient of each array."""
        layer, _, backward = self._forward(arrays)
        layer.zero_grad()
        dX = backward(grad)
        gradients = list(dX) if isinstance(self.X, tuple) else [dX]
        return [gradients[i] for i in self.floating] + [p.grad.copy() for p in layer.parameters()]

    def projected(self) -> tuple[Callable[[NDArray[Any]], float], Callable[..., NDArray[Any]]]:
        """Σ grad Y for a random grad and its gradient, as functions of one vector."""
        shapes = [A.shape for A in self.arrays]
        ends = np.cumsum([A.size for A in self.arrays])[:-1]
        Y = self(*self.arrays)
        grad = np.random.default_rng(0).standard_normal(Y.shape).astype(Y.dtype)

        def unpacked(v: NDArray[Any]) -> Arrays:
            parts = zip(np.split(v, ends), shapes, self.arrays, strict=True)
            return [part.reshape(shape).astype(A.dtype) for part, shape, A in parts]

        def f(v: NDArray[Any]) -> float:
            return float((grad * self(*unpacked(v))).sum())

        def gradient(v: NDArray[Any]) -> NDArray[Any]:
            pulled = self.pull_back(unpacked(v), grad.copy())
            for g, A in zip(pulled, self.arrays, strict=True):
                if np.shape(g) != A.shape:
                    raise ValueError(f"a gradient of shape {np.shape(g)} for {A.shape}")
            return np.concatenate([np.ravel(g) for g in pulled])

        return f, gradient

    def vector(self) -> NDArray[Any]:
        """All arrays as one vector of float64."""
        return np.concatenate([A.ravel().astype(np.float64) for A in self.arrays])


# The checkers ------------------------------------------------------------------------------------


def layerwise(mode: Mode) -> Check:
    """The checker of this project."""
    return lambda layer, X: bool(check_layer(layer, X, mode=mode, rng=0).passed)


def torch_gradcheck(fast_mode: bool) -> Check:
    """torch.autograd.gradcheck of a torch.autograd.Function."""
    torch: Any = importlib.import_module("torch")

    def check(layer: Layer[Any, Any], X: Any) -> bool:
        plain = Plain(layer, X)

        def forward(context: Any, *tensors: Any) -> Any:
            context.save_for_backward(*tensors)
            return torch.from_numpy(plain(*(T.detach().numpy() for T in tensors)))

        def backward(context: Any, grad: Any) -> Any:
            arrays = [T.detach().numpy() for T in context.saved_tensors]
            return tuple(map(torch.from_numpy, plain.pull_back(arrays, grad.contiguous().numpy())))

        members = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
        function: Any = type("LayerFunction", (torch.autograd.Function,), members)
        tensors = [torch.tensor(A, requires_grad=True) for A in plain.arrays]
        return bool(torch.autograd.gradcheck(function.apply, tensors, fast_mode=fast_mode))

    return check


def jax_check_grads() -> Check:
    """jax.test_util.check_grads of a jax.custom_vjp, in double precision."""
    jax: Any = importlib.import_module("jax")
    test_util: Any = importlib.import_module("jax.test_util")
    jax.config.update("jax_enable_x64", True)

    def check(layer: Layer[Any, Any], X: Any) -> bool:
        plain = Plain(layer, X)
        Y = plain(*plain.arrays)
        answer = jax.ShapeDtypeStruct(Y.shape, Y.dtype)
        arguments = [jax.ShapeDtypeStruct(A.shape, A.dtype) for A in plain.arrays]

        def call(*arrays: Any) -> Any:
            return plain(*map(np.asarray, arrays))

        def call_back(grad: Any, *arrays: Any) -> Any:
            return plain.pull_back(list(map(np.asarray, arrays)), np.asarray(grad))

        def primal(*arrays: Any) -> Any:
            return jax.pure_callback(call, answer, *arrays)

        function = jax.custom_vjp(primal)
        function.defvjp(
            lambda *arrays: (primal(*arrays), arrays),
            lambda arrays, grad: tuple(jax.pure_callback(call_back, arguments, grad, *arrays)),
        )
        test_util.check_grads(function, tuple(plain.arrays), order=1, modes=["rev"])
        return True

    return check


def autograd_check_grads() -> Check:
    """autograd.test_util.check_grads of an autograd primitive."""
    extend: Any = importlib.import_module("autograd.extend")
    test_util: Any = importlib.import_module("autograd.test_util")

    def check(layer: Layer[Any, Any], X: Any) -> bool:
        plain = Plain(layer, X)
        function = extend.primitive(plain)

        def way_back(i: int) -> Callable[..., Any]:
            return lambda Y, *arrays: lambda grad: plain.pull_back(arrays, grad)[i]

        numbers = range(len(plain.arrays))
        extend.defvjp(function, *map(way_back, numbers), argnums=numbers)
        test_util.check_grads(function, tuple(numbers), modes=["rev"], order=1)(*plain.arrays)
        return True

    return check


def scipy_check_grad() -> Check:
    """scipy.optimize.check_grad: the length of the error is below 1e-6."""
    optimize: Any = importlib.import_module("scipy.optimize")

    def check(layer: Layer[Any, Any], X: Any) -> bool:
        plain = Plain(layer, X)
        return bool(optimize.check_grad(*plain.projected(), plain.vector()) < 1e-6)

    return check


def _difference(f: Callable[[NDArray[Any]], float], v: NDArray[Any], i: int) -> float:
    """The central difference with step 1e-5 along entry i."""
    step = np.zeros_like(v)
    step[i] = 1e-5
    return (f(v + step) - f(v - step)) / 2e-5


def cs231n(tolerance: float) -> Check:
    """Central differences with h = 1e-5; |a − n| / max(1e-8, |a| + |n|) below the tolerance.

    Source: the recipe of the course CS231n, "Neural Networks Part 3", gradient checks.
    """

    def check(layer: Layer[Any, Any], X: Any) -> bool:
        plain = Plain(layer, X)
        (f, gradient), v = plain.projected(), plain.vector()
        analytic = gradient(v)
        numeric = np.array([_difference(f, v, i) for i in range(v.size)])
        error = np.abs(analytic - numeric) / np.maximum(1e-8, np.abs(analytic) + np.abs(numeric))
        return bool(error.max() < tolerance)

    return check


def one_element(layer: Layer[Any, Any], X: Any) -> bool:
    """One element at random, to 1 %."""
    plain = Plain(layer, X)
    (f, gradient), v = plain.projected(), plain.vector()
    i = int(np.random.default_rng(v.size).integers(v.size))
    analytic, numeric = float(gradient(v)[i]), _difference(f, v, i)
    return abs(analytic - numeric) <= 1e-2 * max(abs(analytic), abs(numeric), 1e-8)


CHECKERS: dict[str, tuple[str, Callable[[], Check]]] = {
    "check_layer": ("layerwise check_layer, fast", lambda: layerwise("fast")),
    "check_layer-full": ("layerwise check_layer, full", lambda: layerwise("full")),
    "torch": ("torch.autograd.gradcheck", lambda: torch_gradcheck(False)),
    "torch-fast": ("torch.autograd.gradcheck, fast_mode", lambda: torch_gradcheck(True)),
    "jax": ("jax.test_util.check_grads", jax_check_grads),
    "autograd": ("autograd.test_util.check_grads", autograd_check_grads),
    "scipy": ("scipy.optimize.check_grad, error < 1e-6", scipy_check_grad),
    "cs231n-7": ("CS231n recipe, relative error < 1e-7", lambda: cs231n(1e-7)),
    "cs231n-4": ("CS231n recipe, relative error < 1e-4", lambda: cs231n(1e-4)),
    "one-element": ("one random element at 1e-2", lambda: one_element),
}


# Running and counting ----------------------------------------------------------------------------


@dataclass
class Score:
    """What one checker did with the cases of one part."""

    wrong: int = 0
    caught: int = 0
    right: int = 0
    refused: int = 0
    missed: list[str] = field(default_factory=list)
    false_alarms: list[str] = field(default_factory=list)

    def add(self, case: Case | LossCase, passed: bool) -> None:
        """Count one case."""
        if case.expected == "wrong":
            self.wrong += 1
            self.caught += not passed
            self.missed += [case.name] * passed
        else:
            self.right += 1
            self.refused += not passed
            self.false_alarms += [case.name] * (not passed)


@dataclass
class Result:
    """What one checker did with all cases, and its time in seconds."""

    name: str
    parts: dict[str, Score]
    seconds: float = 0.0


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """No warnings, no logging and no output of the libraries, whatever a wrong layer does."""
    logging.disable(logging.CRITICAL)
    out = io.StringIO()
    with (
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(out),
    ):
        warnings.simplefilter("ignore")
        yield
    logging.disable(logging.NOTSET)


def passes(check: Check, case: Case, seed: int = 0) -> bool:
    """Whether the checker passes the case. An exception is a way to refuse."""
    layer, X = case.make(np.random.default_rng(seed))
    with silence():
        try:
            return check(layer, X)
        except Exception:
            return False


def passes_loss(mode: Mode, case: LossCase) -> bool:
    """Whether check_loss passes the case."""
    loss, Y, target = case.make(np.random.default_rng(0))
    with silence():
        try:
            return bool(check_loss(loss, Y, target, mode=mode, rng=0).passed)
        except Exception:
            return False


def measure(name: str, cases: Sequence[Case | LossCase], passed: Callable[[Any], bool]) -> Result:
    """One checker on all cases."""
    result = Result(name, {part: Score() for part in PARTS})
    start = time.perf_counter()
    for case in cases:
        result.parts[case.part].add(case, passed(case))
    result.seconds = time.perf_counter() - start
    return result


def names_hint(report: Any, hint: str) -> bool:
    """Whether the report names the planted pattern: "factor 2" as words of its hint."""
    text = getattr(report, "hint", None) or str(report)
    return re.search(rf"(?<![\w/.]){re.escape(hint)}(?![\w/]|\.\d)", text.lower()) is not None


def score_hints(cases: Sequence[Case], mode: Mode) -> dict[str, tuple[int, int, list[str]]]:
    """For each pattern: how often it was named, how often planted, and where it was not named."""
    scores: dict[str, tuple[int, int, list[str]]] = {}
    for case in cases:
        if case.hint is None:
            continue
        layer, X = case.make(np.random.default_rng(0))
        with silence():
            try:
                report = check_layer(layer, X, mode=mode, rng=0)
                right, said = names_hint(report, case.hint), getattr(report, "hint", None)
            except Exception as error:
                right, said = False, repr(error)
        named, planted, misses = scores.get(case.hint, (0, 0, []))
        misses = misses if right else [*misses, f"{case.name}: {said}"]
        scores[case.hint] = named + right, planted + 1, misses
    return scores


def shake(cases: Sequence[Case], check: Check, seeds: int) -> dict[str, Any]:
    """The shares of right cases refused and wrong ones missed, over other numbers."""
    counts = {"right": 0, "wrong": 0, "refused": 0, "missed": 0}
    failures: list[str] = []
    for case in cases:
        for seed in range(1, seeds + 1):
            passed = passes(check, case, seed)
            counts[case.expected] += 1
            if passed != (case.expected == "right"):
                counts["refused" if case.expected == "right" else "missed"] += 1
                failures.append(f"{case.name}, seed {seed}")
    return {**counts, "failures": failures}


# Printing ----------------------------------------------------------------------------------------


def row(result: Result, parts: Sequence[str]) -> str:
    """A line of the table."""
    cells = [f"{result.name:<42}"]
    for part in parts:
        score = result.parts[part]
        cells.append(f"{score.caught:>5} of {score.wrong:<4}{score.refused:>5} of {score.right:<4}")
    return "  ".join([*cells, f"{result.seconds:>7.1f} s"])


def head(parts: Sequence[str]) -> str:
    """The two lines above it."""
    first = "  ".join([" " * 42, *(f"{part:^26}" for part in parts)])
    second = "  ".join([f"{'':<42}", *(f"{'caught':>12}  {'refused':>12}" for _ in parts)])
    return f"{first}\n{second}      time"


def list_failures(result: Result, parts: Sequence[str]) -> None:
    """What was missed and what was refused."""
    for part in parts:
        for what, names in [
            ("not caught", result.parts[part].missed),
            ("refused", result.parts[part].false_alarms),
        ]:
            for name in names:
                print(f"    {part}, {what}: {name}")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gradient_checkers",
        description="Right and wrong layers, and which gradient checker tells them apart.",
    )
    parser.add_argument("--part", choices=[*PARTS, "all"], default="all")
    parser.add_argument(
        "--only",
        metavar="NAME",
        choices=[*CHECKERS, "check_loss"],
        help=", ".join([*CHECKERS, "check_loss"]),
    )
    parser.add_argument(
        "--cases",
        metavar="PATTERN",
        default="",
        help="a regular expression for the names of cases, or of their kinds",
    )
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=int,
        default=0,
        help="run check_layer on N more drawings of every case",
    )
    parser.add_argument("--list-failures", action="store_true")
    parser.add_argument("--json", metavar="FILE", type=Path)
    return parser.parse_args()


def report_hints(cases: Sequence[Case], title: str, mode: Mode, listed: bool) -> dict[str, Any]:
    """Print how many planted patterns check_layer names."""
    hints = score_hints(cases, mode)
    named = sum(score[0] for score in hints.values())
    planted = sum(score[1] for score in hints.values())
    print(f"\n{title}: names {named} of {planted} planted patterns")
    for hint, (right, total, misses) in sorted(hints.items()):
        print(f"  {hint:<22}{right:>3} of {total}")
        for miss in misses if listed else []:
            print(f"    {miss}")
    return hints


def report_seeds(
    cases: Sequence[Case], title: str, mode: Mode, seeds: int, listed: bool
) -> dict[str, Any]:
    """Print what other drawings of the cases give."""
    counts = shake(cases, layerwise(mode), seeds)
    print(
        f"{title}, {seeds} other drawings: refused {counts['refused']} of {counts['right']} right, "
        f"missed {counts['missed']} of {counts['wrong']} wrong"
    )
    for failure in counts["failures"] if listed else []:
        print(f"    {failure}")
    return counts


def main() -> None:
    """Print the table."""
    options = arguments()
    parts = PARTS if options.part == "all" else (options.part,)

    def wanted(case: Case | LossCase) -> bool:
        named = re.search(options.cases, case.name) or re.search(options.cases, case.kind)
        return case.part in parts and named is not None

    cases, losses = list(filter(wanted, CASES)), list(filter(wanted, LOSS_CASES))
    results: list[Result] = []
    missing: list[str] = []
    chosen = [options.only] if options.only else [*CHECKERS, "check_loss"]
    print(head(parts))

    def show(result: Result) -> None:
        results.append(result)
        print(row(result, parts), flush=True)
        if options.list_failures:
            list_failures(result, parts)

    for key in chosen:
        if key in CHECKERS:
            title, make = CHECKERS[key]
            try:
                with silence():
                    check = make()
            except ImportError:
                missing.append(title)
                continue
            show(measure(title, cases, partial(passes, check)))
        else:
            for mode in MODES:
                title = f"layerwise check_loss, {mode} (losses)"
                show(measure(title, losses, partial(passes_loss, mode)))
    if missing:
        print(f"not installed, left out: {'; '.join(missing)}")

    saved: dict[str, Any] = {"results": [asdict(result) for result in results], "missing": missing}
    for mode, key in zip(MODES, ("check_layer", "check_layer-full"), strict=True):
        if key in chosen:
            title, listed = CHECKERS[key][0], options.list_failures
            saved[f"hints, {mode}"] = report_hints(cases, title, mode, listed)
            if options.seeds:
                saved[f"seeds, {mode}"] = report_seeds(cases, title, mode, options.seeds, listed)
    if options.json:
        options.json.write_text(json.dumps(saved, indent=1) + os.linesep)


if __name__ == "__main__":
    main()
