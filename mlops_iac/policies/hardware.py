"""What an instance type's name says about the machine.

Source: https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

_ACCELERATED = re.compile(r"^(?:ml\.)?(?:p|g|gr|trn|inf|dl)[0-9]")
_LOCAL_STORAGE = re.compile(
    r"^(?:ml\.)?(?:[a-z]+[0-9]+[a-z-]*d[a-z]*|g[456][a-z]*|gr6[a-z]*|p[56][a-z-]*|trn[12][a-z]*|i[0-9][a-z]*)\."
)


def accelerated(instance_type: str) -> bool:
    """Whether the machine has GPUs or another accelerator."""
    return bool(_ACCELERATED.match(instance_type))


def local_storage(instance_type: str) -> bool:
    """Whether the machine has NVMe storage of its own, which is encrypted in hardware and takes no KMS key."""
    return bool(_LOCAL_STORAGE.match(instance_type))


def allowed(instance_type: str, patterns: tuple[str, ...]) -> bool:
    """Whether an instance type fits one of the patterns; no patterns allow every type."""
    return not patterns or any(fnmatchcase(instance_type, pattern) for pattern in patterns)
