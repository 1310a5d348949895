"""The diagnostics of stored state: MI700x reading, MI701x integrity, MI702x secrets."""

from __future__ import annotations

from typing import Final

UNREADABLE: Final = "MI7001"
"""A state file exists but cannot be read."""
NOT_JSON: Final = "MI7002"
"""A state file is empty, cut off or otherwise not JSON."""
NOT_A_CHECKPOINT: Final = "MI7003"
"""The JSON is not a Pulumi checkpoint or stack export."""
NEWER_VERSION: Final = "MI7004"
"""The checkpoint was written by a newer format than this one."""
WRONG_STACK: Final = "MI7005"
"""The checkpoint belongs to another project or stack."""
CHECKSUM: Final = "MI7006"
"""The state file's content is not what was written."""
MISSING_STATE: Final = "MI7007"
"""The state file is gone, but a backup or a journal shows that there was one."""
BAD_JOURNAL: Final = "MI7008"
"""The journal of an interrupted run is damaged before its last record."""
DUPLICATE_URN: Final = "MI7010"
"""Two live resources have the same URN."""
DANGLING: Final = "MI7011"
"""A resource names a parent, a provider or a dependency that the state does not hold."""
WRONG_ORDER: Final = "MI7012"
"""A resource stands before something that it depends on."""
BAD_URN: Final = "MI7013"
"""A URN does not belong to the stack, or does not fit the resource's type."""
MISSING_ID: Final = "MI7014"
"""A deployed resource has no provider id."""
NO_PASSPHRASE: Final = "MI7020"  # noqa: S105
"""The state holds secrets and no passphrase is known."""
WRONG_PASSPHRASE: Final = "MI7021"  # noqa: S105
"""The passphrase does not open the state's secrets."""
OTHER_SECRETS_PROVIDER: Final = "MI7022"
"""The state's secrets are held by a provider that this tool does not speak."""
