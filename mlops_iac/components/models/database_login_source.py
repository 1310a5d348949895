"""The program beside the tracking server that keeps its database password in a file.

RDS manages the password in Secrets Manager and changes it every week. This loop reads it with the pod's own
identity and writes the file that the PostgreSQL client library looks into at each new connection, so the
password is in no Kubernetes object, environment variable or state. It runs in the server's image, which has
boto3.
Source: https://www.postgresql.org/docs/current/libpq-pgpass.html
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

REFRESH_SECONDS = 300


def main() -> None:
    """Write the file again and again; a failed read keeps the last one, unless there is none yet."""
    target = Path(os.environ["LOGIN_FILE"])
    while True:
        try:
            write(target, read_login(os.environ["LOGIN_ARN"]))
        except Exception as error:
            if not target.exists():
                raise
            print(f"kept the previous login: {type(error).__name__}", flush=True)
        time.sleep(REFRESH_SECONDS)


def read_login(arn: str) -> dict[str, str]:
    """User name and password from Secrets Manager."""
    import boto3

    answer: dict[str, Any] = boto3.client("secretsmanager").get_secret_value(SecretId=arn)
    login: dict[str, str] = json.loads(answer["SecretString"])
    return login


def write(target: Path, login: dict[str, str]) -> None:
    """Replace the file in one step; others than its owner may not read it, or libpq ignores it."""
    line = ":".join(["*", "*", "*", _escape(login["username"]), _escape(login["password"])])
    draft = target.with_suffix(".new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(line + "\n")
    draft.replace(target)


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace(":", "\\:")


if __name__ == "__main__":
    main()
