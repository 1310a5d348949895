"""Manages Kubernetes objects by server-side apply, or records them where the API server cannot take them.

Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/

Objects are stored and checked by the API server, admission included; it is not waited for what a controller would make
of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from mlops_iac.engines.local.autonaming import auto_name
from mlops_iac.engines.local.kubernetes.client import MERGE, AbsentError, Cluster, ConflictError, Kind
from mlops_iac.engines.local.kubernetes.objects import (
    PATCH,
    as_declared,
    kind_of,
    live,
    manifest,
    mark_of,
    observed,
    with_string_data,
)
from mlops_iac.engines.local.provider import (
    RECORDED,
    CheckFailure,
    Created,
    Found,
    OutcomeUnknownError,
    Properties,
    ProviderError,
    UnreachableError,
    Updated,
    check_by_facts,
)

NOT_APPLIED: Final = {
    "helm.sh": "Helm charts are not installed on the local target",
    "yaml": "files of manifests are not read on the local target",
    "kustomize": "kustomizations are not built on the local target",
}
"""Groups of Pulumi's own that no API server has, and why their resources are recorded."""
GONE_SECONDS: Final = 60
"""How long a deleted object may keep its finalisers where controllers run."""
UNATTENDED_SECONDS: Final = 5
"""How long the status of a deleted namespace may stay empty before it is clear that no controller looks after it."""
ESTABLISHED_SECONDS: Final = 20
"""How long the API server may take to serve a new custom resource definition."""


