"""GitHub. Source: https://docs.github.com/en/rest/issues"""

from __future__ import annotations

from typing import Any

from mlops_iac.delivery.forge import Api, Forge, Note, Posted


def comment(api: Api, note: Note, number: str) -> Posted:
    """Put the note on a pull request."""
    path = f"/repos/{note.repository}/issues"
    found = _ours(api, note, api.pages(f"{path}/{int(number)}/comments"))
    body = {"body": note.body}
    if found is None:
        return Posted("created", api.send("POST", f"{path}/{int(number)}/comments", body)["html_url"])
    return Posted("updated", api.send("PATCH", f"{path}/comments/{found['id']}", body)["html_url"])


def issue(api: Api, note: Note, open: bool) -> Posted:
    """Keep one issue open, or close it."""
    path = f"/repos/{note.repository}/issues"
    listed = (each for each in api.pages(f"{path}?state=open") if "pull_request" not in each)
    found = _ours(api, note, listed)
    if not open:
        if found is None:
            return Posted("unchanged")
        closed = {"state": "closed", "state_reason": "completed", "body": note.body}
        return Posted("closed", api.send("PATCH", f"{path}/{found['number']}", closed)["html_url"])
    body = {"title": note.title, "body": note.body}
    if found is None:
        return Posted("created", api.send("POST", path, body)["html_url"])
    return Posted("updated", api.send("PATCH", f"{path}/{found['number']}", body)["html_url"])


def _ours(api: Api, note: Note, listed: Any) -> Any:
    """What carries the marker and is ours: of this user, or of a bot where a token of GitHub Actions has no user."""
    marked = [each for each in listed if (each.get("body") or "").startswith(note.marker)]
    me = api.allowed("/user") if marked else None
    for each in marked:
        if each["user"]["login"] == me["login"] if me else each["user"]["type"] == "Bot":
            return each
    return None


FORGE = Forge(
    name="github",
    api="https://api.github.com",
    headers=lambda token: {
        "Authorization": f"Bearer {token}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    },
    comment=comment,
    issue=issue,
    limit=65_000,
)
