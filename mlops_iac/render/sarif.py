"""Renders findings and drifts as SARIF 2.1.0, which code hosts show at the line of a change.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeGuard
from urllib.parse import quote

import mlops_iac
from mlops_iac.diagnostics import Diagnostic, Location, Severity, format_path
from mlops_iac.plan.drift import Danger, DriftFinding
from mlops_iac.policies.policy import Enforcement, Finding, Policy, Verdict
from mlops_iac.render.drift import drift_reasons

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
SCORES: Final = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0"}
"""What GitHub calls ``security-severity``: a score from which it derives the words that it shows."""

_LEVELS: Final[Mapping[Danger, str]] = {Danger.DANGEROUS: "error", Danger.UNCLEAR: "warning", Danger.HARMLESS: "none"}


def findings_sarif(
    findings: Iterable[Finding],
    rules: Mapping[Policy, Enforcement],
    folder: str = "",
    diagnostics: Iterable[Diagnostic] = (),
    category: str = "",
) -> dict[str, Any]:
    """A SARIF log with one run: the rules that judged, what they found, and what else the configuration is told of.

    ``folder`` is where the system's files are, seen from the root of the repository. ``diagnostics`` are warnings and
    what gates refuse; their codes are rules too. ``category``, with a slash at its end, tells the log from those of the
    same tool that it does not replace: of other environments.
    """
    listed = sorted(rules, key=lambda policy: policy.id)
    told = list(diagnostics)
    codes = sorted({item.code for item in told})
    order = {id: index for index, id in enumerate([*(policy.id for policy in listed), *codes])}
    results = [
        *(_result(finding, order[finding.policy.id], folder) for finding in findings),
        *(_told(item, order[item.code], folder) for item in told),
    ]
    return _log([*(_rule(policy, rules[policy]) for policy in listed), *map(_code_rule, codes)], results, category)


def drift_sarif(
    findings: Iterable[DriftFinding],
    titles: Mapping[str, str],
    folder: str = "",
    failures: Iterable[Diagnostic] = (),
    category: str = "",
) -> dict[str, Any]:
    """A SARIF log of what drifted, each resource at the line that declares it, by the rule that judges it worst.

    ``titles`` say what each drift rule is about, by its id; ``failures`` are what could not be read. The rest is as in
    ``findings_sarif``.
    """
    drifted, told = list(findings), list(failures)
    ids = sorted({_drift_rule(finding) for finding in drifted})
    codes = sorted({item.code for item in told})
    order = {id: index for index, id in enumerate([*ids, *codes])}
    rules = [{"id": id, "shortDescription": {"text": titles.get(id, id.replace("-", " "))}} for id in ids]
    results = [
        *(_drifted(finding, order[_drift_rule(finding)], folder) for finding in drifted),
        *(_told(item, order[item.code], folder) for item in told),
    ]
    return _log([*rules, *map(_code_rule, codes)], results, category)


def _log(rules: list[dict[str, Any]], results: list[dict[str, Any]], category: str) -> dict[str, Any]:
    driver = {
        "name": "mlops-iac",
        "version": mlops_iac.__version__,
        "semanticVersion": mlops_iac.__version__,
        "rules": rules,
    }
    run = {
        "tool": {"driver": driver},
        **({"automationDetails": {"id": category}} if category else {}),
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _code_rule(code: str) -> dict[str, Any]:
    return {"id": code, "shortDescription": {"text": f"Diagnostic {code}"}}


def _drift_rule(finding: DriftFinding) -> str:
    return finding.reasons[0].rule if finding.reasons else "drift"


def _drifted(finding: DriftFinding, index: int, folder: str) -> dict[str, Any]:
    observed, why = finding.observed, "; ".join(drift_reasons(finding))
    paths = "\n".join(change.path for change in observed.diff)
    identity = hashlib.sha256(f"{_drift_rule(finding)}\n{observed.urn}\n{paths}".encode()).hexdigest()
    place: dict[str, Any] = {
        "logicalLocations": [{"name": observed.name, "fullyQualifiedName": observed.urn, "kind": "resource"}]
    }
    if _in_a_file(finding.location):
        place["physicalLocation"] = _physical(finding.location, folder)
    return {
        "ruleId": _drift_rule(finding),
        "ruleIndex": index,
        "kind": "informational" if finding.danger is Danger.HARMLESS else "fail",
        "level": _LEVELS[finding.danger],
        "message": {"text": f"{observed.name}: {why}. To do: {finding.advice}"},
        "locations": [place],
        "partialFingerprints": {"ruleResourceAndPaths/v1": identity},
    }


def _rule(policy: Policy, enforcement: Enforcement) -> dict[str, Any]:
    return {
        "id": policy.id,
        "shortDescription": {"text": policy.title},
        "fullDescription": {"text": policy.why or policy.title},
        "help": {"text": policy.fix},
        **({"helpUri": policy.source_url} if policy.source_url else {}),
        "defaultConfiguration": {"level": "error" if enforcement.stops else "warning"},
        "properties": {
            "tags": sorted(f"{framework}:{control}" for framework, ids in policy.controls.items() for control in ids),
            "security-severity": SCORES[policy.severity.value],
        },
    }


def _result(finding: Finding, index: int, folder: str) -> dict[str, Any]:
    policy, resource, failed = finding.policy, finding.resource, finding.result.verdict is Verdict.FAIL
    place = format_path(resource.component)
    level = "error" if finding.enforcement.stops else "warning"
    identity = hashlib.sha256(f"{policy.id}\n{resource.urn}\n{finding.result.path}".encode()).hexdigest()
    result: dict[str, Any] = {
        "ruleId": policy.id,
        "ruleIndex": index,
        "kind": "fail" if failed else "open",
        "level": level if failed else "none",
        "message": {"text": f"{place} ({resource.name}) {finding.result.detail}. To fix: {policy.fix}"},
        "locations": [_location(finding, folder)],
        "partialFingerprints": {"ruleAndResource/v1": identity},
    }
    if finding.waiver:
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": finding.waiver}]
    return result


def _told(item: Diagnostic, index: int, folder: str) -> dict[str, Any]:
    place = format_path(item.path)
    identity = hashlib.sha256(f"{item.code}\n{place}\n{item.message}".encode()).hexdigest()
    located: dict[str, Any] = {}
    if place:
        located["logicalLocations"] = [{"name": place, "fullyQualifiedName": place, "kind": "member"}]
    if _in_a_file(item.location):
        located["physicalLocation"] = _physical(item.location, folder)
    return {
        "ruleId": item.code,
        "ruleIndex": index,
        "kind": "informational" if item.severity is Severity.INFO else "fail",
        "level": {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "none"}[item.severity],
        "message": {"text": f"{item.message}. To fix: {item.hint}" if item.hint else item.message},
        "locations": [located] if located else [],
        "partialFingerprints": {"codeAndPlace/v1": identity},
    }


def _physical(place: Location, folder: str) -> dict[str, Any]:
    return {
        "artifactLocation": {"uri": quote(posixpath.normpath(posixpath.join(folder, place.file)))},
        "region": {"startLine": place.line, "startColumn": place.column},
    }


def _location(finding: Finding, folder: str) -> dict[str, Any]:
    resource = finding.resource
    location: dict[str, Any] = {
        "logicalLocations": [
            {"name": resource.name, "fullyQualifiedName": resource.urn, "kind": "resource"},
        ]
    }
    place = next(filter(_in_a_file, (finding.location, resource.location)), None)
    if place is not None:
        location["physicalLocation"] = _physical(place, folder)
    return location


def _in_a_file(location: Location | None) -> TypeGuard[Location]:
    """Whether a place is in one of the user's files, not in ours and not on the command line."""
    return location is not None and location.text is None and not location.file.startswith("pkg:")
