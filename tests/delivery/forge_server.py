"""A forge on loopback that keeps comments and issues as each forge's API shows them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

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


@contextmanager
def listening(name: str) -> Iterator[tuple[Forge, str]]:
    """A forge that listens, and its address."""
    kept = Forge(name)

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
    try:
        yield kept, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
