"""Addresses of SageMaker's own container images, from a table that the SageMaker SDK's image tables were compiled to.

``image_uris.json`` is generated: run ``python .ci/generate_image_uris.py`` where sagemaker 3 is installed.
Source: https://docs.aws.amazon.com/sagemaker/latest/dg-ecr-paths/sagemaker-algo-docker-registry-paths.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

Framework = Literal["pytorch", "tensorflow", "huggingface", "xgboost", "sklearn"]
Scope = Literal["training", "inference", "processing", "monitoring"]
Processor = Literal["cpu", "gpu", "arm64"]

_TABLE = Path(__file__).with_name("image_uris.json")
_GPU_FAMILY = re.compile(r"(p[0-9]|g[0-9])")
_GRAVITON_FAMILY = re.compile(r"[a-z]+[0-9]+g[a-z]*$")


class NoImageError(LookupError):
    """There is no such image; ``known`` are the names that would have one, best last."""

    def __init__(self, message: str, known: tuple[str, ...]) -> None:
        super().__init__(message)
        self.known = known


def versions(framework: str, scope: Scope) -> tuple[str, ...]:
    """Every version that ``image_uri`` takes, oldest first."""
    return tuple(_images().get(framework, {}).get(scope, {}))


def newest(framework: str, scope: Scope, instance_type: str = "ml.m5.xlarge") -> str:
    """The newest full version that has an image for the instance type."""
    rows = _images()[framework][scope]
    return [version for version, row in rows.items() if processor(instance_type) in row][-1]


def image_uri(
    framework: str,
    region: str,
    *,
    scope: Scope | None = None,
    version: str | None = None,
    instance_type: str = "ml.m5.xlarge",
) -> str:
    """Address of the image; raises ``NoImageError`` where AWS publishes none.

    Without ``scope`` or ``version`` it is the only or newest one: enough for ``clarify`` and ``model-monitor``.
    """
    scopes = _images().get(framework, {})
    if not scopes or (scope is not None and scope not in scopes):
        raise NoImageError(f"there is no {framework} image for {scope or 'anything'}", tuple(_images()))
    rows = scopes[scope or next(iter(_scopes(framework)))]
    version = tuple(rows)[-1] if version is None else version
    if version not in rows:
        raise NoImageError(f"there is no {framework} {version} image for {scope}", tuple(rows))
    kind = processor(instance_type)
    if kind not in rows[version]:
        fitting = tuple(name for name, images in rows.items() if kind in images)
        raise NoImageError(f"the {framework} {version} image for {scope} does not run on {instance_type}", fitting)
    number, repository = rows[version][kind]
    registry = _data()["registries"][number]
    if region not in registry:
        raise NoImageError(f"{framework} images for {region} are not in the table", tuple(registry))
    return f"{registry[region]}.dkr.ecr.{region}.amazonaws.com/{repository}"


def _scopes(framework: str) -> tuple[Scope, ...]:
    return tuple(_images()[framework])  # type: ignore[arg-type]


def processor(instance_type: str) -> Processor:
    """Which build of an image an instance type runs."""
    family = instance_type.removeprefix("ml.").split(".")[0]
    if _GRAVITON_FAMILY.fullmatch(family):
        return "arm64"
    return "gpu" if _GPU_FAMILY.match(family) else "cpu"


def _images() -> Mapping[str, Mapping[str, Mapping[str, Mapping[str, tuple[int, str]]]]]:
    images: Mapping[str, Any] = _data()["images"]
    return images


@cache
def _data() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(_TABLE.read_text(encoding="utf-8"))
    return data
