"""The settings that every S3 bucket of a system has, whichever component owns it."""

from __future__ import annotations

from collections.abc import Sequence

from mlops_iac.compile.context import BuildContext, Handle
from mlops_iac.graph.values import ToJson, Value, join


def secure_bucket(
    ctx: BuildContext,
    bucket: Handle,
    *,
    key_arn: Value,
    versioning: bool = True,
    prefix: str = "",
    statements: Sequence[Value] = (),
) -> dict[str, Handle]:
    """The settings by suffix: public access block, ownership, encryption, versioning and a TLS-only policy.

    ``key_arn`` None encrypts with S3's own keys, which log delivery requires. ``prefix`` goes before each
    suffix, for a component with several buckets; ``statements`` join the bucket policy.
    """
    name = bucket["bucket"]
    encryption: dict[str, Value] = (
        {"sseAlgorithm": "AES256"} if key_arn is None else {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": key_arn}
    )
    public_access = ctx.add(
        f"{prefix}public-access",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        {
            "bucket": name,
            "blockPublicAcls": True,
            "blockPublicPolicy": True,
            "ignorePublicAcls": True,
            "restrictPublicBuckets": True,
        },
    )
    return {
        "public-access": public_access,
        "ownership": ctx.add(
            f"{prefix}ownership",
            "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
            {"bucket": name, "rule": {"objectOwnership": "BucketOwnerEnforced"}},
        ),
        "encryption": ctx.add(
            f"{prefix}encryption",
            "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
            {
                "bucket": name,
                "rules": [
                    {
                        "applyServerSideEncryptionByDefault": encryption,
                        "bucketKeyEnabled": key_arn is not None,
                    }
                ],
            },
        ),
        "versioning": ctx.add(
            f"{prefix}versioning",
            "aws:s3/bucketVersioning:BucketVersioning",
            {"bucket": name, "versioningConfiguration": {"status": "Enabled" if versioning else "Suspended"}},
        ),
        "policy": ctx.add(
            f"{prefix}policy",
            "aws:s3/bucketPolicy:BucketPolicy",
            {
                "bucket": name,
                "policy": ToJson({"Version": "2012-10-17", "Statement": [deny_plain_http(bucket), *statements]}),
            },
            depends_on=(public_access,),
        ),
    }


def deny_plain_http(bucket: Handle) -> dict[str, Value]:
    """The bucket policy statement that refuses requests without TLS."""
    return {
        "Sid": "DenyPlainHttp",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket["arn"], join(bucket["arn"], "/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
