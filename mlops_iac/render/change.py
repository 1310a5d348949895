"""What is said of one change in words, the same in a terminal, in a comment and on the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from mlops_iac.plan.model import Change, Op, Plan
from mlops_iac.render.results import name_of

_MOST_NAMES: Final = 3


def plan_counts(plan: Plan) -> tuple[tuple[Op, int, str], ...]:
    """How much an apply would do, as (operation, number, ``to update``): of resources, or of providers where it touches
    no resource (``providers to update``). Empty where nothing changes."""
    resources, providers = _counts(plan.summary(), "", ""), _counts(plan.providers(), "provider ", "providers ")
    return resources or providers


def _counts(counts: Mapping[Op, int], one: str, many: str) -> tuple[tuple[Op, int, str], ...]:
    told = ((op, number) for op, number in counts.items() if number and op is not Op.SAME)
    return tuple((op, number, f"{one if number == 1 else many}to {op}") for op, number in told)


def change_notes(change: Change) -> tuple[str, ...]:
    """What has to be known besides: it stays in the cloud, is protected, or was called otherwise."""
    notes = []
    if change.op is Op.DELETE and change.retain:
        notes.append("kept in the cloud")
    if change.op in (Op.DELETE, Op.REPLACE) and change.protect:
        notes.append("protected")
    if change.old_urn is not None:
        notes.append(f"was {name_of(change.old_urn)}")
    return tuple(notes)


def replacement(change: Change) -> str:
    """Why a resource is replaced, or may be, and which of the two comes first; nothing where it is not."""
    if change.op is Op.REPLACE:
        names = [reason for reason in change.replace_reasons if reason != "provider"]
        causes = ["its provider is replaced"] if "provider" in change.replace_reasons else []
        if names:
            causes.append(f"{_listed(names)} cannot change in place")
        if change.goes_with is not None:
            causes = [f"it cannot outlive {name_of(change.goes_with)}, which is deleted first"]
        order = "the old one goes first" if change.delete_before_replace else "the new one comes first"
        return f"replaced: {' and '.join(causes) or 'asked for'}; {order}"
    unsure = [item.path for item in change.diff if item.may_replace]
    if unsure and change.op is Op.UPDATE:
        return f"may be replaced: only the provider can tell for {_listed(unsure)}"
    return ""


def reading_order(changes: Iterable[Change]) -> list[Change]:
    """Changes with what matters of a component before what hangs on it: deletions the other way round."""
    listed = list(changes)
    gone = [change for change in listed if change.op is Op.DELETE]
    return [*(change for change in listed if change.op is not Op.DELETE), *reversed(gone)]


def _listed(names: Sequence[str]) -> str:
    shown = list(names[:_MOST_NAMES])
    if len(names) > len(shown):
        shown.append(f"{len(names) - len(shown)} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
