"""Names that a mistyped one may stand for."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_CANDIDATES = 300
"""Names that are compared closely; a mapping can have a hundred thousand."""


def closest(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """At most three known names that look like ``name``, best first."""
    tolerance = max(3, len(name) // 2)
    candidates = [other for other in known if abs(len(other) - len(name)) <= tolerance]
    if len(candidates) > _CANDIDATES:
        # Typing errors seldom hit the first letter.
        candidates.sort(key=lambda other: other[:1] != name[:1])
    return tuple(get_close_matches(name[:100], candidates[:_CANDIDATES], n=3, cutoff=0.6))


def did_you_mean(name: str, known: Iterable[str], prefix: str = "") -> str:
    """A question for a hint, or nothing if no known name is close."""
    matches = [f"`{prefix}{match}`" for match in closest(name, known)]
    return f"Did you mean {' or '.join(matches)}?" if matches else ""


def listing(names: Iterable[str], limit: int = 12) -> str:
    """Names for a hint: ``dev, prod, staging``."""
    all_names = list(names)
    shown = ", ".join(all_names[:limit])
    return f"{shown}, ..." if len(all_names) > limit else shown
