"""Comments and issues on every forge, against a server that keeps them: found again, updated, closed, never forged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mlops_iac.cli.main import cli
from mlops_iac.delivery.forge import Note
from mlops_iac.delivery.forges import forges

from .forge_server import STRANGER, Forge, listening

REPOSITORY = "acme/ml/fraud"


@pytest.fixture(params=sorted(forges()))
def forge(request: pytest.FixtureRequest) -> Iterator[tuple[Forge, str]]:
    """A forge that listens on loopback, and its address."""
    with listening(request.param) as found:
        yield found


@pytest.fixture
def post(forge: tuple[Forge, str], tmp_path: Any) -> Callable[..., Result]:
    """Runs ``mlops-iac post`` against that forge; ``text`` is the report."""
    kept, url = forge

    def run(what: str, text: str, *more: str, token: str | None = "secret-token") -> Result:
        report = tmp_path / "report.md"
        report.write_text(text, encoding="utf-8")
        where = ("--forge", kept.name, "--api", url, "--repository", REPOSITORY, "--key", "fraud")
        extra = ("--number", "7") if what == "comment" else ("--title", "Drift in fraud prod")
        environment = {"MLOPS_IAC_FORGE_TOKEN": token or ""}
        return CliRunner().invoke(cli, ["post", what, *where, *extra, "--file", str(report), *more], env=environment)

    return run


def test_a_comment_is_made_once_and_then_updated(forge: tuple[Forge, str], post: Callable[..., Result]) -> None:
    assert post("comment", "first").stdout.startswith("created")
    assert post("comment", "second").stdout.startswith("updated")
    (comment,) = forge[0].of("comment")
    assert comment["body"].endswith("\nsecond")


def test_a_comment_that_only_copies_the_marker_is_left_alone(
    forge: tuple[Forge, str], post: Callable[..., Result]
) -> None:
    forged = forge[0].add(Note(REPOSITORY, "fraud", "nothing to see", html=forges()[forge[0].name].html).body, STRANGER)
    assert post("comment", "the truth").stdout.startswith("created")
    assert forged["body"].endswith("nothing to see")
    assert len(forge[0].of("comment")) == 2


def test_an_issue_is_opened_updated_and_closed(forge: tuple[Forge, str], post: Callable[..., Result]) -> None:
    assert post("issue", "drift", "--drift-status", "2").stdout.startswith("created")
    assert post("issue", "more drift", "--drift-status", "10").stdout.startswith("updated")
    assert forge[0].of("issue")[0]["body"].endswith("more drift")
    before = len(forge[0].asked)
    assert post("issue", "it broke", "--drift-status", "1").exit_code == 0
    assert len(forge[0].asked) == before, "an issue must not close because drift could not be looked for"
    assert post("issue", "none", "--drift-status", "0").stdout.startswith("closed")
    assert forge[0].of("issue") == []
    assert post("issue", "none", "--drift-status", "0").stdout.startswith("unchanged")


def test_a_refusal_is_an_error_that_says_where_and_not_with_what(
    forge: tuple[Forge, str], post: Callable[..., Result]
) -> None:
    forge[0].refuses = True
    result = post("comment", "text")
    assert result.exit_code == 1
    assert "403" in result.stderr
    assert "secret-token" not in result.output


def test_without_a_token_nothing_is_asked(forge: tuple[Forge, str], post: Callable[..., Result]) -> None:
    assert post("comment", "text", "--if-token", token=None).exit_code == 0
    assert post("comment", "text", token=None).exit_code == 1
    assert forge[0].asked == []


@pytest.mark.parametrize(
    ("pages", "line"),
    [
        (("dev=https://ci.example/1", "prod=https://ci.example/2"), "Whole report: [dev](https://ci.example/1) · [prod](https://ci.example/2)"),
        (("dev=https://ci.example/run?a=1&b=2", "prod=https://ci.example/run?a=1&b=2"), "[Whole report](https://ci.example/run?a=1&b=2)"),
        (("dev=", "prod=https://ci.example/2"), "[Whole report](https://ci.example/2)"),
        (("dev=javascript:alert(1)", "prod=https://e.example/) [x](y", "x"), "text"),
    ],
)  # fmt: skip
def test_a_comment_links_to_the_pages(
    pages: tuple[str, ...], line: str, forge: tuple[Forge, str], post: Callable[..., Result]
) -> None:
    post("comment", "text", *(word for page in pages for word in ("--page", page)))
    (comment,) = forge[0].of("comment")
    assert comment["body"].splitlines()[1] == line
    assert comment["body"].endswith("text")


def test_a_report_of_any_length_fits_and_stays_whole_where_it_is_cut(
    forge: tuple[Forge, str], post: Callable[..., Result]
) -> None:
    """As long as a preview's longest; Bitbucket takes half of it."""
    folded = "<details open><summary><code>data</code>: 2 of 9 change</summary>\n\n```diff\n"
    part = f"{folded}{'+ create x  aws:s3:Bucket' * 200}\n</details>\n```\n\n</details>\n"
    report = "<!-- mlops-iac preview fraud/dev -->\n### Preview of `fraud`\n\n" + "\n".join([part] * 12)
    assert 60_000 < len(report) < 65_000
    post("comment", report)
    (comment,) = forge[0].of("comment")
    kept, body = forges()[forge[0].name], comment["body"]

    assert len(body) <= kept.limit
    assert "### Preview of `fraud`" in body
    assert body.count("```diff") == body.count("\n```\n")
    if kept.html:
        assert body.count("<details open>") == body.count("\n</details>\n") - body.count("Bucket\n</details>\n") == 12
    else:
        assert "<details" not in body
        assert "<!--" not in body
        assert "**`data`: 2 of 9 change**" in body
        assert "parts; the run keeps the whole report as a file._" in body
