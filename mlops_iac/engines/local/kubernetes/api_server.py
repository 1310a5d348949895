"""etcd and kube-apiserver on loopback, started from the binaries in ``KUBEBUILDER_ASSETS``.

Source of the flags: https://book.kubebuilder.io/reference/envtest.html, and a run of kube-apiserver 1.36.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
import socket
import ssl
import subprocess
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines.local.codes import CLUSTER_FAILED
from mlops_iac.engines.local.files import FILE_MODE, make_private_folder, write_atomic
from mlops_iac.engines.local.lock import boot_id, process_start

START_SECONDS: Final = 120
PAUSE_SECONDS: Final = 0.1
CERTIFICATE_DAYS: Final = 3650


@dataclass(frozen=True, slots=True)
class Process:
    """A process that was started; ``started`` tells it from a later one with the same pid."""

    pid: int
    started: int

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return process_start(self.pid) == self.started


@dataclass(frozen=True, slots=True)
class ApiServer:
    """A running API server. ``token`` is an administrator's, ``authority`` the certificate file to trust."""

    port: int
    token: str
    authority: str
    boot: str
    etcd: Process
    apiserver: Process

    @property
    def endpoint(self) -> str:
        """The URL of the API."""
        return f"https://127.0.0.1:{self.port}"


def find(folder: Path) -> ApiServer | None:
    """The server that an earlier run started, when it still runs."""
    try:
        data: dict[str, Any] = json.loads((folder / "apiserver.json").read_text(encoding="utf-8"))
        server = ApiServer(**{**data, "etcd": Process(**data["etcd"]), "apiserver": Process(**data["apiserver"])})
    except (OSError, KeyError, TypeError, ValueError):
        return None
    return server if server.boot == boot_id() and server.apiserver.alive and server.etcd.alive else None


def start(folder: Path, assets: Path) -> ApiServer:
    """A new, empty API server, remembered in ``folder``. Raises ``DiagnosticsError`` when it does not come up."""
    for name in ("etcd", "kube-apiserver"):
        if not os.access(assets / name, os.X_OK):
            raise _failed(f"{assets} has no executable {name}", "let KUBEBUILDER_ASSETS name the folder with both")
    stop(folder)
    home = folder / "kubernetes" / secrets.token_hex(4)
    make_private_folder(home)
    token = secrets.token_urlsafe(32)
    _write_credentials(home, token)
    client_port, peer_port, port = _free_ports(3)
    etcd = _spawn(
        home / "etcd.log",
        [
            str(assets / "etcd"),
            f"--data-dir={home / 'etcd'}",
            "--unsafe-no-fsync",
            f"--listen-client-urls=http://127.0.0.1:{client_port}",
            f"--advertise-client-urls=http://127.0.0.1:{client_port}",
            f"--listen-peer-urls=http://127.0.0.1:{peer_port}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{peer_port}",
            f"--initial-cluster=default=http://127.0.0.1:{peer_port}",
        ],
    )
    apiserver = _spawn(
        home / "apiserver.log",
        [
            str(assets / "kube-apiserver"),
            f"--etcd-servers=http://127.0.0.1:{client_port}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={port}",
            f"--tls-cert-file={home / 'server.crt'}",
            f"--tls-private-key-file={home / 'server.key'}",
            f"--token-auth-file={home / 'tokens.csv'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-signing-key-file={home / 'server.key'}",
            f"--service-account-key-file={home / 'server.key'}",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--authorization-mode=RBAC",
            "--allow-privileged=true",
            "--disable-admission-plugins=ServiceAccount",
            "--endpoint-reconciler-type=none",
            f"--cert-dir={home}",
        ],
    )
    server = ApiServer(port, token, str(home / "server.crt"), boot_id(), _identified(etcd), _identified(apiserver))
    write_atomic(folder / "apiserver.json", json.dumps(asdict(server)).encode())
    _wait_until_ready(server, apiserver, home / "apiserver.log", folder)
    return server


def stop(folder: Path) -> bool:
    """End the server of ``folder`` and forget it; answers whether one was running."""
    server = find(folder)
    if server is not None:
        for process in (server.apiserver, server.etcd):
            if process.alive:
                os.kill(process.pid, signal.SIGTERM)
                _reap(process.pid)
    (folder / "apiserver.json").unlink(missing_ok=True)
    return server is not None


def _wait_until_ready(server: ApiServer, process: subprocess.Popen[bytes], log: Path, folder: Path) -> None:
    pause = threading.Event()
    for _ in range(int(START_SECONDS / PAUSE_SECONDS)):
        if process.poll() is not None:
            break
        if _ready(server):
            return
        pause.wait(PAUSE_SECONDS)
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    stop(folder)
    raise _failed(f"kube-apiserver did not start: {lines[-1] if lines else 'it said nothing'}", f"its log is {log}")


def _ready(server: ApiServer) -> bool:
    context = ssl.create_default_context(cafile=server.authority)
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=10, context=context)
    try:
        connection.request("GET", "/readyz", headers={"Authorization": f"Bearer {server.token}"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _spawn(log: Path, command: list[str]) -> subprocess.Popen[bytes]:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
    try:
        return subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.DEVNULL, stdout=descriptor, stderr=descriptor, start_new_session=True
        )
    except OSError as error:
        raise _failed(f"{command[0]} cannot be run: {error.strerror}", "check KUBEBUILDER_ASSETS") from error
    finally:
        os.close(descriptor)


def _identified(process: subprocess.Popen[bytes]) -> Process:
    return Process(process.pid, process_start(process.pid) or 0)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for item in sockets:
            item.bind(("127.0.0.1", 0))
        return [item.getsockname()[1] for item in sockets]
    finally:
        for item in sockets:
            item.close()


def _write_credentials(home: Path, token: str) -> None:
    """A self-signed server certificate for 127.0.0.1, and the administrator's token."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mlops-iac local API server")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=CERTIFICATE_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    write_atomic(home / "server.crt", certificate.public_bytes(pem))
    write_atomic(home / "server.key", private)
    write_atomic(home / "tokens.csv", f"{token},admin,admin,system:masters\n".encode())


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, 0)
    except ChildProcessError:
        return


def _failed(message: str, hint: str) -> DiagnosticsError:
    return DiagnosticsError([Diagnostic(CLUSTER_FAILED, message, hint)])
