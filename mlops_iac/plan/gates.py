"""Gates: changes that the configuration refuses, component by component or for a whole environment; spending too.

A gate is judged on the plan and its impacts, before anything is changed. A dated approval lifts it. What Pulumi itself
protects in the state is refused too, because the apply would stop there half-way; no approval changes the state, so the
protection has to be taken away in an apply of its own.
Source: https://www.pulumi.com/docs/iac/concepts/options/protect/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from mlops_iac.compose.composition import Composition
from mlops_iac.cost.compare import MonthlyCost
from mlops_iac.cost.model import Estimate
from mlops_iac.diagnostics import ConfigPath, Diagnostic, Location, Severity, format_path
from mlops_iac.plan.impact import Impact, ImpactKind, ImpactSeverity, Scene, Touched, listed
from mlops_iac.plan.impacts.data_loss import STORES
from mlops_iac.plan.model import Op
from mlops_iac.spec.gates import EnvironmentGate, GateApproval, Protection
from mlops_iac.spec.system import Instance, System

VIOLATION: Final = "MI6001"
"""The plan does what a gate refuses."""
PROTECTED: Final = "MI6002"
"""The plan deletes or replaces what is protected in the state."""
EXPIRED_APPROVAL: Final = "MI6003"
"""An approval's last day has passed; it lifts nothing any more."""
UNUSED_APPROVAL: Final = "MI6004"
"""An approval lifts nothing of this plan."""

WITHIN_BUDGET: Final = "within_budget"
SPEND_LIMIT: Final = "spend_limit"
STATE: Final = "protected"
"""Name of the gate that the state itself sets."""

LASTING: Final = STORES | {
    "aws:ec2/vpc:Vpc",
    "aws:eks/cluster:Cluster",
    "aws:eks/nodeGroup:NodeGroup",
    "aws:kms/key:Key",
    "aws:sagemaker/endpoint:Endpoint",
    "aws:sagemaker/monitoringSchedule:MonitoringSchedule",
    "aws:sagemaker/pipeline:Pipeline",
    "aws:sfn/stateMachine:StateMachine",
    "aws:sns/topic:Topic",
    "kubernetes:apps/v1:Deployment",
    "kubernetes:serving.kserve.io/v1beta1:InferenceService",
}
"""What a component is there for: types that hold data, or that others know by name."""
RENEWED: Final = frozenset(
    {
        "aws-native:sagemaker:ModelBiasJobDefinition",
        "aws-native:sagemaker:ModelQualityJobDefinition",
        "aws:s3/bucketObjectv2:BucketObjectv2",
        "aws:sagemaker/dataQualityJobDefinition:DataQualityJobDefinition",
        "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
        "aws:sagemaker/model:Model",
    }
)
"""Types that no service updates: named by their content, made anew with every change, and no gate's matter."""

_SEVERE: Final = (ImpactSeverity.CRITICAL, ImpactSeverity.HIGH)


@dataclass(frozen=True, slots=True)
class GateFinding:
    """What a gate refuses, at the place that sets it; ``approval`` lifts it."""

    gate: str
    component: ConfigPath
    resources: tuple[str, ...]
    message: str
    location: Location | None
    approval: GateApproval | None = None

    @property
    def stops(self) -> bool:
        """Whether nothing may be applied because of it."""
        return self.approval is None


def judge_gates(
    scene: Scene, impacts: Iterable[Impact], cost: MonthlyCost, composition: Composition, today: str
) -> tuple[GateFinding, ...]:
    """Everything that a gate refuses, what stops first; ``today`` is an ISO date, and decides on approvals."""
    system, known = scene.system, tuple(impacts)
    protected = list(_protected(scene, composition))
    kept = {(each.component, name) for each in protected for name in each.resources}
    found = [
        *protected,
        *(
            finding
            for instance in system.instances
            for protection in instance.protections
            for finding in _of_component(instance, protection, scene, known, composition)
            if not all((finding.component, name) in kept for name in finding.resources)
        ),
        *(finding for gate in sorted(set(system.core.env.gates)) for finding in _of_environment(gate, known)),
        *_over_budget(system, cost.estimate, composition),
        *_over_limits(system, cost, composition),
    ]
    lifted = (_lifted(finding, system.core.approvals, today) for finding in found)
    return tuple(
        sorted(
            dict.fromkeys(lifted),
            key=lambda each: (not each.stops, format_path(each.component), each.gate, each.message),
        )
    )


