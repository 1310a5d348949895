"""``prices update``: price lists shaped as AWS documents them, served on loopback, put into a copy of the table."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mlops_iac.cli import prices
from mlops_iac.cli.main import cli
from mlops_iac.cost.offers import BadPriceListError, merged, offers, rates
from mlops_iac.cost.table import PRICES, PriceTable

HEADER = (
    '"SKU","TermType","StartingRange","Unit","PricePerUnit","Currency","Instance Type","usageType",'
    '"Operating System","Tenancy","CapacityStatus","Pre Installed S/W","License Model","Database Engine","Cache Engine"\n'
)
LINUX = '"Linux","Shared","Used","NA","No License required","",""'


def price_list(offer: str, *rows: str) -> str:
    about = f'"FormatVersion","v1.0"\n"Disclaimer","x, y"\n"Publication Date","2026-11-20T10:00:00Z"\n"Version","1"\n"OfferCode","{offer}"\n'
    return about + HEADER + "".join(f"{row}\n" for row in rows)


EC2 = price_list(
    "AmazonEC2",
    f'"A","OnDemand","0","Hrs","7.5000000000","USD","g5.12xlarge","EU-BoxUsage:g5.12xlarge",{LINUX}',
    f'"B","Reserved","0","Hrs","1.0","USD","g5.12xlarge","EU-BoxUsage:g5.12xlarge",{LINUX}',
    '"C","OnDemand","0","Hrs","9.9","USD","g5.12xlarge","EU-BoxUsage:g5.12xlarge","Windows","Shared","Used","NA","No License required","",""',
    f'"D","OnDemand","0","Hrs","3.3","USD","x99.metal","EU-BoxUsage:x99.metal",{LINUX}',
    '"E","OnDemand","0","GB-Mo","0.0900000000","USD","","EU-EBS:VolumeUsage.gp3","","","","","","",""',
    '"F","OnDemand","0","Hrs","0.0500000000","USD","","EU-NatGateway-Hours","","","","","","",""',
)
EKS = price_list(
    "AmazonEKS",
    '"G","OnDemand","0","Hours","0.1000000000","USD","","EUW1-AmazonEKS-Hours:perCluster","","","","","","",""',
)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A copy of the package's table."""
    return Path(shutil.copytree(PRICES, tmp_path / "prices"))


@pytest.fixture
def lists() -> Iterator[tuple[dict[str, str], str]]:
    """Price lists by offer, and where they are served."""
    served: dict[str, str] = {"AmazonEC2": EC2, "AmazonEKS": EKS}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = self.path.split("/")
            served["asked"] = f"{served.get('asked', '')} {parts[4]}".strip()
            text = served.get(parts[4]) if parts[6:] == ["eu-west-1", "index.csv"] else None
            fault = served.pop(f"{parts[4]} fault", "")
            data = (text or "").encode()
            self.send_response(503 if fault == "busy" else 200 if text else 404)
            self.send_header("Content-Length", str(len(data)))
            if fault == "broken":
                data = data[: data.rindex(b"\n", 0, -1) + 1]
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield served, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def update(table: Path, url: str, *more: str) -> Result:
    where = ("--table", str(table), "--from", url, "--region", "eu-west-1")
    return CliRunner().invoke(cli, ["prices", "update", *where, *more])


def contents(table: Path) -> Mapping[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in table.glob("*.csv")}


