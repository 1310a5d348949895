"""Runs tasks that wait for each other on a bounded number of threads."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field


@dataclass(slots=True)
class Outcome:
    """How each task ended. ``skipped`` names for each task that was not tried a failed one that it waits for."""

    done: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    skipped: dict[str, str] = field(default_factory=dict)
    stopped: bool = False


def run_in_order(
    needs: Mapping[str, Collection[str]],
    work: Callable[[str], bool],
    *,
    parallel: int,
    cancelled: Callable[[], bool],
) -> Outcome:
    """Do ``work`` for every key of ``needs`` after the keys it needs; ties go in the mapping's order.

    ``work`` answers whether it succeeded; a failure skips what waits for it, and nothing else. After ``cancelled``
    says so nothing new starts and what runs is finished. An exception of ``work`` ends the run in the same way
    and is raised. Needs outside the mapping count as met.
    """
    order = {key: place for place, key in enumerate(needs)}
    missing = {key: {other for other in others if other in order} for key, others in needs.items()}
    followers: dict[str, list[str]] = {key: [] for key in order}
    for key, others in missing.items():
        for other in others:
            followers[other].append(key)
    ready = [order[key] for key, others in missing.items() if not others]
    names = list(order)
    outcome = Outcome()
    running: dict[Future[bool], str] = {}
    error: BaseException | None = None
    with ThreadPoolExecutor(max_workers=parallel) as pool:
        while ready or running:
            outcome.stopped = outcome.stopped or cancelled()
            while ready and len(running) < parallel and not outcome.stopped and error is None:
                key = names[heapq.heappop(ready)]
                running[pool.submit(work, key)] = key
            if not running:
                break
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                key = running.pop(future)
                if future.exception() is not None:
                    error = error or future.exception()
                elif future.result():
                    outcome.done.add(key)
                    for follower in followers[key]:
                        missing[follower].discard(key)
                        if not missing[follower] and follower not in outcome.skipped:
                            heapq.heappush(ready, order[follower])
                else:
                    outcome.failed.add(key)
                    _skip(key, key, followers, outcome.skipped)
    if error is not None:
        raise error
    return outcome


def _skip(key: str, cause: str, followers: Mapping[str, list[str]], skipped: dict[str, str]) -> None:
    stack = [key]
    while stack:
        for follower in followers[stack.pop()]:
            if follower not in skipped:
                skipped[follower] = cause
                stack.append(follower)
