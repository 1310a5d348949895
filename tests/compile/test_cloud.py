"""What ``cloud`` says reaches every provider of every layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.pipeline import request_at, run_phases

SYSTEM = Path(__file__).parents[2] / "examples" / "fraud-detection"
ROLE = "arn:aws:iam::111122223333:role/deploy"


def providers(*overrides: str) -> dict[tuple[str, str], Any]:
    graph = run_phases(request_at(SYSTEM, overrides), until="compile").graph
    assert graph is not None
    found = (node for node in graph.nodes() if node.type.startswith("pulumi:providers:aws"))
    return {(node.key.layer, node.type.rpartition(":")[2]): dict(node.inputs) for node in found}


def test_every_provider_has_the_region_and_refuses_another_account() -> None:
    found = providers()
    assert len(found) == 7
    assert all(inputs == {"region": "eu-west-1", "allowedAccountIds": ["111122223333"]} for inputs in found.values())


def test_a_role_and_default_tags_reach_both_providers_in_their_own_words() -> None:
    found = providers(
        f"+cloud.assume_role.role_arn={ROLE}", "+cloud.assume_role.external_id=x1", "+cloud.default_tags.team=risk"
    )
    role = {"roleArn": ROLE, "externalId": "x1", "sessionName": "mlops-iac"}
    for (_, package), inputs in found.items():
        assert inputs["defaultTags"] == {"tags": {"team": "risk"}}
        assert inputs.get("assumeRoles") == (None if package == "aws-native" else [role])
        assert inputs.get("assumeRole") == (role if package == "aws-native" else None)


def test_what_is_no_role_is_refused() -> None:
    with pytest.raises(DiagnosticsError, match="ARN of an IAM role"):
        providers("+cloud.assume_role.role_arn=deploy")
