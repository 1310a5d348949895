"""The page shell loads nothing, shows foreign text as text, and is what every page stands in."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from mlops_iac.render.diagram import Box, Diagram, page
from mlops_iac.render.html import badge, code, document, facts, table

HOSTILE = '</code><script>alert(1)</script>"&\x1b[31m\u202e'
EMPTY = ("br", "meta", "link", "img", "input", "hr", "path", "rect", "line", "circle")


class Reader(HTMLParser):
    """Collects the tags, checks that they are closed in order, and notes what a browser would fetch."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in EMPTY:
            self.open.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action", "data")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_loads_nothing() -> None:
    box = Box("buckets.raw", "raw", "buckets", "data", 3, "system.yaml:3")
    for html in (document("Title", "<p>body</p>"), page(Diagram("fraud (dev)", (box,), ()))):
        assert all(address.startswith("#") for address in Reader(html).addresses)
        assert "default-src 'none'" in html
        assert not re.search(r"url\(|@import", html)


@pytest.mark.parametrize(
    "html",
    [
        document(HOSTILE, ""),
        document("t", code(HOSTILE)),
        document("t", badge(HOSTILE, "bad")),
        document("t", table([HOSTILE], [[code(HOSTILE)]], name=HOSTILE)),
        document("t", facts([(HOSTILE, code(HOSTILE))])),
        page(Diagram(HOSTILE, (Box(HOSTILE, HOSTILE, HOSTILE, "data", 1, HOSTILE),), ())),
    ],
)
def test_foreign_text_stays_text(html: str) -> None:
    assert Reader(html).tags.count("script") == ("querySelectorAll" in html)
    assert "\x1b" not in html and "\u202e" not in html


def test_both_schemes_define_the_same_colours() -> None:
    light, dark = re.findall(r":root\{([^}]*)\}", document("t", ""))
    names = [set(re.findall(r"--[\w-]+", block)) for block in (light, dark)]

    assert names[0] == names[1]
