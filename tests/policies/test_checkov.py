"""Checkov, as an independent judge of the Kubernetes rules, and every difference from it with its reason.

What it said is on record, since its pinned dependencies do not fit into ours. To ask it again:
``pipx install checkov`` (or ``uv tool install checkov``), then ``pytest tests/policies/test_checkov.py --update-golden``.
Source of the checks: https://www.checkov.io/5.Policy%20Index/kubernetes.html
"""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlops_iac.graph.evaluate import contains_unknown
from mlops_iac.pipeline import request_at, run_phases
from mlops_iac.policies.policy import ResourceView, StackView, SystemView, Verdict, view
from mlops_iac.policies.registry import policies

from .whole_objects import body_of, known

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "tests" / "golden" / "policies" / "checkov.json"
DIFFERENCES = Path(__file__).parent / "checkov_differences.csv"
PROD = SystemView(environment="prod")
SYSTEMS = {
    "fraud-detection": ROOT / "examples" / "fraud-detection",
    "gpu-plugin": Path(__file__).parent / "gpu_plugin_system",
}
CONTROLS = {
    policy.id: ids
    for policy in policies().values()
    if (ids := tuple(id for id in policy.controls.get("checkov", ()) if "_K8S_" in id))
}
"""Checkov's checks of the same thing, by our rule."""


@dataclass(frozen=True)
class Manifest:
    """Objects that are judged together; ``lonely`` where there is nothing around them, so graph checks say nothing."""

    name: str
    resources: tuple[ResourceView, ...]
    lonely: bool


def manifests() -> Iterator[Manifest]:
    """Every sample of our Kubernetes rules as whole objects, and what the systems put on their clusters."""
    for rule in CONTROLS:
        for index, sample in enumerate(policies()[rule].samples):
            first = sample.resources[0]
            if first.type.startswith("kubernetes:") and not contains_unknown(first.inputs._data):
                yield Manifest(f"{rule}-{index}", tuple(map(_whole, sample.resources)), True)
    for name, folder in SYSTEMS.items():
        run = run_phases(request_at(folder, ("env=prod",), "2026-11-26"), until="compile")
        assert run.graph is not None
        nodes = [node for node in run.graph.nodes() if node.type.startswith("kubernetes:") and "kind" in node.inputs]
        views = (view(f"urn:{node.key}", node.type, node.name, known(dict(node.inputs))) for node in nodes)
        yield Manifest(name, tuple(views), False)


def _whole(resource: ResourceView) -> ResourceView:
    return view(resource.urn, resource.type, resource.name, body_of(resource.type, resource.inputs._data))


def test_checkov_and_our_rules_agree_but_for_what_has_a_reason(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    every = list(manifests())
    if request.config.getoption("--update-golden"):
        _record(every, tmp_path)
    said: dict[str, dict[str, dict[str, list[str]]]] = json.loads(RECORD.read_text(encoding="utf-8"))["verdicts"]
    assert said.keys() == {manifest.name for manifest in every}, "record it anew: the samples have changed"
    reasons = _reasons()
    compared, found = 0, {}
    for manifest in every:
        stack = StackView(manifest.resources, PROD)
        for resource in manifest.resources:
            theirs = said[manifest.name].get(_name(resource))
            for rule, ids in CONTROLS.items() if theirs else ():
                told = _verdict(theirs or {}, ids)
                ours = policies()[rule].check(resource, stack).verdict
                if told is None or ours not in (Verdict.PASS, Verdict.FAIL):
                    continue
                compared += 1
                if (ours is Verdict.FAIL) is not bool(told):
                    found.setdefault((rule, ours.value, ";".join(told)), f"{manifest.name}: {_name(resource)}")
    assert compared > 500
    assert {key: place for key, place in found.items() if key not in reasons} == {}
    assert reasons.keys() - found.keys() == set(), "these differences are none any more"


def _verdict(theirs: dict[str, list[str]], ids: tuple[str, ...]) -> tuple[str, ...] | None:
    """Which of the checks failed; None where none of them has judged the object."""
    failed = tuple(id for id in ids if id in theirs["failed"])
    return failed if failed or any(id in theirs["passed"] for id in ids) else None


def _reasons() -> dict[tuple[str, str, str], str]:
    """Why we differ: by rule, our verdict, and the checks that failed."""
    with DIFFERENCES.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert all(row["reason"] for row in rows)
    return {(row["rule"], row["ours"], row["checkov_failed"]): row["reason"] for row in rows}


def _name(resource: ResourceView) -> str:
    data: dict[str, Any] = resource.inputs._data
    metadata = data.get("metadata", {})
    return f"{data['kind']}.{metadata.get('namespace', 'default')}.{metadata.get('name')}"


def _record(every: list[Manifest], folder: Path) -> None:
    checkov = shutil.which("checkov")
    if checkov is None:
        pytest.skip("checkov is not on PATH: its record stays as it is")
    for manifest in every:
        text = "---\n".join(yaml.safe_dump(dict(r.inputs._data), sort_keys=False) for r in manifest.resources)
        (folder / f"{manifest.name}.yaml").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [checkov, "-d", str(folder), "--framework", "kubernetes", "-o", "json", "--compact"],
        capture_output=True,
        text=True,
        check=False,
    )
    answer = json.loads(done.stdout)
    lonely = {manifest.name for manifest in every if manifest.lonely}
    verdicts: dict[str, dict[str, dict[str, list[str]]]] = {manifest.name: {} for manifest in every}
    for outcome in ("failed", "passed"):
        for item in answer["results"][f"{outcome}_checks"]:
            name = Path(item["file_path"]).stem
            graph_check = item["check_id"].startswith("CKV2_")
            if any(item["check_id"] in ids for ids in CONTROLS.values()) and not (graph_check and name in lonely):
                place = verdicts[name].setdefault(item["resource"], {"failed": [], "passed": []})
                place[outcome].append(item["check_id"])
    ordered = {
        name: {
            resource: {outcome: sorted(set(ids)) for outcome, ids in place.items()}
            for resource, place in sorted(places.items())
        }
        for name, places in sorted(verdicts.items())
    }
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    data = {"checkov": answer["summary"]["checkov_version"], "verdicts": ordered}
    RECORD.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def test_a_rule_of_ours_is_compared_with_every_check_that_it_names() -> None:
    """A control that judges none of our objects would be evidence of nothing."""
    said = json.loads(RECORD.read_text(encoding="utf-8"))["verdicts"]
    heard = {
        id
        for places in said.values()
        for place in places.values()
        for ids in (place["failed"], place["passed"])
        for id in ids
    }
    assert {id for ids in CONTROLS.values() for id in ids} - heard == NOT_HEARD.keys()


NOT_HEARD = dict.fromkeys(
    ("CKV2_K8S_2", "CKV2_K8S_3", "CKV2_K8S_5"),
    "they judge a role together with its binding, and none of the systems binds such a role",
)
"""Checks that say nothing of single manifests, and why."""
