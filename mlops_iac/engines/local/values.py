"""Plain data for providers, and secrets put back on what they answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from mlops_iac.graph.evaluate import SecretValue, reveal
from mlops_iac.providers.facts import facts_of
from mlops_iac.state.snapshot import ResourceState

SHORTEST_SECRET: Final = 6
"""Texts shorter than this are not looked for in outputs: they would match by chance."""


def plain(value: Any) -> Any:
    """``value`` as a provider takes it: secrets laid open, mappings and lists copied."""
    return reveal(value)


def with_secrets(outputs: Mapping[str, Any], resource: ResourceState) -> dict[str, Any]:
    """``outputs`` with everything secret marked: what the type or the program declares so, what has the name
    of a secret input, and whatever holds the text of one."""
    facts = facts_of(resource.type)
    names = set(resource.additional_secret_outputs) | (set(facts.secrets) if facts is not None else set())
    names |= {name for name, value in resource.inputs.items() if isinstance(value, SecretValue)}
    texts = {text for text in _secret_texts(resource.inputs) if len(text) >= SHORTEST_SECRET}
    return {
        name: SecretValue(reveal(value)) if name in names or _holds(value, texts) else value
        for name, value in outputs.items()
    }


def marked_like(actual: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """``actual`` with secrets marked where ``known`` has them."""
    return {name: _marked_value(value, known.get(name)) for name, value in actual.items()}


def _marked_value(actual: Any, known: Any) -> Any:
    if isinstance(known, SecretValue):
        return actual if isinstance(actual, SecretValue) else SecretValue(actual)
    if isinstance(known, Mapping) and isinstance(actual, Mapping):
        return {key: _marked_value(value, known.get(key)) for key, value in actual.items()}
    if isinstance(known, list) and isinstance(actual, list) and len(known) == len(actual):
        return [_marked_value(value, other) for value, other in zip(actual, known, strict=True)]
    return actual


def _secret_texts(value: Any, inside: bool = False) -> Iterator[str]:
    if isinstance(value, SecretValue):
        yield from _secret_texts(value.value, True)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _secret_texts(item, inside)
    elif isinstance(value, list):
        for item in value:
            yield from _secret_texts(item, inside)
    elif inside and isinstance(value, str):
        yield value


def _holds(value: Any, texts: set[str]) -> bool:
    if not texts or isinstance(value, SecretValue):
        return False
    haystack = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return any(text in haystack or json.dumps(text, ensure_ascii=False)[1:-1] in haystack for text in texts)
