"""Objects of the Pulumi Kubernetes Operator: as its CRDs want them, and as a real API server takes them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from mlops_iac.cli.main import cli
from mlops_iac.graph.forms.operator import OperatorOptions, operator_files
from mlops_iac.pipeline import request_at, run_phases

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "fraud-detection"
CRD = next(
    (
        found
        for above in ROOT.parents
        if (found := above / "shared" / "crds" / "pulumi-kubernetes-operator" / "pulumi.com_stacks.yaml").is_file()
    ),
    None,
)
ASSETS = os.environ.get("KUBEBUILDER_ASSETS")
needs_crd = pytest.mark.skipif(CRD is None, reason="../shared/crds/pulumi-kubernetes-operator is not here")
needs_server = pytest.mark.skipif(not ASSETS, reason="KUBEBUILDER_ASSETS names no etcd and kube-apiserver")
OPTIONS = OperatorOptions(
    repository="https://git.example.com/fraud.git",
    image="registry.example.com/pulumi-mlops@sha256:" + "0" * 64,
    backend="s3://fraud-state",
    secrets_provider="awskms://alias/pulumi",
    secrets={"PULUMI_CONFIG_PASSPHRASE": ("state", "passphrase")},
    overrides=("security=regulated",),
)


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    """The files of the example."""
    graph = run_phases(request_at(EXAMPLE, ("env=prod", "security=regulated")), "compile").graph
    assert graph is not None
    return operator_files(graph, OPTIONS)


def objects(files: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Every object but the kustomization."""
    for name, text in files.items():
        if name != "kustomization.yaml":
            yield from yaml.safe_load_all(text)


def closed(schema: Any) -> Any:
    """A structural schema that refuses what the API server would prune."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(value) for key, value in schema.items()}
    if "properties" in found and not found.get("x-kubernetes-preserve-unknown-fields"):
        found.setdefault("additionalProperties", False)
    return found


def test_a_layer_waits_for_those_whose_outputs_it_reads(files: dict[str, str]) -> None:
    stacks = {each["metadata"]["name"]: each["spec"] for each in objects(files) if each["kind"] == "Stack"}
    assert "prerequisites" not in stacks["fraud-foundation-prod"]
    serving = [other["name"] for other in stacks["fraud-serving-prod"]["prerequisites"]]
    assert {"fraud-foundation-prod", "fraud-data-prod"} <= set(serving)
    seen: set[str] = set()
    for name, spec in stacks.items():
        assert {other["name"] for other in spec.get("prerequisites", [])} <= seen
        seen.add(name)
    assert stacks["fraud-data-prod"]["repoDir"] == "stacks/data"
    assert stacks["fraud-data-prod"]["stack"] == "organization/fraud-data/prod"
    assert stacks["fraud-data-prod"]["config"] == {
        "fraud-data:environment": "prod",
        "fraud-data:overrides": ["security=regulated"],
    }


def test_every_file_is_applied(files: dict[str, str]) -> None:
    listed = yaml.safe_load(files["kustomization.yaml"])["resources"]
    assert set(listed) == set(files) - {"kustomization.yaml"}


@needs_crd
def test_every_stack_fits_the_operators_schema(files: dict[str, str]) -> None:
    assert CRD is not None
    definition = yaml.safe_load(CRD.read_text(encoding="utf-8"))
    schema = next(v for v in definition["spec"]["versions"] if v["name"] == "v1")["schema"]["openAPIV3Schema"]
    validator = Draft202012Validator(closed(schema["properties"]["spec"]))
    stacks = [each for each in objects(files) if each["kind"] == "Stack"]
    assert len(stacks) == 6
    for stack in stacks:
        assert not [f"{error.json_path}: {error.message}" for error in validator.iter_errors(stack["spec"])]
    broken = {**stacks[0]["spec"], "projectRepos": "x"}
    assert [error.validator for error in validator.iter_errors(broken)] == ["additionalProperties"]


@needs_crd
@needs_server
def test_a_real_api_server_takes_them(files: dict[str, str], tmp_path: Path) -> None:
    from mlops_iac.engines.local.kubernetes import server
    from mlops_iac.engines.local.provider import ProviderError

    assert CRD is not None
    strict = {"fieldManager": "test", "fieldValidation": "Strict"}
    cluster = server.start(tmp_path, Path(str(ASSETS)))
    try:
        definition = yaml.safe_load(CRD.read_text(encoding="utf-8"))
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        # Too large for the annotation of a client-side apply, and for anything but a plain create.
        cluster.request("POST", path, {}, definition)
        cluster.request("POST", "/api/v1/namespaces", {}, {"metadata": {"name": "pulumi"}})
        for _ in range(600):
            kind = cluster.kind("pulumi.com/v1", "Stack")
            if kind is not None:
                break
        assert kind is not None
        for each in objects(files):
            found = cluster.kind(each["apiVersion"], each["kind"])
            assert found is not None
            cluster.request("POST", found.path(each["metadata"].get("namespace")), strict, each)
        wrong = next(each for each in objects(files) if each["kind"] == "Stack")
        wrong["metadata"]["name"] = "wrong"
        wrong["spec"]["projectRepos"] = "x"
        with pytest.raises(ProviderError, match="projectRepos"):
            cluster.request("POST", kind.path("pulumi"), strict, wrong)
    finally:
        server.stop(tmp_path)


@pytest.mark.parametrize(
    ("section", "url", "branch"),
    [
        (
            "delivery: {provider: github, repository: acme/fraud, branch: live}",
            "https://github.com/acme/fraud.git",
            "live",
        ),
        ("delivery: {provider: gitlab, repository: a/b}", "https://gitlab.com/a/b.git", "main"),
        ("delivery: {provider: travis, repository: a/b}", "https://github.com/a/b.git", "main"),
    ],
)
def test_the_repository_is_that_of_delivery(section: str, url: str, branch: str, tmp_path: Path) -> None:
    (tmp_path / "system.yaml").write_text(
        f"""\
