"""``register`` under Pulumi's own mocks: what the SDK sends to the engine, without an engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pulumi = pytest.importorskip("pulumi", reason="the Pulumi SDK is not installed")

import grpc  # noqa: E402
from echo_provider import identity, outputs_of  # noqa: E402
from pulumi.runtime.mocks import MockMonitor, MockResourceArgs, Mocks  # noqa: E402
from pulumi_harness import STACK, Expected, outputs_read, own_urns, secret_names  # noqa: E402
from pulumi_sample import sample_graph  # noqa: E402

from mlops_iac.diagnostics import DiagnosticsError  # noqa: E402
from mlops_iac.engines.pulumi.plugin_server import load  # noqa: E402
from mlops_iac.engines.pulumi.program import register  # noqa: E402
from mlops_iac.engines.pulumi.sdk import package_of  # noqa: E402
from mlops_iac.engines.pulumi.stack_outputs import READ_OUTPUTS  # noqa: E402
from mlops_iac.graph.evaluate import UNKNOWN, contains_unknown, reveal  # noqa: E402
from mlops_iac.graph.nodes import Graph  # noqa: E402
from mlops_iac.providers.plugins import plugin_version  # noqa: E402

# The SDK's modules import their own deprecated classes.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:pulumi_aws")
GRAPH = sample_graph()


class NoSuchStackError(grpc.RpcError):
    """What the engine answers for a stack that does not exist."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNKNOWN

    def details(self) -> str:
        return str(self)


class Cloud(Mocks):
    """Answers like the echo provider, and with the outputs of stacks that were deployed."""

    def __init__(self, graph: Graph, deployed: dict[str, dict[str, Any]]) -> None:
        self._paths = outputs_read(graph)
        self._deployed = deployed

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if args.typ == "pulumi:pulumi:StackReference":
            return args.resource_id, {
                "name": args.resource_id,
                "outputs": self._deployed[str(args.resource_id)],
                "secretOutputNames": [],
            }
        if not args.custom:
            return None, {}
        return identity(args.typ, args.name), outputs_of(
            args.typ, args.name, reveal(args.inputs), self._paths.get(args.typ, ())
        )

    def call(self, args: Any) -> Any:
        assert args.token == READ_OUTPUTS
        if args.args["name"] not in self._deployed:
            raise NoSuchStackError(f"unknown stack {args.args['name']!r}")
        return {"name": args.args["name"], "outputs": self._deployed[args.args["name"]]}


class Recorder(MockMonitor):
    """Keeps every request; gives URNs as the engine does (the SDK's mock forgets grandparents)."""

    def __init__(self, mocks: Mocks) -> None:
        super().__init__(mocks)
        self.requests: dict[str, Any] = {}

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        types = "" if not parent or STACK in parent else f"{parent.split('::')[2]}$"
        return f"urn:pulumi:{pulumi.get_stack()}::{pulumi.get_project()}::{types}{type_}::{name}"

    def RegisterResource(self, request: Any) -> Any:
        if request.type != STACK:
            self.requests[self.make_urn(request.parent, request.type, request.name)] = request
        return super().RegisterResource(request)


def run(layer: str, *, deployed: dict[str, dict[str, Any]] | None = None, preview: bool = False) -> Recorder:
    """Register ``layer`` of the sample; ``deployed`` gives the outputs of stacks by full name."""
    stack = GRAPH.stack(layer)
    assert stack is not None
    recorder = Recorder(Cloud(GRAPH, deployed or {}))
    pulumi.runtime.settings.set_root_resource(None)
    pulumi.runtime.set_mocks(
        recorder.mocks,
        project=stack.project,
        stack=stack.name,
        preview=preview,
        monitor=recorder,
        organization="organization",
    )
    program: Callable[[], None] = pulumi.runtime.test(lambda: _registered(stack))
    program()
    return recorder


def _registered(stack: Any) -> None:
    register(stack, system=GRAPH.system)


FOUNDATION = "organization/sample-foundation/dev"


