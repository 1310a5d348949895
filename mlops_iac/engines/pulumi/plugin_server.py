"""Serves one of our providers to the real Pulumi engine, over Pulumi's plugin protocol.

The engine starts an executable named ``pulumi-resource-<package>`` and reads the port of a gRPC server from its first
line of output. ``plugin_script`` is the text of such an executable; put it on ``PATH``, or name its folder under
``plugins.providers`` in Pulumi.yaml. The provider behind it is the one that the local engine calls in-process, so one
implementation serves both engines.

Our providers see plain data. This module keeps what the engine adds to it: secrets are laid open for the provider
and marked again on what it answers; unknowns of a preview never reach a create or an update; what a change means,
``ignoreChanges`` included, is judged as in a plan.
Source: https://github.com/pulumi/pulumi/blob/master/proto/pulumi/provider.proto
"""

# ruff: noqa: N802 - gRPC finds the methods by the names of the protocol.
from __future__ import annotations

import argparse
import importlib
import json
import os
import shlex
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent import futures
from pathlib import Path
from typing import Any, Final, NoReturn, Protocol

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2, json_format, struct_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, plugin_pb2, provider_pb2, provider_pb2_grpc

from mlops_iac.engines.local.provider import (
    Found,
    OutcomeUnknownError,
    Provider,
    ProviderError,
    ProviderFactory,
    UnreachableError,
)
from mlops_iac.engines.local.values import marked_like, with_secrets
from mlops_iac.engines.pulumi.in_use import hold
from mlops_iac.engines.pulumi.schema import package_schema
from mlops_iac.graph.archives import SIGNATURE_KEY
from mlops_iac.graph.evaluate import UNKNOWN, SecretValue, contains_unknown, reveal
from mlops_iac.plan.compare import without_defaults
from mlops_iac.plan.decision import judge_inputs, mark_secrets
from mlops_iac.plan.model import PropertyChange
from mlops_iac.plan.paths import parse_property
from mlops_iac.providers.facts import facts_of
from mlops_iac.providers.plugins import plugin_version
from mlops_iac.state.checkpoint import PROVIDER_PREFIX, SECRET_SIGNATURE
from mlops_iac.state.snapshot import ResourceState

UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the wire writes a value that is not known yet (sdk/go/common/resource/plugin/rpc.go)."""
RECORDED_ONLY: Final = "recorded only: "
"""Beginning of the message to the user where a resource was only written into the state."""
MESSAGE_LIMIT: Final = 400 * 1024 * 1024
"""Largest message, the engine's own limit; gRPC's default of 4 MB is too small for big inputs."""
THREADS: Final = 16
"""Calls at the same time: the engine's default parallelism is not above it on a laptop."""


class Context(Protocol):
    """The part of a gRPC call's context that is used."""

    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        """End the call with an error."""
        ...


