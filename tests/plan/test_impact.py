"""Impacts of real edits, recorded whole, and of single resources that the example does not have."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from mlops_iac.graph.nodes import Graph
from mlops_iac.graph.values import Ref
from mlops_iac.plan.deployed import snapshot_of_graph
from mlops_iac.plan.diff import plan_graph
from mlops_iac.plan.impact import ImpactKind, ImpactRule, ImpactSeverity, impacts_of
from mlops_iac.plan.impacts import rules
from mlops_iac.plan.impacts.data_loss import STORES
from mlops_iac.providers.facts import facts_of
from mlops_iac.render.impact import impacts_json
from mlops_iac.spec.load import load
from mlops_iac.spec.system import System
from mlops_iac.validate import validate
from tests.conftest import GOLDEN

from .edits import EDITS, Edit, run_edit
from .graphs import facts, graph, graphs, node

Golden = Callable[[str, str], None]
NOTHING = {"keep-data-for-longer", "change-a-monitor", "close-the-cluster-a-little"}
"""Edits in place that nobody notices."""


@pytest.mark.parametrize("name", EDITS)
def test_the_impacts_of_an_edit_are_on_record(name: str, tmp_path: Path, golden: Golden) -> None:
    run = run_edit(EDITS[name], tmp_path)
    assert run.plan is not None
    assert run.plan.summary() != {}
    assert (run.impacts == ()) == (name in NOTHING)
    golden(f"impact/{name}.json", json.dumps(impacts_json(run.impacts), indent=1) + "\n")


def test_no_edit_has_no_impact(tmp_path: Path) -> None:
    run = run_edit(Edit(), tmp_path)
    assert (run.impacts, run.gates) == ((), ())


def test_the_worst_comes_first_and_the_order_is_stable(tmp_path: Path) -> None:
    edit = EDITS["take-a-release-back"]
    first, again = run_edit(edit, tmp_path / "a").impacts, run_edit(edit, tmp_path / "b").impacts
    assert first == again
    severities = [list(ImpactSeverity).index(impact.severity) for impact in first]
    assert severities == sorted(severities)


@pytest.fixture(scope="module")
def system(compose_text) -> System:
    return load(validate(compose_text("network: {}")))


@given(graphs())
def test_a_plan_of_the_same_graph_has_no_impact(example: Graph) -> None:
    plan = plan_graph(example, snapshot_of_graph(example), "itself", facts)
    assert impacts_of(plan, example, EMPTY, COMPOSITION) == ()


@given(graphs(), graphs())
def test_any_plan_can_be_judged_twice_with_the_same_result(before: Graph, after: Graph) -> None:
    plan = plan_graph(after, snapshot_of_graph(before), "before", facts)
    assert impacts_of(plan, after, EMPTY, COMPOSITION) == impacts_of(plan, after, EMPTY, COMPOSITION)


@pytest.fixture(scope="module", autouse=True)
def _prepared(compose_text) -> None:
    global EMPTY, COMPOSITION
    COMPOSITION = compose_text("network: {}")
    EMPTY = load(validate(COMPOSITION))


EMPTY: Any = None
COMPOSITION: Any = None

RULE_TYPE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
OTHER = "444455556666"


def _policy(principal: Any, effect: str = "Allow", **more: Any) -> str:
    return json.dumps({"Statement": [{"Effect": effect, "Principal": principal, "Action": "s3:GetObject", **more}]})


def _grant(*actions: str, resource: str = "arn:aws:s3:::raw/*") -> str:
    return json.dumps({"Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": resource}]})


SINGLE: list[tuple[str, str, Mapping[str, Any] | None, Mapping[str, Any] | None, list[str]]] = [
    (
        "database-deleted",
        "aws:rds/instance:Instance",
        {"identifier": "d", "skipFinalSnapshot": True},
        None,
        ["critical data_loss: database x.thing is deleted: its data is lost: no final snapshot is made"],
    ),
    (
        "database-snapshot",
        "aws:rds/instance:Instance",
        {"identifier": "d", "skipFinalSnapshot": False},
        None,
        ["high data_loss: database x.thing is deleted: its data is left in a final snapshot only"],
    ),
    (
        "database-restart",
        "aws:rds/instance:Instance",
        {"instanceClass": "db.m6i.large", "multiAz": True, "applyImmediately": True},
        {"instanceClass": "db.m6i.xlarge", "multiAz": True, "applyImmediately": True},
        ["medium downtime: database x.thing restarts (instanceClass): its standby takes over (1, 2)"],
    ),
    ("database-tag", "aws:rds/instance:Instance", {"tags": {"a": "b"}}, {"tags": {"a": "c"}}, []),
    (
        "key",
        "aws:kms/key:Key",
        {"deletionWindowInDays": 7},
        None,
        [
            "critical key_deletion: key x.thing is deleted: it is scheduled for deletion, and after 7 days whatever it "
            "encrypted (objects, volumes, backups, logs) cannot be read by anybody"
        ],
    ),
    (
        "group-opened",
        RULE_TYPE,
        {"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "10.0.0.0/8"},
        {"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "0.0.0.0/0"},
        ["critical public_exposure: x.thing lets the whole internet in on port 443"],
    ),
    (
        "group-narrowed",
        RULE_TYPE,
        {"ipProtocol": "-1", "cidrIpv4": "10.0.0.0/8"},
        {"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "10.1.0.0/16"},
        [],
    ),
    (
        "more-ports",
        RULE_TYPE,
        {"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "198.51.100.0/24"},
        {"ipProtocol": "tcp", "fromPort": 22, "toPort": 443, "cidrIpv4": "198.51.100.0/24"},
        ["low network_opened: x.thing lets 198.51.100.0/24 in on port 22-443"],
    ),
    (
        "group-created-open",
        RULE_TYPE,
        None,
        {"ipProtocol": "-1", "cidrIpv6": "::/0"},
        ["critical public_exposure: x.thing lets the whole internet in on every port"],
    ),
    (
        "policy-for-all",
        "aws:s3/bucketPolicy:BucketPolicy",
        {"policy": _policy({"AWS": "arn:aws:iam::111122223333:root"})},
        {"policy": _policy("*")},
        ["critical public_exposure: x.thing lets anybody in: its policy names no caller"],
    ),
    (
        "policy-denies-all",
        "aws:s3/bucketPolicy:BucketPolicy",
        {"policy": _policy({"AWS": "arn:aws:iam::111122223333:root"})},
        {"policy": _policy("*", "Deny")},
        [],
    ),
    (
        "policy-limited",
        "aws:s3/bucketPolicy:BucketPolicy",
        None,
        {"policy": _policy("*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})},
        [],
    ),
    (
        "another-account",
        "aws:ecr/repositoryPolicy:RepositoryPolicy",
        {"policy": _policy({"AWS": "arn:aws:iam::111122223333:root"})},
        {"policy": _policy({"AWS": ["arn:aws:iam::111122223333:root", f"arn:aws:iam::{OTHER}:root"]})},
        [f"high cross_account: x.thing lets account {OTHER} in"],
    ),
    (
        "access-block-off",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        dict.fromkeys(("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True),
        {"blockPublicAcls": True, "blockPublicPolicy": False, "ignorePublicAcls": True, "restrictPublicBuckets": True},
        ["high public_exposure: x.thing no longer blocks public access (blockPublicPolicy off)"],
    ),
    (
        "more-actions",
        "aws:iam/rolePolicy:RolePolicy",
        {"policy": _grant("s3:Get*")},
        {"policy": _grant("s3:GetObject", "s3:PutObject", "kms:Decrypt")},
        ["medium wider_permissions: role x.thing may do more: kms:Decrypt and s3:PutObject on arn:aws:s3:::raw/*"],
    ),
    (
        "a-whole-service",
        "aws:iam/rolePolicy:RolePolicy",
        {"policy": _grant("s3:GetObject")},
        {"policy": _grant("s3:*")},
        ["high wider_permissions: role x.thing may do more: s3:* on arn:aws:s3:::raw/*"],
    ),
    (
        "fewer-actions",
        "aws:iam/rolePolicy:RolePolicy",
        {"policy": _grant("s3:*", resource="*")},
        {"policy": _grant("s3:GetObject")},
        [],
    ),
    (
        "trust",
        "aws:iam/role:Role",
        {"assumeRolePolicy": _policy({"Service": "sagemaker.amazonaws.com"})},
        {"assumeRolePolicy": _policy({"AWS": f"arn:aws:iam::{OTHER}:root"})},
        [
            f"high cross_account: x.thing lets account {OTHER} in",
            f"high wider_permissions: role x.thing may from now on be assumed by arn:aws:iam::{OTHER}:root",
        ],
    ),
    (
        "logs-kept-shorter",
        "aws:cloudwatch/logGroup:LogGroup",
        {"retentionInDays": 400},
        {"retentionInDays": 30},
        ["medium data_loss: log events older than 30 days are deleted (kept 400 days until now)"],
    ),
    (
        "lifecycle-off",
        LIFECYCLE,
        {"rules": [{"id": "a", "status": "Disabled", "filter": {"prefix": ""}, "expiration": {"days": 9}}]},
        {"rules": [{"id": "a", "status": "Enabled", "filter": {"prefix": "tmp/"}, "expiration": {"days": 9}}]},
        ["high data_loss: objects below tmp/ older than 9 days are deleted within days (kept for ever until now)"],
    ),
    (
        "endpoint-renamed",
        "aws:sagemaker/endpoint:Endpoint",
        {"name": "a", "endpointConfigName": "c"},
        None,
        ["critical downtime: endpoint x.thing is deleted: it answers no more requests"],
    ),
    (
        "rolling",
        "aws:sagemaker/endpoint:Endpoint",
        {"name": "a", "endpointConfigName": "c"},
        {
            "name": "a",
            "endpointConfigName": "d",
            "deploymentConfig": {
                "rollingUpdatePolicy": {
                    "maximumBatchSize": {"type": "CAPACITY_PERCENT", "value": 40},
                    "waitIntervalInSeconds": 300,
                }
            },
        },
        [
            "medium rollout: endpoint x.thing moves to a new fleet: rolling, 40% of the instances at a time, 3 x 5 min "
            "bake; no alarm brings it back; callers notice nothing (30, 45)"
        ],
    ),
    (
        "strategy-only",
        "aws:sagemaker/endpoint:Endpoint",
        {"name": "a", "endpointConfigName": "c"},
        {
            "name": "a",
            "endpointConfigName": "c",
            "deploymentConfig": {"rollingUpdatePolicy": {"waitIntervalInSeconds": 60}},
        },
        [],
    ),
    (
        "deployment-renamed",
        "kubernetes:apps/v1:Deployment",
        {"metadata": {"name": "api"}, "spec": {"selector": {"matchLabels": {"a": "b"}}}},
        {"metadata": {"name": "api"}, "spec": {"selector": {"matchLabels": {"a": "c"}}}},
        [
            "critical downtime: Deployment x.thing is replaced (spec cannot change in place): the old one is deleted "
            "first, and nothing answers until the new one is in service (1, 5)"
        ],
    ),
]


@pytest.mark.parametrize(
    ("type", "old", "new", "expected"), [item[1:] for item in SINGLE], ids=[item[0] for item in SINGLE]
)
def test_one_resource(type: str, old: Any, new: Any, expected: list[str]) -> None:
    other = node("x.other", {"name": "other"}, type="aws:sns/topic:Topic")
    before = graph(*([other, node("x.thing", old, type=type)] if old is not None else [other]))
    after = graph(*([other, node("x.thing", new, type=type)] if new is not None else [other]))
    plan = plan_graph(after, snapshot_of_graph(before), "before", facts_of)
    found = impacts_of(plan, after, EMPTY, COMPOSITION)
    assert [_text(impact) for impact in found] == expected


def _text(impact: Any) -> str:
    took = f" {impact.minutes}" if impact.minutes else ""
    return f"{impact.severity} {impact.kind}: {impact.message}{took}"


def test_what_is_retained_is_abandoned_and_not_lost() -> None:
    bucket = node("x.thing", {"bucket": "b"}, type="aws:s3/bucket:Bucket", retain_on_delete=True)
    plan = plan_graph(graph(), snapshot_of_graph(graph(bucket)), "before", facts_of)
    assert [_text(impact) for impact in impacts_of(plan, graph(), EMPTY, COMPOSITION)] == [
        "low abandoned: bucket x.thing is deleted; what exists stays in the cloud, unmanaged"
    ]


@pytest.mark.parametrize("by_reference", [True, False])
def test_a_new_managed_policy_counts_only_for_a_role_that_was_there(by_reference: bool) -> None:
    role_type, policy_type = "aws:iam/role:Role", "aws:iam/policy:Policy"
    role = node("x.role", {"name": "r"}, type=role_type)
    policy = node("x.policy", {"name": "p", "policy": _grant("s3:GetObject")}, type=policy_type)
    named = Ref(policy.key, ("arn",)) if by_reference else "arn:aws:iam::111122223333:policy/p"
    attached = node(
        "x.attached",
        {"role": Ref(role.key, ("name",)), "policyArn": named},
        type="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    )
    after = graph(role, policy, attached)

    def impacts(before: Graph) -> list[str]:
        plan = plan_graph(after, snapshot_of_graph(before), "before", facts_of)
        return [_text(impact) for impact in impacts_of(plan, after, EMPTY, COMPOSITION)]

    assert impacts(graph()) == []
    assert "medium wider_permissions: x.policy may do more: s3:GetObject on arn:aws:s3:::raw/*" in impacts(graph(role))


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_rules_say_what_they_look_for_and_why(rule: ImpactRule) -> None:
    assert rule.title.endswith(".")
    assert rule.id == rule.id.lower()
    module = __import__(rule.find.__module__, fromlist=["__doc__"])
    assert rule.find.__module__.endswith(f".{rule.id.replace('-', '_')}")
    assert "https://" in (module.__doc__ or "") + str(vars(module))


def test_every_impact_of_every_edit_names_a_source(tmp_path: Path) -> None:
    for name in ("add-a-feature", "remove-a-cluster", "replace-the-network"):
        for impact in run_edit(EDITS[name], tmp_path / name).impacts:
            assert impact.source_url.startswith("https://")
            assert impact.component
            assert impact.resources
            assert impact.message[-1] != "."
            assert impact.action[-1] != "."


@pytest.mark.parametrize("type", sorted(STORES))
def test_every_store_says_what_is_lost_when_it_is_deleted(type: str) -> None:
    before, after = graph(node("x.thing", {"name": "thing"}, type=type)), graph()
    plan = plan_graph(after, snapshot_of_graph(before), "before", facts_of)
    (found,) = (each for each in impacts_of(plan, after, EMPTY, COMPOSITION) if each.kind is ImpactKind.DATA_LOSS)

    assert " x.thing is deleted: " in found.message
    assert found.action
    assert found.source_url.startswith("https://")


def test_every_kind_of_impact_is_on_record() -> None:
    recorded = {
        impact["kind"] for file in (GOLDEN / "impact").glob("*.json") for impact in json.loads(file.read_text("utf-8"))
    }
    alone = {text.partition(":")[0].split()[1] for *_, expected in SINGLE for text in expected}
    # What is retained has a test of its own.
    assert recorded | alone | {"abandoned"} == {kind.value for kind in ImpactKind}
