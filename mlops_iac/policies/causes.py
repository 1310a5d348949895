"""Finds the line of the configuration that a finding comes from: the setting that decides, else its component.

What a config group of the package sets stands at the line that chose the group, and so does what every system has
without writing it (keys, audit).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from mlops_iac.compose.composition import Composition
from mlops_iac.diagnostics import ConfigPath, Location
from mlops_iac.policies.policy import Cause, Policy, ResourceView, Result
from mlops_iac.spec.system import Core

_SHIPPED: Final = "pkg:"
_BY_POSTURE: Final = "security"
"""The group that decides over what every system has without writing it."""
_STEM: Final = 5
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def cause_of(policy: Policy, resource: ResourceView, result: Result, composition: Composition) -> Cause:
    """Where a finding of ``policy`` on ``resource`` comes from."""
    found = [path for pattern in policy.settings for path in _paths(pattern.split("."), resource, composition)]
    if not found:
        return _placed(resource.component, composition)
    about = _stems(f"{result.path} {result.detail}")
    # The setting that the verdict speaks of, before one that is written, before the first.
    best = max(found, key=lambda path: (len(about & _stems(str(path[-1]))), path in composition.origins))
    return _placed(best, composition)


def _paths(pattern: list[str], resource: ResourceView, composition: Composition) -> Iterator[ConfigPath]:
    """The paths that a pattern means for a resource: of its own component, or of a section that is none."""
    own = resource.component
    if pattern[0] in Core.__struct_fields__:
        yield tuple(pattern)
    elif own and pattern[: len(own)] == [str(own[0]), *("*" for _ in own[1:])]:
        yield from _below(own, pattern[len(own) :], resource, composition)


def _below(path: ConfigPath, rest: list[str], resource: ResourceView, composition: Composition) -> Iterator[ConfigPath]:
    """``path`` and ``rest`` joined; a ``*`` is the one name there that the resource's own name has in it."""
    while rest and rest[0] != "*":
        path, rest = (*path, rest[0]), rest[1:]
    if not rest:
        yield path
        return
    names = _names_at(path, composition)
    named = [name for name in names if name in resource.name]
    longest = max(named, key=len, default=names[0] if len(names) == 1 else None)
    if longest is not None:
        yield from _below((*path, longest), rest[1:], resource, composition)


def _names_at(path: ConfigPath, composition: Composition) -> list[str]:
    value: Any = composition.data
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return list(value) if isinstance(value, dict) else []


def _placed(path: ConfigPath, composition: Composition) -> Cause:
    origin = composition.origin_of(path)
    if origin is None:
        return Cause(path, composition.chosen_at.get(_BY_POSTURE))
    place: Location = origin.value if path in composition.origins and origin.override else origin.key
    if not place.file.startswith(_SHIPPED):
        return Cause(path, place)
    group = (origin.group or "").partition("=")[0]
    return Cause(path, composition.chosen_at.get(group), place)


def _stems(text: str) -> set[str]:
    """The beginnings of the words in a text or a camel-case name, which is enough to tell that two are related."""
    return {word.lower()[:_STEM] for word in _WORD.findall(text) if len(word) > 2}