@dataclass(frozen=True, slots=True)
class KubernetesProvider:
    """Objects of every kind that one API server has; others are recorded."""

    cluster: Cluster
    pause: Callable[[float], None] = time.sleep

    def check(self, urn: str, type: str, news: Properties, olds: Properties) -> tuple[CheckFailure, ...]:
        """The shape check; the API server checks the rest when it applies."""
        return check_by_facts(type, news)

    def create(self, urn: str, type: str, inputs: Properties) -> Created:
        """Apply a new object; one of that name that is not ours is refused."""
        name = _name(urn, inputs)
        kind, reason = self._kind(type, inputs)
        if kind is None:
            return _recorded(urn, inputs, name, reason)
        namespace = _namespace(kind, inputs)
        present = self._get(kind, namespace, name)
        if present is not None and mark_of(present) != urn:
            owner = mark_of(present)
            whose = f"it belongs to {owner}: give" if owner else "it is not in the state: delete it, or give"
            raise ProviderError(
                f"{kind.kind} {_id(namespace, name)} exists already ({whose} the resource another name)"
            )
        body = manifest(urn, kind.api_version, kind.kind, inputs, namespace, name)
        answer = self.cluster.apply(kind, namespace, name, body, force=present is not None)
        if kind.kind == "CustomResourceDefinition":
            answer = self._established(kind, name)
        return Created(_id(namespace, name), live(answer))

    def read(self, urn: str, type: str, id: str, inputs: Properties, outputs: Properties) -> Found | None:
        """The object as the server has it; None when it says that there is none, or is about to delete it."""
        if id.startswith(RECORDED):
            return Found(id, inputs, outputs)
        kind, _ = self._kind(type, inputs)
        if kind is None:
            return None
        namespace, name = _split(id)
        answer = self._get(kind, namespace, name)
        if answer is None or answer["metadata"].get("deletionTimestamp"):
            return None
        body = manifest(urn, kind.api_version, kind.kind, inputs, namespace, name)
        try:
            applied = self.cluster.apply(kind, namespace, name, body, force=True, dry=True)
        except UnreachableError:
            raise
        except ProviderError:
            # An immutable object that differs: the server refuses to say what it would become.
            applied = body
        if kind.kind == "Secret":
            seen = observed(inputs, with_string_data(applied), with_string_data(answer))
        else:
            seen = observed(inputs, applied, answer)
        return Found(id, seen, live(answer))

    def adopt(self, urn: str, type: str, id: str, declared: Properties) -> Found | None:
        """The object of that name; what it is to be afterwards is nothing but what ``declared`` says."""
        kind, reason = self._kind(type, declared)
        if kind is None:
            raise ProviderError(f"{type} cannot be adopted: {reason}")
        namespace, name = _split(id)
        if bool(namespace) is not kind.namespaced:
            form = "namespace/name" if kind.namespaced else "name, for it is in no namespace"
            raise ProviderError(f"an id of {type} reads {form}, not {id!r}")
        if declared:
            place = {"name": name, "namespace": namespace} if namespace else {"name": name}
            known = {**declared, "metadata": {**(declared.get("metadata") or {}), **place}}
            return self.read(urn, type, id, known, {})
        answer = self._get(kind, namespace, name)
        if answer is None or answer["metadata"].get("deletionTimestamp"):
            return None
        # Whether a Secret is declared by its data or as text is not known.
        told = with_string_data(answer) if kind.kind == "Secret" else answer
        return Found(id, as_declared(told), live(answer))

    def find(self, urn: str, type: str, inputs: Properties) -> tuple[Found, ...]:
        """The object of that name, when it carries our mark."""
        kind, _ = self._kind(type, inputs)
        if kind is None:
            return ()
        name, namespace = _name(urn, inputs), _namespace(kind, inputs)
        answer = self._get(kind, namespace, name)
        if answer is None or mark_of(answer) != urn:
            return ()
        found = self.read(urn, type, _id(namespace, name), inputs, {})
        return (found,) if found is not None else ()

    def update(
        self, urn: str, type: str, id: str, old_inputs: Properties, old_outputs: Properties, news: Properties
    ) -> Updated:
        """Apply the object anew; declared fields that others changed are taken back."""
        kind, reason = self._kind(type, news)
        if id.startswith(RECORDED):
            return Updated({**old_outputs, **news}, reason or "it was only recorded")
        if kind is None:
            raise ProviderError(reason)
        namespace, name = _split(id)
        body = manifest(urn, kind.api_version, kind.kind, news, namespace, name)
        return Updated(live(self.cluster.apply(kind, namespace, name, body, force=True)))

    def delete(self, urn: str, type: str, id: str, inputs: Properties, outputs: Properties) -> None:
        """Delete the object, unless another has its name by now. Waits for finalisers where somebody runs them."""
        if id.startswith(RECORDED):
            return
        kind, _ = self._kind(type, inputs)
        if kind is None:
            return
        namespace, name = _split(id)
        options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        uid = (outputs.get("metadata") or {}).get("uid")
        if uid:
            options["preconditions"] = {"uid": uid}
        try:
            self.cluster.request("DELETE", kind.path(namespace, name), body=options)
        except AbsentError:
            return
        except ConflictError as error:
            present = self._get(kind, namespace, name)
            if present is None or present["metadata"].get("uid") != uid:
                return
            if not present["metadata"].get("deletionTimestamp"):
                raise ProviderError(str(error)) from error
        if self.cluster.own:
            self._finish(kind, namespace, name)
        else:
            self._wait_gone(kind, namespace, name, uid)

    def invoke(self, token: str, args: Properties) -> Properties:
        """Raises ``ProviderError``: no program of this tool asks Kubernetes anything."""
        raise ProviderError(f"the local target has no function {token}")

    def _kind(self, type: str, inputs: Properties) -> tuple[Kind | None, str]:
        """The kind on the server, or None and why there is none."""
        api_version, kind = kind_of(type, inputs)
        group = api_version.partition("/")[0]
        if group in NOT_APPLIED:
            return None, NOT_APPLIED[group]
        if kind.endswith(PATCH):
            return None, "patches of objects that others own are not applied on the local target"
        found = self.cluster.kind(api_version, kind)
        definition = "; its custom resource definition is not installed" if "." in group else ""
        return found, "" if found is not None else f"the API server has no {api_version} {kind}{definition}"

    def _get(self, kind: Kind, namespace: str | None, name: str) -> dict[str, Any] | None:
        try:
            return self.cluster.request("GET", kind.path(namespace, name))
        except AbsentError:
            return None

    def _established(self, kind: Kind, name: str) -> dict[str, Any]:
        """Wait until objects of a new custom kind can be made."""
        deadline = time.monotonic() + ESTABLISHED_SECONDS
        while True:
            answer = self._get(kind, None, name) or {}
            conditions = (answer.get("status") or {}).get("conditions") or ()
            if any(item["type"] == "Established" and item["status"] == "True" for item in conditions):
                return answer
            if time.monotonic() > deadline:
                raise OutcomeUnknownError(f"the API server does not serve {name} after {ESTABLISHED_SECONDS} s")
            self.pause(0.05)

    def _finish(self, kind: Kind, namespace: str | None, name: str) -> None:
        """Do on our own server what a controller would do before an object may go."""
        present = self._get(kind, namespace, name)
        if present is None or not present["metadata"].get("deletionTimestamp"):
            return
        if kind.kind == "CustomResourceDefinition":
            # The API server itself deletes the objects of that kind first.
            self._wait_gone(kind, namespace, name, present["metadata"]["uid"])
            return
        with suppress(AbsentError):
            if kind.kind == "Namespace":
                _empty(self.cluster, name)
                body = {**present, "spec": {"finalizers": []}}
                self.cluster.request("PUT", f"{kind.path(None, name)}/finalize", body=body)
            if present["metadata"].get("finalizers"):
                _release(self.cluster, kind, namespace, name)

    def _wait_gone(self, kind: Kind, namespace: str | None, name: str, uid: str | None) -> None:
        """Wait until the object is gone. A namespace that nobody finalises stays behind, and counts as deleted."""
        begin = time.monotonic()
        while True:
            present = self._get(kind, namespace, name)
            if present is None or (uid and present["metadata"].get("uid") != uid):
                return
            waited = time.monotonic() - begin
            if kind.kind == "Namespace" and not (present.get("status") or {}).get("conditions"):
                if waited > UNATTENDED_SECONDS:
                    return
            elif waited > GONE_SECONDS:
                finalizers = ", ".join(present["metadata"].get("finalizers") or ["none"])
                raise OutcomeUnknownError(
                    f"{kind.kind} {_id(namespace, name)} is still there {GONE_SECONDS} s after its deletion "
                    f"(finalisers: {finalizers})"
                )
            self.pause(0.2)


