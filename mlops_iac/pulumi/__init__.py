"""Components for a Pulumi program of your own: ``from mlops_iac.pulumi import System, Bucket, FeatureStore``.

There is a class for every component kind, those of installed packages included, and ``Component`` for any kind by name.
Their arguments are the fields that the kind has in YAML; ``mlops-iac kinds KIND`` describes them. The types stand in
``__init__.pyi``, which ``python -m mlops_iac.engines.pulumi.stub`` writes.
"""

from __future__ import annotations

from mlops_iac.engines.pulumi.declared import Component, System, class_names, component_class

__all__ = ["Component", "System"]


def __getattr__(name: str) -> type[Component]:
    kinds = class_names()
    if name not in kinds:
        raise AttributeError(f"mlops_iac.pulumi has no {name!r}; components are {', '.join(kinds)}")
    return component_class(kinds[name])


def __dir__() -> list[str]:
    return [*__all__, *class_names()]
