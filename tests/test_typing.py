"""mypy refuses wrong code and accepts right code: the files in tests/typing say where.

A comment `# E: text` demands an error on its line whose message contains the text, `# N: text` a
revealed type; module names are left out. A line without a comment must have neither.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "tests" / "typing").glob("*.py"))

Message = tuple[int, str, str]  # line, kind, text


@pytest.fixture(scope="module")
def output() -> str:
    """What mypy says, with the project's own settings, of all files at once."""
    settings = ["--config-file=pyproject.toml", "--no-pretty", "--no-error-summary"]
    run = subprocess.run(
        [sys.executable, "-m", "mypy", *settings, *map(str, FILES)],
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": "src"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stderr == ""
    return run.stdout


def said(output: str, file: Path) -> Iterator[Message]:
    """The errors and revealed types in mypy's output that are about this file."""
    name = re.escape(str(file.relative_to(ROOT)))
    for line, kind, text in re.findall(rf"^{name}:(\d+): (\w+): (.*)$", output, re.MULTILINE):
        if kind == "error" or text.startswith("Revealed"):
            yield int(line), kind[0].upper(), re.sub(r"\b(?:\w+\.)+(?=\w)", "", text)


def demanded(source: str) -> Iterator[Message]:
    """What the comments of this file ask for."""
    for number, line in enumerate(source.splitlines(), 1):
        for kind, text in re.findall(r"  # ([EN]): (.*)$", line):
            yield number, kind, text


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_mypy_says_what_the_comments_demand(file: Path, output: str) -> None:
    messages, expected = sorted(said(output, file)), list(demanded(file.read_text("utf-8")))
    assert [message[:2] for message in messages] == [message[:2] for message in expected]
    for (line, _, text), (_, _, demand) in zip(messages, expected, strict=True):
        assert demand in text, f"{file.name}: line {line}"


def test_the_files_demand_refusals() -> None:
    """Without comments found, or without files, the test above would demand nothing."""
    demands = {file.name: len(list(demanded(file.read_text("utf-8")))) for file in FILES}
    assert demands["user_program.py"] == 0
    assert demands["arrays.py"] > 10
    assert demands["layers.py"] > 20
