"""The CrossGuard pack says of every sample what the offline check says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pulumi_policy")

from pulumi_policy import (
    EnforcementLevel,
    PolicyCustomTimeouts,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
)
from pulumi_policy.policy import _NotApplicableError
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError, unknown_checking_proxy

from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.engines.pulumi.policy_pack import BLIND, needs_neighbours, pack_policies, project_policies
from mlops_iac.engines.pulumi.scaffold import stack_files
from mlops_iac.graph.evaluate import UNKNOWN, SecretValue
from mlops_iac.policies.policy import ResourceView, Sample, SystemView
from mlops_iac.policies.registry import policies

ROOT = Path(__file__).parents[2]
PACK_FOLDER = str(ROOT / "stacks" / "policy")
CLI = shutil.which("pulumi")
PROGRAM = """
import pulumi
import pulumi_aws as aws

aws.s3.Bucket("open", bucket="open-data", tags={"environment": "prod"})
aws.sqs.Queue("jobs", kms_master_key_id="alias/jobs", redrive_policy="{}")
aws.ec2.SecurityGroup("admin", ingress=[{"protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": ["0.0.0.0/0"]}])
"""
"""A program that never saw our configuration."""
OWN_SYSTEM = """
defaults: [env: dev, security: baseline, _self_]
system: {name: own, owner: ml@example.com, purpose: scoring, tags: {cost-center: "1"}}
cloud: {region: eu-west-1, account: "111122223333"}
policies:
  files: [policies]
  enforcement: {queue-delay: advisory}
  own:
    queue-delay:
      title: Queues have no delay
      fix: set delaySeconds to 0
      applies_to: ["aws:sqs/queue:Queue"]
      require: [{input: delaySeconds, at_most: 0}]
"""
OWN_RULE = """
from mlops_iac.policies import PASS, Enforcement, Policy, PolicySeverity, fail, fails, passes

BUCKET = "aws:s3/bucket:Bucket"


def check(resource, stack):
    return PASS if resource.inputs.text("bucket").startswith("acme-") else fail("is not named acme-")


