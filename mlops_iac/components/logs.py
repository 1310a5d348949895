"""Log groups: encrypted, with the environment's retention, named below the system."""

from __future__ import annotations

from mlops_iac.compile.context import BuildContext, Handle
from mlops_iac.components.foundation.keys import KeysOutputs
from mlops_iac.providers.logs import retention_days


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
