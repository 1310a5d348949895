"""The diagnostics that every engine shares: MI703x starting one, MI710x files and lock."""

from __future__ import annotations

from typing import Final

NOT_CONFIRMED: Final = "MI7031"
"""A change was asked for without a terminal to confirm it on."""
MISSING_EXTRA: Final = "MI7032"
"""The Python packages of an engine are not installed."""
BAD_BASELINE: Final = "MI7033"
"""``--against`` names nothing that a preview can be compared with."""
NOT_TRIED: Final = "MI7034"
"""A layer was not tried, since one that it waits for failed."""
PROTECTED: Final = "MI7111"
"""A protected resource would be deleted or replaced."""
WRITE_FAILED: Final = "MI7100"
"""A file of the state folder could not be written."""
LOCKED: Final = "MI7101"
"""Another run holds the lock."""
LOCKED_ELSEWHERE: Final = "MI7102"
"""A run on another host holds the lock, so whether it lives cannot be seen."""
BAD_LOCK: Final = "MI7103"
"""The lock file cannot be understood."""
