"""The phase itself: read, choose, merge, override, resolve."""

from __future__ import annotations

from mlops_iac.compose import codes
from mlops_iac.compose.composition import ComposeRequest, Composition
from mlops_iac.compose.findings import Findings
from mlops_iac.compose.limits import DEFAULT_LIMITS, Limits
from mlops_iac.compose.sources import SUFFIX, Library, Root, is_safe_name, package_root
from mlops_iac.compose.suggest import did_you_mean, listing
from mlops_iac.diagnostics import DiagnosticsError, Location, raise_on_errors


def compose(request: ComposeRequest, limits: Limits = DEFAULT_LIMITS) -> Composition:
    """Compose a system's configuration from its folder, the shipped groups and the overrides.

    Raises ``DiagnosticsError`` with everything that is wrong. Reads the files that the defaults lists name,
    below the system's folder and the package's, and the environment variables that the system lists;
    nothing else.
    """
    findings = Findings(limits.findings)
    library = _library(request, limits, findings)
    if library is None:
        raise DiagnosticsError(findings.diagnostics())
    # Hydra takes most of a second's tenth to import: not before it is known to be needed.
    from mlops_iac.compose.assembly import assemble

    composition = assemble(request, library, findings)
    raise_on_errors(findings.diagnostics())
    return composition


def _library(request: ComposeRequest, limits: Limits, findings: Findings) -> Library | None:
    """The folders to read from, or None if the primary configuration is not there."""
    folder = request.root
    name = request.config_name
    if not folder.is_dir():
        findings.error(
            codes.FOLDER_MISSING,
            f"the folder {folder} is not a folder" if folder.exists() else f"there is no folder {folder}",
            f"Give the folder that holds {name}{SUFFIX} with -C.",
            None,
        )
        return None
    shipped = package_root()
    user = Root(folder)
    library = Library((user, shipped) if shipped else (user,), limits)
    if not is_safe_name(name):
        findings.error(
            codes.OUTSIDE_ROOT,
            f"`{name}` is not the name of a file in the system's folder",
            "Give a plain name, without a path or an extension.",
            None,
        )
        return None
    if not any(root is user for root in library.find(name)):
        _report_no_primary(library, name, findings)
        return None
    return library


def _report_no_primary(library: Library, name: str, findings: Findings) -> None:
    files = Library(library.roots[:1], library.limits).options("")
    hint = f"Create {name}{SUFFIX}, or give the folder that holds it with -C."
    if files:
        hint = f"{did_you_mean(name, files)} The folder holds {listing(files)}. {hint}".strip()
    findings.error(
        codes.SYSTEM_FILE_MISSING,
        f"the folder has no {name}{SUFFIX}",
        hint,
        Location(f"{name}{SUFFIX}", 1, 1),
    )
