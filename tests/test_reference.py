"""The reference: every public name is in it, with its equation set and a doctest."""

import re
from dataclasses import is_dataclass
from importlib import import_module
from inspect import getdoc, isclass, isfunction
from pathlib import Path

import pytest

import layerwise
from docs.building.equations import pieces, restructured

ROOT = Path(__file__).parent.parent
ROOMS = ["distributed", "estimators", "onnx", "saving", "testing"]  # outside the package's face
FACE = [f"layerwise.{name}" for name in layerwise.__all__]


def public_names() -> list[str]:
    """Those of the package's face, and of each room beside it."""
    found = list(FACE)
    for room in ROOMS:
        if not list((ROOT / "src/layerwise").glob(f"{room}*")):
            continue
        module = import_module(f"layerwise.{room}")
        own = [
            name
            for name, item in vars(module).items()
            if (isclass(item) or isfunction(item)) and item.__module__ == module.__name__
        ]
        names = getattr(module, "__all__", own)
        found += [f"{module.__name__}.{name}" for name in names if not name.startswith("_")]
    return found


PUBLIC = public_names()
RAISE_NOTHING = ["layerwise.Layer", "layerwise.zeros"]


def documented() -> set[str]:
    """What the pages of the reference list."""
    found = set()
    for page in (ROOT / "docs/reference").glob("*.rst"):
        module = ""
        for kind, name in re.findall(r"^\.\. ([\w:]+):: (.+)$", page.read_text("utf-8"), re.M):
            if kind == "currentmodule":
                module = name
            elif kind in ("autoclass", "autofunction", "py:type"):
                found.add(f"{module}.{name.split('(')[0]}")
    return found


def test_every_public_name_is_in_the_reference() -> None:
    assert set(PUBLIC) - documented() == set()


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_has_a_doctest_and_says_what_it_raises(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    item = getattr(import_module(module), attribute)
    if isclass(item) or isfunction(item):  # the others are types of arrays
        assert ">>> " in (getdoc(item) or "")
        if not is_dataclass(item) and name not in RAISE_NOTHING:
            assert re.search("[Rr]aises", getdoc(item) or "")


FIRST = {
    name: (getdoc(getattr(layerwise, name)) or "").partition("\n\n")[0].replace("\n", " ")
    for name in layerwise.__all__
    if isclass(getattr(layerwise, name)) or isfunction(getattr(layerwise, name))
}


@pytest.mark.parametrize("name", FIRST)
def test_an_equation_loses_nothing(name: str) -> None:
    """Every letter, digit and sign of the text is in what is set, and brackets are closed."""
    text = re.sub("Σ over (.*?) of", r"Σ \1", FIRST[name])
    lines = pieces(FIRST[name])
    if not lines:  # a sentence
        assert re.match(r"[A-Z][a-z]+ ", text)
        return
    latex = " ".join(piece.text for line in lines for piece in line)
    plain = re.sub(r"\\(text|frac|sqrt|left|right|hat|tilde|l?r?floor|sum|cdot)", "", latex)
    for letter in "".join(re.findall(r"[A-Za-zα-ωΔΦ0-9]", text)):
        assert plain.count(letter) >= text.count(letter)
    assert latex.count(r"\sum") == text.count("Σ")
    assert latex.count(r"\sqrt") == text.count("√")
    assert latex.count("{") == latex.count("}")
    left, right = (re.findall(rf"\\{side}(?!arrow)", latex) for side in ("left", "right"))
    assert len(left) == len(right)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Y = X W + b.", [r":math:`\displaystyle Y = X W + b\text{.}`"]),
        (
            "Y = X M / (1 − rate), each entry of M drawn",
            [
                r":math:`\displaystyle Y = \frac{X M}{1 - \text{rate}}\text{,}` each entry of "
                r":math:`\displaystyle M` drawn"
            ],
        ),
        (
            "Y = σ(X) where X > 0; dL/dX = grad (1 − Y²)",
            [
                r":math:`\displaystyle Y = σ\left( X\right)` where "
                r":math:`\displaystyle X \gt 0\text{;}`",
                r":math:`\displaystyle \frac{d L}{d X} = \text{grad}\, \left( 1 - Y^{2}\right)`",
            ],
        ),
        (
            "θ ← m̂ / (√v̂ + ε)",
            [r":math:`\displaystyle θ \leftarrow \frac{\hat{m}}{\sqrt{\hat{v}} + ε}`"],
        ),
        ("η = a^(t / b)", [r":math:`\displaystyle η = a^{t / b}`"]),
        (
            "df/dxᵢ ≈ f(x) / 2h",
            [r":math:`\displaystyle \frac{d f}{d x_{i}} \approx \frac{f\left( x\right)}{2h}`"],
        ),
        (
            "L = mean(|Y|) / (number of rows), as `train` does",
            [
                r":math:`\displaystyle L = \frac{\text{mean}\left( \left| Y\right|\right)}"
                r"{\text{number of rows}}\text{,}` as ``train`` does"
            ],
        ),
        (
            "Y[n] = Σ over k, l of X[k, l]",
            [r":math:`\displaystyle Y\left[ n\right] = \sum_{k, l} X\left[ k , l\right]`"],
        ),
        ("What `train` measured: a = b.", []),
    ],
)
def test_equations_as_latex(text: str, expected: list[str]) -> None:
    assert restructured(text) == expected


def test_a_long_formula_may_break_after_a_sign() -> None:
    (line,) = pieces("Y[n, i, j] = X[n, i s + k d, j s + l d] W[k, l] V[k, l] U[k] + b + c")
    assert [piece.text[-1] for piece in line] == ["=", "+", "c"]
