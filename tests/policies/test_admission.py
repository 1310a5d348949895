"""Rules on the cluster: a real API server refuses the samples that fail, in the rule's words, and takes the others."""

from __future__ import annotations

import contextlib
import copy
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlops_iac.engines.local.kubernetes import server
from mlops_iac.engines.local.kubernetes.client import AbsentError, Cluster, ConflictError
from mlops_iac.engines.local.kubernetes.provider import KubernetesProvider
from mlops_iac.engines.local.provider import ProviderError
from mlops_iac.graph.evaluate import contains_unknown
from mlops_iac.pipeline import request_at, run_phases
from mlops_iac.policies.admission import API, Admission, Exempt, Statement, admission_objects
from mlops_iac.policies.policy import Policy, Sample, StackView, SystemView, Verdict, view
from mlops_iac.policies.registry import policies

from .whole_objects import body_of, known

EXAMPLE = Path(__file__).parents[2] / "examples" / "fraud-detection"
ASSETS = os.environ.get("KUBEBUILDER_ASSETS")
needs_server = pytest.mark.skipif(not ASSETS, reason="KUBEBUILDER_ASSETS names no etcd and kube-apiserver")
PATIENCE_SECONDS = 60
"""How long a new policy may take to be in force; usually it is a tenth of a second."""


def stated(policy: Policy) -> Iterator[Admission]:
    """What the rule asks at admission in each system of its samples."""
    for sample in policy.samples:
        admission = policy.admission_in(sample.system)
        if admission is not None:
            yield admission


RULES = [pytest.param(policy, id=policy.id) for policy in policies().values() if any(stated(policy))]
PRIVILEGED = {"spec": {"containers": [{"name": "main", "securityContext": {"privileged": True}}]}}


NOT_STATED = {"k8s-namespace-network-policy": "it is about two objects, and the API server shows a policy one"}


def test_every_rule_about_kubernetes_alone_is_stated_at_admission() -> None:
    about = {
        policy.id for policy in policies().values() if all(type.startswith("kubernetes:") for type in policy.applies_to)
    }
    assert about - {param.id for param in RULES} == set(NOT_STATED)


@pytest.mark.parametrize("policy", RULES)
def test_a_statement_judges_types_of_its_rule_and_names_each_condition_once(policy: Policy) -> None:
    for admission in stated(policy):
        assert admission.requires
        assert "*" in policy.applies_to or set(admission.kinds) <= set(policy.applies_to)
        statement = statement_of(policy, admission)
        body, binding = admission_objects(statement, "fraud")
        assert body["metadata"]["name"] == binding["spec"]["policyName"] == f"{policy.id}.fraud"
        for validation in body["spec"]["validations"]:
            assert policy.id in validation["message"] and policy.fix in validation["message"]


@needs_server
@pytest.mark.parametrize("policy", RULES)
def test_the_api_server_says_what_the_check_says(policy: Policy, cluster: Cluster) -> None:
    refused = 0
    for number, group in enumerate(groups(policy)):
        admission = policy.admission_in(group[0].system)
        if admission is None:
            assert all(sample.verdict is not Verdict.FAIL for sample in group)
            continue
        cases = [case for case in (prepared(sample, admission) for sample in group) if case is not None]
        for case in cases:
            ensure_namespace(case.body["metadata"].get("namespace", "default"), cluster)
        invalid = [refusal(case.body, cluster) for case in cases]
        with in_force(statement_of(policy, admission), f"sample-{number}", cases, cluster):
            for case, before in zip(cases, invalid, strict=True):
                expected = judged(case, policy) is Verdict.FAIL
                found = refusal(case.body, cluster)
                if policy.id in found:
                    refused += 1
                    assert expected, (case.body, found)
                    assert policy.fix in found
                elif found:
                    assert found == before, "refused for another reason than the rule's"
                else:
                    assert not expected or admission.partial, case.body
    assert refused, "no failing sample is refused at admission"


@needs_server
def test_an_advisory_rule_lets_through_and_a_waived_object_with_its_pods_passes(cluster: Cluster) -> None:
    policy = policies()["k8s-no-privileged"]
    admission = policy.admission_in(SystemView())
    assert admission is not None
    bad = body_of("kubernetes:core/v1:Pod", PRIVILEGED)
    plugin = body_of("kubernetes:apps/v1:DaemonSet", {"metadata": {"name": "plugin"}, "spec": {"template": PRIVILEGED}})
    made = copy.deepcopy(bad)
    made["metadata"] = {"generateName": "plugin-", "namespace": "default"}
    similar = copy.deepcopy(bad)
    similar["metadata"] = {"name": "pluginx", "namespace": "default"}
    exempt = Exempt(("elsewhere",), (("default", "plugin"),))

    before = body_of(
        "kubernetes:apps/v1:Deployment", {"metadata": {"name": "before"}, "spec": {"template": PRIVILEGED}}
    )
    write("POST", before, cluster)

    def changed(**pod: bool) -> dict[str, Any]:
        body = copy.deepcopy(before)
        body["metadata"]["labels"] = {"looked-at": "today"}
        body["spec"]["template"]["spec"].update(pod)
        return body

    with in_force(statement_of(policy, admission, exempt=exempt), "waived", [Case(bad)], cluster):
        assert "k8s-no-privileged" in refusal(bad, cluster)
        assert "k8s-no-privileged" in refusal(similar, cluster)
        assert not refusal(plugin, cluster)
        assert not refusal(made, cluster)
        assert "k8s-no-privileged" in refusal(changed(hostNetwork=True), cluster, "PUT")
        assert not refusal(changed(), cluster, "PUT"), "what was there before keeps its labels and controllers"
    objects = admission_objects(statement_of(policy, admission, deny=False), "advised")
    assert objects[1]["spec"]["validationActions"] == ["Warn", "Audit"]
    applied(objects, cluster)
    assert not refusal(bad, cluster)
    removed(objects, cluster)


