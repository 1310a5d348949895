"""Looks for credentials in what people wrote: every line of their files, and every value with its name.

A credential in a configuration is in the history of its repository, in state and in every preview. The message says
what kind it is and where, and never shows it. A line that is no secret is excused by a comment with a reason, and with
an owner and a last day where somebody is to look again:
``# not a secret: the example key of AWS's documentation (risk-ml@example.com, until 2027-03-31)``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from mlops_iac.compose.composition import Composition
from mlops_iac.credentials import LEAST_RANDOM, credential_in, looks_random, reference_like, secret_name, suspicious
from mlops_iac.diagnostics import ConfigPath, Diagnostic, Location, format_path
from mlops_iac.validate.codes import PLAIN_SECRET

_EXCUSED: Final = re.compile(r"#\s*not a secret:\s*[^\s(]")
_UNTIL: Final = re.compile(r"\((?P<owner>[^()]*?),\s*until\s+(?P<day>[^()]*)\)\s*$")
_SHIPPED: Final = "pkg:"
_SHORTEST: Final = 6
_HINT: Final = (
    "keep it in Secrets Manager and refer to it by name; if it was real, it must be replaced, since it is in the "
    "file's history. What is no secret is excused by `# not a secret: <why>` on its line, with "
    "`(<owner>, until <day>)` at its end where the excuse is to lapse"
)
_NAME_OF_SECRET: Final = "secret"
"""A key of our own: it holds the name under which a secret is stored."""


def find_secrets(composition: Composition, today: str) -> list[Diagnostic]:
    """Every credential in the user's files and overrides, each place once; ``today`` (ISO date) ends excuses."""
    found: dict[tuple[str, int], Diagnostic] = {}
    for file, text in composition.sources.items():
        if not file.startswith(_SHIPPED) and suspicious(text):
            for number, line in enumerate(text.splitlines(), 1):
                kind = credential_in(line)
                why = _unexcused(line, today) if kind else None
                if why is not None:
                    place = Location(file, number, len(line) - len(line.lstrip()) + 1)
                    found[file, number] = Diagnostic(PLAIN_SECRET, f"this line holds {kind}{why}", _HINT, place)
    for path, value in _texts(composition.data, ()):
        told = _told(path, value)
        origin = composition.origin_of(path) if told else None
        if origin is None or origin.interpolation or origin.key.file.startswith(_SHIPPED):
            continue
        place = origin.key
        why = _unexcused(_line(composition, origin.value), today)
        if why is not None:
            problem = Diagnostic(PLAIN_SECRET, f"`{format_path(path)}` holds {told}{why}", _HINT, place, path)
            found[place.file, place.line if origin.override is None else -place.column] = problem
    return list(found.values())


def _unexcused(line: str, today: str) -> str | None:
    """None where a comment on the line excuses it; else what is wrong with the excuse, as the end of a sentence."""
    if not _EXCUSED.search(line):
        return ""
    lapses = _UNTIL.search(line)
    if lapses is None:
        return None
    owner, day = lapses["owner"].strip(), lapses["day"].strip()
    try:
        date.fromisoformat(day)
    except ValueError:
        return f"; its excuse ends on {day!r}, which is no day such as 2027-03-31"
    if not owner:
        return "; its excuse has no owner"
    return f"; its excuse by {owner} ended on {day}" if day < today else None


def _told(path: ConfigPath, value: str) -> str:
    """What kind of secret a value seems to be; empty for none."""
    if len(value) < _SHORTEST:
        return ""
    kind = credential_in(value)
    if kind:
        return kind
    name = next((part for part in reversed(path) if isinstance(part, str)), "")
    if name != _NAME_OF_SECRET and secret_name(name) and not reference_like(value):
        return "what its name calls a secret, as plain text"
    if len(value) >= LEAST_RANDOM and any(looks_random(word) for word in re.split(r"[\s\"',;:@?&]+", value)):
        return "a text that looks like a key"
    return ""


def _texts(value: Any, path: ConfigPath) -> Iterator[tuple[ConfigPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))


def _line(composition: Composition, place: Location) -> str:
    lines = composition.sources.get(place.file, "").splitlines()
    return lines[place.line - 1] if 0 < place.line <= len(lines) else ""
