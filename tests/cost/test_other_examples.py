"""The other examples' estimates, and that of the system which ``mlops-iac init`` writes, beside calculations by hand.

As in ``test_fraud_detection.py``: list prices of eu-west-1 in the table of the package, written out so that a wrong
lookup shows, and the usage that ``mlops_iac/spec/usage.py`` assumes. Hours, gigabytes and millions stand for themselves.
"""

from __future__ import annotations

import json
import runpy
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mlops_iac.cli.init import command as init
from mlops_iac.cost.estimate import estimate_graph, estimate_stack
from mlops_iac.cost.model import Line
from mlops_iac.pipeline import request_at, run_phases
from mlops_iac.policies.policy import StackView, view
from mlops_iac.spec.usage import UsageSection
from tests.plugins.installed import ROOT, install_project, run_with

TODAY = "2026-11-21"
HOURS = 730
MONTHS_A_YEAR = 12
Amount = float | tuple[float, float]
"""Dollars a month, or at least and at most."""

BUCKET = 100 * 0.023 + 100 * 0.005 + 1000 * 0.0004
"""100 GB; 100 thousand writes, 1,000 thousand reads."""
EVENTS = (0.0, 0.1 * 1.00)
"""0.1 million events of a bucket, which are paid for only where AWS counts them as custom ones."""
LOGS = (0.57 + 0.03, 0.57 + MONTHS_A_YEAR * 0.03)
"""1 GB taken in a month; in the end a year's worth of it is kept."""
KEY = (1.00 + 0.1 * 3.00, 3 * 1.00 + 0.1 * 3.00)
"""One key, with the two that its rotation leaves in the years to come; 0.1 million requests."""
QUEUE = 0.003 * 0.40
"""3 requests for each of 1,000 messages."""
TOPIC = 0.001 * 0.50 + 0.001 * 20.00
"""1,000 messages, each to one mailbox."""
NAT = HOURS * 0.048 + 100 * 0.048 + 10 * 0.09
"""100 GB through it, 10 GB of them to the internet."""
GUARD = {
    "audit.guardduty": 1 * 4.40 + 1 * 1.10,
    "audit.guardduty-eks-audit-logs": 1 * 1.73,
}
"""A million API calls, a gigabyte of flow and DNS logs; a million audit events."""
REQUESTS = 1.1
"""Million reads and writes of a bucket, which GuardDuty and the audit trail read."""
ALL_ENDPOINTS = ("ecr-api", "ecr-dkr", "logs", "sagemaker-api", "sagemaker-featurestore-runtime", "sagemaker-runtime", "sts")  # fmt: skip


def endpoints(zones: int) -> dict[str, Amount]:
    """An address in each zone, and 10 GB through it."""
    return {f"network.endpoint-{name}": zones * HOURS * 0.011 + 10 * 0.01 for name in ALL_ENDPOINTS}


def foundation(zones: int, buckets: int) -> dict[str, Amount]:
    """What every system has, with that many buckets of its own beside the two of the audit trail."""
    return {
        **GUARD,
        **endpoints(zones),
        "audit.guardduty-s3-data-events": (2 + buckets) * REQUESTS * 0.80,
        "audit.logs": BUCKET,
        "audit.trail": BUCKET,
        "audit.trail-log": LOGS,
        "keys.confidential-key": KEY,
        "keys.internal-key": KEY,
        "network.flow-logs": LOGS,
        "network.nat-1": NAT,
        "network.nat-1-address": HOURS * 0.005,
    }


M5_XLARGE = 0.257
STARTER: dict[str, Amount] = {
    **foundation(zones=2, buckets=3),
    "audit.cloudtrail": 2 * REQUESTS * 1.00,
    "features.bucket": BUCKET,
    "features.events": EVENTS,
    "raw.bucket": BUCKET,
    "raw.events": EVENTS,
    "team.topic": TOPIC,
    "train.artifacts": BUCKET,
    # Four runs of an hour to two, with 30 GB at 0.154 a month beside the machine.
    "train.pipeline": (4 * (M5_XLARGE + 30 * 0.154 / HOURS), 8 * (M5_XLARGE + 30 * 0.154 / HOURS)),
}
OWN_COMPONENT: dict[str, Amount] = {
    **foundation(zones=3, buckets=0),
    "claims.alarm": 0.10,
    "claims.queue": QUEUE,
    "claims.unscored": QUEUE,
    # 1 GB and its backups; 0.1 million read and as many write units.
    "customers.table": 0.283 + 0.22 + 0.1 * 0.1415 + 0.1 * 0.705,
    "oncall.topic": TOPIC,
}
PULUMI_PROGRAM: dict[str, Amount] = {
    **foundation(zones=3, buckets=2),
    "audit.cloudtrail": 2 * REQUESTS * 1.00,
    # What the program makes by itself: a key and a bucket, both of that name.
    "landing Bucket": BUCKET,
    "landing Key": KEY,
    "oncall.topic": TOPIC,
    "raw.bucket": BUCKET,
    "raw.events": EVENTS,
    "scoring.repository": 10 * 0.10,
}


