"""What a component's builder may do: add resources, read other components' outputs, make names and roles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from mlops_iac.components.component import Outputs
from mlops_iac.compose.files import UnreadableFileError, text_inside
from mlops_iac.diagnostics import ConfigPath, Diagnostic, Location
from mlops_iac.graph import naming
from mlops_iac.graph.iam import Statement, policy_document, service_trust
from mlops_iac.graph.naming import Namer
from mlops_iac.graph.nodes import Node, Options
from mlops_iac.graph.values import NodeKey, Ref, ToJson, Value
from mlops_iac.providers.facts import facts_of
from mlops_iac.spec.system import Core, Instance, System

OutputsT = TypeVar("OutputsT", bound=Outputs)

UNREADABLE_FILE = "MI4003"
"""A file that a component takes from the system's folder is missing, outside that folder, too large or not text."""

_ROLE_POLICIES = ("aws:iam/rolePolicy:RolePolicy", "aws:iam/rolePolicyAttachment:RolePolicyAttachment")
AWS_PROVIDER = "pulumi:providers:aws"
KUBERNETES_PROVIDER = "pulumi:providers:kubernetes"


@dataclass(frozen=True, slots=True)
class Handle:
    """A resource that was added; index it for an output: ``bucket["arn"]``, ``vpc["ipv6", "cidr"]``."""

    key: NodeKey

    def __getitem__(self, path: str | int | tuple[str | int, ...]) -> Ref:
        return Ref(self.key, path if isinstance(path, tuple) else (path,))

    @property
    def id(self) -> Ref:
        """The provider id of the resource."""
        return self["id"]


