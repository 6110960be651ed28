"""The examples as pages: their code, and what it printed and drew when the site was built."""

from __future__ import annotations

import os
import posixpath
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from docs.building.examples import APART, EXAMPLES, FOLDERS

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "build" / "examples"  # copies, with headings; here they run
INTRODUCTION = """\
Every example is a short program in ``examples/``. What it prints and draws below is what came of
it when this site was built.
"""


def prepare() -> None:
    """Write the copies that the gallery is made from."""
    shutil.rmtree(SOURCES, ignore_errors=True)
    for folder, (heading, sentence, titles) in FOLDERS.items():
        place = SOURCES / folder
        place.mkdir(parents=True)
        (place / "GALLERY_HEADER.rst").write_text(f"{_headed(heading, '-')}\n{sentence}\n", "utf-8")
        for name, title in titles.items():
            program = (ROOT / "examples" / f"{name}.py").read_text("utf-8")
            text = f'"""\n{_headed(title)}\n' + program.removeprefix('"""')
            (place / f"{name}.py").write_text(text + _printed(name), "utf-8")
    (SOURCES / "GALLERY_HEADER.rst").write_text(_headed("Examples") + "\n" + INTRODUCTION, "utf-8")


def _headed(title: str, line: str = "=") -> str:
    return f"{title}\n{line * len(title)}\n"


def _printed(name: str) -> str:
    """For an example that runs apart: a last block with what it prints."""
    if name not in APART:
        return ""
    launcher, arguments = APART[name]
    path = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    first = [shutil.which(launcher[0], path=path) or launcher[0]] if launcher else []
    example = str(ROOT / "examples" / f"{name}.py")
    run = subprocess.run(
        [*first, *launcher[1:], sys.executable, "-W", "error", example, *arguments],
        cwd=SOURCES,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if run.returncode:
        raise RuntimeError(f"{name}.py failed:\n{run.stderr}")
    command = " ".join([*launcher, "python", f"examples/{name}.py", *arguments])
    lines = [f"``{command}`` prints:", "", ".. code-block:: none", ""]
    lines += [f"    {line}" for line in run.stdout.splitlines()]
    return "\n# %%\n" + "\n".join(f"# {line}".rstrip() for line in lines) + "\n"


def pictures(block: Any, variables: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """What an example saved, for its page: a picture of its own name."""
    from sphinx_gallery.scrapers import figure_rst  # noqa: PLC0415  # after that of the settings

    saved = Path(variables["src_file"]).with_suffix(".png")
    if not saved.exists():
        return ""
    shown = next(variables["image_path_iterator"])
    shutil.move(saved, shown)
    return str(figure_rst([shown], settings["src_dir"]))


class Link(SphinxDirective):
    """```{example} digits```: the picture of an example, and a link to its page."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The picture, if it draws one, and the title."""
        name = self.arguments[0]
        example = EXAMPLES[name]
        page = f"gallery/{example.folder}/{name}"
        text = nodes.paragraph(classes=["example"])
        text += nodes.literal(text=f"examples/{name}.py")
        picture = f"/gallery/{example.folder}/images/sphx_glr_{name}_001.png"
        if not Path(self.env.srcdir, picture[1:]).exists():
            return [text]
        shown = nodes.image(uri=picture, alt=f"What {name}.py draws")
        page = posixpath.relpath(f"{page}.html", posixpath.dirname(self.env.docname) or ".")
        return [nodes.reference("", "", shown, refuri=page, internal=True), text]


def in_order(name: str) -> int:
    """The place of an example, or of a folder, as in `FOLDERS`."""
    stem = Path(name).stem
    return list(EXAMPLES).index(stem) if stem in EXAMPLES else list(FOLDERS).index(Path(name).name)


def without_places(app: Any, page: str, source: list[str]) -> None:
    """Leave out of what was printed where this machine keeps the copies."""
    if page.startswith("gallery/"):
        for folder in FOLDERS:
            source[0] = source[0].replace(f"{SOURCES / folder}{os.sep}", "")


def setup(app: Any) -> dict[str, bool]:
    """Make the copies before anything else looks for them."""
    app.connect("config-inited", lambda *_: prepare(), priority=1)
    app.connect("source-read", without_places)
    app.add_directive("example", Link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
