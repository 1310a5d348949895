"""The pack that goes with our own runs: verdicts that waited for a value, and resources that only the program knows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from pulumi_harness import CLI, GOLDEN, HERE, needs_cli

pytest.importorskip("pulumi_policy", reason="the Pulumi policy SDK is not installed")

from pulumi.automation.events import EngineEvent
from pulumi_world import world

from mlops_iac.cli.main import cli
from mlops_iac.diagnostics import Severity
from mlops_iac.engines.pulumi.automation.site import PulumiOptions
from mlops_iac.engines.pulumi.engine import PulumiEngine
from mlops_iac.engines.pulumi.laptop import Laptop
from mlops_iac.engines.pulumi.run_pack import RunPolicies
from mlops_iac.engines.pulumi.scaffold import registers_only_its_layer, stack_files
from mlops_iac.engines.pulumi.update_log import UpdateLog
from mlops_iac.graph.nodes import Graph, Layer
from mlops_iac.pipeline import Run, request_at, run_phases
from mlops_iac.plan.diff import plan_graph
from mlops_iac.policies.checker import diagnostic_of
from mlops_iac.policies.settle import undecided
from mlops_iac.state.checkpoint import parse_urn

REFUSED = {"up": GOLDEN / "events" / "refused.jsonl", "preview": GOLDEN / "events" / "refused-preview.jsonl"}
"""What the real engine said: of an update, and of a preview once the value that decides is deployed."""
REPLAYED = """\
#!{python}
import json, shutil, sys

arguments = sys.argv[1:]
if "version" in arguments:
    print("v3.204.0")  # The newest that is told to log into a file.
elif "whoami" in arguments:
    print(json.dumps({{"user": "somebody", "organizations": [], "url": "https://pulumi.example"}}))
elif "export" in arguments:
    print(json.dumps({{"version": 3, "deployment": {{}}}}))
elif "--event-log" in arguments:
    shutil.copyfile({events!r}, arguments[arguments.index("--event-log") + 1])
    sys.exit("error: policies were violated")
"""
"""A pulumi CLI that says what the real one said."""
ONLY = (Layer.FOUNDATION,)
SYSTEM = """\
defaults: [env: dev, security: baseline, _self_]
system: {name: own, owner: ml@example.com, purpose: scoring, tags: {cost-center: "1"}}
cloud: {region: eu-west-1, account: "111122223333"}
policies:
  packs: [aws-baseline]
  enforcement: {iam-no-users-or-keys: advisory}
  own:
    keys-of-home:
      title: Log groups are sealed with a key of this region
      fix: choose a key of the region
      enforcement: mandatory
      applies_to: ["aws:cloudwatch/logGroup:LogGroup"]
      where: [{input: name, one_of: ["*trail*"]}]
      require: [{input: kmsKeyId, one_of: ["ARN*"]}]
"""
FITS, OTHER = "arn:aws:fake:*", "arn:aws:kms:*"
"""What the stand-in provider's keys are called, and what they are not."""
BY_HAND = """
import pulumi
import pulumi_aws as aws

keys = ("owner", "environment", "ml-system", "data-class", "risk-class", "cost-center")
tags = {**dict.fromkeys(keys, "own"), "environment": "dev", "data-class": "internal", "risk-class": "minimal"}
somebody = aws.iam.User("somebody", name="somebody", tags=tags)
opened = {"protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": ["0.0.0.0/0"]}
aws.ec2.SecurityGroup("admin", ingress=[opened], tags=tags, opts=pulumi.ResourceOptions(depends_on=[somebody]))
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system's folder with the projects that ``init`` writes."""
    (tmp_path / "world").mkdir()
    for name in [name for name in os.environ if name.startswith(("PULUMI_", "AWS_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WORLD", str(tmp_path / "world"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), str(HERE.parent), str(HERE.parents[2])]))
    for path, text in stack_files("own", "../..").items():
        (tmp_path / "stacks" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "stacks" / path).write_text(text, encoding="utf-8")
    return tmp_path


def checked(root: Path, pattern: str) -> Run:
    (root / "system.yaml").write_text(SYSTEM.replace("ARN*", pattern), encoding="utf-8")
    return run_phases(request_at(root, today="2026-06-30"), until="check")


def engine_of(root: Path, run: Run) -> tuple[PulumiEngine, Graph]:
    policies = RunPolicies(run.request.today, run.request.project_code, run.findings)
    engine = PulumiEngine(root, "own", "dev", PulumiOptions(local=True, factory="pulumi_world:make", policies=policies))
    assert run.graph is not None
    return engine, engine.named(run.graph)


