"""``mlops-iac prices``: what the price table has, where it was read, and how old it is."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

from mlops_iac.cli.options import format_option, guarded
from mlops_iac.cli.printing import write
from mlops_iac.cost.table import PriceTable
from mlops_iac.render import cost, json
from mlops_iac.render.page import page_for


@click.command(short_help="Show the price table and its sources.")
@format_option("text", "json")
@guarded
def command(form: str) -> None:
    """Show the price table that estimates are made with: services, dates, regions and sources.

    \b
    Example:
      mlops-iac prices --format json
    """
    today = datetime.now(tz=UTC).date().isoformat()
    if form == "json":
        write(json.to_text(cost.prices_json(PriceTable(), today)))
    else:
        write(cost.prices_text(PriceTable(), today, page_for(sys.stdout)))
