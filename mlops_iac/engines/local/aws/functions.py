"""The few functions of the AWS provider that programs ask when they start."""

from __future__ import annotations

from typing import Any

from mlops_iac.engines.local.aws.context import partition_of
from mlops_iac.engines.local.aws.session import Session
from mlops_iac.engines.local.provider import Properties, ProviderError


def invoke(session: Session, token: str) -> Properties:
    """The answer of the function ``token``. Raises ``ProviderError`` for others."""
    answers: dict[str, dict[str, Any]] = {
        "aws:index/getCallerIdentity:getCallerIdentity": {
            "id": session.account,
            "accountId": session.account,
            "arn": f"arn:aws:iam::{session.account}:root",
            "userId": session.account,
        },
        "aws:index/getRegion:getRegion": {
            "id": session.region,
            "name": session.region,
            "region": session.region,
        },
        "aws:index/getPartition:getPartition": {
            "id": partition_of(session.region),
            "partition": partition_of(session.region),
            "dnsSuffix": "amazonaws.com",
        },
        "aws:index/getAvailabilityZones:getAvailabilityZones": {
            "id": session.region,
            "names": [f"{session.region}{zone}" for zone in "abc"],
        },
    }
    if token not in answers:
        raise ProviderError(f"the local target has no function {token}")
    return answers[token]
