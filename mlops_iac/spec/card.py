"""What a component says of itself in the system card: its stage in the life of a model, facts, and where data goes.

The system card is written for people who answer for the system (EU AI Act Annex IV, model cards); see
``mlops_iac.evidence``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from mlops_iac.diagnostics import ConfigPath


class CardStage(StrEnum):
    """Stages in the life of a model, in the order in which data passes them; then who is told, costs and changes."""

    DATA = "data"
    FEATURES = "features"
    TRAINING = "training"
    REGISTRY = "registry"
    SERVING = "serving"
    MONITORING = "monitoring"
    RETRAINING = "retraining"
    ALERTING = "alerting"
    BUDGET = "budget"
    DELIVERY = "delivery"


LINEAGE: tuple[CardStage, ...] = tuple(CardStage)[:7]
"""The stages that data passes."""


@dataclass(frozen=True, slots=True)
class CardEntry:
    """One component in the card. ``facts`` are named texts in reading order.

    Data flows from the components ``receives`` names and to those that ``feeds`` names. ``starts`` and ``started_by``
    name those that it sets going and that set it going, which moves no data. ``classification`` and ``personal_data``
    are of the data that it keeps, where the declaration says so.
    """

    stage: CardStage
    facts: tuple[tuple[str, str], ...]
    classification: str = ""
    personal_data: bool = False
    receives: tuple[ConfigPath, ...] = ()
    feeds: tuple[ConfigPath, ...] = ()
    starts: tuple[ConfigPath, ...] = ()
    started_by: tuple[ConfigPath, ...] = ()


def facts(*pairs: tuple[str, object]) -> tuple[tuple[str, str], ...]:
    """Named facts as texts: one that is None or empty is left out, a list is joined, a truth value is yes or no."""
    return tuple((name, _text(value)) for name, value in pairs if value is not None and value != "" and value != [])


def paths(kind: str, names: Iterable[str | None]) -> tuple[ConfigPath, ...]:
    """The paths of components of one kind, each once, in the order of their names; None is left out."""
    return tuple((kind, name) for name in sorted({name for name in names if name is not None}))


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
