"""The roles of the CI jobs, judged by every rule of the catalogue: who gives out rules keeps to them."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest

from mlops_iac.delivery.registry import providers
from mlops_iac.pipeline import request_at, run_phases
from mlops_iac.policies.checker import verdicts
from mlops_iac.policies.policy import Enforcement, Verdict
from mlops_iac.policies.registry import policies
from mlops_iac.policies.views import view_graph

from .conftest import IDS, ROOT

TODAY = "2026-11-21"
WITH_ROLES = [name for name, provider in providers().items() if provider.identity is not None]


@pytest.mark.parametrize("environment", ["dev", "prod"])
@pytest.mark.parametrize("name", WITH_ROLES)
def test_no_rule_finds_fault_with_the_roles_of_a_provider(name: str, environment: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples" / "fraud-detection", tmp_path, dirs_exist_ok=True)
    identity = {key: value for key, value in asdict(IDS).items() if value}
    if name != "jenkins":
        del identity["issuer"]
        identity["project"] = "9d2a7e1c-1111-2222-3333-444455556666"
    delivery = {"provider": name, "repository": "acme/fraud", "identity": {**identity, "made_in": environment}}
    file = tmp_path / "system.yaml"
    text = re.sub("^delivery: .*$", lambda _: f"delivery: {json.dumps(delivery)}", file.read_text(), flags=re.MULTILINE)
    file.write_text(text)
    run = run_phases(request_at(tmp_path, (f"env={environment}",), today=TODAY), until="compile")
    assert run.graph is not None
    assert run.system is not None
    rules = dict.fromkeys(policies().values(), Enforcement.MANDATORY)
    found = [
        each
        for each in verdicts(view_graph(run.graph, run.system, TODAY), rules)
        if each.resource.component == ("delivery",)
    ]
    passed = {each.policy.id for each in found if each.result.verdict is Verdict.PASS}
    assert "iam-no-service-wildcards" in passed
    assert ("iam-oidc-claims-scoped" in passed) == (name != "jenkins"), "nobody else has a token of its own issuer"
    assert [f"{each.policy.id} {each.resource.name}" for each in found if each.result.verdict is Verdict.FAIL] == []
