"""The pages in a real browser: they ask the network for nothing, work by keyboard, and can be read by everybody.

Needs Chromium: Debian's package, or what CHROMIUM names. Source of the rules for readers: https://www.w3.org/TR/WCAG22/
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlops_iac.cli.reporting import drift_forms, report_forms
from mlops_iac.compose.composition import Origin
from mlops_iac.diagnostics import Diagnostic, Location
from mlops_iac.explanation import Explanation, Made, Setting
from mlops_iac.graph.nodes import Graph, Layer, Node, Options, Stack
from mlops_iac.graph.values import NodeKey
from mlops_iac.pipeline import request_at, run_phases
from mlops_iac.plan.drift import drift_plan
from mlops_iac.render import diagram
from mlops_iac.render.report.model import Report
from mlops_iac.render.report.page import report_page
from mlops_iac.render.visible import visible
from mlops_iac.spec.system import Waiver
from tests.plan.drifts import BY_HAND, compiled_example, judge, observe
from tests.plan.edits import EDITS, EXAMPLE, TODAY, Edit, run_edit
from tests.render.test_markdown import INJECTIONS, hostile_findings, hostile_plan

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
playwright = pytest.importorskip("playwright.sync_api", reason="the Python package playwright is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as api:
        started = api.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages that are tried, as files: reports of edits, of nothing, of a new system, of a drift; a drawing."""
    folder = tmp_path_factory.mktemp("pages")
    made: dict[str, str] = {}
    for name in ("add-a-feature", "delete-a-bucket", "loosen-a-policy"):
        made[name] = report_forms(run_edit(EDITS[name], folder / f"system-{name}"), EXAMPLE)["report.html"]
    made["unchanged"] = report_forms(run_edit(Edit(), folder / "system-unchanged"), EXAMPLE)["report.html"]
    new = run_phases(request_at(EXAMPLE, today=TODAY))
    assert new.graph is not None
    made["new"] = report_forms(new, EXAMPLE)["report.html"]
    drifted = compiled_example()
    assert drifted.graph is not None
    plan, findings = drift_plan(observe(drifted, BY_HAND), drifted.graph), judge(drifted, BY_HAND)
    unread = Diagnostic("MI7001", "trail: access denied", "let the role read it")
    made["drift"] = drift_forms(drifted, plan, findings, (unread,), EXAMPLE)["report.html"]
    made["drawing"] = diagram.page(diagram.diagram_of(new.graph))
    for name, html in made.items():
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in made}


class Opened:
    """A page in the browser, and everything that went wrong or out of it."""

    def __init__(self, page: Any, file: Path) -> None:
        self.page = page
        self.told: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.told.append(message.text))
        page.on("pageerror", lambda error: self.told.append(str(error)))
        page.on("dialog", lambda dialog: self.told.append(f"dialog {dialog.message}"))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(file.as_uri())

    @property
    def focus(self) -> str:
        """What has the focus: its id, or the text and class of it."""
        found: str = self.page.evaluate(
            "() => { const e = document.activeElement; return e.id || e.dataset.id || e.textContent.trim() }"
        )
        return found


@pytest.fixture
def visit(browser: Any) -> Iterator[Any]:
    contexts: list[Any] = []

    def opened(file: Path, *, width: int = 1280, **context: Any) -> Opened:
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, **context))
        return Opened(contexts[-1].new_page(), file)

    yield opened
    for context in contexts:
        context.close()


NAMES = ("add-a-feature", "delete-a-bucket", "loosen-a-policy", "unchanged", "new", "drift", "drawing")


