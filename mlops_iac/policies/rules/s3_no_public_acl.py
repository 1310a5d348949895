"""Buckets do not grant access by ACL.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.buckets import BUCKET
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

ACL = "aws:s3/bucketAcl:BucketAcl"
OWNERSHIP = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
OPEN_ACLS: Final = frozenset({"public-read", "public-read-write", "authenticated-read"})
OPEN_GROUPS: Final = ("/groups/global/AllUsers", "/groups/global/AuthenticatedUsers")


def check(resource: ResourceView, stack: StackView) -> Result:
    """No canned ACL or grant for everybody, and ownership that turns ACLs off."""
    if resource.type == OWNERSHIP:
        enforced = resource.inputs.at("rule.objectOwnership") == "BucketOwnerEnforced"
        return PASS if enforced else fail("leaves access control lists on", "rule.objectOwnership")
    if resource.inputs.at("acl") in OPEN_ACLS:
        return fail(f"gives everybody access with the ACL {resource.inputs.text('acl')}", "acl")
    for path, grantee in _grantees(resource):
        if grantee.endswith(OPEN_GROUPS):
            return fail("grants access to a group that anybody can be in", path)
    return PASS if resource.type == ACL or resource.inputs.has("acl") else NOT_APPLICABLE


def _grantees(resource: ResourceView) -> Iterator[tuple[str, str]]:
    for grant in resource.inputs.each("accessControlPolicy.grants"):
        yield grant.path_of("grantee.uri"), grant.text("grantee.uri")
    for grant in resource.inputs.each("grants"):
        yield grant.path_of("uri"), grant.text("uri")


POLICY = Policy(
    id="s3-no-public-acl",
    title="Buckets have no public ACL",
    why="An ACL is a second, older way to give access, which reviews of the bucket policy do not show.",
    fix="drop the ACL, set objectOwnership: BucketOwnerEnforced, and grant access by bucket policy",
    severity=PolicySeverity.CRITICAL,
    enforcement=Enforcement.MANDATORY,
    applies_to=(ACL, OWNERSHIP, BUCKET),
    controls={
        "aws-fsbp": ("S3.2", "S3.3", "S3.12"),
        "checkov": ("CKV_AWS_20", "CKV_AWS_57", "CKV_AWS_375", "CKV2_AWS_43", "CKV2_AWS_65"),
        "hipaa": ("164.312(a)(1)",),
        "gdpr": ("32(1)(b)",),
    },
    source_url="https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html",
    check=check,
    remediate=lambda resource, _: {"acl": "private"} if resource.inputs.has("acl") else {},
    samples=(
        passes(OWNERSHIP, {"rule": {"objectOwnership": "BucketOwnerEnforced"}}),
        fails(OWNERSHIP, {"rule": {"objectOwnership": "ObjectWriter"}}),
        passes(ACL, {"acl": "private"}),
        fails(ACL, {"acl": "public-read"}),
        fails(
            ACL,
            {
                "accessControlPolicy": {
                    "grants": [
                        {"grantee": {"uri": "http://acs.amazonaws.com/groups/global/AllUsers"}, "permission": "READ"}
                    ]
                }
            },
        ),
        fails(BUCKET, {"acl": "authenticated-read"}),
        waits(ACL, {"acl": UNKNOWN}),
        skips(BUCKET, {"bucket": "data"}),
    ),
)
