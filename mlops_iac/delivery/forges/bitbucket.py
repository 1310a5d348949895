"""Bitbucket Cloud.

Sources: https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pullrequests/ and
https://developer.atlassian.com/cloud/bitbucket/rest/api-group-issue-tracker/; HTML is not rendered:
https://support.atlassian.com/bitbucket-cloud/docs/markup-comments/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlops_iac.delivery.forge import Api, Forge, Note, Posted


def comment(api: Api, note: Note, number: str) -> Posted:
    """Put the note on a pull request."""
    path = f"/repositories/{note.repository}/pullrequests/{int(number)}/comments"
    found = _ours(api, note, path, "user")
    body = {"content": {"raw": note.body}}
    if found is None:
        return _posted("created", api.send("POST", path, body))
    return _posted("updated", api.send("PUT", f"{path}/{found['id']}", body))


def issue(api: Api, note: Note, open: bool) -> Posted:
    """Keep one issue open, or close it; the repository needs its issue tracker."""
    path = f"/repositories/{note.repository}/issues"
    found = _ours(api, note, f'{path}?q=state="new"'.replace('"', "%22"), "reporter")
    body = {"title": note.title, "content": {"raw": note.body}, "kind": "bug"}
    if not open:
        if found is None:
            return Posted("unchanged")
        return _posted("closed", api.send("PUT", f"{path}/{found['id']}", {**body, "state": "resolved"}))
    if found is None:
        return _posted("created", api.send("POST", path, body))
    return _posted("updated", api.send("PUT", f"{path}/{found['id']}", body))


def _ours(api: Api, note: Note, path: str, author: str) -> Any:
    marked = [each for each in _all(api, path) if each["content"]["raw"].startswith(note.marker)]
    me = api.get("/user")["uuid"] if marked else None
    return next((each for each in marked if each[author]["uuid"] == me), None)


def _all(api: Api, path: str) -> Iterator[Any]:
    following: str | None = path
    while following:
        page = api.get(following)
        yield from (each for each in page["values"] if not each.get("deleted"))
        following = page.get("next")


def _posted(action: str, answer: Any) -> Posted:
    return Posted(action, answer["links"]["html"]["href"])


FORGE = Forge(
    name="bitbucket",
    api="https://api.bitbucket.org/2.0",
    headers=lambda token: {"Authorization": f"Bearer {token}"},
    comment=comment,
    issue=issue,
    limit=32_000,
    html=False,
)
