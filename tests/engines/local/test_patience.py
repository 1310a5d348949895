"""How often and how long is tried, without waiting."""

from __future__ import annotations

import pytest

from mlops_iac.engines.local.patience import FRUITLESS_SECONDS, LONGEST_SECONDS, MOST_TRIES, Patience
from mlops_iac.engines.local.provider import BusyError, OutcomeUnknownError, ProviderError, UnreachableError


class Server:
    """Answers with what it was told to, in turn, and counts."""

    def __init__(self, *answers: Exception) -> None:
        self.answers = list(answers)
        self.tries = 0

    def __call__(self) -> str:
        self.tries += 1
        if self.answers:
            raise self.answers.pop(0)
        return "done"


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def patience(waits: list[float]) -> Patience:
    return Patience(waits.append)


def test_a_refusal_for_now_is_tried_again(patience: Patience, waits: list[float]) -> None:
    server = Server(BusyError("later"), BusyError("later"))
    assert patience.call(server, repeatable=False) == "done"
    assert server.tries == 3 and len(waits) == 2


@pytest.mark.parametrize("error", [ProviderError("no"), UnreachableError("refused")])
def test_anything_else_is_final_at_the_first_try(patience: Patience, waits: list[float], error: Exception) -> None:
    server = Server(error)
    with pytest.raises(type(error)) as caught:
        patience.call(server, repeatable=True)
    assert caught.value is error and (server.tries, waits) == (1, [])
    assert "tried" not in str(error)


@pytest.mark.parametrize(("repeatable", "tries"), [(True, 2), (False, 1)])
def test_a_lost_answer_is_asked_for_again_only_where_that_is_safe(
    patience: Patience, repeatable: bool, tries: int
) -> None:
    server = Server(OutcomeUnknownError("no answer"))
    if repeatable:
        assert patience.call(server, repeatable=True) == "done"
    else:
        with pytest.raises(OutcomeUnknownError):
            patience.call(server, repeatable=False)
    assert server.tries == tries


def test_it_ends_and_says_how_often_it_tried(patience: Patience, waits: list[float]) -> None:
    server = Server(*[BusyError("slow down")] * 99)
    with pytest.raises(BusyError, match=rf"slow down \(tried {MOST_TRIES} times\)"):
        patience.call(server, repeatable=True)
    assert server.tries == MOST_TRIES
    assert sum(waits) <= LONGEST_SECONDS * (MOST_TRIES - 1)


def test_waits_grow_and_are_drawn(patience: Patience, waits: list[float]) -> None:
    for _ in range(40):
        patience.call(Server(*[BusyError("later")] * 6), repeatable=False)
    by_try = [waits[number::6] for number in range(6)]
    assert max(by_try[5]) > 1.6, "the sixth wait may take longer than the fourth"
    assert all(max(drawn) <= 0.1 * 2**number for number, drawn in enumerate(by_try))
    assert all(len(set(drawn)) > 30 for drawn in by_try), "many callers do not come back together"


def test_what_the_server_asks_for_is_waited_within_reason(patience: Patience, waits: list[float]) -> None:
    patience.call(Server(BusyError("later", after=3), BusyError("later", after=3600)), repeatable=False)
    assert waits[0] == 3 and waits[1] == LONGEST_SECONDS


def test_where_nothing_succeeds_everybody_stops_waiting(patience: Patience, waits: list[float]) -> None:
    tries = []
    for _ in range(100):
        server = Server(*[BusyError("later", after=5)] * 99)
        with pytest.raises(BusyError):
            patience.call(server, repeatable=False)
        tries.append(server.tries)
    assert sum(waits) <= FRUITLESS_SECONDS + LONGEST_SECONDS
    assert (tries[0], tries[-1]) == (MOST_TRIES, 1)
    assert patience.call(Server(), repeatable=False) == "done"
    assert patience.call(Server(BusyError("later")), repeatable=False) == "done", "one success and it is patient again"
