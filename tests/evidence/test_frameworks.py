"""The lists of frameworks fit the rules: what a rule speaks for is in the list of a framework that has one."""

from __future__ import annotations

import pytest

from mlops_iac.evidence.frameworks import Framework, frameworks, frameworks_for
from mlops_iac.policies.registry import packs, policies

OTHER_TOOLS = {"aws-guard", "cdk-nag", "checkov", "prowler"}
"""Rules of other tools that ours name as relatives: no control of anybody."""
FRAMEWORKS = [pytest.param(found, id=found.id) for found in frameworks().values()]


def test_every_framework_that_a_rule_names_is_known() -> None:
    named = {framework for policy in policies().values() for framework in policy.controls}

    assert named == set(frameworks()) | OTHER_TOOLS


@pytest.mark.parametrize("framework", [found for found in FRAMEWORKS if found.values[0].controls])  # type: ignore[union-attr]
def test_a_list_of_its_own_has_every_control_that_a_rule_speaks_for(framework: Framework) -> None:
    listed = [control.id for control in framework.controls]
    spoken = {control for policy in policies().values() for control in policy.controls.get(framework.id, ())}

    assert spoken <= set(listed)
    assert set(listed) - spoken, "a framework that rules cover wholly would be a surprise"
    assert len(listed) == len(set(listed))
    assert all(control.title for control in framework.controls)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_framework_is_brought_by_packs_that_exist(framework: Framework) -> None:
    assert framework.packs
    assert set(framework.packs) <= set(packs())
    assert framework.source.startswith("https://")


@pytest.mark.parametrize(
    ("chosen", "regulations", "risk", "expected"),
    [
        ([], [], "minimal", []),
        ([], ["hipaa"], "minimal", ["hipaa"]),
        ([], [], "high", ["eu-ai-act"]),
        (["kubernetes-baseline", "gdpr"], [], "minimal", ["gdpr", "cis-eks", "pss-baseline"]),
    ],
)
def test_a_framework_matters_by_regulation_pack_or_risk(
    chosen: list[str], regulations: list[str], risk: str, expected: list[str]
) -> None:
    assert [found.id for found in frameworks_for(chosen, regulations, risk)] == expected


def test_the_risk_management_framework_is_listed_whole() -> None:
    functions = [control.id.partition("-")[0] for control in frameworks()["nist-ai-rmf"].controls]

    assert {name: functions.count(name) for name in functions} == {
        "GOVERN": 19,
        "MAP": 18,
        "MEASURE": 22,
        "MANAGE": 13,
    }
