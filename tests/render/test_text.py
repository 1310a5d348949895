"""Text output: recorded pages, the width that they keep, and what must never be seen in them."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_iac.diagnostics import Diagnostic, Location
from mlops_iac.graph.evaluate import UNKNOWN, SecretValue
from mlops_iac.plan.model import Kind, Op, Plan, PropertyChange, StackPlan
from mlops_iac.render.page import Page, page_for
from mlops_iac.render.progress import Progress
from mlops_iac.render.text import (
    diagnostics_text,
    drift_text,
    outputs_text,
    preview_text,
    print_text,
    result_text,
    validation_text,
)

from . import samples

Golden = Callable[[str, str], None]
SOURCES = {"system.yaml": samples.SOURCE}
PAGES = {"80": Page(80), "120": Page(120), "80-ascii": Page(80, ascii_only=True)}


@dataclass(frozen=True)
class Step:
    """An event of an apply."""

    kind: str
    op: Op | None
    name: str
    seconds: float = 0.0
    message: str = ""
    urn: str = "urn:pulumi:dev::p::t::n"
    type: str = "aws:s3/bucket:Bucket"


@dataclass(frozen=True)
class Done:
    """An operation that was carried out."""

    op: Op
    name: str
    recorded: str | None = None
    urn: str = "urn:pulumi:prod::fraud-data::aws:s3/bucket:Bucket::raw.bucket"
    type: str = "aws:s3/bucket:Bucket"
    seconds: float = 1.25


@dataclass(frozen=True)
class Drift:
    """A resource that is not as its state says."""

    name: str
    gone: bool = False
    to_read: tuple[PropertyChange, ...] = ()
    urn: str = "urn:pulumi:prod::fraud-data::aws:s3/bucket:Bucket::raw.bucket"
    type: str = "aws:s3/bucket:Bucket"


@dataclass(frozen=True)
class StackResult:
    """What a run did to one stack."""

    done: tuple[Done, ...] = ()
    failures: tuple[Diagnostic, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    drift: tuple[Drift, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)
    same: int = 3
    stopped: bool = False
    project: str = "fraud-data"
    stack: str = "prod"


@dataclass(frozen=True)
class RunResult:
    """What a run did."""

    stacks: tuple[StackResult, ...]
    notes: tuple[Diagnostic, ...] = ()

    @property
    def ok(self) -> bool:
        return not any(stack.failures for stack in self.stacks)

    def summary(self) -> dict[Op, int]:
        ops = [done.op for stack in self.stacks for done in stack.done]
        return {op: ops.count(op) for op in Op} | {Op.SAME: sum(stack.same for stack in self.stacks)}


RESULT = RunResult(
    (
        StackResult(
            done=(
                Done(Op.CREATE, "raw.bucket"),
                Done(Op.REPLACE, "raw.policy"),
                Done(Op.CREATE, "research.addon", "moto has no call for it"),
            ),
            failures=(Diagnostic("MI7010", "raw.key: AccessDenied", "check the role", Location("system.yaml", 4, 3)),),
            skipped={"urn:pulumi:prod::fraud-data::aws:kms/alias:Alias::raw.alias": "depends on raw.key, which failed"},
            drift=(
                Drift("raw.bucket", to_read=(PropertyChange("tags.owner", Kind.UPDATE, "a", "b"),)),
                Drift("raw.policy", gone=True),
            ),
            outputs={"buckets.raw.arn": "arn:aws:s3:::raw", "token": SecretValue(samples.CANARY)},
        ),
    )
)


@pytest.mark.parametrize("size", PAGES)
def test_recorded_pages(golden: Golden, size: str) -> None:
    page = PAGES[size]
    found = samples.diagnostics()
    pages = {
        "preview": preview_text(samples.plan(), page, findings=found[2:3], diagnostics=found[3:], sources=SOURCES),
        "unchanged": preview_text(samples.unchanged(), page),
        "unchanged-shown": preview_text(samples.unchanged(), page, show_same=True),
        "diagnostics": diagnostics_text(found, page, SOURCES),
        "valid": validation_text(found[2:], 12, page, SOURCES),
        "result": result_text(RESULT, page, sources=SOURCES),
        "drift": drift_text(RESULT, page),
        "outputs": outputs_text({"data": RESULT.stacks[0].outputs, "serving": {}}, page),
    }
    for name, text in pages.items():
        golden(f"render/{name}-{size}.txt", text)


def test_a_long_preview_counts_what_is_new(golden: Golden) -> None:
    nodes = [samples.plan().stacks[0].changes[1]]
    component = ("buckets", "many")
    many = tuple(
        replace(nodes[0], op=Op.CREATE, name=f"many.{i}", component=component, type=f"aws:x/k{i % 7}:Kind{i % 7}")
        for i in range(70)
    )
    plan = Plan("fraud", "prod", "nothing deployed", (StackPlan("data", "fraud-data", "prod", many),))
    brief = preview_text(plan, Page(80))
    golden("render/preview-long-80.txt", brief)
    assert "many.69" not in brief
    assert "70 new" in brief
    assert "many.69" in preview_text(plan, Page(80), show_same=True)


def test_color_changes_no_character(golden: Golden) -> None:
    plain = preview_text(samples.plan(), Page(80))
    colored = preview_text(samples.plan(), Page(80, color=True))
    golden("render/preview-80-color.txt", colored)
    assert colored != plain
    assert _without_color(colored) == plain


@pytest.mark.parametrize("width", [40, 57, 80, 120])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_no_line_is_wider_than_the_page_unless_one_word_is(width: int, ascii_only: bool) -> None:
    page = Page(width, ascii_only=ascii_only)
    text = (
        preview_text(samples.plan(), page, findings=samples.diagnostics(), sources=SOURCES)
        + result_text(RESULT, page)
        + drift_text(RESULT, page)
    )
    wide = [row for row in text.splitlines() if len(row) > width]
    assert [row for row in wide if len(row.split()) > 1 or len(row.strip()) <= width - 10] == []
    assert not ascii_only or text.isascii()


@given(st.text(min_size=1, max_size=60), st.integers(1, 80), st.text(max_size=120))
def test_a_diagnostic_on_any_text_fits_and_shows_no_control_character(message: str, column: int, source: str) -> None:
    location = Location("system.yaml", 1, column)
    text = diagnostics_text([Diagnostic("MI1000", message, message, location)], Page(80), {"system.yaml": source})
    assert all(char == "\n" or char.isprintable() or not char.isascii() for char in text)
    assert "\x1b" not in text
    gutters = [row for row in text.split("\n") if " | " in row]
    assert all(len(row.encode("ascii", "replace")) <= 80 for row in gutters)


def test_secrets_are_never_shown() -> None:
    for page in (*PAGES.values(), Page(200, color=True)):
        text = (
            preview_text(samples.plan(), page)
            + outputs_text({"data": RESULT.stacks[0].outputs}, page)
            + drift_text(
                RunResult((StackResult(drift=(Drift("x", to_read=(_secret_change(),)),)),)),
                page,
            )
        )
        assert samples.CANARY not in text
        assert "[secret]" in text


def test_terminal_sequences_in_values_are_shown_as_text() -> None:
    change = PropertyChange("tags.x\x1b[2J", Kind.UPDATE, "\x1b]0;owned\x07", "\u202egpj.exe")
    text = drift_text(RunResult((StackResult(drift=(Drift("n\r\nfake", to_read=(change,)),)),)), Page(80))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert "n\\x0d\\nfake" in text


@pytest.mark.parametrize(
    ("environ", "terminal", "encoding", "expected"),
    [
        ({}, False, "utf-8", Page(80)),
        ({"COLUMNS": "100"}, True, "utf-8", Page(100, color=True)),
        ({"COLUMNS": "100", "NO_COLOR": "1"}, True, "utf-8", Page(100)),
        ({"COLUMNS": "100", "TERM": "dumb"}, True, "UTF-8", Page(100)),
        ({"FORCE_COLOR": "1"}, False, "utf-8", Page(80, color=True)),
        ({"COLUMNS": "100"}, True, "iso-8859-1", Page(100, color=True, ascii_only=True)),
        ({"COLUMNS": "7"}, True, "utf-8", Page(40, color=True)),
    ],
)
def test_page_of_a_stream(environ: dict[str, str], terminal: bool, encoding: str, expected: Page) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    stream.isatty = lambda: terminal  # type: ignore[method-assign]
    assert page_for(stream, environ) == expected


def test_printing_survives_a_narrow_encoding() -> None:
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding="ascii")
    print_text("a → b\n", stream)
    assert buffer.getvalue() == b"a ? b\n"


def test_progress_in_a_log(golden: Golden) -> None:
    stream = io.StringIO()
    progress = Progress(stream, 4)
    for step in (
        Step("started", Op.CREATE, "raw.bucket"),
        Step("done", Op.CREATE, "raw.bucket", 1.234),
        Step("recorded", Op.CREATE, "research.addon", 0.1, "moto has no call for it"),
        Step("failed", Op.REPLACE, "raw.key", 12.5, "AccessDenied: not authorised to perform kms:CreateKey on it"),
        Step("skipped", Op.UPDATE, "raw.alias", 0.0, "depends on raw.key, which failed"),
        Step("resolved", None, "raw.role", 0.0, "an earlier run had created it"),
    ):
        progress(step)
    progress.close()
    golden("render/progress.txt", stream.getvalue())


def test_progress_on_a_terminal_shows_and_removes_what_is_running(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "TERM", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    stream = io.StringIO()
    stream.isatty = lambda: True  # type: ignore[method-assign]
    progress = Progress(stream, 2)
    progress(Step("started", Op.CREATE, "raw.bucket"))
    assert stream.getvalue() == "\r\x1b[2K0/2  raw.bucket"
    progress.close()
    assert stream.getvalue().endswith("\r\x1b[2K")


def test_empty_inputs_have_sentences() -> None:
    assert outputs_text({}) == "No outputs.\n"
    assert diagnostics_text([]) == ""
    assert result_text(RunResult((StackResult(same=0),))) == "Nothing to do.\n"
    assert drift_text(RunResult((StackResult(),))) == "No drift: everything is as the state says.\n"


def _secret_change() -> PropertyChange:
    nested = {"a": SecretValue(samples.CANARY), "b": UNKNOWN}
    return PropertyChange("env", Kind.UPDATE, SecretValue(samples.CANARY), [nested])


def _without_color(text: str) -> str:
    import re

    return re.sub(r"\x1b\[[0-9;]*m", "", text)
