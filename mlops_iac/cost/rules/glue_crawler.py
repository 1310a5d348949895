"""Glue crawlers: two DPU for each run, ten minutes at least.

Source: https://aws.amazon.com/glue/pricing/
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.cost.model import Entry, Free, Gap
from mlops_iac.cost.rule import Context, Rule
from mlops_iac.cost.schedules import runs_per_month
from mlops_iac.policies.policy import ResourceView

_DPU = 2
_SHORTEST_MINUTES = 10.0


def _price(resource: ResourceView, context: Context) -> Iterator[Entry]:
    schedule = resource.inputs.text("schedule")
    if not schedule:
        yield Free("has no schedule; runs that somebody starts are not counted")
        return
    runs = runs_per_month(schedule)
    if runs is None:
        yield Gap("runs", f"the schedule {schedule!r} is not understood")
        return
    minutes = max(context.assumed(resource, "crawl_minutes"), _SHORTEST_MINUTES)
    yield context.charge(
        "runs",
        "glue",
        "crawler",
        runs * _DPU * minutes / 60,
        basis=f"{runs:.1f} runs x {_DPU} DPU x {minutes:,.10g} min",
    )


RULES = (Rule(("aws:glue/crawler:Crawler",), "https://aws.amazon.com/glue/pricing/", _price),)
