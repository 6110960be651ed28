"""Which small mistakes in the code do the tests notice? `python -m benchmarks.mutants --help`.

A mutant is the package with one thing changed at random: a number four times as large or a quarter,
a comparison or an `and` turned round, a `+` for a `-`, a `not` left out, a line that is gone. The
tests run on each in a copy of the project until one fails, those of the changed file first, and
what they let pass is printed. Not every survivor is a gap: some changes alter speed or the last
digits only.

    python -m benchmarks.mutants src/layerwise/gradients --tests tests/gradients
"""

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

ROOT = Path(__file__).parent.parent
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip

TYPES = "annotation", "returns"  # whose mutants mypy would notice, and no test does


@dataclass(frozen=True)
class Mutant:
    """A file with one change, and what the change is."""

    file: Path
    line: int
    change: str
    source: str


def mutants(file: Path) -> Iterator[Mutant]:
    """Every mutant of a file."""
    text = file.read_text(encoding="utf-8")
    parsed = ast.parse(text)
    types = [getattr(node, name, None) for node in ast.walk(parsed) for name in TYPES]
    left_out = {id(part) for node in types if node is not None for part in ast.walk(node)}
    for i, node in enumerate(ast.walk(parsed)):
        if id(node) in left_out:
            continue
        for new in changes(node):
            tree = ast.parse(text)
            place = list(ast.walk(tree))[i]
            before = ast.unparse(place)
            _replace(tree, place, new)
            change = f"{before}  ->  {ast.unparse(new)}"
            yield Mutant(file, getattr(node, "lineno", 0), change, ast.unparse(tree))


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in place of a node by mistake."""
    new = deepcopy(node)
    match node, new:
        case ast.Constant(value=bool() as value), ast.Constant():
            yield ast.Constant(not value)
        case ast.Constant(value=int() | float() as value), ast.Constant():
            small = value == 0 or (isinstance(value, int) and abs(value) < 4)
            others = (value + 1,) if small else (value * 4, type(value)(value / 4))
            yield from map(ast.Constant, others)
        case ast.Compare(ops=[op]), ast.Compare() if type(op) in COMPARISONS:
            new.ops = [COMPARISONS[type(op)]()]
            yield new
        case ast.BoolOp(op=op), ast.BoolOp():
            new.op = ast.Or() if isinstance(op, ast.And) else ast.And()
            yield new
        case ast.BinOp(op=op), ast.BinOp() if type(op) in OPERATORS:
            new.op = OPERATORS[type(op)]()
            yield new
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand), _:
            yield deepcopy(operand)
        case ((ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Raise()), _):
            yield ast.Pass()


def _replace(tree: ast.AST, old: ast.AST, new: ast.AST) -> None:
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
            elif isinstance(value, list) and any(item is old for item in value):
                setattr(parent, name, [new if item is old else item for item in value])


def survives(mutant: Mutant, copy: Path, tests: list[str], seconds: float) -> bool:
    """Whether the tests pass on the mutant, in a copy of the project; what hangs does not.

    Those named after its file come first: they notice most of what there is to notice.
    """
    place = copy / mutant.file.relative_to(ROOT)
    own = (copy / "tests").rglob(f"test_{place.stem}.py")
    original = place.read_text(encoding="utf-8")
    place.write_text(mutant.source, encoding="utf-8")
    try:
        return all(passes(copy, test, seconds) for test in [*map(str, own), *tests])
    finally:
        place.write_text(original, encoding="utf-8")


def passes(copy: Path, test: str, seconds: float | None = None) -> bool:
    """Whether a file or folder of tests passes, in this time."""
    try:
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test],
            cwd=copy,
            env=os.environ | {"PYTHONPATH": str(copy / "src"), "OPENBLAS_NUM_THREADS": "1"},
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return run.returncode == 0


def main() -> None:
    """Draw mutants, run the tests on them, print those that nothing noticed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path, help="files or folders to change")
    parser.add_argument("--without", nargs="+", default=[], help="names of files to leave out")
    parser.add_argument("--tests", nargs="+", default=["tests"], help="in order: quick ones first")
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    files = [f for p in options.paths for f in ([p] if p.is_file() else sorted(p.rglob("*.py")))]
    files = [file for file in files if file.name not in options.without]
    every = [mutant for file in files for mutant in mutants(file.resolve())]
    chosen = random.Random(options.seed).sample(every, min(options.count, len(every)))
    noticed = 0
    with tempfile.TemporaryDirectory() as folder:
        copies: Queue[Path] = Queue()
        for i in range(options.workers):
            ignore = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__")
            copies.put(Path(shutil.copytree(ROOT, Path(folder) / str(i), ignore=ignore)))
        start = time.monotonic()
        if not all(passes(Path(folder) / "0", test) for test in options.tests):
            sys.exit("the tests fail on the code as it is")
        seconds = 60 + 4 * (time.monotonic() - start)

        def run(mutant: Mutant) -> bool:
            copy = copies.get()
            try:
                return survives(mutant, copy, options.tests, seconds)
            finally:
                copies.put(copy)

        with ThreadPoolExecutor(options.workers) as pool:
            for mutant, lives in zip(chosen, pool.map(run, chosen), strict=True):
                noticed += not lives
                if lives:
                    where = f"{mutant.file.relative_to(ROOT)}:{mutant.line}"
                    print(f"survived  {where}  {mutant.change}", flush=True)
    print(f"{noticed} of {len(chosen)} noticed, drawn from {len(every)}")


if __name__ == "__main__":
    main()
