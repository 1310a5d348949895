"""The pull-request comment: recorded, and nothing in a value can act as Markdown, HTML or a mention."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mlops_iac.diagnostics import Diagnostic, Location
from mlops_iac.plan.model import Change, Kind, Op, Plan, PropertyChange, StackPlan
from mlops_iac.render.markdown import LONGEST, code, fenced, preview_markdown, prose

from . import samples

INJECTIONS = [
    "@acme/admins please approve",
    "```\n</details>\n# owned\n```",
    "````\n````diff",
    "`code` ``more`` ```most```",
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "</code></summary></details><h1>owned</h1>",
    "[click](https://evil.example) ![x](https://evil.example/x.png)",
    "a | b | c",
    "closes #1, GH-2 and acme/fraud#3",
    "line one\n\n- [x] approved",
    "$(rm -rf /) ${{ secrets.TOKEN }} ::set-output name=x::y",
    "]]> --> <!-- mlops-iac preview other/prod -->",
    "\u202eesrever\u202c \u200b zero width",
    "\x1b[31mred",
    "   ",
    "`",
    "https://evil.example www.evil.example",
]


def test_recorded_comment(golden: Callable[[str, str], None]) -> None:
    found = samples.diagnostics()
    golden("render/preview.md", preview_markdown(samples.plan(), findings=found[:3], diagnostics=found[3:]))
    golden("render/unchanged.md", preview_markdown(samples.unchanged()))


@given(st.text(alphabet=st.sampled_from("ab1 .,:;()`@#<>[]_*/-|~$&!\n\\")))
def test_a_sentence_shows_its_words_and_nothing_acts(text: str) -> None:
    page = _Page()
    page.feed(MarkdownIt("commonmark", {"html": True}).enable("table").render(f"- {prose(text)}"))
    page.close()
    assert page.tags <= {"ul", "li", "code", "p"}
    for char in "`@#<>[]_*|~$&!\\":
        assert char not in "".join(page.outside)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bucket models is deleted: all of it", "bucket models is deleted: all of it"),
        ("set `keep: 3d`, or (`none`).", "set `keep: 3d`, or (`none`)."),
        ("buckets.raw and @acme go.", "`buckets.raw` and `@acme` go."),
        ("read a_b c.d: now", "read `a_b c.d`: now"),
        ("1. first", "`1`. first"),
        ("GH-2 and deadbeef1 and a/b", "`GH-2` and `deadbeef1` and `a/b`"),
        ("``x`` y", "``` ``x`` ``` y"),
    ],
)
def test_words_that_a_forge_would_read_are_code(text: str, expected: str) -> None:
    assert prose(text) == expected


@pytest.mark.parametrize("text", INJECTIONS)
def test_foreign_text_stays_inside_code(text: str) -> None:
    page = _Page()
    comment = preview_markdown(hostile_plan(text), findings=hostile_findings(text), diagnostics=hostile_findings(text))
    page.feed(MarkdownIt("commonmark", {"html": True}).enable("table").render(comment))
    page.close()
    assert page.tags <= {
        "h3", "h4", "p", "code", "strong", "table", "thead", "tbody", "tr", "th", "td", "ul", "li",
        "details", "summary", "pre",
    }  # fmt: skip
    assert page.open == []
    outside = "".join(page.outside)
    for char in "@#[]<>`$\x1b\u202e\u200b":
        assert char not in outside
    assert "owned" not in outside
    assert "evil" not in outside
    assert page.details == 1


@given(st.text())
def test_a_code_span_shows_its_text_and_nothing_else(text: str) -> None:
    html = MarkdownIt("commonmark").render(f"x {code(text)} y")
    page = _Page()
    page.feed(html)
    page.close()
    assert "".join(page.outside).split() == ["x", "y"]


@given(st.lists(st.text(alphabet="`~ab <>&", max_size=12)))
def test_a_fence_is_closed_only_by_itself(rows: list[str]) -> None:
    tokens = MarkdownIt("commonmark").parse("\n".join([*fenced(rows, "diff"), "", "after"]))
    assert [token.type for token in tokens] == ["fence", "paragraph_open", "inline", "paragraph_close"]
    assert tokens[0].content == "".join(row + "\n" for row in rows)


def test_secrets_are_never_shown() -> None:
    assert samples.CANARY not in preview_markdown(samples.plan())


def test_a_huge_plan_fits_into_a_comment_and_says_that_it_was_cut() -> None:
    change = hostile_plan("x").stacks[0].changes[0]
    big = StackPlan("data", "fraud-data", "prod", (change,) * 3000)
    small = StackPlan("serving", "fraud-serving", "prod", (change,))
    comment = preview_markdown(Plan("fraud", "prod", "nothing", (big, small)))
    assert len(comment) < 65_536
    assert "Left out for length: 1 layer(s)" in comment
    assert comment.count("<details") == 1
    many = preview_markdown(Plan("fraud", "prod", "nothing", (small,)), findings=hostile_findings("y" * 200) * 400)
    assert len(many) < 65_536
    assert "cut for length" in many
    assert LONGEST < 65_536


def hostile_plan(text: str) -> Plan:
    """A plan that holds ``text`` in every place that can hold foreign text."""
    change = Change(
        op=Op.REPLACE,
        urn=f"urn:pulumi:prod::fraud-data::t::{text}",
        type=f"aws:s3/bucket:{text}",
        name=text,
        custom=True,
        diff=(
            PropertyChange(text, Kind.UPDATE, text, f"{text}{text}", replaces=True),
            PropertyChange("added", Kind.ADD, None, {text: [text]}),
            PropertyChange("removed", Kind.DELETE, text),
        ),
        replace_reasons=(text,),
        old_urn=f"urn:pulumi:prod::fraud-data::t::{text}",
        component=("buckets", text),
        source=Location(text, 1, 1),
    )
    return Plan(text, text, text, (StackPlan(text, text, text, (change,)),))


def hostile_findings(text: str) -> list[Diagnostic]:
    """A finding that holds ``text`` everywhere."""
    return [Diagnostic(text, text, text, Location(text, 1, 1), (text,))]


class _Page(HTMLParser):
    """Collects the tags of a page and its text outside of code."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.outside: list[str] = []
        self.details = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        self.open.append(tag)
        self.details += tag == "details"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "code" not in self.open:
            self.outside.append(data)
