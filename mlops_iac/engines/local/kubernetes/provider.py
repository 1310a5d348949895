"""Kubernetes objects by server-side apply, one field manager, conflicts never forced.

Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Collection, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines.local.codes import CLUSTER_UNREACHABLE
from mlops_iac.engines.local.kubernetes.api_server import ApiServer
from mlops_iac.engines.local.provider import (
    RECORDED,
    CheckFailure,
    Created,
    DiffResult,
    Found,
    OutcomeUnknownError,
    Properties,
    ProviderError,
    UnreachableError,
    Updated,
    check_by_facts,
    diff_by_facts,
)

FIELD_MANAGER: Final = "mlops-iac"
REQUEST_SECONDS: Final = 60
APPLY: Final = "application/apply-patch+yaml"
MARK: Final = "mlops-iac.dev/urn"
"""Annotation with a hash of the URN: tells our object from another one of the same name."""


def connect_server(server: ApiServer) -> KubernetesProvider:
    """The provider for an API server that this engine started."""
    from kubernetes import client

    configuration = client.Configuration()
    configuration.host = server.endpoint
    configuration.ssl_ca_cert = server.authority
    configuration.api_key = {"authorization": f"Bearer {server.token}"}
    configuration.proxy = None
    return _connected(client.ApiClient(configuration), server.endpoint)


def connect_context(context: str, environ: Mapping[str, str]) -> KubernetesProvider:
    """The provider for a context of the user's kubeconfig.

    Raises ``DiagnosticsError`` when the context does not exist or its server does not answer.
    """
    from kubernetes import config
    from kubernetes.config.config_exception import ConfigException

    try:
        make: Any = config.new_client_from_config
        client = make(config_file=environ.get("KUBECONFIG"), context=context)
    except (ConfigException, OSError) as error:
        raise _unreachable(f"the kubeconfig context {context!r} cannot be used: {error}") from error
    return _connected(client, f"the context {context!r}")


class KubernetesProvider:
    """Objects of every kind that the API server knows; others are recorded."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._paths: dict[tuple[str, str], tuple[str, bool] | None] = {}
        self._guard = threading.Lock()

    def check(self, urn: str, type: str, news: Properties, olds: Properties) -> tuple[CheckFailure, ...]:
        """The shape check."""
        return check_by_facts(type, news)

    def diff(
        self, urn: str, type: str, id: str, old_inputs: Properties, news: Properties, ignore: Collection[str] = ()
    ) -> DiffResult:
        """The diff by facts."""
        return diff_by_facts(type, old_inputs, news, ignore)

    def create(self, urn: str, type: str, inputs: Properties) -> Created:
        """Apply a new object; an object of that name that is not ours is refused."""
        body = self._body(urn, inputs)
        path = self._path(body)
        if path is None:
            return Created(f"{RECORDED}{urn.rpartition('::')[2]}", dict(body), self._unknown(body))
        existing = self._get(path)
        if existing is not None and _mark(existing) != _hash(urn):
            raise ProviderError(f"{_id(body)} exists already and is not of this state")
        answer = self._apply(path, body)
        return Created(_id(body), answer)

    def read(self, urn: str, type: str, id: str, inputs: Properties, outputs: Properties) -> Found | None:
        """The object as the server has it; inputs keep to the fields that were applied."""
        if id.startswith(RECORDED):
            return Found(id, inputs, outputs)
        body = self._body(urn, inputs)
        path = self._path(body)
        answer = self._get(path) if path is not None else None
        if answer is None:
            return None
        return Found(id, _same_fields(inputs, answer), answer)

    def find(self, urn: str, type: str, inputs: Properties) -> tuple[Found, ...]:
        """By name, when the object carries our mark."""
        body = self._body(urn, inputs)
        path = self._path(body)
        answer = self._get(path) if path is not None else None
        if answer is None or _mark(answer) != _hash(urn):
            return ()
        return (Found(_id(body), _same_fields(inputs, answer), answer),)

    def update(
        self, urn: str, type: str, id: str, old_inputs: Properties, old_outputs: Properties, news: Properties
    ) -> Updated:
        """Apply again; fields that are no longer declared are removed by the server."""
        body = self._body(urn, news)
        path = self._path(body)
        if path is None or id.startswith(RECORDED):
            return Updated(dict(body), self._unknown(body) if path is None else "it was only recorded")
        return Updated(self._apply(path, body))

    def delete(self, urn: str, type: str, id: str, inputs: Properties, outputs: Properties) -> None:
        """Delete in the background; an object that is gone is fine."""
        if id.startswith(RECORDED):
            return
        path = self._path(self._body(urn, inputs))
        if path is not None:
            self._request("DELETE", path, query={"propagationPolicy": "Background"}, missing_ok=True)

    def invoke(self, token: str, args: Properties) -> Properties:
        """Raises ``ProviderError``: no functions are served."""
        raise ProviderError(f"the local target has no function {token}")

    def ready(self) -> None:
        """Raises ``ProviderError`` when the server does not answer."""
        self._request("GET", "/version")

    def _apply(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        query = {"fieldManager": FIELD_MANAGER, "force": "false"}
        answer = self._request("PATCH", path, body=body, query=query)
        return _without_noise(answer or {})

    def _get(self, path: str) -> dict[str, Any] | None:
        answer = self._request("GET", path, missing_ok=True)
        if answer is not None and (answer.get("metadata") or {}).get("deletionTimestamp"):
            return None
        return None if answer is None else _without_noise(answer)

    def _body(self, urn: str, inputs: Properties) -> dict[str, Any]:
        metadata = dict(inputs.get("metadata") or {})
        metadata.setdefault("name", _auto_name(urn, inputs))
        metadata["annotations"] = {**(metadata.get("annotations") or {}), MARK: _hash(urn)}
        return {**inputs, "metadata": metadata}

    def _path(self, body: Mapping[str, Any]) -> str | None:
        """The object's URL path; None for no object (a Helm release) and for a kind that the server does not know."""
        if "apiVersion" not in body or "kind" not in body:
            return None
        version, kind = str(body["apiVersion"]), str(body["kind"])
        found = self._resource(version, kind)
        if found is None:
            return None
        plural, namespaced = found
        base = f"/apis/{version}" if "/" in version else f"/api/{version}"
        space = f"/namespaces/{body['metadata'].get('namespace', 'default')}" if namespaced else ""
        return f"{base}{space}/{plural}/{body['metadata']['name']}"

    def _resource(self, version: str, kind: str) -> tuple[str, bool] | None:
        """Plural name and whether namespaced. A kind that is missing is asked for again: its CRD may come later."""
        with self._guard:
            if self._paths.get((version, kind)) is not None:
                return self._paths[version, kind]
        base = f"/apis/{version}" if "/" in version else f"/api/{version}"
        listed = self._request("GET", base, missing_ok=True) or {}
        with self._guard:
            for item in listed.get("resources", ()):
                if "/" not in item["name"]:
                    self._paths[version, item["kind"]] = (item["name"], bool(item["namespaced"]))
            return self._paths.get((version, kind))

    def _unknown(self, body: Mapping[str, Any]) -> str:
        if "kind" not in body:
            return "it is no Kubernetes object: the local target installs no charts"
        return f"the API server does not know {body['kind']} of {body['apiVersion']}"

    def _request(
        self,
        verb: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        missing_ok: bool = False,
    ) -> dict[str, Any] | None:
        from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError

        address = f"{self._client.configuration.host}{path}"
        if query:
            address += f"?{urlencode(query)}"
        try:
            response = self._client.rest_client.pool_manager.request(
                verb,
                address,
                body=json.dumps(body) if body is not None else None,
                headers=self._headers(verb),
                timeout=REQUEST_SECONDS,
                retries=False,
            )
        except (MaxRetryError, NewConnectionError) as error:
            raise UnreachableError(f"the Kubernetes API server does not answer: {error}") from error
        except HTTPError as error:
            kind = UnreachableError if verb == "GET" else OutcomeUnknownError
            raise kind(f"{verb} {path}: {error}") from error
        if response.status == 404 and missing_ok:
            return None
        if response.status >= 400:
            raise _refusal(response.status, response.data, path)
        answer: dict[str, Any] = json.loads(response.data)
        return answer

    def _headers(self, verb: str) -> dict[str, str]:
        """With the credentials that the client's configuration has at this moment: tokens are renewed."""
        headers = {"Accept": "application/json", "Content-Type": APPLY if verb == "PATCH" else "application/json"}
        for setting in self._client.configuration.auth_settings().values():
            if setting["in"] == "header" and setting["value"]:
                headers[setting["key"]] = setting["value"]
        return headers


def _connected(client: Any, what: str) -> KubernetesProvider:
    provider = KubernetesProvider(client)
    try:
        provider.ready()
    except ProviderError as error:
        raise _unreachable(f"{what} cannot be used: {error}") from error
    return provider


def _refusal(status: int, body: bytes, path: str) -> ProviderError:
    try:
        message = json.loads(body)["message"]
    except (KeyError, TypeError, ValueError):
        message = f"status {status}"
    if status == 409 and "conflict" in message:
        return ProviderError(f"another manager owns a field that is declared here, and it is not taken away: {message}")
    if status in (429, 500, 503, 504):
        return UnreachableError(f"{path}: {message}")
    return ProviderError(f"{path}: {message}")


def _same_fields(wanted: Any, actual: Any) -> Any:
    """``actual`` cut to the fields of ``wanted``; a field that the server does not show keeps its value."""
    if isinstance(wanted, Mapping) and isinstance(actual, Mapping):
        return {key: _same_fields(value, actual[key]) if key in actual else value for key, value in wanted.items()}
    if isinstance(wanted, list) and isinstance(actual, list) and len(wanted) == len(actual):
        return [_same_fields(value, other) for value, other in zip(wanted, actual, strict=True)]
    if isinstance(wanted, str | int) and str(wanted) == str(actual):
        return wanted
    return actual


def _without_noise(answer: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in (answer.get("metadata") or {}).items() if key != "managedFields"}
    return {**answer, "metadata": metadata}


def _mark(answer: Mapping[str, Any]) -> str | None:
    annotations = (answer.get("metadata") or {}).get("annotations") or {}
    return annotations.get(MARK)


def _id(body: Mapping[str, Any]) -> str:
    metadata = body["metadata"]
    space = metadata.get("namespace")
    return f"{space}/{metadata['name']}" if space else str(metadata["name"])


def _auto_name(urn: str, inputs: Properties) -> str:
    base = re.sub(r"[^a-z0-9-]+", "-", urn.rpartition("::")[2].lower()).strip("-")
    digest = hashlib.sha256(f"{urn} {json.dumps(inputs, sort_keys=True, default=str)}".encode()).hexdigest()[:8]
    return f"{base[:50]}-{digest}"


def _hash(urn: str) -> str:
    return hashlib.sha256(urn.encode()).hexdigest()[:32]


def _unreachable(message: str) -> DiagnosticsError:
    hint = "start the cluster, correct the context, or leave it out to record the objects"
    return DiagnosticsError([Diagnostic(CLUSTER_UNREACHABLE, message, hint)])
