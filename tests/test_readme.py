"""README's code runs as it stands, block after block, and prints what README says it prints."""

import re
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README.read_text(encoding="utf-8"), re.M | re.S)


def without_noise(text: str) -> str:
    """The text without the bounds of the numerical error, which differ between machines."""
    return re.sub(r"\d(\.\d)?e-\d+", "...", text)


def test_its_blocks_run_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    printed = "\n"
    for language, text in BLOCKS:
        if language == "python":
            assert not printed.strip(), "what a block prints stands below it"
            exec(compile(text, str(README), "exec"), names)
            printed = capsys.readouterr().out
        elif not language:
            assert without_noise(printed) == without_noise(text)
            printed = ""
    assert not printed.strip()
    assert 10 < names["epoch"].number < 100
