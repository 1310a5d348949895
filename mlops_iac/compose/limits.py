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
    import_bytes: int = 64 * 1024 * 1024
    """Size of one file with another tool's outputs: a state file holds all its resources too."""
    values: int = 100_000
    """Values (mappings, lists and scalars) in one file, and again in the result; aliases and interpolations
    count as often as they are used."""
    depth: int = 64
    """Levels of nesting."""
    characters: int = 8 * 1024 * 1024
    """Characters of all scalars of one file, aliases counted as often as they are used."""
    files: int = 128
    """Files that defaults lists bring together, each counted as often as it is used."""
    overrides: int = 200
    """Command-line overrides."""
    override_characters: int = 4 * 1024
    """Length of one override; of all together, four times as much. Hydra's parser takes quadratic time."""
    override_parts: int = 32
    """Names in the key of one override."""
    override_nesting: int = 32
    """Levels of brackets in one override."""
    interpolation_characters: int = 4 * 1024
    """Length of one text that holds ``${...}``."""
    parsed_characters: int = 64 * 1024
    """Length of all different texts that hold more than plain references: the parser takes a second for them."""
    interpolation_nesting: int = 16
    """Levels of brackets in one text that holds ``${...}``."""
    interpolation_chain: int = 24
    """References that lead to references."""
    resolved_characters: int = 1024 * 1024
    """Characters that all interpolated texts have after resolution."""
    findings: int = 200
    """Errors, and again warnings, that are listed."""


DEFAULT_LIMITS = Limits()


def bracket_nesting(text: str) -> int:
    """How deep brackets nest in ``text``, as far as counting can tell."""
    deepest = level = 0
    for character in text:
        if character in "([{":
            level += 1
            deepest = max(deepest, level)
        elif character in ")]}" and level:
            level -= 1
    return deepest
