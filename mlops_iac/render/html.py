"""The shell of every HTML page: one self-contained document, readable from a file, in light and dark, on a phone.

A page asks no network for anything. Its content security policy allows no request, and of styles and scripts only
those that stand in it, named by their hash: an attribute that holds style or script does nothing.
Colours are custom properties in ``assets/page.css``, so that pictures and tables follow the reader's scheme; a page
adds rules of its own with ``style``, in the same names.
Source: https://www.w3.org/TR/CSP3/
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

from mlops_iac.render.markup import Html, element, join, raw, text

__all__ = ["DATA_ID", "Mood", "asset", "badge", "code", "document", "facts", "section", "table", "text"]

Mood = Literal["good", "bad", "warn", "note", "quiet", "replace"]
"""What a badge means; each has a colour of its own, and never only a colour: a badge always has a word."""

DATA_ID: Final = "page-data"
"""Id of the element that holds a page's data as JSON."""

_UNSAFE: Final = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


def document(
    title: str,
    body: str,
    *,
    style: str = "",
    script: str = "",
    data: Any = None,
    sections: Iterable[tuple[str, str]] = (),
) -> str:
    """A whole page around ``body``, which is HTML; ``title`` is text.

    ``data`` is JSON data that ``script`` finds in the element with the id ``DATA_ID``. ``sections`` are the (id, title)
    that a bar at the top links to.
    """
    styles = [asset("page.css"), *([style] if style else [])]
    scripts = [script] if script else []
    policy = (
        f"default-src 'none'; style-src {_sources(styles)}; script-src {_sources(scripts)}; base-uri 'none'; "
        "form-action 'none'"
    )
    head = (
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        *(element("style", raw(text)) for text in styles),
    )
    links = [element("li", element("a", name, href=f"#{id}")) for id, name in sections]
    page = (
        element("a", "Skip to content", href="#main", class_="skip"),
        element("nav", element("ul", links), aria_label="Sections", class_="sections") if links else None,
        element("main", "\n", raw(body), "\n", id="main"),
        _data(data) if data is not None else None,
        *(element("script", raw(text)) for text in scripts),
    )
    parts = [
        element("head", "\n", join(head, "\n"), "\n"),
        element("body", "\n", join((part for part in page if part is not None), "\n"), "\n"),
    ]
    return f"<!doctype html>\n{element('html', join(parts, raw(chr(10))), lang='en')}\n"


def section(id: str, title: str, *children: str, note: str = "") -> Html:
    """A titled part of a page, which its bar can link to; the children are HTML."""
    heading = element("h2", title, id=f"{id}-title")
    lead = element("p", note, class_="lead") if note else None
    return element("section", heading, lead, map(raw, children), id=id, aria_labelledby=f"{id}-title")


def code(value: str) -> Html:
    """Foreign text in the fixed-width face."""
    return element("code", value)


def badge(word: str, mood: Mood = "quiet") -> Html:
    """A short coloured word, such as a verdict."""
    return element("span", word, class_=f"badge {mood}")


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, name: str = "", numbers: Iterable[int] = ()) -> Html:
    """A table of cells that are HTML; it scrolls by itself where the page is narrow.

    ``name`` is for screen readers; ``numbers`` are the columns of figures, which are aligned at their end.
    """
    kind = dict.fromkeys(numbers, "number")
    titles = (element("th", title, scope="col", class_=kind.get(i)) for i, title in enumerate(head))
    body = (element("tr", (element("td", raw(x), class_=kind.get(i)) for i, x in enumerate(row))) for row in rows)
    grid = element(
        "table", "\n", element("thead", element("tr", titles)), "\n", element("tbody", "\n", join(body, "\n"), "\n")
    )
    return element("div", grid, class_="scroll", tabindex=0, role="region", aria_label=name or None)


def facts(pairs: Iterable[tuple[str, str]]) -> Html:
    """A list of named facts; the names are text, the facts HTML."""
    return element("dl", ((element("dt", name), element("dd", raw(value))) for name, value in pairs), class_="facts")


@cache
def asset(name: str) -> str:
    """The text of a style or script in the folder ``assets``."""
    return (files("mlops_iac.render") / "assets" / name).read_text(encoding="utf-8")


def _data(data: Any) -> Html:
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).translate(_UNSAFE)
    return element("script", raw(body), type="application/json", id=DATA_ID)


def _sources(texts: Iterable[str]) -> str:
    """The texts by their hashes, as a content security policy names what may be used."""
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts)
    return " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
