"""Facts about Cloud Control types."""

from __future__ import annotations

import pytest

from mlops_iac.providers.facts import Replaces, check_inputs, facts_of
from mlops_iac.providers.native import property_name

QUALITY = "aws-native:sagemaker:ModelQualityJobDefinition"


@pytest.mark.parametrize(
    ("cloudformation", "pulumi"),
    [("VolumeSizeInGB", "volumeSizeInGb"), ("S3Uri", "s3Uri"), ("KmsKeyId", "kmsKeyId"), ("RoleArn", "roleArn")],
)
def test_names_follow_the_provider(cloudformation: str, pulumi: str) -> None:
    assert property_name(cloudformation) == pulumi


def test_a_job_definition_is_replaced_by_every_change() -> None:
    facts = facts_of(QUALITY)
    assert facts is not None
    assert facts.inputs["jobResources"].replaces is Replaces.ALWAYS
    assert facts.inputs["roleArn"].required


def test_a_wrong_property_is_a_problem() -> None:
    found = check_inputs(QUALITY, {"modelQualityJobInput": {"groundTruthS3Input": {"s3Url": "s3://labels"}}})
    assert any("s3Url" in problem.message for problem in found)
