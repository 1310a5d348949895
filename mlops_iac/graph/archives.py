"""Assets and archives in Pulumi's wire form, with the hashes that its engine gives them.

The engine tells whether code changed by these hashes alone: a state whose hashes were taken in another way would show
every function as changed. An archive's hash is that of a POSIX ustar file with its assets in name order, each with mode
600, no owner and no time.
Source: sdk/go/common/resource/archive in https://github.com/pulumi/pulumi, and
https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06 for the header.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

SIGNATURE_KEY: Final = "4dabf18193072939515e22adb298388d"
"""Key that marks a special value in Pulumi's wire and state formats (sdk/go/common/resource/sig)."""
ASSET_SIGNATURE: Final = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE_SIGNATURE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"

_BLOCK: Final = 512
_LONGEST_NAME: Final = 100


def asset(text: str) -> dict[str, Any]:
    """The wire form of a text asset."""
    return {SIGNATURE_KEY: ASSET_SIGNATURE, "hash": hashlib.sha256(text.encode()).hexdigest(), "text": text}


def archive(entries: Mapping[str, str]) -> dict[str, Any]:
    """The wire form of an archive of text assets. Raises ``ValueError`` for a name that ``_header`` cannot hold."""
    names = sorted(entries)
    packed = b"".join(_member(name, entries[name].encode()) for name in names) + bytes(2 * _BLOCK)
    return {
        SIGNATURE_KEY: ARCHIVE_SIGNATURE,
        "hash": hashlib.sha256(packed).hexdigest(),
        "assets": {name: asset(entries[name]) for name in names},
    }


def _member(name: str, content: bytes) -> bytes:
    return _header(name, len(content)) + content + bytes(-len(content) % _BLOCK)


def _header(name: str, size: int) -> bytes:
    if not name or not name.isascii() or len(name) > _LONGEST_NAME or name.endswith("/"):
        raise ValueError(f"not a file name of up to {_LONGEST_NAME} ASCII characters: {name!r}")
    owner = b"0000000\0"
    before = name.encode().ljust(100, b"\0") + b"0000600\0" + owner + owner + b"%011o\0" % size + b"%011o\0" % 0
    device = b"0000000\0"
    after = b"0" + bytes(100) + b"ustar\x0000" + bytes(64) + device + device + bytes(167)
    total = sum(before) + sum(after) + sum(b" " * 8)
    return before + b"%06o\0 " % total + after
