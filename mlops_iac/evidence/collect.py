"""Puts evidence together: every verdict of every rule, seen from the controls that the rules speak for.

Evidence says what a configuration shows, never that a law is met: ``LIMITS`` stands in every form of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from mlops_iac.compose.composition import Composition
from mlops_iac.diagnostics import Diagnostic
from mlops_iac.evidence.card import SystemCard, system_card
from mlops_iac.evidence.frameworks import Control, Framework, frameworks_for
from mlops_iac.graph.nodes import Graph
from mlops_iac.policies.checker import covers, located, rules_of, verdicts, waivers_in_force
from mlops_iac.policies.foreign import view_deployed
from mlops_iac.policies.policy import Enforcement, Finding, Policy, Verdict
from mlops_iac.policies.registry import policies
from mlops_iac.policies.views import view_graph
from mlops_iac.spec.system import System, Waiver
from mlops_iac.state.snapshot import Snapshot

LIMITS: Final = (
    "It judges a configuration, or the inputs that a state says were deployed, not the running system: what was "
    "changed by hand, what a job did and whether anybody acted on an alarm is not in it.",
    "A rule evidences a part of what a control asks for. That every rule passes does not mean that a control is met, "
    "and nothing here says that a law is complied with.",
    "It knows only what is declared in this configuration. Other systems, accounts, people and contracts are outside.",
    "It does not look at data, code or models: not at their quality, fairness, origin or accuracy.",
    "An unknown verdict depends on a value that exists only after deployment; it is given when a run makes the "
    "resource, which it refuses where the value turns out wrong.",
)
"""What evidence does not prove."""


class Judged(StrEnum):
    """Whose inputs the rules judged: what the configuration declares, or what states say was deployed."""

    DECLARED = "declared"
    DEPLOYED = "deployed"


class Status(StrEnum):
    """What all rules of a control say together, the gravest first."""

    VIOLATED = "violated"
    WAIVED = "waived"
    UNDECIDED = "undecided"
    SUPPORTED = "supported"
    NOT_APPLICABLE = "not applicable"
    NOT_CHECKED = "not checked"
    NO_RULE = "no rule"


@dataclass(frozen=True, slots=True)
class RuleEvidence:
    """One rule: how it is enforced (None: no chosen pack has it, or it is off), and its verdict on each resource."""

    policy: Policy
    enforcement: Enforcement | None
    verdicts: tuple[Finding, ...] = ()

    def count(self, verdict: Verdict, *, waived: bool = False) -> int:
        """How many resources have that verdict, with or without a waiver."""
        return sum(item.result.verdict is verdict and bool(item.waiver) is waived for item in self.verdicts)

    @property
    def status(self) -> Status:
        """What the rule says of all resources together."""
        if self.enforcement is None:
            return Status.NOT_CHECKED
        if self.count(Verdict.FAIL):
            return Status.VIOLATED
        if self.count(Verdict.FAIL, waived=True):
            return Status.WAIVED
        if self.count(Verdict.UNKNOWN) or self.count(Verdict.UNKNOWN, waived=True):
            return Status.UNDECIDED
        return Status.SUPPORTED if self.verdicts else Status.NOT_APPLICABLE


@dataclass(frozen=True, slots=True)
class ControlEvidence:
    """One control and the rules that speak for it."""

    control: Control
    rules: tuple[RuleEvidence, ...]

    @property
    def status(self) -> Status:
        """The gravest word of its rules; rules that are not checked count only where no other is."""
        return min((rule.status for rule in self.rules), key=list(Status).index, default=Status.NO_RULE)


@dataclass(frozen=True, slots=True)
class FrameworkEvidence:
    """One framework, control by control in its own order."""

    framework: Framework
    controls: tuple[ControlEvidence, ...]

    def count(self, status: Status) -> int:
        """How many of its controls have that status."""
        return sum(control.status is status for control in self.controls)


@dataclass(frozen=True, slots=True)
class WaiverEvidence:
    """One waiver: how many findings it covers, and what is wrong with it, if anything."""

    waiver: Waiver
    covers: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Revision:
    """Where the configuration came from. ``commit`` is empty outside a git repository.

    ``dirty`` tells that files below the system's folder differ from the commit. ``files`` maps every file that the
    configuration was composed from to the SHA-256 of its text.
    """

    commit: str
    dirty: bool
    overrides: tuple[str, ...]
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StackRecord:
    """A stack that is deployed: the serial of its state, and how many resources the configuration would change."""

    project: str
    stack: str
    serial: int
    resources: int
    changes: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that a configuration shows, for one environment on one day; ``judged`` says of which resources."""

    date: str
    system: str
    environment: str
    packs: tuple[str, ...]
    revision: Revision
    stacks: tuple[StackRecord, ...]
    resources: int
    judged: Judged
    frameworks: tuple[FrameworkEvidence, ...]
    rules: tuple[RuleEvidence, ...]
    waivers: tuple[WaiverEvidence, ...]
    card: SystemCard

    @property
    def stops(self) -> int:
        """How many findings would refuse an apply."""
        return sum(finding.stops for rule in self.rules for finding in rule.verdicts)


