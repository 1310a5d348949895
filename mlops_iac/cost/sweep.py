"""Variants of a configuration: the combinations of values that keys are given, as Hydra's multirun writes them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

_CLOSING = {"[": "]", "{": "}", "(": ")"}


def combinations(sweeps: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """The overrides of every variant of ``KEY=a,b,c`` texts, the last key changing fastest.

    A comma in quotes or brackets is part of a value. Raises ``ValueError`` for a text without a key or a value.
    """
    return tuple(product(*(_choices(text) for text in sweeps)))


def _choices(text: str) -> list[str]:
    key, equals, values = text.partition("=")
    choices = _split(values)
    if not key or not equals or not all(choices):
        raise ValueError(f"{text!r} is not KEY=VALUE,VALUE")
    return [f"{key}={value}" for value in choices]


def _split(text: str) -> list[str]:
    parts, open_brackets, quote = [""], [], ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in _CLOSING:
            open_brackets.append(_CLOSING[character])
        elif open_brackets and character == open_brackets[-1]:
            open_brackets.pop()
        elif character == "," and not open_brackets:
            parts.append("")
            continue
        parts[-1] += character
    return [part.strip() for part in parts]
