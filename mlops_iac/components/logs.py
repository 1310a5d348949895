"""Log groups: encrypted, with the environment's retention, named below the system.

Source for the retention values that CloudWatch Logs takes:
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
"""

from __future__ import annotations

from mlops_iac.compile.context import BuildContext, Handle
from mlops_iac.components.foundation.keys import KeysOutputs

_RETENTION_DAYS = (
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
)


def log_group(ctx: BuildContext, suffix: str, name: str) -> Handle:
    """A log group called ``name``; the component has to list ``keys`` in its ``uses``."""
    return ctx.add(
        suffix,
        "aws:cloudwatch/logGroup:LogGroup",
        {
            "name": name,
            "retentionInDays": retention_days(ctx.core.env.log_retention.days),
            "kmsKeyId": ctx.get("keys", "keys", KeysOutputs).arn(),
        },
    )


def retention_days(days: int) -> int:
    """The shortest retention that CloudWatch Logs offers and that keeps events for ``days``."""
    return next((offered for offered in _RETENTION_DAYS if offered >= days), _RETENTION_DAYS[-1])