@pytest.mark.parametrize("layer", ["foundation", "data"])
def test_registrations_are_the_graph(layer: str) -> None:
    expected = Expected(GRAPH)
    recorder = run(layer, deployed={FOUNDATION: expected.exports("foundation")})
    wanted = {record["urn"]: record for record in expected.registrations(layer)}
    assert recorder.requests.keys() == wanted.keys()
    for urn, request in recorder.requests.items():
        record = wanted[urn]
        assert request.type == record["type"]
        assert request.custom == record["custom"]
        assert request.parent == record["parent"]
        assert (request.provider.rpartition("::")[0] or None) == record.get("provider")
        assert sorted(own_urns(request.dependencies)) == record.get("dependencies", [])
        by_property = {name: sorted(own_urns(deps.urns)) for name, deps in request.propertyDependencies.items()}
        assert {name: urns for name, urns in by_property.items() if urns} == record.get("propertyDependencies", {})
        assert request.protect == record.get("protect", False)
        assert request.retainOnDelete == record.get("retainOnDelete", False)
        assert list(request.ignoreChanges) == record.get("ignoreChanges", [])
        assert list(request.replaceOnChanges) == record.get("replaceOnChanges", [])


@pytest.mark.parametrize("layer", ["foundation", "data"])
def test_inputs_are_the_graphs(layer: str) -> None:
    expected = Expected(GRAPH)
    recorder = run(layer, deployed={FOUNDATION: expected.exports("foundation")})
    for record in expected.registrations(layer):
        if record["urn"].endswith("::raw.scan"):
            continue  # its archive has no text form before an engine hashed it
        sent = load(recorder.requests[record["urn"]].object)
        assert reveal(sent) == record["inputs"]
        assert secret_names("", sent) >= set(record.get("secrets", [])) - {"environment"}


def test_every_resource_asks_for_the_provider_that_its_sdk_was_made_for() -> None:
    for layer in ("foundation", "data"):
        requests = run(layer, deployed={FOUNDATION: Expected(GRAPH).exports("foundation")}).requests.values()
        for request in requests:
            package = package_of(request.type)
            if request.custom and plugin_version(package) is not None:
                assert request.version == plugin_version(package), request.type


def test_options_that_no_state_keeps() -> None:
    recorder = run("foundation")
    database = next(request for urn, request in recorder.requests.items() if urn.endswith("::keys.database"))
    assert [alias.urn for alias in database.aliases] == [
        "urn:pulumi:dev::sample-foundation::mlops:foundation:Keys$aws:rds/instance:Instance::old"
    ]
    assert "address" in database.additionalSecretOutputs
    replica = next(request for urn, request in recorder.requests.items() if urn.endswith("::keys.replica-alias"))
    assert replica.deleteBeforeReplace
    assert not database.deleteBeforeReplaceDefined
    # A child of a protected resource is not protected by that.
    assert replica.HasField("protect")
    assert not replica.protect


def test_outputs_of_a_stack_that_was_never_deployed_are_unknown_in_a_preview() -> None:
    recorder = run("data", preview=True)
    encryption = next(request for urn, request in recorder.requests.items() if urn.endswith("::raw.encryption"))
    rules = load(encryption.object)["rules"]
    assert rules[0]["applyServerSideEncryptionByDefault"] == {"kmsMasterKeyId": UNKNOWN, "sseAlgorithm": "aws:kms"}
    assert not contains_unknown(rules[0]["bucketKeyEnabled"])


def test_an_update_refuses_what_is_not_deployed_before_it_registers_anything() -> None:
    with pytest.raises(DiagnosticsError) as caught:
        run("data", deployed={FOUNDATION: {"keys.token": "x"}})
    assert [item.message for item in caught.value.diagnostics] == [
        f"stack {FOUNDATION} does not export 'keys.internal_arn' yet"
    ]


def test_another_project_is_refused() -> None:
    stack = GRAPH.stack("data")
    assert stack is not None
    recorder = Recorder(Cloud(GRAPH, {}))
    pulumi.runtime.settings.set_root_resource(None)
    pulumi.runtime.set_mocks(recorder.mocks, project="other", stack="dev", monitor=recorder)
    with pytest.raises(DiagnosticsError, match="MI7200"):
        pulumi.runtime.test(lambda: _registered(stack))()
