"""Typed quantities with units, as people write them in YAML: ``400d``, ``50GB``, ``99.9%``, ``0 3 * * 1``.

Each type parses one string form, refuses anything else with ``ValueError``, and carries the JSON Schema
that says the same to an editor. ``str`` writes a form that parses to an equal value.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import total_ordering
from typing import Any, ClassVar, Self

_DURATION_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_SIZE_UNITS = {
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "PB": 10**15,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
_CRON_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_CRON_NAMED = {"hourly": "0 * * * *", "daily": "0 3 * * *", "weekly": "0 3 * * 1", "monthly": "0 3 1 * *"}
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


class Quantity:
    """A frozen value in one slot. Not a dataclass: msgspec would read those as mappings, never as text."""

    __slots__: tuple[str, ...] = ()
    SCHEMA: ClassVar[dict[str, Any]]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``text``; raises ``ValueError`` for any other form."""
        raise NotImplementedError

    def _key(self) -> Any:
        (slot,) = self.__slots__
        return getattr(self, slot)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash((type(self), self._key()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._key()!r})"

    def __reduce__(self) -> tuple[type[Self], tuple[Any]]:
        return type(self), (self._key(),)


@total_ordering
class Ordered(Quantity):
    """A quantity that can be compared with others of its type."""

    __slots__ = ()

    def __lt__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return bool(self._key() < other._key())


