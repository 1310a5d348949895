"""What a model was trained on can be found again.

Source: https://eur-lex.europa.eu/eli/reg/2024/1689/oj#art_10
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mlops_iac.policies.buckets import BUCKET, PASSING_ROLES, VERSIONING, data_role
from mlops_iac.policies.policy import (
    NOT_APPLICABLE,
    PASS,
    Enforcement,
    Policy,
    PolicySeverity,
    ResourceView,
    Result,
    StackView,
    fail,
    fails,
    neighbour,
    passes,
    skips,
)
from mlops_iac.policies.serving import TRAINING_JOB
from mlops_iac.policies.training import PIPELINE

INPUTS: Final = {TRAINING_JOB: "inputDataConfigs", PIPELINE: "pipelineDefinition"}


def check(resource: ResourceView, stack: StackView) -> Result:
    """Every bucket in sight that a training reads from keeps versions."""
    judged = list(_read_buckets(resource, stack))
    for bucket in judged:
        versions = [
            v.inputs.at("versioningConfiguration.status") for v in stack.pointing_at(bucket, VERSIONING, "bucket")
        ]
        if "Enabled" not in versions and not bucket.inputs.flag("versioning.enabled"):
            return fail(f"reads from {bucket.name}, which keeps no earlier versions", INPUTS[resource.type])
    return PASS if judged else NOT_APPLICABLE


def _read_buckets(resource: ResourceView, stack: StackView) -> Iterator[ResourceView]:
    name = INPUTS[resource.type]
    urns = resource.sources.get(name, frozenset())
    uris = (
        [i.text("dataSource.s3DataSource.s3Uri") for i in resource.inputs.each(name)]
        if resource.type == TRAINING_JOB
        else []
    )
    for bucket in stack.of_type(BUCKET):
        named = any(uri.startswith(f"s3://{text}/") for text in bucket.identifiers for uri in uris)
        if named or (bucket.urn in urns and data_role(bucket) not in PASSING_ROLES | {"artifacts"}):
            yield bucket


_JOB = {"inputDataConfigs": [{"channelName": "train", "dataSource": {"s3DataSource": {"s3Uri": "s3://raw/2026/"}}}]}
_BUCKET = neighbour(BUCKET, {"bucket": "raw"})
_ON = neighbour(VERSIONING, {"bucket": "raw", "versioningConfiguration": {"status": "Enabled"}})


POLICY = Policy(
    id="gov-training-data-lineage",
    title="Training reads from versioned buckets",
    why="Without the exact data nobody can repeat a training, or find out what a complaint is about.",
    fix="turn versioning on for the buckets that training reads from",
    settings=("buckets.*.versioning",),
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(TRAINING_JOB, PIPELINE),
    controls={"eu-ai-act": ("10", "12"), "gdpr": ("30",), "nist-ai-rmf": ("MEASURE-2.1",)},
    source_url="https://eur-lex.europa.eu/eli/reg/2024/1689/oj#art_10",
    check=check,
    samples=(
        passes(TRAINING_JOB, _JOB, _BUCKET, _ON),
        fails(TRAINING_JOB, _JOB, _BUCKET),
        fails(PIPELINE, {"pipelineDefinition": "{}"}, _BUCKET, sources={"pipelineDefinition": _BUCKET.urn}),
        skips(TRAINING_JOB, _JOB),
    ),
    spans=True,
)
