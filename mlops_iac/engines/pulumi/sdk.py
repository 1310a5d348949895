"""Finds what an installed Pulumi SDK has for a type token: its resource class and property names.

A generated SDK registers a table of type tokens when its package is imported, so that the engine can turn a
resource reference back into an object; reading that table loads one service's module instead of the whole SDK.
Source: https://github.com/pulumi/pulumi/blob/master/sdk/python/lib/pulumi/runtime/rpc.py (``get_resource_module``)
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from functools import cache
from typing import Any

import pulumi
from pulumi import _types as names
from pulumi.runtime.rpc import get_resource_module

from mlops_iac.providers.plugins import import_name

PROVIDER_PREFIX = "pulumi:providers:"


def package_of(token: str) -> str:
    """The provider that serves ``token``: ``aws`` for ``aws:s3/bucket:Bucket`` and for ``pulumi:providers:aws``."""
    return token.removeprefix(PROVIDER_PREFIX).split(":")[0]


@cache
def resource_class(token: str) -> type[pulumi.CustomResource] | None:
    """The SDK's class for ``token``, or None where no installed SDK has one, as for objects of a Kubernetes CRD."""
    package, module, _ = token.split(":")
    if importlib.util.find_spec(import_name(package)) is None:
        return None
    importlib.import_module(import_name(package))
    registered = get_resource_module(package, module, "")
    table: Mapping[str, Any] = getattr(registered, "mod_info", {})
    name = table.get("classes", {}).get(token)
    if name is None:
        return None
    found = getattr(importlib.import_module(table["fqn"]), name)
    return found if issubclass(found, pulumi.CustomResource) else None


def python_names(resource: type[pulumi.Resource]) -> Mapping[str, str]:
    """The Python name of each property of an SDK class, by the provider's camelCase name."""
    return names.resource_pulumi_to_py_names(resource)


def as_wire_names(value: Any) -> Any:
    """A resolved output as plain data with the provider's camelCase names, as the graph's values are.

    An SDK class resolves an object to an instance of an output type, whose keys are Python names.
    """
    if isinstance(value, dict) and names.is_output_type(type(value)):
        return as_wire_names(names.output_type_to_dict(value))
    if isinstance(value, Mapping):
        return {key: as_wire_names(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [as_wire_names(item) for item in value]
    return value
