"""A Kubernetes API server over plain REST: https://kubernetes.io/docs/reference/using-api/api-concepts/

The official client costs a second to import and is not needed for reading, applying and deleting objects as JSON.
"""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from mlops_iac.engines.local.patience import Patience
from mlops_iac.engines.local.provider import BusyError, OutcomeUnknownError, ProviderError, UnreachableError

MANAGER: Final = "mlops-iac"
"""The field manager of everything this engine applies."""
TIMEOUT: Final = 60
APPLY: Final = "application/apply-patch+yaml"
MERGE: Final = "application/merge-patch+json"


class AbsentError(ProviderError):
    """There is no such object, or no such kind."""


class ConflictError(ProviderError):
    """The object is not in the state that the request assumes."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind that the server has; ``path`` leads to its objects of all namespaces."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str]

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """The REST path of an object, or of all of them without a name."""
        root = f"/api/{self.api_version}" if "/" not in self.api_version else f"/apis/{self.api_version}"
        within = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{root}{within}/{self.plural}" + (f"/{quote(name, safe=':')}" if name else "")


@dataclass(slots=True)
class Cluster:
    """An API server and how to log in to it. ``own``: started by this tool, so no controller runs behind it."""

    server: str
    tls: ssl.SSLContext | None
    headers: Mapping[str, str] = field(default_factory=dict)
    own: bool = False
    patience: Patience = field(default_factory=Patience)
    _kinds: dict[str, dict[str, Kind]] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def kind(self, api_version: str, kind: str) -> Kind | None:
        """What the server knows about a kind; None when it has no such kind now."""
        with self._guard:
            known = self._kinds.get(api_version, {}).get(kind)
        return known or self.kinds(api_version).get(kind)

    def kinds(self, api_version: str) -> Mapping[str, Kind]:
        """Every kind of a group and version, by name; asked anew, since custom resources come and go."""
        path = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        try:
            listed = self.request("GET", path)["resources"]
        except AbsentError:
            listed = []
        found = {
            item["kind"]: Kind(api_version, item["kind"], item["name"], item["namespaced"], frozenset(item["verbs"]))
            for item in listed
            if "/" not in item["name"]
        }
        with self._guard:
            self._kinds[api_version] = found
        return found

    def api_versions(self) -> tuple[str, ...]:
        """The preferred version of every group."""
        groups = self.request("GET", "/apis")["groups"]
        return ("v1", *(group["preferredVersion"]["groupVersion"] for group in groups))

    def apply(
        self, kind: Kind, namespace: str | None, name: str, body: Mapping[str, Any], *, force: bool, dry: bool = False
    ) -> dict[str, Any]:
        """Apply an object server-side; ``force`` takes fields over that others have set, ``dry`` changes nothing."""
        query = {"fieldManager": MANAGER, "force": "true" if force else "false"}
        if dry:
            query["dryRun"] = "All"
        return self.request("PATCH", kind.path(namespace, name), query, body, APPLY)

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content: str = "application/json",
    ) -> dict[str, Any]:
        """The JSON answer of one request, which may be made twice. Raises ``ProviderError`` or one of its kinds."""
        target = path + (f"?{urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        changes = method != "GET" and "dryRun" not in (query or {})
        return self.patience.call(lambda: self._once(method, target, data, content, changes), repeatable=True)

    def _once(self, method: str, target: str, data: bytes | None, content: str, changes: bool) -> dict[str, Any]:
        # Without an answer a read has done nothing; what a write has done is not known.
        unanswered = OutcomeUnknownError if changes else BusyError
        connection = self._connect()
        try:
            headers = {**self.headers, "Accept": "application/json"}
            if data is not None:
                headers["Content-Type"] = content
            connection.request(method, target, data, headers)
            response = connection.getresponse()
            status, wait, text = response.status, response.headers.get("Retry-After", ""), response.read()
        except (OSError, http.client.HTTPException) as error:
            raise unanswered(f"{method} {target}: {error or type(error).__name__}") from error
        finally:
            connection.close()
        try:
            answer: dict[str, Any] = json.loads(text) if text else {}
        except ValueError:
            answer = {"message": text.decode(errors="replace").strip()}
        if status < 300:
            return answer
        message = f"{answer.get('message') or http.client.responses.get(status, '')} (HTTP {status})"
        if status == 404:
            raise AbsentError(message)
        if status == 409:
            raise ConflictError(message)
        if status == 429:
            raise BusyError(message, float(wait) if wait.isdigit() else 0.0)
        raise unanswered(message) if status in (500, 502, 503, 504) else ProviderError(message)

    def _connect(self) -> http.client.HTTPConnection:
        url = urlsplit(self.server)
        connection = (
            http.client.HTTPConnection(url.hostname or "", url.port, timeout=TIMEOUT)
            if self.tls is None
            else http.client.HTTPSConnection(url.hostname or "", url.port, timeout=TIMEOUT, context=self.tls)
        )
        try:
            connection.connect()
        except OSError as error:
            raise UnreachableError(f"the API server {self.server} does not answer: {error}") from error
        return connection
