"""The Kubernetes provider against a real API server; only what needs none runs without KUBEBUILDER_ASSETS."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.engines.local.codes import CLUSTER_FAILED, CLUSTER_UNREACHABLE, KUBERNETES_TARGET, NOT_LOOPBACK
from mlops_iac.engines.local.kubernetes import server
from mlops_iac.engines.local.kubernetes.client import AbsentError, Cluster
from mlops_iac.engines.local.kubernetes.cluster import NO_SERVER, ClusterChoice, Clusters
from mlops_iac.engines.local.kubernetes.kubeconfig import cluster_of, kubeconfig_files
from mlops_iac.engines.local.kubernetes.objects import MARK, observed
from mlops_iac.engines.local.kubernetes.provider import KubernetesProvider
from mlops_iac.engines.local.provider import RECORDED, ProviderError, UnreachableError

ASSETS = os.environ.get("KUBEBUILDER_ASSETS")
needs_server = pytest.mark.skipif(not ASSETS, reason="KUBEBUILDER_ASSETS names no etcd and kube-apiserver")
CRDS = Path(__file__).parents[5] / "shared" / "crds"
KUEUE = sorted((CRDS / "kueue").glob("*.yaml"))

NAMESPACE = "kubernetes:core/v1:Namespace"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
SECRET = "kubernetes:core/v1:Secret"
QUOTA = "kubernetes:core/v1:ResourceQuota"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
RELEASE = "kubernetes:helm.sh/v3:Release"
DEFINITION = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"
FLAVOR = "kubernetes:kueue.x-k8s.io/v1beta2:ResourceFlavor"
CLUSTER_QUEUE = "kubernetes:kueue.x-k8s.io/v1beta2:ClusterQueue"


def urn(type: str, name: str) -> str:
    return f"urn:pulumi:dev::fraud-compute::{type}::{name}"


def config_map(namespace: str = "default", **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": namespace, "labels": {"app": "a"}},
        "data": data,
    }


@pytest.fixture(scope="module")
def state_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("state")
    yield folder
    server.stop(folder)


@pytest.fixture(scope="module")
def cluster(state_folder: Path) -> Cluster:
    if not ASSETS:
        pytest.skip("KUBEBUILDER_ASSETS names no etcd and kube-apiserver")
    return server.start(state_folder, Path(ASSETS))


@pytest.fixture
def provider(cluster: Cluster) -> KubernetesProvider:
    return KubernetesProvider(cluster)


@pytest.fixture
def namespace(provider: KubernetesProvider, request: pytest.FixtureRequest) -> Iterator[str]:
    name = request.node.name.replace("_", "-").replace("[", "-").replace("]", "").lower()[:60]
    created = provider.create(urn(NAMESPACE, name), NAMESPACE, {"metadata": {"name": name}})
    yield name
    provider.delete(urn(NAMESPACE, name), NAMESPACE, created.id, {}, created.outputs)


def test_lifecycle(provider: KubernetesProvider, namespace: str) -> None:
    name = urn(CONFIG_MAP, "settings")
    inputs = config_map(namespace, a="1", b="2")
    created = provider.create(name, CONFIG_MAP, inputs)
    assert created.id == f"{namespace}/settings"
    assert created.recorded is None
    assert created.outputs["metadata"]["uid"]
    assert "managedFields" not in created.outputs["metadata"]
    found = provider.read(name, CONFIG_MAP, created.id, inputs, created.outputs)
    assert found is not None and found.inputs == inputs

    news = config_map(namespace, a="3")
    updated = provider.update(name, CONFIG_MAP, created.id, inputs, created.outputs, news)
    assert updated.outputs["data"] == {"a": "3"}

    provider.delete(name, CONFIG_MAP, created.id, news, updated.outputs)
    assert provider.read(name, CONFIG_MAP, created.id, news, updated.outputs) is None
    provider.delete(name, CONFIG_MAP, created.id, news, updated.outputs)


def test_drift_is_seen_and_taken_back(provider: KubernetesProvider, cluster: Cluster, namespace: str) -> None:
    name, inputs = urn(CONFIG_MAP, "settings"), config_map(namespace, a="1", b="2")
    created = provider.create(name, CONFIG_MAP, inputs)
    path = f"/api/v1/namespaces/{namespace}/configmaps/settings"
    by_hand = {"metadata": {"labels": None, "annotations": {"note": "x"}}, "data": {"a": "9", "c": "3"}}
    cluster.request("PATCH", path, {"fieldManager": "kubectl"}, by_hand, "application/merge-patch+json")

    found = provider.read(name, CONFIG_MAP, created.id, inputs, created.outputs)
    assert found is not None
    assert found.inputs["data"] == {"a": "9", "b": "2"}
    assert "labels" not in found.inputs["metadata"]

    provider.update(name, CONFIG_MAP, created.id, found.inputs, found.outputs, inputs)
    again = provider.read(name, CONFIG_MAP, created.id, inputs, created.outputs)
    assert again is not None and again.inputs == inputs
    assert again.outputs["data"] == {"a": "1", "b": "2", "c": "3"}, "fields of others stay"


def test_another_spelling_of_a_quantity_is_no_drift(provider: KubernetesProvider, namespace: str) -> None:
    inputs = {
        "metadata": {"name": "team", "namespace": namespace},
        "spec": {"hard": {"requests.cpu": "0.5", "requests.memory": "1024Mi", "pods": "10"}},
    }
    created = provider.create(urn(QUOTA, "q"), QUOTA, inputs)
    found = provider.read(urn(QUOTA, "q"), QUOTA, created.id, inputs, created.outputs)
    assert found is not None and found.inputs == inputs


def test_defaults_of_the_server_are_no_drift(provider: KubernetesProvider, namespace: str) -> None:
    container = {"name": "web", "image": "nginx", "resources": {"limits": {"cpu": "1000m"}}, "env": []}
    labels = {"app": "web"}
    inputs = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container], "volumes": []}},
        },
    }
    created = provider.create(urn(DEPLOYMENT, "web"), DEPLOYMENT, inputs)
    found = provider.read(urn(DEPLOYMENT, "web"), DEPLOYMENT, created.id, inputs, created.outputs)
    assert found is not None and found.inputs == inputs


def test_secret_given_as_text(provider: KubernetesProvider, cluster: Cluster, namespace: str) -> None:
    name = urn(SECRET, "login")
    inputs = {"metadata": {"name": "login", "namespace": namespace}, "stringData": {"password": "correct horse"}}
    created = provider.create(name, SECRET, inputs)
    found = provider.read(name, SECRET, created.id, inputs, created.outputs)
    assert found is not None and found.inputs == inputs
    path = f"/api/v1/namespaces/{namespace}/secrets/login"
    cluster.request("PATCH", path, body={"data": {"password": "eA=="}}, content="application/merge-patch+json")
    found = provider.read(name, SECRET, created.id, inputs, created.outputs)
    assert found is not None and found.inputs["stringData"] == {"password": "x"}


def test_object_without_a_name_gets_one_that_a_retry_finds(provider: KubernetesProvider, namespace: str) -> None:
    inputs = {"metadata": {"namespace": namespace}, "data": {"a": "1"}}
    name = urn(CONFIG_MAP, "research.settings")
    assert provider.find(name, CONFIG_MAP, inputs) == ()
    created = provider.create(name, CONFIG_MAP, inputs)
    assert created.id.startswith(f"{namespace}/research-settings-")
    assert [found.id for found in provider.find(name, CONFIG_MAP, inputs)] == [created.id]
    found = provider.read(name, CONFIG_MAP, created.id, inputs, created.outputs)
    assert found is not None and found.inputs == inputs
    updated = provider.update(name, CONFIG_MAP, created.id, inputs, created.outputs, {**inputs, "data": {"a": "2"}})
    assert updated.outputs["metadata"]["uid"] == created.outputs["metadata"]["uid"]


def test_object_of_somebody_else_is_not_adopted(provider: KubernetesProvider, cluster: Cluster, namespace: str) -> None:
    cluster.request("POST", f"/api/v1/namespaces/{namespace}/configmaps", body=config_map(namespace, a="theirs"))
    name, inputs = urn(CONFIG_MAP, "settings"), config_map(namespace, a="ours")
    assert provider.find(name, CONFIG_MAP, inputs) == ()
    with pytest.raises(ProviderError, match="exists already"):
        provider.create(name, CONFIG_MAP, inputs)
    path = f"/api/v1/namespaces/{namespace}/configmaps/settings"
    assert cluster.request("GET", path)["data"] == {"a": "theirs"}
    provider.delete(name, CONFIG_MAP, f"{namespace}/settings", inputs, {"metadata": {"uid": "of-another"}})
    assert cluster.request("GET", path)["data"] == {"a": "theirs"}


def test_what_the_server_refuses_is_an_error_with_its_words(provider: KubernetesProvider) -> None:
    with pytest.raises(ProviderError, match='namespaces "nowhere" not found'):
        provider.create(urn(CONFIG_MAP, "settings"), CONFIG_MAP, config_map("nowhere", a="1"))
    invalid = {**config_map(), "metadata": {"name": "Not_a_name"}}
    with pytest.raises(ProviderError, match="Invalid value"):
        provider.create(urn(CONFIG_MAP, "settings"), CONFIG_MAP, invalid)
    unknown = {**config_map(), "metadata": {"name": "x", "labells": {}}}
    with pytest.raises(ProviderError, match="labells"):
        provider.create(urn(CONFIG_MAP, "settings"), CONFIG_MAP, unknown)


def test_immutable_object_that_differs_can_be_read(provider: KubernetesProvider, namespace: str) -> None:
    name, inputs = urn(CONFIG_MAP, "settings"), {**config_map(namespace, a="1"), "immutable": True}
    created = provider.create(name, CONFIG_MAP, inputs)
    found = provider.read(name, CONFIG_MAP, created.id, {**inputs, "data": {"a": "2"}}, created.outputs)
    assert found is not None and found.inputs["data"] == {"a": "1"}


def test_namespace_goes_with_everything_in_it(provider: KubernetesProvider, cluster: Cluster) -> None:
    name, inputs = urn(NAMESPACE, "team"), {"metadata": {"name": "team"}}
    for _ in range(2):
        created = provider.create(name, NAMESPACE, inputs)
        held = {**config_map("team", a="1")}
        held["metadata"] = {**held["metadata"], "finalizers": ["example.com/nobody"]}
        provider.create(urn(CONFIG_MAP, "settings"), CONFIG_MAP, held)
        provider.delete(name, NAMESPACE, created.id, inputs, created.outputs)
        with pytest.raises(AbsentError):
            cluster.request("GET", "/api/v1/namespaces/team")
        assert cluster.request("GET", "/api/v1/configmaps", {"fieldSelector": "metadata.name=settings"})["items"] == []


def test_finaliser_that_nobody_runs_does_not_keep_an_object(provider: KubernetesProvider, namespace: str) -> None:
    inputs = config_map(namespace, a="1")
    inputs["metadata"] = {**inputs["metadata"], "finalizers": ["example.com/nobody"]}
    created = provider.create(urn(CONFIG_MAP, "settings"), CONFIG_MAP, inputs)
    provider.delete(urn(CONFIG_MAP, "settings"), CONFIG_MAP, created.id, inputs, created.outputs)
    assert provider.find(urn(CONFIG_MAP, "settings"), CONFIG_MAP, inputs) == ()


def test_server_of_the_user_keeps_its_namespace_when_nobody_finalises_it(cluster: Cluster) -> None:
    theirs = KubernetesProvider(Cluster(cluster.server, cluster.tls, cluster.headers))
    name, inputs = urn(NAMESPACE, "left"), {"metadata": {"name": "left"}}
    created = theirs.create(name, NAMESPACE, inputs)
    theirs.delete(name, NAMESPACE, created.id, inputs, created.outputs)
    assert theirs.read(name, NAMESPACE, created.id, inputs, created.outputs) is None
    assert cluster.request("GET", "/api/v1/namespaces/left")["status"]["phase"] == "Terminating"
    KubernetesProvider(cluster).delete(name, NAMESPACE, created.id, inputs, created.outputs)
    assert theirs.find(name, NAMESPACE, inputs) == ()


def test_release_is_recorded(provider: KubernetesProvider) -> None:
    inputs = {"name": "kueue", "namespace": "kueue-system", "chart": "kueue", "version": "0.17.2"}
    created = provider.create(urn(RELEASE, "research.kueue"), RELEASE, inputs)
    assert (created.id, created.recorded) == (
        f"{RECORDED}research.kueue",
        "Helm charts are not installed on the local target",
    )
    assert created.outputs["name"] == "kueue"
    found = provider.read(urn(RELEASE, "research.kueue"), RELEASE, created.id, inputs, created.outputs)
    assert found is not None and found.inputs == inputs
    provider.delete(urn(RELEASE, "research.kueue"), RELEASE, created.id, inputs, created.outputs)


@pytest.mark.skipif(not KUEUE, reason="no folder ../shared/crds/kueue")
def test_custom_kind_is_recorded_without_its_definition_and_applied_with_it(provider: KubernetesProvider) -> None:
    flavor = {
        "apiVersion": "kueue.x-k8s.io/v1beta2",
        "kind": "ResourceFlavor",
        "metadata": {"name": "a10g"},
        "spec": {"nodeLabels": {"pool": "a10g"}},
    }
    name = urn(FLAVOR, "research.a10g")
    created = provider.create(name, FLAVOR, flavor)
    assert created.recorded == (
        "the API server has no kueue.x-k8s.io/v1beta2 ResourceFlavor; its custom resource definition is not installed"
    )
    assert provider.find(name, FLAVOR, flavor) == ()

    definitions = []
    for file in KUEUE:
        definition = yaml.safe_load(file.read_text())
        key = urn(DEFINITION, definition["metadata"]["name"])
        definitions.append((key, definition, provider.create(key, DEFINITION, definition)))
    created = provider.create(name, FLAVOR, flavor)
    assert (created.id, created.recorded) == ("a10g", None)
    queue = {
        "apiVersion": "kueue.x-k8s.io/v1beta2",
        "kind": "ClusterQueue",
        "metadata": {"name": "team"},
        "spec": {
            "cohortName": "research",
            "queueingStrategy": "BestEffortFIFO",
            "resourceGroups": [
                {
                    "coveredResources": ["cpu"],
                    "flavors": [{"name": "a10g", "resources": [{"name": "cpu", "nominalQuota": "192"}]}],
                }
            ],
        },
    }
    made = provider.create(urn(CLUSTER_QUEUE, "q"), CLUSTER_QUEUE, queue)
    found = provider.read(urn(CLUSTER_QUEUE, "q"), CLUSTER_QUEUE, made.id, queue, made.outputs)
    assert found is not None and found.inputs == queue
    wrong = {**queue, "spec": {**queue["spec"], "queueingStrategy": "Lottery"}}
    with pytest.raises(ProviderError, match="Lottery"):
        provider.update(urn(CLUSTER_QUEUE, "q"), CLUSTER_QUEUE, made.id, queue, made.outputs, wrong)

    for key, definition, held in definitions:
        provider.delete(key, DEFINITION, held.id, definition, held.outputs)
    assert provider.read(name, FLAVOR, created.id, flavor, created.outputs) is None
    provider.delete(name, FLAVOR, created.id, flavor, created.outputs)


def test_server_is_found_again_and_its_files_are_private(cluster: Cluster, state_folder: Path) -> None:
    found = server.find(state_folder)
    assert found is not None and (found.server, found.own) == (cluster.server, True)
    clusters = Clusters(state_folder, ClusterChoice(None, {"KUBEBUILDER_ASSETS": str(ASSETS)}))
    provider, note = clusters.provider()
    assert isinstance(provider, KubernetesProvider) and provider.cluster.server == cluster.server
    assert note is not None and note.code == KUBERNETES_TARGET and cluster.server in note.message
    assert clusters.running()
    home = state_folder / "kube"
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    private = [path for path in home.rglob("*") if path.is_file() and path.stat().st_mode & 0o077]
    assert private == []
    assert found.server.startswith("https://127.0.0.1:")


@needs_server
def test_objects_survive_the_end_of_the_server_until_it_is_stopped(tmp_path: Path) -> None:
    assets = Path(ASSETS or "")
    try:
        first = KubernetesProvider(server.start(tmp_path, assets))
        inputs = config_map(a="1")
        created = first.create(urn(CONFIG_MAP, "settings"), CONFIG_MAP, inputs)
        server._end(tmp_path / "kube")
        with pytest.raises(UnreachableError):
            first.read(urn(CONFIG_MAP, "settings"), CONFIG_MAP, created.id, inputs, created.outputs)
        assert server.find(tmp_path) is None
        second = KubernetesProvider(server.start(tmp_path, assets))
        found = second.read(urn(CONFIG_MAP, "settings"), CONFIG_MAP, created.id, inputs, created.outputs)
        assert found is not None and found.inputs == inputs
    finally:
        assert server.stop(tmp_path)
    assert not (tmp_path / "kube").exists()
    assert not server.stop(tmp_path)


def test_server_that_ends_at_once_is_an_error_that_names_it(tmp_path: Path) -> None:
    assets = tmp_path / "bin"
    assets.mkdir()
    for name in server.BINARIES:
        (assets / name).write_text("#!/bin/sh\necho no luck >&2\nexit 3\n")
        (assets / name).chmod(0o755)
    with pytest.raises(DiagnosticsError) as raised:
        server.start(tmp_path, assets)
    (diagnostic,) = raised.value.diagnostics
    assert diagnostic.code == CLUSTER_FAILED
    assert "ended: no luck" in diagnostic.message
    assert server.find(tmp_path) is None


def test_without_a_server_everything_is_recorded(tmp_path: Path) -> None:
    clusters = Clusters(tmp_path, ClusterChoice(None, {}))
    provider, note = clusters.provider()
    inputs = config_map(a="1")
    created = provider.create(urn(CONFIG_MAP, "settings"), CONFIG_MAP, inputs)
    assert (created.id, created.recorded) == (f"{RECORDED}settings", NO_SERVER)
    (failure,) = provider.check(urn(CONFIG_MAP, "settings"), CONFIG_MAP, {"dataa": {}}, {})
    assert "dataa" in failure.reason
    assert note is not None and NO_SERVER in note.message
    assert not clusters.running()


def test_folder_without_the_binaries(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticsError) as raised:
        Clusters(tmp_path, ClusterChoice(None, {"KUBEBUILDER_ASSETS": str(tmp_path)})).provider()
    (diagnostic,) = raised.value.diagnostics
    assert diagnostic.code == CLUSTER_FAILED
    assert "no executable etcd" in diagnostic.message


def kubeconfig(folder: Path, server: str = "https://127.0.0.1:1", **user: str) -> Path:
    content = {
        "contexts": [{"name": "kind", "context": {"cluster": "kind", "user": "me"}}],
        "clusters": [{"name": "kind", "cluster": {"server": server}}],
        "users": [{"name": "me", "user": user}],
    }
    file = folder / "config"
    file.write_text(yaml.safe_dump(content))
    return file


@pytest.mark.parametrize(
    ("context", "server", "user", "code", "message"),
    [
        pytest.param("other", "https://127.0.0.1:1", {}, CLUSTER_UNREACHABLE, "no context 'other'", id="unknown"),
        pytest.param("kind", "https://eks.example.com", {}, NOT_LOOPBACK, "this machine only", id="far"),
        pytest.param("kind", "https://[::1]:1", {"exec": "aws"}, CLUSTER_UNREACHABLE, "logs in by exec", id="exec"),
        pytest.param("kind", "https://127.0.0.1:1", {"tokenFile": "gone"}, CLUSTER_UNREACHABLE, "gone", id="token"),
    ],
)
def test_context_that_cannot_be_used(
    tmp_path: Path, context: str, server: str, user: dict[str, str], code: str, message: str
) -> None:
    with pytest.raises(DiagnosticsError) as raised:
        cluster_of(context, [kubeconfig(tmp_path, server, **user)])
    (diagnostic,) = raised.value.diagnostics
    assert diagnostic.code == code
    assert message in diagnostic.message


def test_files_of_a_kubeconfig_list_are_merged(tmp_path: Path) -> None:
    file = kubeconfig(tmp_path, token="abc")
    files = kubeconfig_files({"KUBECONFIG": f"{tmp_path / 'missing'}:{file}"})
    found = cluster_of("kind", files)
    assert not found.own
    assert found.headers == {"Authorization": "Bearer abc"}


def test_context_whose_server_does_not_answer(tmp_path: Path) -> None:
    environ = {"KUBECONFIG": str(kubeconfig(tmp_path)), "KUBEBUILDER_ASSETS": "/nowhere"}
    with pytest.raises(DiagnosticsError) as raised:
        Clusters(tmp_path, ClusterChoice("kind", environ)).provider()
    (diagnostic,) = raised.value.diagnostics
    assert diagnostic.code == CLUSTER_UNREACHABLE
    assert "does not answer" in diagnostic.message


@needs_server
def test_context_of_the_user_is_taken_before_our_own_server(cluster: Cluster, state_folder: Path) -> None:
    environ = {"KUBECONFIG": str(state_folder / "kube" / "kubeconfig"), "KUBEBUILDER_ASSETS": "/nowhere"}
    provider, note = Clusters(state_folder, ClusterChoice(server.CONTEXT, environ)).provider()
    assert isinstance(provider, KubernetesProvider) and not provider.cluster.own
    assert note is not None and server.CONTEXT in note.message


@pytest.mark.parametrize(
    ("wanted", "applied", "actual", "expected"),
    [
        pytest.param({"a": "1"}, {"a": "1", "d": 0}, {"a": "1", "d": 0}, {"a": "1"}, id="same"),
        pytest.param({"a": "1"}, {"a": "1"}, {"a": "2"}, {"a": "2"}, id="changed"),
        pytest.param({"a": "1", "b": "2"}, {"a": "1", "b": "2"}, {"a": "1"}, {"a": "1"}, id="removed"),
        pytest.param({"a": "1", "w": "x"}, {"a": "1"}, {"a": "2"}, {"a": "2", "w": "x"}, id="never shown"),
        pytest.param([{"a": 1}], [{"a": 1, "d": 0}], [{"a": 2, "d": 0}], [{"a": 2}], id="in a list"),
        pytest.param([1, 2], [1, 2], [1], [1], id="shorter list"),
    ],
)
def test_observed(wanted: Any, applied: Any, actual: Any, expected: Any) -> None:
    assert observed(wanted, applied, actual) == expected


def test_mark_is_an_annotation_that_kubernetes_accepts(provider: KubernetesProvider, namespace: str) -> None:
    name = urn("mlops:compute:Cluster$" + CONFIG_MAP, "research.settings")
    created = provider.create(name, CONFIG_MAP, config_map(namespace, a="1"))
    assert created.outputs["metadata"]["annotations"] == {MARK: name}
