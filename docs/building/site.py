"""The finished pages: links lead somewhere, types are short, nothing comes from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

LOADED = {"audio", "embed", "iframe", "img", "script", "source", "video"}  # and links but these:
RELATED = {"canonical", "index", "search", "next", "prev", "author", "help", "copyright"}


LONG_TYPE = "ndarray[tuple[Any, ...]"  # an Array, which was not recognized


@dataclass
class Page(HTMLParser):
    """The places of a page that links may name, its links, what it loads, and its text."""

    places: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the tag names."""
        given = {name: value for name, value in attrs if value is not None}
        self.places |= {given[name] for name in ("id", "name") if name in given}
        address = given.get("href", given.get("src"))
        if address is None:
            return
        related = set(given.get("rel", "").split()) & RELATED
        if tag in LOADED or (tag == "link" and not related):
            self.loaded.append(address)
        self.links.append(address)

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.text.append(data)


def faults(site: Path) -> list[str]:
    """All dead links inside the site, what comes from elsewhere, and types nobody can read."""
    pages = {path: read(path) for path in sorted(site.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        where = path.relative_to(site)
        found += [f"{where}: {it} comes from another host" for it in page.loaded if outside(it)]
        found += [f"{where}: {it} leads nowhere" for it in page.links if dead(path, it, pages)]
        found += [f"{where}: {LONG_TYPE} is an Array"] * (LONG_TYPE in "".join(page.text))
    return found


def read(path: Path) -> Page:
    """What stands in a page."""
    page = Page()
    page.feed(path.read_text("utf-8"))
    return page


def outside(address: str) -> bool:
    """Whether an address is one of another host."""
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme in ("http", "https")


def dead(path: Path, link: str, pages: dict[Path, Page]) -> bool:
    """Whether a link leads to no file, or to no place in it."""
    if outside(link) or urlsplit(link).scheme:
        return False
    address, place = urldefrag(link)
    target = (path.parent / unquote(urlsplit(address).path)).resolve() if address else path
    if not target.is_file():
        return True
    return bool(place) and target in pages and unquote(place) not in pages[target].places
