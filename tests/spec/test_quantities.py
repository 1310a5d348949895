"""Quantities: what they read, what they refuse, and that text and value say the same."""

from __future__ import annotations

import copy
import pickle
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_iac.spec.quantities import QUANTITIES, Cron, Duration, Percent, Quantity, Size

WHOLE = st.integers(min_value=0, max_value=10**15)
SHARES = st.decimals(min_value=0, max_value=100, places=3).map(lambda value: Percent(abs(value)))


def cron_field(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    pair = st.tuples(number, number).map(lambda both: f"{min(both)}-{max(both)}")
    start = st.one_of(st.just("*"), number.map(str), pair)
    step = st.one_of(st.just(""), st.integers(1, 59).map(lambda value: f"/{value}"))
    return st.lists(st.tuples(start, step).map("".join), min_size=1, max_size=3).map(",".join)


CRONS = st.tuples(*map(cron_field, (0, 0, 1, 1, 0), (59, 23, 31, 12, 7))).map(" ".join)
QUANTITY = st.one_of(WHOLE.map(Duration), WHOLE.map(Size), SHARES, CRONS.map(Cron))


@given(QUANTITY)
def test_text_parses_to_an_equal_value(value: Quantity) -> None:
    again = type(value).parse(str(value))
    assert again == value
    assert hash(again) == hash(value)


@given(QUANTITY)
def test_written_text_fits_the_schema(value: Quantity) -> None:
    assert re.search(value.SCHEMA["pattern"], str(value))


@given(st.sampled_from(QUANTITIES), st.text(alphabet="0123456789smhdwyBKMGi%*/,- .", max_size=20))
def test_the_schema_refuses_nothing_that_parses(quantity: type[Quantity], text: str) -> None:
    try:
        quantity.parse(text)
    except ValueError:
        return
    assert re.search(quantity.SCHEMA["pattern"], text)


@pytest.mark.parametrize("quantity", QUANTITIES, ids=lambda quantity: quantity.__name__)
def test_examples_of_the_schema_parse(quantity: type[Quantity]) -> None:
    assert all(isinstance(quantity.parse(text), quantity) for text in quantity.SCHEMA["examples"])


@pytest.mark.parametrize(
    ("quantity", "text", "message"),
    [
        pytest.param(Duration, "10", "'10' is not a duration such as 10m, 24h or 400d", id="no unit"),
        pytest.param(Duration, "1.5h", "'1.5h' is not a duration such as 10m, 24h or 400d", id="fraction"),
        pytest.param(Duration, "10m\n", "'10m\\n' is not a duration such as 10m, 24h or 400d", id="line break"),
        pytest.param(Size, "50gb", "'50gb' is not a size such as 50GB or 20GiB", id="case"),
        pytest.param(Percent, "101%", "'101%' is not a percentage from 0% to 100%, such as 20%", id="over 100%"),
        pytest.param(Cron, "60 * * * *", "'60 * * * *': minute '60' is outside 0-59", id="minute"),
        pytest.param(Cron, "0 24 * * *", "'0 24 * * *': hour '24' is outside 0-23", id="hour"),
        pytest.param(Cron, "0 0 0 * *", "'0 0 0 * *': day of month '0' is outside 1-31", id="day"),
        pytest.param(Cron, "0 0 1 13 *", "'0 0 1 13 *': month '13' is outside 1-12", id="month"),
        pytest.param(Cron, "0 0 * * 8", "'0 0 * * 8': weekday '8' is outside 0-7", id="weekday"),
        pytest.param(Cron, "*/0 * * * *", "'*/0 * * * *': minute '*/0' is outside 0-59", id="step"),
        pytest.param(Cron, "5-1 * * * *", "'5-1 * * * *': minute range '5-1' runs backwards", id="backwards"),
        pytest.param(Cron, "0 0 * * MON", "'0 0 * * MON': 'MON' is not a valid weekday", id="name"),
    ],
)
def test_refused(quantity: type[Quantity], text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        quantity.parse(text)


@pytest.mark.parametrize(
    ("text", "aws"),
    [
        pytest.param("daily", "cron(0 3 * * ? *)", id="named"),
        pytest.param("*/15 8-18 * * 1-5", "cron(*/15 8-18 ? * MON-FRI *)", id="weekdays"),
        pytest.param("0 3 1 */2 *", "cron(0 3 1 */2 ? *)", id="day of month"),
        pytest.param("0 0 * * 0,7", "cron(0 0 ? * SUN *)", id="both Sundays"),
        pytest.param("0 0 * * 5-7", "cron(0 0 ? * FRI,SAT,SUN *)", id="range that ends on Sunday"),
        pytest.param("0 0 * * 1-5/2", "cron(0 0 ? * MON,WED,FRI *)", id="range with a step"),
        pytest.param("0 0 * * */3", "cron(0 0 ? * SUN,WED,SAT *)", id="every third weekday"),
    ],
)
def test_cron_for_aws(text: str, aws: str) -> None:
    assert Cron.parse(text).aws == aws


def test_cron_with_two_days_is_not_for_aws() -> None:
    with pytest.raises(ValueError, match="AWS takes only one"):
        _ = Cron.parse("0 0 1 * 1").aws


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("2w", Duration(14 * 86400), id="weeks"),
        pytest.param("1y", Duration(365 * 86400), id="years"),
        pytest.param("50GB", Size(50 * 10**9), id="powers of 1000"),
        pytest.param("20GiB", Size(20 * 2**30), id="powers of 1024"),
        pytest.param("99.9%", Percent(Decimal("99.9")), id="share"),
        pytest.param("hourly", Cron("0 * * * *"), id="schedule"),
    ],
)
def test_read(text: str, value: Quantity) -> None:
    assert type(value).parse(text) == value


def test_units_round_up_to_what_the_cloud_sells() -> None:
    assert (Duration(61).minutes, Duration(3601).hours, Duration(86401).days) == (2, 2, 2)
    assert Size(10**9).gibibytes == 1
    assert (Percent.parse("99.9%").whole, Percent.parse("20%").fraction) == (99, 0.2)


@given(QUANTITY)
def test_frozen_and_copied_by_value(value: Quantity) -> None:
    assert copy.deepcopy(value) == value == pickle.loads(pickle.dumps(value))
    with pytest.raises(AttributeError, match="is frozen"):
        value.anything = 1  # type: ignore[attr-defined]


def test_quantities_are_ordered_within_their_type() -> None:
    assert Duration(1) < Duration(2) <= Duration(2)
    assert Duration(1) != Size(1)
    with pytest.raises(TypeError):
        _ = Duration(1) < Size(2)  # type: ignore[operator]
