"""Server-side apply against a real API server, started from KUBEBUILDER_ASSETS."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.engines.local.kubernetes import api_server
from mlops_iac.engines.local.kubernetes.cluster import ClusterChoice, Clusters
from mlops_iac.engines.local.kubernetes.provider import KubernetesProvider, connect_server
from mlops_iac.engines.local.provider import ProviderError

ASSETS = os.environ.get("KUBEBUILDER_ASSETS")
needs_server = pytest.mark.skipif(not ASSETS, reason="KUBEBUILDER_ASSETS names no etcd and kube-apiserver")
TYPE = "kubernetes:core/v1:ConfigMap"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubernetesProvider]:
    folder = tmp_path_factory.mktemp("kube")
    server = api_server.start(folder, Path(ASSETS or ""))
    assert api_server.find(folder) == server
    yield connect_server(server)
    assert api_server.stop(folder)
    assert api_server.find(folder) is None


def urn(name: str, type: str = TYPE) -> str:
    return f"urn:pulumi:test::local::{type}::{name}"


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": data}


@needs_server
def test_the_life_of_an_object(provider: KubernetesProvider) -> None:
    inputs = config_map("a", x="1", y="2")
    created = provider.create(urn("a"), TYPE, inputs)
    assert (created.id, created.recorded) == ("default/a", None)
    assert created.outputs["metadata"]["uid"] and "managedFields" not in created.outputs["metadata"]
    found = provider.read(urn("a"), TYPE, created.id, inputs, created.outputs)
    assert found is not None and found.inputs == inputs
    assert [item.id for item in provider.find(urn("a"), TYPE, inputs)] == ["default/a"]
    wanted = config_map("a", x="3")
    updated = provider.update(urn("a"), TYPE, created.id, inputs, created.outputs, wanted)
    assert updated.outputs["data"] == {"x": "3"}
    for _ in range(2):
        provider.delete(urn("a"), TYPE, created.id, wanted, updated.outputs)
    assert provider.read(urn("a"), TYPE, created.id, wanted, updated.outputs) is None


@needs_server
def test_an_object_of_another_owner_is_left_alone(provider: KubernetesProvider) -> None:
    provider.create(urn("b"), TYPE, config_map("b", x="1"))
    with pytest.raises(ProviderError, match="not of this state"):
        provider.create(urn("other"), TYPE, config_map("b", x="2"))
    assert provider.find(urn("other"), TYPE, config_map("b")) == ()


@needs_server
def test_a_field_of_another_manager_is_not_taken(provider: KubernetesProvider) -> None:
    inputs = config_map("c", x="1")
    created = provider.create(urn("c"), TYPE, inputs)
    path = "/api/v1/namespaces/default/configmaps/c"
    query = {"fieldManager": "kubectl", "force": "true"}
    provider._request("PATCH", path, body=config_map("c", x="2"), query=query)
    found = provider.read(urn("c"), TYPE, created.id, inputs, created.outputs)
    assert found is not None and found.inputs["data"] == {"x": "2"}
    with pytest.raises(ProviderError, match="another manager owns"):
        provider.update(urn("c"), TYPE, created.id, inputs, created.outputs, config_map("c", x="3"))


@needs_server
def test_a_wrong_object_is_refused(provider: KubernetesProvider) -> None:
    with pytest.raises(ProviderError, match="spec"):
        body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {}}
        provider.create(urn("d", "kubernetes:apps/v1:Deployment"), "kubernetes:apps/v1:Deployment", body)


@needs_server
def test_an_unknown_kind_is_recorded(provider: KubernetesProvider) -> None:
    type = "kubernetes:serving.kserve.io/v1beta1:InferenceService"
    body = {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": {"name": "m"}}
    created = provider.create(urn("m", type), type, body)
    assert created.id == "recorded:m" and "InferenceService" in (created.recorded or "")


def test_without_a_server_objects_are_recorded(tmp_path: Path) -> None:
    provider, note = Clusters(tmp_path, ClusterChoice(None, {})).provider()
    assert note is not None and "recorded" in note.message
    created = provider.create(urn("a"), TYPE, config_map("a"))
    assert created.recorded and "KUBEBUILDER_ASSETS" in created.recorded
    assert provider.check(urn("a"), TYPE, {**config_map("a"), "dta": {}}, {})


def test_a_context_that_does_not_exist(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("apiVersion: v1\nkind: Config\ncontexts: []\nclusters: []\nusers: []\n")
    with pytest.raises(DiagnosticsError, match="nowhere"):
        Clusters(tmp_path, ClusterChoice("nowhere", {"KUBECONFIG": str(config)})).provider()


def test_assets_without_binaries(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticsError, match="no executable etcd"):
        Clusters(tmp_path, ClusterChoice(None, {"KUBEBUILDER_ASSETS": str(tmp_path)})).provider()
