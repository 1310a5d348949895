"""How a run of the local engine goes about its work."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mlops_iac.engines.events import OnEvent


@dataclass(frozen=True, slots=True)
class Settings:
    """How to run. ``cancelled`` turns true when a signal asks for the end."""

    parallel: int = 8
    on_event: OnEvent = lambda event: None
    cancelled: Callable[[], bool] = lambda: False
    monotonic: Callable[[], float] = time.monotonic


DEFAULTS: Final = Settings()