class ProviderServer(provider_pb2_grpc.ResourceProviderServicer):
    """The plugin protocol in front of the provider that ``factory`` makes for the engine's configuration.

    ``report`` shows a message to the user beside a resource.
    """

    def __init__(
        self,
        package: str,
        factory: ProviderFactory,
        *,
        version: str = "",
        report: Callable[[str, str], None] = lambda urn, text: None,
    ) -> None:
        self._package = package
        self._factory = factory
        self._version = version or plugin_version(package) or "0.0.0"
        self._report = report
        self._provider: Provider | None = None
        self._configured: Mapping[str, Any] = {}

    def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: Context
    ) -> provider_pb2.ProviderHandshakeResponse:
        """The engine's first call: what both sides understand."""
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=False, accept_outputs=False)

    def GetPluginInfo(self, request: empty_pb2.Empty, context: Context) -> plugin_pb2.PluginInfo:
        """The version that the installed SDK asks for."""
        return plugin_pb2.PluginInfo(version=self._version)

    def GetSchema(self, request: provider_pb2.GetSchemaRequest, context: Context) -> provider_pb2.GetSchemaResponse:
        """The package's schema, which Pulumi YAML and ``pulumi package`` ask for."""
        schema = {**package_schema(self._package), "version": self._version}
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    def Attach(self, request: plugin_pb2.PluginAttach, context: Context) -> empty_pb2.Empty:
        """Called instead of a start, when ``PULUMI_DEBUG_PROVIDERS`` names a server that runs already."""
        return empty_pb2.Empty()

    def Cancel(self, request: empty_pb2.Empty, context: Context) -> empty_pb2.Empty:
        """The user interrupted: calls under way are finished, so that nothing is created that nobody recorded."""
        return empty_pb2.Empty()

    def CheckConfig(self, request: provider_pb2.CheckRequest, context: Context) -> provider_pb2.CheckResponse:
        """Configuration is taken as it is."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: provider_pb2.DiffRequest, context: Context) -> provider_pb2.DiffResponse:
        """What a change of the provider's configuration means, by the rules of a plan: another region replaces."""
        type = f"{PROVIDER_PREFIX}{self._package}"
        old, new = _configuration(request.old_inputs), _configuration(request.news)
        return _difference(judge_inputs(type, old, new, facts_of(type))[1])

    def Configure(self, request: provider_pb2.ConfigureRequest, context: Context) -> provider_pb2.ConfigureResponse:
        """Make the provider. In a preview the engine leaves it out when the configuration is not known yet."""
        try:
            self._configured = _configuration(request.args)
            self._provider = self._factory(self._package, self._configured)
        except ProviderError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Check(self, request: provider_pb2.CheckRequest, context: Context) -> provider_pb2.CheckResponse:
        """Failures of the inputs as far as they are known."""
        news = load(request.news)
        declared: dict[str, Any] = without_defaults(news)
        known = {name: value for name, value in declared.items() if not contains_unknown(value)}
        open_names = declared.keys() - known.keys()
        found = self._call(
            context,
            lambda provider: provider.check(request.urn, _type(request.urn), reveal(known), reveal(load(request.olds))),
        )
        failures = [
            provider_pb2.CheckFailure(property=item.property, reason=item.reason)
            for item in found
            if item.property.partition(".")[0] not in open_names
        ]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def Diff(self, request: provider_pb2.DiffRequest, context: Context) -> provider_pb2.DiffResponse:
        """What changes, by the rules of a plan. An unknown differs from every value, as in the provider bridge."""
        type = _type(request.urn)
        facts = facts_of(type)
        old = reveal(load(request.old_inputs))
        new, found = judge_inputs(
            type,
            old,
            _unknown_as_text(reveal(load(request.news))),
            facts,
            ignore_changes=tuple(request.ignoreChanges),
            provider_inputs=self._configured,
        )
        return _difference(found, delete_first=facts is not None and facts.deletes_first(old, new))

    def Create(self, request: provider_pb2.CreateRequest, context: Context) -> provider_pb2.CreateResponse:
        """Create, or in a preview say what is known of the outputs."""
        inputs = load(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(id="", properties=dump(_planned(_type(request.urn), inputs)))
        made = self._call(context, lambda provider: provider.create(request.urn, _type(request.urn), reveal(inputs)))
        self._mention(request.urn, made.recorded)
        return provider_pb2.CreateResponse(id=made.id, properties=dump(_marked(request.urn, inputs, made.outputs)))

    def Read(self, request: provider_pb2.ReadRequest, context: Context) -> provider_pb2.ReadResponse:
        """The resource as it is; an empty id says that it is gone."""
        inputs, outputs = load(request.inputs), load(request.properties)
        type = _type(request.urn)

        def read(provider: Provider) -> Found | None:
            if not inputs and not outputs:
                # The engine knows nothing but the id: it imports.
                return provider.adopt(request.urn, type, request.id, {})
            return provider.read(request.urn, type, request.id, reveal(inputs), reveal(outputs))

        found = self._call(context, read)
        if found is None:
            return provider_pb2.ReadResponse(id="")
        return provider_pb2.ReadResponse(
            id=found.id,
            inputs=dump(mark_secrets(marked_like(found.inputs, inputs), facts_of(type))),
            properties=dump(_marked(request.urn, {**outputs, **inputs}, found.outputs)),
        )

    def Update(self, request: provider_pb2.UpdateRequest, context: Context) -> provider_pb2.UpdateResponse:
        """Change in place, or in a preview say what is known of the outputs."""
        old_inputs, olds, news = load(request.old_inputs), load(request.olds), load(request.news)
        if request.preview:
            computed = {name: value for name, value in olds.items() if name not in old_inputs}
            return provider_pb2.UpdateResponse(properties=dump({**computed, **news}))
        made = self._call(
            context,
            lambda provider: provider.update(
                request.urn, _type(request.urn), request.id, reveal(old_inputs), reveal(olds), reveal(news)
            ),
        )
        self._mention(request.urn, made.recorded)
        return provider_pb2.UpdateResponse(properties=dump(_marked(request.urn, news, made.outputs)))

    def Delete(self, request: provider_pb2.DeleteRequest, context: Context) -> empty_pb2.Empty:
        """Delete; what is gone already is fine."""
        inputs, outputs = reveal(load(request.old_inputs)), reveal(load(request.properties))
        self._call(
            context,
            lambda provider: provider.delete(request.urn, _type(request.urn), request.id, inputs, outputs),
        )
        return empty_pb2.Empty()

    def Invoke(self, request: provider_pb2.InvokeRequest, context: Context) -> provider_pb2.InvokeResponse:
        """Call a function of the package."""
        answer = self._call(context, lambda provider: provider.invoke(request.tok, reveal(load(request.args))))
        return provider_pb2.InvokeResponse(**{"return": dump(answer)})

    def _call(self, context: Context, action: Callable[[Provider], Any]) -> Any:
        """The provider's answer; its errors become the engine's. The state stays as it was before the call."""
        provider = self._provider
        if provider is None:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"the {self._package} provider is not configured yet")
        try:
            return action(provider)
        except UnreachableError as error:
            context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
        except OutcomeUnknownError as error:
            context.abort(grpc.StatusCode.UNKNOWN, f"{error} (whether it took effect is not known)")
        except ProviderError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))

    def _mention(self, urn: str, recorded: str | None) -> None:
        if recorded:
            self._report(urn, f"{RECORDED_ONLY}{recorded}")


