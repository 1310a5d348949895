"""Drifts of the fraud-detection example: what somebody changed by hand, as an engine would have found it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops_iac.graph.evaluate import evaluate
from mlops_iac.pipeline import Run, request_at, run_phases
from mlops_iac.plan.compare import as_changes, differences, differences_to_read
from mlops_iac.plan.drift import DriftFinding, Observed, judge_drift
from mlops_iac.state.checkpoint import parse_urn
from tests.plan.edits import EXAMPLE

Change = Mapping[str, Any] | None
"""Inputs that somebody set, or None where the resource was deleted."""

BY_HAND: Mapping[tuple[str, str], Change] = {
    ("raw.public-access", "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"): dict.fromkeys(
        ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), False
    ),
    ("features.versioning", "aws:s3/bucketVersioning:BucketVersioning"): {
        "versioningConfiguration": {"status": "Suspended"}
    },
    ("fraud-api.errors-alarm", "aws:cloudwatch/metricAlarm:MetricAlarm"): {"comparisonOperator": "LessThanThreshold"},
    ("models.access-log", "aws:s3/bucketLogging:BucketLogging"): None,
    ("raw.bucket", "aws:s3/bucket:Bucket"): {"tags": {"backup": "nightly"}},
}
"""One drift of every kind: opened, unguarded, to be looked at, gone, and a tag."""


def observed(urn: str, known: Mapping[str, Any], actual: Mapping[str, Any] | None) -> Observed:
    """A resource that the state knows otherwise."""
    parsed = parse_urn(urn)
    diff, shown = (
        as_changes(compare(known, actual) if actual is not None else ())
        for compare in (differences, differences_to_read)
    )
    return Observed(urn, parsed.type, parsed.name, actual is None, known, actual or {}, diff, shown)


def compiled_example() -> Run:
    """The example in production, compiled."""
    return run_phases(request_at(EXAMPLE, ("env=prod",)), until="compile")


def observe(run: Run, changes: Mapping[tuple[str, str], Change]) -> dict[str, list[Observed]]:
    """The resources of a compiled run, by project, that ``changes`` names by name and type; every one must be there."""
    assert run.graph is not None
    left, found = dict(changes), {}
    for stack in run.graph.stacks:
        index = {node.key: node for node in stack.nodes}
        found[stack.project] = [
            observed(stack.urn(node, index), known, None if change is None else _changed(known, change))
            for node in stack.nodes
            if (node.name, node.type) in left
            for change in (left.pop((node.name, node.type)),)
            for known in ({key: evaluate(value, lambda ref: "known") for key, value in node.inputs.items()},)
        ]
    assert not left, f"the example has none of {list(left)}"
    return found


def judge(run: Run, changes: Mapping[tuple[str, str], Change]) -> tuple[DriftFinding, ...]:
    """The verdicts on what ``changes`` did to the resources of a compiled run."""
    assert run.graph is not None
    assert run.system is not None
    assert run.composition is not None
    return judge_drift(observe(run, changes), run.graph, run.system, run.composition)


def _changed(known: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    tags = {"tags": {**known.get("tags", {}), **change["tags"]}} if "tags" in change else {}
    return {**known, **change, **tags}