def made(root: Path) -> set[str]:
    return {parse_urn(item["urn"]).name for item in world(root).objects().values()}


@needs_cli
def test_a_verdict_that_waited_for_a_value_is_given_before_the_resource_is_made(root: Path) -> None:
    run = checked(root, OTHER)
    assert not run.refused and {found.policy.id for found in undecided(run.findings)} == {"keys-of-home"}
    engine, graph = engine_of(root, run)

    result = engine.up(graph, ONLY)

    (failure,) = result.failures
    assert failure.code == "MI5100", failure.message
    assert failure.message.startswith("keys-of-home: audit (audit.trail-log) has kmsKeyId")
    assert (str(failure.location), failure.hint) == ("system.yaml:1:32", "choose a key of the region")
    assert "keys.internal-key" in made(root) and "audit.trail-log" not in made(root)

    # What is deployed is known to the engine's preview, so the next one says it beforehand.
    own = engine.own_preview(plan_graph(graph, engine.snapshots(graph), "", only=ONLY), graph, ONLY)
    assert [diagnostic_of(found) for found in own.decided if found.stops] == [failure]
    assert not [item for item in own.diagnostics if item.severity is Severity.ERROR], "each is told once"

    engine, graph = engine_of(root, checked(root, FITS))
    again = engine.up(graph, ONLY)
    assert again.ok and "audit.trail-log" in made(root), again.failures


@needs_cli
def test_resources_that_only_the_program_knows_are_judged_by_the_systems_rules(root: Path) -> None:
    program = root / "stacks" / "foundation" / "__main__.py"
    program.write_text(program.read_text(encoding="utf-8") + BY_HAND, encoding="utf-8")
    engine, graph = engine_of(root, checked(root, FITS))

    result = engine.up(graph, ONLY)

    (failure,) = result.failures
    assert failure.code == "MI5100" and "sg-no-open-admin-ports: admin opens port 22" in failure.message
    assert failure.hint and failure.location is None
    assert any(note.message.startswith("iam-no-users-or-keys: somebody") for note in result.notes), "it only advises"
    assert "admin" not in made(root)


@needs_cli
def test_a_layer_in_which_everything_is_judged_runs_without_a_pack(root: Path) -> None:
    (root / "system.yaml").write_text(SYSTEM.partition("  own:")[0], encoding="utf-8")
    run = run_phases(request_at(root, today="2026-06-30"), until="check")
    engine, graph = engine_of(root, run)

    assert engine.up(graph, ONLY).ok
    assert not (root / ".mlops-iac" / "pulumi" / "policy").exists()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda text: text, True),
        (lambda text: text.replace('"""', '"""Ours. ', 1) + "# a remark\n", True),
        (lambda text: text + BY_HAND, False),
        (lambda text: text.replace('"data"', '"serving"'), False),
        (lambda text: "def broken(", False),
    ],
)
def test_a_program_that_registers_more_is_recognised(
    tmp_path: Path, change: Callable[[str], str], expected: bool
) -> None:
    (tmp_path / "__main__.py").write_text(change(stack_files("own", "../..")["data/__main__.py"]), encoding="utf-8")

    assert registers_only_its_layer(tmp_path, Layer.DATA) is expected


def test_what_the_real_engine_said_becomes_a_located_refusal(root: Path) -> None:
    run = checked(root, OTHER)
    assert run.graph is not None
    stack = next(stack for stack in run.graph.stacks if stack.layer is Layer.FOUNDATION)
    policies = RunPolicies(run.request.today, project_code=True, findings=run.findings)
    for waiting, place in ((policies.waiting, "system.yaml:1:32"), ({}, "None")):
        log = UpdateLog(stack, lambda event: None, waiting=waiting)
        for text in REFUSED["up"].read_text(encoding="utf-8").splitlines():
            log(EngineEvent.from_json(json.loads(text)))
        (failure,) = log.failures
        assert (failure.code, failure.hint) == ("MI5100", "choose a key of the region")
        assert (str(failure.location), failure.path) == (place, ("audit",))
        assert log.unreached


