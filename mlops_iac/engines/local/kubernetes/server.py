"""The API server and etcd of a system: started when they are needed, found again by the next run, stopped on request.

The binaries are those that controller developers have for their tests, in the folder that ``KUBEBUILDER_ASSETS`` names:
https://book.kubebuilder.io/reference/envtest. Everything is in ``kube`` of the state folder, the objects too, so they
survive a restart of the machine. There are no controllers: nothing runs pods or finalisers.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import yaml

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines.files import FILE_MODE, make_private_folder, write_atomic
from mlops_iac.engines.local.codes import CLUSTER_FAILED
from mlops_iac.engines.local.kubernetes.certificates import make_certificates
from mlops_iac.engines.local.kubernetes.client import Cluster
from mlops_iac.engines.local.kubernetes.kubeconfig import cluster_of
from mlops_iac.engines.local.processes import Process
from mlops_iac.engines.local.provider import ProviderError
from mlops_iac.engines.lock import boot_id, process_start

BINARIES: Final = ("etcd", "kube-apiserver")
CONTEXT: Final = "mlops-iac-local"
"""The context of the kubeconfig file that is written beside the certificates."""
START_SECONDS: Final = 90
"""How long the servers may take to be ready; on an idle machine it is about four seconds."""
ADDRESS: Final = "127.0.0.1"
TRIES: Final = 3
"""Starts with other ports, when another process took one between the choice and its use."""


@dataclass(frozen=True, slots=True)
class ApiServer:
    """A running API server with its etcd."""

    etcd: Process
    server: Process
    port: int
    boot: str


def find(folder: Path) -> Cluster | None:
    """The API server that an earlier run started in this state folder, when it still runs; None otherwise."""
    running = _running(folder / "kube")
    return _cluster(folder / "kube") if running is not None else None


def start(folder: Path, assets: Path) -> Cluster:
    """A new API server, remembered in ``folder``, with the objects that an earlier one had there.

    Raises ``DiagnosticsError`` when it does not come up.
    """
    home = folder / "kube"
    for name in BINARIES:
        if not os.access(assets / name, os.X_OK):
            raise _failed(f"{assets} has no executable {name}", home)
    _end(home)
    make_private_folder(home)
    if not (home / "accounts.key").exists():
        make_certificates(home)
    for attempt in range(TRIES):
        try:
            return _start(home, assets)
        except OSError as error:
            raise _failed(f"{error.filename or assets}: {error.strerror or error}", home) from error
        except DiagnosticsError:
            if attempt == TRIES - 1 or not _port_taken(home):
                raise
    raise AssertionError("unreachable")


def stop(folder: Path) -> bool:
    """End the API server of ``folder`` and forget its objects; answers whether one was running."""
    home = folder / "kube"
    running = _end(home)
    shutil.rmtree(home, ignore_errors=True)
    return running


def _start(home: Path, assets: Path) -> Cluster:
    clients, peers, port = _free_ports(3)
    etcd = _spawn(home, "etcd", [str(assets / "etcd"), *_etcd_flags(home, clients, peers)])
    server: subprocess.Popen[bytes] | None = None
    try:
        server = _spawn(
            home, "kube-apiserver", [str(assets / "kube-apiserver"), *_server_flags(home, f"{ADDRESS}:{clients}", port)]
        )
        _write_kubeconfig(home, port)
        _remember(home, etcd, server, port)
        _release(etcd)
        _release(server)
        cluster = _cluster(home)
        _wait(home, cluster, {"etcd": etcd, "kube-apiserver": server})
    except BaseException:
        for process in (server, etcd):
            if process is not None:
                process.kill()
                process.wait()
        (home / "servers.json").unlink(missing_ok=True)
        raise
    return cluster


def _etcd_flags(home: Path, clients: int, peers: int) -> list[str]:
    flags = {
        "data-dir": home / "etcd",
        "listen-client-urls": f"https://{ADDRESS}:{clients}",
        "advertise-client-urls": f"https://{ADDRESS}:{clients}",
        "listen-peer-urls": f"https://{ADDRESS}:{peers}",
        "initial-advertise-peer-urls": f"https://{ADDRESS}:{peers}",
        "initial-cluster": f"default=https://{ADDRESS}:{peers}",
        "unsafe-no-fsync": "true",
        "client-cert-auth": "true",
        "peer-client-cert-auth": "true",
    }
    for prefix in ("", "peer-"):
        flags[f"{prefix}cert-file"] = home / "etcd.crt"
        flags[f"{prefix}key-file"] = home / "etcd.key"
        flags[f"{prefix}trusted-ca-file"] = home / "ca.crt"
    return [f"--{name}={value}" for name, value in flags.items()]


def _server_flags(home: Path, etcd: str, port: int) -> list[str]:
    flags = {
        "etcd-servers": f"https://{etcd}",
        "etcd-cafile": home / "ca.crt",
        "etcd-certfile": home / "etcd.crt",
        "etcd-keyfile": home / "etcd.key",
        "bind-address": ADDRESS,
        "advertise-address": ADDRESS,
        "secure-port": port,
        "cert-dir": home,
        "tls-cert-file": home / "server.crt",
        "tls-private-key-file": home / "server.key",
        "client-ca-file": home / "ca.crt",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-signing-key-file": home / "accounts.key",
        "service-account-key-file": home / "accounts.key",
        "service-cluster-ip-range": "10.0.0.0/16",
        "authorization-mode": "RBAC",
        "anonymous-auth": "false",
        "allow-privileged": "true",
        "profiling": "false",
        "endpoint-reconciler-type": "none",
        # No controller makes the service accounts that this plugin would demand of pods.
        "disable-admission-plugins": "ServiceAccount",
    }
    return [f"--{name}={value}" for name, value in flags.items()]


def _spawn(home: Path, name: str, command: list[str]) -> subprocess.Popen[bytes]:
    """A process that becomes ``command`` when it is released, and ends where this one dies before that: a server that
    is not remembered would run for ever."""
    held = ["/bin/sh", "-c", 'read -r go && exec "$@" </dev/null', name, *command]
    log = os.open(home / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
    try:
        return subprocess.Popen(  # noqa: S603
            held, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=home, start_new_session=True, umask=0o077
        )
    finally:
        os.close(log)


def _release(process: subprocess.Popen[bytes]) -> None:
    """Let a spawned process go."""
    if process.stdin is not None:
        with suppress(BrokenPipeError), process.stdin as line:
            line.write(b"go\n")


def _remember(home: Path, etcd: subprocess.Popen[bytes], server: subprocess.Popen[bytes], port: int) -> None:
    started = ApiServer(Process.of(etcd.pid), Process.of(server.pid), port, boot_id())
    write_atomic(home / "servers.json", json.dumps(asdict(started)).encode())


def _wait(home: Path, cluster: Cluster, processes: Mapping[str, subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            cluster.request("GET", "/readyz")
            return
        except ProviderError as error:
            ended = next((name for name, process in processes.items() if process.poll() is not None), None)
            if ended is not None:
                raise _failed(f"{ended} ended: {_last_line(home / f'{ended}.log')}", home) from error
            if time.monotonic() > deadline:
                raise _failed(f"not ready after {START_SECONDS} s: {error}", home) from error
        time.sleep(0.1)


def _running(home: Path) -> ApiServer | None:
    try:
        found = json.loads((home / "servers.json").read_text(encoding="utf-8"))
        server = ApiServer(Process(**found["etcd"]), Process(**found["server"]), found["port"], found["boot"])
    except (OSError, KeyError, TypeError, ValueError):
        return None
    alive = server.boot == boot_id() and all(
        process_start(process.pid) == process.started for process in (server.etcd, server.server)
    )
    return server if alive else None


def _end(home: Path) -> bool:
    """End whatever still runs of the servers; the API server first, so that it does not lose its etcd."""
    try:
        found = json.loads((home / "servers.json").read_text(encoding="utf-8"))
        processes = [Process(**found["server"]), Process(**found["etcd"])] if found["boot"] == boot_id() else []
    except (OSError, KeyError, TypeError, ValueError):
        processes = []
    ended = [process.end() for process in processes]
    (home / "servers.json").unlink(missing_ok=True)
    return any(ended)


def _cluster(home: Path) -> Cluster:
    return cluster_of(CONTEXT, [home / "kubeconfig"], own=True)


def _write_kubeconfig(home: Path, port: int) -> None:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": CONTEXT,
        "clusters": [
            {
                "name": CONTEXT,
                "cluster": {"server": f"https://{ADDRESS}:{port}", "certificate-authority": "ca.crt"},
            }
        ],
        "users": [{"name": CONTEXT, "user": {"client-certificate": "admin.crt", "client-key": "admin.key"}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
    }
    write_atomic(home / "kubeconfig", yaml.safe_dump(content, sort_keys=False).encode())


def _free_ports(count: int) -> list[int]:
    """Ports that are free now; held together, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for item in sockets:
            item.bind((ADDRESS, 0))
        return [item.getsockname()[1] for item in sockets]
    finally:
        for item in sockets:
            item.close()


def _port_taken(home: Path) -> bool:
    logs = (home / f"{name}.log" for name in BINARIES)
    return any("address already in use" in log.read_text(errors="replace") for log in logs if log.exists())


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1] if lines else "it said nothing"


def _failed(cause: str, home: Path) -> DiagnosticsError:
    return DiagnosticsError(
        [
            Diagnostic(
                CLUSTER_FAILED,
                f"the Kubernetes API server did not start: {cause}",
                f"see the logs in {home}; without KUBEBUILDER_ASSETS, Kubernetes objects are recorded only",
            )
        ]
    )
