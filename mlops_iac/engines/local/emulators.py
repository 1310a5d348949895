"""What holds a system's resources on this machine, and the providers that reach it.

One place for both engines: the local engine calls the providers in its own process, Pulumi's engine through
``plugin_server``, whose plugins find the same servers by ``FOLDER_VARIABLE``.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines.local import moto_server
from mlops_iac.engines.local.calls import package_of
from mlops_iac.engines.local.codes import EMULATOR_GONE
from mlops_iac.engines.local.kubernetes.cluster import ClusterChoice, Clusters
from mlops_iac.engines.local.patience import Patience
from mlops_iac.engines.local.provider import (
    RECORDED,
    Properties,
    Provider,
    ProviderError,
    ProviderFactory,
    RecordingProvider,
)
from mlops_iac.graph.evaluate import compact_json
from mlops_iac.state.snapshot import ResourceState, Snapshot

AWS_PACKAGES: Final = ("aws", "aws-native")
FOLDER_VARIABLE: Final = "MLOPS_IAC_EMULATORS"
"""Environment variable that tells a plugin the folder of the emulators."""
CONTEXT_VARIABLE: Final = "MLOPS_IAC_KUBE_CONTEXT"
"""Environment variable that tells a plugin the kubeconfig context that the user named."""


@dataclass(frozen=True, slots=True)
class EmulatorOptions:
    """``endpoint``: an AWS emulator that runs already; without it a moto server of ``folder``'s own is used.
    ``context``: a kubeconfig context that the user named; without it the ``KUBEBUILDER_ASSETS`` API server, else
    objects are recorded. ``patience``: how calls are repeated that the servers refuse for now."""

    endpoint: str | None = None
    context: str | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    patience: Patience = field(default_factory=Patience)


class Emulators:
    """The servers of one folder, started when the first resource needs them."""

    def __init__(self, folder: Path, options: EmulatorOptions) -> None:
        self._folder = folder
        self._options = options
        self._clusters = Clusters(folder, ClusterChoice(options.context, options.environ))
        self._guard = threading.Lock()
        self.notes: list[Diagnostic] = []

    def factory(self) -> ProviderFactory:
        """Providers by package and configuration, each made when the first resource needs it."""
        made: dict[str, Provider] = {}

        def provider(package: str, inputs: Properties) -> Provider:
            label = f"{package} {compact_json(dict(inputs))}"
            with self._guard:
                if label not in made:
                    made[label] = self._make(package, inputs)
                return made[label]

        return provider

    def lost(self, states: Iterable[Snapshot]) -> list[tuple[int, str, str]]:
        """(count, what, where) of the resources whose server is gone."""
        gone: list[tuple[str, str, tuple[str, ...]]] = []
        if self._options.endpoint is None and moto_server.find(self._folder) is None:
            gone.append(("AWS resources", "the moto server", AWS_PACKAGES))
        if self._options.context is None and not self._clusters.running():
            gone.append(("Kubernetes objects", "the API server", ("kubernetes",)))
        resources = [item for snapshot in states for item in snapshot.resources]
        counts = [(sum(_lives_in(item, packages) for item in resources), what, where) for what, where, packages in gone]
        return [(count, what, where) for count, what, where in counts if count]

    def refuse_lost(self, states: Iterable[Snapshot], hint: str) -> None:
        """An emulator keeps its resources in memory: raise ``DiagnosticsError`` where a state outlived it."""
        gone = [
            Diagnostic(EMULATOR_GONE, f"the state has {count} {what}, and {where} that held them is gone", hint)
            for count, what, where in self.lost(states)
        ]
        if gone:
            raise DiagnosticsError(gone)

    def stop(self) -> None:
        """End the servers that were started for this folder; their resources go with them."""
        moto_server.stop(self._folder)
        self._clusters.stop()

    def _make(self, package: str, inputs: Properties) -> Provider:
        if package in AWS_PACKAGES:
            from mlops_iac.engines.local.aws.provider import AwsProvider
            from mlops_iac.engines.local.aws.session import Session

            accounts = inputs.get("allowedAccountIds") or ["123456789012"]
            region = inputs.get("region") or "us-east-1"
            endpoint = self._endpoint(str(accounts[0]))
            return AwsProvider(Session(endpoint, str(region), str(accounts[0]), self._options.patience))
        if package == "kubernetes":
            provider, note = self._clusters.provider()
            if note is not None and note not in self.notes:
                self.notes.append(note)
            return provider
        return RecordingProvider(package)

    def _endpoint(self, account: str) -> str:
        if self._options.endpoint is not None:
            return self._options.endpoint
        return (moto_server.find(self._folder) or moto_server.start(self._folder, account)).endpoint


def plugin_provider(package: str, inputs: Properties) -> Provider:
    """The provider of a plugin process, which the engine configures once. Raises ``ProviderError``."""
    options = EmulatorOptions(context=os.environ.get(CONTEXT_VARIABLE) or None)
    try:
        return Emulators(Path(os.environ[FOLDER_VARIABLE]), options).factory()(package, inputs)
    except DiagnosticsError as error:
        raise ProviderError("; ".join(item.message for item in error.diagnostics)) from error


def _lives_in(resource: ResourceState, packages: tuple[str, ...]) -> bool:
    ours = resource.custom and package_of(resource.type) in packages
    return ours and not (resource.id or "").startswith(RECORDED)