@pytest.mark.parametrize("name", NAMES)
def test_a_page_asks_for_nothing_and_complains_of_nothing(name: str, pages: dict[str, Path], visit: Any) -> None:
    seen = visit(pages[name])

    assert seen.asked == [pages[name].as_uri()]
    assert seen.told == []


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1280)])
@pytest.mark.parametrize("name", NAMES)
def test_everybody_can_read_it(name: str, width: int, scheme: str, pages: dict[str, Path], visit: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    seen = visit(pages[name], width=width, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce")

    found = axe.run(seen.page, options={"runOnly": TAGS})

    assert found.response["violations"] == [], found.generate_report()
    assert seen.page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_the_details(scheme: str, pages: dict[str, Path], visit: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    seen = visit(pages["new"], color_scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    for opener in ("[data-component='endpoints.fraud-api']", "#detail button.link >> text=fraud-api.endpoint"):
        seen.page.locator(opener).first.click()

        found = axe.run(seen.page, context="#detail", options={"runOnly": TAGS})

        assert found.response["violations"] == [], found.generate_report()


def test_the_details_say_where_a_value_comes_from_who_judged_it_and_what_it_costs(
    pages: dict[str, Path], visit: Any
) -> None:
    page = visit(pages["new"]).page
    page.locator(".diagram [data-id='endpoints.fraud-api']").click()
    detail = page.locator("#detail")

    assert detail.locator("h2").inner_text() == "endpoints.fraud-api"
    row = detail.locator("tr", has_text="instance_type")
    assert row.locator("td").all_inner_texts() == ["instance_type", '"ml.c6i.xlarge"', "system.yaml:88"]
    detail.locator("button", has_text="fraud-api.endpoint").click()
    text = detail.inner_text()
    assert "319.63 to 3,195.71 USD a month" in text
    assert "gov-required-tags" in text
    assert "passes" in text


def test_a_price_that_is_not_known_is_never_zero(pages: dict[str, Path], visit: Any) -> None:
    page = visit(pages["new"]).page
    page.locator(".diagram [data-id='feature_stores.transactions']").click()

    assert "not known" in page.locator("#detail").inner_text()


def test_the_changes_can_be_filtered(pages: dict[str, Path], visit: Any) -> None:
    page = visit(pages["add-a-feature"]).page
    assert page.locator("#found").inner_text() == "4 of 4"

    page.locator("#find").fill("metricalarm device")
    assert page.locator(".change:visible .what").all_inner_texts() == ["fraud-drift.alarm-device"]
    page.locator("[data-op=create]").first.click()
    assert page.locator("#found").inner_text() == "0 of 4"
    assert page.locator("#nothing").is_visible()
    page.locator("#find").fill("")
    assert page.locator("#found").inner_text() == "3 of 4"
    assert page.locator(".layer:visible h3").all_inner_texts() == ["data", "models", "operations"]


def test_what_comes_or_goes_opens_its_details_at_once(pages: dict[str, Path], visit: Any) -> None:
    page = visit(pages["delete-a-bucket"]).page
    row = page.locator("button.change").first

    assert row.evaluate("(e) => e.textContent") == "delete models.bucket aws:s3:Bucket protected"
    row.focus()
    page.keyboard.press("Enter")
    assert page.locator("#detail-title").inner_text() == "models.bucket"
    assert "Inputs it had" in page.locator("#detail").inner_text()
    assert "Policies that judged it" not in page.locator("#detail").inner_text()


def test_a_drift_says_what_is_gone_and_what_differs(pages: dict[str, Path], visit: Any) -> None:
    page = visit(pages["drift"]).page
    assert page.locator("#found").inner_text() == "5 of 5"
    page.locator("[data-op=update]").first.click()
    assert page.locator(".change:visible .what").all_inner_texts() == ["models.access-log"]
    page.locator("button.change:visible").click()
    assert page.locator("#detail .badge").first.inner_text() == "is gone"


def test_by_keyboard_alone(pages: dict[str, Path], visit: Any) -> None:
    seen = visit(pages["add-a-feature"])
    page = seen.page
    page.locator("[data-zoom=fit]").focus()
    page.keyboard.press("Tab")
    assert seen.focus == "keys"
    page.keyboard.press("ArrowDown")
    assert seen.focus == "alerts.governance"
    page.keyboard.press("ArrowRight")
    assert seen.focus.startswith(("buckets.", "catalog.", "feature_stores."))
    box = seen.focus
    page.keyboard.press("Enter")
    assert page.locator("#detail-title").inner_text() == box
    page.keyboard.press("Escape")
    assert not page.locator("#detail").is_visible()
    assert seen.focus == box
    page.keyboard.press("Tab")
    assert "data-id" not in page.evaluate("() => document.activeElement.outerHTML.slice(0, 60)")


def test_zoom_moves_the_picture_and_fit_brings_it_back(pages: dict[str, Path], visit: Any) -> None:
    page = visit(pages["drawing"]).page

    def width() -> float:
        found: float = page.locator(".diagram svg").evaluate("(e) => e.getBoundingClientRect().width")
        return found

    before = width()
    page.locator("[data-zoom=in]").click()
    assert width() > before
    page.locator("[data-zoom=fit]").click()
    view: float = page.locator(".diagram .view").evaluate("(e) => e.clientWidth")
    assert width() == pytest.approx(view, abs=2)


def test_without_a_script_everything_can_still_be_read(pages: dict[str, Path], visit: Any) -> None:
    page = visit(pages["add-a-feature"], java_script_enabled=False).page

    assert not page.locator("#changes form").is_visible()
    assert page.locator(".diff >> text=featureDefinitions").is_visible()
    href = page.locator(".diagram [data-id='buckets.raw']").get_attribute("href")
    assert page.locator(f"[id='{href[1:]}']").count() == 1


@pytest.mark.parametrize("name", ["add-a-feature", "drawing"])
def test_on_paper_nothing_is_cut_off(name: str, pages: dict[str, Path], visit: Any) -> None:
    page = visit(pages[name], width=800).page
    page.locator("[data-zoom=in]").click()
    page.emulate_media(media="print")

    assert not page.locator("[data-zoom=in]").is_visible()
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")


def test_nothing_moves_for_those_who_do_not_want_it(pages: dict[str, Path], visit: Any) -> None:
    for motion, expected in (("reduce", "none"), ("no-preference", "slide")):
        page = visit(pages["new"], reduced_motion=motion).page
        page.locator(".group [data-component='buckets.raw']").click()
        assert page.locator("#detail").evaluate("(e) => getComputedStyle(e).animationName") == expected


def hostile_graph(text: str) -> Graph:
    """A graph of one component that is called so."""
    group, bucket = (NodeKey("data", type, text) for type in ("mlops:data:Bucket", f"aws:s3/bucket:{text}"))
    place = Location(text, 1, 1)
    nodes = (
        Node(group, {}, custom=False, component=("buckets", text), source=place),
        Node(bucket, {text: text}, Options(parent=group), component=("buckets", text), source=place),
    )
    return Graph(text, text, (Stack(Layer.DATA, text, text, nodes),))


def hostile_explanation(text: str) -> Explanation:
    """A component whose every word is ``text``."""
    place = Location(text, 1, 1)
    setting = Setting(text, {text: [text]}, Origin(place, place, group=text, interpolation=text))
    made = Made(f"urn:pulumi:prod::fraud-data::t::{text}", text, text)
    return Explanation(("buckets", text), text, (setting,), (made,), (text,), (text,))


@pytest.mark.parametrize(
    "text", [*INJECTIONS, "</style><script>window.acted=1</script>", '" onfocus=window.acted=1 x="']
)
def test_hostile_words_are_words(text: str, tmp_path: Path, visit: Any) -> None:
    file = tmp_path / "hostile.html"
    found = hostile_findings(text)
    report = Report(
        hostile_plan(text),
        hostile_graph(text),
        gates=tuple(found),
        notes=tuple(found),
        explanations=(hostile_explanation(text),),
        waivers=(Waiver(rule=text, resource=text, owner=text, reason=text, expires=text),),
    )
    file.write_text(report_page(report), encoding="utf-8")
    seen = visit(file)
    page = seen.page
    page.locator(".change .open").first.click()

    assert seen.told == [] and seen.asked == [file.as_uri()]
    assert page.evaluate("() => window.acted") is None
    assert page.locator("#detail-title").evaluate("(e) => e.textContent") == visible(text)
    assert visible(text) in page.locator("h1").evaluate("(e) => e.textContent")
    assert page.evaluate("() => document.querySelectorAll('script, img, iframe, object, embed, link').length") == 2


def test_a_thousand_resources(tmp_path: Path, visit: Any) -> None:
    from benchmarks.generate_system import write_system_of

    count = write_system_of(tmp_path, 1000)
    html = report_forms(run_phases(request_at(tmp_path, today=TODAY)), tmp_path)["report.html"]
    file = tmp_path / "report.html"
    file.write_text(html, encoding="utf-8")
    seen = visit(file)

    assert count >= 1000
    assert len(html.encode()) < 2_000_000
    assert re.fullmatch(r"([\d,]+) of \1", seen.page.locator("#found").inner_text())
    seen.page.locator("#find").fill("t0003 endpoint")
    assert 0 < seen.page.locator(".change:visible").count() < 20
    # The drawing is laid out only in sight, and still works by keyboard.
    seen.page.locator(".diagram .box").first.focus()
    seen.page.keyboard.press("ArrowRight")
    box = seen.focus
    seen.page.keyboard.press("Enter")
    assert seen.page.locator("#detail-title").inner_text() == box
    assert seen.told == []
