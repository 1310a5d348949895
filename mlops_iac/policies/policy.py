"""What a policy is: metadata, a pure check of one resource, and samples that prove it.

The same check judges the compiled graph offline and a real Pulumi program as a CrossGuard policy, so it sees plain
data only: a resource's inputs by their provider names, and which resources each input came from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial, wraps
from typing import Any, TypeVar
from zlib import crc32

from mlops_iac.diagnostics import ConfigPath, Location
from mlops_iac.policies.admission import Admission
from mlops_iac.policies.inputs import Inputs, UnknownInputError

T = TypeVar("T")


class Verdict(StrEnum):
    """What a check says of a resource; ``unknown`` when the value that decides is known only after apply."""

    PASS = "pass"
    FAIL = "fail"
    NOT_APPLICABLE = "not_applicable"
    UNKNOWN = "unknown"


class PolicySeverity(StrEnum):
    """How much a violation matters."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Enforcement(StrEnum):
    """What a violation does: ``mandatory`` stops an apply, ``advisory`` is only shown, ``off`` is not even judged.

    ``remediate`` puts it right before anything is planned; what cannot be put right stops an apply.
    """

    REMEDIATE = "remediate"
    MANDATORY = "mandatory"
    ADVISORY = "advisory"
    OFF = "off"

    @property
    def stops(self) -> bool:
        """Whether a violation that is left stops an apply."""
        return self in (Enforcement.REMEDIATE, Enforcement.MANDATORY)

    def stricter(self, other: Enforcement) -> Enforcement:
        """The one of the two that asks for more."""
        order = list(Enforcement)
        return min(self, other, key=order.index)


@dataclass(frozen=True, slots=True)
class Result:
    """A verdict and why: ``path`` is the input it is about, ``detail`` completes the sentence "<resource> ..."."""

    verdict: Verdict
    detail: str = ""
    path: str = ""


PASS = Result(Verdict.PASS)
NOT_APPLICABLE = Result(Verdict.NOT_APPLICABLE)


def fail(detail: str, path: str = "") -> Result:
    """A violation; ``detail`` completes the sentence "<resource> ..."."""
    return Result(Verdict.FAIL, detail, path)


def unknown(path: str) -> Result:
    """No verdict before apply: the input at ``path`` is not known yet."""
    return Result(Verdict.UNKNOWN, f"{path} is known only after apply", path)


def worst(parts: Iterable[T], judge: Callable[[T], Result]) -> Result:
    """The worst verdict of the parts of a resource: a violation of one counts although another is not known yet."""
    undecided = None
    found = NOT_APPLICABLE
    for part in parts:
        try:
            result = judge(part)
        except UnknownInputError as missing:
            result = unknown(missing.path)
        if result.verdict is Verdict.FAIL:
            return result
        if result.verdict is Verdict.UNKNOWN:
            undecided = undecided or result
        elif result.verdict is Verdict.PASS:
            found = result
    return undecided or found


