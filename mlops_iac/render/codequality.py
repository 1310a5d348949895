"""Renders a SARIF log as GitLab's code quality report, which a merge request shows at the lines of its change.

Source: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

_SEVERITIES: Final = {"error": "critical", "warning": "minor"}


def code_quality(log: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a SARIF log of ours finds, where it has a line and nobody waived it: GitLab shows nothing without a line."""
    return [issue for run in log["runs"] for result in run["results"] for issue in _issue(result)]


def _issue(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    severity = _SEVERITIES.get(result["level"])
    place = next((each["physicalLocation"] for each in result["locations"] if "physicalLocation" in each), None)
    if severity is None or place is None or result.get("suppressions"):
        return
    path = unquote(place["artifactLocation"]["uri"])
    same = (path, *sorted(result["partialFingerprints"].values()))
    yield {
        "description": result["message"]["text"],
        "check_name": result["ruleId"],
        "fingerprint": hashlib.sha256("\n".join(same).encode()).hexdigest(),
        "severity": severity,
        "location": {"path": path, "lines": {"begin": place["region"]["startLine"]}},
    }
