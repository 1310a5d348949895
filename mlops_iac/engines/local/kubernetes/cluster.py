"""Which API server Kubernetes objects go to: a named context, one started from ``KUBEBUILDER_ASSETS``, or none.

The kubeconfig of the declared cluster is not used: on the local target that cluster exists in an emulator only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError, Severity
from mlops_iac.engines.local.codes import CLUSTER_UNREACHABLE, KUBERNETES_TARGET
from mlops_iac.engines.local.kubernetes import server
from mlops_iac.engines.local.kubernetes.kubeconfig import cluster_of, kubeconfig_files
from mlops_iac.engines.local.kubernetes.provider import KubernetesProvider
from mlops_iac.engines.local.provider import Provider, ProviderError, RecordingProvider

NO_SERVER = "no Kubernetes API server: name a context, or set KUBEBUILDER_ASSETS"


@dataclass(frozen=True, slots=True)
class ClusterChoice:
    """The context that the user named, and the environment."""

    context: str | None
    environ: Mapping[str, str]


class Clusters:
    """Makes the provider, starting an API server where that is the choice."""

    def __init__(self, folder: Path, choice: ClusterChoice) -> None:
        self._folder = folder
        self._choice = choice

    def provider(self) -> tuple[Provider, Diagnostic | None]:
        """The provider, and a note on where objects go. Raises ``DiagnosticsError`` when a server cannot be reached."""
        context, environ = self._choice.context, self._choice.environ
        if context is not None:
            cluster = cluster_of(context, kubeconfig_files(environ))
            try:
                cluster.request("GET", "/version")
            except ProviderError as error:
                hint = "start the cluster, correct the context, or leave it out to record the objects"
                message = f"the context {context!r} cannot be used: {error}"
                raise DiagnosticsError([Diagnostic(CLUSTER_UNREACHABLE, message, hint)]) from error
            return KubernetesProvider(cluster), _note(f"Kubernetes objects go to the context {context!r}")
        assets = environ.get("KUBEBUILDER_ASSETS")
        if assets:
            cluster = server.find(self._folder) or server.start(self._folder, Path(assets))
            text = f"Kubernetes objects go to an API server on this machine, {cluster.server}"
            return KubernetesProvider(cluster), _note(text)
        text = f"Kubernetes objects are checked for shape and recorded ({NO_SERVER})"
        return RecordingProvider("kubernetes", NO_SERVER), _note(text)

    def running(self) -> bool:
        """Whether the API server that was started for this system still runs."""
        return server.find(self._folder) is not None

    def stop(self) -> None:
        """End the API server that was started for this system, and forget its objects."""
        server.stop(self._folder)


def _note(text: str) -> Diagnostic:
    return Diagnostic(KUBERNETES_TARGET, text, severity=Severity.INFO)