@pytest.mark.parametrize("verb", REFUSED)
def test_a_refusal_of_the_engine_is_a_refusal_of_the_verb(
    verb: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked(root, OTHER)
    program = tmp_path / "bin" / "pulumi"
    program.parent.mkdir()
    program.write_text(REPLAYED.format(python=sys.executable, events=str(REFUSED[verb])), encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    result = refused(root, verb, "--engine", "pulumi")

    if verb == "preview":
        told_once(json.loads(result.stdout)["diagnostics"], "error MI5100")
        report = root / "out"
        text = refused(root, verb, "--engine", "pulumi", "--report", str(report), form="text").stdout
        assert (text.count("keys-of-home"), "only after apply" in text) == (1, False), text
        comment = (report / "comment.md").read_text(encoding="utf-8")
        assert (comment.count("keys-of-home"), "only after apply" in comment) == (1, False), comment
        assert (
            "only after apply" not in (report / "report.html").read_text(encoding="utf-8").split("keys-of-home", 1)[1]
        )
        (run,) = json.loads((report / "findings.sarif").read_text(encoding="utf-8"))["runs"]
        assert [item["level"] for item in run["results"] if item["ruleId"] == "keys-of-home"] == ["error"]
        cases = ElementTree.parse(report / "junit.xml").iter("testcase")
        (case,) = [case for case in cases if "keys-of-home" in str(case.attrib)]
        assert [child.tag for child in case] == ["failure"]


@needs_cli
def test_with_the_real_cli_a_refusal_ends_with_2_and_the_next_preview_knows_it(root: Path) -> None:
    here = ("--engine", "pulumi", "--target", "local", "--only", "foundation")
    checked(root, "arn:aws:fake:*")
    try:
        told_once(json.loads(refused(root, "up", *here).stdout)["diagnostics"], "error MI5100")
        told_once(json.loads(refused(root, "preview", *here).stdout)["diagnostics"], "error MI5100")

        # The value that decides is known, and good: nothing is open any more.
        checked(root, "arn:aws:kms:*")
        good = CliRunner().invoke(cli, ["preview", "-C", str(root), *here, "--format", "json"])
        assert good.exit_code == 0, good.output
        told_once(json.loads(good.stdout)["diagnostics"])
    finally:
        ended = CliRunner().invoke(cli, ["destroy", "-C", str(root), *here, "--yes"])
        assert ended.exit_code == 0, ended.output


def refused(root: Path, verb: str, *arguments: str, form: str = "json") -> Result:
    agreed = ["--yes"] if verb == "up" else []
    result = CliRunner().invoke(cli, [verb, "-C", str(root), *arguments, *agreed, "--format", form])
    assert result.exit_code == 2, result.output
    return result


def told_once(diagnostics: list[dict[str, Any]], *expected: str) -> None:
    told = [item for item in diagnostics if item["message"].startswith("keys-of-home: audit")]
    assert [f"{item['severity']} {item['code']}" for item in told] == list(expected)


@needs_cli
def test_the_stream_of_a_refusal_is_recorded(root: Path, request: pytest.FixtureRequest) -> None:
    """Written anew with ``--update-golden``; otherwise only that the engine still refuses the same."""
    engine, graph = engine_of(root, checked(root, OTHER))
    engine.up(graph, ONLY)
    home = root / ".mlops-iac" / "pulumi"
    laptop = Laptop(home, factory="pulumi_world:make")
    environ = {**os.environ, **laptop.environ(os.environ["PATH"]), "PULUMI_DEBUG_COMMANDS": "true"}
    log = root / "refused.jsonl"
    for verb, recorded in REFUSED.items():
        how = ["--skip-preview", "--yes"] if verb == "up" else []
        typed = [str(CLI), verb, *how, "--non-interactive", "--stack", "dev", "--parallel", "1"]
        judged = ["--policy-pack", str(home / "policy"), "--event-log", str(log)]
        done = subprocess.run([*typed, *judged], cwd=laptop.projects / "foundation", env=environ, capture_output=True)
        assert done.returncode != 0
        text = "".join(
            f"{json.dumps({**json.loads(line), 'timestamp': 0}, sort_keys=True)}\n"
            for line in log.read_text(encoding="utf-8").splitlines()
        )
        if request.config.getoption("--update-golden", default=False):
            recorded.write_text(text, encoding="utf-8")

        assert _refusals(text) == _refusals(recorded.read_text(encoding="utf-8"))


def _refusals(text: str) -> list[tuple[str, str, str]]:
    found = (json.loads(line).get("policyEvent") for line in text.splitlines())
    return sorted((said["policyName"], said["enforcementLevel"], said["resourceUrn"]) for said in found if said)
