"""Delivery: trust pinned to one repository and place, rights that fit the system and cannot widen themselves."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from mlops_iac.delivery import roles
from mlops_iac.delivery.project import ROLE_PATH, Access, Target
from mlops_iac.graph.values import ToJson
from mlops_iac.pipeline import request_at, run_phases
from mlops_iac.providers.facts import facts_of
from mlops_iac.providers.permissions import Permission, actions_for

ROOT = Path(__file__).parents[3]
POLICY = "aws:iam/policy:Policy"
LARGEST_POLICY = 6_144
"""Characters of a managed policy, white space not counted."""


def statements(graph: Any, access: str) -> list[dict[str, Any]]:
    found = []
    for node in graph.nodes():
        if node.type == POLICY and node.component == ("delivery",) and node.name.startswith(f"delivery.{access}"):
            document = node.inputs["policy"]
            assert isinstance(document, ToJson)
            found += json.loads(json.dumps(document.value))["Statement"]
    return found


@pytest.fixture(scope="module")
def graph() -> Any:
    run = run_phases(request_at(ROOT / "examples/fraud-detection", ("env=prod", "security=regulated")), until="compile")
    return run.graph


def test_policies_fit_into_what_iam_takes(graph: Any) -> None:
    sizes = {
        node.name: len(json.dumps(node.inputs["policy"].value, separators=(",", ":")))
        for node in graph.nodes()
        if node.type == POLICY
    }
    assert sizes
    assert {name: size for name, size in sizes.items() if size > LARGEST_POLICY} == {}
    for access in ("plan", "apply"):
        assert len([name for name in sizes if name.startswith(f"delivery.{access}-")]) <= 10


def test_every_type_of_the_system_can_be_managed(graph: Any) -> None:
    granted = {action for statement in statements(graph, "apply") for action in statement["Action"]}
    types = {node.type for node in graph.nodes() if node.custom and node.type.startswith("aws")}
    assert [type for type in sorted(types) if not actions_for(type)] == []
    missing = {action.name for type in types for action in actions_for(type)} - granted
    assert missing == set()


def test_the_plan_role_changes_nothing_and_reads_no_contents(graph: Any) -> None:
    granted = {action for statement in statements(graph, "plan") for action in statement["Action"]}
    verbs = ("Get", "List", "Describe", "Search", "Lookup", "Batch", "Query", "Decrypt", "Select", "View", "Check")
    assert [action for action in granted if not action.split(":")[1].startswith(verbs)] == []
    contents = [s for s in statements(graph, "plan") if "s3:GetObject" in s["Action"]]
    assert [s["Resource"] for s in contents] == [["arn:aws:s3:::fraud-pulumi-state-111122223333/.pulumi/*"]]
    assert "secretsmanager:GetSecretValue" not in granted


def test_no_run_can_widen_its_own_rights(graph: Any) -> None:
    own = [f"arn:aws:iam::111122223333:{kind}{ROLE_PATH}fraud-prod-ci-apply" for kind in ("role", "policy")]
    for statement in statements(graph, "apply"):
        writes = [a for a in statement["Action"] if a.startswith("iam:") and not a.startswith(("iam:Get", "iam:List"))]
        covered = [arn for arn in own for pattern in statement["Resource"] if fnmatchcase(arn, pattern)]
        assert not (writes and covered), writes


def test_names_of_the_system_are_covered(graph: Any) -> None:
    """Each bucket, role, topic, function, log group and so on is one that the apply role may touch."""
    patterns: dict[str, list[str]] = {}
    for statement in statements(graph, "apply"):
        for pattern in statement["Resource"]:
            if pattern.count(":") >= 5:
                patterns.setdefault(pattern.split(":")[2], []).append(pattern.split(":", 5)[5])
    services = {
        "aws:s3/bucket:Bucket": ("s3", "{}"),
        "aws:iam/role:Role": ("iam", "role/{}"),
        "aws:sns/topic:Topic": ("sns", "{}"),
        "aws:sqs/queue:Queue": ("sqs", "{}"),
        "aws:lambda/function:Function": ("lambda", "function:{}"),
        "aws:cloudwatch/logGroup:LogGroup": ("logs", "log-group:{}"),
        "aws:ecr/repository:Repository": ("ecr", "repository/{}"),
        "aws:dynamodb/table:Table": ("dynamodb", "table/{}"),
        "aws:sagemaker/endpoint:Endpoint": ("sagemaker", "endpoint/{}"),
        "aws:sagemaker/pipeline:Pipeline": ("sagemaker", "pipeline/{}"),
        "aws:glue/catalogDatabase:CatalogDatabase": ("glue", "database/{}"),
        "aws:athena/workgroup:Workgroup": ("athena", "workgroup/{}"),
        "aws:eks/cluster:Cluster": ("eks", "cluster/{}"),
        "aws:rds/instance:Instance": ("rds", "db:{}"),
        "aws:sfn/stateMachine:StateMachine": ("states", "stateMachine:{}"),
        "aws:cloudtrail/trail:Trail": ("cloudtrail", "trail/{}"),
    }
    checked = 0
    for node in graph.nodes():
        if node.type not in services or node.component == ("delivery",):
            continue
        service, form = services[node.type]
        facts = facts_of(node.type)
        name = node.inputs.get(facts.physical_name[0]) if facts and facts.physical_name else None
        if isinstance(name, str):
            checked += 1
            assert any(fnmatchcase(form.format(name), pattern) for pattern in patterns[service]), (node.type, name)
    assert checked > 20


def test_the_trust_names_repository_and_place(compiled: Callable[..., Any]) -> None:
    found = compiled("delivery: {provider: github, repository: acme/fraud-ml}")
    statement = found.inputs("delivery.apply", "Role")["assumeRolePolicy"]["Statement"][0]
    host = "token.actions.githubusercontent.com"
    assert statement["Condition"] == {
        "StringEquals": {f"{host}:aud": "sts.amazonaws.com", f"{host}:sub": ["repo:acme/fraud-ml:environment:dev"]}
    }
    plan = found.inputs("delivery.plan", "Role")["assumeRolePolicy"]["Statement"][0]
    assert plan["Condition"]["StringEquals"][f"{host}:sub"] == ["repo:acme/fraud-ml:ref:refs/heads/main"]
    assert found.inputs("delivery.identity-provider")["url"] == f"https://{host}"


@pytest.mark.parametrize(("made_in", "makes"), [("dev", True), ("each", True), ("prod", False), ("none", False)])
def test_one_environment_makes_the_identity_provider(made_in: str, makes: bool, compiled: Callable[..., Any]) -> None:
    found = compiled(f"delivery: {{provider: github, repository: acme/fraud-ml, identity: {{made_in: {made_in}}}}}")
    assert ("delivery.identity-provider" in found.names()) is makes


@pytest.mark.parametrize(
    "text",
    [
        "delivery: {provider: travis, repository: acme/fraud-ml}",
        "delivery: {provider: github, repository: acme/fraud-ml, deploy: false}",
        "delivery: {provider: github, repository: acme/fraud-ml, environments: [prod]}",
    ],
)
def test_no_role_is_made_that_nobody_takes(text: str, compiled: Callable[..., Any]) -> None:
    assert not [name for name in compiled(text).names() if name.startswith("delivery.")]


SYSTEM = """\
defaults: [{env: dev}, {security: baseline}, _self_]
system: {name: fraud, owner: ml@example.com, purpose: scoring}
cloud: {region: eu-west-1, account: "111122223333"}
buckets: {raw: {classification: internal}}
"""
POOL = "aws:cognito/userPool:UserPool"
STATED = Permission(
    ("cognito-idp:CreateUserPool", "cognito-idp:DescribeUserPool"),
    ("arn:${Partition}:cognito-idp:${Region}:${Account}:userpool/${UserPoolId}",),
)
"""Of a type that none of our components makes."""


def test_a_component_states_what_its_own_types_take() -> None:
    assert actions_for(POOL) == ()
    target = Target("dev", "111122223333", "eu-west-1", state_bucket="state", state_key="state")
    granted = {
        access: {
            (action, *statement.resources)
            for group in roles.statements("fraud", target, access, [POOL], declared={POOL: STATED}).values()
            for statement in group
            for action in statement.actions
            if action.startswith("cognito")
        }
        for access in (Access.PLAN, Access.APPLY)
    }
    pattern = "arn:aws:cognito-idp:eu-west-1:111122223333:userpool/fraud?dev?*"
    assert granted[Access.PLAN] == {("cognito-idp:DescribeUserPool", pattern)}
    assert granted[Access.APPLY] == granted[Access.PLAN] | {("cognito-idp:CreateUserPool", pattern)}


def test_what_is_known_is_not_widened_by_a_statement() -> None:
    bucket = "aws:s3/bucket:Bucket"
    assert actions_for(bucket, {bucket: Permission(("s3:*",))}) == actions_for(bucket)


@pytest.mark.parametrize(
    ("delivered", "stated", "codes"),
    [(True, False, ["MI3635"]), (True, True, []), (False, False, [])],
    ids=["nobody-says", "stated", "no-roles"],
)
def test_a_type_that_nobody_knows_is_told_at_its_line(
    delivered: bool, stated: bool, codes: list[str], tmp_path: Path
) -> None:
    text = SYSTEM + ("delivery: {provider: github, repository: acme/fraud-ml}\n" if delivered else "")
    (tmp_path / "system.yaml").write_text(text, encoding="utf-8")
    run = run_phases(request_at(tmp_path), until="compile")
    assert run.graph is not None and run.system is not None
    assert not [item for item in run.diagnostics if item.code == "MI3635"]
    stacks = [
        replace(
            stack,
            nodes=tuple(
                replace(node, key=node.key._replace(type=POOL)) if node.name == "raw.bucket" else node
                for node in stack.nodes
            ),
        )
        for stack in run.graph.stacks
    ]
    instances = [
        replace(each, component=replace(each.component, permissions={POOL: STATED} if stated else {}))
        for each in run.system.instances
    ]
    found = roles.ungranted(replace(run.graph, stacks=tuple(stacks)), replace(run.system, instances=tuple(instances)))
    assert [item.code for item in found] == codes
    assert all(item.location is not None and item.path == ("buckets", "raw") for item in found)
