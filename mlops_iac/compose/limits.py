"""How much a configuration may ask for, so that a small hostile file cannot cost much time or memory."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that hold before any library sees the text; a real system stays far below them.

    A system of 2,000 components has about 25,000 values in 400 kB.
    """

    file_bytes: int = 4 * 1024 * 1024
    """Size of one file."""
    values: int = 100_000
    """Values (mappings, lists and scalars) in one file, and again in the result; aliases and interpolations
    count as often as they are used."""
    depth: int = 64
    """Levels of nesting."""
    characters: int = 8 * 1024 * 1024
    """Characters of all scalars of one file, aliases counted as often as they are used."""
    files: int = 128
    """Files that defaults lists bring together, each counted as often as it is used."""
    overrides: int = 1_000
    """Command-line overrides."""
    override_characters: int = 8 * 1024
    """Length of one override."""
    override_nesting: int = 32
    """Levels of brackets in one override."""
    interpolation_characters: int = 4 * 1024
    """Length of one text that holds ``${...}``."""
    interpolation_nesting: int = 16
    """Levels of brackets in one text that holds ``${...}``."""
    interpolation_chain: int = 24
    """References that lead to references."""
    resolved_characters: int = 1024 * 1024
    """Characters that all interpolated texts have after resolution."""
    findings: int = 200
    """Diagnostics that are kept; the rest is counted."""


DEFAULT_LIMITS = Limits()
