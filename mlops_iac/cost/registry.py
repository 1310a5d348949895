"""Finds every pricing rule: the files below ``rules/``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from mlops_iac.cost import rules
from mlops_iac.cost.rule import Rule


@cache
def pricing_rules() -> Mapping[str, Rule]:
    """Every rule by type token; two for the same type are refused, naming both modules."""
    found: dict[str, Rule] = {}
    origin: dict[str, str] = {}
    for info in pkgutil.iter_modules(rules.__path__):
        module = importlib.import_module(f"{rules.__name__}.{info.name}")
        for rule in module.RULES:
            for token in rule.types:
                if token in found:
                    raise TypeError(f"type {token!r} is priced in both {origin[token]} and {module.__name__}")
                found[token] = rule
                origin[token] = module.__name__
    return dict(sorted(found.items()))


def rule_for(token: str) -> Rule | None:
    """The rule that prices a type: its own, else the one whose pattern fits best."""
    known = pricing_rules()
    if token in known:
        return known[token]
    patterns = [pattern for pattern in known if pattern.endswith("*") and token.startswith(pattern[:-1])]
    return known[max(patterns, key=len)] if patterns else None
