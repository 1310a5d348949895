"""Did you mean: the known name that a mistyped one most likely stands for."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_SHORT = 4


def closest(word: str, known: Iterable[str]) -> str | None:
    """The name of ``known`` that ``word`` was meant to be, or None where a guess would mislead.

    Case and ``-``/``_`` do not count. Otherwise a name is close when most letters agree in order, or when one
    of the two is the other's beginning (``prod`` for ``production``).
    """
    plain = {_plain(name): name for name in sorted(known, reverse=True)}
    target = _plain(word)
    if target in plain:
        return plain[target]
    # In three or four letters a single typo already changes a third of the word.
    cutoff = 0.6 if len(target) <= _SHORT else 0.72
    # People rarely miss the first letter, and unrelated long words share many of the others.
    alike = [name for name in plain if name[:1] == target[:1]]
    for match in get_close_matches(target, alike, 1, cutoff) or get_close_matches(target, plain, 1, 0.8):
        return plain[match]
    extended = [name for name in plain if _extends(name, target) or _extends(target, name)]
    return plain[extended[0]] if len(extended) == 1 else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The question for a hint, or nothing where no known name is close."""
    meant = closest(word, known)
    return "" if meant is None else f"did you mean `{meant}`?"


def listed(names: Iterable[str], limit: int = 12) -> str:
    """``names`` in back quotes, in the order given; past ``limit`` only counted."""
    every = list(names)
    more = len(every) - limit
    return ", ".join(f"`{name}`" for name in every[:limit]) + (f" and {more} more" if more > 0 else "")


def either(names: Iterable[str]) -> str:
    """``names`` as a choice: "`a`, `b` or `c`"."""
    quoted = [f"`{name}`" for name in names]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def _plain(word: str) -> str:
    return word.strip().lower().replace("_", "-")


def _extends(longer: str, shorter: str) -> bool:
    return len(shorter) > 2 and longer.startswith(shorter)
