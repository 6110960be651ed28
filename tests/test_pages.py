"""Code on pages runs as it stands, block after block, and prints what the page says."""

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent


def without_noise(text: str) -> str:
    """The text without the bounds of the numerical error, which differ between machines."""
    return re.sub(r"\d(\.\d)?e-\d+", "...", text)


@pytest.mark.parametrize(
    "page", ["README.md", "docs/course.md", "docs/distributed.md", "docs/onnx.md"]
)
def test_the_blocks_of_a_page_run_in_order(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    printed, asked = "\n", False
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S):
        if language == "python":
            assert not asked or not printed.strip(), "what a block prints stands below it"
            exec(compile(block, page, "exec"), names)
            printed, asked = capsys.readouterr().out, True
        elif not language:
            assert without_noise(printed) == without_noise(block)
            printed = ""
    assert not printed.strip()
    assert "SGD" in names or "Adam" in names


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/*.md")))
def test_links_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text(encoding="utf-8"))
    for link in links:
        assert (page.parent / link).exists(), f"{page.name}: {link}"
    for example in re.findall(r"examples/(\w+\.py)", page.read_text(encoding="utf-8")):
        assert (ROOT / "examples" / example).exists(), f"{page.name}: {example}"
