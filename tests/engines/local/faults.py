"""A proxy in front of a server that refuses, breaks off and loses answers by a rule: what a busy cloud does.

The rule is a function of what is asked and how often it was asked before, so that a seed names a run, whatever the order
in which threads come.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import threading
from collections import Counter
from collections.abc import Callable
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

HOP = ("connection", "keep-alive", "transfer-encoding", "content-length", "host")


class Fault(Enum):
    """What happens to a request in place of its answer."""

    THROTTLED = "refused with the service's own code"
    TOO_MANY = "429"
    BROKEN = "500"
    OVERLOADED = "503"
    NOT_TAKEN = "the connection ends before the request took effect"
    LOST = "the connection ends after the request took effect"


Rule = Callable[[str, int], Fault | None]
"""Answers a request's name (``ec2 CreateVpc``) and its number among those of that name, from 1."""


def share(percent: int, seed: int = 0) -> Rule:
    """A fault for that share of all requests, of every kind in turn."""

    def rule(name: str, number: int) -> Fault | None:
        drawn = hashlib.sha256(f"{seed} {name} {number}".encode()).digest()
        return list(Fault)[drawn[1] % len(Fault)] if drawn[0] * 100 < percent * 256 else None

    return rule


class FaultyProxy:
    """Forwards to what ``connect`` reaches, until ``stop``.

    ``tries`` counts requests by name, ``faults`` by kind, and ``effects`` by name the requests that succeeded, whether
    or not the answer came through.
    """

    def __init__(self, connect: Callable[[], http.client.HTTPConnection], rule: Rule) -> None:
        self.rule = rule
        self.connect = connect
        self.tries: Counter[str] = Counter()
        self.faults: Counter[Fault] = Counter()
        self.effects: Counter[str] = Counter()
        self._guard = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if self.raw_requestline and self.parse_request():
                    proxy.answer(self)
                else:
                    self.close_connection = True

            def log_message(self, *arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        name = _name(request, body)
        with self._guard:
            self.tries[name] += 1
            fault = self.rule(name, self.tries[name])
            if fault is not None:
                self.faults[fault] += 1
        if fault is Fault.NOT_TAKEN:
            request.close_connection = True
            return
        if fault in (None, Fault.LOST):
            connection = self.connect()
            headers = {key: value for key, value in request.headers.items() if key.lower() not in HOP}
            connection.request(request.command, request.path, body, headers)
            answer = connection.getresponse()
            status, kept = answer.status, [(k, v) for k, v in answer.getheaders() if k.lower() not in HOP]
            body = answer.read()
            connection.close()
            if status < 300:
                with self._guard:
                    self.effects[name] += 1
            if fault is Fault.LOST:
                request.close_connection = True
                return
        else:
            status, kept, body = _refusal(request, fault)
        request.send_response_only(status)
        for key, value in kept:
            request.send_header(key, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(body)


def _service(request: BaseHTTPRequestHandler) -> str:
    scope = request.headers.get("Authorization", "").partition("Credential=")[2].split("/")
    return scope[3] if len(scope) > 3 else ""


def _name(request: BaseHTTPRequestHandler, body: bytes) -> str:
    target = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
    action = "" if target else next(iter(parse_qs(body[:200].decode("latin-1")).get("Action", ())), "")
    return f"{_service(request)} {target or action or f'{request.command} {request.path}'}".strip()


def _refusal(request: BaseHTTPRequestHandler, fault: Fault) -> tuple[int, list[tuple[str, str]], bytes]:
    service = _service(request)
    if fault is Fault.THROTTLED and service:
        return _throttling(service, request)
    status = {Fault.TOO_MANY: 429, Fault.BROKEN: 500}.get(fault, 503)
    return status, [("Content-Type", "text/plain")], b""


def _throttling(service: str, request: BaseHTTPRequestHandler) -> tuple[int, list[tuple[str, str]], bytes]:
    xml = [("Content-Type", "text/xml")]
    if service == "s3":
        return 503, xml, b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
    if request.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        code = "RequestLimitExceeded" if service == "ec2" else "Throttling"
        error = f"<Error><Code>{code}</Code><Message>Rate exceeded</Message></Error>"
        text = f"<Response><Errors>{error}</Errors></Response>" if service == "ec2" else f"<E>{error}</E>"
        return 400 if service != "ec2" else 503, xml, text.encode()
    headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", "ThrottlingException")]
    return 400, headers, json.dumps({"__type": "ThrottlingException", "message": "Rate exceeded"}).encode()
