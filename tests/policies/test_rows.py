"""The catalogue and the packs agree with the rows that they were made from."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlops_iac.policies.policy import Enforcement
from mlops_iac.policies.registry import packs, policies, profiles
from mlops_iac.providers.facts import check_inputs, facts_of

ROWS = Path(__file__).parents[3] / "shared" / "policies.csv"
FRAMEWORK_PACKS = {
    "cost": "cost",
    "eu-ai-act": "eu-ai-act-high-risk",
    "gdpr": "gdpr",
    "hipaa": "hipaa",
    "ml-governance": "ml-governance",
    "nist-ai-rmf": "nist-ai-rmf",
    "reliability": "reliability",
}
BEYOND_THE_ROWS = {"ecr-image-requirements", "resource-policy-scoped"}
"""Rules that the rows lack: what images must come with, and the least privilege of policies on resources."""
needs_rows = pytest.mark.skipif(not ROWS.is_file(), reason="the rows are not part of the project")


def _rows() -> list[dict[str, str]]:
    with ROWS.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@needs_rows
def test_every_row_is_a_rule_with_its_severity_and_enforcement() -> None:
    rows = {row["name"]: (row["severity"], row["enforcement"]) for row in _rows()}

    ours = {p.id: (p.severity.value, p.enforcement.value) for p in policies().values() if p.id not in BEYOND_THE_ROWS}
    assert ours == rows


@needs_rows
@pytest.mark.parametrize(("framework", "pack"), FRAMEWORK_PACKS.items())
def test_a_pack_holds_the_rows_of_its_framework(framework: str, pack: str) -> None:
    rows = {row["name"] for row in _rows() if framework in {f.split(":")[0] for f in row["frameworks"].split(";")}}

    assert set(packs()[pack].rules) - BEYOND_THE_ROWS == rows


@needs_rows
def test_a_rule_names_the_controls_of_its_row() -> None:
    for row in _rows():
        controls = policies()[row["name"]].controls
        for framework in row["frameworks"].split(";"):
            name, _, control = framework.partition(":")
            if control:
                assert control in controls[name], row["name"]


@pytest.mark.parametrize(("framework", "pack"), FRAMEWORK_PACKS.items())
def test_a_rule_that_cites_a_framework_is_in_its_pack_and_the_other_way_round(framework: str, pack: str) -> None:
    citing = {policy.id for policy in policies().values() if framework in policy.controls}

    # Cost, reliability and ML governance are purposes of their own: nothing is cited for them.
    assert not citing or set(packs()[pack].rules) == citing


def test_packs_and_profiles_name_rules_that_exist() -> None:
    for pack in packs().values():
        assert set(pack.rules) <= set(policies()), pack.id
    for environment, relaxed in profiles().items():
        assert set(relaxed) <= set(policies()), environment


def test_every_rule_is_in_a_pack() -> None:
    assert set(policies()) == {rule for pack in packs().values() for rule in pack.rules}


def test_a_pack_has_the_rules_of_the_packs_that_it_includes() -> None:
    assert set(packs()["kubernetes-baseline"].rules) < set(packs()["kubernetes-restricted"].rules)


def test_a_profile_only_relaxes() -> None:
    assert {level for relaxed in profiles().values() for level in relaxed.values()} == {Enforcement.ADVISORY}
    for rule in profiles()["dev"]:
        assert policies()[rule].enforcement is Enforcement.MANDATORY, rule


@pytest.mark.parametrize("rule", policies())
def test_samples_use_properties_that_exist(rule: str) -> None:
    for sample in policies()[rule].samples:
        for resource in sample.resources:
            problems = check_inputs(resource.type, resource.inputs._data)
            outputs = "`tagsAll`"  # a pack sees it, though nobody sets it
            assert [p.message for p in problems if "missing" not in p.message and outputs not in p.message] == []


@pytest.mark.parametrize("rule", policies())
def test_a_rule_judges_types_that_exist_and_cites_a_page(rule: str) -> None:
    policy = policies()[rule]

    # The facts leave out a few built-in kinds of Kubernetes that nobody declares, such as ReplicaSet.
    assert all(token == "*" or token.startswith("kubernetes:") or facts_of(token) for token in policy.applies_to)
    assert policy.source_url.startswith("https://")
    assert policy.source_url.count("/") > 3


def test_importing_every_rule_is_quick() -> None:
    measure = (
        "import time, mlops_iac.policies.policy; from mlops_iac.policies import registry;"
        "start = time.process_time(); registry.policies(); print(time.process_time() - start)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    times = [
        float(subprocess.run([sys.executable, "-c", measure], capture_output=True, check=True, env=environment).stdout)
        for _ in range(4)
    ]
    assert min(times) < 0.12, "about 0.04 s on the machine that it was written on, with cached bytecode"
