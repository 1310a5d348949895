"""What a policy is: metadata, a pure check of one resource, and samples that prove it.

The same check judges the compiled graph offline and a real Pulumi program as a CrossGuard policy, so it sees plain
data only: a resource's inputs by their provider names, and which resources each input came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mlops_iac.diagnostics import ConfigPath, Location


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
    """What a violation does: ``mandatory`` stops an apply, ``advisory`` is only shown."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"


@dataclass(frozen=True, slots=True)
class Result:
    """A verdict with its reason: ``path`` is the input it is about, ``detail`` completes the sentence "<resource> ..."."""

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


@dataclass(frozen=True, slots=True)
class ResourceView:
    """A resource as a policy sees it.

    ``inputs`` is evaluated data: a value known only after apply is ``UNKNOWN``, a part of a text or JSON document that is
    unknown reads ``unknown:<resource>.<property>``. ``sources`` maps an input's name to the URNs that its value comes from.
    """

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    sources: Mapping[str, frozenset[str]] = field(default_factory=dict)
    protect: bool = False
    retain_on_delete: bool = False
    component: ConfigPath = ()
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class SystemView:
    """What policies may know of the system's intent, beyond its resources."""

    name: str = "system"
    environment: str = "dev"
    risk_class: str = "minimal"
    region: str = "eu-west-1"
    account: str = "111122223333"
    allowed_regions: tuple[str, ...] = ()
    allowed_registries: tuple[str, ...] = ()
    personal_data: frozenset[ConfigPath] = frozenset()


@dataclass(frozen=True, slots=True)
class StackView:
    """Every resource that is judged together, and the system they belong to."""

    resources: tuple[ResourceView, ...]
    system: SystemView = SystemView()
    _by_type: dict[str, list[ResourceView]] = field(default_factory=dict, compare=False, repr=False)
    _by_source: dict[tuple[str, str, str], list[ResourceView]] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        for resource in self.resources:
            self._by_type.setdefault(resource.type, []).append(resource)
            for name, urns in resource.sources.items():
                for urn in urns:
                    self._by_source.setdefault((resource.type, name, urn), []).append(resource)

    def of_type(self, *types: str) -> Iterator[ResourceView]:
        """Every resource of those types."""
        for type in types:
            yield from self._by_type.get(type, ())

    def pointing_at(self, resource: ResourceView, type: str, *inputs: str) -> Iterator[ResourceView]:
        """Resources of ``type`` one of whose ``inputs`` comes from ``resource``."""
        for name in inputs:
            yield from self._by_source.get((type, name, resource.urn), ())


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


@dataclass(frozen=True, slots=True)
class Finding:
    """A policy's verdict on one resource that is not simply fine.

    ``waiver`` is the owner and reason of the exception that covers it; a waived finding stops nothing.
    """

    policy: Policy
    resource: ResourceView
    result: Result
    enforcement: Enforcement
    waiver: str = ""

    @property
    def stops(self) -> bool:
        """Whether an apply is refused because of it."""
        return self.result.verdict is Verdict.FAIL and self.enforcement is Enforcement.MANDATORY and not self.waiver


def sample(
    verdict: Verdict,
    type: str,
    inputs: Mapping[str, Any],
    *others: ResourceView,
    system: SystemView | None = None,
    protect: bool = False,
    retain_on_delete: bool = False,
) -> Sample:
    """A sample of one resource named ``sample``, whose URN is ``sample_urn(type)``."""
    judged = ResourceView(sample_urn(type), type, "sample", inputs, protect=protect, retain_on_delete=retain_on_delete)
    return Sample(verdict, (judged, *others), system or SystemView())


def neighbour(type: str, inputs: Mapping[str, Any], points_at: str = "", *through: str) -> ResourceView:
    """Another resource of a sample; its inputs ``through`` come from the resource with URN ``points_at``."""
    sources = {name: frozenset({points_at}) for name in through}
    return ResourceView(f"urn:pulumi:dev::sample::{type}::neighbour", type, "neighbour", inputs, sources)


def sample_urn(type: str) -> str:
    """URN of a sample's judged resource."""
    return f"urn:pulumi:dev::sample::{type}::sample"


def text_of(values: Iterable[str]) -> str:
    """A readable list: ``a, b and c``."""
    items = list(values)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""
