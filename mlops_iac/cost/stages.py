"""Which stage a resource belongs to: that of its component, read from the component types in its URN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mlops_iac.cost.model import Stage

_COMPONENTS: Final[Mapping[str, Stage]] = {
    "mlops:foundation:Alert": Stage.MONITORING,
    "mlops:foundation:Network": Stage.NETWORK,
    "mlops:operations:Budget": Stage.PLATFORM,
    "mlops:operations:Delivery": Stage.PLATFORM,
    "mlops:operations:Retraining": Stage.TRAINING,
}
_LAYERS: Final[Mapping[str, Stage]] = {
    "foundation": Stage.PLATFORM,
    "data": Stage.DATA,
    "compute": Stage.TRAINING,
    "models": Stage.TRAINING,
    "serving": Stage.SERVING,
    "operations": Stage.MONITORING,
}


def stage_of(urn: str) -> Stage:
    """The stage of the resource with that URN; what is in no component is part of the platform."""
    qualified = urn.split("::")[2] if urn.count("::") >= 3 else ""
    for token in qualified.split("$"):
        if token in _COMPONENTS:
            return _COMPONENTS[token]
        package, _, rest = token.partition(":")
        if package == "mlops":
            return _LAYERS.get(rest.partition(":")[0], Stage.PLATFORM)
    return Stage.PLATFORM
