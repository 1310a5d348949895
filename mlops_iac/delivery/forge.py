"""What a forge is: where changes are commented on and issues kept; one file in ``delivery/forges`` declares each.

A comment or issue of ours is found again by a marker with a key, and only among those that our own account wrote:
whoever copies the marker does not get the report put into a text that is theirs to edit.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError

NOT_POSTED: Final = "MI7301"
"""A forge refused a comment or issue, or could not be reached."""

_TIMEOUT_SECONDS: Final = 30
_MOST_PAGES: Final = 50


@dataclass(frozen=True, slots=True)
class Posted:
    """A comment or issue that is in place now. ``action``: created, updated, closed, or unchanged."""

    action: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """What is posted: the text below a marker with ``key``, and for an issue its title.

    ``html``: whether the forge knows HTML; without it the marker is a link's definition that nothing refers to.
    """

    repository: str
    key: str
    text: str
    title: str = ""
    html: bool = True

    @property
    def marker(self) -> str:
        """What no reader sees."""
        return f"<!-- mlops-iac: {self.key} -->" if self.html else f"[//]: # (mlops-iac: {self.key})"

    @property
    def body(self) -> str:
        """The whole text."""
        return f"{self.marker}\n{self.text}"


@dataclass(frozen=True, slots=True)
class Forge:
    """A forge. ``api``: where its public one is. ``headers`` make a request authorised by a token.

    ``comment`` puts a note on the change with a number; ``issue`` keeps one open issue, or closes it where ``open`` is
    false. ``limit``: characters that a text may have. ``html``: whether it hides comments and folds ``<details>``.
    """

    name: str
    api: str
    headers: Callable[[str], Mapping[str, str]]
    comment: Callable[[Api, Note, str], Posted]
    issue: Callable[[Api, Note, bool], Posted]
    limit: int
    html: bool = True


@dataclass(frozen=True, slots=True)
class Api:
    """A JSON API at one address."""

    root: str
    headers: Mapping[str, str]

    def get(self, path: str) -> Any:
        """The answer to GET."""
        return self.send("GET", path)

    def allowed(self, path: str) -> Any:
        """The answer to GET, None where the token may not ask."""
        try:
            return self._send("GET", path, None, "application/json")
        except urllib.error.HTTPError as error:
            if error.code in (401, 403, 404):
                return None
            raise self._refused("GET", path, error) from None

    def send(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Any:
        """The answer to a request; raises ``DiagnosticsError`` where it is refused or the forge cannot be reached."""
        try:
            return self._send(method, path, body, content_type)
        except (urllib.error.URLError, TimeoutError, ValueError) as error:
            raise self._refused(method, path, error) from None

    def pages(self, path: str) -> Iterator[Any]:
        """The members of a list that is given by ``page`` and ``per_page``."""
        joint = "&" if "?" in path else "?"
        for page in range(1, _MOST_PAGES + 1):
            found = self.get(f"{path}{joint}per_page=100&page={page}")
            yield from found
            if len(found) < 100:
                return

    def _send(self, method: str, path: str, body: Any, content_type: str) -> Any:
        url = path if path.startswith(f"{self.root}/") else f"{self.root}{path}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {**self.headers, "Content-Type": content_type}, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
            text = answer.read()
        return json.loads(text) if text else None

    def _refused(self, method: str, path: str, error: Exception) -> DiagnosticsError:
        reason = f"{error.code} {error.reason}" if isinstance(error, urllib.error.HTTPError) else str(error)
        text = f"{method} {self.root}{path.removeprefix(self.root)}: {reason}"
        return DiagnosticsError([Diagnostic(NOT_POSTED, text, "check the token's rights, and the repository's name")])


def part(text: str) -> str:
    """Text as one part of an address."""
    return urllib.parse.quote(text, safe="")
