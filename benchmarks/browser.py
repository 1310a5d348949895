"""Opens a report in Chromium and measures how long it takes until it answers."""

from __future__ import annotations

import shutil
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ANSWER = """() => new Promise((done) => {
  const find = document.getElementById("find");
  find.value = "bucket";
  find.dispatchEvent(new Event("input"));
  requestAnimationFrame(() => setTimeout(() => done(performance.now() / 1000), 0));
})"""
"""Types into the filter, and answers with the seconds since the page was asked for, once the result is drawn."""


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """Seconds from opening a page until its filter has answered; ``cpu`` are those of the process that draws it."""

    wall: float
    cpu: float


def first_answer(page: Path, rounds: int = 5) -> FirstAnswer | None:
    """The medians of opening ``page``; None where there is no Chromium to try it in."""
    chromium = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        return None
    if chromium is None:
        return None
    with sync_playwright() as api:
        browser = api.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        session = browser.new_browser_cdp_session()
        taken = []
        for _ in range(rounds):
            # A context of its own is a process of its own: its clock begins with the page.
            context = browser.new_context()
            tab = context.new_page()
            before = _renderers(session)
            tab.goto(page.as_uri(), wait_until="domcontentloaded")
            wall = float(tab.evaluate(_ANSWER))
            after = _renderers(session)
            taken.append(FirstAnswer(wall, sum(cpu - before.get(id, 0.0) for id, cpu in after.items())))
            context.close()
        browser.close()
    return FirstAnswer(statistics.median(each.wall for each in taken), statistics.median(each.cpu for each in taken))


def _renderers(session: Any) -> dict[int, float]:
    """Seconds of processor time of each process that draws pages."""
    listed = session.send("SystemInfo.getProcessInfo")["processInfo"]
    return {each["id"]: float(each["cpuTime"]) for each in listed if each["type"] == "renderer"}
