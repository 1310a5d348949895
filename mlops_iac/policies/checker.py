"""The check phase: every policy of the chosen packs on every resource, with waivers applied."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from fnmatch import fnmatchcase
from typing import Any

from mlops_iac.compose.composition import Composition
from mlops_iac.diagnostics import ConfigPath, Diagnostic, Severity, format_path, raise_on_errors
from mlops_iac.graph.nodes import Graph
from mlops_iac.plugins import Catalogue, PluginError
from mlops_iac.policies.causes import cause_of
from mlops_iac.policies.own import own_rules
from mlops_iac.policies.policy import Enforcement, Finding, Policy, ResourceView, StackView, Verdict
from mlops_iac.policies.project import crash
from mlops_iac.policies.registry import Pack, packs, policies, profiles
from mlops_iac.policies.views import view_graph
from mlops_iac.providers.facts import check_inputs, facts_of
from mlops_iac.spec.quantities import Duration
from mlops_iac.spec.system import PoliciesSection, System, Waiver

UNKNOWN_PACK = "MI5001"
"""``policies.packs`` names a pack that does not exist."""
UNKNOWN_RULE = "MI5002"
"""A waiver or an enforcement names a policy that does not exist."""
EXPIRED_WAIVER = "MI5003"
"""A waiver's last day has passed; it covers nothing any more."""
UNUSED_WAIVER = "MI5004"
"""A waiver covers no finding."""
BROAD_WAIVER = "MI5007"
"""A waiver covers components of every kind."""
OWNERLESS_WAIVER = "MI5009"
"""A waiver names nobody who accepted the risk, or lacks the ticket that the system asks for."""
LONG_WAIVER = "MI5010"
"""A waiver lasts longer than ``policies.max_waiver`` allows."""
NOBODY = frozenset({"", "-", "?", "n/a", "na", "nobody", "none", "tbd", "todo", "unknown", "x", "xxx"})
"""What people write where an owner is asked for and there is none."""
FORBIDDEN_WAIVER = "MI5008"
"""A waiver names a policy from which a chosen pack allows no exception."""
NO_REMEDY = "MI5011"
"""A policy without a remedy is to put violations right."""
TAKEN_ID = "MI5005"
"""A policy of the system's own has the id of one of the catalogue."""
UNKNOWN_TYPE = "MI5006"
"""A policy of the system's own judges a resource type that does not exist."""
VIOLATION = "MI5100"
"""A resource breaks a policy."""
UNDECIDED = "MI5101"
"""A policy cannot be decided before apply."""


def check_graph(
    graph: Graph, system: System, composition: Composition, today: str, project: Sequence[Policy] = ()
) -> tuple[Finding, ...]:
    """Findings of the system's packs and of the policies of its own, violations first; ``today`` is an ISO date.

    Raises ``DiagnosticsError`` for an unknown pack or rule, and for a rule that crashes.
    """
    raise_on_errors(_unknown_names(system, composition, project))
    found = findings_of(view_graph(graph, system, today), rules_of(system, project), system, today)
    return tuple(located(finding, composition) for finding in found)


def located(finding: Finding, composition: Composition) -> Finding:
    """The finding with the place in the configuration that it comes from."""
    return replace(finding, cause=cause_of(finding.policy, finding.resource, finding.result, composition))


def rules_of(system: System, project: Sequence[Policy] = ()) -> dict[Policy, Enforcement]:
    """The policies that a system chose and those of its own, with their enforcement in its environment.

    ``project`` are those of its Python files.
    """
    section = system.core.policies
    ours = {*section.own, *(policy.id for policy in project)}
    environment = system.core.env.name
    asked = section.levels(environment)
    levels = {rule: Enforcement(level) for rule, level in asked.items() if rule not in ours}
    declared = own_rules(section, environment) | {
        policy: Enforcement(asked.get(policy.id, policy.enforcement)) for policy in project
    }
    own = {policy: level for policy, level in declared.items() if level is not Enforcement.OFF}
    return chosen_rules(section.packs, environment, levels) | own


