"""Writes a large system for measuring: many teams, each with buckets, features, a pipeline, a model and an endpoint.

``python -m benchmarks.generate_system DIR --resources 2500`` writes one to look at. The same size gives the same bytes.
"""

from __future__ import annotations

import argparse
from functools import cache
from pathlib import Path

from mlops_iac.pipeline import request_at, run_phases

_HEAD = """\
defaults:
  - env: dev
  - security: baseline
  - _self_

system: {name: bench, owner: ml@example.com, purpose: Measures how time and memory grow with a system,
         tags: {cost-center: "4711"}}
cloud: {region: eu-west-1, account: "111122223333"}
"""
_SHARED = """\
network: {cidr: 10.20.0.0/16, availability_zones: 3, nat: single, private_endpoints: [s3, ecr, sagemaker, sts, logs]}
alerts: {oncall: {email: [oncall@example.com]}}
"""

_SECTIONS = {
    "buckets": """\
  raw-NAME: {classification: confidential, personal_data: true, keep: 400d, versioning: true}
  features-NAME: {classification: confidential, keep: 730d}
""",
    "feature_stores": """\
  features-NAME:
    record_id: transaction_id
    event_time: event_time
    online: {enabled: true, ttl: 30d}
    offline: {bucket: features-NAME}
    features: {amount: float, merchant_id: string, country: string, transactions_last_hour: integer}
""",
    "images": """\
  image-NAME: {}
""",
    "models": """\
  model-NAME:
    stages: [dev, prod]
    approval: {prod: two_person}
    released: {prod: 1}
""",
    "pipelines": """\
  train-NAME:
    steps:
      prepare:  {kind: processing, script: steps/prepare.py, instance_type: ml.m5.2xlarge, inputs: [raw-NAME],
                 feature_store: features-NAME}
      train:    {kind: training, framework: pytorch, version: "2.5", script: steps/train.py,
                 instance_type: ml.g5.2xlarge, max_runtime: 6h,
                 hyperparameters: {lr: 0.001, epochs: 20}, after: [prepare]}
      evaluate: {kind: evaluation, script: steps/evaluate.py, after: [train], metrics: [f1, precision]}
      register: {kind: register, model: model-NAME, when: "f1 >= 0.85", after: [evaluate]}
""",
    "endpoints": """\
  api-NAME:
    model: {registry: model-NAME, stage: prod, if_none: skip}
    instance_type: ml.c6i.xlarge
    autoscaling: {min: 2, max: 20, metric: invocations_per_instance, target: 400}
    rollout: {strategy: canary, steps: [10%, 100%], bake: 10m, rollback_on: [api-NAME-errors, api-NAME-latency]}
    capture: {bucket: raw-NAME, prefix: captured/, sample: 20%}
    slo: {latency_p99: 120ms, availability: 99.9%}
""",
    "monitors": """\
  drift-NAME: {endpoint: api-NAME, kind: data_quality, schedule: hourly, baseline: train-NAME, alert: oncall}
""",
    "retraining": """\
  retrain-NAME:
    pipeline: train-NAME
    on: [{drift: drift-NAME}, {schedule: "0 3 * * 1"}]
    cooldown: 24h
    concurrency: 1
""",
}

_STEPS = {"prepare": "rows = 1\n", "train": "loss = 0\n", "evaluate": "f1 = 1\n"}


def system_text(teams: int) -> str:
    """The text of ``system.yaml`` for that many teams."""
    names = [f"t{index:04}" for index in range(teams)]
    sections = (
        f"{section}:\n{''.join(entry.replace('NAME', name) for name in names)}" for section, entry in _SECTIONS.items()
    )
    return "\n".join((_HEAD + _SHARED, *sections))


def head() -> str:
    """The text of a system without teams."""
    return _HEAD


def write_system(folder: Path, teams: int) -> int:
    """Write the system of that many teams into ``folder`` and return how many resources it has."""
    (folder / "steps").mkdir(parents=True, exist_ok=True)
    (folder / "system.yaml").write_text(system_text(teams), encoding="utf-8")
    for name, text in _STEPS.items():
        (folder / "steps" / f"{name}.py").write_text(text, encoding="utf-8")
    return count_resources(folder)


def write_system_of(folder: Path, resources: int) -> int:
    """Write the smallest system of whole teams with at least ``resources`` resources; returns how many it has."""
    common, each = _sizes(folder)
    return write_system(folder, max(1, -(-(resources - common) // each)))


def count_resources(folder: Path) -> int:
    """How many resources the system in ``folder`` declares, components left out."""
    graph = run_phases(request_at(folder), until="compile").graph
    assert graph is not None
    return sum(node.custom for node in graph.nodes())


@cache
def _sizes(scratch: Path) -> tuple[int, int]:
    """Resources that the teams share, and those of each team."""
    one, two = write_system(scratch, 1), write_system(scratch, 2)
    return 2 * one - two, two - one


def main() -> None:
    """Write one generated system."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--resources", type=int, default=1_000)
    given = parser.parse_args()
    print(f"{given.folder}: {write_system_of(given.folder, given.resources)} resources")


if __name__ == "__main__":
    main()
