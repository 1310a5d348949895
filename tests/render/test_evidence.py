"""Evidence as JSON, markdown and a page: the same bytes for the same input, and everything in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from mlops_iac.evidence.collect import LIMITS
from tests.render.test_html import Reader

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "fraud-detection"
STEM = "fraud-prod-2026-06-30"


def written(out: Path, seed: str, folder: Path = EXAMPLE, *more: str) -> dict[str, str]:
    """The files that a fresh process writes, by ending."""
    subprocess.run(
        [
            sys.executable,
            "-m",
            "mlops_iac",
            "policy",
            "evidence",
            "-C",
            folder,
            "env=prod",
            "--date",
            "2026-06-30",
            "--no-state",
            "--out",
            out,
            *more,
        ],
        env={**os.environ, "PYTHONHASHSEED": seed},
        check=True,
        capture_output=True,
    )
    return {file.suffix: file.read_text(encoding="utf-8") for file in out.iterdir()}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return written(tmp_path_factory.mktemp("evidence"), "1")


def test_the_same_input_gives_the_same_bytes(files: dict[str, str], tmp_path: Path) -> None:
    again = written(tmp_path, "2")

    assert sorted(again) == [".html", ".json", ".md"]
    assert again == files


def test_the_json_fits_its_schema(files: dict[str, str]) -> None:
    schema = json.loads((ROOT / "schemas" / "evidence.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    document = json.loads(files[".json"])

    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(document)
    assert document["date"] == str(date(2026, 6, 30))
    assert document["configuration"]["files"][0]["file"]


def test_every_form_says_what_it_does_not_prove(files: dict[str, str]) -> None:
    for limit in LIMITS:
        assert limit in json.loads(files[".json"])["notProved"]
        assert limit in files[".md"]
        assert limit.replace("'", "&#x27;") in files[".html"]


def test_the_page_is_well_formed_loads_nothing_and_its_links_lead_somewhere(files: dict[str, str]) -> None:
    page = files[".html"]
    addresses = Reader(page).addresses

    assert all(address.startswith("#") for address in addresses)
    assert [address for address in addresses if f'id="{address[1:]}"' not in page] == []
    assert " style=" not in page


def test_every_verdict_of_the_json_is_on_the_page(files: dict[str, str]) -> None:
    rules = json.loads(files[".json"])["rules"]

    for rule in rules:
        assert f'id="rule-{rule["id"]}"' in files[".html"]
    assert files[".html"].count('<span class="badge good">pass</span>') == sum(
        found["verdict"] == "pass" for rule in rules for found in rule["resources"]
    )


def test_a_violation_is_written_down_and_refused(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    (folder / "system.yaml").write_text(
        "defaults: [env: prod, security: baseline, _self_]\n"
        "system: {name: fraud, owner: ml@example.com, purpose: '<b>`x`|', tags: {cost-center: '1'}}\n"
        "cloud: {region: eu-west-1, account: '111122223333'}\n"
        "buckets:\n  raw: {versioning: false}\n"
        "policies: {packs: [aws-baseline]}\n",
        encoding="utf-8",
    )

    with pytest.raises(subprocess.CalledProcessError) as caught:
        written(tmp_path / "out", "1", folder)

    assert caught.value.returncode == 2
    document = json.loads((tmp_path / "out" / f"{STEM}.json").read_text(encoding="utf-8"))
    assert document["violations"] > 0
    page = (tmp_path / "out" / f"{STEM}.html").read_text(encoding="utf-8")
    assert "<b>" not in page
    Reader(page)
