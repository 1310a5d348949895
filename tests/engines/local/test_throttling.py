"""Servers that are busy: a third of all requests is refused, breaks off or loses its answer, and everything is made once."""

from __future__ import annotations

import http.client
import os
import ssl
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from mlops_iac.cli.init import project_files
from mlops_iac.engines.events import RunResult
from mlops_iac.engines.local import moto_server
from mlops_iac.engines.local.aws.provider import AwsProvider
from mlops_iac.engines.local.aws.session import Session
from mlops_iac.engines.local.engine import LocalEngine, LocalOptions
from mlops_iac.engines.local.kubernetes import server
from mlops_iac.engines.local.kubernetes.client import Cluster
from mlops_iac.engines.local.kubernetes.provider import KubernetesProvider
from mlops_iac.engines.local.patience import MOST_TRIES, Patience
from mlops_iac.engines.local.provider import BusyError, OutcomeUnknownError, ProviderError
from mlops_iac.graph.nodes import Graph
from mlops_iac.pipeline import request_at, run_phases
from mlops_iac.plan.model import Op

from .faults import Fault, FaultyProxy, Rule, share

ACCOUNT = "111122223333"
VPC = "aws:ec2/vpc:Vpc"
QUEUE = "aws:sqs/queue:Queue"
MAP = "kubernetes:core/v1:ConfigMap"
URN = "urn:pulumi:dev::fraud-data::{}::{}"
ASSETS = os.environ.get("KUBEBUILDER_ASSETS")
slow = pytest.mark.skipif("MLOPS_IAC_SLOW" not in os.environ, reason="the same, one request after the other")


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("moto")
    yield moto_server.start(folder, ACCOUNT).endpoint
    moto_server.stop(folder)


@pytest.fixture
def proxy(moto: str) -> Iterator[Callable[[Rule], FaultyProxy]]:
    """Makes proxies in front of an empty account."""
    empty(moto)
    address = urlsplit(moto)
    with ExitStack() as made:

        def make(rule: Rule) -> FaultyProxy:
            started = FaultyProxy(lambda: http.client.HTTPConnection(str(address.hostname), address.port), rule)
            made.callback(started.stop)
            return started

        yield make


def empty(moto: str) -> None:
    with urllib.request.urlopen(urllib.request.Request(f"{moto}/moto-api/reset", method="POST")):
        pass


@pytest.fixture
def waits() -> list[float]:
    return []


def made(proxy: FaultyProxy) -> Counter[str]:
    """The requests that made something, each as often as it took effect."""
    verbs = ("Create", "Allocate", "Authorize", "Register", "Run")
    names = [name for name in proxy.effects if name.partition(" ")[2].startswith(verbs) and name != "ec2 CreateTags"]
    return Counter({name: proxy.effects[name] for name in names})


def churn(folder: Path) -> Graph:
    for name, text in project_files("churn").items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    graph = run_phases(request_at(folder), until="compile").graph
    assert graph is not None
    return graph


def engine(folder: Path, endpoint: str, waits: list[float], **options: Any) -> LocalEngine:
    return LocalEngine(folder, LocalOptions(endpoint=endpoint, environ={}, patience=Patience(waits.append), **options))


NO_TAGS = "the tags were not set: moto itself failed in sagemaker:add_tags"
"""moto cannot tag a feature group that exists, which is tried again on one that a lost answer left behind."""


def recorded(result: RunResult) -> dict[str, str]:
    outcomes = [outcome for stack in result.stacks for outcome in stack.done]
    return {item.urn: item.recorded for item in outcomes if item.recorded and not item.recorded.startswith(NO_TAGS)}


@pytest.mark.parametrize("parallel", [8, pytest.param(1, marks=slow)])
def test_a_system_is_made_and_deleted_once_although_a_third_of_all_requests_fails(
    moto: str, proxy: Callable[[Rule], FaultyProxy], waits: list[float], tmp_path: Path, parallel: int
) -> None:
    graph = churn(tmp_path / "churn")
    calm = proxy(lambda name, number: None)
    first = engine(tmp_path / "calm", calm.endpoint, waits)
    wanted = first.up(graph)
    assert wanted.ok and waits == []
    whole = made(calm)
    assert first.destroy(graph).ok
    # moto cannot delete a feature group.
    empty(moto)

    busy = proxy(share(30))
    second = engine(tmp_path / "busy", busy.endpoint, waits, parallel=parallel)
    up = second.up(graph)
    assert up.ok, up.failures
    assert up.summary() == wanted.summary()
    assert recorded(up) == recorded(wanted)
    assert made(busy) == whole, "something was made twice"
    assert set(busy.faults) == set(Fault) and len(waits) > 0.9 * sum(busy.faults.values())
    assert second.up(graph).summary()[Op.SAME] == wanted.summary()[Op.CREATE]
    assert second.destroy(graph).ok
    requests = sum(busy.tries.values())
    print(f"{requests} requests, {sum(busy.faults.values())} faults, {sum(whole.values())} things made, 0 twice")


