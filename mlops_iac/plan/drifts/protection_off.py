"""What keeps data from being lost, or tells of it, was switched off.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html,
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_DeleteInstance.html#USER_DeleteInstance.DeletionProtection,
https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html and
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-intro.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from mlops_iac.plan.drift import Danger, Drifted, DriftRule, Reason
from mlops_iac.plan.model import Kind, PropertyChange

_GUARDS: Final[Mapping[str, str]] = {
    "deletionProtection": "deletion protection",
    "deletionProtectionEnabled": "deletion protection",
    "enableKeyRotation": "key rotation",
    "enableLogFileValidation": "the validation of the audit trail",
    "enableLogging": "the audit trail",
    "imageTagMutability": "the immutability of image tags",
    "isEnabled": "the key",
    "metadataOptions": "the protection of instance metadata",
    "pointInTimeRecovery": "point-in-time recovery",
    "skipFinalSnapshot": "the final snapshot",
    "versioningConfiguration": "versioning",
}
"""Inputs that guard something, by their first part, and what they guard in words."""
_ON: Final = (True, "Enabled", "ENABLED", "IMMUTABLE", "required")


def _was_on(change: PropertyChange) -> bool:
    return change.kind is Kind.DELETE or change.old in _ON


def _judge(drifted: Drifted) -> Iterator[Reason]:
    for change in drifted.observed.diff:
        guard = _GUARDS.get(change.path.partition(".")[0].partition("[")[0])
        if guard is None:
            continue
        off = change.new is True if change.path.startswith("skip") else _was_on(change) and change.new not in _ON
        if off:
            yield Reason(Danger.DANGEROUS, f"{guard} is off")


RULE = DriftRule("protection-off", "A guard of data, keys or the audit trail was switched off.", _judge)