@dataclass(frozen=True, slots=True)
class ResourceView:
    """A resource as a policy sees it.

    ``inputs`` is evaluated data: a value known only after apply is unknown, an unknown part of a text or JSON
    document reads ``unknown:<resource>.<property>``. ``sources`` maps an input's name to the URNs that it comes
    from. ``identifiers`` are the texts by which other resources may name
    this one. ``type`` is the current name of a type: ``canonical_type``.
    """

    urn: str
    type: str
    name: str
    inputs: Inputs
    sources: Mapping[str, frozenset[str]] = field(default_factory=dict)
    protect: bool = False
    retain_on_delete: bool = False
    component: ConfigPath = ()
    location: Location | None = None
    identifiers: frozenset[str] = frozenset()

    @property
    def tags(self) -> Mapping[str, Any]:
        """The resource's tags, those that its provider adds included where they are known already."""
        found: dict[str, Any] = {}
        for name in ("tagsAll", "tags") if self.inputs.is_known("tagsAll") else ("tags",):
            tags = self.inputs.at(name)
            if isinstance(tags, Inputs):
                found.update(tags)
            elif tags is not None:
                found.update((tag.text("key"), tag.at("value")) for tag in self.inputs.each(name))
        return found


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that an organisation sets, and that rules compare with; an empty list allows everything.

    ``instance_types`` holds patterns such as ``ml.m5.*``.
    """

    regions: tuple[str, ...] = ()
    registries: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    instance_types: tuple[str, ...] = ()
    gpu_nodes: int = 16
    endpoint_instances: int = 50
    training_hours: int = 72
    log_days: int = 365
    most_log_days: int | None = None
    tags: tuple[str, ...] = ("cost-center",)


@dataclass(frozen=True, slots=True)
class SystemView:
    """What policies may know of the system's intent, beyond its resources.

    ``declared`` holds every component as plain data, section by section as it was written with its defaults filled
    in: ``declared["models"]["fraud-scorer"]["approval"]``. It is empty for a program that was not made from YAML.
    ``today`` is an ISO date, empty where time plays no part.
    """

    name: str = "system"
    environment: str = "dev"
    risk_class: str = "minimal"
    region: str = "eu-west-1"
    account: str = "111122223333"
    owner: str = ""
    purpose: str = ""
    regulations: tuple[str, ...] = ()
    approval: str = "none"
    limits: Limits = Limits()
    declared: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    today: str = ""

    @property
    def production(self) -> bool:
        """Whether real users depend on this environment."""
        return self.environment == "prod"

    @property
    def high_risk(self) -> bool:
        """Whether the EU AI Act's duties for high-risk systems apply."""
        return self.risk_class == "high"

    def components(self, section: str) -> Iterator[tuple[str, Inputs]]:
        """Name and data of every declared component of a section."""
        for name, data in self.declared.get(section, {}).items():
            yield name, Inputs(data, f"{section}.{name}")


@dataclass(frozen=True, slots=True)
class StackView:
    """Every resource that is judged together, and the system they belong to.

    ``whole`` is false where only one of the system's stacks is in sight, so that something may be elsewhere.
    """

    resources: tuple[ResourceView, ...]
    system: SystemView = SystemView()
    whole: bool = True
    _by_type: dict[str, list[ResourceView]] = field(default_factory=dict, compare=False, repr=False)
    _links: dict[tuple[str, str], dict[str, list[ResourceView]]] = field(
        default_factory=dict, compare=False, repr=False
    )
    _memo: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        for resource in self.resources:
            self._by_type.setdefault(resource.type, []).append(resource)

    def of_type(self, *types: str) -> Iterator[ResourceView]:
        """Every resource of those types."""
        for type in types:
            yield from self._by_type.get(type, ())

    def pointing_at(self, resource: ResourceView, type: str, *inputs: str) -> Iterator[ResourceView]:
        """Resources of ``type`` one of whose top-level ``inputs`` comes from ``resource`` or names it."""
        for name in inputs:
            links = self._links_of(type, name)
            for target in (resource.urn, *resource.identifiers):
                yield from links.get(target, ())

    def targets_of(self, resource: ResourceView, input: str, *types: str) -> Iterator[ResourceView]:
        """Resources of those types that a top-level input comes from or names."""
        urns = resource.sources.get(input, frozenset())
        named = resource.inputs.get(input) if not urns and input in resource.inputs else None
        for candidate in self.of_type(*types):
            if candidate.urn in urns or (isinstance(named, str) and named in candidate.identifiers):
                yield candidate

    def once(self, key: Callable[[StackView], T]) -> T:
        """What ``key`` says of the stack, computed once: for facts that every resource of a type is judged by."""
        if key not in self._memo:
            self._memo[key] = key(self)
        found: T = self._memo[key]
        return found

    def _links_of(self, type: str, name: str) -> dict[str, list[ResourceView]]:
        links = self._links.get((type, name))
        if links is None:
            links = self._links[type, name] = {}
            for resource in self._by_type.get(type, ()):
                for urn in resource.sources.get(name, ()):
                    links.setdefault(urn, []).append(resource)
                if name not in resource.sources and name in resource.inputs and resource.inputs.is_known(name):
                    links.setdefault(resource.inputs.text(name), []).append(resource)
        return links


