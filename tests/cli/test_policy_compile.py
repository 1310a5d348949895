"""``policy compile``: the rules for an API server, of a system or of packs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import Run

EXAMPLE = Path(__file__).parents[2] / "examples" / "fraud-detection"
CLUSTER = """
clusters:
  {name}:
    version: "1.35"
    pools: {{system: {{instance_type: m6i.large, min_nodes: 2, max_nodes: 4}}}}
"""


def objects(text: str) -> dict[str, dict[str, dict[str, Any]]]:
    """Objects by kind and rule."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for item in yaml.safe_load_all(text):
        found.setdefault(item["kind"], {})[item["metadata"]["name"].partition(".")[0]] = item
    return found


def actions(found: dict[str, dict[str, dict[str, Any]]], rule: str) -> list[str]:
    answer: list[str] = found["ValidatingAdmissionPolicyBinding"][rule]["spec"]["validationActions"]
    return answer


def test_packs_are_compiled_without_a_system(run: Run) -> None:
    done = run("policy", "compile", "--to", "kubernetes", "--pack", "kubernetes-restricted")

    assert done.exit_code == 0, done.stderr
    found = objects(done.stdout)
    assert found["ValidatingAdmissionPolicy"].keys() == found["ValidatingAdmissionPolicyBinding"].keys()
    assert {"k8s-no-privileged", "image-pinned-and-allowed"} <= found["ValidatingAdmissionPolicy"].keys()
    assert actions(found, "k8s-no-privileged") == ["Deny"]
    assert actions(found, "k8s-volumes-and-root-fs") == ["Warn", "Audit"]


def test_a_system_has_its_own_enforcement_limits_waivers_and_exempt_charts(run: Run) -> None:
    overrides = (
        "env=prod",
        "+policies.allowed_registries=[registry.example.com/ml]",
        "+policies.unjudged_namespaces=[amazon-guardduty]",
        "+policies.enforcement={k8s-no-privileged: advisory, k8s-job-bounded: mandatory, k8s-resources-set: 'off'}",
        "policies.waivers=[{rule: k8s-non-root-no-escalation, resource: tracking, owner: a@example.com, reason: x, "
        "expires: '2099-01-01'}]",
    )
    done = run("policy", "compile", "--to", "kubernetes", "-C", str(EXAMPLE), *overrides)

    assert done.exit_code == 0, done.stderr
    found = objects(done.stdout)
    assert actions(found, "k8s-no-privileged") == ["Warn", "Audit"]
    assert actions(found, "k8s-job-bounded") == ["Deny"]
    assert "k8s-resources-set" not in found["ValidatingAdmissionPolicy"]
    images = found["ValidatingAdmissionPolicy"]["image-pinned-and-allowed"]["spec"]
    assert "registry.example.com/ml/" in str(images["validations"])
    conditions = found["ValidatingAdmissionPolicy"]["k8s-non-root-no-escalation"]["spec"]["matchConditions"]
    (waived,) = [item["expression"] for item in conditions if item["name"] == "not-waived"]
    assert '"mlflow"' in waived and '"tracking"' in waived
    others = found["ValidatingAdmissionPolicy"]["k8s-no-host-access"]["spec"]["matchConditions"]
    assert "not-waived" not in {item["name"] for item in others}
    selector = found["ValidatingAdmissionPolicyBinding"]["k8s-no-host-access"]["spec"]["matchResources"]
    (spared,) = selector["namespaceSelector"]["matchExpressions"]
    assert spared["operator"] == "NotIn"
    assert {"kube-system", "kueue-system", "cluster-autoscaler", "amazon-guardduty"} <= set(spared["values"])
    assert "tracking" not in spared["values"]


def test_a_system_without_clusters_gets_the_rules_of_its_packs(run: Run, system: Path) -> None:
    with (system / "system.yaml").open("a", encoding="utf-8") as file:
        file.write("policies: {packs: [kubernetes-baseline]}\n")
    done = run("policy", "compile", "--to", "kubernetes", "-C", str(system))

    assert "k8s-no-privileged.small" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--pack", "kubernetes-restrictd"), "Did you mean 'kubernetes-restricted'?"),
        (("--pack", "cost", "env=prod"), "leave --cluster and overrides out"),
        (("-C", str(EXAMPLE), "--cluster", "nowhere"), "it has research"),
    ],
    ids=["pack", "both", "cluster"],
)
def test_a_wrong_choice_is_explained(arguments: tuple[str, ...], told: str, run: Run) -> None:
    done = run("policy", "compile", "--to", "kubernetes", *arguments)

    assert done.exit_code == 1
    assert told in done.stderr


def test_several_clusters_have_to_be_told_apart(run: Run, system: Path) -> None:
    with (system / "system.yaml").open("a", encoding="utf-8") as file:
        second = CLUSTER.format(name="b").replace("\nclusters:\n", "")
        file.write(CLUSTER.format(name="a") + second + "policies: {packs: [kubernetes-baseline]}\n")
    done = run("policy", "compile", "--to", "kubernetes", "-C", str(system))
    assert done.exit_code == 1
    assert "--cluster: a, b" in done.stderr
    chosen = run("policy", "compile", "--to", "kubernetes", "-C", str(system), "--cluster", "b")
    assert chosen.exit_code == 0 and "k8s-no-privileged.small" in chosen.stdout
