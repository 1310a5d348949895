"""How often a call to an emulator is tried, and how long is waited in between.

Only what may pass is tried again: a refusal for now, and an answer that was lost where the call may be made twice. All
else is final at once. The wait doubles with each try and is drawn between nothing and that, so that many callers do not
come back together.
Source: https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from mlops_iac.engines.local.provider import BusyError, OutcomeUnknownError, ProviderError

MOST_TRIES: Final = 10
"""Of one call, the first included."""
FIRST_SECONDS: Final = 0.1
LONGEST_SECONDS: Final = 5.0
"""Longest wait before one more try, also where the server asks for more."""
FRUITLESS_SECONDS: Final = 120.0
"""How much all callers together wait while nothing at all succeeds; after that each call is tried once."""

T = TypeVar("T")
_BACK_OFF: Final = wait_random_exponential(multiplier=FIRST_SECONDS, max=LONGEST_SECONDS)


class Patience:
    """Repeats calls to one server, from any thread; ``sleep`` waits that many seconds."""

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep
        self._guard = threading.Lock()
        self._fruitless = 0.0

    def call(self, action: Callable[[], T], *, repeatable: bool) -> T:
        """What ``action`` answers, tried again while it raises ``BusyError``.

        ``repeatable``: also after ``OutcomeUnknownError``, since to do it twice is to do it once. Raises the last
        try's error, which then says how often it was tried.
        """
        passing = (BusyError, OutcomeUnknownError) if repeatable else (BusyError,)
        tries = Retrying(
            stop=lambda state: stop_after_attempt(MOST_TRIES)(state) or self._exhausted(),
            wait=_wait,
            retry=retry_if_exception(lambda error: isinstance(error, passing)),
            before_sleep=self._count,
            sleep=self._sleep,
            retry_error_callback=_give_up,
        )
        answer: T = tries(action)
        with self._guard:
            self._fruitless = 0.0
        return answer

    def _exhausted(self) -> bool:
        with self._guard:
            return self._fruitless >= FRUITLESS_SECONDS

    def _count(self, state: RetryCallState) -> None:
        with self._guard:
            self._fruitless += state.upcoming_sleep


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    asked = error.after if isinstance(error, BusyError) else 0.0
    return max(_BACK_OFF(state), min(asked, LONGEST_SECONDS))


def _give_up(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome is not None else None
    assert isinstance(error, ProviderError)
    if state.attempt_number > 1:
        error.args = (f"{error} (tried {state.attempt_number} times)",)
    raise error
