"""Encryption was switched off, or another key put in.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html and
https://docs.aws.amazon.com/sagemaker/latest/dg/encryption-at-rest.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from mlops_iac.plan.drift import Danger, Drifted, DriftRule, Reason
from mlops_iac.plan.model import Kind

_ENCRYPTION: Final = re.compile(r"encrypt|kms|sse|transitencryption", re.IGNORECASE)


def _judge(drifted: Drifted) -> Iterator[Reason]:
    for change in drifted.observed.diff:
        if not _ENCRYPTION.search(change.path):
            continue
        off = change.kind is Kind.DELETE or change.new in (False, "", "NONE", "None", "AES256")
        what = "is off, or not with the declared key" if off else "differs"
        yield Reason(Danger.DANGEROUS if off else Danger.UNCLEAR, f"encryption {what}: {change.path}")


RULE = DriftRule("encryption-off", "Encryption was switched off, or uses another key.", _judge)
