"""Pulumi's passphrase secrets scheme: PBKDF2-SHA256 to an AES-256-GCM key, kept apart from the values by a salt.

Written so that ``pulumi stack import`` opens what this module sealed, and the other way round.
Source: https://github.com/pulumi/pulumi/blob/master/pkg/secrets/passphrase/manager.go and
sdk/go/common/resource/config/crypt.go
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.state.codes import OTHER_SECRETS_PROVIDER, WRONG_PASSPHRASE

ITERATIONS: Final = 1_000_000
KEY_BYTES: Final = 32
SALT_BYTES: Final = 8
NONCE_BYTES: Final = 12
CHECK_WORD: Final = "pulumi"
"""The text that Pulumi seals beside the salt, to tell a wrong passphrase from damaged data."""


class Crypter:
    """Seals and opens texts with the key that a passphrase and a salt give.

    The same text at the same ``place`` keeps its sealed form, so that an unchanged secret leaves the file unchanged.
    """

    def __init__(self, key: bytes, salt: str, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._key = key
        self._entropy = entropy
        self._known: dict[tuple[str, str], str] = {}
        self.salt = salt

    @property
    def provider(self) -> dict[str, Any]:
        """The checkpoint's ``secrets_providers`` entry."""
        return {"type": "passphrase", "state": {"salt": self.salt}}

    def seal(self, text: str, place: str) -> str:
        """``v1:<nonce>:<ciphertext>`` of ``text``."""
        if (place, text) not in self._known:
            self._known[place, text] = _encrypt(self._key, text, self._entropy(NONCE_BYTES))
        return self._known[place, text]

    def open(self, sealed: str, place: str) -> str:
        """The text in ``sealed``. Raises ``ValueError`` when it was not sealed with this key."""
        text = _decrypt(self._key, sealed)
        self._known[place, text] = sealed
        return text


def new_crypter(passphrase: str, entropy: Callable[[int], bytes] = os.urandom) -> Crypter:
    """A crypter with a fresh salt."""
    salt = entropy(SALT_BYTES)
    key = derive(passphrase, salt)
    check = _encrypt(key, CHECK_WORD, entropy(NONCE_BYTES))
    return Crypter(key, f"v1:{base64.b64encode(salt).decode()}:{check}", entropy)


def open_crypter(passphrase: str, provider: Mapping[str, Any], entropy: Callable[[int], bytes] = os.urandom) -> Crypter:
    """The crypter of a checkpoint's ``secrets_providers`` entry.

    Raises ``DiagnosticsError`` when the passphrase is wrong or the entry is of another kind.
    """
    if provider.get("type") != "passphrase":
        raise _failure(
            OTHER_SECRETS_PROVIDER,
            f"the state's secrets are sealed by {provider.get('type')!r}, not by a passphrase",
            "export the stack with `pulumi stack export` from a stack that uses the passphrase provider",
        )
    state = provider.get("state")
    text = state.get("salt") if isinstance(state, Mapping) else None
    version, _, rest = str(text).partition(":")
    salt, _, check = rest.partition(":")
    try:
        if version != "v1":
            raise ValueError(version)
        key = derive(passphrase, base64.b64decode(salt, validate=True))
        if _decrypt(key, check) != CHECK_WORD:
            raise ValueError(check)
    except ValueError as error:
        raise _failure(
            WRONG_PASSPHRASE,
            "the passphrase does not open the state's secrets",
            "set PULUMI_CONFIG_PASSPHRASE to the passphrase that the state was written with",
        ) from error
    return Crypter(key, str(text), entropy)


def open_with(passphrases: Iterable[str], provider: Mapping[str, Any]) -> Crypter | None:
    """The crypter of a ``secrets_providers`` entry by the first passphrase that fits; None when there is none to try.

    Raises ``DiagnosticsError`` when none of them opens it, or the entry is of another kind.
    """
    failure: DiagnosticsError | None = None
    for passphrase in passphrases:
        try:
            return open_crypter(passphrase, provider)
        except DiagnosticsError as error:
            failure = failure or error
    if failure is not None:
        raise failure
    return None


@lru_cache(maxsize=32)
def derive(passphrase: str, salt: bytes) -> bytes:
    """The AES key; a fifth of a second of work, so it is remembered for the run."""
    return hashlib.pbkdf2_hmac("sha256", passphrase.encode(), salt, ITERATIONS, KEY_BYTES)


def _encrypt(key: bytes, text: str, nonce: bytes) -> str:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    sealed = AESGCM(key).encrypt(nonce, text.encode(), None)
    return f"v1:{base64.b64encode(nonce).decode()}:{base64.b64encode(sealed).decode()}"


def _decrypt(key: bytes, sealed: str) -> str:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    version, _, rest = sealed.partition(":")
    nonce, _, body = rest.partition(":")
    if version != "v1":
        raise ValueError(f"unknown form of ciphertext {version!r}")
    try:
        return (
            AESGCM(key)
            .decrypt(base64.b64decode(nonce, validate=True), base64.b64decode(body, validate=True), None)
            .decode()
        )
    except (InvalidTag, binascii.Error) as error:
        raise ValueError("the ciphertext was not sealed with this key") from error


def _failure(code: str, message: str, hint: str) -> DiagnosticsError:
    return DiagnosticsError([Diagnostic(code, message, hint)])
