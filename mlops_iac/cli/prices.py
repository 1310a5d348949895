"""``mlops-iac prices``: what the price table has and how old it is; ``prices update`` refreshes it."""

from __future__ import annotations

import http.client
import io
import os
import sys
import tempfile
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from mlops_iac.cli.options import EXIT_FAILURE, format_option, guarded
from mlops_iac.cli.printing import write
from mlops_iac.cost.offers import BadPriceListError, Difference, Rate, merged, offers, rates, with_source
from mlops_iac.cost.table import PRICES, PriceTable
from mlops_iac.render import cost, json
from mlops_iac.render.page import page_for

_PUBLIC: Final = "https://pricing.us-east-1.amazonaws.com"
_TIMEOUT_SECONDS: Final = 60
_ATTEMPTS: Final = 3
_PAUSE_SECONDS = 2.0
"""Before the second attempt; the third waits twice as long."""


@click.group(invoke_without_command=True, short_help="Show the price table and its sources.")
@format_option("text", "json")
@click.pass_context
@guarded
def command(context: click.Context, form: str) -> None:
    """Show the price table that estimates are made with: services, dates, regions and sources.

    \b
    Examples:
      mlops-iac prices --format json
      mlops-iac prices update --region eu-west-1 --dry-run
    """
    if context.invoked_subcommand is not None:
        return
    today = datetime.now(tz=UTC).date().isoformat()
    if form == "json":
        write(json.to_text(cost.prices_json(PriceTable(), today)))
    else:
        write(cost.prices_text(PriceTable(), today, page_for(sys.stdout)))


@command.command(short_help="Refresh the table from AWS's price lists.")
@click.option("--region", "regions", multiple=True, required=True, help="Region to read; give it again for more.")
@click.option(
    "--service",
    "services",
    multiple=True,
    type=click.Choice(sorted({offer.service for offer in offers()})),
    help="Service of the table to refresh.  [default: all that can be]",
)
@click.option("--dry-run", is_flag=True, help="Show what would change, and write nothing.")
@click.option(
    "--table",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=PRICES,
    metavar="DIR",
    help="Folder of the table.  [default: the package's own]",
)
@click.option("--from", "root", default=_PUBLIC, show_default=True, metavar="URL", help="Where the price lists are.")
@guarded
def update(regions: tuple[str, ...], services: tuple[str, ...], dry_run: bool, table: Path, root: str) -> None:
    """Read AWS's public price lists and put their prices into the table. Needs a network, and no account.

    Only items that the table has are refreshed. A list that cannot be read leaves its prices as they are, and the exit
    code is 1. Lists are large (EC2: hundreds of megabytes a region) and are read without being stored.

    \b
    Example:
      mlops-iac prices update --region eu-west-1 --service sagemaker-hosting
    """
    wanted = {offer.service for offer in offers()} & (set(services) or {offer.service for offer in offers()})
    found: list[Rate] = []
    failed: list[str] = []
    for name in sorted({offer.offer for offer in offers() if offer.service in wanted}):
        for region in regions:
            url = f"{root.rstrip('/')}/offers/v1.0/aws/{name}/current/{region}/index.csv"
            try:
                found += [rate for rate in _read(url, name, region) if rate.service in wanted]
            except (urllib.error.URLError, http.client.HTTPException, OSError, BadPriceListError, ValueError) as error:
                failed.append(f"{name} in {region} keeps its prices: {url}: {error}")
    texts, differences = _merged(table, found)
    for difference in differences:
        write(_line(difference))
    if not dry_run and differences:
        for path, text in texts.items():
            _replace(path, text)
    done = "would change" if dry_run else "changed"
    write(f"{len(found)} prices read, {len(differences)} {done}.\n")
    for text in failed:
        click.echo(text, err=True)
    sys.exit(EXIT_FAILURE if failed else 0)


def _read(url: str, offer: str, region: str) -> list[Rate]:
    """The rates of a list. What a moment may mend (a break in the middle, a server's fault) is tried again."""
    if not url.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise click.BadParameter(f"{url} is not an https address", param_hint="--from")
    tries = Retrying(
        stop=stop_after_attempt(_ATTEMPTS),
        wait=wait_exponential(multiplier=_PAUSE_SECONDS),
        retry=retry_if_exception(_may_pass),
        reraise=True,
    )
    return tries(_read_once, url, offer, region)


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, urllib.error.HTTPError):
        return error.code >= 500
    return isinstance(error, urllib.error.URLError | http.client.HTTPException | ConnectionError | TimeoutError)


def _read_once(url: str, offer: str, region: str) -> list[Rate]:
    with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
        found = list(rates(offer, region, io.TextIOWrapper(answer, encoding="utf-8", newline="")))
        # A list that breaks off between two rows reads like a shorter one.
        if answer.length:
            raise http.client.IncompleteRead(b"", answer.length)
        return found


def _merged(table: Path, found: list[Rate]) -> tuple[dict[Path, str], list[Difference]]:
    """The files that change, with their new text, and what changes in them."""
    texts: dict[Path, str] = {}
    differences: list[Difference] = []
    for service in sorted({rate.service for rate in found}):
        path = table / f"{service}.csv"
        if not path.is_file():
            continue
        old = path.read_text(encoding="utf-8")
        text, told = merged(old, (rate for rate in found if rate.service == service))
        if text != old:
            texts[path] = text
            differences += told
    sources = table / "sources.csv"
    if texts:
        # First, so that no price ever names a source that is not there.
        texts = {sources: with_source(sources.read_text(encoding="utf-8")), **texts}
    return texts, differences


def _line(difference: Difference) -> str:
    old = "not known" if difference.old is None else f"{difference.old:g}"
    return f"{difference.service} {difference.item} {difference.region}: {old} -> {difference.new:g}\n"


def _replace(path: Path, text: str) -> None:
    """Put a file in the place of another at once: a reader sees the old one or the new one."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).chmod(path.stat().st_mode)
    Path(file.name).replace(path)
