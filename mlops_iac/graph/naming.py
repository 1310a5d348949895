"""The only place where names are made: logical names, cloud names, tags and stack outputs.

Every name derives from the system, the environment and the component, so that it never changes by itself.
A name that would be too long keeps a readable head and ends in a hash of the whole, so two long names
never meet.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

HASH_LENGTH = 8
STACKS: Final = "stacks"
"""Folder of the Pulumi projects below the system's, one a layer, unless another is named."""


def logical(component: str, suffix: str) -> str:
    """Logical name of a child: component and suffix with a dot, which neither may contain."""
    return f"{component}.{suffix}" if suffix else component


def output(kind: str, name: str | None, field: str) -> str:
    """Name of a stack output: ``buckets.raw.arn``, or ``network.vpc_id`` for a single section."""
    return ".".join(part for part in (kind, name, field) if part)


def project(system: str, layer: str) -> str:
    """Name of the Pulumi project of one layer."""
    return f"{system}-{layer}"


def shorten(text: str, limit: int) -> str:
    """``text`` if it fits in ``limit`` characters, else its head and a hash of all of it."""
    if len(text) <= limit:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:HASH_LENGTH]
    return f"{text[: limit - HASH_LENGTH - 1].rstrip('-_.')}-{digest}"


def content_hash(text: str) -> str:
    """Eight hexadecimal digits that change when ``text`` does; for names that must follow their content."""
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_LENGTH]


@dataclass(frozen=True, slots=True)
class Namer:
    """Cloud names of one system in one environment.

    ``account`` and ``region`` make globally unique names (S3) differ between accounts and regions.
    """

    system: str
    environment: str
    account: str
    region: str

    @property
    def prefix(self) -> str:
        """What every cloud name starts with."""
        return f"{self.system}-{self.environment}"

    def cloud(self, *parts: str, limit: int = 63) -> str:
        """A name unique in the account and region, of letters, digits and hyphens."""
        return shorten("-".join((self.prefix, *(part for part in parts if part))), limit)

    def unique(self, *parts: str, limit: int = 63) -> str:
        """A name unique in the world: the account id is part of it."""
        tail = f"-{self.account}"
        return shorten(self.cloud(*parts, limit=1000), limit - len(tail)) + tail

    def path(self, *parts: str) -> str:
        """A slash-separated name, as log groups and repositories use: ``fraud/dev/api``."""
        return "/".join((self.system, self.environment, *parts))

    def identifier(self, *parts: str, limit: int = 63) -> str:
        """A name of lower-case letters, digits and underscores, as databases and Glue want."""
        return re.sub(r"[^a-z0-9_]", "_", self.cloud(*parts, limit=limit))
