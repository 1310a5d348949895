from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

STARTER = """\
import json, os, sys
from pathlib import Path
from mlops_iac.engines.local.kubernetes import server

def die(home, etcd, api, port):
    print(json.dumps([etcd.pid, api.pid]), flush=True)
    os._exit(7)

server._remember = die
server.start(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for processes that are not its own by Linux' pidfd")
def test_servers_whose_starter_died_before_it_remembered_them_never_run(tmp_path: Path) -> None:
    folder, assets = tmp_path / "system", tmp_path / "assets"
    folder.mkdir()
    assets.mkdir()
    for name in ("etcd", "kube-apiserver"):
        script = assets / name
        script.write_text(f"#!/bin/sh\necho ran > {tmp_path}/{name}.ran\n", "utf-8")
        script.chmod(0o755)
    starter = subprocess.run([sys.executable, "-c", STARTER, str(folder), str(assets)], stdout=subprocess.PIPE)
    assert starter.returncode == 7
    for pid in json.loads(starter.stdout):
        with suppress(ProcessLookupError):
            descriptor = os.pidfd_open(pid)
            try:
                assert select.select([descriptor], [], [], 60)[0], "it still waits to be let go"
            finally:
                os.close(descriptor)
    assert not list(tmp_path.glob("*.ran"))
