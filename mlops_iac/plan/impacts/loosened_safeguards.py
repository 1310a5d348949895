"""Safeguards that a change takes away: policies that stop less, new waivers, protections and gates that end.

No resource need change for it, so that nothing else of a preview would tell. Known only where the configuration that is
compared with is, as with a git ref; a state says nothing of the rules it was made under.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlops_iac.diagnostics import ConfigPath, format_path
from mlops_iac.plan.impact import Impact, ImpactKind, ImpactRule, ImpactSeverity, Scene, listed
from mlops_iac.policies.checker import rules_of
from mlops_iac.policies.policy import Enforcement, Policy, PolicySeverity
from mlops_iac.policies.registry import packs
from mlops_iac.spec.system import System

_SOURCE = "https://www.pulumi.com/docs/insights/policy/"
_SEVERE = (PolicySeverity.CRITICAL, PolicySeverity.HIGH)
_APPROVALS = ("none", "one_person", "two_person")


def _find(scene: Scene) -> Iterator[Impact]:
    before, after = scene.before, scene.system
    if before is None:
        return
    yield from _policies(before, after)
    yield from _waivers(before, after)
    yield from _protections(before, after)
    yield from _environment(before, after)


def _policies(before: System, after: System) -> Iterator[Impact]:
    """Mandatory policies that stop nothing any more, by the setting that is why."""
    now = {policy.id: enforcement for policy, enforcement in rules_of(after).items()}
    loosened = {
        policy: now.get(policy.id, Enforcement.OFF)
        for policy, enforcement in rules_of(before).items()
        if enforcement is Enforcement.MANDATORY and now.get(policy.id) is not Enforcement.MANDATORY
    }
    causes: dict[ConfigPath, dict[Policy, Enforcement]] = {}
    for policy, enforcement in loosened.items():
        causes.setdefault(_cause(policy, before, after), {})[policy] = enforcement
    for path, found in causes.items():
        severe = any(policy.severity in _SEVERE for policy in found)
        yield _impact(ImpactSeverity.HIGH if severe else ImpactSeverity.MEDIUM, path, _told(found))


def _cause(policy: Policy, before: System, after: System) -> ConfigPath:
    if policy.id in after.core.policies.enforcement_in.get(after.core.env.name, {}):
        return ("policies", "enforcement_in", after.core.env.name, policy.id)
    if policy.id in after.core.policies.enforcement:
        return ("policies", "enforcement", policy.id)
    if policy.id in before.core.policies.own:
        return ("policies", "own")
    dropped = set(before.core.policies.packs) - set(after.core.policies.packs)
    if any(policy.id in packs()[name].rules for name in dropped):
        return ("policies", "packs")
    return ("env",)


def _told(found: Mapping[Policy, Enforcement]) -> str:
    if len(found) == 1:
        ((policy, enforcement),) = found.items()
        now = "only advises" if enforcement is Enforcement.ADVISORY else "is off"
        return f"policy {policy.id} ({policy.title}) no longer stops an apply: it {now}"
    return f"{len(found)} policies no longer stop an apply: {listed(policy.id for policy in found)}"


def _waivers(before: System, after: System) -> Iterator[Impact]:
    held = {(waiver.rule, waiver.resource): waiver.expires for waiver in before.core.policies.waivers}
    for index, waiver in enumerate(after.core.policies.waivers):
        until = held.get((waiver.rule, waiver.resource))
        if until is None or until < waiver.expires:
            verb = "is waived" if until is None else "stays waived"
            message = f"policy {waiver.rule} {verb} for {waiver.resource} until {waiver.expires}: {waiver.reason}"
            yield _impact(ImpactSeverity.MEDIUM, ("policies", "waivers", index), message)


def _protections(before: System, after: System) -> Iterator[Impact]:
    for instance in before.instances:
        kept = after.find(instance.kind, instance.name)
        ended = [each for each in instance.protections if kept is not None and each not in kept.protections]
        if ended:
            message = f"{format_path(instance.path)} is no longer protected: {listed(ended)} ends"
            yield _impact(ImpactSeverity.MEDIUM, (*instance.path, "protect"), message)


def _environment(before: System, after: System) -> Iterator[Impact]:
    was, now = before.core.env, after.core.env
    ended = [gate for gate in was.gates if gate not in now.gates]
    if ended:
        message = f"gates of {now.name} end: {listed(ended)}"
        yield _impact(ImpactSeverity.HIGH, ("env", "gates"), message)
    if _APPROVALS.index(now.approval) < _APPROVALS.index(was.approval):
        message = f"deployments to {now.name} need less approval: {was.approval} before, now {now.approval}"
        yield _impact(ImpactSeverity.HIGH, ("env", "approval"), message)
    for name in was.spend.__struct_fields__:
        limit, higher = getattr(was.spend, name), getattr(now.spend, name)
        if limit is not None and (higher is None or higher > limit):
            then = "ends" if higher is None else f"rises to ${higher:,.0f}"
            yield _impact(ImpactSeverity.MEDIUM, ("env", "spend", name), f"spend limit {name} of ${limit:,.0f} {then}")


def _impact(severity: ImpactSeverity, path: ConfigPath, message: str) -> Impact:
    return Impact(
        ImpactKind.SAFEGUARD_LOOSENED,
        severity,
        path,
        (),
        message,
        "let those who answer for it agree to that, in a change of its own",
        _SOURCE,
    )


RULE = ImpactRule("loosened-safeguards", "A policy, protection or gate that stops less than before.", _find)
