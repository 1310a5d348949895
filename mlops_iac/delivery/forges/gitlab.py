"""GitLab. Sources: https://docs.gitlab.com/api/notes/ and https://docs.gitlab.com/api/issues/"""

from __future__ import annotations

from typing import Any

from mlops_iac.delivery.forge import Api, Forge, Note, Posted, part


def comment(api: Api, note: Note, number: str) -> Posted:
    """Put the note on a merge request."""
    path = f"/projects/{part(note.repository)}/merge_requests/{int(number)}/notes"
    found = _ours(api, note, api.pages(path), "body")
    if found is None:
        api.send("POST", path, {"body": note.body})
        return Posted("created")
    api.send("PUT", f"{path}/{found['id']}", {"body": note.body})
    return Posted("updated")


def issue(api: Api, note: Note, open: bool) -> Posted:
    """Keep one issue open, or close it."""
    path = f"/projects/{part(note.repository)}/issues"
    found = _ours(api, note, api.pages(f"{path}?state=opened&scope=created_by_me"), "description")
    change = {"title": note.title, "description": note.body}
    if not open:
        if found is None:
            return Posted("unchanged")
        closed = api.send("PUT", f"{path}/{found['iid']}", {**change, "state_event": "close"})
        return Posted("closed", closed["web_url"])
    if found is None:
        return Posted("created", api.send("POST", path, change)["web_url"])
    return Posted("updated", api.send("PUT", f"{path}/{found['iid']}", change)["web_url"])


def _ours(api: Api, note: Note, listed: Any, field: str) -> Any:
    marked = [each for each in listed if (each.get(field) or "").startswith(note.marker)]
    me = api.get("/user")["id"] if marked else None
    return next((each for each in marked if each["author"]["id"] == me), None)


FORGE = Forge(
    name="gitlab",
    api="https://gitlab.com/api/v4",
    headers=lambda token: {"PRIVATE-TOKEN": token},
    comment=comment,
    issue=issue,
    limit=1_000_000,
)
