"""Logs in to the API server of a kubeconfig context.

Source: https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
"""

from __future__ import annotations

import base64
import os
import ssl
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines.local.aws.session import require_loopback
from mlops_iac.engines.local.codes import CLUSTER_UNREACHABLE
from mlops_iac.engines.local.kubernetes.client import Cluster


@dataclass(frozen=True, slots=True)
class _Entry:
    """A named entry of a kubeconfig file; relative paths in it start at ``folder``."""

    content: Mapping[str, Any]
    folder: Path


def kubeconfig_files(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """The files that kubectl reads: those that ``KUBECONFIG`` lists, else the one in the home folder."""
    listed = [Path(item) for item in environ.get("KUBECONFIG", "").split(os.pathsep) if item]
    return tuple(listed) or (Path.home() / ".kube" / "config",)


def cluster_of(context: str, files: Sequence[Path], *, own: bool = False) -> Cluster:
    """The API server of a context. Raises ``DiagnosticsError``: there is none, or it is not on this machine."""
    entries = _entries(files)
    found = entries["contexts"].get(context)
    if found is None:
        known = ", ".join(sorted(entries["contexts"])) or "none"
        raise _problem(
            f"{_listed(files)} has no context {context!r}", f"name one that exists (there is: {known}), or none"
        )
    cluster = entries["clusters"].get(str(found.content.get("cluster")))
    user = entries["users"].get(str(found.content.get("user")), _Entry({}, Path()))
    if cluster is None or not cluster.content.get("server"):
        raise _problem(f"context {context!r} names no cluster with a server", f"correct it in {_listed(files)}")
    server = str(cluster.content["server"])
    require_loopback(server)
    foreign = sorted({"exec", "auth-provider", "username"} & set(user.content))
    if foreign:
        raise _problem(
            f"context {context!r} logs in by {foreign[0]}",
            "the local target logs in by client certificate or token, as kind, k3d and minikube set it up",
        )
    try:
        headers = {"Authorization": f"Bearer {token}"} if (token := _token(user)) else {}
        return Cluster(server, _tls(cluster, user) if server.startswith("https") else None, headers, own)
    except (OSError, ValueError) as error:
        raise _problem(f"cannot log in to context {context!r}: {error}", f"correct it in {_listed(files)}") from error


def _entries(files: Sequence[Path]) -> dict[str, dict[str, _Entry]]:
    """Contexts, clusters and users by name; the first file that has a name decides."""
    sections = {"contexts": "context", "clusters": "cluster", "users": "user"}
    entries: dict[str, dict[str, _Entry]] = {section: {} for section in sections}
    for file in files:
        try:
            content = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
            for section, member in sections.items():
                for item in content.get(section) or ():
                    entries[section].setdefault(str(item["name"]), _Entry(item.get(member) or {}, file.parent))
        except FileNotFoundError:
            continue
        except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
            raise _problem(f"{file} is no kubeconfig file: {error}", "correct it, or set KUBECONFIG") from error
    return entries


def _token(user: _Entry) -> str:
    if user.content.get("tokenFile"):
        return (user.folder / str(user.content["tokenFile"])).read_text(encoding="utf-8").strip()
    return str(user.content.get("token") or "")


def _tls(cluster: _Entry, user: _Entry) -> ssl.SSLContext:
    authority = _material(cluster, "certificate-authority")
    context = ssl.create_default_context(cadata=authority.decode() if authority else None)
    if cluster.content.get("insecure-skip-tls-verify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    certificate, key = _material(user, "client-certificate"), _material(user, "client-key")
    if certificate and key:
        # OpenSSL reads client certificates from files only.
        with tempfile.TemporaryDirectory(prefix="mlops-iac-") as folder:
            path = Path(folder) / "client.pem"
            path.touch(mode=0o600)
            path.write_bytes(certificate + b"\n" + key)
            context.load_cert_chain(path)
    return context


def _material(entry: _Entry, name: str) -> bytes | None:
    if entry.content.get(f"{name}-data"):
        return base64.b64decode(entry.content[f"{name}-data"])
    if entry.content.get(name):
        return (entry.folder / str(entry.content[name])).read_bytes()
    return None


def _listed(files: Sequence[Path]) -> str:
    return ", ".join(map(str, files))


def _problem(message: str, hint: str) -> DiagnosticsError:
    return DiagnosticsError([Diagnostic(CLUSTER_UNREACHABLE, message, hint)])
