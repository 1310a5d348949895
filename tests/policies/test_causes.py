"""A finding stands at the setting that decides, and what nobody wrote stands at the line that brought it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlops_iac.diagnostics import format_path
from mlops_iac.pipeline import request_at, run_phases
from mlops_iac.policies.checker import diagnostic_of
from mlops_iac.policies.registry import policies
from mlops_iac.spec.schema import system_schema
from mlops_iac.spec.system import Core

SYSTEM = """\
defaults:
  - env: prod
  - security: baseline
  - _self_
system: {name: fraud, owner: ml@example.com, purpose: scoring, tags: {cost-center: "1"}}
cloud: {region: eu-west-1, account: "111122223333"}
env: {log_retention: 30d}
buckets:
  raw:
    classification: confidential
    versioning: false
    access_log: false
  plain: {}
clusters:
  research:
    version: "1.33"
    public_access: [10.0.0.0/8]
    pools:
      system: {instance_type: m6i.large, min_nodes: 1, max_nodes: 3}
      gpu: {instance_type: g5.12xlarge, max_nodes: 90}
      other: {instance_type: x2idn.32xlarge, max_nodes: 3}
policies:
  packs: [aws-baseline, cost]
  allowed_instance_types: ["m6i.*", "g5.*"]
  max_gpu_nodes: 8
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Any]:
    folder = tmp_path_factory.mktemp("system")
    (folder / "system.yaml").write_text(SYSTEM, encoding="utf-8")
    run = run_phases(request_at(folder, today="2026-06-30"), until="check")
    return {(item.policy.id, format_path(item.resource.component)): diagnostic_of(item) for item in run.findings}


@pytest.mark.parametrize(
    ("rule", "component", "path", "place"),
    [
        ("s3-versioning-enabled", "buckets.raw", "buckets.raw.versioning", "system.yaml:11:5"),
        ("s3-access-logging", "buckets.raw", "buckets.raw.access_log", "system.yaml:12:5"),
        (
            "eks-gpu-nodegroup-tainted-and-bounded",
            "clusters.research",
            "clusters.research.pools.gpu.max_nodes",
            "system.yaml:20:41",
        ),
        (
            "cost-instance-allowlist",
            "clusters.research",
            "clusters.research.pools.other.instance_type",
            "system.yaml:21:15",
        ),
        ("log-group-retention-and-kms", "clusters.research", "env.log_retention", "system.yaml:7:7"),
        ("s3-object-lock-for-audit", "audit", "security.audit.object_lock", "system.yaml:3:15"),
    ],
)
def test_a_finding_stands_at_the_setting_that_decides(
    found: dict[tuple[str, str], Any], rule: str, component: str, path: str, place: str
) -> None:
    told = found[rule, component]

    assert (format_path(told.path), str(told.location)) == (path, place)
    assert path in told.hint


def test_what_the_package_sets_is_shown_beside_the_line_that_chose_it(found: dict[tuple[str, str], Any]) -> None:
    (related,) = found["s3-object-lock-for-audit", "audit"].related

    assert related[0] == "where security.audit.object_lock is set"
    assert str(related[1]).startswith("pkg:configs/security/baseline.yaml:")


def test_every_finding_has_a_line_of_the_users(found: dict[tuple[str, str], Any]) -> None:
    assert {str(told.location.file) for told in found.values()} == {"system.yaml"}


def test_a_group_chosen_on_the_command_line_is_shown_there(tmp_path: Path) -> None:
    (tmp_path / "system.yaml").write_text(SYSTEM.replace("env: {log_retention: 30d}\n", ""), encoding="utf-8")
    request = request_at(tmp_path, ("security=regulated", "env.log_retention=30d"), today="2026-06-30")
    run = run_phases(request, until="check")
    places = {item.policy.id: item.location for item in run.findings}

    place = places["log-group-retention-and-kms"]
    assert place is not None and (place.file, place.text) == ("override", "env.log_retention=30d")


@pytest.mark.parametrize("rule", [pytest.param(found, id=found.id) for found in policies().values() if found.settings])
def test_a_setting_exists(rule: Any) -> None:
    schema = system_schema()

    for setting in rule.settings:
        assert _known(schema, setting.split("."), schema), setting
        section = setting.partition(".")[0]
        assert section in Core.__struct_fields__ or section in schema["properties"]


def _known(schema: dict[str, Any], path: list[str], whole: dict[str, Any]) -> bool:
    """Whether a schema has a path; ``*`` stands for any name."""
    if "$ref" in schema:
        schema = {**schema, **whole["$defs"][schema["$ref"].rpartition("/")[2]]}
    if not path:
        return True
    parts = [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]
    if any(_known(part, path, whole) for part in (*parts, *(schema[key] for key in ("then", "else") if key in schema))):
        return True
    if path[0] == "*":
        inside = schema.get("additionalProperties")
        return isinstance(inside, dict) and _known(inside, path[1:], whole)
    inside = schema.get("properties", {}).get(path[0])
    return inside is not None and _known(inside, path[1:], whole)
