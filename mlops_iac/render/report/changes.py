"""Every change by layer and component, with what differs; a filter and folding where there is a script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mlops_iac.diagnostics import ConfigPath, Location, format_path
from mlops_iac.plan.impact import changes_by_component
from mlops_iac.plan.model import Change, Kind, PropertyChange, counted
from mlops_iac.render import diagram
from mlops_iac.render.change import change_notes, reading_order, replacement
from mlops_iac.render.html import badge, code, section
from mlops_iac.render.impact import sentence
from mlops_iac.render.markup import Html, element
from mlops_iac.render.report.details import urns
from mlops_iac.render.report.model import Report, Words
from mlops_iac.render.report.parts import OPS, VALUE, component_link, place
from mlops_iac.render.results import short_type
from mlops_iac.render.visible import show, show_pair

_FEW: Final = 12
"""Changes up to which every one is unfolded: a reader sees all of them without a click."""
_MANY: Final = 150
"""Changes beyond which a browser lays out only those in sight."""


def changes_section(report: Report) -> Html | None:
    """Every change; None where nothing changes."""
    index = {urn: number for number, urn in enumerate(urns(report))}
    paths = {change.urn: path for change, path in changes_by_component(report.plan)}
    declared = frozenset(each.component for each in report.explanations)
    groups: list[Html] = []
    used = counted(change for stack in report.plan.stacks for change in stack.changes if change.custom)
    count = sum(used[op] for op in OPS)
    unfolded = count <= _FEW
    for stack in report.plan.stacks:
        shown: dict[ConfigPath, list[Html]] = {}
        places: dict[ConfigPath, Location | None] = {}
        for change in reading_order(stack.changes):
            if change.custom and change.op in OPS:
                path = paths[change.urn]
                shown.setdefault(path, []).append(_change(change, index[change.urn], report.words, unfolded=unfolded))
                places[path] = places.get(path) or change.source
        if shown:
            inner = [_group(path, rows, places[path], declared) for path, rows in shown.items()]
            groups.append(element("div", element("h3", stack.layer), inner, class_="layer"))
    if not groups:
        return None
    buttons = (
        element("button", f"{OPS[op][0]} {report.words.ops[op]} ", element("span", f"{used[op]:,}", class_="quiet"),
                type="button", aria_pressed="true", data_op=op.value)
        for op in OPS
        if used[op]
    )  # fmt: skip
    search = element("input", type="search", id="find", placeholder="name, type, property, file", autocomplete="off")
    tools = element(
        "form",
        element("label", "Filter", for_="find"),
        search,
        buttons,
        element("button", "Close all" if unfolded else "Open all", type="button", id="open-all",
                data_opened="yes" if unfolded else "no"),
        element("output", f"{count:,} of {count:,}", for_="find", id="found"),
        class_="tools",
        role="search",
        hidden=True,
    )  # fmt: skip
    nothing = element("p", "Nothing fits the filter.", class_="quiet", id="nothing", hidden=True)
    listed = element("div", groups, class_="many" if count > _MANY else None)
    return section("changes", report.words.changes, tools, listed, nothing)


def _group(path: ConfigPath, rows: Sequence[Html], source: Location | None, declared: frozenset[str]) -> Html:
    name = format_path(path)
    known = bool(name) and name != "cloud"
    head = element(
        "p",
        component_link(name) if known else element("span", "providers" if name else "no component"),
        element("span", place(source), class_="at"),
        class_="row name",
        # One that ends is in no list of components: here is where the page says more of it.
        id=diagram.anchor(name) if known and name not in declared else None,
    )
    return element("div", head, rows, class_="group")


def _change(change: Change, number: int, words: Words, *, unfolded: bool) -> Html:
    """A row that unfolds where something differs, and opens the details where there is nothing else to see."""
    head = (
        element("span", f"{words.ops[change.op]} ", class_="unseen"),
        element("b", change.name, class_="code what"),
        " ",
        element("i", short_type(change.type), class_="type"),
        *((" ", badge(note, "warn")) for note in change_notes(change)),
    )
    why = replacement(change)
    told = [
        element("p", sentence(why), class_="why") if why else None,
        _diff(change.to_read, words) if change.to_read else None,
        _by_policy(change),
    ]
    if not any(told):
        return element("button", head, type="button", class_="change", data_op=change.op.value, data_resource=number)
    more = element("button", "Details of ", code(change.name), type="button", class_="open", data_resource=number)
    body = element("div", told, more, class_="body")
    return element("details", element("summary", head), body, class_="change", data_op=change.op.value, open=unfolded)


def _by_policy(change: Change) -> Html | None:
    """The inputs that a policy has set."""
    rows = [
        element("li", code(item.path), " is set to ", code(show(item.after, VALUE)), " by the policy ", code(item.rule))
        for item in change.set_by_policy
    ]
    return element("ul", rows, class_="plain quiet") if rows else None


def _diff(diff: Sequence[PropertyChange], words: Words) -> Html:
    rows = []
    for item in diff:
        old, new = "", ""
        if item.kind is Kind.UPDATE:
            old, new = show_pair(item.old, item.new, VALUE)
        elif item.kind is Kind.ADD:
            new = show(item.new, VALUE)
        else:
            old = show(item.old, VALUE)
        forced = badge("replaces", "replace") if item.replaces else None
        forced = badge("may replace", "replace") if item.may_replace and not item.replaces else forced
        rows.append(
            element(
                "tr",
                element("th", element("span", item.path, class_="code"), " ", forced, scope="row"),
                element(
                    "td", element("del", old, class_="code") if old else element("span", "not set", class_="quiet")
                ),
                element(
                    "td", element("ins", new, class_="code") if new else element("span", "removed", class_="quiet")
                ),
            )
        )
    head = element("tr", (element("th", name, scope="col") for name in ("Property", words.before, words.after)))
    return element("table", element("thead", head), element("tbody", rows), class_="diff")