def chosen_rules(
    names: Iterable[str], environment: str = "", own: Mapping[str, Enforcement] | None = None
) -> dict[Policy, Enforcement]:
    """The policies of those packs with their enforcement; where packs differ, the strictest wins.

    The environment's profile may ask for less, and ``own``, the system's word on single rules, comes last.
    """
    chosen: dict[str, Enforcement] = {}
    for name in names:
        for rule, enforcement in packs()[name].rules.items():
            chosen[rule] = enforcement.stricter(chosen.get(rule, enforcement))
    relaxed = profiles().get(environment, {})
    chosen = {rule: relaxed.get(rule, enforcement) for rule, enforcement in chosen.items()} | dict(own or {})
    known = policies()
    return {
        known[rule]: enforcement for rule, enforcement in sorted(chosen.items()) if enforcement is not Enforcement.OFF
    }


def findings_of(
    stack: StackView, rules: Mapping[Policy, Enforcement], system: System, today: str
) -> tuple[Finding, ...]:
    """Everything that is not simply fine, sorted: what stops an apply first, then by severity and resource."""
    return judge(stack, rules, waivers_in_force(system, today))


def verdicts_of(graph: Graph, system: System, today: str, project: Sequence[Policy] = ()) -> Iterator[Finding]:
    """Every verdict of the system's policies on its resources, the good ones too."""
    return verdicts(view_graph(graph, system, today), rules_of(system, project), waivers_in_force(system, today))


def waivers_in_force(system: System, today: str) -> list[Waiver]:
    """The waivers that hold on that day."""
    return [waiver for waiver in system.core.policies.waivers if _invalid(waiver, system, today) is None]


def judge(stack: StackView, rules: Mapping[Policy, Enforcement], waivers: Sequence[Waiver] = ()) -> tuple[Finding, ...]:
    """The same for resources from anywhere, with the waivers that hold."""
    return worth_telling(verdicts(stack, rules, waivers))


