"""Reads S3 buckets and the resources that configure them.

Source: https://www.pulumi.com/registry/packages/aws/api-docs/s3/bucket/
"""

from __future__ import annotations

from typing import Final

from mlops_iac.policies.policy import ResourceView, StackView

BUCKET: Final = "aws:s3/bucket:Bucket"
BUCKET_POLICY: Final = "aws:s3/bucketPolicy:BucketPolicy"
LOGGING: Final = "aws:s3/bucketLogging:BucketLogging"
LIFECYCLE: Final = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
VERSIONING: Final = "aws:s3/bucketVersioning:BucketVersioning"
TRAIL: Final = "aws:cloudtrail/trail:Trail"

DATA_ROLE: Final = "data-role"
"""Tag that says what a bucket is for, where its contents are not ordinary data."""
PASSING_ROLES: Final = frozenset({"access-log", "cache", "query-results", "scratch", "temporary"})
"""Roles of buckets whose contents can be made again, or that are only appended to."""


def receives_access_logs(bucket: ResourceView, stack: StackView) -> bool:
    """Whether other buckets write their access logs here; log delivery cannot use an own key or log itself."""
    return any(stack.pointing_at(bucket, LOGGING, "targetBucket"))


def data_role(bucket: ResourceView) -> str:
    """What the bucket says that it is for."""
    return str(bucket.tags.get(DATA_ROLE, bucket.tags.get("role", "data")))


def data_class(resource: ResourceView) -> str:
    """How sensitive a resource's data is, as its tag says."""
    return str(resource.tags.get("data-class", ""))