def compare(found: Mapping[str, Amount], expected: Mapping[str, Amount]) -> None:
    assert set(found) == set(expected)
    for name, amount in expected.items():
        for line, hand in zip(_both(found[name]), _both(amount), strict=True):
            assert line == pytest.approx(hand, rel=0.02, abs=1e-9), name


def _both(amount: Amount) -> tuple[float, float]:
    return amount if isinstance(amount, tuple) else (amount, amount)


def priced(lines: Iterable[Line]) -> dict[str, Amount]:
    """Floor and ceiling of each line that costs something, with its kind where two are called alike."""
    charged = [line for line in lines if line.charges]
    names = Counter(line.name for line in charged)
    return {
        line.name if names[line.name] == 1 else f"{line.name} {line.type.rpartition(':')[2]}": (
            line.floor,
            line.ceiling,
        )
        for line in charged
    }


def test_what_init_writes(tmp_path: Path) -> None:
    CliRunner().invoke(init, [str(tmp_path / "churn")], catch_exceptions=False)
    run = run_phases(request_at(tmp_path / "churn", today=TODAY), until="compile")
    assert run.graph is not None
    assert run.system is not None
    estimate = estimate_graph(run.graph, run.system, TODAY)

    compare(priced(estimate.lines), STARTER)
    assert {line.name for line, _ in estimate.unknown} == {"audit.guardduty-rds-login-events", "customers.group"}


def test_a_component_of_ones_own(tmp_path: Path) -> None:
    """Told by the command, in a process where the example's package is installed."""
    install_project(tmp_path / "site", ROOT / "examples" / "own-component" / "acme-mlops")
    system = ROOT / "examples" / "own-component" / "system"
    done = run_with(tmp_path / "site", "-m", "mlops_iac", "cost", "-C", str(system), "--format", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    found: dict[str, Amount] = {
        each["name"]: tuple(sum(charge[end]["usd"] for charge in each["charges"]) for end in ("floor", "ceiling"))
        for each in document["resources"]
        if each["charges"]
    }

    compare(found, OWN_COMPONENT)
    assert [each["urn"].rpartition("::")[2] for each in document["unknown"]] == ["audit.guardduty-rds-login-events"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning:pulumi_aws")
def test_a_pulumi_program() -> None:
    """As the program registers it with Pulumi, its own resources included."""
    pulumi = pytest.importorskip("pulumi", reason="the Pulumi SDK is not installed")
    from tests.engines.pulumi.mocked import Echo, finish, program_of

    registered: list[Any] = []

    class Recorder(Echo):
        def new_resource(self, args: Any) -> tuple[str | None, dict[str, Any]]:
            registered.append(args)
            return super().new_resource(args)

    with program_of(Recorder(), "claims"):
        pulumi.runtime.set_all_config({"claims:account": "111122223333"})
        runpy.run_path(str(ROOT / "examples" / "pulumi-program" / "__main__.py"))
        finish()
    resources = tuple(
        view(
            f"urn:pulumi:dev::claims::{each.typ}::{each.name}",
            each.typ,
            each.name,
            each.inputs,
            identifiers=(f"{each.name}-id", f"arn:{each.name}"),
        )
        for each in registered
        if each.custom and not each.typ.startswith("pulumi:")
    )
    estimate = estimate_stack(StackView(resources), "claims", "dev", "eu-west-1", UsageSection(), TODAY)

    compare(priced(estimate.lines), PULUMI_PROGRAM)
    assert {line.name for line, _ in estimate.unknown} == {
        "audit.guardduty-rds-login-events",
        "customers.group",
    }
