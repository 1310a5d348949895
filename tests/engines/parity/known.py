"""Where the local engine differs from Pulumi's on purpose: every difference that is not listed here is a fault."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from .observe import Run, Seen, differences

UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
HANGS: Final = (
    "pulumi up --continue-on-error never ends when a delete before a replacement fails; ours names the failure"
)
FAULTS: Final[Mapping[str, str]] = {
    "snapshot integrity failure": (
        "pulumi up --continue-on-error deletes what a resource behind a failed one still names: an invalid state"
    ),
    "malformed RPC secret": (
        "a Pulumi program ends where it gives a secret that is unknown because its source failed; ours goes on"
    ),
}
"""What Pulumi prints where a run of it breaks, and why; what it did then is compared with nothing."""


def _is_unknown_output(line: str, mine: Seen) -> bool:
    return line.startswith("outputs:") and UNKNOWN_TEXT in line


def _is_unknown_cluster(line: str, mine: Seen) -> bool:
    return line.startswith("preview pulumi:providers:kubernetes::") and line.endswith("['update'] in Pulumi")


def _is_sealed_early(line: str, mine: Seen) -> bool:
    found = re.fullmatch(r"state .* outputs: (\{.*\}) is (\{.*\}) in Pulumi", line)
    return found is not None and _seals_more(ast.literal_eval(found[1]), ast.literal_eval(found[2]))


def _is_registered_first(line: str, mine: Seen) -> bool:
    found = re.fullmatch(r"order (.*): \['delete', 'create'\] is \['create', 'delete'\] in Pulumi", line)
    verbs = [(verb, urn.endswith(f"::{found[1]}")) for verb, urn, _ in mine.calls] if found else []
    return ("delete", True) in verbs and verbs[verbs.index(("delete", True)) + 1 :][:1] == [("delete", False)]


KNOWN: Final[Mapping[str, Callable[[str, Seen], bool]]] = {
    "Pulumi writes its sign for the unknown into a stack output whose resource failed; ours keeps what was": (
        _is_unknown_output
    ),
    "Pulumi previews an update of a provider whose new kubeconfig is unknown, which may mean another cluster": (
        _is_unknown_cluster
    ),
    "an output that is a secret from now on is sealed at once in ours, and at its next update in Pulumi": (
        _is_sealed_early
    ),
    "what is replaced and no longer needs what is deleted before its own replacement goes first where Pulumi's program "
    "registers it first; ours has one order": _is_registered_first,
}
"""Reason and how such a difference reads, with what ours did."""


def compare(ours: Run, theirs: Run) -> Iterator[tuple[str, str | None]]:
    """How two runs of the same step differ, a line each, with the reason where it is a known difference."""
    if list(ours) != list(theirs):
        yield f"layers: {', '.join(ours) or 'none'} is {', '.join(theirs) or 'none'} in Pulumi", None
    for layer in ours:
        if layer in theirs:
            for line in differences(ours[layer], theirs[layer]):
                yield f"{layer}: {line}", explain(line, ours[layer])


def explain(line: str, mine: Seen) -> str | None:
    """The reason for a difference, or None where there is none."""
    return next((reason for reason, fits in KNOWN.items() if fits(line, mine)), None)


def fault(output: str) -> str | None:
    """Why a run of Pulumi broke, from what it printed; None where it did not."""
    return next((reason for text, reason in FAULTS.items() if text in output), None)


def _opened(value: Any) -> Any:
    """``value`` without the marks of secrets."""
    if isinstance(value, dict):
        return _opened(value["secret"]) if value.keys() == {"secret"} else {k: _opened(v) for k, v in value.items()}
    return [_opened(item) for item in value] if isinstance(value, list) else value


def _seals_more(mine: Any, other: Any) -> bool:
    """Whether the values are the same, and whatever is secret in ``other`` is so in ``mine``."""
    if isinstance(mine, dict) and mine.keys() == {"secret"}:
        return bool(_opened(mine) == _opened(other))
    if isinstance(mine, dict) and isinstance(other, dict):
        return mine.keys() == other.keys() and all(_seals_more(mine[key], other[key]) for key in mine)
    return bool(mine == other)


def pulumi_hangs(mine: Run) -> bool:
    """Whether the step must not be tried with Pulumi, see ``HANGS``."""
    return any(map(_hangs, mine.values()))


def _hangs(mine: Seen) -> bool:
    created = {urn for verb, urn, _ in mine.calls if verb in ("create", "refused create")}
    return any(
        verb == "refused delete" and urn not in created and "delete-replaced" in mine.preview.get(urn, ())
        for verb, urn, _ in mine.calls
    )
