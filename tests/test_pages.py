"""Pages: their code runs as it stands and prints what they say, and their links lead somewhere."""

import re
from pathlib import Path
from typing import Any

import pytest

from docs.building.examples import EXAMPLES
from docs.building.site import faults

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
TEXTS = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in PAGES}
BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.M | re.S)


def without_noise(text: str) -> str:
    """The text without what differs between machines.

    That are the bounds of the numerical error, and which of those compared came closest to it.
    """
    return re.sub(r"\d(\.\d)?e-\d+", "...", re.sub("worst: .*", "worst: ...", text))


@pytest.mark.parametrize("page", [page for page in TEXTS if "```python" in TEXTS[page]])
def test_the_blocks_of_a_page_run_in_order(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    printed = ""
    for language, block in BLOCK.findall(TEXTS[page]):
        if language == "python":
            assert not printed.strip(), "what a block prints stands below it"
            exec(compile(block, page, "exec"), names)
            printed = capsys.readouterr().out
        elif not language:
            assert without_noise(printed) == without_noise(block)
            printed = ""
    assert not printed.strip(), "what a block prints stands below it"
    assert any(
        str(getattr(value, "__module__", "")).startswith("layerwise") for value in names.values()
    )


@pytest.mark.parametrize("page", TEXTS)
def test_links_lead_to_files(page: str) -> None:
    """And to headings of pages, by their names as GitHub and the site make them."""
    folder = (ROOT / page).parent
    for link in re.findall(r"\]\((?!http)([^)]+)\)", re.sub(r"`[^`]+`", "", TEXTS[page])):
        file, _, place = re.sub(r"\s+", "", link).partition("#")
        if file.startswith("drawn/"):  # when the site is built
            assert Path(file).stem in re.findall(r"^def (\w+)", PICTURES, re.M), link
            continue
        target = folder / file if file else ROOT / page
        assert target.exists(), link
        assert not place or place in places(target.read_text(encoding="utf-8")), link
    for example in re.findall(r"examples/(\w+\.py)", TEXTS[page]):
        assert (ROOT / "examples" / example).exists(), example
    for example in re.findall(r"^```\{example\} (\w+)$", TEXTS[page], re.M):
        assert example in EXAMPLES


PICTURES = (ROOT / "docs/building/pictures.py").read_text(encoding="utf-8")


def places(text: str) -> set[str]:
    """The names of the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_headings_of_the_course_count_its_lines() -> None:
    _, *parts = re.split(r"^## (?=\d)", TEXTS["docs/course.md"], flags=re.M)
    for part in parts:
        heading, _, text = part.partition("\n")
        blocks = [block for language, block in BLOCK.findall(text) if language == "python"]
        count = sum(bool(line) for block in blocks for line in block.splitlines())
        number = ["no", "one", "two", "three", "four", "five", "six", "seven"][count]
        assert heading.endswith(f": {number} line{'s' * (count > 1)}")


def test_the_gallery_has_every_example() -> None:
    assert sorted(EXAMPLES) == sorted(path.stem for path in (ROOT / "examples").glob("*.py"))


def test_the_toctrees_have_every_page() -> None:
    """One that nobody can reach might as well not be there."""
    listed = set(re.findall(r"^([\w/-]+)$", "\n".join(trees("docs/index.md")), re.M))
    listed |= {f"reference/{name}" for name in "\n".join(trees("docs/reference/index.md")).split()}
    docs = ROOT / "docs"
    pages = [*docs.glob("*.md"), *docs.glob("reference/*.md"), *docs.glob("reference/*.rst")]
    found = {page.relative_to(docs).with_suffix("").as_posix() for page in pages}
    assert found - {"index"} <= listed


def trees(page: str) -> list[str]:
    return re.findall(r"^```\{toctree\}\n(.*?)^```$", TEXTS[page], re.M | re.S)


def test_faults_of_the_finished_site_are_found(tmp_path: Path) -> None:
    """The build looks through all pages with this: see `docs/__main__.py`."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "there.html").write_text('<a name="old"></a><p id="a b">', "utf-8")
    (tmp_path / "style.css").write_text("", "utf-8")
    (tmp_path / "index.html").write_text(
        """
        <link rel="stylesheet" href="style.css?v=1"><link rel="next" href="https://else.where/">
        <a href="in/there.html">right</a> <a href="in/there.html#a%20b">right</a>
        <a href="in/there.html#old">right</a> <a href="#me" id="me">right</a>
        <a href="https://elsewhere.org/gone">elsewhere</a> <a href="mailto:me@here.org">me</a>
        <img src="data:image/png;base64,AAAA">
        <a href="gone.html">dead</a> <a href="in/there.html#gone">dead</a> <a href="#gone">dead</a>
        <img src="gone.png"> <script src="https://else.where/a.js"></script>
        <link rel="stylesheet" href="//else.where/a.css">
        <b>ndarray</b>[tuple[Any, ...], dtype[floating[Any]]]
        """,
        "utf-8",
    )
    assert faults(tmp_path) == [
        "index.html: https://else.where/a.js comes from another host",
        "index.html: //else.where/a.css comes from another host",
        "index.html: gone.html leads nowhere",
        "index.html: in/there.html#gone leads nowhere",
        "index.html: #gone leads nowhere",
        "index.html: gone.png leads nowhere",
        "index.html: ndarray[tuple[Any, ...] is an Array",
    ]