def worth_telling(verdicts: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those that are not simply fine, in the order of ``findings_of``."""
    found = [item for item in verdicts if item.result.verdict in (Verdict.FAIL, Verdict.UNKNOWN)]
    severities = ("critical", "high", "medium", "low")
    return tuple(
        sorted(
            found,
            key=lambda f: (
                not f.stops,
                bool(f.waiver),
                f.result.verdict is not Verdict.FAIL,
                severities.index(f.policy.severity),
                f.policy.id,
                f.resource.urn,
            ),
        )
    )


def verdicts(
    stack: StackView, rules: Mapping[Policy, Enforcement], waivers: Sequence[Waiver] = ()
) -> Iterator[Finding]:
    """Every verdict, resource by resource, except where a rule does not apply.

    Where only one stack of a system may be in sight, a rule that looks into others only advises. Raises
    ``DiagnosticsError`` at the end where a rule crashed: what cannot be judged does not pass.
    """
    crashes: dict[Policy, Diagnostic] = {}
    by_type: dict[str, list[tuple[Policy, Enforcement]]] = {}
    for policy, asked in rules.items():
        enforcement = Enforcement.ADVISORY if policy.spans and not stack.whole else asked
        for type in policy.applies_to:
            by_type.setdefault(type, []).append((policy, enforcement))
    for resource in stack.resources:
        for policy, enforcement in (*by_type.get(resource.type, ()), *by_type.get("*", ())):
            try:
                result = policy.check(resource, stack)
            except (Exception, SystemExit) as error:
                crashes.setdefault(policy, crash(policy, resource, error))
                continue
            if result.verdict is Verdict.PASS:
                yield Finding(policy, resource, result, enforcement)
            elif result.verdict is not Verdict.NOT_APPLICABLE:
                yield Finding(policy, resource, result, enforcement, _waived(policy, resource, waivers))
    raise_on_errors(crashes.values())


def waiver_diagnostics(
    system: System, findings: tuple[Finding, ...], composition: Composition, today: str
) -> list[Diagnostic]:
    """Waivers that do not hold, cover nothing, or cover more than anybody can have meant."""
    problems = []
    for index, waiver in enumerate(system.core.policies.waivers):
        told = _invalid(waiver, system, today) or _careless(waiver, findings)
        if told is not None:
            code, message, hint = told
            path = ("policies", "waivers", index)
            location = composition.location_of(path, value=True)
            named = f"the waiver of {waiver.rule} for {waiver.resource}"
            problems.append(Diagnostic(code, f"{named} {message}", hint, location, path, Severity.WARNING))
    return problems


def _invalid(waiver: Waiver, system: System, today: str) -> tuple[str, str, str] | None:
    """Why a waiver does not hold: code, end of the sentence, and what to do."""
    section = system.core.policies
    forbidden_by = _unwaivable(system).get(waiver.rule)
    if forbidden_by:
        hint = f"fix the finding; the pack {forbidden_by} allows no exception from this rule"
        return FORBIDDEN_WAIVER, "has no effect", hint
    if waiver.owner.strip().lower() in NOBODY:
        return OWNERLESS_WAIVER, "has no owner, so it does not hold", "name a person or a team that can be asked"
    if section.waiver_tickets and not (waiver.ticket or "").strip():
        return OWNERLESS_WAIVER, "has no ticket, so it does not hold", "add ticket: where the exception was decided"
    if waiver.expires < today:
        hint = f"fix the finding, or ask {waiver.owner} to renew the exception with a new date"
        return EXPIRED_WAIVER, f"expired on {waiver.expires}", hint
    latest = _latest(section.max_waiver, today)
    if latest and waiver.expires > latest:
        hint = f"let it expire on {latest} or before (policies.max_waiver is {section.max_waiver})"
        return LONG_WAIVER, f"lasts until {waiver.expires}, longer than waivers may, so it does not hold", hint
    return None


def _careless(waiver: Waiver, findings: tuple[Finding, ...]) -> tuple[str, str, str] | None:
    """What is wrong with a waiver that holds."""
    if any(sign in waiver.resource.partition(".")[0] for sign in "*?["):
        hint = "name the component, or at least its section: buckets.*"
        return BROAD_WAIVER, "covers components of any kind, those to come included", hint
    if not any(covers(waiver, f.policy, f.resource.component) and f.result.verdict is Verdict.FAIL for f in findings):
        return UNUSED_WAIVER, "covers no finding", "remove it; an unused exception hides a later mistake"
    return None


def _latest(longest: Duration | None, today: str) -> str:
    """The last day on which a waiver may end; empty where there is no bound."""
    if longest is None or not today:
        return ""
    return (date.fromisoformat(today) + timedelta(days=longest.seconds // 86400)).isoformat()


def _unwaivable(system: System) -> Mapping[str, str]:
    """The rules that may not be waived, and the chosen pack that says so."""
    return {rule: name for name in system.core.policies.packs if name in packs() for rule in packs()[name].unwaivable}


def diagnostic_of(finding: Finding) -> Diagnostic:
    """A finding as a located diagnostic: an error where it stops an apply, else a warning or information."""
    resource, policy = finding.resource, finding.policy
    failed = finding.result.verdict is Verdict.FAIL
    severity = Severity.ERROR if finding.stops else Severity.WARNING if failed and not finding.waiver else Severity.INFO
    detail = finding.result.detail or f"does not meet: {policy.title}"
    waived = f" (waived: {finding.waiver})" if finding.waiver else ""
    setting = format_path(finding.path)
    here = "" if finding.path == resource.component or setting in policy.fix else f"; here: {setting}"
    shipped = finding.cause.shipped if finding.cause else None
    return Diagnostic(
        VIOLATION if failed else UNDECIDED,
        f"{policy.id}: {format_path(resource.component)} ({resource.name}) {detail}{waived}",
        f"{policy.fix}{here}",
        finding.location,
        finding.path,
        severity,
        ((f"where {setting} is set", shipped),) if shipped else (),
    )


def _waived(policy: Policy, resource: ResourceView, waivers: Sequence[Waiver]) -> str:
    for waiver in waivers:
        if covers(waiver, policy, resource.component):
            ticket = f" ({waiver.ticket})" if waiver.ticket else ""
            return f"{waiver.owner}: {waiver.reason}, until {waiver.expires}{ticket}"
    return ""


def covers(waiver: Waiver, policy: Policy, component: ConfigPath) -> bool:
    """Whether a waiver is about that rule and component: ``*`` matches within a part of the path, alone any path."""
    if waiver.rule != policy.id:
        return False
    if waiver.resource == "*":
        return True
    parts = waiver.resource.split(".")
    return len(parts) == len(component) and all(map(fnmatchcase, map(str, component), parts))


def _unknown_names(system: System, composition: Composition, project: Iterable[Policy]) -> list[Diagnostic]:
    section = system.core.policies
    known = {*policies(), *section.own, *(policy.id for policy in project)}
    problems = [
        _unknown(UNKNOWN_PACK, "policy pack", name, packs(), composition, "packs", index)
        for index, name in enumerate(section.packs)
        if name not in packs()
    ]
    problems += [
        _unknown(UNKNOWN_RULE, "policy", str(path[-1]), known, composition, *path)
        for path in _leveled(section)
        if path[-1] not in known
    ]
    problems += [
        _unknown(UNKNOWN_RULE, "policy", waiver.rule, known, composition, "waivers", index, "rule")
        for index, waiver in enumerate(section.waivers)
        if waiver.rule not in known
    ]
    problems += _unusable(section, composition)
    problems += [
        _without_remedy(path, composition)
        for path, level in _leveled(section).items()
        if level == "remediate" and path[-1] in known - policies().keys()
    ]
    problems += [_taken(name, composition) for name in section.own if name in policies()]
    problems += [
        _unknown_type(name, token, composition, index)
        for name, rule in section.own.items()
        for index, token in enumerate(rule.applies_to)
        if token != "*" and facts_of(token) is None
    ]
    return problems


def _leveled(section: PoliciesSection) -> dict[ConfigPath, str]:
    """What the section says of each policy's enforcement, by the path below the section; the policy comes last."""
    found: dict[ConfigPath, str] = {("enforcement", rule): level for rule, level in section.enforcement.items()}
    for environment, levels in section.enforcement_in.items():
        found |= {("enforcement_in", environment, rule): level for rule, level in levels.items()}
    return found


def _without_remedy(path: ConfigPath, composition: Composition) -> Diagnostic:
    message = f"the policy {path[-1]} is of this project, and such a policy puts nothing right"
    hint = "write `mandatory`; a policy of a package can have a remedy (entry point mlops_iac.policies)"
    full = ("policies", *path)
    return Diagnostic(NO_REMEDY, message, hint, composition.location_of(full, value=True), full)


def _unusable(section: PoliciesSection, composition: Composition) -> Iterator[Diagnostic]:
    """What the section chooses from other packages and cannot have."""
    asked: list[tuple[ConfigPath, Catalogue[str, Any], str]] = [
        *((("policies", "packs", index), packs(), name) for index, name in enumerate(section.packs)),
        *((("policies", *path), policies(), str(path[-1])) for path in _leveled(section)),
    ]
    for path, catalogue, name in asked:
        try:
            found = catalogue.get(name)
            for rule in found.rules if isinstance(found, Pack) else ():
                policies()[rule]
        except PluginError as error:
            yield replace(error.diagnostic, location=composition.location_of(path, value=True), path=path)


def _taken(name: str, composition: Composition) -> Diagnostic:
    path = ("policies", "own", name)
    hint = "give it another id, or change the rule's enforcement in policies.enforcement"
    return Diagnostic(TAKEN_ID, f"there is already a policy {name!r}", hint, composition.location_of(path), path)


def _unknown_type(name: str, token: str, composition: Composition, index: int) -> Diagnostic:
    path = ("policies", "own", name, "applies_to", index)
    problem = check_inputs(token, {})[0]
    where = composition.location_of(path, value=True)
    return Diagnostic(UNKNOWN_TYPE, f"policy {name}: {problem.message}", problem.hint, where, path)


def _unknown(
    code: str,
    what: str,
    name: str,
    known: Iterable[str],
    composition: Composition,
    *path: str | int,
) -> Diagnostic:
    close = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    full = ("policies", *path)
    return Diagnostic(
        code,
        f"there is no {what} {name!r}",
        f"{hint}`mlops-iac policy list` shows them all",
        composition.location_of(full, value=True),
        full,
    )
