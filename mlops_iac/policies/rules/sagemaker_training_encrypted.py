"""Training encrypts its disks, its results and the traffic between its machines.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/train-encrypt.html
"""

from __future__ import annotations

from typing import Any

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.hardware import local_storage
from mlops_iac.policies.inputs import Inputs
from mlops_iac.policies.policy import (
    PASS,
    Enforcement,
    Policy,
    PolicySeverity,
    ResourceView,
    Result,
    StackView,
    fail,
    fails,
    passes,
    skips,
    waits,
    worst,
)
from mlops_iac.policies.serving import TRAINING_JOB
from mlops_iac.policies.training import PIPELINE, TRAININGS, trainings

TRAFFIC = "enableInterContainerTrafficEncryption"


def check(resource: ResourceView, stack: StackView) -> Result:
    """Both keys are set (disks inside the machine take none), and traffic is encrypted between several machines."""
    return worst(trainings(resource), _encrypted)


def _encrypted(job: Inputs) -> Result:
    if not job.has("outputDataConfig.kmsKeyId"):
        return fail("writes models without a key of its own", job.path_of("outputDataConfig.kmsKeyId"))
    keyed = job.has("resourceConfig.volumeKmsKeyId")
    if not keyed and not local_storage(job.text("resourceConfig.instanceType")):
        return fail("keeps data on disks without a key of its own", job.path_of("resourceConfig.volumeKmsKeyId"))
    several = (job.number("resourceConfig.instanceCount") or 1) > 1
    if several and not job.flag(TRAFFIC):
        return fail("does not encrypt the traffic between its machines", job.path_of(TRAFFIC))
    return PASS


def _job(count: Any, **more: Any) -> dict[str, Any]:
    machines = {"instanceType": "ml.m5.large", "instanceCount": count, "volumeKmsKeyId": UNKNOWN}
    return {"resourceConfig": machines, "outputDataConfig": {"kmsKeyId": UNKNOWN}, **more}


POLICY = Policy(
    id="sagemaker-training-encrypted",
    title="Training jobs are encrypted",
    why="Disks and gradients hold the training data.",
    fix="set volumeKmsKeyId, outputDataConfig.kmsKeyId, and enableInterContainerTrafficEncryption for several machines",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=TRAININGS,
    controls={
        "prowler": (
            "sagemaker_training_jobs_volume_and_output_encryption_enabled",
            "sagemaker_training_jobs_intercontainer_encryption_enabled",
        ),
        "hipaa": ("164.312(a)(2)(iv)", "164.312(e)(2)(ii)"),
        "gdpr": ("32(1)(a)",),
    },
    source_url="https://docs.aws.amazon.com/sagemaker/latest/dg/train-encrypt.html",
    check=check,
    samples=(
        passes(TRAINING_JOB, _job(1)),
        passes(TRAINING_JOB, _job(2, enableInterContainerTrafficEncryption=True)),
        fails(TRAINING_JOB, _job(2)),
        fails(TRAINING_JOB, _job(1, outputDataConfig={})),
        fails(TRAINING_JOB, _job(1, resourceConfig={"instanceType": "ml.m5.large"})),
        passes(TRAINING_JOB, _job(1, resourceConfig={"instanceType": "ml.g5.xlarge"})),
        waits(TRAINING_JOB, _job(UNKNOWN)),
        skips(PIPELINE, {"pipelineDefinition": "{}"}),
    ),
)
