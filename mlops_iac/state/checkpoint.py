"""The JSON form of a snapshot: Pulumi's version-3 checkpoint and ``pulumi stack export``, both ways.

Source: https://github.com/pulumi/pulumi/tree/master/sdk/go/common/apitype (DeploymentV3, ResourceV3)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError, Location
from mlops_iac.graph.archives import SIGNATURE_KEY
from mlops_iac.graph.evaluate import UNKNOWN, SecretValue, compact_json, contains_secret, contains_unknown
from mlops_iac.state.codes import (
    BAD_URN,
    CHECKSUM,
    DANGLING,
    DUPLICATE_URN,
    MISSING_ID,
    NEWER_VERSION,
    NO_PASSPHRASE,
    NOT_A_CHECKPOINT,
    NOT_JSON,
    WRONG_ORDER,
    WRONG_STACK,
)
from mlops_iac.state.passphrase import Crypter
from mlops_iac.state.snapshot import OperationType, PendingOperation, ResourceState, Snapshot

VERSION: Final = 3
SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"
"""Value of ``SIGNATURE_KEY`` that marks a secret (sdk/go/common/resource/sig)."""
STACK_TYPE: Final = "pulumi:pulumi:Stack"
PROVIDER_PREFIX: Final = "pulumi:providers:"
STACK_REFERENCE: Final = "pulumi:pulumi:StackReference"
"""Type of what Pulumi's engine records of another stack that a program reads."""
ENGINE_KEYS: Final = ("version", "pluginDownloadURL", "__internal")
"""What Pulumi's engine adds to the properties of a provider resource; no program declares it."""
FEATURES_VERSION: Final = 4
"""The version of a deployment that lists ``features`` which an older program would lose."""
INTEGRITY: Final = "integrity"
"""Our key beside ``checkpoint``: serial and checksum. Pulumi ignores it."""

Unseal = Callable[[Mapping[str, Any]], Crypter | None]
"""Answers a ``secrets_providers`` entry with its crypter, or None when no passphrase is known."""


@dataclass(frozen=True, slots=True)
class Urn:
    """A URN taken apart: ``urn:pulumi:<stack>::<project>::<type>$<type>::<name>``."""

    stack: str
    project: str
    types: tuple[str, ...]
    name: str

    @property
    def type(self) -> str:
        """The resource's own type token."""
        return self.types[-1]


def parse_urn(text: str) -> Urn:
    """``text`` taken apart. Raises ``ValueError`` when it is not a URN."""
    head, *rest = text.split("::", 3)
    if not head.startswith("urn:pulumi:") or len(rest) != 3:
        raise ValueError(f"not a URN: {text!r}")
    project, types, name = rest
    return Urn(head.removeprefix("urn:pulumi:"), project, tuple(types.split("$")), name)


def without_stack(urn: str) -> str:
    """A URN from the project on: what the same resource has in every stack, whatever that is called."""
    return urn.partition("::")[2]


def root_urn(project: str, stack: str) -> str:
    """URN of the ``pulumi:pulumi:Stack`` resource, which holds the stack's outputs."""
    return f"urn:pulumi:{stack}::{project}::{STACK_TYPE}::{project}-{stack}"


def write_checkpoint(snapshot: Snapshot, crypter: Crypter | None, *, time: str) -> str:
    """The text of a state file, with our serial and checksum beside Pulumi's content.

    ``crypter`` None is enough where the snapshot holds no secrets; else raises ``DiagnosticsError``.
    """
    checkpoint = {
        "stack": f"organization/{snapshot.project}/{snapshot.stack}",
        "latest": _deployment(snapshot, crypter, time),
    }
    integrity = {"serial": snapshot.serial, "sha256": _digest(checkpoint, snapshot.serial)}
    return _dump({"version": VERSION, "checkpoint": checkpoint, INTEGRITY: integrity})


