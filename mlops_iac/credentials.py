"""Recognises credentials in texts, and names of things that hold them; and hides them in what is printed.

Sources: https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

CREDENTIALS: Final = (
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
_PATTERN: Final = re.compile("|".join(f"(?:{pattern})" for _, pattern in CREDENTIALS))
_HINTS: Final[Mapping[str, tuple[str, ...]]] = {
    "an AWS access key id": ("AKIA", "ASIA"),
    "a private key": ("-----BEGIN",),
    "a GitHub token": ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    "a GitLab token": ("glpat-",),
    "a Slack token": ("xox",),
    "a Slack webhook": ("hooks.slack",),
    "a Hugging Face token": ("hf_",),
    "a Google API key": ("AIza",),
    "an OpenAI or Anthropic key": ("sk-",),
    "a JSON web token": ("eyJ",),
    "a password in a URL": (),
}
"""Texts one of which stands in every credential of a kind; looking for them is cheaper than for the patterns."""
_EVERY_HINT: Final = tuple(hint for hints in _HINTS.values() for hint in hints)
_EACH: Final = tuple((kind, re.compile(pattern), _HINTS[kind]) for kind, pattern in CREDENTIALS)
KINDS: Final = (
    *("password", "passwd", "passphrase", "secret", "token", "credentials?"),
    *("api_?key", "access_?key", "private_?key"),
)
_NAME: Final = re.compile(rf"(?:^|_)(?:{'|'.join(KINDS)})$")
REFERENCE: Final = re.compile(r"^(?:arn:|unknown:|/|ssm:|secretsmanager:|vault:|env:|\$[({]|\{\{|https?://[^@]*$)")
SETTINGS: Final = ("true", "false", "none", "null")


def credential_in(value: str) -> str:
    """What kind of credential stands in a text; empty where none is recognised."""
    if not suspicious(value):
        return ""
    # One after the other: a pattern that begins with fixed letters is found fast, a choice of patterns is not.
    return next((kind for kind, pattern, hints in _EACH if _hinted(value, hints) and pattern.search(value)), "")


def suspicious(value: str) -> bool:
    """Whether a text may hold a credential: quick, and never wrong in saying no."""
    return _hinted(value, ()) or any(hint in value for hint in _EVERY_HINT)


def _hinted(value: str, hints: tuple[str, ...]) -> bool:
    """Whether one of the hints stands in a text; the signs of a URL with a user where there are none."""
    return any(hint in value for hint in hints) if hints else "://" in value and "@" in value


@lru_cache(maxsize=4096)
def secret_name(name: str) -> bool:
    """Whether something of that name usually holds a secret: ``DB_PASSWORD``, ``apiKey``."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[-. ]", "_", name)
    return bool(_NAME.search(words.lower()))


def reference_like(value: str) -> bool:
    """Whether a text only says where a secret is kept: an ARN, a path, a template."""
    return bool(REFERENCE.match(value)) or value.lower() in SETTINGS


def looks_random(value: str) -> bool:
    """Whether a text without spaces is one that a machine drew: a key or token of no known kind.

    Long, of upper-case, lower-case letters and digits, and with nearly as much information as such a text can have.
    Hashes, ids and names do not count: they have one case, or read like words.
    """
    if not LEAST_RANDOM <= len(value) <= _MOST_RANDOM or not _KEY.fullmatch(value):
        return False
    if not all(re.search(kind, value) for kind in ("[a-z]", "[A-Z]", "[0-9]")):
        return False
    if sum(map(len, _WORD.findall(value))) > len(value) * _MOSTLY:
        return False
    counts = Counter(value)
    entropy = -sum(count / len(value) * math.log2(count / len(value)) for count in counts.values())
    return entropy >= min(math.log2(len(value)) * _NEARLY, _ENOUGH)


LEAST_RANDOM: Final = 24
"""Characters that a text must have to look random."""
_MOST_RANDOM: Final = 512
_MOSTLY: Final = 0.4
"""Share of words in a text from which on it is a name."""
_NEARLY: Final = 0.84
_ENOUGH: Final = 4.2
"""Bits a character; 32 characters that were drawn from 62 have some 4.5, words of that length some 3.8."""
_KEY: Final = re.compile(r"[A-Za-z0-9+/_=-]+")
_WORD: Final = re.compile(r"[a-z]{5,}|[A-Z]{5,}")
_ASSIGNED: Final = re.compile(r"""(?P<name>[A-Za-z][\w.-]*)["']?\s*[:=]\s*["']?(?P<value>[^\s,{}\[\]"'#]{6,})""")
_TOKEN: Final = re.compile(r"[A-Za-z0-9+/_=-]{24,}")


def masked(line: str) -> str:
    """A line of source in which every credential is stars, as many as it has characters.

    Known kinds, texts that look random, and what is assigned to a name that usually holds a secret.
    """
    spans = [match.span() for match in _PATTERN.finditer(line)]
    spans += [match.span() for match in _TOKEN.finditer(line) if looks_random(match.group())]
    spans += [
        match.span("value")
        for match in _ASSIGNED.finditer(line)
        if secret_name(match["name"]) and not reference_like(match["value"])
    ]
    for start, end in spans:
        line = line[:start] + "*" * (end - start) + line[end:]
    return line