def load(message: struct_pb2.Struct) -> dict[str, Any]:
    """A wire object as evaluated data, with ``UNKNOWN`` and ``SecretValue``."""
    return {name: _from_wire(value) for name, value in json_format.MessageToDict(message).items()}


def dump(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Evaluated data as a wire object."""
    return json_format.ParseDict({name: _to_wire(value) for name, value in values.items()}, struct_pb2.Struct())


def plugin_script(package: str, factory: str, python: str = sys.executable) -> str:
    """Text of the executable ``pulumi-resource-<package>``; ``factory`` is ``module:function`` of a factory."""
    module = "mlops_iac.engines.pulumi.plugin_server"
    command = shlex.join([python, "-u", "-m", module, "--package", package, "--factory", factory])
    return f'#!/bin/sh\nexec {command} "$@"\n'


def serve(package: str, factory: ProviderFactory, engine: str = "") -> grpc.Server:
    """Start serving on a free loopback port and print the port, as the engine expects."""
    limits = [
        ("grpc.max_receive_message_length", MESSAGE_LIMIT),
        ("grpc.max_send_message_length", MESSAGE_LIMIT),
    ]
    server = grpc.server(futures.ThreadPoolExecutor(THREADS), options=limits)
    servicer = ProviderServer(package, factory, report=_reporter(engine))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    return server


def main(arguments: list[str] | None = None) -> None:
    """Entry point of a plugin executable, which the engine starts in the project's folder; runs until the engine stops
    it or is gone. Calls under way are finished."""
    parser = argparse.ArgumentParser(prog="pulumi-resource", description="Serve a provider to the Pulumi engine.")
    parser.add_argument("--package", required=True, help="Pulumi package, for example aws")
    parser.add_argument("--factory", required=True, help="module:function that makes the provider")
    parser.add_argument("engine", nargs="?", default="", help="address of the engine, given by it")
    given, _ = parser.parse_known_args(arguments)
    hold(Path.cwd())
    server = serve(given.package, factory_named(given.factory), given.engine)
    parent = os.getppid()
    # An engine that is killed sends no signal: without it the process would stay for ever.
    while os.getppid() == parent:
        threading.Event().wait(1)
    server.stop(None)


def factory_named(reference: str) -> Any:
    """The factory that ``module:function`` names."""
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)


def _reporter(engine: str) -> Callable[[str, str], None]:
    if not engine:
        return lambda urn, text: None
    stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(engine))

    def report(urn: str, text: str) -> None:
        stub.Log(engine_pb2.LogRequest(severity=engine_pb2.INFO, urn=urn, message=text))

    return report


def _planned(type: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    facts = facts_of(type)
    computed = dict.fromkeys(facts.outputs, UNKNOWN) if facts is not None else {}
    return {**computed, **inputs}


def _marked(urn: str, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> dict[str, Any]:
    return with_secrets(outputs, ResourceState(urn, _type(urn), True, inputs=inputs))


def _type(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _difference(found: Sequence[PropertyChange], *, delete_first: bool = False) -> provider_pb2.DiffResponse:
    """The engine's form of the differences; ``delete_first`` counts where one of them replaces."""
    kinds = provider_pb2.PropertyDiff
    detail = {
        item.path: provider_pb2.PropertyDiff(
            kind=kinds.Kind.Value(f"{item.kind.name}{'_REPLACE' if item.replaces else ''}"), inputDiff=True
        )
        for item in found
    }
    replaces = _properties(item for item in found if item.replaces)
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE,
        diffs=_properties(found),
        replaces=replaces,
        deleteBeforeReplace=delete_first and bool(replaces),
        detailedDiff=detail,
        hasDetailedDiff=True,
    )


