"""Projects to deliver, and the checkers that vendors and their users trust."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from mlops_iac.components.operations.delivery import DeliverySpec, project_of, target_of
from mlops_iac.delivery.project import Identifiers, Project, Target
from mlops_iac.pipeline import request_at, run_phases

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.parent for path in ROOT.glob("examples/*/system.yaml"))
ENVIRONMENTS = ("dev", "staging", "prod")
IDS = Identifiers(
    issuer="https://jenkins.example.com/oidc",
    organization="6f2a7e1c-1111-2222-3333-444455556666",
    project="job/fraud-ml",
    environments={
        f"{name}{suffix}": f"{{{index}{mark}2a7e1c-1111-2222-3333-444455556666}}"
        for index, name in enumerate(ENVIRONMENTS)
        for suffix, mark in (("", "a"), ("-plan", "b"))
    },
)
"""What every provider may need, so that one project suits all of them."""


def a_project(**changes: Any) -> Project:
    """A small project with three environments, production behind an approval."""
    targets = tuple(
        Target(name, "111122223333", "eu-west-1", approvers=approvers, state_bucket="acme-state")
        for name, approvers in zip(ENVIRONMENTS, ((), (), ("risk-leads", "sre")), strict=True)
    )
    made = Project("fraud", "acme/ml/fraud", targets, "systems/fraud", install=("mlops-iac[pulumi]==1.2.3",), ids=IDS)
    return replace(made, **changes)


def project_of_example(example: Path) -> Project:
    """The project that an example declares; one that declares none gets a GitHub repository."""
    targets = []
    for environment in ENVIRONMENTS:
        run = run_phases(request_at(example, (f"env={environment}",)), until="spec")
        assert run.system is not None
        declared = next(run.system.of_kind("delivery"), None)
        spec = declared.spec if declared else DeliverySpec(provider="github", repository="acme/example")
        targets.append(target_of(spec, run.system.core))
    folder = example.relative_to(ROOT).as_posix()
    return replace(project_of(spec, run.system.core, targets, folder), ids=IDS, repository="acme/ml/fraud")


CHECKERS = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mlops-iac" / "checkers"


def run(*command: str | Path, cwd: Path) -> None:
    """A checker must be content; what it says is the test's message."""
    finished = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, f"{finished.stdout[-4000:]}\n{finished.stderr[-2000:]}"


@dataclass(frozen=True)
class Checker:
    """One checker of a provider's file. ``missing`` says why it cannot run here."""

    name: str
    check: Callable[[Path], None]
    missing: str = ""


def _schema(name: str, *options: str) -> Checker:
    program = Path(sys.executable).with_name("check-jsonschema")

    def check(file: Path) -> None:
        run(program, "--builtin-schema", f"vendor.{name}", *options, file.name, cwd=file.parent)

    return Checker(f"check-jsonschema {name}", check, "" if program.exists() else "check-jsonschema is not installed")


def _azure_schema() -> Checker:
    """Microsoft's schema, with the task of the AWS Toolkit as an organisation that has it serves it."""
    try:
        text = files("check_jsonschema.builtin_schemas.vendor").joinpath("azure-pipelines.json").read_text("utf-8")
    except ModuleNotFoundError:
        return Checker("check-jsonschema azure-pipelines", lambda file: None, "check-jsonschema is not installed")
    schema = json.loads(text)
    inputs = {name: {"type": "string"} for name in ("awsCredentials", "regionName", "scriptType", "inlineScript")}
    task = schema["definitions"]["task"]
    task["properties"]["task"]["anyOf"].append({"enum": ["AWSShellScript@1"]})
    own = {"type": "object", "properties": inputs, "additionalProperties": False, "required": list(inputs)[2:]}
    task["anyOf"].append({"properties": {"task": {"const": "AWSShellScript@1"}, "inputs": own}, "required": ["inputs"]})

    def check(file: Path) -> None:
        errors = Draft7Validator(schema).iter_errors(yaml.safe_load(file.read_text(encoding="utf-8")))
        assert [leaf for error in errors for leaf in _leaves(error)][:5] == []

    return Checker("check-jsonschema azure-pipelines", check)


def _leaves(error: Any) -> list[str]:
    below = [leaf for inner in error.context or () for leaf in _leaves(inner)]
    return sorted(below, key=len)[-1:] or [f"{list(error.absolute_path)}: {str(error.message)[:200]}"]


def _actionlint() -> Checker:
    found = shutil.which("actionlint", path=f"{CHECKERS}{os.pathsep}{os.environ['PATH']}")
    # -shellcheck= and -pyflakes=: those are other programs, which need not be there.
    return Checker(
        "actionlint",
        lambda file: run(found or "", "-no-color", "-shellcheck=", "-pyflakes=", file, cwd=file.parent),
        "" if found else "no actionlint: .ci/install-checkers.sh builds it",
    )


def _zizmor() -> Checker:
    program = Path(sys.executable).with_name("zizmor")
    return Checker(
        "zizmor",
        lambda file: run(program, "--offline", "--no-config", "--quiet", file, cwd=file.parent),
        "" if program.exists() else "zizmor is not installed",
    )


def _groovy() -> Checker:
    program = CHECKERS / "node_modules" / ".bin" / "npm-groovy-lint"
    there = program.exists() and shutil.which("java") and shutil.which("node")
    options = ("--noserver", "--no-insight", "--loglevel", "error", "--failon", "error")
    return Checker(
        "npm-groovy-lint",
        lambda file: run(program, *options, file.name, cwd=file.parent),
        "" if there else "no npm-groovy-lint: .ci/install-checkers.sh installs it; it needs node and java",
    )


@pytest.fixture(scope="session")
def checkers() -> Mapping[str, tuple[Checker, ...]]:
    """The checkers of each provider."""
    return {
        "azure-devops": (_azure_schema(),),
        "bitbucket": (_schema("bitbucket-pipelines"),),
        "circleci": (_schema("circle-ci"),),
        "github": (_schema("github-workflows"), _actionlint(), _zizmor()),
        "gitlab": (_schema("gitlab-ci", "--data-transform", "gitlab-ci", "--regex-variant", "nonunicode"),),
        "jenkins": (_groovy(),),
        "travis": (_schema("travis"),),
    }
