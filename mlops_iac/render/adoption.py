"""What would be adopted, and how it differs from what is declared: for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mlops_iac.plan.adoption import Adopted, Adoption
from mlops_iac.render.json import diff_json
from mlops_iac.render.page import Line, Page, Span, Tone, line, paragraph, to_text
from mlops_iac.render.results import short_type
from mlops_iac.render.text import property_lines

VERSION: Final = 1


def adoption_text(adoption: Adoption, page: Page) -> str:
    """Each resource with its id, and each property that the next apply would change: what is -> what is declared."""
    lines: list[Line] = []
    layer = None
    for item in adoption.resources:
        if item.wanted.layer != layer:
            layer = item.wanted.layer
            lines += [*([()] if lines else []), line(Span(layer.value, Tone.STRONG))]
        lines += _lines(item, page)
    for known in adoption.known:
        lines.append(line(Span(f"  {page.visible(known.node.name)}: in the state already, as this", Tone.QUIET)))
    differing = sum(bool(item.diff) for item in adoption.resources)
    count = len(adoption.resources)
    lines += [(), line(Span(f"{count} to adopt", Tone.STRONG), f", {differing} of them not as declared")]
    if differing:
        text = "What differs is recorded as it is; the next `mlops-iac up` makes it what is declared."
        lines += paragraph(text, page, tone=Tone.QUIET)
    return to_text(lines, page)


def adoption_json(adoption: Adoption, adopted: bool) -> dict[str, Any]:
    """The same as data; ``adopted`` says whether it was recorded."""
    return {
        "version": VERSION,
        "kind": "import",
        "adopted": adopted,
        "resources": [_json(item) for item in adoption.resources],
        "known": [{"urn": item.urn, "id": item.id} for item in adoption.known],
    }


def _lines(item: Adopted, page: Page) -> list[Line]:
    node = item.wanted.node
    tone = Tone.REPLACED if item.replaced else Tone.CHANGED if item.diff else Tone.GOOD
    head = line("    ", Span(f"{page.visible(node.name)}  ", tone), Span(short_type(node.type), Tone.QUIET))
    lines = [head, *paragraph(page.visible(item.id), page, first=line("        "), indent=8)]
    if item.replaced:
        text = f"would be replaced: {', '.join(map(page.visible, item.replaced))} cannot change in place"
        lines += paragraph(text, page, first=line("        "), indent=8, tone=Tone.REPLACED)
    return lines + property_lines(item.diff, page)


def _json(item: Adopted) -> Mapping[str, Any]:
    return {
        "urn": item.wanted.urn,
        "type": item.wanted.node.type,
        "name": item.wanted.node.name,
        "id": item.id,
        "diff": diff_json(item.diff),
        "replaced": list(item.replaced),
    }
