"""The list that every step of the phase writes its diagnostics to."""

from __future__ import annotations

from dataclasses import dataclass, field

from mlops_iac.compose import codes
from mlops_iac.compose.limits import DEFAULT_LIMITS
from mlops_iac.compose.tree import Place
from mlops_iac.diagnostics import ConfigPath, Diagnostic, Location, Severity

Related = tuple[tuple[str, Location], ...]


@dataclass(slots=True)
class Findings:
    """Diagnostics in the order found; past the bound errors are only counted, and warnings dropped."""

    limit: int = DEFAULT_LIMITS.findings
    _errors: dict[Diagnostic, None] = field(default_factory=dict)
    _warnings: dict[Diagnostic, None] = field(default_factory=dict)
    _further_errors: int = 0

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
        found = Diagnostic(code, message, hint, _location(place), path, Severity.ERROR, related)
        if len(self._errors) < self.limit or found in self._errors:
            self._errors[found] = None
        else:
            self._further_errors += 1

    def warning(self, code: str, message: str, hint: str, place: Place | Location, path: ConfigPath = ()) -> None:
        """Note something that the user should look at."""
        if len(self._warnings) < self.limit:
            self._warnings[Diagnostic(code, message, hint, _location(place), path, Severity.WARNING)] = None

    @property
    def is_full(self) -> bool:
        """Whether further errors are only counted, so that wording them well is not worth the time."""
        return len(self._errors) >= self.limit

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All that was kept, with a closing note if some errors were not."""
        kept = (*self._errors, *self._warnings)
        if not self._further_errors:
            return kept
        note = Diagnostic(
            code=codes.MORE_ERRORS,
            message=f"{self._further_errors} further errors are not listed",
            hint="Correct the listed ones first.",
        )
        return (*kept, note)


def _location(place: Place | Location | None) -> Location | None:
    return place.location() if isinstance(place, Place) else place