def test_where_everything_is_throttled_it_ends_and_says_so(
    moto: str, proxy: Callable[[Rule], FaultyProxy], waits: list[float], tmp_path: Path
) -> None:
    graph = churn(tmp_path / "churn")
    busy = proxy(lambda name, number: Fault.THROTTLED)
    result = engine(tmp_path / "state", busy.endpoint, waits).up(graph)
    assert not result.ok
    assert all(
        "Rate exceeded" in item.message or "reduce your request rate" in item.message for item in result.failures
    )
    assert any(f"tried {MOST_TRIES} times" in item.message for item in result.failures)
    assert not any(stack.snapshot.pending for stack in result.stacks), "a refusal had no effect, so nothing is open"
    assert sum(waits) < 200, "all threads together; the run itself takes a fraction of that"


@pytest.mark.parametrize("fault", [Fault.NOT_TAKEN, Fault.LOST, Fault.BROKEN, Fault.TOO_MANY])
@pytest.mark.parametrize(
    ("type", "inputs", "create"),
    [
        (VPC, {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True}, "ec2 CreateVpc"),
        (QUEUE, {"name": "orders", "tags": {"a": "b"}}, "sqs CreateQueue"),
    ],
    ids=["by-mark", "by-name"],
)
def test_a_create_takes_effect_once(
    moto: str,
    proxy: Callable[[Rule], FaultyProxy],
    waits: list[float],
    fault: Fault,
    type: str,
    inputs: dict[str, Any],
    create: str,
) -> None:
    def rule(name: str, number: int) -> Fault | None:
        return fault if name == create and number in (2, 3) else None

    busy = proxy(rule)
    provider = AwsProvider(Session(busy.endpoint, "eu-central-1", ACCOUNT, Patience(waits.append)))
    # A copy that a replacement leaves behind for now carries the same mark, and is not what was made.
    former = provider.create(URN.format(type, "one"), type, {**inputs, **({"name": "former"} if type == QUEUE else {})})
    created = provider.create(URN.format(type, "one"), type, inputs)
    assert created.id != former.id and created.recorded is None
    assert busy.effects[create] == 2, "one for each of the two"
    found = provider.read(URN.format(type, "one"), type, created.id, inputs, created.outputs)
    assert found is not None and found.inputs == inputs, "what comes after the create was done, too"


def test_a_refusal_that_does_not_pass_is_not_repeated(
    moto: str, proxy: Callable[[Rule], FaultyProxy], waits: list[float]
) -> None:
    busy = proxy(lambda name, number: None)
    session = Session(busy.endpoint, "eu-central-1", ACCOUNT, Patience(waits.append))
    with pytest.raises(ProviderError, match=r"nothing|NonExistent|does not exist"):
        session.call("sqs", "get_queue_url", {"QueueName": "nothing"})
    assert (busy.tries["sqs GetQueueUrl"], waits) == (1, [])


def test_a_create_whose_outcome_stays_unknown_is_open_until_the_next_run(
    moto: str, proxy: Callable[[Rule], FaultyProxy], waits: list[float], tmp_path: Path
) -> None:
    graph = churn(tmp_path / "churn")
    busy = proxy(lambda name, number: Fault.LOST if name.startswith("ec2 ") else None)
    first = engine(tmp_path / "state", busy.endpoint, waits).up(graph)
    assert not first.ok
    pending = first.stacks[0].snapshot.pending
    assert VPC in {item.resource.type for item in pending}
    busy.rule = lambda name, number: None
    second = engine(tmp_path / "state", busy.endpoint, waits).up(graph)
    assert second.ok, second.failures
    assert {item.urn for item in second.stacks[0].resolved} == {item.resource.urn for item in pending}
    assert busy.effects["ec2 CreateVpc"] == 1


@pytest.mark.skipif(not ASSETS, reason="needs KUBEBUILDER_ASSETS: etcd and kube-apiserver")
def test_a_busy_api_server(tmp_path: Path, waits: list[float]) -> None:
    real = server.start(tmp_path, Path(ASSETS or ""))
    address = urlsplit(real.server)
    assert isinstance(real.tls, ssl.SSLContext)
    tls = real.tls
    busy = FaultyProxy(
        lambda: http.client.HTTPSConnection(str(address.hostname), address.port, context=tls), share(30, seed=3)
    )
    try:
        cluster = Cluster(busy.endpoint, None, real.headers, own=True, patience=Patience(waits.append))
        provider = KubernetesProvider(cluster)
        for number in range(12):
            urn, inputs = URN.format(MAP, f"m{number}"), {"metadata": {"name": f"m{number}"}, "data": {"a": "1"}}
            created = provider.create(urn, MAP, inputs)
            news = {**inputs, "data": {"a": "2"}}
            updated = provider.update(urn, MAP, created.id, inputs, created.outputs, news)
            found = provider.read(urn, MAP, created.id, news, updated.outputs)
            assert found is not None and found.inputs == news
            provider.delete(urn, MAP, created.id, news, updated.outputs)
            assert provider.read(urn, MAP, created.id, news, updated.outputs) is None
        assert len(set(busy.faults)) == len(Fault) and len(waits) == sum(busy.faults.values())

        busy.rule = lambda name, number: Fault.TOO_MANY
        with pytest.raises(BusyError, match=f"tried {MOST_TRIES} times"):
            provider.create(URN.format(MAP, "x"), MAP, {"metadata": {"name": "x"}})
        busy.rule = lambda name, number: Fault.LOST if name.startswith("PATCH") else None
        with pytest.raises(OutcomeUnknownError):
            provider.create(URN.format(MAP, "x"), MAP, {"metadata": {"name": "x"}})
    finally:
        busy.stop()
        server.stop(tmp_path)
