"""Opens a report in Chromium and measures how long it takes until it answers."""

from __future__ import annotations

import shutil
import statistics
from pathlib import Path

_ANSWER = """() => new Promise((done) => {
  const find = document.getElementById("find");
  find.value = "bucket";
  find.dispatchEvent(new Event("input"));
  requestAnimationFrame(() => setTimeout(() => done(performance.now() / 1000), 0));
})"""
"""Types into the filter, and answers with the seconds since the page was asked for, once the result is drawn."""


def first_answer(page: Path, rounds: int = 5) -> float | None:
    """Seconds from opening ``page`` until its filter has answered; None where there is no Chromium to try it in."""
    chromium = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        return None
    if chromium is None:
        return None
    with sync_playwright() as api:
        browser = api.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        seconds = []
        for _ in range(rounds):
            tab = browser.new_page()
            tab.goto(page.as_uri(), wait_until="domcontentloaded")
            seconds.append(float(tab.evaluate(_ANSWER)))
            tab.close()
        browser.close()
    return statistics.median(seconds)
