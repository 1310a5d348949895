"""The process that serves moto; ``moto_server`` starts this module with the descriptor of a socket and a token.

moto's dictionaries take no two calls at once, so each service is called one call at a time.

Around moto's own application it answers 501 with an empty body for a call that moto does not have or in
which moto itself fails (with its exception in a header), where moto alone gives a page with status 404 or
500 that clients retry or take for an answer of AWS. To whoever asks which server this is it gives its token.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Final, cast

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

IDENTITY_PATH: Final = "/mlops-iac/identity"
NO_BACKEND: Final = "'NoneType' object has no attribute 'replace'"
"""How moto 5.2 fails when it has nothing for a whole service."""
REMEMBERED: Final = b"remembered"
"""What ``moto_server`` answers once it has written down where the server is."""
FAULT_HEADER: Final = "x-mlops-iac-moto-fault"
"""Response header with the exception that moto itself raised."""


def application(moto: Application, token: str) -> Application:
    """``moto`` with our identity and honest answers for what it lacks."""
    one_at_a_time: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def serve(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") == IDENTITY_PATH:
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [token.encode()]
        answer: list[Any] = []

        def remember(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
            answer[:] = [status, headers]
            return lambda data: None

        try:
            with one_at_a_time[_service(environ)]:
                body = b"".join(moto(environ, remember))
        except NotImplementedError:
            start_response("501 Not Implemented", [("Content-Length", "0")])
            return [b""]
        except Exception as error:
            text = f"{type(error).__name__}: {error}".encode("ascii", "replace").decode().replace("\n", " ")
            headers = [("Content-Length", "0")]
            if NO_BACKEND not in text:
                headers.append((FAULT_HEADER, text[:500]))
            start_response("501 Not Implemented", headers)
            return [b""]
        status, headers = answer
        if status.startswith("404") and body.startswith(b"<!doctype html>"):
            start_response("501 Not Implemented", [("Content-Length", "0")])
            return [b""]
        start_response(status, headers)
        return [body]

    return serve


def _service(environ: Environ) -> str:
    """The service that a signed request is for, by the scope of its signature; nothing for any other."""
    found = re.search(r"Credential=[^/,]+/[0-9]+/[^/,]+/([^/,]+)/aws4_request", environ.get("HTTP_AUTHORIZATION", ""))
    return found[1] if found else ""


def judge_policies_as_aws_does() -> None:
    """Teach moto two things about bucket policies that AWS knows.

    moto takes a statement as if its conditions always held, so a rule that denies plain HTTP would deny everything;
    here a conditional statement is left out, since nothing that it guards against happens on loopback. And moto wants
    the log delivery statement to name the very prefix of each logging configuration, where AWS takes any policy that
    covers it.
    """
    from moto.iam.access_control import IAMPolicy, PermissionResult
    from moto.s3.models import FakeBucket

    def statements(bucket: Any) -> list[dict[str, Any]]:
        return json.loads(bucket.policy)["Statement"] if bucket.policy else []

    def get_permission(bucket: Any, action: str, resource: str) -> Any:
        plain = [statement for statement in statements(bucket) if "Condition" not in statement]
        if not plain:
            return PermissionResult.NEUTRAL
        document = json.dumps({"Version": "2012-10-17", "Statement": plain})
        return IAMPolicy(document).is_action_permitted(action, resource)

    def may_deliver_logs(target_bucket: Any, target_prefix: str | None) -> bool:
        return any(
            statement.get("Effect") == "Allow" and statement.get("Principal") == {"Service": "logging.s3.amazonaws.com"}
            for statement in statements(target_bucket)
        )

    FakeBucket.get_permission = get_permission  # type: ignore[assignment, method-assign]
    FakeBucket._log_permissions_enabled_policy = staticmethod(may_deliver_logs)  # type: ignore[method-assign]


def main() -> None:
    """Tell a free loopback port through the given socket, and serve on it once somebody has written it down."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    descriptor, token = int(sys.argv[1]), sys.argv[2]
    judge_policies_as_aws_does()

    def create(service: str) -> Any:
        app = create_backend_app(cast("Any", service))
        app.config["PROPAGATE_EXCEPTIONS"] = True
        return app

    moto = DomainDispatcherApplication(create)
    server = make_server("127.0.0.1", 0, application(moto, token), threaded=True)
    with socket.socket(fileno=descriptor) as starter:
        starter.sendall(json.dumps({"port": server.server_port}).encode())
        if starter.recv(len(REMEMBERED)) != REMEMBERED:
            return
    server.serve_forever()


if __name__ == "__main__":
    main()
