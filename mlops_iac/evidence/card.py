"""The system card: what the system is for, what data it holds and where that goes, who watches it and who decides.

What a component says of itself comes from its kind (``Component.card``); here the whole is put together.
Source: Regulation (EU) 2024/1689, Annex IV, asks for these things of a high-risk system.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from mlops_iac.components.registry import located_faults
from mlops_iac.compose.composition import Composition
from mlops_iac.diagnostics import ConfigPath, Location, format_path
from mlops_iac.spec.card import LINEAGE, CardEntry, CardStage, facts
from mlops_iac.spec.system import Instance, System


@dataclass(frozen=True, slots=True)
class Part:
    """One component in the card. ``from_personal_data``: what it holds or was made from is data about people."""

    path: ConfigPath
    kind: str
    entry: CardEntry
    location: Location | None
    from_personal_data: bool
    protections: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its configuration path as people write it."""
        return format_path(self.path)


@dataclass(frozen=True, slots=True)
class Flow:
    """An arrow of the lineage: data that flows, or a component that sets another going."""

    source: ConfigPath
    target: ConfigPath
    kind: Literal["data", "start"]


@dataclass(frozen=True, slots=True)
class SystemCard:
    """The card of one environment. ``identity`` and ``oversight`` are named facts; ``parts`` are in reading order."""

    identity: tuple[tuple[str, str], ...]
    oversight: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]
    flows: tuple[Flow, ...]

    def of_stage(self, *stages: CardStage) -> Iterator[Part]:
        """The parts of those stages."""
        yield from (part for part in self.parts if part.entry.stage in stages)


def system_card(system: System, composition: Composition, today: str) -> SystemCard:
    """The card of a system; permissions and waivers that ended before ``today`` are left out."""
    entries: dict[ConfigPath, tuple[Instance, CardEntry]] = {}
    for instance in system.instances:
        if instance.component.card is not None:
            with located_faults(instance, composition.location_of):
                entries[instance.path] = instance, instance.component.card(instance.name, instance.spec, system)
    flows = tuple(_flows(entries))
    personal = _reached((path for path, (_, entry) in entries.items() if entry.personal_data), flows)
    order = list(CardStage)
    parts = sorted(
        (
            Part(
                path,
                instance.component.label,
                entry,
                composition.location_of(path),
                path in personal,
                tuple(gate.replace("_", " ") for gate in instance.protections),
            )
            for path, (instance, entry) in entries.items()
        ),
        key=lambda part: (order.index(part.entry.stage), part.path),
    )
    return SystemCard(_identity(system), _oversight(system, today), tuple(parts), flows)


def _identity(system: System) -> tuple[tuple[str, str], ...]:
    core = system.core
    return facts(
        ("purpose", core.system.purpose),
        ("owner", core.system.owner),
        ("risk class (EU AI Act)", core.system.risk_class),
        ("regulations", list(core.system.regulations) or "none named"),
        ("environment", core.env.name),
        ("runs in", f"{core.cloud.provider} {core.cloud.region}, account {core.cloud.account}"),
        ("tags", [f"{name}={value}" for name, value in sorted(core.system.tags.items())]),
    )


def _oversight(system: System, today: str) -> tuple[tuple[str, str], ...]:
    core, security = system.core, system.core.security
    held = [item for item in core.approvals if item.expires >= today]
    return facts(
        ("approval of a deployment", core.env.approval.replace("_", " ")),
        ("refused without an approval", [gate.replace("_", " ") for gate in core.env.gates] or "nothing"),
        *(
            (f"approved: {item.gate.replace('_', ' ')}", f"{item.resource}, by {item.person} until {item.expires}")
            for item in held
        ),
        ("audit trail", security.audit.trail),
        ("audit records locked for", security.audit.object_lock or "not locked"),
        ("logs kept for", core.env.log_retention),
        ("threat detection (GuardDuty)", security.audit.guardduty),
        ("change recorder (AWS Config)", security.audit.config),
        ("jobs and models without internet", security.network_isolation),
    )


def _flows(entries: Mapping[ConfigPath, tuple[Instance, CardEntry]]) -> Iterator[Flow]:
    """Every arrow between parts of the card, each once."""
    found: dict[Flow, None] = {}
    for path, (_, entry) in entries.items():
        found.update(dict.fromkeys(Flow(source, path, "data") for source in entry.receives))
        found.update(dict.fromkeys(Flow(path, target, "data") for target in entry.feeds))
        found.update(dict.fromkeys(Flow(source, path, "start") for source in entry.started_by))
        found.update(dict.fromkeys(Flow(path, target, "start") for target in entry.starts))
    drawn = {path for path, (_, entry) in entries.items() if entry.stage in LINEAGE}
    for flow in found:
        if flow.source in drawn and flow.target in drawn:
            yield flow


def _reached(start: Iterable[ConfigPath], flows: Iterable[Flow]) -> set[ConfigPath]:
    """Everything that data from ``start`` gets to."""
    onward: dict[ConfigPath, list[ConfigPath]] = {}
    for flow in flows:
        if flow.kind == "data":
            onward.setdefault(flow.source, []).append(flow.target)
    reached: set[ConfigPath] = set()
    waiting = list(start)
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached.add(path)
            waiting += onward.get(path, ())
    return reached
