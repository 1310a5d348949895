"""GPU nodes are for GPU work, and there are only so many.

Source: https://docs.aws.amazon.com/eks/latest/best-practices/aiml-compute.html
"""

from __future__ import annotations

from typing import Any

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.hardware import accelerated
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
    passes,
    skips,
    waits,
)

NODES = "aws:eks/nodeGroup:NodeGroup"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"


def check(resource: ResourceView, stack: StackView) -> Result:
    """A group with accelerators has a NoSchedule taint, a bounded size, and shrinks to nothing outside prod."""
    types = [str(name) for name in resource.inputs.list("instanceTypes")]
    types += [t.inputs.text("instanceType") for t in stack.targets_of(resource, "launchTemplate", TEMPLATE)]
    if not any(map(accelerated, types)):
        return NOT_APPLICABLE
    if not any(taint.at("effect") in ("NO_SCHEDULE", "NO_EXECUTE") for taint in resource.inputs.each("taints")):
        return fail("takes pods that need no GPU", "taints")
    most, limit = resource.inputs.number("scalingConfig.maxSize") or 0, stack.system.limits.gpu_nodes
    if most > limit:
        return fail(f"may grow to {most:g} nodes, more than {limit}", "scalingConfig.maxSize")
    least = resource.inputs.number("scalingConfig.minSize") or 0
    if least and not stack.system.production:
        return fail(f"keeps {least:g} GPU nodes without work", "scalingConfig.minSize")
    return PASS


def _group(effect: str, least: Any, most: Any, instance_type: str = "g5.12xlarge") -> dict[str, Any]:
    return {
        "instanceTypes": [instance_type],
        "taints": [{"key": "nvidia.com/gpu", "effect": effect}],
        "scalingConfig": {"minSize": least, "maxSize": most},
    }


POLICY = Policy(
    id="eks-gpu-nodegroup-tainted-and-bounded",
    title="GPU node groups are tainted and bounded",
    why="Without a taint any small pod keeps a GPU machine alive; without a bound a loop buys hundreds.",
    fix="add a NoSchedule taint, keep maxSize within the limit, and minSize at 0 outside prod",
    settings=("clusters.*.pools.*.max_nodes", "clusters.*.pools.*.min_nodes", "clusters.*.pools.*.taints"),
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(NODES,),
    controls={"nist-ai-rmf": ("MEASURE-2.12",)},
    source_url="https://docs.aws.amazon.com/eks/latest/best-practices/aiml-compute.html",
    check=check,
    samples=(
        passes(NODES, _group("NO_SCHEDULE", 0, 8)),
        fails(NODES, _group("PREFER_NO_SCHEDULE", 0, 8)),
        fails(NODES, _group("NO_SCHEDULE", 0, 800)),
        fails(NODES, _group("NO_SCHEDULE", 1, 8)),
        waits(NODES, _group("NO_SCHEDULE", 0, UNKNOWN)),
        skips(NODES, _group("NO_SCHEDULE", 2, 8, "m6i.large")),
    ),
)
