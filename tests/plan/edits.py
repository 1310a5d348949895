"""Real edits of the fraud-detection example, planned as if the unedited one were deployed."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlops_iac.pipeline import Baseline, Run, plan_against, request_at, run_phases
from mlops_iac.plan.deployed import snapshot_of_graph

EXAMPLE = Path(__file__).parents[2] / "examples" / "fraud-detection"
TODAY = "2026-06-30"
MODELS = "  models:   {classification: internal, versioning: true, protect: no_delete}\n"


@dataclass(frozen=True)
class Edit:
    """What is replaced by what in system.yaml, and the overrides after and before."""

    replaced: tuple[tuple[str, str], ...] = ()
    overrides: tuple[str, ...] = ()
    before: tuple[str, ...] = field(default=())


EDITS: dict[str, Edit] = {
    "add-a-feature": Edit((("transactions_last_hour: integer}", "transactions_last_hour: integer, device: string}"),)),
    "add-a-feature-between": Edit((("amount: float", "device: string, amount: float"),)),
    "drop-the-feature-store-online": Edit((("online: {enabled: true, ttl: 30d}", "online: {enabled: false}"),)),
    "endpoint-instance-type": Edit((("ml.c6i.xlarge", "ml.c6i.2xlarge"),)),
    "delete-a-bucket": Edit(((MODELS, ""),)),
    "rename-a-bucket": Edit(((MODELS, "  released: {classification: internal, versioning: true}\n"),)),
    "change-a-monitor": Edit((("schedule: hourly, baseline", "schedule: daily, baseline"),)),
    "keep-data-for-less": Edit((("keep: 400d", "keep: 100d"),)),
    "keep-data-for-longer": Edit((("keep: 400d", "keep: 500d"),)),
    "release-a-version": Edit((("released: {prod: 1}", "released: {prod: 2}"),)),
    "skip-a-stage": Edit(
        (("released: {prod: 1}", "released: {staging: 1, prod: 2}"), ("prod: two_person}", "prod: one_person}"))
    ),
    "take-a-release-back": Edit((("released: {prod: 1}", "released: {}"),)),
    "remove-a-trigger": Edit((("      - {drift: fraud-drift}\n", ""),)),
    "change-a-trigger": Edit((("0 3 * * 1", "0 3 * * *"),)),
    "add-a-trigger": Edit(
        (('      - {schedule: "0 3 * * 1"}\n', '      - {schedule: "0 3 * * 1"}\n      - {drift: fraud-bias}\n'),)
    ),
    "change-a-pipeline": Edit((("lr: 0.001", "lr: 0.01"),)),
    "replace-a-pool": Edit((("g5.12xlarge", "g6.12xlarge"),)),
    "upgrade-a-cluster": Edit((('"1.33"', '"1.34"'),)),
    "remove-a-cluster": Edit((), ("~tracking", "~clusters")),
    "remove-a-queue": Edit(
        (("      risk-team: {gpus: 16, borrow: true, priority: normal}\n", "      other: {gpus: 16}\n"),)
    ),
    "replace-the-network": Edit((("10.20.0.0/16", "10.30.0.0/16"),)),
    "share-a-model": Edit((("approval: {staging", "share_with: ['444455556666']\n    approval: {staging"),)),
    "open-the-cluster": Edit((('version: "1.33"', 'version: "1.33"\n    public_access: [203.0.113.0/24]'),)),
    "close-the-cluster-a-little": Edit(
        (),
        ("+clusters.research.public_access=[203.0.113.0/28]",),
        ("+clusters.research.public_access=[203.0.113.0/24]",),
    ),
    "admit-an-administrator": Edit(
        (
            (
                'version: "1.33"',
                'version: "1.33"\n    access: {ops: {principal: "arn:aws:iam::111122223333:role/ops", level: admin}}',
            ),
        )
    ),
    "network-isolation-off": Edit((), ("security.network_isolation=false",)),
    "another-input-bucket": Edit((("inputs: [raw]", "inputs: [raw, models]"),)),
    "classify-higher": Edit((("raw:      {classification: confidential", "raw:      {classification: restricted"),)),
    "loosen-a-policy": Edit(
        (
            (
                "eu-ai-act-high-risk, gdpr]\n",
                "eu-ai-act-high-risk, gdpr]\n  enforcement: {s3-require-tls: advisory}\n",
            ),
            (
                "  waivers:\n",
                "  waivers:\n    - {rule: gov-retraining-guarded, resource: retraining.fraud-retrain, "
                'owner: risk-ml@example.com, reason: until the new approver starts, expires: "2026-09-30"}\n',
            ),
        )
    ),
    "drop-a-pack": Edit(((", eu-ai-act-high-risk, gdpr]", "]"),)),
    "loosen-production": Edit(
        (("env: dev ", "env: prod "), ("protect: no_delete", "access_log: true")),
        ("env.gates=[no_data_loss]", "env.approval=one_person", "env.spend.floor_usd=9000"),
        ("env=prod", "env.spend.floor_usd=5000"),
    ),
    "classify-lower": Edit(
        (
            ("raw:      {classification: confidential", "raw:      {classification: internal"),
            ("features: {classification: confidential", "features: {classification: internal"),
        )
    ),
}


def run_edit(edit: Edit, folder: Path) -> Run:
    """The run of the edited example, compared with the unedited one."""
    shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True)
    before = run_phases(request_at(folder, edit.before), until="compile")
    assert before.graph is not None
    write_edit(folder, edit.replaced)
    checked = run_phases(request_at(folder, edit.overrides, TODAY), until="check")
    return plan_against(checked, Baseline("the example", snapshot_of_graph(before.graph), system=before.system))


def write_edit(folder: Path, replaced: Sequence[tuple[str, str]]) -> None:
    """Replace texts in the system's file; every one must be there."""
    file = folder / "system.yaml"
    text = file.read_text()
    for old, new in replaced:
        assert old in text, old
        text = text.replace(old, new)
    file.write_text(text)