@dataclass(frozen=True, slots=True)
class Sample:
    """A resource (and its neighbours) that a policy must judge as ``verdict``; the first resource is the one judged."""

    verdict: Verdict
    resources: tuple[ResourceView, ...]
    system: SystemView = SystemView()


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """One rule.

    ``title`` says what must hold, ``why`` what goes wrong otherwise, ``fix`` what to write instead. ``applies_to`` are
    resource type tokens; ``*`` means every resource. ``controls`` maps a framework to the control ids it evidences.
    ``check`` answers for every resource: one of another type is not applicable, and reading an input that is not known
    yet makes the verdict ``unknown``. A rule that ``spans`` looks for resources
    that may be in another stack of the same system. ``settings`` are the configuration paths that decide it, such as
    ``buckets.*.versioning``; ``*`` stands for a name. A finding stands at the line of the one that fits best.
    ``admission`` says the same of a Kubernetes object when the API server admits it; None where the limits and the
    environment of a system ask for nothing.
    ``remediate`` answers for a violation with the inputs to set, by dotted path (``disks[0].encrypted``); nothing where
    that would not be safe: it must not replace the resource, lose data or cut off those who use it.
    """

    id: str
    title: str
    why: str
    fix: str
    severity: PolicySeverity
    enforcement: Enforcement
    applies_to: tuple[str, ...]
    controls: Mapping[str, tuple[str, ...]]
    source_url: str
    check: Callable[[ResourceView, StackView], Result]
    samples: tuple[Sample, ...]
    spans: bool = False
    admission: Callable[[SystemView], Admission | None] | None = None
    remediate: Callable[[ResourceView, StackView], Mapping[str, Any]] | None = None
    settings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "check", _decided(self.check, self.applies_to))

    def admission_in(self, system: SystemView) -> Admission | None:
        """What the rule asks of objects of that system's clusters; None where it asks for nothing there."""
        return self.admission(system) if self.admission is not None else None

    def remedy(self, resource: ResourceView, stack: StackView) -> Mapping[str, tuple[Any, Any]]:
        """The inputs to set so that a violation is none any more: before and after by path.

        Empty where nothing is wrong, and where the rule cannot put it right.
        """
        if self.remediate is None or self.check(resource, stack).verdict is not Verdict.FAIL:
            return {}
        try:
            changes = self.remediate(resource, stack)
            better = replace(resource, inputs=resource.inputs.changed(changes))
        except UnknownInputError:
            return {}
        found = resource.inputs.differing(changes)
        return found if self.check(better, stack).verdict is Verdict.PASS else {}


@dataclass(frozen=True, slots=True)
class Cause:
    """A place in the configuration: ``location`` is a line of the user's, ``shipped`` one of ours that it chose."""

    path: ConfigPath
    location: Location | None
    shipped: Location | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A policy's verdict on one resource that is not simply fine.

    ``waiver`` is the owner and reason of the exception that covers it; a waived finding stops nothing. ``cause`` is
    the place in the configuration that it comes from, where there is a configuration.
    """

    policy: Policy
    resource: ResourceView
    result: Result
    enforcement: Enforcement
    waiver: str = ""
    cause: Cause | None = None

    @property
    def path(self) -> ConfigPath:
        """The configuration path that decides it; the component's where nothing closer is known."""
        return self.cause.path if self.cause else self.resource.component

    @property
    def location(self) -> Location | None:
        """The line that it comes from."""
        return self.cause.location if self.cause else self.resource.location

    @property
    def stops(self) -> bool:
        """Whether an apply is refused because of it."""
        return self.result.verdict is Verdict.FAIL and self.enforcement.stops and not self.waiver


