"""What the plugin server makes of the engine's calls before our provider sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

pytest.importorskip("pulumi", reason="the Pulumi SDK is not installed")

import grpc
from pulumi.runtime.proto import provider_pb2

from mlops_iac.engines.local.provider import (
    CheckFailure,
    Created,
    OutcomeUnknownError,
    ProviderError,
    RecordingProvider,
    UnreachableError,
)
from mlops_iac.engines.pulumi.plugin_server import ProviderServer, dump, load, plugin_script
from mlops_iac.graph.evaluate import UNKNOWN, SecretValue

URN = "urn:pulumi:dev::p::mlops:data:Bucket$aws:s3/bucket:Bucket::raw.bucket"
DATABASE = "urn:pulumi:dev::p::aws:rds/instance:Instance::database"


class AbortError(Exception):
    """Stands for the end of a gRPC call with an error."""


class Call:
    """A gRPC context that raises."""

    def abort(self, code: grpc.StatusCode, details: str) -> Any:
        raise AbortError(code, details)


class Noting(RecordingProvider):
    """Remembers what it was asked, and answers with a failure when told to."""

    seen: list[tuple[str, Any]]

    def __init__(self, error: ProviderError | None = None) -> None:
        super().__init__("aws")
        object.__setattr__(self, "seen", [])
        object.__setattr__(self, "error", error)

    def check(self, urn: str, type: str, news: Any, olds: Any) -> tuple[CheckFailure, ...]:
        self.seen.append(("check", news))
        return super().check(urn, type, news, olds)

    def create(self, urn: str, type: str, inputs: Any) -> Created:
        self.seen.append(("create", inputs))
        if self.error is not None:  # type: ignore[attr-defined]
            raise self.error  # type: ignore[attr-defined]
        return Created("id-1", {**inputs, "arn": "arn:1"}, "no emulator has it")


def served(provider: Noting, configuration: Mapping[str, Any] | None = None, **options: Any) -> ProviderServer:
    server = ProviderServer("aws", lambda package, config: provider, **options)
    args = dump(configuration or {"region": "eu-west-1"})
    server.Configure(provider_pb2.ConfigureRequest(args=args), Call())
    return server


def test_values_survive_the_wire() -> None:
    values = {
        "text": "a",
        "number": 3,
        "float": 0.5,
        "flag": True,
        "none": None,
        "list": [1, {"a": UNKNOWN}],
        "secret": SecretValue({"inner": "x"}),
        "unknown": UNKNOWN,
    }
    loaded = load(dump(values))
    assert loaded == values
    assert isinstance(loaded["number"], int)


def test_configuration_is_read_back_from_its_text() -> None:
    seen: dict[str, Any] = {}

    def make(package: str, config: Mapping[str, Any]) -> Noting:
        seen.update(config)
        return Noting()

    request = provider_pb2.ConfigureRequest(
        args=dump({"allowedAccountIds": '["011122223333"]', "skipRegionValidation": "true", "profile": "0123"})
    )
    ProviderServer("aws", make).Configure(request, Call())
    assert seen == {"allowedAccountIds": ["011122223333"], "skipRegionValidation": True, "profile": "0123"}


def test_check_judges_what_is_known() -> None:
    provider = Noting()
    news = {"bucket": UNKNOWN, "forceDestroy": "yes please"}
    answer = served(provider).Check(provider_pb2.CheckRequest(urn=URN, news=dump(news)), Call())
    assert load(answer.inputs) == news
    assert [failure.property for failure in answer.failures] == ["forceDestroy"]
    assert provider.seen == [("check", {"forceDestroy": "yes please"})]


def test_diff_names_what_replaces_and_honours_ignored_changes() -> None:
    request = provider_pb2.DiffRequest(
        id="raw",
        urn=URN,
        old_inputs=dump({"bucket": "a", "forceDestroy": False, "tags": {"a": "1"}}),
        news=dump({"bucket": UNKNOWN, "forceDestroy": False, "tags": {"a": "2"}}),
        ignoreChanges=["tags"],
    )
    answer = served(Noting()).Diff(request, Call())
    assert answer.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert list(answer.diffs) == ["bucket"]
    assert list(answer.replaces) == ["bucket"]
    assert answer.detailedDiff["bucket"].kind == provider_pb2.PropertyDiff.UPDATE_REPLACE


def test_diff_names_every_place_inside_a_property() -> None:
    request = provider_pb2.DiffRequest(
        id="raw", urn=URN, old_inputs=dump({"tags": {"a": "1", "b": "1"}}), news=dump({"tags": {"a": "2", "c": "1"}})
    )
    answer = served(Noting()).Diff(request, Call())
    kinds = provider_pb2.PropertyDiff
    assert {path: item.kind for path, item in answer.detailedDiff.items()} == {
        "tags.a": kinds.UPDATE,
        "tags.b": kinds.DELETE,
        "tags.c": kinds.ADD,
    }


@pytest.mark.parametrize(
    ("configuration", "replaces"), [({}, ["data"]), ({"enableConfigMapMutable": "true"}, [])], ids=["default", "switch"]
)
def test_a_switch_of_the_provider_decides_whether_a_config_map_is_replaced(
    configuration: Mapping[str, Any], replaces: list[str]
) -> None:
    urn = "urn:pulumi:dev::p::kubernetes:core/v1:ConfigMap::settings"
    request = provider_pb2.DiffRequest(
        id="ns/settings", urn=urn, old_inputs=dump({"data": {"a": "1"}}), news=dump({"data": {"a": "2"}})
    )
    answer = served(Noting(), configuration).Diff(request, Call())
    assert (list(answer.diffs), list(answer.replaces)) == (["data"], replaces)


def test_another_region_replaces_what_the_provider_manages() -> None:
    request = provider_pb2.DiffRequest(
        old_inputs=dump({"region": "eu-west-1", "profile": "a"}), news=dump({"region": "eu-west-2", "profile": "b"})
    )
    answer = served(Noting()).DiffConfig(request, Call())
    assert list(answer.diffs) == ["profile", "region"] and list(answer.replaces) == ["region"]


def test_a_preview_of_a_create_asks_nobody() -> None:
    provider = Noting()
    request = provider_pb2.CreateRequest(urn=URN, properties=dump({"bucket": "a"}), preview=True)
    answer = served(provider).Create(request, Call())
    assert answer.id == ""
    assert load(answer.properties)["bucket"] == "a"
    assert load(answer.properties)["arn"] is UNKNOWN
    assert provider.seen == []


def test_secrets_are_open_for_the_provider_and_marked_in_what_it_answers() -> None:
    provider = Noting()
    told: list[tuple[str, str]] = []
    server = served(provider, report=lambda urn, text: told.append((urn, text)))
    inputs = {"username": "admin", "password": SecretValue("hush-hush")}
    answer = server.Create(provider_pb2.CreateRequest(urn=DATABASE, properties=dump(inputs)), Call())
    assert provider.seen == [("create", {"username": "admin", "password": "hush-hush"})]
    assert load(answer.properties) == {"username": "admin", "password": SecretValue("hush-hush"), "arn": "arn:1"}
    assert told == [(DATABASE, "recorded only: no emulator has it")]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ProviderError("refused"), grpc.StatusCode.FAILED_PRECONDITION),
        (UnreachableError("gone"), grpc.StatusCode.UNAVAILABLE),
        (OutcomeUnknownError("lost"), grpc.StatusCode.UNKNOWN),
    ],
)
def test_errors_become_the_engines(error: ProviderError, code: grpc.StatusCode) -> None:
    with pytest.raises(AbortError) as caught:
        served(Noting(error)).Create(provider_pb2.CreateRequest(urn=URN, properties=dump({})), Call())
    assert caught.value.args[0] is code


def test_a_call_before_the_configuration_is_refused() -> None:
    server = ProviderServer("aws", lambda package, config: Noting())
    with pytest.raises(AbortError, match="not configured"):
        server.Delete(provider_pb2.DeleteRequest(urn=URN, id="a"), Call())


def test_the_executable_quotes_its_arguments() -> None:
    assert "'/opt/my python'" in plugin_script("aws", "a.b:make", python="/opt/my python")
