"""Finds every policy and pack: the files below this package, and policies that packages advertise by entry point."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from importlib.resources import files
from typing import Any

from mlops_iac.policies import rules
from mlops_iac.policies.policy import Enforcement, Policy

ENTRY_POINT_GROUP = "mlops_iac.policies"


@dataclass(frozen=True, slots=True)
class Pack:
    """A named set of rules for one purpose. ``rules`` maps a policy id to the enforcement the pack asks for.

    ``includes`` names the packs whose rules are among them; the pack's own word on a rule comes before theirs.
    ``unwaivable`` are the rules from which the pack allows no exception.
    """

    id: str
    title: str
    description: str
    rules: Mapping[str, Enforcement]
    includes: tuple[str, ...] = ()
    unwaivable: frozenset[str] = frozenset()


@cache
def policies() -> Mapping[str, Policy]:
    """Every policy by id; two with the same id are refused, naming both modules."""
    found: dict[str, Policy] = {}
    origin: dict[str, str] = {}
    for module, policy in (*_own(), *_plugged_in()):
        if policy.id in found:
            raise TypeError(f"policy {policy.id!r} is in both {origin[policy.id]} and {module}")
        found[policy.id] = policy
        origin[policy.id] = module
    return dict(sorted(found.items()))


@cache
def packs() -> Mapping[str, Pack]:
    """Every pack by id, read from the JSON files in ``packs/``, with the rules of the packs that it includes."""
    written = _read("packs")
    return {
        id: Pack(id, data["title"], data["description"], _rules(id, written), _included(data), _strict(id, written))
        for id, data in written.items()
    }


@cache
def profiles() -> Mapping[str, Mapping[str, Enforcement]]:
    """What each environment asks for less strictly than the packs do, read from the JSON files in ``profiles/``."""
    return {id: _levels(data) for id, data in _read("profiles").items()}


def _read(folder: str) -> Mapping[str, Mapping[str, Any]]:
    found = sorted(files("mlops_iac.policies").joinpath(folder).iterdir(), key=lambda item: item.name)
    read = (json.loads(file.read_text(encoding="utf-8")) for file in found if file.name.endswith(".json"))
    return {data["id"]: data for data in read}


def _rules(id: str, written: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Enforcement]:
    rules: dict[str, Enforcement] = {}
    for included in _included(written[id]):
        rules.update(_rules(included, written))
    return dict(sorted((rules | _levels(written[id])).items()))


def _strict(id: str, written: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    included = (_strict(other, written) for other in _included(written[id]))
    return frozenset(written[id].get("unwaivable", ())).union(*included)


def _included(data: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(data.get("includes", ()))


def _levels(data: Mapping[str, Any]) -> dict[str, Enforcement]:
    return {rule: Enforcement(level) for rule, level in data["rules"].items()}


def _own() -> Iterable[tuple[str, Policy]]:
    for info in pkgutil.iter_modules(rules.__path__):
        module = importlib.import_module(f"{rules.__name__}.{info.name}")
        policy = getattr(module, "POLICY", None)
        if isinstance(policy, Policy):
            yield module.__name__, policy


def _plugged_in() -> Iterable[tuple[str, Policy]]:
    for point in entry_points(group=ENTRY_POINT_GROUP):
        policy = point.load()
        if not isinstance(policy, Policy):
            raise TypeError(f"entry point {point.name!r} of group {ENTRY_POINT_GROUP} is not a Policy")
        yield point.value, policy
