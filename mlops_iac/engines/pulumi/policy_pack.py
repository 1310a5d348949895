"""The policies as a CrossGuard pack: the same checks, run by the real engine on any Pulumi program.

A rule that looks at one resource runs before that resource is created and stops it; one that looks at its neighbours
runs when the whole stack is known. Which is which is found by running the rule's own samples. What the configuration
tells our preview, the pack takes from its own configuration, else from tags, else from the name of the stack.

A rule that can put a violation right does so where its enforcement is ``remediate``. One that looks at neighbours is
judged too late for that, so its remedy is a policy of its own, ``<rule>-remedy``, which is off until it is asked for.

Two things a pack cannot see. The SDK hands secrets over as plain values, so the rules about plain text only advise
here. A stack is a part of a system, so the rules that look into other stacks only advise here too.

Source: https://www.pulumi.com/docs/insights/policy/policy-packs/authoring/
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pulumi_policy import (
    EnforcementLevel,
    PolicyComplianceFramework,
    PolicyConfigSchema,
    PolicyPack,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy import (
    Policy as PackPolicy,
)
from pulumi_policy import proxy as sdk_proxy
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError
from pulumi_policy.secret import Secret

from mlops_iac.engines.pulumi.run_pack import FIX
from mlops_iac.graph.evaluate import UNKNOWN, SecretValue
from mlops_iac.pipeline import NO_PROJECT_CODE_VARIABLE, request_at, run_phases
from mlops_iac.policies.foreign import system_of
from mlops_iac.policies.inputs import with_values
from mlops_iac.policies.own import own_rules
from mlops_iac.policies.policy import (
    Enforcement,
    Limits,
    Policy,
    ResourceView,
    Result,
    StackView,
    SystemView,
    Verdict,
    view,
)
from mlops_iac.policies.project import crash, load_project_rules
from mlops_iac.policies.registry import packs, policies
from mlops_iac.providers.facts import facts_of

NAME: Final = "mlops-iac"
BLIND: Final = frozenset({"gov-no-plaintext-secrets", "k8s-secrets-not-plain"})
"""Rules that have to tell a secret from plain text."""
REMEDY: Final = "-remedy"
UNKNOWN_SIGNS: Final = frozenset(value for name, value in vars(sdk_proxy).items() if name.startswith("UNKNOWN_"))
"""What the SDK puts in place of values that are not known yet."""
LEVELS: Final = {
    Enforcement.REMEDIATE: EnforcementLevel.REMEDIATE,
    Enforcement.MANDATORY: EnforcementLevel.MANDATORY,
    Enforcement.ADVISORY: EnforcementLevel.ADVISORY,
    Enforcement.OFF: EnforcementLevel.DISABLED,
}
SCHEMA: Final[Mapping[str, dict[str, Any]]] = {
    "environment": {"type": "string", "enum": ["dev", "staging", "prod"]},
    "riskClass": {"type": "string", "enum": ["minimal", "limited", "high"]},
    "owner": {"type": "string"},
    "purpose": {"type": "string"},
    "allowedRegions": {"type": "array", "items": {"type": "string"}},
    "allowedRegistries": {"type": "array", "items": {"type": "string"}},
    "allowedAccounts": {"type": "array", "items": {"type": "string"}},
    "allowedInstanceTypes": {"type": "array", "items": {"type": "string"}},
    "maxGpuNodes": {"type": "integer"},
    "maxEndpointInstances": {"type": "integer"},
    "maxTrainingHours": {"type": "integer"},
    "minLogDays": {"type": "integer"},
    "maxLogDays": {"type": "integer"},
    "requiredTags": {"type": "array", "items": {"type": "string"}},
    "today": {"type": "string"},
}
"""The configuration that every rule of the pack takes."""


def run_policy_pack(*chosen: str, system: Path | None = None) -> None:
    """Serve the policies of the chosen packs, or every policy, to the engine; returns when the engine is done.

    ``system`` is the folder of a system whose own rules are served too. Its Python files are run unless
    ``MLOPS_IAC_NO_PROJECT_CODE`` is set, which refuses to serve the pack. Raises ``DiagnosticsError`` for a system that
    is wrong.
    """
    served = pack_policies(chosen) + (project_policies(system) if system else [])
    PolicyPack(NAME, served, description="What an ML platform on AWS and Kubernetes keeps to.")


def pack_policies(chosen: Iterable[str] = ()) -> list[PackPolicy]:
    """Every policy of the chosen packs, or of the catalogue, as the SDK wants it."""
    wanted = {rule for name in chosen for rule in packs()[name].rules}
    rules = [policy for policy in policies().sound().values() if not wanted or policy.id in wanted]
    return [*map(_pack_policy, rules), *(_remedy_policy(policy) for policy in rules if _is_judged_late(policy))]


def project_policies(folder: Path) -> list[PackPolicy]:
    """The own rules of a system, declared ones and those of its Python files, with the enforcement it gives them.

    What a rule without samples looks at is not known, so it counts as one that looks at a single resource.
    """
    request = request_at(folder, project_code=not os.environ.get(NO_PROJECT_CODE_VARIABLE))
    run = run_phases(request, until="spec")
    if run.system is None or run.composition is None:
        raise ValueError("the spec phase made no system")
    section = run.system.core.policies
    project = load_project_rules(section.files, run.composition, allowed=request.project_code, taken=section.own)
    environment = run.system.core.env.name
    levels = section.levels(environment)
    asked = {policy: Enforcement(levels.get(policy.id, policy.enforcement)) for policy in project.policies}
    rules = own_rules(section, environment) | asked
    return [_pack_policy(replace(policy, enforcement=level)) for policy, level in rules.items()]


def needs_neighbours(policy: Policy) -> bool:
    """Whether the rule looks at more than one resource, as its samples show."""
    for sample in policy.samples:
        watched = _Watched(sample.resources, sample.system)
        # A rule that crashes does so again where it judges, and is told of there.
        with contextlib.suppress(Exception, SystemExit):
            policy.check(sample.resources[0], watched)
        if watched.asked:
            return True
    return False


class _Watched(StackView):
    """Notes whether anybody looked at the other resources."""

    asked = False

    def of_type(self, *types: str) -> Any:
        object.__setattr__(self, "asked", True)
        return super().of_type(*types)

    def pointing_at(self, resource: ResourceView, type: str, *inputs: str) -> Any:
        object.__setattr__(self, "asked", True)
        return super().pointing_at(resource, type, *inputs)


def _is_judged_late(policy: Policy) -> bool:
    return policy.remediate is not None and needs_neighbours(policy)


def _pack_policy(policy: Policy) -> PackPolicy:
    advisory = policy.spans or policy.id in BLIND
    level = EnforcementLevel.ADVISORY if advisory else LEVELS[policy.enforcement]
    described = _described(policy, policy.id, level)
    if needs_neighbours(policy):
        return StackValidationPolicy(validate=_on_stack(policy), **described)
    remedy = _remedy(policy) if policy.remediate is not None else None
    return ResourceValidationPolicy(validate=_on_resource(policy), remediate=remedy, **described)


def _remedy_policy(policy: Policy) -> PackPolicy:
    described = _described(policy, f"{policy.id}{REMEDY}", EnforcementLevel.DISABLED)
    return ResourceValidationPolicy(remediate=_remedy(policy), **described)


def _described(policy: Policy, name: str, level: EnforcementLevel) -> dict[str, Any]:
    """The rule's metadata as arguments of the SDK's policies."""
    controls = [f"{framework}:{control}" for framework, ids in policy.controls.items() for control in ids]
    return {
        "name": name,
        "description": f"{policy.title}. {policy.why}",
        "enforcement_level": level,
        "config_schema": PolicyConfigSchema(dict(SCHEMA)),
        "display_name": policy.title,
        "severity": Severity(policy.severity.value),
        "framework": _framework(policy),
        "tags": sorted(controls),
        "remediation_steps": policy.fix,
        "url": policy.source_url or None,
    }


def _framework(policy: Policy) -> PolicyComplianceFramework | None:
    for framework, ids in policy.controls.items():
        return PolicyComplianceFramework(name=framework, reference=", ".join(ids))
    return None


def _on_resource(policy: Policy) -> Callable[[ResourceValidationArgs, ReportViolation], None]:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        judged = argument_view(args)
        result = checked(policy, judged, StackView((judged,), _system([judged], args.get_config()), whole=False))
        if result.verdict is Verdict.NOT_APPLICABLE:
            args.not_applicable(f"{policy.id} does not apply to {args.resource_type}")
        if result.verdict is Verdict.UNKNOWN:
            raise UnknownValueError(UNKNOWN_STRING_VALUE, [result.path])
        if result.verdict is Verdict.FAIL:
            report(message_of(policy, judged, result), None)

    return validate


def _on_stack(policy: Policy) -> Callable[[StackValidationArgs, ReportViolation], None]:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        views = tuple(registered_view(resource) for resource in args.resources)
        stack = StackView(views, _system(views, args.get_config()), whole=False)
        judged = [(resource, checked(policy, resource, stack)) for resource in views]
        for resource, result in judged:
            if result.verdict is Verdict.FAIL:
                report(message_of(policy, resource, result), resource.urn)
        verdicts = {result.verdict for _, result in judged}
        if Verdict.UNKNOWN in verdicts and Verdict.FAIL not in verdicts:
            raise UnknownValueError(UNKNOWN_STRING_VALUE, [next(r.path for _, r in judged if r.path)])
        if verdicts <= {Verdict.NOT_APPLICABLE}:
            args.not_applicable(f"{policy.id} applies to nothing in this stack")

    return validate


def checked(policy: Policy, resource: ResourceView, stack: StackView) -> Result:
    """The verdict; a rule that crashes raises what says which one it was, and the engine then stops."""
    try:
        return policy.check(resource, stack)
    except (Exception, SystemExit) as error:
        raise RuntimeError(crash(policy, resource, error).message) from error


def _remedy(policy: Policy) -> Callable[[ResourceValidationArgs], Any]:
    def remediate(args: ResourceValidationArgs) -> Mapping[str, Any] | None:
        raw = _unwrapped(args.props)
        judged = view(args.urn, args.resource_type, args.name, _evaluated(raw), protect=args.opts.protect)
        remedy = policy.remedy(judged, StackView((judged,), _system([judged], args.get_config()), whole=False))
        return with_values(raw, {path: after for path, (_, after) in remedy.items()}) if remedy else None

    return remediate


def _unwrapped(value: Any) -> Any:
    """The data below the SDK's proxies: secrets stay marked, and what is not known stays the SDK's sign for it."""
    if isinstance(value, Mapping):
        data = value if isinstance(value, dict) else value["__target"]
        if not isinstance(data, dict):
            return _unwrapped(data)
        return {key: _unwrapped(item) for key, item in data.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        items: Any = value if isinstance(value, list) else value["__target"]  # type: ignore[call-overload]
        return [_unwrapped(item) for item in items]
    return value


def _evaluated(value: Any) -> Any:
    """Unwrapped data as our checks read it."""
    if isinstance(value, Secret):
        return SecretValue(_evaluated(value.value))
    if isinstance(value, dict):
        return {key: _evaluated(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_evaluated(item) for item in value]
    if isinstance(value, str) and value in UNKNOWN_SIGNS:
        return UNKNOWN
    return int(value) if isinstance(value, float) and value.is_integer() else value


def message_of(policy: Policy, resource: ResourceView, result: Result) -> str:
    """What is wrong with a resource, and what to do."""
    place = f" ({result.path})" if result.path else ""
    return f"{resource.name} {result.detail or f'does not meet: {policy.title}'}{place}{FIX}{policy.fix}"


def argument_view(args: ResourceValidationArgs) -> ResourceView:
    """A single resource as policies see it, before it is made."""
    return _view(args.urn, args.resource_type, args.name, args.props, args.opts.protect, {})


def registered_view(resource: PolicyResource) -> ResourceView:
    """A resource of the whole stack as policies see it."""
    sources = {
        name: frozenset(target.urn for target in targets)
        for name, targets in resource.property_dependencies.items()
        if targets
    }
    return _view(resource.urn, resource.resource_type, resource.name, resource.props, resource.opts.protect, sources)


def _view(
    urn: str,
    type: str,
    name: str,
    props: Mapping[str, Any],
    protect: bool,
    sources: Mapping[str, frozenset[str]],
) -> ResourceView:
    data = plain_data(props)
    facts = facts_of(type) if ":" in type else None
    for secret in facts.secrets if facts else ():
        if isinstance(data.get(secret), str):
            data[secret] = SecretValue(data[secret])
    named = [data.get(key) for key in ("id", "arn")]
    texts = [text for text in named if isinstance(text, str)]
    return view(urn, type, name, data, sources=sources, protect=protect, identifiers=texts)


def plain_data(value: Any) -> Any:
    """Data without the SDK's proxies, which raise where a value is not known yet."""
    if isinstance(value, Mapping):
        return {key: _known(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_known(value, index) for index in range(len(value))]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _known(container: Any, key: Any) -> Any:
    try:
        return plain_data(container[key])
    except UnknownValueError:
        return UNKNOWN


def _system(resources: Sequence[ResourceView], config: Mapping[str, Any]) -> SystemView:
    stack = resources[0].urn.partition("::")[0].rpartition(":")[2] if resources else ""
    given = {
        "environment": config.get("environment"),
        "risk_class": config.get("riskClass"),
        "owner": config.get("owner"),
        "purpose": config.get("purpose"),
        "limits": _limits(config),
    }
    today = config.get("today") or datetime.now(UTC).date().isoformat()
    return system_of(resources, stack, given, today=today)


def _limits(config: Mapping[str, Any]) -> Limits:
    default = Limits()
    return Limits(
        regions=tuple(config.get("allowedRegions") or ()),
        registries=tuple(config.get("allowedRegistries") or ()),
        accounts=tuple(config.get("allowedAccounts") or ()),
        instance_types=tuple(config.get("allowedInstanceTypes") or ()),
        gpu_nodes=int(config.get("maxGpuNodes", default.gpu_nodes)),
        endpoint_instances=int(config.get("maxEndpointInstances", default.endpoint_instances)),
        training_hours=int(config.get("maxTrainingHours", default.training_hours)),
        log_days=int(config.get("minLogDays", default.log_days)),
        most_log_days=int(config["maxLogDays"]) if "maxLogDays" in config else None,
        tags=tuple(config.get("requiredTags", default.tags)),
    )