def test_what_a_list_has_is_taken_and_the_rest_kept(table: Path, lists: tuple[dict[str, str], str]) -> None:
    before = contents(table)
    result = update(
        table, lists[1], "--service", "ec2", "--service", "ebs", "--service", "nat-gateway", "--service", "eks"
    )
    assert result.exit_code == 0, result.output
    assert "ec2 g5.12xlarge eu-west-1: 6.33167 -> 7.5" in result.stdout
    fresh = PriceTable(table)
    price = fresh.find("ec2", "g5.12xlarge", "eu-west-1")
    assert price is not None
    assert (price.usd, price.as_of, price.unit) == (7.5, "2026-11-20", "hour")
    assert "AWS Price List" in price.source
    for service, item, region in (
        ("ec2", "g5.12xlarge", "us-east-1"),
        ("ec2", "m6i.large", "eu-west-1"),
        ("ebs", "gp3-iops", "eu-west-1"),
    ):
        assert fresh.find(service, item, region) == PriceTable().find(service, item, region)
    assert fresh.find("ec2", "x99.metal", "eu-west-1") is None
    same = {name for name, text in contents(table).items() if text == before[name]}
    assert {"s3.csv", "kms.csv"} <= same
    seen: set[tuple[str, str]] = set()
    for line in (table / "ec2.csv").read_text(encoding="utf-8").splitlines()[1:]:
        item, _, source, *_ = line.split(",")
        assert (item, source) not in seen
        seen.add((item, source))
    assert update(table, lists[1], "--service", "ec2").stdout.startswith("2 prices read, 0 changed")


def test_a_dry_run_writes_nothing(table: Path, lists: tuple[dict[str, str], str]) -> None:
    before = contents(table)
    result = update(table, lists[1], "--service", "ec2", "--dry-run")
    assert "would change" in result.stdout
    assert contents(table) == before


def test_a_list_that_cannot_be_read_keeps_its_prices_and_is_told(
    table: Path, lists: tuple[dict[str, str], str]
) -> None:
    lists[0]["AmazonEKS"] = "<html>sign in first</html>"
    before = contents(table)
    result = update(table, lists[1])
    assert result.exit_code == 1
    assert "AmazonEKS in eu-west-1 keeps its prices" in result.stderr
    assert "AmazonSageMaker in eu-west-1 keeps its prices" in result.stderr
    assert PriceTable(table).find("ec2", "g5.12xlarge", "eu-west-1") != PriceTable().find(
        "ec2", "g5.12xlarge", "eu-west-1"
    )
    assert contents(table)["eks.csv"] == before["eks.csv"]
    assert list(table.glob("tmp*")) == []


@pytest.mark.parametrize("fault", ["busy", "broken"])
def test_what_a_moment_may_mend_is_tried_again(
    fault: str, table: Path, lists: tuple[dict[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prices, "_PAUSE_SECONDS", 0)
    lists[0]["AmazonEC2 fault"] = fault
    result = update(table, lists[1], "--service", "ec2", "--service", "nat-gateway")
    assert result.exit_code == 0, result.stderr
    assert lists[0]["asked"] == "AmazonEC2 AmazonEC2"
    assert "nat-gateway gateway eu-west-1" in result.stdout


def test_a_list_that_is_not_there_is_asked_for_once(table: Path, lists: tuple[dict[str, str], str]) -> None:
    del lists[0]["AmazonEKS"]
    assert update(table, lists[1], "--service", "eks").exit_code == 1
    assert lists[0]["asked"] == "AmazonEKS"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a,b\n",
        EC2.replace("AmazonEC2", "AmazonS3"),
        EC2.replace("2026-11-20", "soon"),
        EC2.replace("7.5000000000", "seven"),
    ],
)
def test_what_is_no_price_list_is_refused(text: str) -> None:
    with pytest.raises(BadPriceListError):
        list(rates("AmazonEC2", "eu-west-1", text.splitlines(keepends=True)))


def test_every_offer_names_items_that_the_table_has() -> None:
    for offer in offers():
        items = [
            line.partition(",")[0] for line in (PRICES / f"{offer.service}.csv").read_text("utf-8").splitlines()[1:]
        ]
        literal = offer.item.replace("{type}", "")
        assert any(literal in item for item in items), (offer.service, offer.item)


def test_nothing_read_changes_nothing() -> None:
    text = (PRICES / "ec2.csv").read_text(encoding="utf-8")
    assert merged(text, ()) == (text, ())
