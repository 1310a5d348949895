"""Deletes what a stack does not declare any more and the old copies of what was replaced, users first."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from mlops_iac.engines.events import EventKind
from mlops_iac.engines.local.calls import Calls, calls_a_provider
from mlops_iac.engines.local.failures import Failed
from mlops_iac.engines.local.progress import Progress
from mlops_iac.engines.local.provider import RECORDED
from mlops_iac.engines.local.settings import Settings
from mlops_iac.engines.schedule import run_in_order
from mlops_iac.plan.model import Op
from mlops_iac.state.edits import needed_urns
from mlops_iac.state.snapshot import ResourceState


def delete_unwanted(
    before: tuple[ResourceState, ...],
    resources: tuple[ResourceState, ...],
    undeclared: Collection[str],
    calls: Calls,
    progress: Progress,
    settings: Settings,
) -> bool:
    """Delete the ``undeclared`` URNs and every old copy; answers whether the run was stopped.

    ``resources`` is the state in dependency order, ``before`` what it was when the run began. What failed or was
    skipped may still use something, by itself or through what was replaced meanwhile: that stays.
    """
    wanted = {_label(item): item for item in reversed(resources) if item.delete or item.urn in undeclared}
    held = _held((*before, *resources), progress.late)
    blocked = {label for label, item in wanted.items() if item.urn in held}
    for label in blocked:
        progress.skip(wanted[label].urn, Op.DELETE, "something that was not brought up to date may still use it")
    users = _users(wanted)
    outcome = run_in_order(
        {label: needed for label, needed in users.items() if label not in blocked},
        lambda label: _step(wanted[label], calls, progress),
        parallel=settings.parallel,
        cancelled=settings.cancelled,
    )
    for label, cause in outcome.skipped.items():
        reason = f"{wanted[cause].urn.rpartition('::')[2]}, which uses it, could not be deleted"
        progress.skip(wanted[label].urn, Op.DELETE, reason)
    return outcome.stopped


def _users(wanted: dict[str, ResourceState]) -> dict[str, set[str]]:
    """For each label the labels of what uses it, which has to be deleted first."""
    by_urn: dict[str, list[str]] = {}
    for label, item in wanted.items():
        by_urn.setdefault(item.urn, []).append(label)
    users: dict[str, set[str]] = {label: set() for label in wanted}
    for label, item in wanted.items():
        for urn in needed_urns(item):
            for other in by_urn.get(urn, ()):
                users[other].add(label)
    return users


def _held(resources: Iterable[ResourceState], late: Collection[str]) -> set[str]:
    """URNs that resources which failed or were skipped may still use, through any number of others."""
    held: set[str] = set()
    for item in reversed(tuple(resources)):
        if item.urn in late or item.urn in held:
            held |= needed_urns(item)
    return held


def _step(state: ResourceState, calls: Calls, progress: Progress) -> bool:
    started = progress.start()
    silent = not calls_a_provider(state)
    if not silent:
        progress.emit(EventKind.STARTED, Op.DELETE, state.urn)
    try:
        calls.remove(state)
    except Failed as failed:
        progress.fail(Op.DELETE, state.urn, started, failed.diagnostic)
        return False
    if state.delete:
        progress.advance(Op.REPLACE, state.urn, started, "the replaced copy is deleted")
    elif not silent:
        recorded = "it was only recorded" if (state.id or "").startswith(RECORDED) else None
        progress.finish(Op.DELETE, state.urn, started, recorded)
    return True


def _label(state: ResourceState) -> str:
    return f"{state.urn} {state.id if state.delete else ''}"
