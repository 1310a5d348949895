"""The only way from an environment variable into a configuration: its name in ``environment_variables``.

A pull request can change the system's files, so a variable that looks like a credential is refused even
when listed: its value would end up in plans and reports.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from mlops_iac.compose import codes
from mlops_iac.compose.findings import Findings
from mlops_iac.compose.scalars import find_control_character
from mlops_iac.compose.tree import Node

KEY = "environment_variables"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CREDENTIAL = re.compile(
    r"secret|token|passw|pwd|passphrase|credential|cookie|webhook|api_?key|access_?key|database_url|connection_string"
    r"|(^|_)(keys?|oauth|auth|dsn|certs?)($|_)",
    re.IGNORECASE,
)


def read_variables(root: Node, environment: Mapping[str, str] | None, findings: Findings) -> dict[str, str | None]:
    """The value of each environment variable that the configuration lists; None for one that is not set."""
    assert isinstance(root.value, dict)
    listed = root.value.get(KEY)
    if listed is None:
        return {}
    readable = os.environ if environment is None else environment
    variables = {name: readable.get(name) for name in _names(listed, findings)}
    for name, value in variables.items():
        if value is not None and find_control_character(value):
            findings.error(
                codes.ENVIRONMENT_VARIABLE,
                f"the value of the environment variable `{name}` is not printable text",
                "Set it to plain text.",
                listed.place,
                (KEY,),
            )
    return variables


def _names(listed: Node, findings: Findings) -> list[str]:
    if listed.value is None:
        return []
    if not isinstance(listed.value, list):
        findings.error(
            codes.ENVIRONMENT_VARIABLE,
            f"`{KEY}` is not a list",
            "Write the names of the variables: [REGION, IMAGE_TAG].",
            listed.place,
            (KEY,),
        )
        return []
    return [str(item.value) for index, item in enumerate(listed.value) if _is_allowed(item, index, findings)]


def _is_allowed(item: Node, index: int, findings: Findings) -> bool:
    if not isinstance(item.value, str) or not _NAME.fullmatch(item.value):
        findings.error(
            codes.ENVIRONMENT_VARIABLE,
            "this is not the name of an environment variable",
            "Names are letters, digits and `_`: IMAGE_TAG.",
            item.place,
            (KEY, index),
        )
        return False
    if _CREDENTIAL.search(item.value):
        findings.error(
            codes.ENVIRONMENT_VARIABLE,
            f"`{item.value}` looks like a credential, and its value would show in plans and reports",
            "Refer to the secret by its name in the secret store: `{secret: NAME}`.",
            item.place,
            (KEY, index),
        )
        return False
    return True
