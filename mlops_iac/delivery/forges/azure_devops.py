"""Azure DevOps: pull request threads, and work items of type Task, which every process has.

Sources: https://learn.microsoft.com/en-us/rest/api/azure/devops/git/pull-request-threads and
https://learn.microsoft.com/en-us/rest/api/azure/devops/wit/work-items
"""

from __future__ import annotations

from typing import Any, Final

from mlops_iac.delivery.forge import Api, Forge, Note, Posted, part

_VERSION: Final = "api-version=7.1"
_PATCH: Final = "application/json-patch+json"
_KIND: Final = "Task"


def comment(api: Api, note: Note, number: str) -> Posted:
    """Put the note on a pull request, in a thread of its own that nobody has to resolve."""
    organization, project, repository = (part(each) for each in note.repository.split("/"))
    path = f"/{organization}/{project}/_apis/git/repositories/{repository}/pullRequests/{int(number)}/threads"
    me = _me(api, organization)
    for thread in api.get(f"{path}?{_VERSION}")["value"]:
        first = next(iter(thread.get("comments", ())), None)
        if first and (first.get("content") or "").startswith(note.marker) and first["author"]["id"] == me:
            place = f"{path}/{thread['id']}/comments/{first['id']}?{_VERSION}"
            api.send("PATCH", place, {"content": note.body})
            return Posted("updated")
    new = {"comments": [{"parentCommentId": 0, "content": note.body, "commentType": "text"}], "status": "closed"}
    api.send("POST", f"{path}?{_VERSION}", new)
    return Posted("created")


def issue(api: Api, note: Note, open: bool) -> Posted:
    """Keep one task open, or close it."""
    organization, project, _ = (part(each) for each in note.repository.split("/"))
    path = f"/{organization}/{project}/_apis/wit"
    tag = f"mlops-iac-{note.key}"
    # The key is part of a query: a quote ends a text there and is doubled.
    wanted = f"[System.Tags] CONTAINS '{tag.replace(chr(39), chr(39) * 2)}' AND [System.CreatedBy] = @Me"
    states = api.get(f"{path}/workitemtypes/{_KIND}/states?{_VERSION}")["value"]
    done = next(state["name"] for state in states if state["category"] == "Completed")
    query = f"SELECT [System.Id] FROM WorkItems WHERE [System.TeamProject] = @project AND {wanted}"  # noqa: S608
    query += f" AND [System.State] <> '{done}'"
    found = api.send("POST", f"{path}/wiql?{_VERSION}", {"query": query})["workItems"]
    fields = {"System.Title": note.title, "System.Description": note.body, "System.Tags": tag}
    if not open:
        if not found:
            return Posted("unchanged")
        return _change(api, "PATCH", f"{path}/workitems/{found[0]['id']}", {**fields, "System.State": done}, "closed")
    if found:
        return _change(api, "PATCH", f"{path}/workitems/{found[0]['id']}", fields, "updated")
    return _change(api, "POST", f"{path}/workitems/${_KIND}", fields, "created")


def _change(api: Api, method: str, path: str, fields: dict[str, str], action: str) -> Posted:
    formatted = {**fields, "/multilineFieldsFormat/System.Description": "Markdown"}
    changes: list[Any] = [
        {"op": "add", "path": name if name.startswith("/") else f"/fields/{name}", "value": value}
        for name, value in formatted.items()
    ]
    answer = api.send(method, f"{path}?{_VERSION}", changes, _PATCH)
    return Posted(action, answer["_links"]["html"]["href"])


def _me(api: Api, organization: str) -> Any:
    return api.get(f"/{organization}/_apis/connectionData")["authenticatedUser"]["id"]


FORGE = Forge(
    name="azure-devops",
    api="https://dev.azure.com",
    headers=lambda token: {"Authorization": f"Bearer {token}"},
    comment=comment,
    issue=issue,
    limit=150_000,
)