def write_export(
    snapshot: Snapshot, crypter: Crypter | None, *, time: str, plugins: Callable[[str], str | None] = lambda _: None
) -> str:
    """What ``pulumi stack export`` prints and ``pulumi stack import`` reads.

    ``plugins`` answers a package with the version of its plugin: the engine keeps it with the provider, and would show
    a provider without it as changed.
    """
    deployment = _deployment(snapshot, crypter, time)
    for record in deployment["resources"]:
        if not record["type"].startswith(PROVIDER_PREFIX):
            continue
        version = plugins(record["type"].removeprefix(PROVIDER_PREFIX))
        if version is not None:
            for part in ("inputs", "outputs"):
                record[part] = {**record.get(part, {}), "version": version}
    return _dump({"version": VERSION, "deployment": deployment})


def read(
    text: str,
    unseal: Unseal,
    *,
    source: str,
    expected: tuple[str, str] | None = None,
    unnamed: tuple[str, str] | None = None,
    ours: bool = False,
    only_read: bool = False,
) -> Snapshot:
    """The snapshot in a state file, a Pulumi checkpoint or a ``pulumi stack export``.

    ``expected`` is the (project, stack) it must belong to, ``unnamed`` what it counts as when it is empty and does not
    say. ``ours``: the file must carry our checksum. ``only_read``: it will not be written again, so that features
    beyond this program may be in it. Secrets are masked, as ``SecretValue(UNKNOWN)``, where ``unseal`` knows no
    passphrase.
    Raises ``DiagnosticsError`` for anything that is not a whole, sound checkpoint: never answers an empty stack for it.
    """
    if not text.strip():
        raise _failure(NOT_JSON, f"{source} is empty", "a state is never empty: restore a backup")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        place = Location(source, error.lineno, error.colno) if isinstance(error, json.JSONDecodeError) else None
        raise DiagnosticsError(
            [Diagnostic(NOT_JSON, f"{source} is not whole JSON: {error}", "restore a backup, or export again", place)]
        ) from error
    deployment, name = _latest(document, source, FEATURES_VERSION if only_read else VERSION)
    serial = _check_integrity(document, source, required=ours)
    project, stack = _owner(deployment, name, expected or unnamed, source)
    if expected is not None and (project, stack) != expected:
        raise _failure(
            WRONG_STACK,
            f"{source} is the state of {project}/{stack}, not of {expected[0]}/{expected[1]}",
            "check the path; state files are not moved between stacks",
        )
    try:
        snapshot = _snapshot(deployment, project, stack, serial, unseal)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _failure(
            NOT_A_CHECKPOINT,
            f"{source} does not have the shape of a checkpoint: {type(error).__name__}: {error}",
            "restore a backup, or export the stack again",
        ) from error
    problems = verify(snapshot)
    if problems:
        raise DiagnosticsError(
            Diagnostic(item.code, f"{source}: {item.message}", item.hint, severity=item.severity) for item in problems
        )
    return snapshot


def verify(snapshot: Snapshot) -> list[Diagnostic]:
    """What is wrong with a snapshot: duplicate or foreign URNs, dangling references, wrong order, missing ids."""
    return list(_problems(snapshot))


def encode_resource(resource: ResourceState, crypter: Crypter | None, root: str) -> dict[str, Any]:
    """A resource in Pulumi's JSON form; fields with their zero value are left out, as Pulumi does."""
    place = resource.urn
    data: dict[str, Any] = {
        "urn": resource.urn,
        "custom": resource.custom,
        "delete": resource.delete,
        "id": resource.id,
        "type": resource.type,
        "inputs": seal(resource.inputs, crypter, f"{place}#inputs"),
        "outputs": seal(resource.outputs, crypter, f"{place}#outputs"),
        "parent": resource.parent or root,
        "protect": resource.protect,
        "external": resource.external,
        "dependencies": list(resource.dependencies),
        "provider": resource.provider,
        "propertyDependencies": {key: list(urns) for key, urns in sorted(resource.property_dependencies.items())},
        "pendingReplacement": resource.pending_replacement,
        "additionalSecretOutputs": list(resource.additional_secret_outputs),
        "ignoreChanges": list(resource.ignore_changes),
        "replaceOnChanges": list(resource.replace_on_changes),
        "aliases": list(resource.aliases),
        "importID": resource.import_id,
        "retainOnDelete": resource.retain_on_delete,
        "created": resource.created,
        "modified": resource.modified,
    }
    return {key: value for key, value in data.items() if value or key == "custom"}


