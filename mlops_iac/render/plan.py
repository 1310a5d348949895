"""A saved plan for people: where it comes from, what it depends on, and the report that was reviewed."""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.graph.nodes import LAYERS, layer_of
from mlops_iac.plan.saved import SavedPlan
from mlops_iac.render.markdown import code
from mlops_iac.render.page import Line, Page, Span, Tone, line, paragraph, to_text

_LABEL: int = 11


def plan_text(saved: SavedPlan, page: Page) -> str:
    """The plan as text; what the file holds as text is shown as it was written, made harmless."""
    lines: list[Line] = []
    for label, value in _facts(saved):
        tone = Tone.ALARM if label == "refused" else Tone.PLAIN
        head = line(Span(f"{label:<{_LABEL}}", Tone.QUIET))
        lines += [
            tuple(Span(span.text, span.tone or tone) for span in row)
            for row in paragraph(page.visible(value), page, first=head, indent=_LABEL)
        ]
    report = [line(page.visible(row)) for row in saved.reports["text"].splitlines()]
    return to_text([*lines, (), *report], page)


def plan_markdown(saved: SavedPlan) -> str:
    """The plan as Markdown, for a pull request: its origin as a table, then the report."""
    rows = [f"| {label} | {code(value)} |" for label, value in _facts(saved)]
    return "\n".join(["| saved plan | |", "| --- | --- |", *rows, "", saved.reports["markdown"]]) + "\n"


def _facts(saved: SavedPlan) -> Iterator[tuple[str, str]]:
    making = saved.making
    yield "plan", f"{saved.system} {saved.environment}, for the engine {saved.engine}"
    yield "saved", f"{making.at} by {making.by}, mlops-iac {making.tool}"
    if making.commit is not None:
        yield "commit", making.commit if making.clean else f"{making.commit}, with changes that are not committed"
    if saved.overrides:
        yield "overrides", " ".join(saved.overrides)
    if saved.layers != LAYERS:
        yield "layers", ", ".join(saved.layers)
    states = [f"{layer_of(project) or project} {mark.serial}" for project, mark in saved.states.items()]
    yield "states", ", ".join(states) or "nothing deployed"
    copies = [name for mark in saved.states.values() for name in mark.resources if "(old copy" in name]
    if copies:
        names = ", ".join(name.rpartition("::")[2] for name in copies)
        yield "left over", f"copies that an earlier replacement left are deleted too: {names}"
    if saved.refused:
        yield "refused", "a policy or a gate refuses this plan; it cannot be applied"
