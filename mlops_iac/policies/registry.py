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

from mlops_iac.policies import rules
from mlops_iac.policies.policy import Enforcement, Policy

ENTRY_POINT_GROUP = "mlops_iac.policies"


@dataclass(frozen=True, slots=True)
class Pack:
    """A named set of rules for one purpose. ``rules`` maps a policy id to the enforcement the pack asks for."""

    id: str
    title: str
    description: str
    rules: Mapping[str, Enforcement]


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
    """Every pack by id, read from the JSON files in ``packs/``."""
    found = {}
    for file in sorted(files("mlops_iac.policies").joinpath("packs").iterdir(), key=lambda item: item.name):
        if file.name.endswith(".json"):
            data = json.loads(file.read_text(encoding="utf-8"))
            enforced = {rule: Enforcement(level) for rule, level in data["rules"].items()}
            found[data["id"]] = Pack(data["id"], data["title"], data["description"], enforced)
    return found


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
