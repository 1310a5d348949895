"""Sections that are part of the plan, so that one without a component is named as such and not as a typo."""

from __future__ import annotations

PLANNED: tuple[str, ...] = (
    "alerts",
    "budget",
    "buckets",
    "catalog",
    "clusters",
    "data_quality",
    "data_versioning",
    "delivery",
    "endpoints",
    "feature_stores",
    "images",
    "keys",
    "labelling",
    "models",
    "monitors",
    "network",
    "notebooks",
    "observability",
    "pipelines",
    "retraining",
    "secrets",
    "streams",
    "tracking",
)
"""Every section of the catalogue; those with a registered component are never reported."""