def view(
    urn: str,
    type: str,
    name: str,
    inputs: Mapping[str, Any],
    *,
    sources: Mapping[str, frozenset[str]] | None = None,
    protect: bool = False,
    retain_on_delete: bool = False,
    component: ConfigPath = (),
    location: Location | None = None,
    identifiers: Iterable[str] = (),
) -> ResourceView:
    """A resource view from plain data; ``identifiers`` are added to those that stand in the inputs."""
    own = {inputs[key] for key in ("bucket", "name") if isinstance(inputs.get(key), str)}
    return ResourceView(
        urn,
        canonical_type(type),
        name,
        Inputs(inputs),
        # Not `or`: whether lazily found sources are empty is known only after looking for all of them.
        {} if sources is None else sources,
        protect,
        retain_on_delete,
        component,
        location,
        frozenset(own | {text for text in identifiers if text}),
    )


def canonical_type(type: str) -> str:
    """The current name of a resource type: ``aws:s3/bucketV2:BucketV2`` is an old name of ``aws:s3/bucket:Bucket``."""
    return _OLD_TYPE.sub(r"\1:\2", type) if type.endswith("V2") else type


_OLD_TYPE = re.compile(r"^(aws:s3/bucket\w*)V2:(Bucket\w*)V2$")


def sample(
    verdict: Verdict,
    type: str,
    inputs: Mapping[str, Any],
    *others: ResourceView,
    system: SystemView | None = None,
    protect: bool = False,
    retain_on_delete: bool = False,
    sources: Mapping[str, str] | None = None,
) -> Sample:
    """A sample of one resource named ``sample``, whose URN is ``sample_urn(type)``; ``sources``: input -> URN."""
    judged = view(
        sample_urn(type),
        type,
        "sample",
        inputs,
        sources={name: frozenset({urn}) for name, urn in (sources or {}).items()},
        protect=protect,
        retain_on_delete=retain_on_delete,
    )
    return Sample(verdict, (judged, *others), system or SystemView())


passes = partial(sample, Verdict.PASS)
fails = partial(sample, Verdict.FAIL)
skips = partial(sample, Verdict.NOT_APPLICABLE)
waits = partial(sample, Verdict.UNKNOWN)


def neighbour(type: str, inputs: Mapping[str, Any], points_at: str = "", *through: str) -> ResourceView:
    """Another resource of a sample; its inputs ``through`` come from the resource with URN ``points_at``."""
    sources = {name: frozenset({points_at}) for name in through}
    name = f"neighbour-{crc32(repr(inputs).encode()):08x}"
    return view(f"urn:pulumi:dev::sample::{type}::{name}", type, name, inputs, sources=sources)


def sample_urn(type: str) -> str:
    """URN of a sample's judged resource."""
    return f"urn:pulumi:dev::sample::{type}::sample"


def text_of(values: Iterable[str]) -> str:
    """A readable list: ``a, b and c``."""
    items = list(values)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""


def _decided(
    check: Callable[[ResourceView, StackView], Result], types: tuple[str, ...]
) -> Callable[[ResourceView, StackView], Result]:
    @wraps(check)
    def decide(resource: ResourceView, stack: StackView) -> Result:
        if resource.type not in types and "*" not in types:
            return NOT_APPLICABLE
        try:
            result = check(resource, stack)
        except UnknownInputError as missing:
            return unknown(missing.path)
        if not isinstance(result, Result):
            raise TypeError(f"the check answered {type(result).__name__}, not a Result")
        return result

    return decide


ELSEWHERE = skips("aws:sns/topicSubscription:TopicSubscription", {})
"""A sample for rules that judge every resource of their types: a resource of another type."""