POLICY = Policy(
    id="bucket-names",
    title="Bucket names start with acme-",
    why="Others look for them.",
    fix="rename it",
    severity=PolicySeverity.LOW,
    enforcement=Enforcement.MANDATORY,
    applies_to=(BUCKET,),
    controls={},
    source_url="",
    check=check,
    samples=(passes(BUCKET, {"bucket": "acme-a"}), fails(BUCKET, {"bucket": "b"})),
)
"""
SAMPLES = [
    pytest.param(policy.id, index, id=f"{policy.id}-{index}")
    for policy in policies().values()
    for index in range(len(policy.samples))
]
PACK = {policy.name: policy for policy in pack_policies()}


@pytest.mark.parametrize(("rule", "index"), SAMPLES)
def test_a_sample_has_the_same_verdict_in_the_pack(rule: str, index: int) -> None:
    sample = policies()[rule].samples[index]
    if rule in BLIND and _holds_secret(sample):
        pytest.skip("the SDK hands secrets over as plain values")
    if any(resource.retain_on_delete for resource in sample.resources):
        pytest.skip("the SDK does not tell whether a resource is retained")
    assert _judge(rule, sample) == sample.verdict.value


def test_rules_about_one_resource_stop_it_before_it_is_made() -> None:
    early = {name for name, policy in PACK.items() if isinstance(policy, ResourceValidationPolicy)}

    assert {"k8s-no-privileged", "rds-encrypted-and-private", "iam-no-admin-star"} <= early
    assert not {"s3-require-tls", "sagemaker-endpoint-has-monitor"} & early


def test_a_rule_that_reads_its_neighbours_is_found_out_by_its_samples() -> None:
    for policy in policies().values():
        names = policy.check.__wrapped__.__globals__  # type: ignore[attr-defined]
        source = _source(names["__file__"])
        reads = any(f"stack.{name}(" in source for name in ("of_type", "pointing_at", "targets_of", "once"))
        helpers = any(f" {name}(" in source for name in ("receives_access_logs", "config_of", "closed", "scans"))
        assert needs_neighbours(policy) == (reads or helpers), policy.id


def test_the_pack_carries_what_the_rule_knows() -> None:
    packed, rule = PACK["s3-require-tls"], policies()["s3-require-tls"]

    assert packed.url == rule.source_url
    assert packed.remediation_steps == rule.fix
    assert packed.severity is not None and packed.severity.value == rule.severity.value
    assert packed.tags is not None and "aws-fsbp:S3.5" in packed.tags


needs_cli = pytest.mark.skipif(CLI is None, reason="the pulumi CLI is not on PATH")


@needs_cli
def test_the_real_engine_refuses_what_the_pack_forbids(tmp_path: Path) -> None:
    done = Program(tmp_path, PROGRAM).run("preview", "--policy-pack", PACK_FOLDER)

    assert done.returncode != 0
    shown = done.stdout + done.stderr
    assert "sg-no-open-admin-ports" in shown
    assert "opens port 22 to the internet" in shown
    assert "messaging-encrypted-not-public" not in shown
    # What the provider will add to the tags is not known yet, and blinds no rule that only looks for one.
    assert "open does not keep earlier versions of its objects" in shown


@pytest.fixture
def own_system(tmp_path: Path) -> Path:
    """A system with a rule of its own in Python and a declared one, and the pack that `init` writes for it."""
    folder = tmp_path / "system"
    (folder / "policies").mkdir(parents=True)
    (folder / "system.yaml").write_text(OWN_SYSTEM, encoding="utf-8")
    (folder / "policies" / "naming.py").write_text(OWN_RULE, encoding="utf-8")
    for path, text in stack_files("own", "../..").items():
        if path.startswith("policy/"):
            (folder / "stacks" / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / "stacks" / path).write_text(text, encoding="utf-8")
    return folder


def test_a_systems_own_rules_are_served_with_the_enforcement_it_gives_them(own_system: Path) -> None:
    served = {policy.name: policy for policy in project_policies(own_system)}

    assert set(served) == {"bucket-names", "queue-delay"}
    assert served["bucket-names"].enforcement_level is EnforcementLevel.MANDATORY
    assert served["queue-delay"].enforcement_level is EnforcementLevel.ADVISORY


def test_a_pack_does_not_run_code_that_is_not_trusted(own_system: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLOPS_IAC_NO_PROJECT_CODE", "1")

    with pytest.raises(DiagnosticsError, match="MI5020"):
        project_policies(own_system)


@needs_cli
def test_the_real_engine_is_stopped_by_a_rule_of_the_project(own_system: Path, tmp_path: Path) -> None:
    done = Program(tmp_path, PROGRAM).run("preview", "--policy-pack", str(own_system / "stacks" / "policy"))
    shown = done.stdout + done.stderr

    assert done.returncode != 0
    assert "bucket-names" in shown and "is not named acme-" in shown


@needs_cli
def test_the_real_engine_stops_where_a_rule_crashes(own_system: Path, tmp_path: Path) -> None:
    crashing = OWN_RULE.replace("return PASS if", "return resource.nothing if")
    (own_system / "policies" / "naming.py").write_text(crashing, encoding="utf-8")
    program = "import pulumi_aws as aws\naws.s3.Bucket('acme-data', bucket='acme-data')\n"

    done = Program(tmp_path, program).run("preview", "--policy-pack", str(own_system / "stacks" / "policy"))

    assert done.returncode != 0
    assert "bucket-names failed" in done.stdout + done.stderr


@needs_cli
def test_the_real_engine_is_configured_by_rule_and_puts_right_what_it_is_asked_to(tmp_path: Path) -> None:
    program = Program(
        tmp_path,
        """
        import pulumi
        import pulumi_aws as aws

        aws.ecr.Repository("images", name="images", image_tag_mutability="MUTABLE")
        aws.ec2.Subnet("subnet", vpc_id="vpc-1", map_public_ip_on_launch=True)
        aws.cloudwatch.LogGroup("log", retention_in_days=30, kms_key_id="arn:key")
        secret = pulumi.Output.secret("a description")
        aws.ec2.LaunchTemplate("template", description=secret, metadata_options={"http_tokens": "optional"})
        """,
    )
    config = {
        "all": "disabled",
        "ecr-immutable-tags": "remediate",
        "ec2-imdsv2-remedy": "remediate",
        "ec2-no-public-ip": {"enforcementLevel": "advisory"},
        "log-group-retention-and-kms": {"enforcementLevel": "mandatory", "minLogDays": 30},
    }
    done = program.run("up", "--yes", "--policy-pack", PACK_FOLDER, config=config)

    shown = done.stdout + done.stderr
    assert done.returncode == 0, shown
    assert "subnet gives out public addresses" in shown
    assert "keeps its events for" not in shown
    assert program.created("images")["imageTagMutability"] == "IMMUTABLE"
    assert program.created("template")["metadataOptions"] == {"httpTokens": "required"}
    assert program.created("subnet")["mapPublicIpOnLaunch"] is True
    export = json.loads(program.run("stack", "export").stdout)
    (template,) = [r for r in export["deployment"]["resources"] if r["type"].endswith(":LaunchTemplate")]
    assert "ciphertext" in template["inputs"]["description"], "a remedy must leave secrets secret"


@needs_cli
def test_a_violation_that_the_preview_could_not_see_is_stopped_before_it_is_made(tmp_path: Path) -> None:
    program = Program(
        tmp_path,
        """
        import pulumi_aws as aws

        topic = aws.sns.Topic("topic", kms_master_key_id="alias/topic", display_name="*")
        aws.lambda_.Permission("open", action="lambda:InvokeFunction", function="score", principal=topic.owner)
        """,
        outputs={"aws:sns/topic:Topic": [["owner"]]},
        computed="*",
    )
    only = {"all": "disabled", "lambda-not-public": "mandatory"}
    seen = program.run("preview", "--policy-pack", PACK_FOLDER, config=only)
    assert seen.returncode == 0, seen.stdout
    assert "lambda-not-public" in seen.stdout + seen.stderr, "the engine says that it could not run the rule"

    done = program.run("up", "--yes", "--skip-preview", "--policy-pack", PACK_FOLDER, config=only)
    assert done.returncode != 0
    assert "lambda-not-public" in done.stdout + done.stderr
    assert program.created("topic") and not program.created("open")


@needs_cli
@pytest.mark.parametrize("fault", ["a rule crashes", "the pack does not start", "there is no pack"])
def test_a_pack_that_cannot_judge_stops_everything(fault: str, tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    if fault != "there is no pack":
        shutil.copytree(PACK_FOLDER, pack)
        crash = "raise RuntimeError('no rules today')"
        body = {
            "the pack does not start": crash,
            "a rule crashes": "from dataclasses import replace\n"
            "from mlops_iac.engines.pulumi import policy_pack as module\n"
            "def broken(resource, stack):\n"
            f"    {crash}\n"
            "rule = replace(module.policies()['ecr-scan-on-push'], check=broken)\n"
            "rule = replace(rule, id='broken', samples=())\n"
            "module.PolicyPack('broken', [module._pack_policy(rule)])\n",
        }[fault]
        (pack / "__main__.py").write_text(body, encoding="utf-8")
    program = Program(tmp_path, 'import pulumi_aws as aws\naws.ecr.Repository("images", name="images")')
    done = program.run("up", "--yes", "--skip-preview", "--policy-pack", str(pack))

    assert done.returncode != 0
    assert not program.created("images")


class Program:
    """A Pulumi program, a stack for it, and a provider that makes nothing."""

    def __init__(self, folder: Path, text: str, outputs: dict[str, Any] | None = None, computed: str = "") -> None:
        from mlops_iac.engines.pulumi.plugin_server import plugin_script

        self._folder = folder
        for name in ("state", "home", "plugins", "program"):
            (folder / name).mkdir()
        plugin = folder / "plugins" / "pulumi-resource-aws"
        plugin.write_text(plugin_script("aws", "echo_provider:make", python=sys.executable), encoding="utf-8")
        plugin.chmod(0o755)
        (folder / "outputs.json").write_text(json.dumps(outputs or {}), encoding="utf-8")
        here = folder / "program"
        (here / "__main__.py").write_text(textwrap.dedent(text), encoding="utf-8")
        (here / "Pulumi.yaml").write_text("name: foreign\nruntime: {name: python, options: {toolchain: pip}}\n")
        self._environment = {
            **os.environ,
            "PATH": os.pathsep.join((str(plugin.parent), str(Path(sys.executable).parent), os.environ["PATH"])),
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests" / "engines" / "pulumi"))),
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_PYTHON_CMD": sys.executable,
            "AWS_REGION": "eu-west-1",
            "ECHO_LOG": str(folder / "calls.jsonl"),
            "ECHO_OUTPUTS": str(folder / "outputs.json"),
            **({"ECHO_COMPUTED": computed} if computed else {}),
        }
        assert self.run("stack", "init", "prod").returncode == 0

    def run(self, *arguments: str, config: dict[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
        """One command of the real CLI; ``config`` is that of the policy pack."""
        more: tuple[str, ...] = ()
        if config is not None:
            (self._folder / "pack.json").write_text(json.dumps(config), encoding="utf-8")
            more = ("--policy-pack-config", str(self._folder / "pack.json"))
        return subprocess.run(
            ["pulumi", *arguments, *more, "--non-interactive"],
            cwd=self._folder / "program",
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def created(self, name: str) -> dict[str, Any]:
        """The inputs with which the provider was asked to create a resource; empty where it was not."""
        log = self._folder / "calls.jsonl"
        calls = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return next((c["values"] for c in calls if c["call"] == "create" and c["urn"].endswith(f"::{name}")), {})


def _judge(rule: str, sample: Sample) -> str:
    policy = PACK[rule]
    reported: list[str | None] = []
    resources = [_resource(view) for view in sample.resources]
    by_urn = {resource.urn: resource for resource in resources}
    for resource, view in zip(resources, sample.resources, strict=True):
        resource.property_dependencies = {
            name: [by_urn[urn] for urn in sorted(urns) if urn in by_urn] for name, urns in view.sources.items()
        }
    config = _config(sample.system)
    first = resources[0]

    def report(message: str, urn: str | None = None) -> None:
        reported.append(urn)

    try:
        if isinstance(policy, ResourceValidationPolicy):
            policy.validate(
                ResourceValidationArgs(
                    first.resource_type, first.props, first.urn, first.name, first.opts, None, config
                ),
                report,
            )
            return "fail" if reported else "pass"
        policy.validate(StackValidationArgs(resources, config), report)
    except UnknownValueError:
        return "unknown"
    except _NotApplicableError:
        return "not_applicable"
    if first.urn in reported:
        return "fail"
    # A stack policy does not tell what passes from what it does not apply to.
    return "pass" if sample.verdict.value in ("fail", "unknown") else sample.verdict.value


def _resource(view: ResourceView) -> PolicyResource:
    options = PolicyResourceOptions(view.protect, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])
    props = unknown_checking_proxy(_sent(view.inputs._data))
    return PolicyResource(view.type, props, view.urn, view.name, options, None, None, [], {})


def _sent(value: Any) -> Any:
    """What the SDK makes of an input: unknown values become its marks, secrets their plain values."""
    if value is UNKNOWN:
        return UNKNOWN_STRING_VALUE
    if isinstance(value, SecretValue):
        return _sent(value.value)
    if isinstance(value, dict):
        return {key: _sent(item) for key, item in value.items()}
    return [_sent(item) for item in value] if isinstance(value, list) else value


def _config(system: SystemView) -> dict[str, Any]:
    limits = system.limits
    return {
        "environment": system.environment,
        "riskClass": system.risk_class,
        "owner": system.owner,
        "purpose": system.purpose,
        "allowedRegions": list(limits.regions),
        "allowedRegistries": list(limits.registries),
        "allowedAccounts": list(limits.accounts),
        "allowedInstanceTypes": list(limits.instance_types),
        "maxGpuNodes": limits.gpu_nodes,
        "maxEndpointInstances": limits.endpoint_instances,
        "maxTrainingHours": limits.training_hours,
        "minLogDays": limits.log_days,
        **({"maxLogDays": limits.most_log_days} if limits.most_log_days else {}),
        "requiredTags": list(limits.tags),
        "today": system.today or "2026-01-01",
    }


def _holds_secret(sample: Sample) -> bool:
    return any("SecretValue" in repr(resource.inputs) for resource in sample.resources)


def _source(file: str) -> str:
    return Path(file).read_text(encoding="utf-8").partition("\nPOLICY = ")[0]
