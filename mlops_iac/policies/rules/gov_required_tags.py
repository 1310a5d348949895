"""Everything that can carry tags says whose it is and how sensitive.

Source: https://docs.aws.amazon.com/whitepapers/latest/tagging-best-practices/tagging-best-practices.html
"""

from __future__ import annotations

from functools import cache
from typing import Final

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.policy import (
    NOT_APPLICABLE,
    PASS,
    Enforcement,
    Limits,
    Policy,
    PolicySeverity,
    ResourceView,
    Result,
    StackView,
    SystemView,
    fail,
    fails,
    passes,
    skips,
    text_of,
    unknown,
    waits,
)
from mlops_iac.providers.facts import facts_of

REQUIRED: Final = ("owner", "environment", "ml-system", "data-class", "risk-class")
"""Tags that others rely on; an organisation adds its own (``Limits.tags``)."""
ALLOWED: Final = {
    "environment": frozenset({"dev", "staging", "prod"}),
    "data-class": frozenset({"public", "internal", "confidential", "restricted", "personal", "health"}),
    "risk-class": frozenset({"minimal", "limited", "high"}),
}
BUCKET = "aws:s3/bucket:Bucket"


def check(resource: ResourceView, stack: StackView) -> Result:
    """All required tags are there, with values that mean something, on types that take tags."""
    if not _taggable(resource.type):
        return NOT_APPLICABLE
    tags = resource.tags
    missing = [name for name in (*REQUIRED, *stack.system.limits.tags) if not tags.get(name)]
    if missing and not resource.inputs.is_known("tagsAll"):
        return unknown("tagsAll")
    if missing:
        return fail(f"lacks the tags {text_of(missing)}", "tags")
    for name, values in ALLOWED.items():
        if tags[name] not in values:
            return fail(f"has the tag {name}: {tags[name]}, which is none of {text_of(sorted(values))}", "tags")
    return PASS


@cache
def _taggable(type: str) -> bool:
    facts = facts_of(type) if type.startswith("aws") else None
    return facts is not None and facts.taggable


_TAGS = {
    "owner": "ml",
    "cost-center": "1",
    "environment": "dev",
    "ml-system": "x",
    "data-class": "public",
    "risk-class": "high",
}


POLICY = Policy(
    id="gov-required-tags",
    title="Resources carry the governance tags",
    why="Cost, ownership and the inventory that the AI Act asks for are computed from tags.",
    fix="set system.owner, system.risk_class and system.tags.cost-center",
    settings=("system.tags",),
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=("*",),
    controls={"gdpr": ("30",), "eu-ai-act": ("11",), "nist-ai-rmf": ("GOVERN-1.6",)},
    source_url="https://docs.aws.amazon.com/whitepapers/latest/tagging-best-practices/tagging-best-practices.html",
    check=check,
    samples=(
        passes(BUCKET, {"tags": _TAGS}),
        fails(BUCKET, {"tags": {"owner": "x"}}),
        fails(BUCKET, {"tags": _TAGS}, system=SystemView(limits=Limits(tags=("team",)))),
        fails(BUCKET, {"tags": {**_TAGS, "environment": "Production"}}),
        waits(BUCKET, {"tags": UNKNOWN}),
        waits(BUCKET, {"tags": {"owner": "x"}, "tagsAll": UNKNOWN}),
        skips("aws:s3/bucketPolicy:BucketPolicy", {}),
    ),
)
