"""The diagnostics of the spec phase; MI31xx and above are the components' own."""

from __future__ import annotations

from typing import Final

UNKNOWN_REFERENCE: Final = "MI3001"
"""A name that no declared component of the wanted kind has."""
RENAMED_FROM: Final = "MI3003"
"""`was` gives a name that cannot be a former one: in use, the component's own, or claimed twice."""
REFERENCE_CYCLE: Final = "MI3002"
"""Components that need each other, so that none can be built first."""
