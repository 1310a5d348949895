"""Jobs end, give up and are cleaned away.

Source: https://kubernetes.io/docs/concepts/workloads/controllers/job/#job-termination-and-cleanup
"""

from __future__ import annotations

from typing import Final

from mlops_iac.policies.admission import CHANGED, Admission, must
from mlops_iac.policies.policy import (
    ELSEWHERE,
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
    text_of,
)
from mlops_iac.policies.workloads import CRON_JOB, JOB

BOUNDS: Final = ("activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished")


def check(resource: ResourceView, stack: StackView) -> Result:
    """All three bounds are set; a CronJob forbids runs side by side."""
    base = "spec" if resource.type == JOB else "spec.jobTemplate.spec"
    missing = [
        name
        for name in BOUNDS
        if resource.inputs.is_known(f"{base}.{name}") and resource.inputs.at(f"{base}.{name}") is None
    ]
    if missing:
        return fail(f"does not set {text_of(missing)}", f"{base}.{missing[0]}")
    if resource.type == CRON_JOB and resource.inputs.text("spec.concurrencyPolicy") not in ("Forbid", "Replace"):
        return fail("may run several times at once", "spec.concurrencyPolicy")
    return PASS


_BOUNDED = {"activeDeadlineSeconds": 3600, "backoffLimit": 2, "ttlSecondsAfterFinished": 600}


POLICY = Policy(
    id="k8s-job-bounded",
    title="Jobs have a deadline, a retry limit and a clean-up",
    why="A hanging training job holds its GPUs until somebody looks.",
    fix="set activeDeadlineSeconds, backoffLimit and ttlSecondsAfterFinished; concurrencyPolicy: Forbid on a CronJob",
    severity=PolicySeverity.LOW,
    enforcement=Enforcement.ADVISORY,
    applies_to=(JOB, CRON_JOB),
    controls={},
    source_url="https://kubernetes.io/docs/concepts/workloads/controllers/job/#job-termination-and-cleanup",
    check=check,
    admission=lambda _: Admission(
        (JOB, CRON_JOB),
        (
            must(
                " && ".join(f"has(variables.job.{name})" for name in BOUNDS),
                f"does not set {text_of(BOUNDS)}",
            ),
            must(
                "object.kind == 'Job' || object.spec.?concurrencyPolicy.orValue('') in ['Forbid', 'Replace']",
                "may run several times at once",
            ),
        ),
        where=CHANGED,
        variables={"job": "object.kind == 'Job' ? object.spec : object.spec.jobTemplate.spec"},
        partial="backoffLimit, which the API server sets to 6 where it is left out",
    ),
    samples=(
        passes(JOB, {"spec": _BOUNDED}),
        fails(JOB, {"spec": {"backoffLimit": 2}}),
        passes(CRON_JOB, {"spec": {"concurrencyPolicy": "Forbid", "jobTemplate": {"spec": _BOUNDED}}}),
        fails(CRON_JOB, {"spec": {"jobTemplate": {"spec": _BOUNDED}}}),
        ELSEWHERE,
    ),
)
