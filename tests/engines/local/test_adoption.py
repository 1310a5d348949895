"""Adopting what exists: the state that comes of it, what is refused, and that nothing else happens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlops_iac.engines.local.adoption import StackAdoption, adopt_stack
from mlops_iac.engines.local.executor import apply_stack
from mlops_iac.engines.local.store import Store
from mlops_iac.graph.nodes import Graph, Stack
from mlops_iac.graph.values import Ref, StackOutput
from mlops_iac.plan.adoption import (
    ALREADY_MANAGED,
    NOT_FOUND,
    NOT_READY,
    WOULD_REPLACE,
    Adoption,
    wanted_by_name,
)
from mlops_iac.plan.diff import plan_stack
from mlops_iac.plan.model import Op
from mlops_iac.state import checkpoint
from mlops_iac.state.edits import End, Working
from mlops_iac.state.snapshot import Snapshot

from .fake import AWS, COMPONENT, NAMED, UNNAMED, FakeProvider, factory, key, node, stack

HERE = {"parent": key(COMPONENT, "all")}
DECLARED = stack(
    node(COMPONENT, "all", {}, custom=False),
    node(UNNAMED, "net", {"vpcId": "vpc-1", "cidrBlock": "10.0.0.0/24"}, **HERE),
    node(NAMED, "jobs", {"name": "jobs", "tags": {"net": Ref(key(UNNAMED, "net"), ("id",))}}, **HERE),
    node(NAMED, "later", {"name": "later"}, **HERE),
    outputs={"jobs": Ref(key(NAMED, "jobs"), ("arn",)), "later": Ref(key(NAMED, "later"), ("arn",))},
)


@pytest.fixture
def cloud(tmp_path: Path) -> FakeProvider:
    """What somebody made by hand."""
    provider = FakeProvider(tmp_path / "cloud")
    by_hand(provider, "subnet-1", UNNAMED, {"vpcId": "vpc-1", "cidrBlock": "10.0.0.0/24"})
    by_hand(provider, "jobs", NAMED, {"name": "jobs", "tags": {"net": "subnet-1"}})
    return provider


def by_hand(provider: FakeProvider, id: str, type: str, inputs: dict[str, Any]) -> None:
    provider._write(provider._path(id), {"urn": "by hand", "type": type, "inputs": inputs})


def adopt(
    cloud: FakeProvider, declared: Stack = DECLARED, state: Snapshot | None = None, **ids: str
) -> tuple[StackAdoption, Snapshot]:
    """What an adoption comes to, and the state that it makes."""
    state = state or Snapshot(declared.project, declared.name)
    wanted = wanted_by_name(Graph("fraud", "dev", (declared,)), ids.items())
    made = adopt_stack(declared, state, {}, {item.urn: item for item in wanted}, factory(cloud), lambda: "now")
    working = Working(state)
    working.apply(End(working.next_ticket(), made.put))
    after = working.snapshot()
    assert checkpoint.verify(after) == []
    return made, after


def test_what_was_read_is_in_the_state_with_what_it_belongs_to(cloud: FakeProvider) -> None:
    made, after = adopt(cloud, net="subnet-1", jobs="jobs")
    assert made.failures == () and [(item.id, item.diff) for item in made.resources] == [
        ("subnet-1", ()),
        ("jobs", ()),
    ]
    live = {urn.rpartition("::")[2]: resource for urn, resource in after.live().items()}
    assert live.keys() == {"aws", "all", "net", "jobs"}
    assert live["jobs"].parent == live["all"].urn and live["jobs"].import_id == "jobs"
    assert live["jobs"].provider == f"{live['aws'].urn}::{live['aws'].id}"
    assert live["jobs"].property_dependencies == {"tags": (live["net"].urn,)}
    assert dict(made.outputs) == {"jobs": "arn:aws:fake:::jobs"}, "what is not there exports nothing"
    assert {verb for verb, _ in cloud.calls()} == {"read"}
    ops = {change.name: change.op for change in plan_stack(DECLARED, after, {}).changes if change.custom}
    assert ops == {"aws": Op.SAME, "net": Op.SAME, "jobs": Op.SAME, "later": Op.CREATE}


def test_an_apply_goes_on_from_it(cloud: FakeProvider, tmp_path: Path) -> None:
    store = Store(tmp_path, environ={})
    store.prepare()
    _, after = adopt(cloud, net="subnet-1", jobs="jobs")
    store.save(after)
    result = apply_stack(DECLARED, {}, factory(cloud), store)
    assert [(outcome.op, outcome.name) for outcome in result.done] == [(Op.CREATE, "later")]
    assert {resource.import_id for resource in result.snapshot.resources} == {None}, "a program without import= says so"
    assert checkpoint.verify(result.snapshot) == []


def test_the_id_an_adoption_came_by_survives_the_state_file(cloud: FakeProvider, tmp_path: Path) -> None:
    store = Store(tmp_path, environ={})
    store.prepare()
    _, after = adopt(cloud, jobs="jobs", net="subnet-1")
    store.save(after)
    assert '"importID": "subnet-1"' in (tmp_path / ".mlops-iac/state/fraud-data/dev.json").read_text()
    assert store.load("fraud-data", "dev").resources == after.resources


def test_what_differs_is_recorded_as_it_is(cloud: FakeProvider) -> None:
    by_hand(cloud, "later", NAMED, {"name": "later", "delaySeconds": 5})
    made, after = adopt(cloud, later="later")
    assert [change.path for change in made.resources[0].diff] == ["delaySeconds"]
    assert made.resources[0].replaced == ()
    (later,) = [item for item in after.resources if item.id == "later"]
    assert later.inputs["delaySeconds"] == 5


def test_an_item_between_others_is_shown_as_that(cloud: FakeProvider) -> None:
    first, between, last = ({"name": name, "port": port} for port, name in enumerate(("first", "between", "last")))
    by_hand(cloud, "ruled", NAMED, {"name": "ruled", "rules": [first, between, last]})
    made, _ = adopt(cloud, stack(node(NAMED, "ruled", {"name": "ruled", "rules": [first, last]})), ruled="ruled")
    assert [(item.path, item.kind, item.old) for item in made.resources[0].diff] == [("rules[1]", "delete", between)]


def test_what_would_be_replaced_is_told(cloud: FakeProvider) -> None:
    by_hand(cloud, "other", NAMED, {"name": "other"})
    made, _ = adopt(cloud, later="other")
    (told,) = Adoption(made.resources).replacements()
    assert told.code == WOULD_REPLACE and "name" in told.message


def test_an_input_that_nobody_can_know_yet_is_taken_as_it_is(cloud: FakeProvider) -> None:
    made, after = adopt(cloud, jobs="jobs")
    assert [change.path for change in made.resources[0].diff] == ["tags.net"]
    (jobs,) = [item for item in after.resources if item.id == "jobs"]
    assert jobs.inputs["tags"] == {"net": "subnet-1"} and jobs.dependencies == ()


def test_an_id_that_does_not_exist_puts_nothing(cloud: FakeProvider) -> None:
    made, after = adopt(cloud, net="subnet-2", jobs="jobs")
    assert [item.code for item in made.failures] == [NOT_FOUND] and "subnet-2" in made.failures[0].message
    assert made.put == () and after.resources == ()


def test_one_thing_is_one_resource(cloud: FakeProvider) -> None:
    _, after = adopt(cloud, jobs="jobs", net="subnet-1")
    again, _ = adopt(cloud, state=after, jobs="jobs")
    assert again.put == () and [item.urn.rpartition("::")[2] for item in again.known] == ["jobs"]
    other, _ = adopt(cloud, state=after, jobs="else")
    assert [item.code for item in other.failures] == [ALREADY_MANAGED]
    assert "state delete data jobs" in other.failures[0].hint
    twice, _ = adopt(cloud, state=after, later="jobs")
    assert [item.code for item in twice.failures] == [ALREADY_MANAGED] and "::jobs" in twice.failures[0].message


def test_a_provider_that_is_not_known_yet_is_told(cloud: FakeProvider) -> None:
    unknown = {"region": StackOutput("foundation", "region")}
    declared = Stack(DECLARED.layer, DECLARED.project, "dev", (node(AWS, "aws", unknown), *DECLARED.nodes[1:]))
    made, after = adopt(cloud, declared, jobs="jobs")
    assert [item.code for item in made.failures] == [NOT_READY] and "region" in made.failures[0].message
    assert after.resources == ()
