"""Results as versioned JSON for programs; ``schemas/preview.schema.json`` documents the preview,
``schemas/result.schema.json`` what an apply did.

Every document has ``version`` and ``kind``, and every diagnostic has one shape. A later version only adds; what is
removed or changes its meaning raises ``version``. A secret reads ``{"$secret": true}``, a value known only after
apply ``{"$unknown": true}``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from mlops_iac.cost.compare import MonthlyCost
from mlops_iac.diagnostics import Diagnostic, Location, format_path
from mlops_iac.plan.gates import GateFinding
from mlops_iac.plan.impact import Impact
from mlops_iac.plan.model import Change, Op, Plan, PropertyChange
from mlops_iac.render.impact import gates_json, impacts_json
from mlops_iac.render.results import RunDone, StackDone
from mlops_iac.render.spending import cost_part_json
from mlops_iac.render.visible import plain_json

VERSION: Final = 1


def to_text(document: Mapping[str, Any] | Sequence[Any]) -> str:
    """A document as indented JSON text, ending in a newline."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def preview_json(
    plan: Plan,
    diagnostics: Iterable[Diagnostic] = (),
    *,
    impacts: Iterable[Impact] = (),
    cost: MonthlyCost | None = None,
    gates: Iterable[GateFinding] = (),
) -> dict[str, Any]:
    """What would change, resource by resource, and what that does to the running system.

    ``diagnostics`` are the findings of gates and policies, and warnings.
    """
    return {
        "version": VERSION,
        "kind": "preview",
        "system": plan.system,
        "environment": plan.environment,
        "baseline": plan.baseline,
        "summary": _summary(plan.summary()),
        "stacks": [
            {
                "layer": stack.layer,
                "project": stack.project,
                "stack": stack.stack,
                "changes": [_change(change) for change in stack.changes],
            }
            for stack in plan.stacks
        ],
        "impact": impacts_json(impacts),
        "cost": cost_part_json(cost) if cost is not None else None,
        "gates": gates_json(gates),
        "diagnostics": diagnostics_json(diagnostics),
    }


def validation_json(diagnostics: Iterable[Diagnostic], resources: int | None = None) -> dict[str, Any]:
    """The result of a validation; ``resources`` is None where it stopped before there were any."""
    listed = diagnostics_json(diagnostics)
    valid = not any(item["severity"] == "error" for item in listed)
    counted = {"resources": resources} if resources is not None else {}
    return {"version": VERSION, "kind": "validation", "valid": valid, **counted, "diagnostics": listed}


def result_json(kind: str, result: RunDone) -> dict[str, Any]:
    """What an apply, refresh or destroy did; ``kind`` is ``up``, ``refresh`` or ``destroy``."""
    failures = [item for stack in result.stacks for item in stack.failures]
    return {
        "version": VERSION,
        "kind": kind,
        "ok": result.ok,
        "summary": _summary(result.summary()),
        "stacks": [_stack_done(stack) for stack in result.stacks],
        "diagnostics": diagnostics_json([*failures, *result.notes]),
    }


def outputs_json(outputs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Stack outputs by layer."""
    return {
        "version": VERSION,
        "kind": "outputs",
        "layers": {layer: plain_json(dict(sorted(values.items()))) for layer, values in outputs.items()},
    }


def diagnostics_json(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """Diagnostics in the one shape that every document uses."""
    return [
        {
            "code": item.code,
            "severity": item.severity.value,
            "message": item.message,
            "location": str(item.location) if item.location is not None else None,
            "path": format_path(item.path),
            "hint": item.hint,
            "related": [{"message": text, "location": str(place)} for text, place in item.related],
        }
        for item in diagnostics
    ]


def _change(change: Change) -> dict[str, Any]:
    return {
        "op": change.op.value,
        "urn": change.urn,
        **({"oldUrn": change.old_urn} if change.old_urn is not None else {}),
        "type": change.type,
        "name": change.name,
        "custom": change.custom,
        "component": format_path(change.component),
        "diff": diff_json(change.to_read),
        **({"diffByIndex": diff_json(change.diff)} if change.to_read != change.diff else {}),
        "replaceReasons": list(change.replace_reasons),
        "deleteBeforeReplace": change.delete_before_replace,
        **({"goesWith": change.goes_with} if change.goes_with is not None else {}),
        "protect": change.protect,
        "retain": change.retain,
        "source": _source(change.source),
        **({"setByPolicy": _set_by_policy(change)} if change.set_by_policy else {}),
    }


def _set_by_policy(change: Change) -> list[dict[str, Any]]:
    return [
        {"path": item.path, "rule": item.rule, "old": plain_json(item.before), "new": plain_json(item.after)}
        for item in change.set_by_policy
    ]


def diff_json(diff: Iterable[PropertyChange]) -> list[dict[str, Any]]:
    """Properties with their values before and after, secrets masked."""
    return [
        {
            "path": item.path,
            "kind": item.kind.value,
            **({"old": plain_json(item.old)} if item.kind != "add" else {}),
            **({"new": plain_json(item.new)} if item.kind != "delete" else {}),
            "replaces": item.replaces,
            "mayReplace": item.may_replace,
        }
        for item in diff
    ]


def _source(location: Location | None) -> str | None:
    return f"{location.file}:{location.line}" if location is not None else None


def _summary(counts: Mapping[Op, int]) -> dict[str, int]:
    return {op.value: counts.get(op, 0) for op in Op}


def _stack_done(stack: StackDone) -> dict[str, Any]:
    return {
        "project": stack.project,
        "stack": stack.stack,
        "stopped": stack.stopped,
        "unchanged": stack.same,
        "operations": [
            {
                "op": done.op.value,
                "urn": done.urn,
                "type": done.type,
                "name": done.name,
                "seconds": round(done.seconds, 3),
                "recorded": done.recorded,
            }
            for done in stack.done
        ],
        "skipped": [{"urn": urn, "reason": reason} for urn, reason in stack.skipped.items()],
        "drift": [
            {
                "urn": item.urn,
                "type": item.type,
                "name": item.name,
                "gone": item.gone,
                "diff": diff_json(item.to_read),
            }
            for item in stack.drift
        ],
        "outputs": plain_json(dict(sorted(stack.outputs.items()))),
    }
