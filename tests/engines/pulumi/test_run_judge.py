"""The pack that goes with our own runs: verdicts that waited for a value, and resources that only the program knows."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from pulumi_harness import CLI, GOLDEN, HERE, needs_cli

pytest.importorskip("pulumi_policy", reason="the Pulumi policy SDK is not installed")

from pulumi.automation.events import EngineEvent
from pulumi_world import world

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
from mlops_iac.policies.settle import undecided
from mlops_iac.state.checkpoint import parse_urn

REFUSED = GOLDEN / "events" / "refused.jsonl"
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
    assert failure.code == "MI5100" and failure.message.startswith("keys-of-home: audit (audit.trail-log) has kmsKeyId")
    assert (str(failure.location), failure.hint) == ("system.yaml:1:32", "choose a key of the region")
    assert "keys.internal-key" in made(root) and "audit.trail-log" not in made(root)

    # What is deployed is known to the engine's preview, so the next one says it beforehand.
    told = engine.disagreements(plan_graph(graph, engine.snapshots(graph), "", only=ONLY), graph, ONLY)
    assert [item.message for item in told if item.severity is Severity.ERROR] == [failure.message]

    engine, graph = engine_of(root, checked(root, FITS))
    assert engine.up(graph, ONLY).ok and "audit.trail-log" in made(root)


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
        for text in REFUSED.read_text(encoding="utf-8").splitlines():
            log(EngineEvent.from_json(json.loads(text)))
        (failure,) = log.failures
        assert (failure.code, failure.hint) == ("MI5100", "choose a key of the region")
        assert (str(failure.location), failure.path) == (place, ("audit",))
        assert log.unreached


@needs_cli
def test_the_stream_of_a_refusal_is_recorded(root: Path, request: pytest.FixtureRequest) -> None:
    """Written anew with ``--update-golden``; otherwise only that the engine still refuses the same."""
    engine, graph = engine_of(root, checked(root, OTHER))
    engine.up(graph, ONLY)
    home = root / ".mlops-iac" / "pulumi"
    laptop = Laptop(home, factory="pulumi_world:make")
    environ = {**os.environ, **laptop.environ(os.environ["PATH"]), "PULUMI_DEBUG_COMMANDS": "true"}
    log = root / "refused.jsonl"
    typed = [str(CLI), "up", "--skip-preview", "--yes", "--non-interactive", "--stack", "dev", "--parallel", "1"]
    judged = ["--policy-pack", str(home / "policy"), "--event-log", str(log)]
    done = subprocess.run([*typed, *judged], cwd=laptop.projects / "foundation", env=environ, capture_output=True)
    assert done.returncode != 0
    text = "".join(
        f"{json.dumps({**json.loads(line), 'timestamp': 0}, sort_keys=True)}\n"
        for line in log.read_text(encoding="utf-8").splitlines()
    )
    if request.config.getoption("--update-golden", default=False):
        REFUSED.write_text(text, encoding="utf-8")

    assert _refusals(text) == _refusals(REFUSED.read_text(encoding="utf-8"))


def _refusals(text: str) -> list[tuple[str, str, str]]:
    found = (json.loads(line).get("policyEvent") for line in text.splitlines())
    return sorted((said["policyName"], said["enforcementLevel"], said["resourceUrn"]) for said in found if said)
