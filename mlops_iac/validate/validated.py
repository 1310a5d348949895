"""The artifact of the validate phase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlops_iac.compose.composition import Composition


@dataclass(frozen=True, slots=True)
class Validated:
    """A configuration that fits the schema; ``data`` decodes into typed specs without errors."""

    composition: Composition
    data: Mapping[str, Any]
