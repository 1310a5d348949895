"""Composes a system's configuration with Hydra and remembers where each value was written.

``compose`` is the phase; ``describe`` and ``paths_at`` answer questions about its result.
"""

from mlops_iac.compose.composer import compose
from mlops_iac.compose.composition import ComposeRequest, Composition, Origin, Replaced
from mlops_iac.compose.limits import Limits
from mlops_iac.compose.provenance import Description, describe, paths_at

__all__ = [
    "ComposeRequest",
    "Composition",
    "Description",
    "Limits",
    "Origin",
    "Replaced",
    "compose",
    "describe",
    "paths_at",
]
