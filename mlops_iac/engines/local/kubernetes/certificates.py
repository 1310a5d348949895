"""The certificates of an API server and its etcd: one authority, and keys that only this user can read."""

from __future__ import annotations

import datetime
import ipaddress
import os
from pathlib import Path
from typing import Any, Final

from mlops_iac.engines.files import write_atomic

ADMINISTRATORS: Final = "system:masters"
"""The group that may do everything on an API server."""
LIFETIME: Final = datetime.timedelta(days=3650)
"""A server that runs on a laptop for years must not stop answering."""


def make_certificates(folder: Path) -> None:
    """Write ``ca.crt``, and for ``server``, ``etcd`` and ``admin`` a ``.crt`` and a ``.key``, and ``accounts.key``."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

    authority = ec.generate_private_key(ec.SECP256R1())
    subject = _name("mlops-iac-local")
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    certificate = _builder(subject, subject, authority.public_key()).add_extension(constraints, critical=True)
    signed = certificate.sign(authority, _digest())
    write_atomic(folder / "ca.crt", _pem(signed))
    for name, subject in (
        ("server", _name("kube-apiserver")),
        ("etcd", _name("etcd")),
        ("admin", _name("mlops-iac", ADMINISTRATORS)),
    ):
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = _builder(signed.subject, subject, key.public_key())
        leaf = leaf.add_extension(_local_names(), critical=False).add_extension(_usages(), critical=False)
        write_atomic(folder / f"{name}.key", _key(key))
        write_atomic(folder / f"{name}.crt", _pem(leaf.sign(authority, _digest())))
    write_atomic(folder / "accounts.key", _key(ec.generate_private_key(ec.SECP256R1())))


def _builder(issuer: Any, subject: Any, key: Any) -> Any:
    from cryptography import x509

    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(issuer, subject, key, int.from_bytes(os.urandom(16), "big"))
    return builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + LIFETIME)


def _name(common: str, organisation: str = "") -> Any:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    if organisation:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    return x509.Name(parts)


def _local_names() -> Any:
    from cryptography import x509

    return x509.SubjectAlternativeName(
        [
            x509.DNSName("localhost"),
            x509.DNSName("kubernetes.default.svc"),
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        ]
    )


def _usages() -> Any:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    return x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])


def _digest() -> Any:
    from cryptography.hazmat.primitives import hashes

    return hashes.SHA256()


def _pem(certificate: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    found: bytes = certificate.public_bytes(Encoding.PEM)
    return found


def _key(key: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    found: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return found
