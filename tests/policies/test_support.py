"""The dates until which versions are supported are those that other packages know."""

from __future__ import annotations

import gzip
import json
import re
from importlib.resources import files
from typing import Any

import pytest

from mlops_iac.policies.support import supported

DATA: dict[str, Any] = json.loads(files("mlops_iac.policies").joinpath("data", "support.json").read_text("utf-8"))


def test_lambda_runtimes_end_when_cfn_lint_says_so() -> None:
    pytest.importorskip("cfnlint")
    theirs = json.loads(
        files("cfnlint").joinpath("data", "AdditionalSpecs", "LmbdRuntimeLifecycle.json").read_text("utf-8")
    )
    known = {name: facts["deprecated"] for name, facts in theirs.items() if facts["deprecated"]}

    assert DATA["lambda"]["ends"] == known, "renew data/support.json, and the version of cfn-lint in its source"


def test_every_notebook_platform_that_is_not_listed_is_one_of_amazon_linux_2023() -> None:
    pytest.importorskip("botocore")
    model = files("botocore").joinpath("data", "sagemaker", "2017-07-24", "service-2.json.gz").read_bytes()
    shape = json.loads(gzip.decompress(model))["shapes"]["PlatformIdentifier"]
    platforms = set(re.findall(r"notebook-[a-z0-9-]+", shape["pattern"]))

    assert len(platforms) > 4
    assert {name for name in platforms if not name.startswith("notebook-al2023-")} == DATA["notebook"]["ends"].keys()


@pytest.mark.parametrize("service", DATA)
def test_each_table_names_its_source_and_dates(service: str) -> None:
    assert "https://" in DATA[service]["source"]
    assert all(re.fullmatch(r"\d{4}-\d{2}-\d{2}", end) for end in DATA[service]["ends"].values())


def test_support_holds_on_its_last_day_and_where_nothing_is_known() -> None:
    assert supported("lambda", "python3.9", "2025-12-15")
    assert not supported("lambda", "python3.9", "2025-12-16")
    assert supported("lambda", "python3.99", "2099-01-01")
    assert supported("lambda", "python3.9", "")
