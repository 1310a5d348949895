"""What the installed Pulumi SDKs say of their provider plugins, without importing them."""

from __future__ import annotations

import importlib.util
import json
from functools import cache
from pathlib import Path


def import_name(package: str) -> str:
    """The Python package of a provider's SDK: ``pulumi_aws_native`` for ``aws-native``."""
    return f"pulumi_{package.replace('-', '_')}"


@cache
def plugin_version(package: str) -> str | None:
    """The provider version that the installed SDK was generated for, None without an SDK."""
    found = importlib.util.find_spec(import_name(package))
    if found is None or found.origin is None:
        return None
    described = Path(found.origin).parent / "pulumi-plugin.json"
    if not described.is_file():
        return None
    version = json.loads(described.read_text(encoding="utf-8")).get("version")
    return str(version) if version else None
