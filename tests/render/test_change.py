"""What a plan would do is counted as an apply counts it, and one that touches providers only does not read as nothing."""

from __future__ import annotations

import pytest

from mlops_iac.graph.nodes import Graph, Layer, Node, Options, Stack
from mlops_iac.graph.values import NodeKey
from mlops_iac.plan.deployed import snapshot_of_graph
from mlops_iac.plan.diff import plan_graph
from mlops_iac.plan.model import Op, Plan
from mlops_iac.render.change import plan_counts
from mlops_iac.render.json import preview_json
from mlops_iac.render.markdown import preview_markdown
from mlops_iac.render.report.model import Report
from mlops_iac.render.report.page import report_page
from mlops_iac.render.text import preview_text

PROVIDERS = ("cloud", "replicas")


def graph(retries: int, *queues: str) -> Graph:
    providers = [
        Node(NodeKey("data", "pulumi:providers:aws", name), {"region": "eu-west-1", "maxRetries": retries})
        for name in PROVIDERS
    ]
    made = [
        Node(NodeKey("data", "aws:sqs/queue:Queue", name), {"name": name}, Options(provider=providers[0].key))
        for name in queues
    ]
    return Graph("s", "dev", (Stack(Layer.DATA, "s-data", "dev", (*providers, *made)),))


def plan(before: Graph | None, after: Graph) -> Plan:
    return plan_graph(after, snapshot_of_graph(before) if before is not None else {}, "the state")


@pytest.mark.parametrize(
    ("made", "counts", "text"),
    [
        (plan(None, graph(1, "q", "r")), ((Op.CREATE, 2, "to create"),), "2 to create"),
        (plan(graph(1, "q"), graph(2, "q", "r")), ((Op.CREATE, 1, "to create"),), "1 to create, 1 unchanged"),
        (plan(graph(1, "q"), graph(1, "q")), (), "Nothing changes: 1 resource as declared."),
    ],
    ids=["all-new", "resource-and-providers", "nothing"],
)
def test_resources_are_counted_without_their_providers(made: Plan, counts: object, text: str) -> None:
    assert plan_counts(made) == counts
    assert preview_text(made).endswith(f"{text}\n")
    assert made.changes_something == bool(counts)


def test_a_plan_of_providers_only_says_so_in_every_form() -> None:
    after = graph(2, "q")
    made = plan(graph(1, "q"), after)
    assert made.changes_something and not any(made.summary()[op] for op in Op if op is not Op.SAME)
    ((op, number, what),) = plan_counts(made)
    assert (number, what) == (2, f"providers to {op}")
    assert preview_text(made).endswith(f"2 providers to {op}, 1 unchanged\n")
    comment = preview_markdown(made)
    assert f"2 providers to {op}." in comment and "only providers change" in comment
    assert f"<b>2</b> providers to {op}" in report_page(Report(made, after))
    document = preview_json(made)
    assert document["summary"] == {**dict.fromkeys(Op, 0), "same": 1}
    assert sum(change["op"] == op for change in document["stacks"][0]["changes"]) == 2
