"""boto3 clients for an emulator on this machine, and what their errors mean."""

from __future__ import annotations

import ipaddress
import re
import threading
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines.local.aws.shapes import plain_answer
from mlops_iac.engines.local.codes import NOT_LOOPBACK
from mlops_iac.engines.local.moto_child import FAULT_HEADER
from mlops_iac.engines.local.patience import Patience
from mlops_iac.engines.local.provider import BusyError, OutcomeUnknownError, ProviderError, UnreachableError

GONE: Final = re.compile(
    r"NotFound|NoSuch|DoesNotExist|NonExistent|^404$|ResourceNotFound|UnknownResource|Disassociated"
)
GONE_TEXT: Final = re.compile(r"(?i)could not find|does not exist|not found|cannot find|doesn't exist|no .* found")
EXISTS: Final = re.compile(
    r"AlreadyExist|AlreadyAssociated|Duplicate|InUse|EntityAlready|BucketAlready|ResourceConflict|Conflict"
)
EXISTS_TEXT: Final = re.compile(r"InstanceSessionsPerInstanceProfile")
"""How IAM says that an instance profile has its role already."""
THROTTLED: Final = re.compile(
    r"Throttl|TooManyRequests|RequestLimitExceeded|BandwidthLimitExceeded|ProvisionedThroughputExceeded|SlowDown"
    r"|PriorRequestNotComplete|TransactionInProgress"
)
"""Codes that ask to come back later; those of botocore/retries/standard.py but for quotas, which do not pass."""

_MAKING: Final = threading.Lock()


class NotEmulatedError(ProviderError):
    """The emulator has no such call, or fails in it by itself."""


class GoneError(ProviderError):
    """The resource that a call is about does not exist."""


class ExistsError(ProviderError):
    """Something with that name exists already; ``retried`` when an earlier try of the call may have made it."""

    retried = False


def require_loopback(endpoint: str) -> None:
    """Raises ``DiagnosticsError`` unless the endpoint is on this machine."""
    host = urlsplit(endpoint).hostname or ""
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    if not local:
        raise DiagnosticsError(
            [
                Diagnostic(
                    NOT_LOOPBACK,
                    f"the local target talks to this machine only, not to {endpoint}",
                    "use the `pulumi` target for anything else",
                )
            ]
        )


class Session:
    """Clients of one account and region; made once each, shared by threads."""

    def __init__(self, endpoint: str, region: str, account: str, patience: Patience | None = None) -> None:
        require_loopback(endpoint)
        self.endpoint, self.region, self.account = endpoint, region, account
        self.patience = patience or Patience()
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """The client of ``service``; dummy credentials, no proxy, no configuration files."""
        from botocore.config import Config

        with _MAKING:
            if service not in self._clients:
                config = Config(
                    # botocore's own would repeat a create whose answer was lost.
                    retries={"mode": "standard", "total_max_attempts": 1},
                    proxies={},
                    s3={"addressing_style": "path"},
                    max_pool_connections=32,
                )
                client = _library().client(service, region_name=self.region, endpoint_url=self.endpoint, config=config)
                client.meta.events.register("request-created", self._for_account)
                self._clients[service] = client
            return self._clients[service]

    def shape(self, service: str, operation: str) -> Any:
        """The input shape of an operation, in botocore's model."""
        client = self.client(service)
        return client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation]).input_shape

    def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a call that may be made twice, as plain data. Raises ``ProviderError`` or one of its kinds."""
        lost = False

        def attempt() -> dict[str, Any]:
            nonlocal lost
            try:
                return self.once(service, operation, parameters)
            except OutcomeUnknownError:
                lost = True
                raise
            except ExistsError as error:
                error.retried = lost
                raise

        return self.patience.call(attempt, repeatable=True)

    def once(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """One try of a call, for a caller that looks itself what became of a lost answer."""
        from botocore import exceptions
        from botocore.parsers import ResponseParserError

        client = self.client(service)
        try:
            answer = getattr(client, operation)(**parameters)
            if "Body" in answer:
                answer["Body"] = answer["Body"].read()
        except exceptions.ClientError as error:
            raise _translated(error, f"{service}:{operation}") from error
        except (exceptions.EndpointConnectionError, exceptions.ConnectTimeoutError) as error:
            raise UnreachableError(str(error)) from error
        except (exceptions.HTTPClientError, ResponseParserError) as error:
            raise OutcomeUnknownError(" ".join(str(error).split())) from error
        except exceptions.BotoCoreError as error:
            raise ProviderError(" ".join(str(error).split())) from error
        plain: dict[str, Any] = plain_answer(answer)
        return plain

    def _for_account(self, request: Any, **_: Any) -> None:
        request.headers["x-moto-account-id"] = self.account


@lru_cache(maxsize=1)
def _library() -> Any:
    """One boto3 session for all clients: it keeps the service models that it has read. Callers hold a lock."""
    import boto3

    return boto3.session.Session(aws_access_key_id="local", aws_secret_access_key="local")


def _translated(error: Any, call: str) -> ProviderError:
    details = error.response.get("Error", {})
    code, text = str(details.get("Code", "")), " ".join(str(details.get("Message", "")).split())
    meta = error.response.get("ResponseMetadata", {})
    status = meta.get("HTTPStatusCode")
    fault = meta.get("HTTPHeaders", {}).get(FAULT_HEADER)
    if fault is not None:
        return NotEmulatedError(f"moto itself failed in {call}: {fault}")
    if status == 501 or code in ("UnknownOperationException", "InvalidAction") or "not yet implemented" in text.lower():
        return NotEmulatedError(f"moto has no call {call}")
    message = f"{call}: {code}: {text}"
    if GONE.search(code) or (status in (400, 404) and "alidation" in code and GONE_TEXT.search(text)):
        return GoneError(message)
    if status == 429 or THROTTLED.search(code):
        return BusyError(message)
    if status in (500, 502, 503, 504):
        return OutcomeUnknownError(message)
    if EXISTS.search(code) or EXISTS_TEXT.search(text):
        return ExistsError(message)
    return ProviderError(message)