def decode_resource(data: Mapping[str, Any], crypter: Crypter | None, root: str) -> ResourceState:
    """The resource in Pulumi's JSON form. Raises ``KeyError``, ``TypeError`` or ``ValueError`` on another shape."""
    urn, type = _text(data["urn"]), _text(data["type"])
    parent = data.get("parent")
    inputs, outputs = dict(data.get("inputs") or {}), dict(data.get("outputs") or {})
    if type.startswith(PROVIDER_PREFIX):
        inputs, outputs = _declared(inputs), _declared(outputs)
    return ResourceState(
        urn=urn,
        type=type,
        custom=bool(data["custom"]),
        id=data.get("id") or None,
        inputs=unseal_value(inputs, crypter, f"{urn}#inputs"),
        outputs=unseal_value(outputs, crypter, f"{urn}#outputs"),
        parent=None if parent in (None, "", root) else _text(parent),
        provider=data.get("provider") or None,
        dependencies=tuple(_text(item) for item in data.get("dependencies") or ()),
        property_dependencies={
            key: tuple(_text(urn) for urn in urns or ())
            for key, urns in (data.get("propertyDependencies") or {}).items()
        },
        protect=bool(data.get("protect", False)),
        retain_on_delete=bool(data.get("retainOnDelete", False)),
        delete=bool(data.get("delete", False)),
        external=bool(data.get("external", False)),
        pending_replacement=bool(data.get("pendingReplacement", False)),
        additional_secret_outputs=tuple(data.get("additionalSecretOutputs") or ()),
        ignore_changes=tuple(data.get("ignoreChanges") or ()),
        replace_on_changes=tuple(data.get("replaceOnChanges") or ()),
        aliases=tuple(data.get("aliases") or ()),
        import_id=data.get("importID") or None,
        created=data.get("created"),
        modified=data.get("modified"),
    )


