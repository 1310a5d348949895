"""What several sections of the page share: how an operation is marked, how a sentence and a place are set."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from mlops_iac.diagnostics import Diagnostic, Location, Severity
from mlops_iac.plan.model import Op
from mlops_iac.render import diagram
from mlops_iac.render.html import Mood, badge, code
from mlops_iac.render.markup import Html, element, join

OPS: Final[Mapping[Op, tuple[str, Mood]]] = {
    Op.CREATE: ("+", "good"),
    Op.UPDATE: ("~", "warn"),
    Op.REPLACE: ("\N{PLUS-MINUS SIGN}", "replace"),
    Op.DELETE: ("\N{MINUS SIGN}", "bad"),
}
"""How a change is marked; the worst comes last."""
VALUE: Final = 360
"""Characters of an old and a new value together, beyond which the part that differs is shown."""
NOTED: Final[Mapping[Severity, str]] = {
    Severity.ERROR: "failed",
    Severity.WARNING: "warning",
    Severity.INFO: "note",
}
"""How a diagnostic is called."""
GATED: Final[Mapping[Severity, str]] = {**NOTED, Severity.ERROR: "refused", Severity.INFO: "lifted"}
"""How what a gate says is called."""
_MOODS: Final[Mapping[Severity, Mood]] = {
    Severity.ERROR: "bad",
    Severity.WARNING: "warn",
    Severity.INFO: "quiet",
}


def diagnostic_panel(item: Diagnostic, words: Mapping[Severity, str] = NOTED) -> Html:
    """What a gate refuses or a phase warns of, at its place."""
    return element(
        "li",
        element(
            "p",
            badge(words[item.severity], _MOODS[item.severity]),
            " ",
            code(item.code),
            element("span", place(item.location), class_="at"),
            class_="row",
        ),
        element("p", with_code(f"{item.message}.")),
        remedy(item.hint) if item.hint else None,
        class_="panel",
    )


def remedy(action: str) -> Html:
    """What to do about it, marked as that."""
    return element("p", element("span", "Do ", class_="do"), with_code(action), class_="quiet")


def with_code(message: str) -> Html:
    """A sentence in which what stands between backticks is set as code."""
    pieces = re.split("`([^`]+)`", message)
    return join((code(piece) if index % 2 else piece for index, piece in enumerate(pieces)), "")


def component_link(component: str) -> Html:
    """A component's name as what opens its details; without a script, a link to where the page says more of it."""
    return element("a", component, href=f"#{diagram.anchor(component)}", class_="code", data_component=component)


def place(location: Location | None) -> str:
    """Where something is declared, in short; nothing where that is not known."""
    if location is None:
        return ""
    return "override" if location.file == "override" else f"{location.file}:{location.line}"
