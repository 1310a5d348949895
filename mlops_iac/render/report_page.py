"""The report of a plan as one HTML page: what happens, what it costs, who is against it, and where it came from.

Everything can be read without a script. The script filters the changes, and opens the details of a component or a
resource: who set its values, which policies judged it, what it costs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from mlops_iac.cost.model import Line as CostLine
from mlops_iac.diagnostics import ConfigPath, Diagnostic, Location, Severity, format_path
from mlops_iac.explanation import Explanation, Made
from mlops_iac.graph.nodes import LAYERS
from mlops_iac.plan.impact import Impact, ImpactSeverity, changes_by_component
from mlops_iac.plan.model import Change, Kind, Op, PropertyChange
from mlops_iac.policies.policy import Finding
from mlops_iac.render import diagram
from mlops_iac.render.explanation import origin_text, verdict_word
from mlops_iac.render.html import Mood, asset, badge, code, document, section, table
from mlops_iac.render.impact import duration, sentence
from mlops_iac.render.markup import Html, element, join
from mlops_iac.render.report import Report, broken, headline, undecided, verdict
from mlops_iac.render.results import name_of, short_type
from mlops_iac.render.spending import amount_of, delta, stage_changes, stage_totals, unpriced, usd
from mlops_iac.render.visible import show, show_pair, visible
from mlops_iac.spec.system import Waiver

_OPS: Final[Mapping[Op, tuple[str, Mood]]] = {
    Op.CREATE: ("+", "good"),
    Op.UPDATE: ("~", "warn"),
    Op.REPLACE: ("\N{PLUS-MINUS SIGN}", "replace"),
    Op.DELETE: ("\N{MINUS SIGN}", "bad"),
}
"""How a change is marked; the worst comes last."""
_SEVERITIES: Final[Mapping[ImpactSeverity, Mood]] = {
    ImpactSeverity.CRITICAL: "bad",
    ImpactSeverity.HIGH: "bad",
    ImpactSeverity.MEDIUM: "warn",
    ImpactSeverity.LOW: "quiet",
}
_LEVELS: Final[Mapping[Severity, tuple[str, Mood]]] = {
    Severity.ERROR: ("refused", "bad"),
    Severity.WARNING: ("warning", "warn"),
    Severity.INFO: ("note", "quiet"),
}
_VERDICTS: Final[Mapping[str, Mood]] = {
    "broken": "bad",
    "advised": "warn",
    "undecided": "note",
    "waived": "quiet",
    "passes": "good",
}
_VALUE: Final = 360
"""Characters of an old and a new value together, beyond which the part that differs is shown."""
_INPUT: Final = 110
"""Characters of an input of a resource that comes into being."""
_MOST_FINDINGS: Final = 8
"""Resources that a row of the policy table names before it counts the others."""

_MANY: Final = 150
"""Changes beyond which a browser lays out only those in sight."""


def report_page(report: Report) -> str:
    """The whole page."""
    plan = report.plan
    title = f"{plan.system} in {plan.environment}"
    parts = [
        ("impact", "Impact", _impact(report)),
        ("system", "System", _system(report)),
        ("changes", "Changes", _changes(report)),
        ("cost", "Cost", _cost(report)),
        ("policies", "Policies", _policies(report)),
        ("notes", "Notes", _notes(report)),
    ]
    shown = [(id, name, body) for id, name, body in parts if body]
    dialog = element(
        "dialog",
        element("div", element("h2", id="detail-title"), _close(), class_="head"),
        element("div", id="detail-body"),
        id="detail",
        aria_labelledby="detail-title",
    )
    return document(
        title,
        join([_header(report), *(body for _, _, body in shown), dialog], "\n"),
        style=diagram.style() + asset("report.css"),
        script=diagram.script() + asset("report.js"),
        data=_showable(_data(report)),
        sections=[(id, name) for id, name, _ in shown],
    )


def _header(report: Report) -> Html:
    plan = report.plan
    judged = verdict(report.gates, broken(report.findings), report.impacts)
    said = (element("li", each.text, class_=each.weight) for each in headline(plan, report.impacts, report.cost))
    counts = plan.summary()
    tiles = [
        element("li", element("b", f"{counts[op]:,}"), f" to {op.value}", class_=f"tile {mood}")
        for op, (_, mood) in _OPS.items()
        if counts[op]
    ]
    tiles.append(element("li", element("b", f"{counts[Op.SAME]:,}"), " unchanged", class_="tile"))
    return element(
        "header",
        element("p", "Preview", class_="eyebrow"),
        element("h1", plan.system, " ", element("span", plan.environment, class_="quiet")),
        element("p", "Compared with ", code(plan.baseline), class_="lead"),
        element("p", judged.text, class_=f"verdict {judged.weight}"),
        element("ul", said, class_="glance"),
        element("ul", tiles, class_="tiles", aria_label="Resources"),
    )


def _impact(report: Report) -> Html | None:
    gates = [_gate(item) for item in report.gates]
    if not report.impacts and not gates:
        return None
    known = _components_of(report)
    rows = [_one_impact(each, known) for each in report.impacts]
    refused = element("h3", "Gates") if gates else None
    listed = element("ul", gates, class_="plain") if gates else None
    return section(
        "impact",
        "Impact",
        element("ul", rows, class_="plain impacts"),
        *(part for part in (refused, listed) if part is not None),
        note="What the change does to the running system, the worst first. Durations are typical ones.",
    )


def _one_impact(impact: Impact, known: frozenset[str]) -> Html:
    took = element("span", duration(impact), class_="quiet took") if impact.minutes is not None else None
    return element(
        "li",
        element(
            "p",
            badge(impact.severity.value, _SEVERITIES[impact.severity]),
            " ",
            element("strong", _open_component(format_path(impact.component), known)),
            " ",
            took,
            element("span", _place(impact.location), class_="at"),
            class_="row",
        ),
        element("p", _said(sentence(impact.message))),
        element("p", element("span", "Do ", class_="do"), _said(impact.action), class_="quiet"),
        class_="panel",
    )


def _gate(item: Diagnostic) -> Html:
    word, mood = _LEVELS[item.severity]
    return element(
        "li",
        element(
            "p",
            badge("lifted" if item.severity is Severity.INFO else word, mood),
            " ",
            code(item.code),
            element("span", _place(item.location), class_="at"),
            class_="row",
        ),
        element("p", _said(f"{item.message}.")),
        element("p", element("span", "Do ", class_="do"), _said(item.hint), class_="quiet") if item.hint else None,
        class_="panel",
    )


def _system(report: Report) -> Html:
    drawn = diagram.diagram_of(report.graph)
    ops: dict[str, list[Op]] = {}
    layers: dict[str, str] = {}
    for stack in report.plan.stacks:
        for change in stack.changes:
            layers.setdefault(change.urn, stack.layer)
    kept = {box.id for box in drawn.boxes}
    gone: dict[str, str] = {}
    for change, path in changes_by_component(report.plan):
        if change.custom and change.op in _OPS and path not in ((), ("cloud",)):
            ops.setdefault(format_path(path), []).append(change.op)
            if format_path(path) not in kept:
                gone.setdefault(format_path(path), layers[change.urn])
    boxes = [_marked(box, ops.get(box.id, [])) for box in drawn.boxes]
    for id, layer in gone.items():
        kind, _, name = id.partition(".")
        lost = diagram.Box(id, name or kind, kind, layer, len(ops[id]), "", gone=True)
        boxes.append(_marked(lost, ops[id]))
    keys = (element("li", f"{sign} {op.value}", class_=f"key {mood}") for op, (sign, mood) in _OPS.items())
    legend = element("ul", keys, class_="legend", aria_label="What the colours mean")
    picture = diagram.drawing(diagram.Diagram(drawn.title, tuple(boxes), drawn.edges))
    return section(
        "system",
        "System",
        picture,
        legend,
        element("details", element("summary", "Every component as a list"), _components(report, ops)),
        note="Columns are layers in the order in which they are applied; a line leads from a component to those that "
        "use it. Open a box for its settings, policies and cost.",
    )


def _marked(box: diagram.Box, ops: Sequence[Op]) -> diagram.Box:
    if not ops:
        return box
    worst = max(ops, key=list(_OPS).index)
    tally = " ".join(f"{sign}{ops.count(op)}" for op, (sign, _) in _OPS.items() if op in ops)
    return diagram.Box(box.id, box.label, box.kind, box.layer, box.resources, box.source, _mark(worst), tally, box.gone)


def _mark(op: Op) -> diagram.Mark | None:
    marks: Mapping[Op, diagram.Mark] = {
        Op.CREATE: "create",
        Op.UPDATE: "update",
        Op.REPLACE: "replace",
        Op.DELETE: "delete",
    }
    return marks.get(op)


def _components(report: Report, ops: Mapping[str, Sequence[Op]]) -> Html:
    order = {layer.value: index for index, layer in enumerate(LAYERS)}
    rows = [
        (
            element("span", _link(each.component), id=diagram.anchor(each.component)),
            element("span", each.layer),
            str(len(each.resources)),
            element("span", _tally(ops.get(each.component, ()))),
            amount_of(each.floor, each.gaps),
            amount_of(each.ceiling, each.gaps),
        )
        for each in sorted(report.explanations, key=lambda each: (order.get(each.layer, 0), each.component))
    ]
    head = ("Component", "Layer", "Resources", "Changes", "USD a month from", "to")
    return table(head, rows, name="Components", numbers=[2, 4, 5])


def _tally(ops: Sequence[Op]) -> str:
    return ", ".join(f"{ops.count(op)} to {op.value}" for op in _OPS if op in ops)


def _changes(report: Report) -> Html | None:
    index = {urn: number for number, urn in enumerate(_urns(report))}
    paths = {change.urn: path for change, path in changes_by_component(report.plan)}
    declared = frozenset(each.component for each in report.explanations)
    groups: list[Html] = []
    used: dict[Op, int] = {}
    for stack in report.plan.stacks:
        shown: dict[ConfigPath, list[Change]] = {}
        for change in stack.changes:
            if change.custom and change.op in _OPS:
                shown.setdefault(paths[change.urn], []).append(change)
                used[change.op] = used.get(change.op, 0) + 1
        if shown:
            inner = [_group(path, changes, index, declared) for path, changes in shown.items()]
            groups.append(element("div", element("h3", stack.layer), inner, class_="layer", data_layer=stack.layer))
    if not groups:
        return None
    buttons = (
        element("button", f"{_OPS[op][0]} {op.value} ", element("span", f"{used[op]:,}", class_="quiet"),
                type="button", aria_pressed="true", data_op=op.value)
        for op in _OPS
        if op in used
    )  # fmt: skip
    search = element("input", type="search", id="find", placeholder="name, type, property, file", autocomplete="off")
    tools = element(
        "form",
        element("label", "Filter", for_="find"),
        search,
        buttons,
        element("button", "Open all", type="button", id="open-all"),
        element("output", for_="find", id="found"),
        class_="tools",
        role="search",
        hidden=True,
    )
    nothing = element("p", "No change fits the filter.", class_="quiet", id="nothing", hidden=True)
    listed = element("div", groups, class_="many" if sum(used.values()) > _MANY else None)
    return section("changes", "Changes", tools, listed, nothing)


def _group(path: ConfigPath, changes: Sequence[Change], index: Mapping[str, int], declared: frozenset[str]) -> Html:
    name = format_path(path)
    source = next((change.source for change in changes if change.source is not None), None)
    known = bool(name) and name != "cloud"
    head = element(
        "p",
        _link(name) if known else element("span", "providers" if name else "no component"),
        element("span", _place(source), class_="at"),
        class_="row name",
        # One that ends is in no list of components: here is where the page says more of it.
        id=diagram.anchor(name) if known and name not in declared else None,
    )
    return element("div", head, (_change(change, index) for change in changes), class_="group")


def _change(change: Change, index: Mapping[str, int]) -> Html:
    sign, mood = _OPS[change.op]
    head = element(
        "summary",
        element("span", sign, class_=f"sign {mood}", aria_hidden="true"),
        element("span", f"{change.op.value} ", class_="unseen"),
        element("span", change.name, class_="code what"),
        " ",
        element("span", short_type(change.type), class_="quiet type"),
        " ",
        (badge(note, "warn") for note in _notes_of(change)),
    )
    why = _why(change)
    body = element(
        "div",
        element("p", why, class_="why") if why else None,
        _diff(change.diff) if change.diff else None,
        element("button", "Details of ", element("span", change.name, class_="code"), type="button",
                class_="open", data_resource=index[change.urn]),
        class_="body",
    )  # fmt: skip
    return element("details", head, body, class_="change", data_op=change.op.value)


def _notes_of(change: Change) -> list[str]:
    notes = []
    if change.op is Op.DELETE and change.retain:
        notes.append("kept in the cloud")
    if change.op in (Op.DELETE, Op.REPLACE) and change.protect:
        notes.append("protected")
    if change.old_urn is not None:
        notes.append(f"was {name_of(change.old_urn)}")
    return notes


def _why(change: Change) -> str:
    if change.op is not Op.REPLACE:
        return ""
    names = [reason for reason in change.replace_reasons if reason != "provider"]
    causes = [f"{', '.join(names)} cannot change in place"] if names else []
    causes += ["its provider is replaced"] if "provider" in change.replace_reasons else []
    order = "the old one goes first" if change.delete_before_replace else "the new one comes first"
    return f"Replaced: {' and '.join(causes) or 'asked for'}; {order}."


def _diff(diff: Sequence[PropertyChange]) -> Html:
    rows = []
    for item in diff:
        old, new = "", ""
        if item.kind is Kind.UPDATE:
            old, new = show_pair(item.old, item.new, _VALUE)
        elif item.kind is Kind.ADD:
            new = show(item.new, _VALUE)
        else:
            old = show(item.old, _VALUE)
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
    head = element("tr", (element("th", name, scope="col") for name in ("Property", "Before", "After")))
    return element("table", element("thead", head), element("tbody", rows), class_="diff")


def _value(tag: str, value: str, without: str) -> Html:
    return element(tag, value, class_="code") if value else element("span", without, class_="quiet")


def _cost(report: Report) -> Html | None:
    if report.cost is None:
        return None
    estimate, difference = report.cost.estimate, report.cost.difference
    moved = stage_changes(difference) if difference is not None else {}
    totals = stage_totals(estimate, difference)
    most = (max((floor for _, floor, _ in totals), default=0.0), max((most for *_, most in totals), default=0.0))
    rows = []
    for stage, floor, ceiling in totals:
        change = moved.get(stage, (0.0, 0.0))
        cells = [element("th", stage.value, scope="row")]
        for amount, by, scale in ((floor, change[0], most[0]), (ceiling, change[1], most[1])):
            cells.append(element("td", _bar(amount, by, scale), class_="bar"))
            cells.append(element("td", usd(amount), class_="number"))
        if difference is not None:
            cells += [_moved(amount) for amount in change]
        rows.append(element("tr", cells))
    total = [element("th", "total", scope="row")]
    for amount in (estimate.floor, estimate.ceiling):
        total += [element("td"), element("td", usd(amount), class_="number")]
    if difference is not None:
        total += [_moved(amount) for amount in (difference.floor, difference.ceiling)]
    head = [element("th", "Stage", scope="col")]
    head += [element("th", name, scope="col", colspan=2) for name in ("At least", "At most")]
    if difference is not None:
        head += [element("th", name, scope="col", class_="number") for name in ("Change at least", "at most")]
    grid = element(
        "table",
        element("thead", element("tr", head)),
        element("tbody", rows),
        element("tfoot", element("tr", total)),
        class_="cost",
    )
    chart = element("div", grid, class_="scroll", role="region", aria_label="Monthly cost by stage", tabindex=0)
    parts: list[Html] = [chart]
    if difference is not None and difference.changes:
        changed = [
            (
                code(change.line.name),
                element("span", short_type(change.line.type), class_="quiet"),
                element("span", {"added": "new", "removed": "gone"}.get(change.kind, "changed")),
                delta(change.floor),
                delta(change.ceiling),
            )
            for change in difference.changes[:20]
        ]
        parts.append(element("h3", "What makes the difference"))
        head_names = ("Resource", "Type", "Change", "At least", "At most")
        parts.append(table(head_names, changed, name="Resources whose cost changes", numbers=[3, 4]))
    if estimate.unknown:
        names = (element("li", name) for name in unpriced(estimate))
        parts.append(element("h3", "Not counted, because no price is known"))
        parts.append(element("ul", names))
    note = f"USD a month of 730 hours in {estimate.region}, list prices. At least: the fewest instances and scheduled "
    note += "runs. At most: the most that the configuration allows. Use is assumed where `usage:` does not say it."
    return section("cost", "Cost", *parts, note=note)


def _bar(amount: float, by: float, scale: float) -> Html:
    """A bar as long as the amount; what a plan adds is hatched, what it takes away outlined."""
    if not scale:
        return element("span")
    before, after = max(amount - by, 0.0) / scale, amount / scale
    length = {"height": 10, "y": 1, "rx": 2}
    bars = [element("rect", width=_share(min(before, after)), class_="amount", **length)]
    if abs(by) >= 0.005:
        start, end = sorted((before, min(after, 1.0)))
        kind = "more" if by > 0 else "less"
        bars.append(element("rect", x=_share(start), width=_share(min(end, 1.0) - start), class_=kind, **length))
    return element("svg", bars, width="100%", height=12, aria_hidden="true")


def _share(part: float) -> str:
    return f"{100 * max(min(part, 1.0), 0.0):.2f}%"


def _moved(amount: float) -> Html:
    mood = "more" if amount >= 0.005 else "less" if amount <= -0.005 else "quiet"
    return element("td", delta(amount) if mood != "quiet" else "", class_=f"number {mood}")


def _policies(report: Report) -> Html:
    judged = {finding.policy.id for each in report.explanations for made in each.resources for finding in made.verdicts}
    stopping = broken(report.findings)
    waiting = undecided(report.findings)
    words = [f"{len(judged):,} policies judged this system"]
    words.append(f"{stopping} broken" if stopping else "none that is mandatory is broken")
    words += [f"{waiting} verdicts wait for the apply"] if waiting else []
    grouped: dict[tuple[str, str], list[Finding]] = {}
    for finding in report.findings:
        grouped.setdefault((verdict_word(finding), finding.policy.id), []).append(finding)
    parts: list[Html] = []
    if grouped:
        parts.append(element("ul", (_finding(word, group) for (word, _), group in grouped.items()), class_="plain"))
    if report.waivers:
        parts.append(element("h3", "Waivers"))
        parts.append(_waivers(report))
    return section("policies", "Policies", *parts, note=f"{'; '.join(words)}.")


def _finding(word: str, group: Sequence[Finding]) -> Html:
    policy = group[0].policy
    shown = [
        element(
            "li",
            element("span", finding.resource.name, class_="code"),
            f" {finding.result.detail}",
            f" ({finding.waiver})" if finding.waiver else "",
            element("span", _place(finding.resource.location), class_="at"),
            class_="row",
        )
        for finding in group[:_MOST_FINDINGS]
    ]
    if len(group) > _MOST_FINDINGS:
        shown.append(element("li", f"and {len(group) - _MOST_FINDINGS} more", class_="quiet"))
    return element(
        "li",
        element(
            "p",
            badge(word, _VERDICTS[word]),
            " ",
            element("strong", policy.title),
            " ",
            element("span", f"{policy.id}, {policy.severity.value}", class_="quiet code"),
            class_="row",
        ),
        element("ul", shown, class_="plain hits"),
        element("p", element("span", "Do ", class_="do"), _said(policy.fix), class_="quiet")
        if word != "waived"
        else None,
        class_="panel",
    )


def _waivers(report: Report) -> Html:
    rows = [
        (
            code(waiver.rule),
            code(waiver.resource),
            element("span", waiver.reason),
            element("span", waiver.owner),
            element("span", waiver.expires, " ", badge("expired", "bad") if _late(waiver, report.today) else None),
        )
        for waiver in report.waivers
    ]
    return table(("Policy", "For", "Reason", "Owner", "Until"), rows, name="Waivers")


def _late(waiver: Waiver, today: str) -> bool:
    return bool(today) and waiver.expires < today


def _notes(report: Report) -> Html | None:
    if not report.notes:
        return None
    return section("notes", "Notes", element("ul", map(_gate, report.notes), class_="plain"))


def _data(report: Report) -> dict[str, Any]:
    """What the details are made of; rows name others by their index, to keep the page small."""
    urns = _urns(report)
    number = {urn: index for index, urn in enumerate(urns)}
    made = {each.urn: (each, one) for one in report.explanations for each in one.resources}
    changes = {change.urn: change for stack in report.plan.stacks for change in stack.changes}
    old_costs = {} if report.cost is None or report.cost.difference is None else {
        change.line.urn: change.old for change in report.cost.difference.changes if change.old is not None
    }  # fmt: skip
    rules: dict[str, int] = {}
    policies: list[list[str]] = []
    for finding in (f for each, _ in made.values() for f in each.verdicts):
        if finding.policy.id not in rules:
            rules[finding.policy.id] = len(policies)
            policies.append([finding.policy.id, finding.policy.title])
    sources = {change.urn: change.source for change in changes.values()}
    return {
        "policies": policies,
        "components": {
            each.component: _component_data(each, [number[one.urn] for one in each.resources])
            for each in report.explanations
        },
        "resources": [
            _resource_data(urn, made.get(urn), changes.get(urn), sources.get(urn), old_costs.get(urn), rules)
            for urn in urns
        ],
    }


def _showable(value: Any) -> Any:
    """The same data with characters that do not show written as escapes, as in the markup beside it."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible(key): _showable(item) for key, item in value.items()}
    return [_showable(item) for item in value] if isinstance(value, list) else value