@dataclass(slots=True)
class Assembly:
    """The nodes, outputs and findings collected while a system is compiled; owned by the driver.

    ``folder`` is the system's folder: the only place that files are read from. ``policies`` are the policies of each
    role, by its name.
    """

    folder: Path
    nodes: dict[NodeKey, Node] = field(default_factory=dict)
    policies: dict[Ref, list[Handle]] = field(default_factory=dict)
    outputs: dict[tuple[str, str], Outputs] = field(default_factory=dict)
    problems: list[Diagnostic] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class BuildContext:
    """A builder's view of the system, for one component instance.

    Builders are pure: what they add depends only on the spec, the system and the outputs of components that
    were built before (those that a field references, and every instance of the kinds in ``uses``).
    """

    instance: Instance
    system: System
    assembly: Assembly
    root: NodeKey
    locate: Callable[[ConfigPath], Location | None]

    @property
    def core(self) -> Core:
        """The sections that every system has: system, cloud, env, security, policies."""
        return self.system.core

    @property
    def namer(self) -> Namer:
        """Makes the cloud names."""
        core = self.core
        return Namer(core.system.name, core.env.name, core.cloud.account, core.cloud.region)

    @property
    def layer(self) -> str:
        """The layer of the component being built."""
        return self.root.layer

    @property
    def partition(self) -> str:
        """AWS partition of the region, for ARNs that have to be written out."""
        return self.core.cloud.partition

    def arn(self, service: str, resource: str, *, region: bool = True) -> str:
        """The ARN of a resource in this account; ``region=False`` for global services such as IAM."""
        place = self.core.cloud.region if region else ""
        return f"arn:{self.partition}:{service}:{place}:{self.core.cloud.account}:{resource}"

    def tags(self, **more: str) -> dict[str, Value]:
        """The tags of every taggable resource of this component."""
        core = self.core
        data_class = getattr(self.instance.spec, "classification", None)
        own = {
            "owner": core.system.owner,
            "environment": core.env.name,
            "ml-system": core.system.name,
            "risk-class": core.system.risk_class,
            "data-class": data_class or "internal",
            "component": ".".join(str(part) for part in self._cloud_path()),
            "managed-by": "mlops-iac",
        }
        return dict(sorted({**own, **core.system.tags, **more}.items()))

    def add(
        self,
        suffix: str,
        type: str,
        inputs: Mapping[str, Value],
        *,
        parent: Handle | None = None,
        provider: Handle | None = None,
        depends_on: Iterable[Handle | Ref] = (),
        stateful: bool = False,
        delete_before_replace: bool = False,
        ignore_changes: Iterable[str] = (),
        replace_on_changes: Iterable[str] = (),
    ) -> Handle:
        """Add one resource named ``<component>.<suffix>``.

        Inputs that are None are left out; what Pulumi's SDK class would fill in is said, and tags are added where the
        type takes them. A ``stateful`` resource
        is protected where its component is; where the environment protects data it is also kept on destroy.
        Without ``provider`` an ``aws:`` type gets the layer's AWS provider.
        """
        key = NodeKey(self.layer, type, naming.logical(self.root.name, suffix), self.root.kind)
        if key in self.assembly.nodes:
            raise ValueError(f"{self.instance.kind} {self.instance.name!r} adds {key} twice")
        keep = stateful and self.core.env.protect_data
        provider_key = provider.key if provider is not None else self._default_provider(type)
        options = Options(
            parent=parent.key if parent is not None else self.root,
            provider=provider_key,
            depends_on=tuple(sorted({_key_of(item) for item in depends_on})),
            protect=keep or (stateful and bool(self.instance.protections)),
            retain_on_delete=keep,
            delete_before_replace=delete_before_replace or _holds_its_name(type),
            ignore_changes=tuple(ignore_changes),
            replace_on_changes=tuple(replace_on_changes),
        )
        path = self.instance.path
        complete = self._with_tags(type, {**_sdk_defaults(type), **prune(inputs)})
        self._insert(Node(key, complete, options, True, path, self.locate(path)))
        return Handle(key)

    def kubernetes(
        self,
        suffix: str,
        api_version: str,
        kind: str,
        body: Mapping[str, Value],
        *,
        provider: Handle,
        depends_on: Iterable[Handle | Ref] = (),
        ignore_changes: Iterable[str] = (),
    ) -> Handle:
        """Add one Kubernetes object; ``body`` has metadata and spec, without apiVersion and kind."""
        core_group = "core/" if "/" not in api_version else ""
        return self.add(
            suffix,
            f"kubernetes:{core_group}{api_version}:{kind}",
            {"apiVersion": api_version, "kind": kind, **body},
            provider=provider,
            depends_on=depends_on,
            ignore_changes=ignore_changes,
        )

    def provider(self, type: str, name: str, inputs: Mapping[str, Value], *, path: ConfigPath = ()) -> Handle:
        """An explicit provider of this layer, added once however often it is asked for.

        ``path`` is the section that it comes from, where that is not this component.
        """
        key = NodeKey(self.layer, type, name)
        if key not in self.assembly.nodes:
            path = self._declared(path or self.instance.path)
            self._insert(Node(key, prune(inputs), Options(), True, path, self.locate(path)))
        return Handle(key)

    def role(
        self,
        suffix: str,
        statements: Iterable[Statement],
        *,
        service: str = "",
        trust: ToJson | None = None,
        source_arn: Value | None = None,
        managed: Iterable[str] = (),
        name: str = "",
        path: str | None = None,
    ) -> Handle:
        """An IAM role for this component that may do exactly ``statements``.

        ``service`` is the AWS service that assumes it, for this account only (``source_arn`` narrows it); or give the
        whole ``trust`` document. ``managed`` names AWS-managed policies (without ARN prefix) that the service needs.
        ``name`` and ``path`` are for a role that something outside of the system takes by its ARN.
        The role's policy is complete before a resource that uses ``handle["arn"]`` and depends on the handle runs
        only if it also depends on the policy: use ``role_ready`` for that.
        """
        document = trust or service_trust(service, self.core.cloud.account, source_arn=source_arn)
        role = self.add(
            suffix,
            "aws:iam/role:Role",
            {
                "name": name or self.namer.cloud(self.instance.kind, self.instance.name, suffix, limit=64),
                "path": path,
                "assumeRolePolicy": document,
                "description": f"{self.instance.component.label} {self.instance.name}: {suffix}",
            },
        )
        granted = tuple(statements)
        if granted:
            self.add(
                f"{suffix}-policy",
                "aws:iam/rolePolicy:RolePolicy",
                {"role": role["name"], "name": "access", "policy": policy_document(granted)},
            )
        for name in managed:
            self.add(
                f"{suffix}-{name.rsplit('/', 1)[-1].lower()}",
                "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
                {"role": role["name"], "policyArn": f"arn:{self.partition}:iam::aws:policy/{name}"},
            )
        return role

    def role_ready(self, role: Handle) -> tuple[Handle, ...]:
        """What to depend on so that ``role`` has all its permissions: the role's policies, or the role itself."""
        return tuple(self.assembly.policies.get(role["name"], ())) or (role,)

    def read_text(self, relative: str, path: ConfigPath) -> str:
        """The text of a file in the system's folder, named by the field at ``path`` below the component.

        A file that cannot be had is reported at that field, and stands for empty text until the phase ends. A path
        that leads out of the folder, by ``..``, absolutely or through a symbolic link, is refused.
        """
        try:
            return text_inside(self.assembly.folder, relative)
        except UnreadableFileError as refused:
            full = (*self.instance.path, *path)
            self.assembly.problems.append(
                Diagnostic(UNREADABLE_FILE, f"file {relative!r} {refused.what}", refused.hint, self.locate(full), full)
            )
            return ""

    def types(self) -> frozenset[str]:
        """The type tokens of every resource that was added so far."""
        return frozenset(node.type for node in self.assembly.nodes.values() if node.custom)

    def get(self, kind: str, name: str, outputs: type[OutputsT]) -> OutputsT:
        """The outputs of a component built before; its kind must be referenced or listed in ``uses``."""
        found = self.assembly.outputs[kind, name]
        if not isinstance(found, outputs):
            raise TypeError(f"{kind} {name!r} has {type(found).__name__}, not {outputs.__name__}")
        return found

    def single(self, kind: str, outputs: type[OutputsT]) -> OutputsT | None:
        """The outputs of a single-section kind, or None where the system does not declare it."""
        if (kind, kind) not in self.assembly.outputs:
            return None
        return self.get(kind, kind, outputs)

    def all(self, kind: str, outputs: type[OutputsT]) -> dict[str, OutputsT]:
        """The outputs of every instance of ``kind`` by name."""
        return {instance.name: self.get(kind, instance.name, outputs) for instance in self.system.of_kind(kind)}

    def _cloud_path(self) -> ConfigPath:
        """The component's path as its tags say it: a renamed one keeps them, or the rename would touch all of it."""
        instance = self.instance
        return (instance.kind, instance.name) if instance.component.many else instance.path

    def _declared(self, path: ConfigPath) -> ConfigPath:
        """Where the component stands in the configuration that builders know under ``path``."""
        found = self.system.find(str(path[0]), str(path[1])) if len(path) > 1 else None
        return found.path if found is not None else path

    def _default_provider(self, type: str) -> NodeKey | None:
        if not type.startswith("aws:"):
            return None
        cloud = self.core.cloud
        role = cloud.role_to_assume()
        inputs: dict[str, Value] = {**cloud.provider_inputs(), **({"assumeRoles": [role]} if role else {})}
        return self.provider(AWS_PROVIDER, "aws", inputs, path=("cloud",)).key

    def _with_tags(self, type: str, inputs: dict[str, Value]) -> dict[str, Value]:
        if not type.startswith("aws:"):
            return inputs
        facts = facts_of(type)
        if facts is None:
            raise ValueError(f"{type} is not a resource type of the AWS provider")
        if not facts.taggable:
            return inputs
        own = inputs.get("tags")
        return {**inputs, "tags": {**self.tags(), **(own if isinstance(own, Mapping) else {})}}

    def _insert(self, node: Node) -> None:
        self.assembly.nodes[node.key] = node
        role = node.inputs.get("role") if node.type in _ROLE_POLICIES else None
        if isinstance(role, Ref):
            self.assembly.policies.setdefault(role, []).append(Handle(node.key))


def prune(value: Any) -> Any:
    """A copy without mapping entries that are None; documents inside ``ToJson`` are left as they are."""
    if isinstance(value, Mapping):
        return {key: prune(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return [prune(item) for item in value]
    return value


def _sdk_defaults(type: str) -> Mapping[str, Value]:
    facts = facts_of(type)
    return facts.defaults if facts is not None else {}


def _holds_its_name(type: str) -> bool:
    """Whether a replacement would find its name taken: the type needs a name, which the provider never makes up."""
    facts = facts_of(type) if type.startswith("aws:") else None
    return facts is not None and facts.physical_name is not None and not facts.autonamed


def _key_of(item: Handle | Ref) -> NodeKey:
    return item.key if isinstance(item, Handle) else item.node
