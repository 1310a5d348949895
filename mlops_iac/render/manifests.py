"""Kubernetes objects as one YAML stream, as `kubectl apply -f` takes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def manifests_yaml(objects: Iterable[Mapping[str, Any]]) -> str:
    """One document an object, keys in the order in which they were made."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Without anchors, which people cannot read."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    documents = (yaml.dump(dict(item), Dumper=Dumper, sort_keys=False, width=1_000_000) for item in objects)
    return "---\n".join(documents)
