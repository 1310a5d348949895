"""The frame of every page: nothing foreign acts, everything that acts is named by its hash, and colours can be read."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_iac.render.html.markup import element, join, raw, text
from mlops_iac.render.html.shell import DATA_ID, asset, document, section, table

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '" onfocus=alert(1) autofocus x="',
    "]]> --> <!--",
    "[click](javascript:alert(1))",
    "\x00\x1b[31m\u202e\u200b",
    "</style></title>",
    "\u2028\u2029",
)


class _Reader(HTMLParser):
    """Collects what a browser would see: elements with attributes, and the texts between them."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(page: str) -> _Reader:
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader


@given(st.text(min_size=1).filter(str.strip))
def test_foreign_text_is_text(value: str) -> None:
    found = read(element("p", value, title=value))
    assert [tag for tag, _ in found.elements] == ["p"]
    assert found.elements[0][1] == {"title": "".join(found.texts)}
    assert not re.search("[\x00-\x1f\u202a-\u202e\u2066-\u2069]", "".join(found.texts))


def test_only_markup_stands_as_it_is() -> None:
    inner = element("b", "x & y")
    assert element("p", inner, None, ["<", raw("<br>")]) == "<p><b>x &amp; y</b>&lt;<br></p>"
    assert join(("<", inner), " < ") == "&lt; &lt; <b>x &amp; y</b>"
    assert element("input", type="search", disabled=True, hidden=False, aria_label="a") == (
        '<input type="search" disabled aria-label="a">'
    )
    assert text("'\"") == "&#x27;&quot;"


@pytest.mark.parametrize("value", HOSTILE)
def test_a_page_holds_what_it_was_given_and_no_more(value: str) -> None:
    plain = read(_page("plain"))
    hostile = _page(value)
    found = read(hostile)
    assert [tag for tag, _ in found.elements] == [tag for tag, _ in plain.elements]
    assert [sorted(names) for _, names in found.elements] == [sorted(names) for _, names in plain.elements]
    body = re.search(f'id="{DATA_ID}">(.*?)</script>', hostile, re.DOTALL)
    assert body is not None
    assert json.loads(body[1]) == {"value": value}


def test_the_policy_names_every_style_by_its_hash() -> None:
    page = _page("x")
    styles = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    policy = next(a["content"] for tag, a in read(page).elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None and policy.startswith("default-src 'none'; ")
    assert len(styles) == 1
    for style in styles:
        assert base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() in policy
    assert "script-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "grounds"),
    [
        ("ink", ("canvas", "paper", "sunken", "create-tint", "update-tint", "replace-tint", "delete-tint")),
        ("quiet", ("canvas", "paper", "sunken")),
        ("accent", ("canvas", "paper", "sunken")),
        ("create", ("create-tint", "paper")),
        ("update", ("update-tint", "paper")),
        ("replace", ("replace-tint", "paper")),
        ("delete", ("delete-tint", "paper")),
    ],
)
def test_text_can_be_read(ink: str, grounds: tuple[str, ...], scheme: int) -> None:
    for ground in grounds:
        assert _contrast(_color(ink, scheme), _color(ground, scheme)) >= 4.5, ground


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_borders_of_controls_can_be_seen(scheme: int) -> None:
    assert _contrast(_color("strong-line", scheme), _color("paper", scheme)) >= 3


def _page(value: str) -> str:
    return document(
        value,
        element("header", element("h1", value, title=value)),
        section("one", value, table([value], [[value]], value), note=value),
        data={"value": value},
        sections=[("one", value)],
        footer=value,
    )


def _color(name: str, scheme: int) -> tuple[int, int, int]:
    found = re.search(rf"--{name}: light-dark\(#(\w{{6}}), #(\w{{6}})\)", asset("shell.css"))
    assert found is not None
    value = found[1 + scheme]
    return int(value[:2], 16), int(value[2:4], 16), int(value[4:], 16)


def _contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """Contrast ratio. Source: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: tuple[int, int, int]) -> float:
    parts = [c / 255 for c in color]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