def _urns(report: Report) -> list[str]:
    """Every resource that can be opened: declared ones, then those that go."""
    declared = [made.urn for each in report.explanations for made in each.resources]
    changed = [change.urn for stack in report.plan.stacks for change in stack.changes if change.custom]
    return list(dict.fromkeys((*declared, *changed)))


def _component_data(each: Explanation, resources: list[int]) -> dict[str, Any]:
    prefix = f"{each.component}."
    return {
        "layer": each.layer,
        "settings": [
            [
                setting.path.removeprefix(prefix),
                show(setting.value, _VALUE),
                origin_text(setting),
                setting.origin.interpolation or "" if setting.origin is not None else "",
            ]
            for setting in each.settings
        ],
        "uses": list(each.uses),
        "usedBy": list(each.used_by),
        "resources": resources,
        "cost": [amount_of(each.floor, each.gaps), amount_of(each.ceiling, each.gaps)]
        if each.ceiling or each.gaps
        else [],
    }


def _resource_data(
    urn: str,
    made: tuple[Made, Explanation] | None,
    change: Change | None,
    source: Location | None,
    old_cost: CostLine | None,
    rules: Mapping[str, int],
) -> dict[str, Any]:
    cost = made[0].cost if made is not None else old_cost
    verdicts = made[0].verdicts if made is not None else ()
    known: dict[str, Any] = {
        "urn": urn,
        "type": change.type if change is not None else made[0].type if made is not None else "",
        "name": change.name if change is not None else name_of(urn),
        "component": made[1].component if made is not None else "",
        "op": change.op.value if change is not None else "same",
        "source": _place(source),
        "passes": [rules[each.policy.id] for each in verdicts if verdict_word(each) == "passes"],
        "told": [
            [rules[each.policy.id], verdict_word(each), each.result.detail]
            for each in verdicts
            if verdict_word(each) != "passes"
        ],
    }
    if cost is not None:
        known["cost"] = [round(cost.floor, 2), round(cost.ceiling, 2)]
        known["charges"] = [
            [charge.what, round(charge.floor.usd, 2), round(charge.ceiling.usd, 2), charge.basis]
            for charge in cost.charges
        ]
        known["gaps"] = [f"{gap.what}: {gap.reason}" for gap in cost.gaps]
        known["free"] = cost.free
    if change is not None and change.op is Op.CREATE and change.new:
        known["inputs"] = [[name, show(value, _INPUT)] for name, value in sorted(change.new.items())]
    return {key: value for key, value in known.items() if value not in ("", [], None)}


def _said(message: str) -> Html:
    """A sentence in which what stands between backticks is set as code."""
    pieces = re.split("`([^`]+)`", message)
    return join((code(piece) if index % 2 else piece for index, piece in enumerate(pieces)), "")


def _components_of(report: Report) -> frozenset[str]:
    """Every component that the page says more of: declared ones, and those that end."""
    declared = {each.component for each in report.explanations}
    return frozenset(declared | {format_path(path) for _, path in changes_by_component(report.plan)})


def _open_component(component: str, known: frozenset[str]) -> Html:
    return _link(component) if component in known else code(component)


def _link(component: str) -> Html:
    """A component's name as what opens its details; without a script, a link to where the page says more of it."""
    return element("a", component, href=f"#{diagram.anchor(component)}", class_="code", data_component=component)


def _close() -> Html:
    return element("button", "Close", type="button", id="detail-close")


def _place(location: Location | None) -> str:
    if location is None:
        return ""
    return "override" if location.file == "override" else f"{location.file}:{location.line}"
