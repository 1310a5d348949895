"""The example's estimate beside a calculation by hand, resource by resource.

The numbers are eu-west-1 list prices of the table in the package, written out here so that a wrong lookup shows. Usage
is what ``mlops_iac/spec/usage.py`` assumes by default.
"""

from __future__ import annotations

import pytest

from mlops_iac.cost.estimate import estimate_stack
from mlops_iac.cost.model import Estimate, Stage
from mlops_iac.policies.views import view_graph
from mlops_iac.spec.usage import UsageSection

from .conftest import Compiled, Estimated

MONTH = 730.0
DAYS = MONTH / 24
KEPT = 365 / DAYS
"""Months that a log group keeps."""

BUCKET = 100 * 0.023 + 100_000 / 1000 * 0.005 + 1_000_000 / 1000 * 0.0004
EVENTS = (0, 0.1 * 1.00)
LOGS = (1 * 0.57 + 1 * 0.03, 1 * 0.57 + KEPT * 0.03)
KEY = (1 * 1.00 + 0.1 * 3.00, 3 * 1.00 + 0.1 * 3.00)
ENDPOINT = 3 * MONTH * 0.011 + 10 * 0.01
NODE_DISKS = (4 + 100) * 0.088
NODE_METRICS = 7 * 0.30
M6I_NODE = MONTH * 0.107 + NODE_DISKS + NODE_METRICS
G5_NODE = MONTH * 6.33167 + NODE_DISKS + NODE_METRICS

M5_XLARGE, M5_2XLARGE, G5_2XLARGE, T3_MEDIUM = 0.257, 0.514, 1.69, 0.055
G5_2XLARGE_SPOT = G5_2XLARGE * 0.6224 / 1.35296


def volume(size: float, hours: float, price: float) -> float:
    return size * hours / MONTH * price


def run(train_price: float, share: float) -> float:
    """One run of train-fraud: prepare 4 h, train 2 x 6 h, evaluate 4 h, comparison 15 min, baseline 1 h."""
    prepare = 4 * M5_2XLARGE + volume(30, 4, 0.11)
    train = 12 * train_price + volume(30, 12, 0.154)
    evaluate = 4 * M5_XLARGE + volume(30, 4, 0.11)
    comparison = 0.25 * T3_MEDIUM + volume(30, 0.25, 0.11)
    baseline = 1 * M5_XLARGE + volume(30, 1, 0.11)
    return share * (prepare + train + evaluate + comparison + baseline)


def monitor(runs: float, jobs: int) -> tuple[float, float]:
    hours = runs * jobs * 3000 / 3600
    most = hours * M5_XLARGE + volume(30, hours, 0.11)
    return most / 2, most


WEEKLY = DAYS / 7
CAPPED = 400 // run(G5_2XLARGE, 1) + 1
"""Runs until the month's spending passes the cap of 400 USD."""
SCORING = 2 * 1_000_000 * 2 / 1e6 * 0.016

BY_HAND: dict[str, float | tuple[float, float]] = {
    "keys.confidential-key": KEY,
    "keys.internal-key": KEY,
    "audit.logs": BUCKET,
    "audit.trail": BUCKET,
    "audit.trail-log": LOGS,
    "audit.cloudtrail": 2 * 1_100_000 / 100_000 * 0.1,
    "audit.guardduty": 1 * 4.4 + 1 * 1.1,
    "audit.guardduty-eks-audit-logs": 1 * 1.73,
    "audit.guardduty-s3-data-events": 7 * 1.1 * 0.8,
    "network.nat-1-address": MONTH * 0.005,
    "network.nat-1": MONTH * 0.048 + 100 * 0.048 + 10 * 0.09,
    "network.flow-logs": LOGS,
    "network.endpoint-ecr-api": ENDPOINT,
    "network.endpoint-ecr-dkr": ENDPOINT,
    "network.endpoint-logs": ENDPOINT,
    "network.endpoint-sagemaker-api": ENDPOINT,
    "network.endpoint-sagemaker-featurestore-runtime": ENDPOINT,
    "network.endpoint-sagemaker-runtime": ENDPOINT,
    "network.endpoint-sts": ENDPOINT,
    "governance.topic": 0.001 * 0.5 + 0.001 * 20,
    "oncall.topic": 0.001 * 0.5,
    "oncall.dead-letters": 0.003 * 0.4,
    "oncall.notifier": 0.01 * 0.2 + 10_000 * 0.5 * 128 / 1024 * 0.0000133334,
    "oncall.notifier-log": LOGS,
    "features.bucket": BUCKET,
    "models.bucket": BUCKET,
    "raw.bucket": BUCKET,
    "features.events": EVENTS,
    "models.events": EVENTS,
    "raw.events": EVENTS,
    "fraud.workgroup": 0.1 * 5,
    "research.cluster": MONTH * (0.10 + 0.50),
    "research.control-plane-log": LOGS,
    "research.pool-system": (2 * M6I_NODE, 4 * M6I_NODE),
    "research.pool-a10g": (0, 8 * G5_NODE),
    "training.repository": 10 * 0.10,
    "tracking.artifacts": BUCKET,
    "tracking.balancer": MONTH * 0.0252 + 10 * 0.006,
    "tracking.database-postgresql-log": LOGS,
    "tracking.database-upgrade-log": LOGS,
    "train-fraud.artifacts": BUCKET,
    "train-fraud.pipeline": (WEEKLY * run(G5_2XLARGE_SPOT, 0.5), CAPPED * run(G5_2XLARGE, 1)),
    "fraud-api.endpoint": (2 * MONTH * 0.21888 + SCORING, 20 * MONTH * 0.21888 + SCORING),
    "fraud-api.errors-alarm": 2 * 0.10,
    "fraud-api.latency-alarm": 0.10,
    "fraud-retrain.guard": 1 * 0.283 + 1 * 0.22 + 0.1 * 0.1415 + 0.1 * 0.705,
    "fraud-retrain.logs": LOGS,
    "fraud-retrain.machine": 100 * 11 / 1e6 * 25,
    "fraud-retrain.schedule-3": WEEKLY / 1e6,
    "fraud-bias.schedule": monitor(DAYS, 2),
    "fraud-drift.schedule": monitor(MONTH, 1),
    "fraud-quality.schedule": monitor(DAYS, 2),
    "fraud-bias.alarm-dppl": 0.10,
    "fraud-drift.alarm": 0.50,
    "fraud-drift.alarm-amount": 0.10,
    "fraud-drift.alarm-country": 0.10,
    "fraud-drift.alarm-merchant-id": 0.10,
    "fraud-drift.alarm-transactions-last-hour": 0.10,
    "fraud-quality.alarm-f1": 0.10,
}
DATABASES = {
    "env=dev": (MONTH * 0.069 + 50 * 0.127 + 0.40, MONTH * 0.069 + 500 * 0.127 + 0.40),
    "env=prod": (MONTH * 0.138 + 50 * 0.254 + 0.40, MONTH * 0.138 + 500 * 0.254 + 0.40),
}
UNPRICED = {"audit.guardduty-rds-login-events", "transactions.group"}


