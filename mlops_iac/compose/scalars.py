"""What YAML makes of an unquoted scalar, and when that is not what the writer is likely to mean.

The value is always the one OmegaConf would give (YAML 1.1 without dates, ``1e3`` a number), because Hydra
users and Hydra's own tools read the same files. https://yaml.org/type/ lists the surprising forms.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import yaml

from mlops_iac.compose.tree import Scalar

STR_TAG: Final = "tag:yaml.org,2002:str"
NULL_TAG: Final = "tag:yaml.org,2002:null"
BOOL_TAG: Final = "tag:yaml.org,2002:bool"
INT_TAG: Final = "tag:yaml.org,2002:int"
FLOAT_TAG: Final = "tag:yaml.org,2002:float"
MERGE_TAG: Final = "tag:yaml.org,2002:merge"

SCALAR_TAGS: Final = frozenset({STR_TAG, NULL_TAG, BOOL_TAG, INT_TAG, FLOAT_TAG})
BOOLEAN_WORDS: Final = frozenset({"yes", "no", "on", "off"})

_OCTAL = re.compile(r"[-+]?0[0-7_]+")
_LEADING_ZERO = re.compile(r"0\d+")
_TRAILING_ZERO = re.compile(r"[-+]?\d+\.\d+0|[-+]?\d+\.")
_RATIO = re.compile(r"[-+]?0\.\d+")
_BARE_EXPONENT = re.compile(r"[-+]?\d+[eE]\d+")


_CONTROL_CHARACTER = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def find_control_character(text: str) -> re.Match[str] | None:
    """The first character that YAML forbids; half of a surrogate pair stands for a byte that is not UTF-8."""
    return _CONTROL_CHARACTER.search(text)


@dataclass(frozen=True, slots=True)
class Surprise:
    """Why an unquoted scalar should be quoted; ``loses_text`` if what was written cannot be told any more."""

    reading: str
    hint: str
    loses_text: bool = False


@dataclass(frozen=True, slots=True)
class PlainScalar:
    """An unquoted scalar as YAML reads it."""

    tag: str
    value: Scalar
    surprise: Surprise | None = None


def read_plain(text: str) -> PlainScalar:
    """Read an unquoted scalar."""
    tag = tag_of(text)
    if tag == STR_TAG:
        return PlainScalar(tag, text, _surprise_in_text(text))
    if tag == MERGE_TAG:
        return PlainScalar(tag, text)
    value = construct(tag, text)
    return PlainScalar(tag, value, _surprise(tag, text, value))


def construct(tag: str, text: str) -> Scalar:
    """The value of ``text`` under one of ``SCALAR_TAGS``; ``ValueError`` if it has none."""
    if tag == STR_TAG:
        return text
    node = yaml.ScalarNode(tag, text)
    try:
        value: Scalar = _constructors()[tag](node)
    except (KeyError, IndexError) as error:
        raise ValueError(text) from error
    return value


def surprise_in_number(text: str, value: object) -> Surprise | None:
    """The same judgement for a number that Hydra's override grammar read from ``text``."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return _surprise(INT_TAG if isinstance(value, int) else FLOAT_TAG, text, value)


def tag_of(text: str) -> str:
    """The type that YAML gives to an unquoted scalar."""
    resolvers = _resolvers()
    for tag, pattern in resolvers.get(text[:1], ()):
        if pattern.match(text):
            return tag
    return STR_TAG


@cache
def _resolvers() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    """OmegaConf's own table from first character to candidate types, limited to what we read as such."""
    from omegaconf._utils import get_yaml_loader

    known = SCALAR_TAGS | {MERGE_TAG}
    table: dict[str, list[tuple[str, re.Pattern[str]]]] = get_yaml_loader().yaml_implicit_resolvers
    return {first: [entry for entry in entries if entry[0] in known] for first, entries in table.items()}


@cache
def _constructors() -> dict[str, Any]:
    safe = yaml.constructor.SafeConstructor()
    return {
        NULL_TAG: safe.construct_yaml_null,
        BOOL_TAG: safe.construct_yaml_bool,
        INT_TAG: safe.construct_yaml_int,
        FLOAT_TAG: safe.construct_yaml_float,
    }


def _surprise_in_text(text: str) -> Surprise | None:
    if _LEADING_ZERO.fullmatch(text):
        return Surprise(
            "text here, but a number to other YAML readers", f'Quote it so that every tool agrees: "{text}".'
        )
    return None


def _surprise(tag: str, text: str, value: Scalar) -> Surprise | None:
    if tag == BOOL_TAG:
        return _surprising_boolean(text, value)
    if tag == INT_TAG:
        return _surprising_integer(text, value)
    if tag == FLOAT_TAG and isinstance(value, float):
        return _surprising_float(text, value)
    return None


def _surprising_boolean(text: str, value: Scalar) -> Surprise | None:
    if text.lower() not in BOOLEAN_WORDS:
        return None
    word = str(value).lower()
    return Surprise(f"the boolean {word}", f'Write {word} if you mean that; for text, quote it: "{text}".')


def _surprising_integer(text: str, value: Scalar) -> Surprise | None:
    quote = f'Quote it to keep it as written: "{text}".'
    if ":" in text:
        return Surprise(f"{value}, a number to the base 60", quote, loses_text=True)
    if _OCTAL.fullmatch(text):
        return Surprise(f"{value}, an octal number", quote, loses_text=True)
    if "_" in text or text.lower().lstrip("+-").startswith(("0x", "0b")) or text.startswith("+"):
        return Surprise(f"the number {value}", f'Write {value} for the number; for text, quote it: "{text}".')
    return None


def _surprising_float(text: str, value: float) -> Surprise | None:
    quote = f'Quote it to keep it as written: "{text}".'
    if not math.isfinite(value):
        return Surprise("not a finite number", f'Write a finite number; for text, quote it: "{text}".', loses_text=True)
    if ":" in text:
        return Surprise(f"{value}, a number to the base 60", quote, loses_text=True)
    if _TRAILING_ZERO.fullmatch(text) and repr(value) != text:
        hint = f'Quote a version or a name: "{text}". Write {value} for the number.'
        # 0.80 is nearly always a ratio; elsewhere a trailing zero is what tells 1.10 from 1.1.
        return Surprise(f"the number {value}", hint, loses_text=not _RATIO.fullmatch(text))
    if "_" in text or _BARE_EXPONENT.fullmatch(text):
        return Surprise(f"the number {value}", f'Write {value} for the number; for text, quote it: "{text}".')
    return None