def _empty(cluster: Cluster, namespace: str) -> None:
    """Delete everything in a namespace, as the namespace controller does."""
    for version in cluster.api_versions():
        for kind in cluster.kinds(version).values():
            if kind.namespaced and {"deletecollection", "list"} <= kind.verbs:
                with suppress(AbsentError):
                    cluster.request("DELETE", kind.path(namespace), {"propagationPolicy": "Background"})
                    for item in cluster.request("GET", kind.path(namespace))["items"]:
                        _release(cluster, kind, namespace, item["metadata"]["name"])


def _release(cluster: Cluster, kind: Kind, namespace: str | None, name: str) -> None:
    """Take an object's finalisers away."""
    body: dict[str, Any] = {"metadata": {"finalizers": []}}
    with suppress(AbsentError):
        cluster.request("PATCH", kind.path(namespace, name), body=body, content=MERGE)


def _recorded(urn: str, inputs: Mapping[str, Any], name: str, reason: str) -> Created:
    outputs = dict(inputs)
    if "chart" not in inputs:
        outputs["metadata"] = {**(inputs.get("metadata") or {}), "name": name}
    return Created(f"{RECORDED}{urn.rpartition('::')[2]}", outputs, reason)


def _name(urn: str, inputs: Properties) -> str:
    return str((inputs.get("metadata") or {}).get("name") or inputs.get("name") or auto_name(urn, inputs))


def _namespace(kind: Kind, inputs: Properties) -> str | None:
    return str((inputs.get("metadata") or {}).get("namespace") or "default") if kind.namespaced else None


def _id(namespace: str | None, name: str) -> str:
    return f"{namespace}/{name}" if namespace else name


def _split(id: str) -> tuple[str | None, str]:
    namespace, _, name = id.rpartition("/")
    return namespace or None, name