class Duration(Ordered):
    """A length of time written as a whole number and one unit: s, m, h, d, w or y (365 days)."""

    __slots__ = ("seconds",)
    seconds: int
    SCHEMA: ClassVar[dict[str, Any]] = {
        "type": "string",
        "pattern": "^[0-9]+(s|m|h|d|w|y)$",
        "x-expects": "a duration such as 10m, 24h or 400d",
        "examples": ["10m", "24h", "400d"],
    }

    def __init__(self, seconds: int) -> None:
        object.__setattr__(self, "seconds", seconds)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``text``; raises ``ValueError`` for any other form."""
        match = re.fullmatch(r"([0-9]+)(s|m|h|d|w|y)", text)
        if match is None:
            raise ValueError(f"{text!r} is not a duration such as 10m, 24h or 400d")
        return cls(int(match[1]) * _DURATION_UNITS[match[2]])

    @property
    def minutes(self) -> int:
        """Whole minutes, rounded up."""
        return -(-self.seconds // 60)

    @property
    def hours(self) -> int:
        """Whole hours, rounded up."""
        return -(-self.seconds // 3600)

    @property
    def days(self) -> int:
        """Whole days, rounded up."""
        return -(-self.seconds // 86400)

    def __str__(self) -> str:
        for unit in ("w", "d", "h", "m"):
            if self.seconds and self.seconds % _DURATION_UNITS[unit] == 0:
                return f"{self.seconds // _DURATION_UNITS[unit]}{unit}"
        return f"{self.seconds}s"


class Size(Ordered):
    """An amount of data: a whole number with B, KB..PB (powers of 1000) or KiB..TiB (powers of 1024)."""

    __slots__ = ("bytes",)
    bytes: int
    SCHEMA: ClassVar[dict[str, Any]] = {
        "type": "string",
        "pattern": "^[0-9]+(B|[KMGTP]B|[KMGT]iB)$",
        "x-expects": "a size such as 50GB or 20GiB",
        "examples": ["50GB", "20GiB"],
    }

    def __init__(self, bytes: int) -> None:
        object.__setattr__(self, "bytes", bytes)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``text``; raises ``ValueError`` for any other form."""
        match = re.fullmatch(r"([0-9]+)(B|[KMGTP]B|[KMGT]iB)", text)
        if match is None:
            raise ValueError(f"{text!r} is not a size such as 50GB or 20GiB")
        return cls(int(match[1]) * _SIZE_UNITS[match[2]])

    @property
    def gibibytes(self) -> int:
        """Whole GiB, rounded up: the unit in which AWS sizes volumes."""
        return -(-self.bytes // 2**30)

    def __str__(self) -> str:
        exact = ((self.bytes // factor, unit) for unit, factor in _SIZE_UNITS.items() if self.bytes % factor == 0)
        number, unit = min(exact, key=lambda form: form[0])
        return f"{number}{unit}"


class Percent(Ordered):
    """A share of a whole, written with its sign: ``20%`` or ``99.9%``; 0 to 100."""

    __slots__ = ("value",)
    value: Decimal
    SCHEMA: ClassVar[dict[str, Any]] = {
        "type": "string",
        "pattern": "^(100(\\.0+)?|[0-9]{1,2}(\\.[0-9]+)?)%$",
        "x-expects": "a percentage from 0% to 100%, such as 20%",
        "examples": ["20%", "99.9%"],
    }

    def __init__(self, value: Decimal) -> None:
        object.__setattr__(self, "value", value)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``text``; raises ``ValueError`` for any other form or a share over 100%."""
        if re.fullmatch(r"(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)%", text) is None:
            raise ValueError(f"{text!r} is not a percentage from 0% to 100%, such as 20%")
        return cls(Decimal(text[:-1]))

    @property
    def whole(self) -> int:
        """The share as a whole number of percent, rounded down."""
        return int(self.value)

    @property
    def fraction(self) -> float:
        """The share as a number from 0.0 to 1.0."""
        return float(self.value / 100)

    def __str__(self) -> str:
        return f"{self.value:f}%"


class Cron(Quantity):
    """A schedule in UTC: five cron fields (minute hour day month weekday), or hourly, daily, weekly, monthly.

    Weekdays are 0 to 7 with Sunday at both ends, as in crontab(5).
    """

    __slots__ = ("expression",)
    expression: str
    SCHEMA: ClassVar[dict[str, Any]] = {
        "type": "string",
        "pattern": "^(hourly|daily|weekly|monthly|([0-9*/,-]+ ){4}[0-9*/,-]+)$",
        "x-expects": 'hourly, daily, weekly, monthly or five cron fields such as "0 3 * * 1"',
        "examples": ["daily", "0 3 * * 1"],
    }

    def __init__(self, expression: str) -> None:
        object.__setattr__(self, "expression", expression)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``text``; raises ``ValueError`` naming the field that is wrong."""
        expression = _CRON_NAMED.get(text, text)
        fields = expression.split(" ")
        if len(fields) != 5:
            raise ValueError(
                f'{text!r} is not a schedule: hourly, daily, weekly, monthly or five fields such as "0 3 * * 1"'
            )
        names = ("minute", "hour", "day of month", "month", "weekday")
        for name, value, (low, high) in zip(names, fields, _CRON_RANGES, strict=True):
            for item in value.split(","):
                _check_cron_item(text, name, item, low, high)
        return cls(expression)

    @property
    def aws(self) -> str:
        """The same schedule as an EventBridge ``cron(...)`` expression.

        EventBridge wants a ``?`` in one of the two day fields and counts weekdays by name; it cannot say
        "this day of month or that weekday", which ``parse`` accepts and this property refuses.
        Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html
        """
        minute, hour, day, month, weekday = self.expression.split(" ")
        if day != "*" and weekday != "*":
            raise ValueError(f"{self.expression!r} names both a day of month and a weekday; AWS takes only one")
        if weekday == "*":
            return f"cron({minute} {hour} {day} {month} ? *)"
        days = dict.fromkeys(day for item in weekday.split(",") for day in _aws_weekdays(item))
        return f"cron({minute} {hour} ? {month} {','.join(days)} *)"

    @property
    def is_subhourly(self) -> bool:
        """Whether it may run more than once in an hour."""
        return not self.expression.split(" ")[0].isdigit()

    @property
    def is_hourly(self) -> bool:
        """Whether it runs every hour of every day."""
        return self.expression.split(" ")[0].isdigit() and self.expression.split(" ")[1:] == ["*"] * 4

    def __str__(self) -> str:
        return self.expression


def _aws_weekdays(item: str) -> list[str]:
    """One item of a weekday field in AWS's names; listed day by day where a range would pass Sunday."""
    span, _, step = item.partition("/")
    if span == "*":
        return [_WEEKDAYS[day] for day in range(0, 7, int(step))]
    first, _, last = span.partition("-")
    if last and int(last) < 7 and not step:
        return [f"{_WEEKDAYS[int(first)]}-{_WEEKDAYS[int(last)]}"]
    end = int(last or (6 if step else first))
    return [_WEEKDAYS[day % 7] for day in range(int(first), end + 1, int(step or 1))]


def _check_cron_item(text: str, name: str, item: str, low: int, high: int) -> None:
    match = re.fullmatch(r"(\*|([0-9]+)(-([0-9]+))?)(/([0-9]+))?", item)
    if match is None:
        raise ValueError(f"{text!r}: {item!r} is not a valid {name}")
    start, end, step = match[2], match[4], match[6]
    numbers = [int(n) for n in (start, end) if n is not None]
    if any(not low <= n <= high for n in numbers) or (step is not None and int(step) == 0):
        raise ValueError(f"{text!r}: {name} {item!r} is outside {low}-{high}")
    if len(numbers) == 2 and numbers[0] > numbers[1]:
        raise ValueError(f"{text!r}: {name} range {item!r} runs backwards")


QUANTITIES: tuple[type[Quantity], ...] = (Duration, Size, Percent, Cron)
"""Every quantity type; schema generation and decoding go through this tuple."""
