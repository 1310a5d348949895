"""Recognises credentials in texts, and names of things that hold them.

Sources: https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from mlops_iac.policies.admission import text, texts

_CREDENTIALS: Final = (
    ("an AWS access key id", r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    ("a private key", r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    ("a GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{36,}|\bgithub_pat_[A-Za-z0-9_]{60,}"),
    ("a GitLab token", r"\bglpat-[A-Za-z0-9_-]{20,}"),
    ("a Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("a Slack webhook", r"hooks\.slack\.com/services/T[A-Z0-9]+/B[A-Z0-9]+/[A-Za-z0-9]{20,}"),
    ("a Hugging Face token", r"\bhf_[A-Za-z0-9]{30,}"),
    ("a Google API key", r"\bAIza[A-Za-z0-9_-]{35}"),
    ("an OpenAI or Anthropic key", r"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}"),
    ("a JSON web token", r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    ("a password in a URL", r"\b[a-z][a-z0-9+.-]*://[^\s/:@{}$]+:[^\s/@{}$]{3,}@[A-Za-z0-9]"),
)
_PATTERN: Final = re.compile("|".join(f"(?P<k{index}>{pattern})" for index, (_, pattern) in enumerate(_CREDENTIALS)))
_HINTS: Final = (
    *("eyJ", "AKIA", "ASIA", "-----BEGIN", "github_pat_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    *("glpat-", "xox", "hooks.slack", "hf_", "AIza", "sk-"),
)
"""Texts one of which stands in every credential but a URL; looking for them is cheaper than for the patterns."""
_KINDS: Final = (
    *("password", "passwd", "passphrase", "secret", "token", "credentials?"),
    *("api_?key", "access_?key", "private_?key"),
)
_NAME: Final = re.compile(rf"(?:^|_)(?:{'|'.join(_KINDS)})$")
_REFERENCE: Final = re.compile(r"^(?:arn:|unknown:|/|ssm:|secretsmanager:|vault:|env:|\$[({]|\{\{|https?://[^@]*$)")
_SETTINGS: Final = ("true", "false", "none", "null")


def credential_in(value: str) -> str:
    """What kind of credential stands in a text; empty where none is recognised."""
    if not suspicious(value):
        return ""
    found = _PATTERN.search(value)
    return _CREDENTIALS[int((found.lastgroup or "k0")[1:])][0] if found else ""


def suspicious(value: str) -> bool:
    """Whether a text may hold a credential: quick, and never wrong in saying no."""
    return ("://" in value and "@" in value) or any(hint in value for hint in _HINTS)


@lru_cache(maxsize=4096)
def secret_name(name: str) -> bool:
    """Whether something of that name usually holds a secret: ``DB_PASSWORD``, ``apiKey``."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[-. ]", "_", name)
    return bool(_NAME.search(words.lower()))


def reference_like(value: str) -> bool:
    """Whether a text only says where a secret is kept: an ARN, a path, a template."""
    return bool(_REFERENCE.match(value)) or value.lower() in _SETTINGS


def holds_credential(value: str) -> str:
    """The CEL condition that the text ``value`` (an expression) holds a known kind of credential."""
    return f"{value}.matches({text('|'.join(pattern for _, pattern in _CREDENTIALS))})"


def named_like_a_secret(name: str) -> str:
    """The CEL condition that something called ``name`` (an expression) usually holds a secret."""
    kinds = [kind.replace("_?", "[_. -]?") for kind in _KINDS]
    camel = "|".join(f"[a-z0-9]{kind[0].upper()}(?i:{kind[1:]})" for kind in kinds)
    return f"{name}.matches({text(f'(?:(?:^|[_. -])(?i:{chr(124).join(kinds)})|{camel})$')})"


def only_refers(value: str) -> str:
    """The CEL condition that the text ``value`` (an expression) only says where a secret is kept."""
    return f"({value}.matches({text(_REFERENCE.pattern)}) || {value}.lowerAscii() in {texts(_SETTINGS)})"