def seal(value: Any, crypter: Crypter | None, place: str) -> Any:
    """``value`` with every secret in its sealed form. Raises ``DiagnosticsError`` when there is no crypter for one."""
    if isinstance(value, SecretValue):
        if crypter is None or value.value is UNKNOWN:
            raise _failure(
                NO_PASSPHRASE,
                "the state holds secrets, and the passphrase to seal them is not known",
                "set PULUMI_CONFIG_PASSPHRASE",
            )
        return {SIGNATURE_KEY: SECRET_SIGNATURE, "ciphertext": crypter.seal(compact_json(value.value), place)}
    if isinstance(value, Mapping):
        return {key: seal(item, crypter, f"{place}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [seal(item, crypter, f"{place}[{index}]") for index, item in enumerate(value)]
    return value


def unseal_value(value: Any, crypter: Crypter | None, place: str) -> Any:
    """``value`` with every sealed secret opened, or masked where there is no crypter.

    Raises ``ValueError`` when a secret was sealed with another key.
    """
    if isinstance(value, Mapping):
        if value.get(SIGNATURE_KEY) == SECRET_SIGNATURE:
            if "plaintext" in value:
                return SecretValue(json.loads(value["plaintext"]))
            if crypter is None:
                return SecretValue(UNKNOWN)
            return SecretValue(json.loads(crypter.open(value["ciphertext"], place)))
        return {key: unseal_value(item, crypter, f"{place}.{key}") for key, item in value.items()}
    if isinstance(value, list):
        return [unseal_value(item, crypter, f"{place}[{index}]") for index, item in enumerate(value)]
    return value


def holds_secrets(snapshot: Snapshot) -> bool:
    """Whether any part of the snapshot is secret, so that writing it needs a crypter."""
    pending = (operation.resource for operation in snapshot.pending)
    return contains_secret(snapshot.outputs) or any(
        contains_secret(resource.inputs) or contains_secret(resource.outputs)
        for resource in (*snapshot.resources, *pending)
    )


def sealed_inputs(snapshot: Snapshot) -> tuple[tuple[str, str], ...]:
    """(URN, property) of every input whose secret could not be opened."""
    return tuple(
        (resource.urn, name)
        for resource in snapshot.resources
        for name, value in resource.inputs.items()
        if contains_secret(value) and contains_unknown(value)
    )


def _declared(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name not in ENGINE_KEYS}


def _deployment(snapshot: Snapshot, crypter: Crypter | None, time: str) -> dict[str, Any]:
    root = root_urn(snapshot.project, snapshot.stack)
    stack = {"urn": root, "custom": False, "type": STACK_TYPE}
    if snapshot.outputs:
        stack["outputs"] = seal(snapshot.outputs, crypter, f"{root}#outputs")
    resources = [encode_resource(resource, crypter, root) for resource in snapshot.resources]
    pending = [
        {"resource": encode_resource(operation.resource, crypter, root), "type": operation.type}
        for operation in snapshot.pending
    ]
    deployment: dict[str, Any] = {"manifest": {"time": time, "magic": "", "version": ""}}
    if crypter is not None:
        deployment["secrets_providers"] = crypter.provider
    elif snapshot.secrets is not None:
        deployment["secrets_providers"] = snapshot.secrets
    deployment["resources"] = [stack, *resources]
    if pending:
        deployment["pending_operations"] = pending
    deployment["metadata"] = {}
    return deployment


def _snapshot(deployment: Mapping[str, Any], project: str, stack: str, serial: int, unseal: Unseal) -> Snapshot:
    root = root_urn(project, stack)
    secrets = deployment.get("secrets_providers") or None
    crypter = unseal(secrets) if secrets is not None and _mentions_secret(deployment) else None
    records = deployment.get("resources") or []
    outputs: Mapping[str, Any] = {}
    resources = []
    for record in records:
        if record["type"] == STACK_TYPE:
            outputs = unseal_value(dict(record.get("outputs") or {}), crypter, f"{root}#outputs")
        else:
            resources.append(decode_resource(record, crypter, root))
    pending = []
    for item in deployment.get("pending_operations") or []:
        if item["type"] not in get_args(OperationType):
            raise ValueError(f"unknown pending operation {item['type']!r}")
        pending.append(PendingOperation(item["type"], decode_resource(item["resource"], crypter, root)))
    written = str((deployment.get("manifest") or {}).get("time") or "")
    return Snapshot(project, stack, tuple(resources), tuple(pending), outputs, serial, secrets, written)


def _latest(document: Any, source: str, newest: int) -> tuple[Mapping[str, Any], str]:
    if not isinstance(document, Mapping) or not isinstance(document.get("version"), int):
        raise _failure(
            NOT_A_CHECKPOINT,
            f"{source} is JSON, but neither a Pulumi checkpoint nor a stack export",
            "expected `version` with `checkpoint` or `deployment`, as `pulumi stack export` prints",
        )
    checkpoint = document.get("checkpoint")
    name = ""
    deployment = document.get("deployment")
    if isinstance(checkpoint, Mapping):
        deployment, name = checkpoint.get("latest"), str(checkpoint.get("stack") or "")
    version = document["version"]
    if version > newest:
        features = deployment.get("features") if isinstance(deployment, Mapping) else None
        uses = f" with {', '.join(map(str, features))}" if isinstance(features, list) else ""
        raise _failure(
            NEWER_VERSION,
            f"{source} has checkpoint version {version}{uses}; this program takes up to {newest}",
            "upgrade mlops-iac; a newer state is never rewritten by an older program",
        )
    if (
        version < VERSION
        or not isinstance(deployment, Mapping)
        or not isinstance(deployment.get("resources") or [], list)
    ):
        raise _failure(
            NOT_A_CHECKPOINT,
            f"{source} holds no version {VERSION} deployment",
            "export the stack again with a current `pulumi stack export`",
        )
    return deployment, name


def _check_integrity(document: Mapping[str, Any], source: str, *, required: bool) -> int:
    integrity = document.get(INTEGRITY)
    if integrity is None and not required:
        return 0
    serial = integrity.get("serial") if isinstance(integrity, Mapping) else None
    if (
        not isinstance(integrity, Mapping)
        or not isinstance(serial, int)
        or integrity.get("sha256") != _digest(document.get("checkpoint"), serial)
        or set(document) != {"version", "checkpoint", INTEGRITY}
    ):
        raise _failure(
            CHECKSUM,
            f"{source} is not what was written: its checksum does not match",
            "the file was damaged or edited: restore a backup, or bring it in with `mlops-iac state import`",
        )
    return serial


def _owner(deployment: Mapping[str, Any], name: str, expected: tuple[str, str] | None, source: str) -> tuple[str, str]:
    for record in deployment.get("resources") or []:
        try:
            urn = parse_urn(record["urn"])
        except (KeyError, TypeError, ValueError) as error:
            raise _failure(NOT_A_CHECKPOINT, f"{source}: {error}", "restore a backup") from error
        return urn.project, urn.stack
    parts = name.split("/")
    if len(parts) >= 2:
        return parts[-2], parts[-1]
    if expected is not None:
        return expected
    raise _failure(
        NOT_A_CHECKPOINT,
        f"{source} has no resources and names no stack",
        "say which stack it is the state of",
    )


def _problems(snapshot: Snapshot) -> Iterator[Diagnostic]:
    everywhere = {resource.urn for resource in snapshot.resources}
    providers = {
        f"{resource.urn}::{resource.id}" for resource in snapshot.resources if resource.type.startswith(PROVIDER_PREFIX)
    }
    live: set[str] = set()
    before: set[str] = set()
    for resource in snapshot.resources:
        yield from _foreign(resource, snapshot)
        if not resource.delete:
            if resource.urn in live:
                yield _broken(DUPLICATE_URN, f"two resources have the URN {resource.urn}")
            live.add(resource.urn)
        needed = {("dependency", urn) for urn in resource.dependencies}
        needed |= {("dependency", urn) for urns in resource.property_dependencies.values() for urn in urns}
        if resource.parent is not None:
            needed.add(("parent", resource.parent))
        for role, urn in sorted(needed):
            if urn not in everywhere:
                yield _broken(DANGLING, f"{resource.urn} names a {role} that is not there: {urn}")
            elif urn not in before:
                yield _broken(WRONG_ORDER, f"{resource.urn} stands before its {role} {urn}")
        if resource.provider is not None and resource.provider not in providers and not resource.pending_replacement:
            yield _broken(DANGLING, f"{resource.urn} names a provider that is not there: {resource.provider}")
        if resource.custom and resource.id is None:
            yield _broken(MISSING_ID, f"{resource.urn} has no provider id")
        before.add(resource.urn)
    for operation in snapshot.pending:
        yield from _foreign(operation.resource, snapshot)


def _foreign(resource: ResourceState, snapshot: Snapshot) -> Iterator[Diagnostic]:
    try:
        urn = parse_urn(resource.urn)
    except ValueError as error:
        yield _broken(BAD_URN, str(error))
        return
    if (urn.project, urn.stack) != (snapshot.project, snapshot.stack):
        yield _broken(WRONG_STACK, f"{resource.urn} is not of {snapshot.project}/{snapshot.stack}")
    if urn.type != resource.type:
        yield _broken(BAD_URN, f"{resource.urn} is not the URN of a {resource.type}")


def _mentions_secret(value: Any) -> bool:
    if isinstance(value, Mapping):
        if value.get(SIGNATURE_KEY) == SECRET_SIGNATURE:
            return "ciphertext" in value
        return any(_mentions_secret(item) for item in value.values())
    return isinstance(value, list) and any(_mentions_secret(item) for item in value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, found {value!r}")
    return value


def _dump(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _digest(checkpoint: Any, serial: int) -> str:
    return hashlib.sha256(f"{serial}\n{compact_json(checkpoint)}".encode()).hexdigest()


def _broken(code: str, message: str) -> Diagnostic:
    return Diagnostic(code, message, "the state is damaged: restore a backup")


def _failure(code: str, message: str, hint: str) -> DiagnosticsError:
    return DiagnosticsError([Diagnostic(code, message, hint)])
