"""Training stops in time, and survives the loss of a spot machine.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training.html
"""

from __future__ import annotations

from mlops_iac.graph.evaluate import UNKNOWN
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

RUNTIME = "stoppingCondition.maxRuntimeInSeconds"
WAIT = "stoppingCondition.maxWaitTimeInSeconds"
HOUR = 3600


def check(resource: ResourceView, stack: StackView) -> Result:
    """The runtime is within the limit; spot training has a waiting time and checkpoints."""
    return worst(trainings(resource), lambda job: _bounded(job, stack.system.limits.training_hours))


def _bounded(job: Inputs, hours: int) -> Result:
    runtime = job.number(RUNTIME)
    if runtime is None:
        return fail("has no longest runtime for its training", job.path_of(RUNTIME))
    if runtime > hours * HOUR:
        return fail(f"may train for {runtime / HOUR:g} hours, more than {hours}", job.path_of(RUNTIME))
    if job.flag("enableManagedSpotTraining"):
        for path in (WAIT, "checkpointConfig.s3Uri"):
            if not job.has(path):
                return fail(f"uses spot machines without {path}", job.path_of(path))
    return PASS


_BOUNDED = {"stoppingCondition": {"maxRuntimeInSeconds": 3600}}


POLICY = Policy(
    id="sagemaker-training-bounded-and-checkpointed",
    title="Training jobs are bounded and save their progress",
    why="A job that hangs is paid for until its limit; a spot job without checkpoints begins again each time.",
    fix="set stoppingCondition.maxRuntimeInSeconds; for spot also maxWaitTimeInSeconds and checkpointConfig.s3Uri",
    settings=("pipelines.*.steps.*.max_runtime",),
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=TRAININGS,
    controls={"nist-ai-rmf": ("MEASURE-2.12",)},
    source_url="https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training.html",
    check=check,
    samples=(
        passes(TRAINING_JOB, _BOUNDED),
        fails(TRAINING_JOB, {}),
        fails(TRAINING_JOB, {"stoppingCondition": {"maxRuntimeInSeconds": 3600 * 100}}),
        fails(TRAINING_JOB, {**_BOUNDED, "enableManagedSpotTraining": True}),
        waits(TRAINING_JOB, {"stoppingCondition": {"maxRuntimeInSeconds": UNKNOWN}}),
        skips(PIPELINE, {"pipelineDefinition": "{}"}),
    ),
)
