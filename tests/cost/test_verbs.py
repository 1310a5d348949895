"""The verbs ``cost`` and ``prices`` as people and programs meet them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from mlops_iac.cli.main import cli

from .conftest import EXAMPLE

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "cost.schema.json").read_text(encoding="utf-8"))
POOL = "clusters.research.pools.a10g.instance_type"


def run(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(cli, list(arguments), prog_name="mlops-iac")


def document(*arguments: str) -> dict[str, Any]:
    result = run("cost", "-C", str(EXAMPLE), "--format", "json", *arguments)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    return found


def undescribed(schema: Any, path: str) -> Iterator[str]:
    if isinstance(schema, dict):
        for name, value in schema.get("properties", {}).items():
            if "description" not in value and "$ref" not in value:
                yield f"{path}.{name}"
        for name, value in schema.items():
            yield from undescribed(value, f"{path}.{name}")
    elif isinstance(schema, list):
        for index, value in enumerate(schema):
            yield from undescribed(value, f"{path}[{index}]")


def test_the_schema_is_valid_and_describes_every_property() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert list(undescribed(SCHEMA, "")) == []


@pytest.mark.parametrize("arguments", [(), ("--details",), ("env=prod",), ("--against", "HEAD")])
def test_text_fits_eighty_columns(arguments: tuple[str, ...]) -> None:
    result = run("cost", "-C", str(EXAMPLE), *arguments)
    assert result.exit_code == 0, result.output
    assert max(map(len, result.stdout.splitlines())) <= 80
    for stage in ("data", "training", "serving", "monitoring", "network", "platform", "total"):
        assert any(line.startswith(stage) for line in result.stdout.splitlines())
    assert "Not known, and not counted" in result.stdout


def test_details_show_quantities_prices_and_what_is_derived() -> None:
    text = " ".join(run("cost", "-C", str(EXAMPLE), "--details").stdout.split())
    assert "instances of ml.c6i.xlarge: 1,460 to 14,600 hour x $0.21888 (2 to 20 instances x 730 h)" in text
    assert "derived: SageMaker Hosting price of the same type" in text


def test_json_fits_its_schema_and_keeps_sources() -> None:
    found = document()
    assert found["kind"] == "cost"
    prices = [charge["floor"]["price"] for item in found["resources"] for charge in item["charges"]]
    assert all(price["source"] and price["asOf"] for price in prices)
    assert next(item["free"] for item in found["resources"] if item["type"] == "aws:iam/role:Role") == "IAM is free"


def test_the_difference_to_a_git_ref(tmp_path: Path) -> None:
    folder = tmp_path / "system"
    folder.mkdir()
    text = (EXAMPLE.parent / "fraud-detection" / "system.yaml").read_text(encoding="utf-8")
    (folder / "system.yaml").write_text(text, encoding="utf-8")
    (folder / "steps").mkdir()
    for step in (EXAMPLE / "steps").glob("*.py"):
        (folder / "steps" / step.name).write_text(step.read_text(encoding="utf-8"), encoding="utf-8")
    git = ("git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-C", str(folder))
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *command], check=True)
    (folder / "system.yaml").write_text(text.replace("max: 20,", "max: 30,").replace("0 3 * * 1", "0 3 * * *"), "utf-8")
    result = run("cost", "-C", str(folder), "--against", "HEAD", "--format", "json")
    found = json.loads(result.stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    changes = {change["name"]: change for change in found["difference"]["changes"]}
    assert changes["fraud-api.endpoint"]["ceiling"] == pytest.approx(10 * 730 * 0.21888, abs=0.01)
    assert changes["train-fraud.pipeline"]["floor"] > 0
    assert found["difference"]["against"].startswith("HEAD (")
    text = run("cost", "-C", str(folder), "--against", "HEAD").stdout
    assert "~ fraud-api.endpoint" in text
    markdown = run("cost", "-C", str(folder), "--against", "HEAD", "--format", "markdown").stdout
    assert "| serving |" in markdown
    assert "`fraud-api.endpoint` (aws:sagemaker:Endpoint) changed: 0.00 to +1,597.82 USD" in markdown


def test_markdown_names_what_is_unknown_and_folds_the_resources() -> None:
    text = run("cost", "-C", str(EXAMPLE), "--format", "markdown").stdout
    assert "Not known and not counted:" in text
    assert text.count("<details>") == text.count("</details>") == 1


def test_variants_side_by_side() -> None:
    result = run("cost", "-C", str(EXAMPLE), "-m", f"{POOL}=g5.12xlarge,g6.12xlarge,p4d.24xlarge")
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.stdout.splitlines()]
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert rows[2] == [POOL, "floor", "ceiling"]
    assert [row[0] for row in rows[3:6]] == ["g5.12xlarge", "g6.12xlarge", "p4d.24xlarge"]
    assert rows[4][2].endswith("+?")
    assert "Not known, and not counted, with g6.12xlarge" in result.stdout


def test_variants_of_several_keys_as_json() -> None:
    found = document("-m", f"{POOL}=g5.12xlarge,g5.48xlarge", "-m", "env=dev,prod")
    assert [each["overrides"] for each in found["variants"]] == [
        [f"{POOL}=g5.12xlarge", "env=dev"],
        [f"{POOL}=g5.12xlarge", "env=prod"],
        [f"{POOL}=g5.48xlarge", "env=dev"],
        [f"{POOL}=g5.48xlarge", "env=prod"],
    ]


@pytest.mark.parametrize(
    "arguments",
    [("-m", "env"), ("-m", "env=dev,prod", "--against", "HEAD"), ("-m", "env=dev,prod", "--format", "markdown")],
)
def test_a_wrong_command_line_says_so(arguments: tuple[str, ...]) -> None:
    result = run("cost", "-C", str(EXAMPLE), *arguments)
    assert result.exit_code == 1
    assert "Error" in result.output


def test_a_variant_that_is_wrong_is_a_located_error() -> None:
    result = run("cost", "-C", str(EXAMPLE), "-m", f"{POOL}=g5.12xlarge,g99.nothing")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"variant {POOL}=g99.nothing\n")
    assert "error MI" in result.stderr


def test_a_budget_that_is_too_small_is_a_warning() -> None:
    result = run("cost", "-C", str(EXAMPLE), "budget.monthly_usd=100")
    assert result.exit_code == 0
    assert "warning MI6500" in result.stdout


def test_prices_show_dates_age_regions_and_sources() -> None:
    text = run("prices").stdout
    assert "days old" in text
    assert "Regions: eu-central-1, eu-north-1, eu-west-1" in text
    assert max(map(len, text.splitlines())) <= 140
    found = json.loads(run("prices", "--format", "json").stdout)
    assert found["kind"] == "prices"
    assert sum(each["prices"] for each in found["services"]) > 5000
    assert all(each["title"] for each in found["sources"])
