"""Finds every policy and pack: the files below this package, and those that other packages offer by entry point.

A package offers a policy in the group ``mlops_iac.policies`` and a pack in ``mlops_iac.packs``, each under its id.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any, Final

from mlops_iac.plugins import Catalogue, offers
from mlops_iac.policies import rules
from mlops_iac.policies.policy import Enforcement, Policy

POLICIES_GROUP: Final = "mlops_iac.policies"
PACKS_GROUP: Final = "mlops_iac.packs"


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
def own_policies() -> Mapping[str, Policy]:
    """The policies of this package by id; two with the same id are refused, naming both modules."""
    found: dict[str, Policy] = {}
    origin: dict[str, str] = {}
    for module, policy in _modules():
        if policy.id in found:
            raise TypeError(f"policy {policy.id!r} is in both {origin[policy.id]} and {module}")
        found[policy.id] = policy
        origin[policy.id] = module
    return dict(sorted(found.items()))


@cache
def own_packs() -> Mapping[str, Pack]:
    """The packs of this package by id: the JSON files in ``packs/``, with the rules of the packs that each includes."""
    written = _read("packs")
    return {
        id: Pack(id, data["title"], data["description"], _rules(id, written), _included(data), _strict(id, written))
        for id, data in written.items()
    }


@cache
def policies() -> Catalogue[str, Policy]:
    """Every policy by id; asking for one of another package that is broken raises ``PluginError``."""
    return Catalogue(own_policies(), offers(POLICIES_GROUP), _accept_policy)


@cache
def packs() -> Catalogue[str, Pack]:
    """Every pack by id; asking for one of another package that is broken raises ``PluginError``."""
    return Catalogue(own_packs(), offers(PACKS_GROUP), _accept_pack)


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


def _modules() -> Iterable[tuple[str, Policy]]:
    for info in pkgutil.iter_modules(rules.__path__):
        module = importlib.import_module(f"{rules.__name__}.{info.name}")
        policy = getattr(module, "POLICY", None)
        if isinstance(policy, Policy):
            yield module.__name__, policy


def _accept_policy(id: str, found: Any) -> Policy:
    if not isinstance(found, Policy):
        raise ValueError(f"is {type(found).__name__}, not a Policy")
    if found.id != id:
        raise ValueError(f"is announced as the policy {id!r}, but is {found.id!r}")
    return found


def _accept_pack(id: str, found: Any) -> Pack:
    """The pack with the rules of those of this package that it includes."""
    if not isinstance(found, Pack):
        raise ValueError(f"is {type(found).__name__}, not a Pack")
    if found.id != id:
        raise ValueError(f"is announced as the pack {id!r}, but is {found.id!r}")
    own = own_packs()
    foreign = [name for name in found.includes if name not in own]
    if foreign:
        raise ValueError(f"includes {foreign[0]!r}, which is no pack of mlops-iac")
    rules: dict[str, Enforcement] = {}
    for name in found.includes:
        rules.update(own[name].rules)
    every = dict(sorted((rules | dict(found.rules)).items()))
    missing = [rule for rule in every if rule not in policies()]
    if missing:
        raise ValueError(f"names the policy {missing[0]!r}, which nothing offers")
    strict = found.unwaivable.union(*(own[name].unwaivable for name in found.includes))
    return replace(found, rules=every, unwaivable=strict)