@pytest.mark.parametrize("environment", ["env=dev", "env=prod"])
def test_every_line_is_what_a_hand_calculation_says(environment: str, estimated: Estimated) -> None:
    expected = {**BY_HAND, "tracking.database": DATABASES[environment]}
    lines = {line.name: line for line in estimated(environment).lines if line.charges}
    assert set(lines) == set(expected)
    for name, amount in expected.items():
        floor, ceiling = amount if isinstance(amount, tuple) else (amount, amount)
        assert lines[name].floor == pytest.approx(floor, rel=0.02, abs=1e-9), name
        assert lines[name].ceiling == pytest.approx(ceiling, rel=0.02, abs=1e-9), name


@pytest.mark.parametrize("environment", ["env=dev", "env=prod"])
def test_what_has_no_price_is_said_and_the_rest_is_free_for_a_reason(environment: str, estimated: Estimated) -> None:
    estimate = estimated(environment)
    assert {line.name for line, _ in estimate.unknown} == UNPRICED
    assert all(line.free for line in estimate.lines if not line.charges and not line.gaps)
    assert not any(line.free for line in estimate.lines if line.charges or line.gaps)


def test_the_stages_add_up_and_hold_what_one_looks_for_there(estimated: Estimated) -> None:
    estimate = estimated()
    stages = dict(estimate.stages())
    assert sum(line.floor for lines in stages.values() for line in lines) == pytest.approx(estimate.floor)
    assert "fraud-api.endpoint" in {line.name for line in stages[Stage.SERVING]}
    assert "raw.bucket" in {line.name for line in stages[Stage.DATA]}
    assert {"research.pool-a10g", "train-fraud.pipeline"} <= {line.name for line in stages[Stage.TRAINING]}
    assert "fraud-drift.schedule" in {line.name for line in stages[Stage.MONITORING]}
    assert "network.nat-1" in {line.name for line in stages[Stage.NETWORK]}
    assert "keys.internal-key" in {line.name for line in stages[Stage.PLATFORM]}


def in_region(region: str, compiled: Compiled) -> Estimate:
    """The example's resources at the prices of another region."""
    run = compiled()
    assert run.graph is not None
    assert run.system is not None
    return estimate_stack(view_graph(run.graph, run.system), "fraud", "dev", region, UsageSection())


def test_another_region_has_other_prices(compiled: Compiled) -> None:
    ireland, virginia = in_region("eu-west-1", compiled), in_region("us-east-1", compiled)
    assert virginia.floor < ireland.floor
    assert "transactions.group" not in {line.name for line, _ in virginia.unknown}
    group = next(line for line in virginia.lines if line.name == "transactions.group")
    assert group.floor == pytest.approx(10 * 0.45 + 1 * 0.25 + 1 * 1.25)


def test_a_region_without_prices_is_all_unknown_and_costs_nothing_by_mistake(compiled: Compiled) -> None:
    estimate = in_region("ap-south-2", compiled)
    assert estimate.floor == estimate.ceiling == 0
    assert {line.name for line, _ in estimate.unknown} >= set(BY_HAND) | UNPRICED
    assert all("ap-south-2" in gap.reason or "no price" in gap.reason for _, gap in estimate.unknown)