def collect(
    graph: Graph,
    system: System,
    composition: Composition,
    notes: Sequence[Diagnostic],
    revision: Revision,
    stacks: Iterable[StackRecord],
    today: str,
    project: Sequence[Policy] = (),
    deployed: Sequence[Snapshot] = (),
) -> Evidence:
    """The evidence of a checked system; ``notes`` are the diagnostics of its check phase, which judge the waivers.

    ``project`` are the policies of the project's own files. ``deployed`` are states whose resources are judged instead
    of the declared ones.
    """
    view = view_graph(graph, system, today)
    if deployed:
        view = view_deployed(deployed, view)
    chosen = rules_of(system, project)
    by_rule: dict[str, list[Finding]] = {}
    for finding in verdicts(view, chosen, waivers_in_force(system, today)):
        passed = finding.result.verdict is Verdict.PASS
        by_rule.setdefault(finding.policy.id, []).append(finding if passed else located(finding, composition))
    rules = tuple(
        RuleEvidence(policy, enforcement, tuple(sorted(by_rule.get(policy.id, ()), key=lambda f: f.resource.urn)))
        for policy, enforcement in sorted(chosen.items(), key=lambda item: item[0].id)
    )
    core = system.core
    wanted = frameworks_for(core.policies.packs, core.system.regulations, core.system.risk_class)
    return Evidence(
        date=today,
        system=core.system.name,
        environment=core.env.name,
        packs=tuple(core.policies.packs),
        revision=revision,
        stacks=tuple(stacks),
        resources=len(view.resources),
        judged=Judged.DEPLOYED if deployed else Judged.DECLARED,
        frameworks=tuple(_framework(framework, rules) for framework in wanted),
        rules=rules,
        waivers=tuple(_waivers(system, rules, notes, today)),
        card=system_card(system, composition, today),
    )


def revision_of(composition: Composition, overrides: Sequence[str], commit: str, *, dirty: bool) -> Revision:
    """The record of a composed configuration."""
    texts = sorted(composition.sources.items())
    hashes = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts}
    return Revision(commit, dirty, tuple(overrides), hashes)


def _framework(framework: Framework, rules: Sequence[RuleEvidence]) -> FrameworkEvidence:
    checked = {rule.policy.id: rule for rule in rules}
    known = {**policies().sound(), **{rule.policy.id: rule.policy for rule in rules}}
    speaking: dict[str, list[RuleEvidence]] = {}
    for id, policy in sorted(known.items()):
        for control in policy.controls.get(framework.id, ()):
            speaking.setdefault(control, []).append(checked.get(id) or RuleEvidence(policy, None))
    listed = {control.id: control for control in framework.controls}
    further = [Control(id) for id in sorted(speaking.keys() - listed.keys())]
    return FrameworkEvidence(
        framework,
        tuple(
            ControlEvidence(control, tuple(speaking.get(control.id, ()))) for control in (*listed.values(), *further)
        ),
    )


def _waivers(
    system: System, rules: Sequence[RuleEvidence], notes: Sequence[Diagnostic], today: str
) -> Iterable[WaiverEvidence]:
    told = {note.path[2]: note.message for note in notes if note.path[:2] == ("policies", "waivers")}
    held = waivers_in_force(system, today)
    for index, waiver in enumerate(system.core.policies.waivers):
        covered = sum(
            finding.result.verdict is Verdict.FAIL
            and waiver in held
            and covers(waiver, rule.policy, finding.resource.component)
            for rule in rules
            for finding in rule.verdicts
        )
        yield WaiverEvidence(waiver, covered, told.get(index, ""))
