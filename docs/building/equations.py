"""Equations of docstrings, which are plain text there, as LaTeX between words.

`Y = X M / (1 − rate), each entry of M drawn as 0 …` is one line of text. Single letters and a few
known names are mathematics, other words are words; a formula is what lies between two words or
commas.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

# Names of several letters that are part of a formula where a sign stands beside them.
NAMES = frozenset(
    re.findall(
        r"\w+",
        "ELU attention clip cos deviation end every exp factor fan_in fan_out gain limit ln log "
        "logits max mean min mlp norm peak rate rms sign sin size softmax start step steps tanh "
        "temperature value",
    )
)
ALWAYS = re.compile(r"grad|d[A-Zabfxαθ]|[A-Z]_[a-z]")  # and these wherever they stand
SIGNS = {
    "−": "- ",
    "·": r"\cdot ",
    "←": r"\leftarrow ",
    "≈": r"\approx ",
    "~": r"\sim ",
    "…": r"\ldots ",
    "Σ": r"\sum ",
    "<": r"\lt ",
    ">": r"\gt ",
}
RELATIONS, SUMS = frozenset("=←≈~<>"), frozenset("+−")
# |X| has been read as ❘X❙, so that one sees where it ends.
CLOSING = {"(": ")", "[": "]", "⌊": "⌋", "❘": "❙"}
FENCES = {"⌊": r"\lfloor", "⌋": r"\rfloor", "❘": "|", "❙": "|"}
LOW = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼᵣ", "0123456789+-aeoxhklmnpstijr", strict=True))
HIGH = dict(zip("²³⁴⁻ᵗᵀᵏ", "234-tTk", strict=True))
ACCENTS = {"m̂": r"\hat{m}", "v̂": r"\hat{v}", "ñ": r"\tilde{n}"}
LONG = 30  # characters, after which a formula may go on in the next line

TOKEN = re.compile(
    r"(?P<code>`[^`]+`)"
    r"|(?P<number>\d+(?:\.\d+)?)"
    rf"|(?P<low>[{''.join(LOW)}]+)|(?P<high>[{''.join(HIGH)}]+)"
    r"|(?P<sum>Σ over [a-z](?:, [a-z])* of)"
    rf"|(?P<name>[mv]\u0302|(?:(?![{''.join((*LOW, *HIGH))}])[^\W\d_Σ])+(?:'[a-z]+|(?:_[a-z]+)+)?)"
    r"|(?P<sign>\S)"
)


@dataclass(frozen=True)
class Token:
    """A piece of the text: its kind, itself, and whether a space stands before it."""

    kind: str
    text: str
    spaced: bool


@dataclass(frozen=True)
class Piece:
    """A formula, as LaTeX, or words; and whether a space stands before it."""

    text: str
    formula: bool
    spaced: bool


def tokens(text: str) -> list[Token]:
    """The pieces of a text."""
    text = re.sub(r"\|([^|]+)\|", r"❘\1❙", text)
    return [
        Token(str(found.lastgroup), found.group(), text[: found.start()].endswith(" "))
        for found in TOKEN.finditer(text)
    ]


def pieces(text: str) -> list[list[Piece]]:
    """The lines of an equation, which end with semicolons; none for what begins as a sentence."""
    found = tokens(text)
    if not found or _is_word(found, 0):
        return []
    lines: list[list[Piece]] = [[]]
    formula: list[Token] = []
    depth = 0
    for i, token in enumerate(found):
        depth += (token.text in CLOSING) - (token.text in CLOSING.values())
        if depth or not _is_word(found, i):
            formula.append(token)
            continue
        lines[-1] += _formulas(formula)
        formula = []
        text = f"`{token.text}`" if token.kind == "code" else token.text
        lines[-1].append(Piece(text, formula=False, spaced=token.spaced))
        if token.text == ";":
            lines.append([])
    lines[-1] += _formulas(formula)
    return lines


def restructured(text: str) -> list[str]:
    """The lines of an equation as reStructuredText, with formulas as roles."""
    lines = ["".join(map(_restructured, _with_stops(line))) for line in pieces(text)]
    return [line.removeprefix("\\").strip() for line in lines]


def _with_stops(line: Sequence[Piece]) -> list[Piece]:
    """The line with a comma after a formula as part of it, so that no line begins with one."""
    found: list[Piece] = []
    for piece in line:
        if piece.text in set(",;:.") and found and found[-1].formula and not piece.spaced:
            before = found.pop()
            piece = replace(before, text=rf"{before.text}\text{{{piece.text}}}")  # noqa: PLW2901
        found.append(piece)
    return found


def _restructured(piece: Piece) -> str:
    text = rf":math:`\displaystyle {piece.text.strip()}`" if piece.formula else piece.text
    if piece.spaced:
        return f" {text}"
    return rf"\ {text}" if piece.formula else text  # which reStructuredText needs, and drops


def _is_word(found: Sequence[Token], i: int) -> bool:
    """Whether the token, outside of all brackets, is part of a sentence and of no formula."""
    token = found[i]
    before, after = (found[j] if 0 <= j < len(found) else None for j in (i - 1, i + 1))
    beside = {t.text for t in (before, after) if t is not None}
    if token.kind != "name":
        return token.kind == "code" or token.text in set(",;:.-\"'")
    scripted = after is not None and (after.kind in ("low", "high") or after.text == "(")
    scripted &= after is not None and not after.spaced
    if ALWAYS.fullmatch(token.text) or token.text in ACCENTS:
        return False
    if len(token.text) == 1:
        article = token.text in "aA" and after is not None and after.kind == "name"
        return article and not beside & {*RELATIONS, *SUMS, "/"}
    called = after is not None and after.text == "(" and not after.spaced
    known = token.text in NAMES or called
    return not (known and (scripted or beside & {*RELATIONS, *SUMS, *"/·Σ"}))


def _formulas(found: Sequence[Token]) -> list[Piece]:
    """The formula; a long one in parts, each of which ends with a relation or with + or −."""
    parts: list[list[Token]] = [[]]
    depth = 0
    long = sum(len(token.text) for token in found) > LONG
    for token in found:
        parts[-1].append(token)
        depth += (token.text in CLOSING) - (token.text in CLOSING.values())
        enough = sum(len(token.text) for token in parts[-1]) > LONG
        if not depth and ((long and token.text in RELATIONS) or (enough and token.text in SUMS)):
            parts.append([])
    return [Piece(latex(part), formula=True, spaced=part[0].spaced) for part in parts if part]


def latex(found: Sequence[Token]) -> str:
    """A formula as LaTeX, its products over what they are divided by."""
    return _Reader(found).all()


class _Reader:
    """Goes through the tokens of one formula."""

    def __init__(self, found: Sequence[Token]) -> None:
        self.found, self.at = found, 0

    def next(self) -> Token | None:
        return self.found[self.at] if self.at < len(self.found) else None

    def all(self, closing: str = "", *, inline: bool = False) -> str:
        """All up to the closing bracket, or to the end; fractions stay in the line, if `inline`."""
        done: list[str] = []  # signs and factors; a product begins at `begin`
        begin = 0
        while (token := self.next()) is not None and token.text != closing:
            if token.text == "/" and not inline:
                self.at += 1
                begin = begin if token.spaced else len(done) - 1  # as in dL/dX
                done[begin:] = [rf"\frac{{{_bare(done[begin:])}}}{{{_bare([self.factor()])}}}"]
            elif token.kind == "name" and self.is_words():
                done.append(self.words())
            elif token.kind == "sign" and token.text not in {*CLOSING, *"√Σ"}:
                self.at += 1
                done.append(SIGNS.get(token.text, token.text + " "))
                begin = len(done)
            elif token.text == "Σ":
                self.at += 1
                done.append(rf"\sum{self.attached()} ")
            else:
                done.append(self.factor())
        return _joined(done)

    def is_words(self) -> bool:
        """Whether words stand inside brackets here, as in (number of entries)."""
        token, after = self.found[self.at], self.found[self.at + 1 : self.at + 2]
        called = any(other.text == "(" and not other.spaced for other in after)
        named = token.text in NAMES or token.text in ACCENTS or ALWAYS.fullmatch(token.text)
        return len(token.text) > 1 and not named and not called

    def words(self) -> str:
        """All words up to the next sign."""
        words = []
        while (token := self.next()) is not None and token.kind == "name":
            words.append(token.text)
            self.at += 1
        return rf"\text{{{' '.join(words)}}}"

    def factor(self) -> str:
        """A number, a name, a root or brackets, with indices, powers and arguments."""
        token = self.next()
        if token is None:
            return ""
        self.at += 1
        if token.text in CLOSING:
            text = self.brackets(token.text)
        elif token.text == "√":
            text = rf"\sqrt{{{_bare([self.factor()])}}}"
        elif token.text == "Σ":
            text = rf"\sum{self.attached()} {self.factor()}"
        elif token.kind == "sum":
            text = rf"\sum_{{{token.text[7:-3]}}} "
        else:
            text = _named(token)
        return text + self.attached()

    def attached(self) -> str:
        """What stands right after it."""
        text = ""
        while (token := self.next()) is not None and not token.spaced:
            if token.text == "^":
                self.at += 2
                bracket = self.found[self.at - 1].text
                text += f"^{{{_bare([self.brackets(bracket, inline=True)])}}}"
            elif token.kind in ("low", "high"):
                self.at += 1
                mark, letters = ("_", LOW) if token.kind == "low" else ("^", HIGH)
                text += f"{mark}{{{''.join(letters[c] for c in token.text)}}}"
            elif token.text in CLOSING:
                self.at += 1
                text += self.brackets(token.text)
            elif token.kind in ("name", "number"):  # as in 2h
                text += self.factor()
            else:
                break
        return text

    def brackets(self, opening: str, *, inline: bool = False) -> str:
        """What stands in brackets, of which the opening one has been read."""
        closing = CLOSING[opening]
        inside = self.all(closing, inline=inline)
        self.at += 1
        left, right = FENCES.get(opening, opening), FENCES.get(closing, closing)
        return rf"\left{left} {inside}\right{right} "


def _named(token: Token) -> str:
    if token.text in ACCENTS:
        return ACCENTS[token.text]
    if token.kind == "code":
        return rf"\text{{{token.text[1:-1]}}}"
    if ALWAYS.fullmatch(token.text) and token.text != "grad":  # dX, Y_c
        return f"{token.text[0]} {token.text[1:]}" if token.text[0] == "d" else token.text
    word = token.kind == "name" and len(token.text) > 1
    return rf"\text{{{token.text}}}" if word else token.text


def _bare(factors: Sequence[str]) -> str:
    """What stands above or below a line needs no brackets of its own."""
    text = _joined(factors)
    depth, whole = 0, text.startswith(r"\left( ")
    for found in re.finditer(r"\\(left|right)(?![a-z])", text):
        depth += 1 if found.group(1) == "left" else -1
        whole &= depth > 0 or found.end() == len(text) - 1
    return text[len(r"\left( ") : -len(r"\right)")].strip() if whole else text


def _joined(factors: Sequence[str]) -> str:
    r"""One after another, with a thin space beside names: `log x`, not `logx`."""
    text = ""
    for factor in factors:
        sign = factor in SIGNS.values() or len(factor) == 2
        beside = factor.startswith(r"\text") or re.search(r"\\text\{[^}]*\}$", text)
        after_sign = not text or text.endswith(" ")
        text += (" " if sign or after_sign or not beside else r"\, ") + factor
    return re.sub(" +", " ", text).strip()
