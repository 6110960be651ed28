"""Docstrings as pages show them, and the types in signatures as the source has them."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from typing import Any

from docutils import nodes
from sphinx.addnodes import desc_signature
from sphinx.application import Sphinx

from docs.building.equations import restructured

# What is written out in the source, to keep a dtype, or has a name there only.
SHORTER = {
    "np.ndarray[tuple[int, int], np.dtype[F]]": "Matrix",
    "NDArray[np.bool_]": "Mask",
    "np.random.": "",
    "AnyLayer": "Layer",
    "Recurrent": "RNN | LSTM | GRU",
}
PARTS = r"[Pp]arts? \d\.\d(?:(?:,| and) \d\.\d)*"
COURSE = re.compile(rf"course {PARTS}|{PARTS} of the course")


def shown(*given: Any) -> None:
    """Set the equation, keep stars and bars as they are, and make sources links."""
    lines: list[str] = given[-1]
    paragraphs = "\n".join(lines).strip().split("\n\n")
    equation = restructured(paragraphs[0].replace("\n", " "))
    found = [escaped(paragraph) for paragraph in paragraphs]
    if equation:
        found[0] = ".. rst-class:: equation\n\n" + "\n".join(f"| {line}" for line in equation)
    lines[:] = [*"\n\n".join(found).split("\n"), ""]


def escaped(paragraph: str) -> str:
    """The paragraph with links; a doctest, or code, as it is."""
    if paragraph.startswith(">>>"):
        return ".. code-block:: pycon\n\n" + textwrap.indent(paragraph, "    ")
    if paragraph.startswith(("    ", "..")):
        return paragraph
    parts = re.split(r"(``?[^`]+``?)", paragraph)  # every second one is code
    for i in range(0, len(parts), 2):
        parts[i] = linked(re.sub(r"(?<!^)([*|])|(\w_)(?!\w)", r"\\\g<0>", parts[i]))
    return "".join(parts)


def linked(text: str) -> str:
    """Papers and parts of the course as links."""
    text = re.sub(r"arXiv:([\w\-.]*/?\d[\d.]*\d)", r"`arXiv:\1 <https://arxiv.org/abs/\1>`__", text)
    text = re.sub(r"doi:(10\.\S+[^\s,.;:])", r"`doi:\1 <https://doi.org/\1>`__", text)
    return COURSE.sub(
        lambda parts: re.sub(r"\d\.\d", r":ref:`\g<0> <part-\g<0>>`", parts.group()), text
    )


def signature(_: Sphinx, what: str, *about: Any) -> tuple[str, str | None] | None:
    """The signature with types and defaults as they stand in the source: `X: Matrix`."""
    _name, item, _options, given, _returned = about
    function = inspect.unwrap(item.__init__ if inspect.isclass(item) else item)
    function = getattr(function, "__func__", function)
    if given is None or not inspect.isfunction(function):
        return None
    if function.__code__.co_filename == "<string>":  # of a dataclass, whose types are texts
        written = re.sub(r": '([^']*)'", r": \1", str(inspect.signature(item)))
        written = re.sub(r"<class '.*?(\w+)'>", r"\1", written).replace("<factory>", "...")
        return readable(written).partition(" -> ")[0], None
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    if not isinstance(tree, ast.FunctionDef):
        return None
    for arguments in (tree.args.posonlyargs, tree.args.args):
        if arguments and arguments[0].arg in ("self", "cls"):
            del arguments[0]
    result = ast.unparse(tree.returns) if tree.returns and what != "class" else None
    return f"({readable(ast.unparse(tree.args))})", readable(result) if result else None


def readable(types: str) -> str:
    """Types by their short names."""
    for written, name in SHORTER.items():
        types = types.replace(written, name)
    return re.sub(r"\bRow\b", "tuple[int, ...]", types)


def without_source(app: Sphinx, page: nodes.document) -> None:
    """Give what is documented beside the package's face no link to its source.

    The page of a source links back by one module's name only, here `layerwise`.
    """
    for signature in page.findall(desc_signature):
        if signature.get("module") in ("layerwise.diagnosis", "layerwise.gradients.report"):
            del signature["module"]


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect them to autodoc and to what reads its pages."""
    app.connect("autodoc-process-docstring", shown)
    app.connect("autodoc-process-signature", signature)
    app.connect("doctree-read", without_source, priority=400)  # before viewcode, at 500
    return {"parallel_read_safe": True, "parallel_write_safe": True}
