from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable
from typing import Any

import pytest

from mlops_iac.engines.local import moto_child
from mlops_iac.engines.local.moto_child import Environ, StartResponse, application


def signed(service: str) -> Environ:
    return {
        "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential=k/20260101/eu-west-1/{service}/aws4_request, Signature=s"
    }


def test_a_service_is_called_one_call_at_a_time() -> None:
    entered: list[str] = []

    def call(service: str) -> threading.Thread:
        thread = threading.Thread(target=lambda: list(serve(signed(service), lambda *_: lambda data: None)))
        thread.start()
        return thread

    def moto(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        entered.append("iam" if "/iam/" in environ["HTTP_AUTHORIZATION"] else "sqs")
        if len(entered) == 1:
            waiting.append(call("iam"))
            call("sqs").join()
            assert entered == ["iam", "sqs"]
        start_response("200 OK", [])
        return [b""]

    waiting: list[Any] = []
    serve = application(moto, "token")
    list(serve(signed("iam"), lambda *_: lambda data: None))
    waiting[0].join()
    assert entered == ["iam", "sqs", "iam"]


def test_a_server_that_nobody_remembers_ends_by_itself() -> None:
    pytest.importorskip("moto", reason="moto is not installed")
    ours, theirs = socket.socketpair()
    with theirs:
        command = [sys.executable, "-m", moto_child.__name__, str(theirs.fileno()), "token"]
        child = subprocess.Popen(command, pass_fds=(theirs.fileno(),))
    with ours:
        assert json.loads(ours.recv(1000))["port"]
        assert child.poll() is None
    assert child.wait() == 0