def gate_diagnostic(finding: GateFinding, system: System, composition: Composition, today: str) -> Diagnostic:
    """A finding as a located diagnostic: an error where it stops an apply, information where it was lifted."""
    where = format_path(finding.component)
    if finding.gate == STATE:
        hint = (
            "take the protection away first, in an apply of its own: `protect: null` on the component, or "
            "`env.protect_data: false`; then make this change"
        )
        return Diagnostic(
            PROTECTED, f"{where}: {finding.message}", hint, finding.location, finding.component, Severity.ERROR
        )
    if finding.approval is not None:
        approval = finding.approval
        told = f"approved by {approval.person} until {approval.expires}: {approval.reason}"
        return Diagnostic(
            VIOLATION,
            f"{where}: {finding.gate} is lifted, {told}; {finding.message}",
            "",
            finding.location,
            finding.component,
            Severity.INFO,
        )
    late = [each for each in system.core.approvals if _covers(each, finding) and _expired(each, today)]
    hint = (
        f"the approval of {late[0].person} expired on {late[0].expires}; ask for a new one"
        if late
        else f"change the plan, or add to `approvals`: {{resource: {where}, gate: {finding.gate}, person: ..., "
        "reason: ..., expires: ...}"
    )
    return Diagnostic(
        VIOLATION,
        f"{where}: {finding.gate} refuses this change: {finding.message}",
        hint,
        finding.location,
        finding.component,
        related=_setter(finding, composition),
    )


def approval_diagnostics(
    findings: Iterable[GateFinding], system: System, composition: Composition, today: str
) -> Iterator[Diagnostic]:
    """Approvals that are expired, or lift nothing of this plan."""
    used = [finding.approval for finding in findings if finding.approval is not None]
    for index, approval in enumerate(system.core.approvals):
        path = ("approvals", index)
        location = composition.location_of(path, value=True)
        what = f"the approval of {approval.gate} for {approval.resource}"
        if _expired(approval, today):
            yield Diagnostic(
                EXPIRED_APPROVAL,
                f"{what} expired on {approval.expires}",
                f"remove it, or ask {approval.person} for a new date",
                location,
                path,
                Severity.WARNING,
            )
        elif approval not in used:
            yield Diagnostic(
                UNUSED_APPROVAL,
                f"{what} lifts nothing of this plan",
                "remove it once its change is applied; left behind, it would let a later mistake through",
                location,
                path,
                Severity.WARNING,
            )


def _protected(scene: Scene, composition: Composition) -> Iterator[GateFinding]:
    components = {each.change.urn: each.component for each in scene.everything}
    for stack in scene.plan.stacks:
        for change in stack.changes:
            if change.protect and change.op in (Op.DELETE, Op.REPLACE):
                component = components.get(change.urn, change.component)
                verb = "deleted" if change.op is Op.DELETE else "replaced"
                yield GateFinding(
                    STATE,
                    component,
                    (change.name,),
                    f"{change.name} is protected in the state, and would be {verb}",
                    composition.location_of(component),
                )


def _of_component(
    instance: Instance, protection: Protection, scene: Scene, impacts: tuple[Impact, ...], composition: Composition
) -> Iterator[GateFinding]:
    touched = list(scene.of_component(instance.path))
    location = composition.location_of((*instance.path, "protect"), value=True)

    def finding(message: str, resources: tuple[str, ...]) -> GateFinding:
        return GateFinding(protection, instance.path, resources, message, location)

    if protection == "no_downtime":
        for impact in impacts:
            if impact.kind is ImpactKind.DOWNTIME and impact.component == instance.path:
                yield finding(impact.message, impact.resources)
        return
    exists = scene.existed(instance.path) or any(each.op is not Op.CREATE for each in touched)
    found = [each for each in touched if (exists if protection == "frozen" else _harms(each, protection))]
    if found:
        yield finding(_told(found), tuple(each.name for each in found))