def _properties(found: Iterable[PropertyChange]) -> list[str]:
    """The top-level properties in which differences lie."""
    return list(dict.fromkeys(str(parse_property(item.path)[0]) for item in found))


def _configuration(message: struct_pb2.Struct) -> dict[str, Any]:
    return {name: _configured(value) for name, value in reveal(load(message)).items()}


def _configured(value: Any) -> Any:
    """A provider setting, also where the program wrote it as JSON text, as the Python and Node SDKs do.

    An account id stays text although it looks like a number.
    """
    if isinstance(value, str) and (value in ("true", "false") or value[:1] in ("[", "{")):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _from_wire(value: Any) -> Any:
    if value == UNKNOWN_TEXT:
        return UNKNOWN
    if isinstance(value, dict):
        if value.get(SIGNATURE_KEY) == SECRET_SIGNATURE:
            return SecretValue(_from_wire(value.get("value")))
        return {name: _from_wire(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_from_wire(item) for item in value]
    # The wire knows one kind of number, a 64-bit float.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _to_wire(value: Any) -> Any:
    if value is UNKNOWN:
        return UNKNOWN_TEXT
    if isinstance(value, SecretValue):
        return {SIGNATURE_KEY: SECRET_SIGNATURE, "value": _to_wire(value.value)}
    if isinstance(value, Mapping):
        return {name: _to_wire(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_to_wire(item) for item in value]
    return value


def _unknown_as_text(value: Any) -> Any:
    if value is UNKNOWN:
        return UNKNOWN_TEXT
    if isinstance(value, Mapping):
        return {name: _unknown_as_text(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_unknown_as_text(item) for item in value]
    return value


if __name__ == "__main__":
    main()
