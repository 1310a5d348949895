"""The diagnostics of the Pulumi engine: MI720x the program, MI721x what it needs from other stacks."""

from __future__ import annotations

from typing import Final

WRONG_PROJECT: Final = "MI7200"
"""The Pulumi project is not the one that the system gives this layer."""
UNKNOWN_LAYER: Final = "MI7201"
"""There is no layer of that name."""
NO_SYSTEM: Final = "MI7202"
"""The folder of the system that the stack's configuration names is not there."""
BAD_CONFIG: Final = "MI7203"
"""A value of the stack's configuration does not have its type."""
MISSING_OUTPUT: Final = "MI7210"
"""A resource needs an output that another layer's stack does not export yet."""
