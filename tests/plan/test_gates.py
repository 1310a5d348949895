"""Gates on real edits: refused where they are set, lifted by an approval that holds, expired ones told."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_iac.pipeline import Run, gate_diagnostics, request_at, run_phases
from mlops_iac.plan.gates import LASTING, RENEWED

from .edits import EDITS, EXAMPLE, MODELS, TODAY, Edit, run_edit

FEATURE = EDITS["add-a-feature"].replaced
RECORD = "record_id: transaction_id"
INSTANCE = EDITS["endpoint-instance-type"].replaced
SERVED = "    instance_type: ml.c6i"


def approval(resource: str, gate: str, expires: str = "2026-12-31") -> str:
    return (
        f"\napprovals:\n  - {{resource: {resource}, gate: {gate}, person: ada@example.com, "
        f'reason: nobody reads it, expires: "{expires}"}}\n'
    )


def lines(run: Run) -> list[str]:
    """Every gate's verdict in one line."""
    return [
        f"{'refused' if item.stops else 'lifted'} {item.gate} {'.'.join(map(str, item.component))} "
        f"{','.join(item.resources)}"
        for item in run.gates
    ]


def edited(tmp_path: Path, *replaced: tuple[str, str], more: str = "", overrides: tuple[str, ...] = ()) -> Run:
    if more:
        replaced = (*replaced, ("budget: {monthly", f"{more.strip()}\n\nbudget: {{monthly"))
    return run_edit(Edit(replaced, overrides), tmp_path)


def protected(value: str) -> tuple[str, str]:
    """Protect the feature group in the edited configuration only, so that the state does not protect it yet."""
    return RECORD, f"{RECORD}\n    protect: {value}"


CASES: list[tuple[str, tuple[tuple[str, str], ...], str, list[str]]] = [
    ("no gate", FEATURE, "", []),
    (
        "no_delete",
        (*FEATURE, protected("no_delete")),
        "",
        ["refused no_delete feature_stores.transactions transactions.group"],
    ),
    (
        "no_replace",
        (*FEATURE, protected("no_replace")),
        "",
        ["refused no_replace feature_stores.transactions transactions.group"],
    ),
    (
        "several",
        (*FEATURE, protected("[no_replace, no_downtime, frozen]")),
        "",
        [
            "refused frozen feature_stores.transactions transactions.group",
            "refused no_replace feature_stores.transactions transactions.group",
        ],
    ),
    (
        "lifted",
        (*FEATURE, protected("no_replace")),
        approval("feature_stores.transactions", "no_replace"),
        ["lifted no_replace feature_stores.transactions transactions.group"],
    ),
    (
        "lifted by pattern",
        (*FEATURE, protected("no_replace")),
        approval("feature_stores.*", "no_replace"),
        ["lifted no_replace feature_stores.transactions transactions.group"],
    ),
    (
        "another gate is approved",
        (*FEATURE, protected("no_replace")),
        approval("feature_stores.transactions", "frozen"),
        ["refused no_replace feature_stores.transactions transactions.group"],
    ),
    (
        "another component is approved",
        (*FEATURE, protected("no_replace")),
        approval("feature_stores.users", "no_replace"),
        ["refused no_replace feature_stores.transactions transactions.group"],
    ),
    (
        "expired",
        (*FEATURE, protected("no_replace")),
        approval("feature_stores.transactions", "no_replace", "2026-06-29"),
        ["refused no_replace feature_stores.transactions transactions.group"],
    ),
    (
        "last day",
        (*FEATURE, protected("no_replace")),
        approval("feature_stores.transactions", "no_replace", TODAY),
        ["lifted no_replace feature_stores.transactions transactions.group"],
    ),
    (
        "a rollout is no downtime and renews what is meant to be renewed",
        (*INSTANCE, (SERVED, f"    protect: [no_downtime, no_replace, no_delete]\n{SERVED}")),
        "",
        [],
    ),
    (
        "a release taken back deletes a protected endpoint",
        (*EDITS["take-a-release-back"].replaced, (SERVED, f"    protect: [no_downtime, no_delete]\n{SERVED}")),
        "",
        [
            "refused no_delete endpoints.fraud-api fraud-api.endpoint",
            "refused no_downtime endpoints.fraud-api fraud-api.endpoint",
        ],
    ),
    (
        "the state protects",
        ((MODELS, ""),),
        "",
        ["refused protected buckets.models models.bucket"],
    ),
    (
        "no approval changes the state",
        ((MODELS, ""),),
        approval("buckets.models", "no_delete"),
        ["refused protected buckets.models models.bucket"],
    ),
]


