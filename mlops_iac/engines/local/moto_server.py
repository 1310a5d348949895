"""The moto server of a system: started when it is needed, found again by the next run, stopped on request.

moto keeps everything in memory, so a server that is gone has taken its resources with it; ``moto.json`` in the state
folder remembers which process it was.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines.files import FILE_MODE, write_atomic
from mlops_iac.engines.local.codes import EMULATOR_FAILED
from mlops_iac.engines.local.moto_child import IDENTITY_PATH, REMEMBERED
from mlops_iac.engines.local.processes import Process
from mlops_iac.engines.lock import boot_id, process_start

START_SECONDS: Final = 60
"""How long a server may take to listen; it takes about one second on an idle machine."""


@dataclass(frozen=True, slots=True)
class MotoServer:
    """A moto server on loopback; ``started`` and ``boot`` tell its process from a later one with the same pid."""

    pid: int
    port: int
    started: int
    boot: str
    token: str

    @property
    def endpoint(self) -> str:
        """The URL that AWS calls go to."""
        return f"http://127.0.0.1:{self.port}"


def find(folder: Path) -> MotoServer | None:
    """The server that an earlier run started, when it still runs and is ours; None otherwise."""
    try:
        server = MotoServer(**json.loads((folder / "moto.json").read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError):
        return None
    return server if _is_ours(server) else None


def start(folder: Path, account: str) -> MotoServer:
    """A new server, remembered in ``folder``; clients that name no account see ``account``.

    Raises ``DiagnosticsError`` when it does not come up.
    """
    token = secrets.token_hex(16)
    ours, theirs = socket.socketpair()
    log = os.open(folder / "moto.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
    try:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "mlops_iac.engines.local.moto_child", str(theirs.fileno()), token],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(theirs.fileno(),),
            env={**os.environ, "MOTO_IAM_LOAD_MANAGED_POLICIES": "true", "MOTO_ACCOUNT_ID": account},
            start_new_session=True,
        )
    finally:
        os.close(log)
        theirs.close()
    with ours:
        ours.settimeout(START_SECONDS)
        try:
            answer = ours.recv(1000)
        except TimeoutError:
            answer = b""
        if not answer:
            process.kill()
            process.wait()
            raise _failed(folder)
        port = json.loads(answer)["port"]
        server = MotoServer(process.pid, port, process_start(process.pid) or 0, boot_id(), token)
        write_atomic(folder / "moto.json", json.dumps(asdict(server)).encode())
        # It serves once it is remembered, and ends where this process dies before: nobody else would know of it.
        ours.sendall(REMEMBERED)
    return server


def stop(folder: Path) -> bool:
    """End the server of ``folder`` and forget it; answers whether one was running."""
    server = find(folder)
    if server is not None:
        Process(server.pid, server.started).end()
    (folder / "moto.json").unlink(missing_ok=True)
    return server is not None


def _is_ours(server: MotoServer) -> bool:
    if server.boot != boot_id() or process_start(server.pid) != server.started:
        return False
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request("GET", IDENTITY_PATH)
        return connection.getresponse().read() == server.token.encode()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _failed(folder: Path) -> DiagnosticsError:
    log = folder / "moto.log"
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    last = lines[-1] if lines else "it said nothing"
    return DiagnosticsError(
        [
            Diagnostic(
                EMULATOR_FAILED,
                f"the moto server did not start: {last}",
                f"`pip install 'mlops-iac[local]'` installs it; its whole output is in {log}",
            )
        ]
    )