defaults: [{{env: dev}}, {{security: baseline}}, _self_]
system: {{name: small, owner: ml@example.com, purpose: scoring}}
cloud: {{region: eu-west-1, account: "111122223333"}}
{section}
""",
        encoding="utf-8",
    )
    given = ["compile", "-C", str(tmp_path), "--to", "operator", "--out", str(tmp_path / "out"), "--image", "i"]
    done = CliRunner().invoke(cli, given)
    assert done.exit_code == 0, done.output
    spec = yaml.safe_load((tmp_path / "out" / "foundation.yaml").read_text(encoding="utf-8"))["spec"]
    assert (spec["projectRepo"], spec["branch"]) == (url, branch)


def test_the_verb_writes_them_and_never_takes_a_value(tmp_path: Path) -> None:
    run = CliRunner().invoke
    out = tmp_path / "out"
    given = ["compile", "-C", str(EXAMPLE), "env=prod", "--to", "operator", "--out", str(out)]
    place = ["--repository", "https://git.example.com/fraud.git", "--image", "registry.example.com/pulumi"]
    assert run(cli, given).exit_code != 0
    refused = run(cli, [*given, *place, "--secret", "PULUMI_ACCESS_TOKEN=pul-123"])
    assert "a value itself is never given here" in str(refused.exception) + refused.output
    done = run(cli, [*given, *place])
    assert done.exit_code == 0, done.output
    stack = yaml.safe_load((out / "data.yaml").read_text(encoding="utf-8"))
    secret = {"type": "Secret", "secret": {"name": "pulumi", "key": "accessToken"}}
    assert stack["spec"]["envRefs"] == {"PULUMI_ACCESS_TOKEN": secret}
    assert json.loads((out / ".mlops-iac-files.json").read_text(encoding="utf-8"))[0] == "compute.yaml"
