"""What an organisation sets reaches the rules: each parameter changes a verdict, and so does the environment."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.pipeline import Run, request_at, run_phases
from mlops_iac.policies.policy import Enforcement, Limits
from mlops_iac.spec.system import PoliciesSection

EXAMPLE = Path(__file__).parents[2] / "examples" / "fraud-detection"
SYSTEM = """\
defaults: [env: dev, security: baseline, _self_]
system: {name: fraud, owner: ml@example.com, purpose: scoring, tags: {cost-center: "1"}}
cloud: {region: eu-west-1, account: "111122223333"}
buckets:
  raw: {access_log: false}
clusters:
  research:
    version: "1.33"
    pools:
      system: {instance_type: m6i.large, min_nodes: 1, max_nodes: 3}
      gpu: {instance_type: g5.12xlarge, max_nodes: 4}
images:
  training: {pull_accounts: ["444455556666"]}
tracking: {cluster: research}
policies:
  packs: [aws-baseline, kubernetes-baseline, cost]
"""
PARAMETERS = {
    "allowed_regions: [eu-central-1]": "gov-allowed-regions",
    "allowed_registries: [registry.example.com]": "image-pinned-and-allowed",
    'allowed_accounts: ["555566667777"]': "registry-policies-not-public",
    'allowed_instance_types: ["m6i.*"]': "cost-instance-allowlist",
    "max_gpu_nodes: 3": "eks-gpu-nodegroup-tainted-and-bounded",
    "min_log_retention: 800d": "log-group-retention-and-kms",
    "max_log_retention: 90d": "log-group-retention-and-kms",
    "required_tags: [cost-center, team]": "gov-required-tags",
}

IN_THE_EXAMPLE = {
    "max_endpoint_instances=5": "sagemaker-endpoint-autoscaling",
    "max_training_time=1h": "sagemaker-training-bounded-and-checkpointed",
}
"""Parameters of endpoints and trainings, which the small system has not."""


def checked(folder: Path, text: str, *overrides: str) -> Run:
    (folder / "system.yaml").write_text(SYSTEM + text, encoding="utf-8")
    return run_phases(request_at(folder, overrides, today="2026-06-30"), until="check")


def violated(run: Run) -> set[str]:
    return {finding.policy.id for finding in run.findings if finding.result.detail}


@pytest.mark.parametrize(("setting", "rule"), PARAMETERS.items())
def test_a_parameter_changes_a_verdict(tmp_path: Path, setting: str, rule: str) -> None:
    assert rule not in violated(checked(tmp_path, ""))
    assert rule in violated(checked(tmp_path, f"  {setting}\n"))


@pytest.mark.parametrize(("setting", "rule"), IN_THE_EXAMPLE.items())
def test_a_parameter_of_a_whole_system_changes_a_verdict(setting: str, rule: str) -> None:
    def run(*overrides: str) -> Run:
        return run_phases(
            request_at(EXAMPLE, ("env=prod", "policies.packs=[cost]", *overrides), today="2026-06-30"), until="check"
        )

    assert rule not in violated(run())
    assert rule in violated(run(f"+policies.{setting}"))


def test_every_limit_is_a_parameter_of_the_section_and_of_the_pack() -> None:
    pack = pytest.importorskip("mlops_iac.engines.pulumi.policy_pack")
    asked = {"environment", "riskClass", "owner", "purpose", "today"}

    assert len(pack.SCHEMA) - len(asked) == len(fields(Limits))
    named = [
        name for name in PoliciesSection.__struct_fields__ if name.startswith(("allowed_", "max_", "min_", "required_"))
    ]
    assert set(named) - {"max_waiver"} == {
        *("allowed_accounts", "allowed_instance_types", "allowed_regions", "allowed_registries"),
        *("max_endpoint_instances", "max_gpu_nodes", "max_log_retention", "max_training_time"),
        *("min_log_retention", "required_tags"),
    }
    assert len(named) - 1 == len(fields(Limits))
    tried = {setting.partition(":")[0] for setting in PARAMETERS}
    assert tried | {setting.partition("=")[0] for setting in IN_THE_EXAMPLE} == set(named) - {"max_waiver"}


LEVELS = "  enforcement: {s3-access-logging: mandatory}\n  enforcement_in: {dev: {s3-access-logging: 'off'}, prod: {s3-access-logging: advisory}}\n"


@pytest.mark.parametrize(
    ("environment", "expected"), [("dev", None), ("staging", Enforcement.MANDATORY), ("prod", Enforcement.ADVISORY)]
)
def test_a_rule_is_enforced_as_its_environment_says(
    tmp_path: Path, environment: str, expected: Enforcement | None
) -> None:
    run = checked(tmp_path, LEVELS, f"env={environment}")
    found = next((f.enforcement for f in run.findings if f.policy.id == "s3-access-logging"), None)

    assert found is expected


def test_a_rule_that_does_not_exist_is_told_in_its_environment(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticsError) as caught:
        checked(tmp_path, "  enforcement_in: {prod: {s3-acces-logging: advisory}}\n")

    (problem,) = caught.value.diagnostics
    assert problem.code == "MI5002" and "s3-access-logging" in problem.hint
    assert problem.location is not None and problem.location.line == 17


@pytest.mark.parametrize(
    ("declared", "broken"),
    [
        ("{}", set()),
        ("{requires: [sbom]}", set()),
        ("{scan: false}", {"ecr-scan-on-push", "ecr-image-requirements"}),
        ("{scan: false, requires: [signature]}", {"ecr-scan-on-push", "ecr-image-requirements"}),
        ("{scan: false, requires: [sbom]}", {"ecr-scan-on-push"}),
    ],
)
def test_image_repositories_ask_for_a_scan_or_a_bill_of_materials(
    tmp_path: Path, declared: str, broken: set[str]
) -> None:
    run = checked(tmp_path, "", f"+images.extra={declared}".replace(": ", ":"))
    found = {f.policy.id: f.location for f in run.findings if f.policy.id.startswith("ecr-") and "extra" in f.path}

    assert set(found) == broken and run.refused is bool(broken)
