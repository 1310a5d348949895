"""Comments and issues on every forge, against a server that keeps them: found again, updated, closed, never forged."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mlops_iac.cli.main import cli
from mlops_iac.delivery.forge import Note, sized
from mlops_iac.delivery.forges import forges

REPOSITORY = "acme/ml/fraud"
ME, STRANGER = "me", "stranger"


@dataclass
class Forge:
    """What a forge keeps, whatever it calls it: texts with an author, and whether they are open."""

    name: str
    texts: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    refuses: bool = False

    def add(self, body: str, author: str = ME, kind: str = "comment", title: str = "") -> dict[str, Any]:
        made = {"id": len(self.texts) + 1, "body": body, "author": author, "kind": kind, "title": title, "open": True}
        self.texts.append(made)
        return made

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [each for each in self.texts if each["kind"] == kind and each["open"]]


def shown(forge: Forge, each: dict[str, Any]) -> dict[str, Any]:
    """A text as the forge's API shows it."""
    url = f"https://forge.example/{each['id']}"
    return {
        "github": {"id": each["id"], "number": each["id"], "body": each["body"], "html_url": url, "user": {"login": each["author"], "type": "User"}},
        "gitlab": {"id": each["id"], "iid": each["id"], "body": each["body"], "description": each["body"], "web_url": url, "author": {"id": each["author"]}},
        "bitbucket": {"id": each["id"], "content": {"raw": each["body"]}, "links": {"html": {"href": url}}, "user": {"uuid": each["author"]}, "reporter": {"uuid": each["author"]}},
        "azure-devops": {"id": each["id"], "_links": {"html": {"href": url}}, "comments": [{"id": 1, "content": each["body"], "author": {"id": each["author"]}}]},
    }[forge.name]  # fmt: skip


def text_of(body: Any) -> dict[str, Any]:
    """Body, title and whether it is closed, of what was sent."""
    if isinstance(body, list):
        fields = {change["path"].removeprefix("/fields/"): change["value"] for change in body}
        return {
            "body": fields["System.Description"],
            "title": fields["System.Title"],
            "closed": "System.State" in fields,
        }
    raw = body.get("content")
    first = body["comments"][0]["content"] if "comments" in body else None
    text = raw["raw"] if isinstance(raw, dict) else first or raw or body.get("body") or body.get("description")
    closed = body.get("state") in ("closed", "resolved") or body.get("state_event") == "close"
    return {"body": text, "title": body.get("title", ""), "closed": closed}


def answer(forge: Forge, method: str, path: str, body: Any) -> Any:
    place, _, query = path.partition("?")
    kind = "comment" if any(word in place for word in ("comments", "notes", "threads")) else "issue"
    if place.endswith("/user"):
        return {"login": ME, "id": ME, "uuid": ME}
    if place.endswith("/connectionData"):
        return {"authenticatedUser": {"id": ME}}
    if place.endswith("/states"):
        return {"value": [{"name": "To Do", "category": "Proposed"}, {"name": "Done", "category": "Completed"}]}
    if place.endswith("/wiql"):
        return {"workItems": [{"id": each["id"]} for each in forge.of("issue") if each["author"] == ME]}
    if method == "GET":
        listed = [shown(forge, each) for each in forge.of(kind)]
        return (
            {"value": listed, "values": listed}
            if forge.name in ("bitbucket", "azure-devops")
            else listed
            if "page=1" in query
            else []
        )
    sent = text_of(body)
    if method == "POST":
        return shown(forge, forge.add(sent["body"], ME, kind, sent["title"]))
    number = place.split("/comments/")[0].rpartition("/")[2] if "threads" in place else place.rpartition("/")[2]
    kept = forge.texts[int(number) - 1]
    kept.update(body=sent["body"], title=sent["title"] or kept["title"], open=not sent["closed"])
    return shown(forge, kept)


@pytest.fixture(params=sorted(forges()))
def forge(request: pytest.FixtureRequest) -> Iterator[tuple[Forge, str]]:
    """A forge that listens on loopback, and its address."""
    kept = Forge(request.param)

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            kept.asked.append((self.command, self.path))
            data = json.dumps({} if kept.refuses else answer(kept, self.command, self.path, body)).encode()
            self.send_response(403 if kept.refuses else 200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = handle_any

        def log_message(self, *args: Any) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield kept, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


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
    forged = forge[0].add(Note(REPOSITORY, "fraud", "nothing to see").body, STRANGER)
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


def test_reports_that_do_not_fit_are_counted() -> None:
    text = sized(["a" * 50, "b" * 50, "c" * 50], 110)
    assert text.startswith("a" * 50)
    assert "1 of 3 reports" in text
