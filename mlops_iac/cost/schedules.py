"""How often a schedule runs in a month of 730 hours.

Understands the expressions of EventBridge, Glue and SageMaker, ``cron(minute hour day month weekday year)`` and
``rate(value unit)``. A day of the month counts once a month, the 31st too.
Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from mlops_iac.cost.table import DAYS, HOURS

_RATES: Final[Mapping[str, float]] = {"minute": HOURS * 60, "hour": HOURS, "day": DAYS}
_WEEKDAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def runs_per_month(expression: str) -> float | None:
    """Runs in an average month; None for an expression of another kind."""
    rate = re.fullmatch(r"rate\(([0-9]+) (minute|hour|day)s?\)", expression.strip())
    if rate is not None:
        return _RATES[rate[2]] / int(rate[1]) if int(rate[1]) else None
    cron = re.fullmatch(r"cron\((.+)\)", expression.strip())
    if cron is None or len(cron[1].split()) != 6:
        return None
    minute, hour, day, month, weekday, _ = cron[1].upper().split()
    months = _members(month, 1, 12, _MONTHS) / 12
    if weekday not in ("?", "*"):
        days = 1.0 if re.search("#|L$", weekday) else DAYS / 7 * _members(weekday, 1, 7, _WEEKDAYS)
    elif day not in ("?", "*"):
        days = 1.0 if re.search("[LW]", day) else float(_members(day, 1, 31))
    else:
        days = DAYS
    return _members(minute, 0, 59) * _members(hour, 0, 23) * days * months


def _members(field: str, low: int, high: int, names: tuple[str, ...] = ()) -> int:
    """How many values a field of a cron expression names."""
    found: set[int] = set()
    for item in field.split(","):
        span, _, step = item.partition("/")
        first, _, last = span.partition("-")
        start = low if first in ("*", "?") else _number(first, names, low)
        end = _number(last, names, low) if last else (high if first in ("*", "?") or step else start)
        if end < start:
            end += high - low + 1
        found.update((value - low) % (high - low + 1) for value in range(start, end + 1, int(step or 1)))
    return len(found)


def _number(text: str, names: tuple[str, ...], low: int) -> int:
    return names.index(text) + low if text in names else int(text)
