"""Two environments of one system: keys with both origins, the allowlist, resources without what differs by design."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mlops_iac.pipeline import request_at, run_phases
from mlops_iac.plan.promotion import KeyDifference, Promotion, Side, compare_environments

from .edits import EXAMPLE

PROD = """\
defaults: [prod, _self_]
min_endpoint_instances: 4
"""


def side(folder: Path, *overrides: str) -> Side:
    run = run_phases(request_at(folder, overrides), until="compile")
    assert run.composition is not None
    assert run.system is not None
    assert run.graph is not None
    return Side(run.composition, run.system, run.graph)


def compared(folder: Path, before: tuple[str, ...], after: tuple[str, ...]) -> Promotion:
    return compare_environments(side(folder, *before), side(folder, *after))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_an_environment_is_like_itself(folder: Path) -> None:
    found = compared(folder, ("env=prod",), ("env=prod",))
    assert (found.keys, found.components, found.unexpected) == ((), (), ())


def test_dev_and_prod_differ_only_as_they_may(folder: Path) -> None:
    found = compared(folder, ("env=dev",), ("env=prod",))
    assert found.unexpected == ()
    assert [key.path for key in found.keys] == [
        "env.approval",
        "env.backup_retention",
        "env.deletion_window",
        "env.force_destroy",
        "env.gates",
        "env.min_endpoint_instances",
        "env.multi_az",
        "env.name",
        "env.protect_data",
    ]
    (window,) = [key for key in found.keys if key.path == "env.deletion_window"]
    assert window == KeyDifference(
        "env.deletion_window",
        "7d",
        "30d",
        "pkg:configs/env/dev.yaml:18 (env=dev)",
        "pkg:configs/env/prod.yaml:18 (env=prod)",
        "env.*",
    )
    properties = {
        (resource.name, change.path): (change.old, change.new)
        for component in found.components
        for resource in component.changed
        for change in resource.properties
    }
    assert properties["keys.internal-key", "deletionWindowInDays"] == (7, 30)
    assert properties["tracking.server", "spec.replicas"] == (1, 2)
    assert properties["raw.bucket", "(protect)"] == (False, True)
    assert not [path for _, path in properties if path in ("name", "bucket", "tags.environment")]
    assert not any({"dev", "prod"} & {old, new} for old, new in properties.values() if isinstance(old, str))


def test_overrides_files_and_what_only_one_side_sets(folder: Path) -> None:
    (folder / "env").mkdir()
    (folder / "env" / "prod.yaml").write_text(PROD)
    found = compared(
        folder,
        ("env=prod", "+buckets.raw.access_log=false"),
        ("env=prod", "pipelines.train-fraud.steps.train.instances=4"),
    )
    text = (folder / "system.yaml").read_text().splitlines()
    line = next(number for number, row in enumerate(text, 1) if "instances: 2" in row)
    assert [(key.path, key.before_origin, key.after_origin, key.allowed) for key in found.keys] == [
        ("buckets.raw.access_log", "override +buckets.raw.access_log=false", None, ""),
        (
            "pipelines.train-fraud.steps.train.instances",
            f"system.yaml:{line}",
            "override pipelines.train-fraud.steps.train.instances=4",
            "*.instances",
        ),
    ]
    assert [key.path for key in found.unexpected] == ["buckets.raw.access_log"]
    (raw,) = [item for item in found.components if item.component == "buckets.raw"]
    assert (raw.only_before, raw.only_after, raw.changed) == ((), ("raw.access-log",), ())
    assert "1 should not: buckets.raw.access_log" in " ".join(found.carries)


def test_the_allowlist_is_the_systems_own(folder: Path) -> None:
    allow = '++promotion.may_differ=["buckets.*"]'
    found = compared(folder, (allow, "env=dev"), (allow, "env=staging", "buckets.raw.keep=500d"))
    (keep,) = [key for key in found.keys if key.path == "buckets.raw.keep"]
    assert keep.allowed == "buckets.*"
    assert {key.path.partition(".")[0] for key in found.unexpected} == {"env"}


def test_components_of_one_side_alone_and_what_is_carried(folder: Path) -> None:
    found = compared(folder, ("env=dev",), ("env=prod", "~tracking", "+models.fraud-scorer.released.staging=2"))
    assert "prod lacks tracking" in found.carries
    assert "model fraud-scorer: prod version 1, staging version 2" in found.carries
    assert "two people have to approve a deployment to prod" in found.carries
    assert "prod refuses changes by its gates: no_data_loss, no_public_exposure, within_budget" in found.carries
