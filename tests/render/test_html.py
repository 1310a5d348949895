"""The page shell loads nothing, shows foreign text as text, and is what every page stands in."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_iac.render.diagram import Box, Diagram, page
from mlops_iac.render.html import DATA_ID, asset, badge, code, document, facts, table
from mlops_iac.render.markup import element, join, raw

HOSTILE = '</code><script>alert(1)</script>"&\x1b[31m\u202e'
EMPTY = ("br", "hr", "img", "input", "link", "meta")


class Reader(HTMLParser):
    """Collects the tags, checks that they are closed in order, and notes what a browser would fetch."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.titles: list[str | None] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in EMPTY:
            self.open.append(tag)
        self.titles += [value for name, value in attrs if name == "title"]
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action", "data")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_loads_nothing() -> None:
    box = Box("buckets.raw", "raw", "buckets", "data", 3, "system.yaml:3")
    for html in (document("Title", "<p>body</p>"), page(Diagram("fraud (dev)", (box,), ()))):
        assert all(address.startswith("#") for address in Reader(html).addresses)
        assert "default-src 'none'" in unescape(html)
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


@given(st.text(min_size=1).filter(str.strip))
def test_an_element_holds_what_it_was_given(value: str) -> None:
    found = Reader(element("p", value, title=value))

    assert found.tags == ["p"]
    assert found.texts == [found.titles[0]] or value == "\n"
    assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069]", found.texts[0])


def test_only_markup_stands_as_it_is() -> None:
    inner = element("b", "x & y")

    assert element("p", inner, None, ["<", raw("<br>")]) == "<p><b>x &amp; y</b>&lt;<br></p>"
    assert join(("<", inner), " < ") == "&lt; &lt; <b>x &amp; y</b>"
    assert element("input", type="search", disabled=True, hidden=False, aria_label="a") == (
        '<input type="search" disabled aria-label="a">'
    )


@pytest.mark.parametrize("value", [HOSTILE, "</script>", "<!--", "\u2028", "]]>", "\x00"])
def test_data_is_read_back_as_it_was(value: str) -> None:
    html = document("t", "", data={"value": value})
    found = re.search(f'id="{DATA_ID}">(.*?)</script>', html, re.DOTALL)

    assert found is not None
    assert json.loads(found[1]) == {"value": value}
    assert Reader(html).tags.count("script") == 1


def test_only_what_stands_in_a_page_may_act() -> None:
    html = document("t", "", style=".x{color:red}", script="let x = 1")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None

    for text in re.findall(r"<style>(.*?)</style>", html, re.DOTALL) + re.findall(r"<script>(.*?)</script>", html):
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy[1]
    assert "unsafe" not in policy[1]
    assert "script-src 'none'" in unescape(document("t", ""))


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_can_be_read(scheme: int) -> None:
    moods = ("good", "warn", "bad", "note", "replace", "quiet")
    pairs = [(mood, f"{mood}-bg") for mood in moods]
    pairs += [(ink, ground) for ink in ("ink", "accent", *moods) for ground in ("page", "panel")]
    for ink, ground in pairs:
        assert _contrast(_color(ink, scheme), _color(ground, scheme)) >= 4.5, (ink, ground)
    assert _contrast(_color("edge", scheme), _color("page", scheme)) >= 3


def _color(name: str, scheme: int) -> str:
    found = re.search(rf"--{name}: light-dark\(#(\w{{6}}), #(\w{{6}})\)", asset("page.css"))
    assert found is not None
    return found[1 + scheme]


def _contrast(one: str, other: str) -> float:
    """Contrast of two colours. Source: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