@needs_server
@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_cluster_takes_the_policies_and_the_objects_of_the_example(environment: str, cluster: Cluster) -> None:
    run = run_phases(request_at(EXAMPLE, (f"env={environment}",), "2026-11-26"), until="compile")
    assert run.graph is not None
    nodes = [node for node in run.graph.nodes() if node.type.startswith(f"kubernetes:{API}:")]
    objects = [dict(node.inputs) for node in nodes]
    assert len(objects) >= 2 * 12
    provider = KubernetesProvider(cluster)
    for node in nodes:
        urn, inputs = f"urn:pulumi:{environment}::fraud-compute::{node.type}::{node.name}", dict(node.inputs)
        made = provider.create(urn, node.type, inputs)
        found = provider.read(urn, node.type, made.id, inputs, made.outputs)
        assert made.recorded is None and found is not None
        assert found.inputs == inputs, "what the server adds would be drift"
    open_door = body_of("kubernetes:networking.k8s.io/v1:Ingress", {"spec": {"rules": [{"host": "a.example.com"}]}})
    wait_until(lambda: "tls-on-every-ingress.fraud" in refusal(open_door, cluster))
    assert ".fraud" in refusal(body_of("kubernetes:core/v1:Pod", PRIVILEGED), cluster)
    plain = [
        dict(node.inputs)
        for node in run.graph.nodes()
        if node.type.startswith(("kubernetes:core/", "kubernetes:apps/", "kubernetes:networking.k8s.io/"))
    ]
    for body in plain:
        if body["kind"] == "Namespace":
            with contextlib.suppress(ConflictError):
                write("POST", known(body), cluster)
    wrong = [found for body in plain if ".fraud" in (found := refusal(known(body), cluster))]
    removed(objects, cluster)
    assert wrong == []


class Case:
    """A sample as an object that the API server takes or refuses, with what the check is to be asked."""

    def __init__(self, body: dict[str, Any], sample: Sample | None = None) -> None:
        self.body = body
        self.sample = sample


def groups(policy: Policy) -> list[list[Sample]]:
    """The rule's samples, those of the same system together; nothing is unknown when an object is admitted."""
    found: list[list[Sample]] = []
    for sample in policy.samples:
        if not any(contains_unknown(resource.inputs._data) for resource in sample.resources):
            same = next((group for group in found if group[0].system == sample.system), None)
            found.append([sample]) if same is None else same.append(sample)
    return found


def prepared(sample: Sample, admission: Admission) -> Case | None:
    """The sample's judged object; None where it is none that the statement is about."""
    chosen = sample.resources[0]
    return Case(body_of(chosen.type, chosen.inputs._data), sample) if chosen.type in admission.kinds else None


def judged(case: Case, policy: Policy) -> Verdict:
    """The check's verdict on the whole object, which is the sample's: filling it in must not have changed it."""
    assert case.sample is not None
    first, *others = case.sample.resources
    whole = view(first.urn, first.type, first.name, case.body)
    verdict = policy.check(whole, StackView((whole, *others), case.sample.system)).verdict
    assert verdict is case.sample.verdict
    return verdict


def statement_of(policy: Policy, admission: Admission, *, deny: bool = True, exempt: Exempt | None = None) -> Statement:
    return Statement(policy.id, policy.title, policy.fix, policy.source_url, admission, deny, exempt or Exempt())


class in_force:
    """A rule on the cluster, from when it refuses the first of the cases that it must to when it does no more."""

    def __init__(self, statement: Statement, owner: str, cases: list[Case], cluster: Cluster) -> None:
        self._objects = admission_objects(statement, owner)
        self._name = f"{statement.rule}.{owner}"
        self._cases = cases
        self._cluster = cluster

    def _refuses(self) -> bool:
        return any(self._name in refusal(case.body, self._cluster) for case in self._cases)

    def __enter__(self) -> None:
        applied(self._objects, self._cluster)
        wait_until(self._refuses)

    def __exit__(self, *error: object) -> None:
        removed(self._objects, self._cluster)
        wait_until(lambda: not self._refuses())


def applied(objects: Any, cluster: Cluster) -> None:
    for body in objects:
        write("POST", body, cluster)


def removed(objects: Any, cluster: Cluster) -> None:
    for body in objects:
        kind = cluster.kind(body["apiVersion"], body["kind"])
        assert kind is not None
        cluster.request("DELETE", kind.path(None, body["metadata"]["name"]))


def write(method: str, body: dict[str, Any], cluster: Cluster, **query: str) -> None:
    kind = cluster.kind(body["apiVersion"], body["kind"])
    assert kind is not None, body
    namespace = body["metadata"].get("namespace", "default") if kind.namespaced else None
    name = body["metadata"]["name"] if method == "PUT" else None
    cluster.request(method, kind.path(namespace, name), query, body)


def refusal(body: dict[str, Any], cluster: Cluster, method: str = "POST") -> str:
    """Why the API server would not take the object; empty where it would."""
    try:
        write(method, body, cluster, dryRun="All")
    except ProviderError as error:
        return "" if "already exists" in str(error) else str(error)
    return ""


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"nothing changed in {PATIENCE_SECONDS} s"
        time.sleep(0.05)


def ensure_namespace(name: str, cluster: Cluster) -> None:
    kind = cluster.kind("v1", "Namespace")
    assert kind is not None
    try:
        cluster.request("GET", kind.path(None, name))
    except AbsentError:
        write("POST", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, cluster)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("state")
    yield server.start(folder, Path(str(ASSETS)))
    server.stop(folder)
