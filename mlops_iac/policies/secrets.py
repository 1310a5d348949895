"""The detectors of credentials for policies, and the same as conditions that a Kubernetes API server evaluates."""

from __future__ import annotations

from mlops_iac.credentials import (
    CREDENTIALS,
    KINDS,
    REFERENCE,
    SETTINGS,
    credential_in,
    reference_like,
    secret_name,
    suspicious,
)
from mlops_iac.policies.admission import text, texts

__all__ = [
    "credential_in",
    "holds_credential",
    "named_like_a_secret",
    "only_refers",
    "reference_like",
    "secret_name",
    "suspicious",
]


def holds_credential(value: str) -> str:
    """The CEL condition that the text ``value`` (an expression) holds a known kind of credential."""
    return f"{value}.matches({text('|'.join(pattern for _, pattern in CREDENTIALS))})"


def named_like_a_secret(name: str) -> str:
    """The CEL condition that something called ``name`` (an expression) usually holds a secret."""
    kinds = [kind.replace("_?", "[_. -]?") for kind in KINDS]
    camel = "|".join(f"[a-z0-9]{kind[0].upper()}(?i:{kind[1:]})" for kind in kinds)
    return f"{name}.matches({text(f'(?:(?:^|[_. -])(?i:{chr(124).join(kinds)})|{camel})$')})"


def only_refers(value: str) -> str:
    """The CEL condition that the text ``value`` (an expression) only says where a secret is kept."""
    return f"({value}.matches({text(REFERENCE.pattern)}) || {value}.lowerAscii() in {texts(SETTINGS)})"