def _harms(touched: Touched, protection: Protection) -> bool:
    """Whether a change deletes or replaces what a component is there for, or replaces anything that lasts."""
    if touched.goes and touched.change.type in LASTING:
        return True
    return protection == "no_replace" and touched.op is Op.REPLACE and touched.change.type not in RENEWED


def _told(found: list[Touched]) -> str:
    return listed((f"{each.name} {each.how}" for each in found), 3)


def _of_environment(gate: EnvironmentGate, impacts: tuple[Impact, ...]) -> Iterator[GateFinding]:
    for impact in impacts:
        severe = impact.severity in _SEVERE
        refused = {
            "no_data_loss": severe and impact.kind in (ImpactKind.DATA_LOSS, ImpactKind.KEY_DELETION),
            "no_downtime": impact.kind is ImpactKind.DOWNTIME,
            "no_public_exposure": impact.kind is ImpactKind.PUBLIC_EXPOSURE,
        }.get(gate, False)
        if refused:
            yield GateFinding(gate, impact.component, impact.resources, impact.message, impact.location)


def _over_budget(system: System, estimate: Estimate, composition: Composition) -> Iterator[GateFinding]:
    budget = system.find("budget", "budget")
    if budget is None or WITHIN_BUDGET not in system.core.env.gates or estimate.floor <= budget.spec.monthly_usd:
        return
    yield GateFinding(
        WITHIN_BUDGET,
        budget.path,
        tuple(line.name for line in estimate.largest()),
        f"the system costs at least ${estimate.floor:,.0f} a month{_parts(estimate)}, and its budget is "
        f"${budget.spec.monthly_usd:,.0f}",
        composition.location_of((*budget.path, "monthly_usd"), value=True),
    )


def _over_limits(system: System, cost: MonthlyCost, composition: Composition) -> Iterator[GateFinding]:
    spend, estimate, difference = system.core.env.spend, cost.estimate, cost.difference
    judged = [
        ("floor_usd", spend.floor_usd, estimate.floor, "the system costs at least {} a month"),
        ("ceiling_usd", spend.ceiling_usd, estimate.ceiling, "the system may cost up to {} a month"),
    ]
    if difference is not None:
        judged += [
            ("floor_increase_usd", spend.floor_increase_usd, difference.floor, "it adds at least {} a month"),
            (
                "ceiling_increase_usd",
                spend.ceiling_increase_usd,
                difference.ceiling,
                "it may add up to {} a month",
            ),
        ]
    for key, limit, usd, told in judged:
        if limit is None or usd <= limit:
            continue
        increase = difference is not None and key.endswith("_increase_usd")
        names = [change.line.name for change in difference.changes[:3]] if difference is not None and increase else []
        parts = f" (largest: {listed(names)})" if names else _parts(estimate)
        yield GateFinding(
            SPEND_LIMIT,
            ("env", "spend"),
            tuple(names or (line.name for line in estimate.largest())),
            f"{told.format(f'${usd:,.0f}')}{parts}, and `env.spend.{key}` is ${limit:,.0f}",
            composition.location_of(("env", "spend", key), value=True),
        )


def _parts(estimate: Estimate) -> str:
    """The largest parts of an estimate, and that something in it could not be priced."""
    gaps = f"; {len(estimate.unknown)} unknown prices not counted" if estimate.unknown else ""
    return f" (largest: {listed(line.name for line in estimate.largest())}{gaps})"


def _lifted(finding: GateFinding, approvals: Iterable[GateApproval], today: str) -> GateFinding:
    for approval in approvals:
        if finding.gate != STATE and _covers(approval, finding) and not _expired(approval, today):
            return GateFinding(
                finding.gate, finding.component, finding.resources, finding.message, finding.location, approval
            )
    return finding


def _covers(approval: GateApproval, finding: GateFinding) -> bool:
    return approval.gate == finding.gate and fnmatchcase(format_path(finding.component), approval.resource)


def _expired(approval: GateApproval, today: str) -> bool:
    return approval.expires < today


def _setter(finding: GateFinding, composition: Composition) -> tuple[tuple[str, Location], ...]:
    """Where an environment's gate is set."""
    path = ("env", "gates")
    listed_gates = composition.data.get("env", {}).get("gates", [])
    place = composition.location_of(path, value=True) if finding.gate in listed_gates else None
    return (("the environment's gates are set at", place),) if place is not None else ()
