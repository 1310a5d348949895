"""Names of resources whose declaration gives none."""

from __future__ import annotations

import hashlib
import re

from mlops_iac.engines.local.provider import Properties


def auto_name(urn: str, inputs: Properties) -> str:
    """A name for a resource that has none: the same for the same inputs, another for a replacement."""
    base = re.sub(r"[^A-Za-z0-9-]+", "-", urn.rpartition("::")[2]).strip("-").lower()
    digest = hashlib.sha256(f"{urn} {sorted(inputs.items(), key=str)}".encode()).hexdigest()[:7]
    return f"{base[:50]}-{digest}"
