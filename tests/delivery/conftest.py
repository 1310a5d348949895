"""Projects to deliver, and the checkers that vendors and their users trust."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from mlops_iac.cli.init import project_files
from mlops_iac.components.operations.delivery import DeliverySpec, project_of, target_of
from mlops_iac.delivery.files import delivery_files
from mlops_iac.delivery.project import Identifiers, Project, Target
from mlops_iac.delivery.registry import providers
from mlops_iac.pipeline import request_at, run_phases
from tests.plugins.installed import install_project, run_with

ROOT = Path(__file__).parents[2]
EXAMPLES = ("fraud-detection", "own-component", "starter")
"""Every system that users are shown: those below examples/, and what ``mlops-iac init`` writes."""
NOT_DELIVERED = {
    "pulumi-program": "its stack belongs to its own Pulumi program; there is no system.yaml that jobs could preview"
}
"""Examples that have no delivery files, and why."""
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
        Target(
            name, "111122223333", "eu-west-1", approvers=approvers, state_bucket="acme-state", state_key="acme-state"
        )
        for name, approvers in zip(ENVIRONMENTS, ((), (), ("risk-leads", "sre")), strict=True)
    )
    made = Project("fraud", "acme/ml/fraud", targets, "systems/fraud", install=("mlops-iac[pulumi]==1.2.3",), ids=IDS)
    return replace(made, **changes)


def project_of_system(folder: Path, overrides: tuple[str, ...] = ()) -> Project:
    """The project that a system declares, in a repository whose root is the folder above, with every id there is."""
    targets = []
    for environment in ENVIRONMENTS:
        run = run_phases(request_at(folder, (*overrides, f"env={environment}")), until="spec")
        assert run.system is not None
        (declared,) = run.system.of_kind("delivery")
        assert isinstance(declared.spec, DeliverySpec)
        targets.append(target_of(declared.spec, run.system.core))
    return replace(
        project_of(declared.spec, run.system.core, targets, folder.name), ids=IDS, repository="acme/ml/fraud"
    )


def files_of_system(folder: Path, overrides: tuple[str, ...] = ()) -> dict[str, dict[str, str]]:
    """Path and text of the delivery files of every provider, by its name."""
    project = project_of_system(folder, overrides)
    return {name: delivery_files(project, provider) for name, provider in providers().items()}


_IN_A_PROCESS = """\
import json, sys
from pathlib import Path
from tests.delivery.conftest import files_of_system
print(json.dumps(files_of_system(Path(sys.argv[1]))))
"""


@pytest.fixture(scope="session")
def example_files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, dict[str, str]]]:
    """The delivery files of an example, by provider."""

    @cache
    def of(name: str) -> dict[str, dict[str, str]]:
        if name == "own-component":
            site = tmp_path_factory.mktemp("site")
            install_project(site, ROOT / "examples/own-component/acme-mlops")
            done = run_with(site, "-c", _IN_A_PROCESS, str(ROOT / "examples/own-component/system"))
            assert done.returncode == 0, done.stderr
            found: dict[str, dict[str, str]] = json.loads(done.stdout)
            return found
        if name != "starter":
            return files_of_system(ROOT / "examples" / name)
        folder = tmp_path_factory.mktemp("starter") / "churn"
        for path, text in project_files("churn").items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        return files_of_system(folder, ("+delivery={provider: github, repository: acme/churn}",))

    return of


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
