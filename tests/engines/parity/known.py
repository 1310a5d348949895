"""Where the local engine differs from Pulumi's on purpose: every difference that is not listed here is a fault."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from .observe import Seen

UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
HANGS: Final = (
    "pulumi up --continue-on-error never ends when a delete before a replacement fails; ours names the failure"
)
BREAKS_ITS_STATE: Final = (
    "pulumi up --continue-on-error deletes what a resource behind a failed one still names, and its state is invalid"
)

KNOWN: Final[Mapping[str, Callable[[str], bool]]] = {
    "Pulumi writes its sign for the unknown into a stack output whose resource failed; ours keeps what was": (
        lambda line: line.startswith("outputs:") and UNKNOWN_TEXT in line
    ),
    "Pulumi previews an update of a provider whose new kubeconfig is unknown, which may mean another cluster": (
        lambda line: line.startswith("preview pulumi:providers:kubernetes::") and line.endswith("['update'] in Pulumi")
    ),
}
"""Reason and how such a difference reads."""


def explain(line: str) -> str | None:
    """The reason for a difference, or None where there is none."""
    return next((reason for reason, fits in KNOWN.items() if fits(line)), None)


def pulumi_hangs(mine: Seen) -> bool:
    """Whether the step must not be tried with Pulumi, see ``HANGS``."""
    created = {urn for verb, urn, _ in mine.calls if verb in ("create", "refused create")}
    return any(
        verb == "refused delete" and urn not in created and "delete-replaced" in mine.preview.get(urn, ())
        for verb, urn, _ in mine.calls
    )