@pytest.mark.parametrize(("replaced", "more", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_component_gates(replaced: tuple[tuple[str, str], ...], more: str, expected: list[str], tmp_path: Path) -> None:
    run = edited(tmp_path, *replaced, more=more)
    assert lines(run) == expected
    assert run.refused == any(line.startswith("refused") for line in expected)
    for item in run.gates:
        assert item.location is not None
        text = (tmp_path / "system.yaml").read_text().splitlines()[item.location.line - 1]
        assert item.gate == "protected" or "protect:" in text


ENVIRONMENT = "env.gates=[no_data_loss,no_downtime,no_public_exposure]"


def test_environment_gates(tmp_path: Path) -> None:
    run = edited(tmp_path, *FEATURE, *EDITS["take-a-release-back"].replaced, overrides=(ENVIRONMENT,))
    assert lines(run) == [
        "refused no_downtime endpoints.fraud-api fraud-api.endpoint",
        "refused no_data_loss feature_stores.transactions transactions.group",
    ]


def test_an_environment_gate_is_lifted_for_one_component(tmp_path: Path) -> None:
    more = approval("feature_stores.transactions", "no_data_loss")
    run = edited(tmp_path, *FEATURE, more=more, overrides=(ENVIRONMENT,))
    assert lines(run) == ["lifted no_data_loss feature_stores.transactions transactions.group"]
    assert not run.refused


def test_less_severe_losses_pass(tmp_path: Path) -> None:
    run = edited(tmp_path, *EDITS["change-a-pipeline"].replaced, overrides=(ENVIRONMENT,))
    assert (run.gates, run.refused) == ((), False)


def test_production_refuses_loss_exposure_and_overspending_by_default(tmp_path: Path) -> None:
    run = run_edit(Edit((), ("env=prod",), ("env=prod",)), tmp_path)
    assert run.system is not None
    assert run.system.core.env.gates == ["no_data_loss", "no_public_exposure", "within_budget"]
    assert run.gates == ()


SPENDING: list[tuple[str, tuple[str, ...], str, list[str]]] = [
    ("enough", ("env.gates=[within_budget]",), "", []),
    ("too much", ("env.gates=[within_budget]", "budget.monthly_usd=500"), "", ["refused within_budget budget"]),
    ("no gate", ("budget.monthly_usd=500",), "", []),
    (
        "approved",
        ("env.gates=[within_budget]", "budget.monthly_usd=500"),
        approval("budget", "within_budget"),
        ["lifted within_budget budget"],
    ),
    ("floor", ("env.spend.floor_usd=1000",), "", ["refused spend_limit env.spend"]),
    ("floor kept", ("env.spend.floor_usd=5000",), "", []),
    ("ceiling", ("env.spend.ceiling_usd=1000",), "", ["refused spend_limit env.spend"]),
    ("increase", ("env.spend.floor_increase_usd=300",), "", ["refused spend_limit env.spend"]),
    ("increase kept", ("env.spend.floor_increase_usd=400",), "", []),
    (
        "every limit",
        ("env.spend={floor_usd: 1, ceiling_usd: 1, floor_increase_usd: 1, ceiling_increase_usd: 1}",),
        "",
        ["refused spend_limit env.spend"] * 4,
    ),
    (
        "increase approved",
        ("env.spend.ceiling_increase_usd=300",),
        approval("env.spend", "spend_limit"),
        ["lifted spend_limit env.spend"],
    ),
]


@pytest.mark.parametrize(
    ("overrides", "more", "expected"), [case[1:] for case in SPENDING], ids=[c[0] for c in SPENDING]
)
def test_spending(tmp_path: Path, overrides: tuple[str, ...], more: str, expected: list[str]) -> None:
    """The edit doubles an endpoint that costs 320 to 3,196 USD a month, of a system that costs at least 1,029."""
    run = edited(tmp_path, *INSTANCE, more=more, overrides=overrides)

    assert [line.rpartition(" ")[0] for line in lines(run)] == expected
    assert run.refused == any(line.startswith("refused") for line in expected)


def test_a_first_deployment_has_no_increase() -> None:
    limits = "env.spend={floor_increase_usd: 1, ceiling_increase_usd: 1}"

    assert run_phases(request_at(EXAMPLE, (limits,), TODAY)).gates == ()


def test_what_is_said_of_spending(tmp_path: Path) -> None:
    overrides = ("env.gates=[within_budget]",)
    budget = ("budget: {monthly_usd: 12000", "budget: {monthly_usd: 1200")
    spend = ("\nbuckets:", "\nenv:\n  spend: {ceiling_increase_usd: 100}\n\nbuckets:")
    run = edited(tmp_path, *INSTANCE, budget, spend, overrides=overrides)
    over, limit = gate_diagnostics(run)

    assert over.message == (
        "budget: within_budget refuses this change: the system costs at least $1,349 a month (largest: "
        "fraud-api.endpoint, research.pool-system and fraud-drift.schedule; 4 unknown prices not counted), and its budget is $1,200"
    )
    assert over.location is not None and (over.location.file, over.location.column) == ("system.yaml", 23)
    assert limit.message == (
        "env.spend: spend_limit refuses this change: it may add up to $3,196 a month (largest: "
        "fraud-api.endpoint), and `env.spend.ceiling_increase_usd` is $100"
    )
    assert limit.location is not None and limit.location.column == 33
    assert "MI6500" not in {item.code for item in run.diagnostics}


def test_what_is_said(tmp_path: Path) -> None:
    more = approval("feature_stores.transactions", "no_replace", "2026-06-29")
    run = edited(tmp_path, *FEATURE, protected("no_replace"), more=more)
    (found,) = gate_diagnostics(run)
    assert (found.code, found.severity, found.path) == ("MI6001", "error", ("feature_stores", "transactions"))
    assert found.message == (
        "feature_stores.transactions: no_replace refuses this change: transactions.group is replaced "
        "(featureDefinitions cannot change in place)"
    )
    assert found.hint == "the approval of ada@example.com expired on 2026-06-29; ask for a new one"
    assert [(d.code, d.severity) for d in run.diagnostics if d.code.startswith("MI6")] == [("MI6003", "warning")]


def test_an_approval_that_lifts_nothing_is_told(tmp_path: Path) -> None:
    run = edited(tmp_path, more=approval("buckets.raw", "no_delete"))
    assert [d.message for d in run.diagnostics if d.code == "MI6004"] == [
        "the approval of no_delete for buckets.raw lifts nothing of this plan"
    ]


def test_a_lifted_gate_says_who_and_why(tmp_path: Path) -> None:
    more = approval("feature_stores.*", "no_replace")
    (found,) = gate_diagnostics(edited(tmp_path, *FEATURE, protected("no_replace"), more=more))
    assert found.severity == "info"
    assert "approved by ada@example.com until 2026-12-31: nobody reads it" in found.message


def test_a_protected_component_without_data_is_protected_in_the_state(tmp_path: Path) -> None:
    budget = ("budget: {monthly_usd: 12000,", "budget: {protect: no_delete, monthly_usd: 12000,")
    run = edited(tmp_path, budget)
    assert run.graph is not None
    assert [n.name for n in run.graph.nodes() if n.component == ("budget",) and n.options.protect] == ["budget"]


def test_no_type_is_both_lasting_and_renewed() -> None:
    assert not LASTING & RENEWED
