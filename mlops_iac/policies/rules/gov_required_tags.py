"""Everything that can carry tags says whose it is and how sensitive.

Source: https://docs.aws.amazon.com/whitepapers/latest/tagging-best-practices/tagging-best-practices.html
"""

from __future__ import annotations

from typing import Final

from mlops_iac.policies.policy import (
    NOT_APPLICABLE,
    PASS,
    Enforcement,
    Policy,
    PolicySeverity,
    ResourceView,
    Result,
    StackView,
    Verdict,
    fail,
    sample,
    text_of,
)
from mlops_iac.providers.facts import facts_of

REQUIRED: Final = ("owner", "cost-center", "environment", "ml-system", "data-class", "risk-class")
BUCKET = "aws:s3/bucket:Bucket"


def check(resource: ResourceView, stack: StackView) -> Result:
    """All required tags are there, on types that take tags."""
    facts = facts_of(resource.type) if resource.type.startswith("aws:") else None
    if facts is None or not facts.taggable:
        return NOT_APPLICABLE
    tags = resource.inputs.get("tags") or {}
    missing = [name for name in REQUIRED if not tags.get(name)]
    return fail(f"lacks the tags {text_of(missing)}", "tags") if missing else PASS


POLICY = Policy(
    id="gov-required-tags",
    title="Resources carry the governance tags",
    why="Cost, ownership and the inventory that the AI Act asks for are computed from tags.",
    fix="set system.owner, system.risk_class and system.tags.cost-center",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=("*",),
    controls={"gdpr": ("30",), "eu-ai-act": ("11",), "nist-ai-rmf": ("GOVERN-1.6",), "ml-governance": ("inventory",)},
    source_url="https://docs.aws.amazon.com/whitepapers/latest/tagging-best-practices/tagging-best-practices.html",
    check=check,
    samples=(
        sample(Verdict.PASS, BUCKET, {"tags": dict.fromkeys(REQUIRED, "x")}),
        sample(Verdict.FAIL, BUCKET, {"tags": {"owner": "x"}}),
        sample(Verdict.NOT_APPLICABLE, "aws:s3/bucketPolicy:BucketPolicy", {}),
    ),
)
