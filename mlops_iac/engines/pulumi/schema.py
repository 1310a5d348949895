"""The Pulumi schema of a package, as far as our facts know it: what Pulumi YAML asks a provider for.

Objects inside a property are declared as anything: Pulumi YAML then takes them as they are, and a property of an output
can be read at any depth.
Source: https://www.pulumi.com/docs/iac/using-pulumi/pulumi-packages/schema/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from mlops_iac.providers.facts import DATA, PropertyFacts, TypeFacts, facts_of, known_tokens

_ANYTHING: Final = {"$ref": "pulumi.json#/Any"}
_SCALARS: Final = ("string", "integer", "number", "boolean")


def package_schema(package: str, tokens: Iterable[str] | None = None) -> dict[str, Any]:
    """The schema of ``package`` with the resource types ``tokens``, or every type that the facts have."""
    provider = facts_of(f"pulumi:providers:{package}")
    settings = _properties(provider.inputs) if provider is not None else {}
    found = ((token, facts_of(token)) for token in (known_types(package) if tokens is None else tokens))
    return {
        "name": package,
        "provider": {"inputProperties": settings, "properties": {}},
        "resources": {token: _resource(facts) for token, facts in found if facts is not None},
    }


def known_types(package: str) -> tuple[str, ...]:
    """Every type token of ``package`` that the facts have."""
    files = (path.stem for path in DATA.glob(f"{package}*.json"))
    return tuple(sorted(token for file in files for token in known_tokens(file) if token.startswith(f"{package}:")))


def _resource(facts: TypeFacts) -> dict[str, Any]:
    inputs = _properties(facts.inputs)
    required = sorted(name for name, property in facts.inputs.items() if property.required)
    return {
        "inputProperties": inputs,
        "requiredInputs": required,
        "properties": {**inputs, **_properties(facts.outputs)},
    }


def _properties(properties: Mapping[str, PropertyFacts]) -> dict[str, Any]:
    return {name: {**_type(facts), **({"secret": True} if facts.secret else {})} for name, facts in properties.items()}


def _type(facts: PropertyFacts) -> dict[str, Any]:
    if facts.shape in _SCALARS:
        return {"type": facts.shape}
    if facts.shape == "array" and facts.items is not None:
        return {"type": "array", "items": _type(facts.items)}
    if facts.shape == "map" and facts.items is not None:
        return {"type": "object", "additionalProperties": _type(facts.items)}
    return dict(_ANYTHING)
