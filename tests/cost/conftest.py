"""Estimates of the example, computed once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from mlops_iac.cost.estimate import estimate_graph
from mlops_iac.cost.model import Estimate
from mlops_iac.pipeline import Run, request_at, run_phases

EXAMPLE = Path(__file__).parents[2] / "examples" / "fraud-detection"
TODAY = "2026-11-21"
"""A day on which Kubernetes 1.33 is in extended support."""

Compiled = Callable[..., Run]
Estimated = Callable[..., Estimate]


@cache
def _compiled(overrides: tuple[str, ...]) -> Run:
    return run_phases(request_at(EXAMPLE, overrides, TODAY), until="compile")


@pytest.fixture(scope="session")
def compiled() -> Compiled:
    """Compiles the example with overrides."""
    return lambda *overrides: _compiled(overrides)


@pytest.fixture(scope="session")
def estimated() -> Estimated:
    """Estimates the example with overrides."""

    def estimate(*overrides: str) -> Estimate:
        run = _compiled(overrides)
        assert run.graph is not None
        assert run.system is not None
        return estimate_graph(run.graph, run.system, TODAY)

    return estimate
