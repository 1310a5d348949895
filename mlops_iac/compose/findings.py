"""The list that every step of the phase writes its diagnostics to."""

from __future__ import annotations

from dataclasses import dataclass, field

from mlops_iac.compose.limits import DEFAULT_LIMITS
from mlops_iac.compose.tree import Place
from mlops_iac.diagnostics import ConfigPath, Diagnostic, Location, Severity

Related = tuple[tuple[str, Location], ...]


@dataclass(slots=True)
class Findings:
    """Diagnostics in the order found; past the bound only counted, so that a bad file stays readable."""

    limit: int = DEFAULT_LIMITS.findings
    _kept: list[Diagnostic] = field(default_factory=list)
    _seen: set[Diagnostic] = field(default_factory=set)
    _dropped_errors: int = 0

    def error(
        self,
        code: str,
        message: str,
        hint: str,
        place: Place | Location | None,
        path: ConfigPath = (),
        related: Related = (),
    ) -> None:
        """Note something that stops the run."""
        self._add(code, message, hint, place, path, related, Severity.ERROR)

    def warning(
        self, code: str, message: str, hint: str, place: Place | Location, path: ConfigPath = ()
    ) -> None:
        """Note something that the user should look at."""
        self._add(code, message, hint, place, path, (), Severity.WARNING)

    @property
    def has_errors(self) -> bool:
        """Whether anything that stops the run was found."""
        return self._dropped_errors > 0 or any(d.severity is Severity.ERROR for d in self._kept)

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All that was kept, with a closing note if some was not."""
        if not self._dropped_errors:
            return tuple(self._kept)
        note = Diagnostic(
            code=self._kept[-1].code,
            message=f"{self._dropped_errors} further errors are not listed",
            hint="Correct the listed ones first.",
        )
        return (*self._kept, note)

    def _add(
        self,
        code: str,
        message: str,
        hint: str,
        place: Place | Location | None,
        path: ConfigPath,
        related: Related,
        severity: Severity,
    ) -> None:
        location = place.location() if isinstance(place, Place) else place
        found = Diagnostic(code, message, hint, location, path, severity, related)
        if found in self._seen:
            return
        if len(self._kept) < self.limit:
            self._kept.append(found)
            self._seen.add(found)
        elif severity is Severity.ERROR:
            self._dropped_errors += 1
