"""The frame of every page: head, colours and type, and a content security policy that allows nothing but this page.

A page asks no network for anything: styles, scripts and data stand in it, and the policy names them by their hash.
Source: https://www.w3.org/TR/CSP3/
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

from mlops_iac.render.html.markup import Child, Html, element, join, raw

DATA_ID: Final = "page-data"
"""Id of the script element that holds a page's data as JSON."""

_UNSAFE: Final = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


def document(
    title: str,
    *body: Child,
    styles: Sequence[str] = (),
    scripts: Sequence[str] = (),
    data: Any = None,
    sections: Sequence[tuple[str, str]] = (),
    footer: Child = None,
) -> str:
    """A whole page around ``body``, which begins with a ``header`` element of its own.

    ``styles`` and ``scripts`` name files beside this one; ``shell.css`` always comes first. ``data`` is JSON data that
    scripts find in the element ``#page-data``. ``sections`` are (id, title) of what the page's navigation links to.
    ``footer`` ends the page.
    """
    css = [asset(name) for name in ("shell.css", *styles)]
    code = [asset(name) for name in scripts]
    policy = "; ".join(
        (
            "default-src 'none'",
            f"style-src {_sources(css)}",
            f"script-src {_sources(code)}",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    head = (
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        *(element("style", raw(style)) for style in css),
    )
    navigation = element(
        "nav",
        element("ul", (element("li", element("a", name, href=f"#{id}")) for id, name in sections)),
        aria_label="Sections",
        class_="sections",
    )
    page = (
        element("a", "Skip to content", href="#content", class_="skip"),
        navigation if sections else None,
        element("main", *body, id="content", tabindex=-1),
        element("footer", footer, class_="page-end") if footer else None,
        _data(data) if data is not None else None,
        (element("script", raw(text)) for text in code),
    )
    html = element("html", element("head", join(head, "\n")), "\n", element("body", join(page, "\n")), lang="en")
    return f"<!doctype html>\n{html}\n"


def section(id: str, title: str, *children: Child, note: Child = None) -> Html:
    """A titled part of a page, which the navigation can link to."""
    heading = element(
        "div", element("h2", title, id=f"{id}-title"), element("p", note) if note else None, class_="head"
    )
    return element("section", heading, *children, id=id, aria_labelledby=f"{id}-title")


def badge(word: str, tone: str = "") -> Html:
    """A short word on a tinted ground. ``tone``: create, update, replace, delete, bad, warn, good, note or none."""
    return element("span", word, class_=f"badge {tone}".rstrip())


def table(headings: Sequence[str], rows: Sequence[Sequence[Child]], caption: str, numbers: Sequence[int] = ()) -> Html:
    """A table that scrolls sideways by itself where the page is narrow; ``numbers`` are the columns of figures.

    ``caption`` is for those who cannot see the table's place on the page.
    """
    kind = dict.fromkeys(numbers, "number")
    head = element("tr", (element("th", name, scope="col", class_=kind.get(i)) for i, name in enumerate(headings)))
    body = (element("tr", (element("td", cell, class_=kind.get(i)) for i, cell in enumerate(row))) for row in rows)
    grid = element(
        "table",
        element("caption", caption, class_="unseen"),
        element("thead", head),
        element("tbody", join(body, "\n")),
    )
    return element("div", grid, class_="scroll", role="region", aria_label=caption, tabindex=0)


@cache
def asset(name: str) -> str:
    """The text of a style or script beside this file."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _data(data: Any) -> Html:
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).translate(_UNSAFE)
    return element("script", raw(body), type="application/json", id=DATA_ID)


def _sources(texts: Iterable[str]) -> str:
    """The texts by their hashes, as a content security policy names what may be used."""
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts)
    return " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
