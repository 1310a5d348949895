"""Estimates as wholes: bounds, repeatability, states, differences, variants, the budget."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_iac.cost.budget import OVER_BUDGET, USAGE_OF_NOTHING, budget_diagnostics
from mlops_iac.cost.compare import compare
from mlops_iac.cost.estimate import estimate_graph, estimate_snapshots, estimate_stack
from mlops_iac.cost.model import Estimate
from mlops_iac.cost.sweep import combinations
from mlops_iac.diagnostics import Severity
from mlops_iac.pipeline import request_at, run_phases
from mlops_iac.plan.deployed import snapshot_of_graph
from mlops_iac.policies.policy import StackView, view
from mlops_iac.render.cost import cost_json
from mlops_iac.render.json import to_text
from mlops_iac.render.spending import summary_line
from mlops_iac.spec.usage import UsageSection
from mlops_iac.state.snapshot import ResourceState, Snapshot

from .conftest import EXAMPLE, TODAY, Compiled, Estimated

AMOUNTS = st.floats(0, 1e9)
USAGE = st.builds(
    UsageSection,
    **{name: AMOUNTS for name in UsageSection.__struct_fields__ if name not in ("components", "runtime_share")},
    runtime_share=st.floats(0, 1),
)


@settings(max_examples=40)
@given(usage=USAGE, region=st.sampled_from(["eu-west-1", "us-east-1", "eu-north-1"]))
def test_the_floor_is_never_over_the_ceiling(usage: UsageSection, region: str) -> None:
    run = run_example()
    estimate = estimate_stack(run, "fraud", "dev", region, usage, TODAY)
    for line in estimate.lines:
        for charge in line.charges:
            assert 0 <= charge.floor.usd <= charge.ceiling.usd * (1 + 1e-9) + 1e-9, (line.name, charge)


@settings(max_examples=40)
@given(
    least=st.integers(0, 50),
    more=st.integers(0, 50),
    spot=st.booleans(),
    machine=st.sampled_from(["m5.large", "g5.xlarge"]),
)
def test_more_nodes_never_cost_less(least: int, more: int, spot: bool, machine: str) -> None:
    def pool(most: int) -> float:
        inputs = {
            "scalingConfig": {"minSize": least, "maxSize": most},
            "instanceTypes": [machine],
            "capacityType": "SPOT" if spot else "ON_DEMAND",
        }
        node_group = view("urn:pulumi:dev::s::t::n", "aws:eks/nodeGroup:NodeGroup", "n", inputs)
        line = estimate_stack(StackView((node_group,)), "s", "dev", "eu-west-1", UsageSection()).lines[0]
        assert line.floor <= line.ceiling
        return line.ceiling

    assert pool(least) <= pool(least + more)


def test_the_same_system_gives_the_same_bytes() -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from mlops_iac.pipeline import request_at, run_phases\n"
        "from mlops_iac.cost.estimate import estimate_graph\n"
        "from mlops_iac.render.cost import cost_json\n"
        "from mlops_iac.render.json import to_text\n"
        f"run = run_phases(request_at(Path({str(EXAMPLE)!r}), (), {TODAY!r}), until='compile')\n"
        f"sys.stdout.write(to_text(cost_json(estimate_graph(run.graph, run.system, {TODAY!r}))))\n"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert json.loads(runs[0])["kind"] == "cost"


def test_a_reader_can_compute_the_total_again(estimated: Estimated) -> None:
    document = json.loads(to_text(cost_json(estimated())))
    for bound in ("floor", "ceiling"):
        again = sum(
            charge[bound]["quantity"] * charge[bound]["price"]["usd"]
            for resource in document["resources"]
            for charge in resource["charges"]
        )
        assert again == pytest.approx(document["total"][bound], abs=0.01)


@pytest.mark.parametrize("overrides", [("env=dev",), ("env=prod", "endpoints.fraud-api.autoscaling.max=3")])
def test_a_state_costs_what_its_graph_does(overrides: tuple[str, ...], compiled: Compiled) -> None:
    run = compiled(*overrides)
    assert run.graph is not None
    assert run.system is not None
    deployed = estimate_snapshots(snapshot_of_graph(run.graph), run.system, TODAY)
    declared = estimate_graph(run.graph, run.system, TODAY)
    assert deployed.region == declared.region
    assert {line.key: (line.floor, line.ceiling, line.gaps, line.free) for line in deployed.lines} == {
        line.key: (line.floor, line.ceiling, line.gaps, line.free) for line in declared.lines
    }


def test_a_state_from_the_cloud_links_resources_by_their_ids(compiled: Compiled) -> None:
    system = compiled().system
    assert system is not None
    urn = "urn:pulumi:dev::fraud-compute::mlops:compute:Cluster$"
    template = ResourceState(
        f"{urn}aws:ec2/launchTemplate:LaunchTemplate::t",
        "aws:ec2/launchTemplate:LaunchTemplate",
        True,
        "lt-1",
        {"blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"volumeSize": 50}}]},
    )
    pool = ResourceState(
        f"{urn}aws:eks/nodeGroup:NodeGroup::pool",
        "aws:eks/nodeGroup:NodeGroup",
        True,
        "c:pool",
        {
            "instanceTypes": ["m5.large"],
            "scalingConfig": {"minSize": 1, "maxSize": 1},
            "launchTemplate": {"id": "lt-1"},
        },
        property_dependencies={"launchTemplate": (template.urn,)},
    )
    estimate = estimate_snapshots({"fraud-compute": Snapshot("fraud-compute", "dev", (template, pool))}, system)
    assert [charge.what for charge in estimate.lines[1].charges] == ["instances of m5.large", "volume /dev/xvda"]


def test_a_difference_names_what_costs_more_and_what_is_new(estimated: Estimated) -> None:
    old = estimated()
    new = estimated("endpoints.fraud-api.autoscaling.max=40", "+buckets.extra={classification: internal}")
    difference = compare(old, new)
    found = {change.line.name: change for change in difference.changes}
    assert found["fraud-api.endpoint"].kind == "changed"
    assert found["fraud-api.endpoint"].floor == 0
    assert found["fraud-api.endpoint"].ceiling == pytest.approx(20 * 730 * 0.21888)
    assert found["extra.bucket"].kind == "added"
    assert difference.changes[0].line.name == "fraud-api.endpoint"
    assert difference.ceiling == pytest.approx(sum(change.ceiling for change in difference.changes))
    assert {change.line.name for change in compare(new, old).changes if change.kind == "removed"} >= {"extra.bucket"}


def test_the_same_resources_are_found_in_another_environment(estimated: Estimated) -> None:
    difference = compare(estimated("env=dev"), estimated("env=prod"))
    assert [change.line.name for change in difference.changes] == ["tracking.database"]
    assert difference.changes[0].kind == "changed"


def test_nothing_differs_from_itself(estimated: Estimated) -> None:
    assert compare(estimated(), estimated()).changes == ()


def test_a_price_that_becomes_unknown_is_a_change(estimated: Estimated) -> None:
    new = estimated("clusters.research.pools.a10g.instance_type=g6.12xlarge")
    assert [change.line.name for change in compare(estimated(), new).changes] == ["research.pool-a10g"]


def clusters(*versions: str) -> Estimate:
    """As many control planes, one of them in extended support for each version 1.30; and something without a price."""
    made = [
        view(
            f"urn:pulumi:dev::s::aws:eks/cluster:Cluster::c{number}", "aws:eks/cluster:Cluster", "c", {"version": text}
        )
        for number, text in enumerate(versions)
    ]
    odd = view("urn:pulumi:dev::s::aws:odd/thing:Thing::odd", "aws:odd/thing:Thing", "odd", {})
    return estimate_stack(StackView((*made, odd)), "s", "dev", "eu-west-1", UsageSection(), "2026-01-01")


def test_the_summary_is_one_line_with_the_difference_and_what_is_unknown() -> None:
    one, two, old = clusters("1.35"), clusters("1.35", "1.35"), clusters("1.30")
    assert summary_line(one) == "cost: $73 a month; 1 unknown price not counted"
    assert summary_line(one, one) == "cost: $73 a month (unchanged); 1 unknown price not counted"
    assert summary_line(two, one) == "cost: $146 a month (+$73); 1 unknown price not counted"
    assert summary_line(one, old) == "cost: $73 a month (-$365); 1 unknown price not counted"


def test_a_floor_over_the_budget_is_a_warning_at_its_line(compiled: Compiled, estimated: Estimated) -> None:
    run = compiled("budget.monthly_usd=1000")
    assert run.system is not None
    assert run.composition is not None
    estimate = estimated()
    (found,) = budget_diagnostics(run.system, estimate, run.composition)
    assert (found.code, found.severity) == (OVER_BUDGET, Severity.WARNING)
    assert found.message == (
        f"the system costs at least ${estimate.floor:,.0f} a month, not counting 4 unknown prices; its budget is $1,000"
    )
    assert "research.cluster ($438)" in found.hint
    assert str(found.location) == "override:1:20"


def test_a_floor_within_the_budget_says_nothing(compiled: Compiled, estimated: Estimated) -> None:
    run = compiled()
    assert run.system is not None
    assert run.composition is not None
    assert budget_diagnostics(run.system, estimated(), run.composition) == ()


def test_an_assumption_about_nothing_is_found(compiled: Compiled, estimated: Estimated) -> None:
    run = compiled("+usage.components.endpoints.frud-api.requests=5")
    assert run.system is not None
    assert run.composition is not None
    (found,) = budget_diagnostics(run.system, estimated(), run.composition)
    assert (found.code, found.hint) == (USAGE_OF_NOTHING, "did you mean `endpoints.fraud-api`?")


@pytest.mark.parametrize(
    ("sweeps", "variants"),
    [
        (["a.b=1,2"], (("a.b=1",), ("a.b=2",))),
        (["a=1"], (("a=1",),)),
        (["a=1,2", "b=x,y"], (("a=1", "b=x"), ("a=1", "b=y"), ("a=2", "b=x"), ("a=2", "b=y"))),
        (["a=[1,2],[3]"], (("a=[1,2]",), ("a=[3]",))),
        (["a={x: 1, y: (2,3)},b"], (("a={x: 1, y: (2,3)}",), ("a=b",))),
        (["a='1,2',3"], (("a='1,2'",), ("a=3",))),
    ],
)
def test_values_of_a_sweep_make_every_combination(sweeps: list[str], variants: tuple[tuple[str, ...], ...]) -> None:
    assert combinations(sweeps) == variants


@pytest.mark.parametrize("text", ["a", "=1,2", "a=", "a=1,,2", "a=1,"])
def test_a_sweep_without_key_or_values_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not KEY=VALUE"):
        combinations([text])


def test_validation_reads_no_prices(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from mlops_iac.cli.main import cli\n"
        f"cli(['validate', '-C', {str(EXAMPLE)!r}], standalone_mode=False)\n"
        "sys.stderr.write(' '.join(name for name in sys.modules if name.startswith('mlops_iac.cost.rules.')))\n"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert finished.stderr == ""


def test_importing_the_estimator_reads_no_table() -> None:
    program = (
        "import mlops_iac.cost.estimate, mlops_iac.cost.budget, sys\n"
        "from mlops_iac.cost import table\n"
        "heavy = ('pulumi', 'boto3', 'hydra', 'jsonschema')\n"
        "sys.exit(table._rows.cache_info().currsize or any(name in sys.modules for name in heavy))"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def run_example() -> StackView:
    from mlops_iac.policies.views import view_graph

    if not _VIEWS:
        run = run_phases(request_at(EXAMPLE, (), TODAY), until="compile")
        assert run.graph is not None
        assert run.system is not None
        _VIEWS.append(view_graph(run.graph, run.system, TODAY))
    return _VIEWS[0]


_VIEWS: list[StackView] = []
