"""Runs in a month of the schedules that people and components write."""

from __future__ import annotations

import pytest

from mlops_iac.cost.schedules import runs_per_month
from mlops_iac.spec.quantities import Cron


@pytest.mark.parametrize(
    ("expression", "runs"),
    [
        ("cron(0 * ? * * *)", 730),
        ("cron(0 3 * * ? *)", 730 / 24),
        ("cron(0 3 ? * MON *)", 730 / 24 / 7),
        ("cron(0 3 ? * MON-FRI *)", 5 * 730 / 24 / 7),
        ("cron(0 3 ? * SAT-SUN *)", 2 * 730 / 24 / 7),
        ("cron(0 3 ? * 2,4 *)", 2 * 730 / 24 / 7),
        ("cron(0 3 1 * ? *)", 1),
        ("cron(0 3 L * ? *)", 1),
        ("cron(0 3 ? * 2#1 *)", 1),
        ("cron(0 3 1,15 * ? *)", 2),
        ("cron(0/15 * * * ? *)", 4 * 730),
        ("cron(*/15 8-17 * * ? *)", 40 * 730 / 24),
        ("cron(0 3 1 JAN,JUL ? *)", 2 / 12),
        ("cron(0 3 1 */3 ? *)", 4 / 12),
        ("rate(1 hour)", 730),
        ("rate(6 hours)", 730 / 6),
        ("rate(1 day)", 730 / 24),
        ("rate(5 minutes)", 730 * 12),
    ],
)
def test_runs_in_a_month(expression: str, runs: float) -> None:
    assert runs_per_month(expression) == pytest.approx(runs)


@pytest.mark.parametrize("expression", ["", "NOW", "at(2026-01-01T00:00:00)", "rate(0 days)", "cron(0 3 * *)", "daily"])
def test_other_expressions_are_not_guessed_at(expression: str) -> None:
    assert runs_per_month(expression) is None


@pytest.mark.parametrize(
    ("text", "runs"),
    [("hourly", 730), ("daily", 730 / 24), ("weekly", 730 / 24 / 7), ("monthly", 1), ("0 3 * * 1", 730 / 168)],
)
def test_what_people_write_means_the_same_here(text: str, runs: float) -> None:
    assert runs_per_month(Cron.parse(text).aws) == pytest.approx(runs)
