"""How a run of the local engine goes about its work."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mlops_iac.diagnostics import Diagnostic
from mlops_iac.engines.events import OnEvent
from mlops_iac.plan.reviewed import Reviewed

Refusal = Callable[[str, Mapping[str, Any]], Diagnostic | None]
"""Answers for a resource (URN) and the inputs that it is to get with what refuses it."""


def nothing_refuses(urn: str, inputs: Mapping[str, Any]) -> None:
    """Lets everything through."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to run. ``cancelled`` turns true when a signal asks for the end.

    ``refusal`` is asked before a resource is created or changed; what it answers stops that.
    ``reviewed`` limits what may be done.
    """

    parallel: int = 8
    on_event: OnEvent = lambda event: None
    cancelled: Callable[[], bool] = lambda: False
    monotonic: Callable[[], float] = time.monotonic
    refusal: Refusal = nothing_refuses
    reviewed: Reviewed | None = None


DEFAULTS: Final = Settings()
