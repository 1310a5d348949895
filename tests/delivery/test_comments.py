"""Reports are shortened by whole parts, and lose their HTML where a forge shows none."""

from __future__ import annotations

import re

import pytest

from mlops_iac.delivery.comments import shortened, sized, without_html

FOLDED = "<details><summary>{}</summary>\n\n```diff\n{}\n```\n\n</details>\n"


def test_reports_that_do_not_fit_are_counted() -> None:
    text = sized(["a" * 50, "b" * 500, "c" * 50], 260)
    assert text.startswith("a" * 50)
    assert "2 of 3 reports" in text
    assert len(text) <= 260


def test_a_folded_part_that_does_not_fit_is_left_out_and_what_follows_is_kept() -> None:
    text = "head\n\n" + FOLDED.format("long", "x" * 900) + "\n" + FOLDED.format("short", "y")
    cut = shortened(text, 600)
    assert cut.startswith("head\n")
    assert "long" not in cut
    assert "short" in cut
    assert cut.endswith("_Left out for length: 1 part; the run keeps the whole report as a file._")


def test_lines_end_where_there_is_no_room_and_a_fence_is_one_piece() -> None:
    text = "\n".join(["one", "two", "```text", *["value"] * 200, "```", "three"])
    assert shortened(text, 500).splitlines()[:2] == ["one", "two"]
    assert "value" not in shortened(text, 500)
    assert "three" not in shortened(text, 500), "what comes after a gap would read as if nothing were missing"


def test_nothing_is_said_of_a_report_whose_first_line_is_too_long() -> None:
    assert shortened("x" * 500, 400) == ""


@pytest.mark.parametrize("limit", range(300, 2000, 37))
def test_whatever_the_limit_nothing_is_left_open(limit: int) -> None:
    parts = (FOLDED.format(f"part {number}", "- delete <x>\n</details>\n````" * number) for number in range(9))
    cut = shortened("title\n\nsentence\n" + "\n".join(parts), limit)
    assert len(cut) <= limit
    outside = re.sub(r"```diff\n.*?\n```\n", "", cut, flags=re.DOTALL)
    assert outside.count("<details>") == outside.count("</details>")
    assert "```" not in outside


def test_without_html_folded_parts_stand_open_and_what_is_fenced_stays() -> None:
    text = "<!-- mlops-iac preview a/b -->\n### Title\n\n" + FOLDED.format("<code>a&amp;b</code>: 1 of 2", "</details>")
    assert without_html(text) == "### Title\n\n**`a&b`: 1 of 2**\n\n```diff\n</details>\n```\n"


def test_words_in_code_spans_open_no_fence() -> None:
    text = "- ```a``b``` is a span\n<details><summary>x</summary>\n\n</details>\n"
    assert without_html(text) == "- ```a``b``` is a span\n**x**\n"
