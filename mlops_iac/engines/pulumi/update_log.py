"""Reads the engine's event stream of one stack: live events for the progress display, and what the run did.

Source: https://github.com/pulumi/pulumi/blob/master/sdk/go/common/apitype/events.go
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from pulumi.automation import events

from mlops_iac.diagnostics import Diagnostic, Severity
from mlops_iac.engines.events import Drift, Event, EventKind, OnEvent, Outcome
from mlops_iac.engines.pulumi.codes import ENGINE_SAYS, RESOURCE_FAILED
from mlops_iac.engines.pulumi.plugin_server import RECORDED_ONLY
from mlops_iac.engines.pulumi.run_pack import FIX, HOLDS
from mlops_iac.graph.nodes import Node, Stack
from mlops_iac.plan.compare import as_changes, differences, differences_to_read
from mlops_iac.plan.model import Op
from mlops_iac.policies.checker import VIOLATION, diagnostic_of
from mlops_iac.policies.policy import PASS, Finding, fail
from mlops_iac.state.checkpoint import parse_urn, without_stack

_OPERATIONS: Final = {
    "create": Op.CREATE,
    "import": Op.CREATE,
    "update": Op.UPDATE,
    "delete": Op.DELETE,
    "create-replacement": Op.REPLACE,
    "import-replacement": Op.REPLACE,
    "same": Op.SAME,
}
_OLD_COPY: Final = "delete-replaced"
_COLOUR: Final = re.compile(r"<\{%[^%]*%\}>")
_SUMMARIES: Final = ("update failed", "preview failed", "destroy failed", "refresh failed", "update canceled")
"""What the engine says at the end of a failed run; each cause has a message of its own."""


class UpdateLog:
    """Call it with each engine event, in any thread; read the rest when the run is over.

    ``stack`` locates failures in the configuration; None where nothing is declared any more. ``waiting`` are the
    findings that the run decides, by URN without the stack's name and rule; ``decided`` has those that it did.
    """

    def __init__(
        self,
        stack: Stack | None,
        on_event: OnEvent,
        monotonic: Callable[[], float] = time.monotonic,
        waiting: Mapping[tuple[str, str], Finding] | None = None,
    ) -> None:
        self._nodes = nodes_by_urn(stack) if stack is not None else {}
        self._on_event = on_event
        self._monotonic = monotonic
        self._waiting = waiting or {}
        self._started: dict[str, float] = {}
        self._recorded: dict[str, str] = {}
        self._errors: dict[str, list[str]] = {}
        self._general: list[str] = []
        self._failed: dict[str, Op] = {}
        self._refused: dict[str, list[Diagnostic]] = {}
        self._reached: set[str] = set()
        self.steps: dict[str, Op] = {}
        self.done: list[Outcome] = []
        self.advice: list[Diagnostic] = []
        self.decided: list[Finding] = []
        self.drift: list[Drift] = []
        self.same = 0

    def __call__(self, event: events.EngineEvent) -> None:
        """Take one event in."""
        if event.resource_pre_event is not None:
            self._begin(event.resource_pre_event.metadata, planning=bool(event.resource_pre_event.planning))
        elif event.res_outputs_event is not None:
            self._end(event.res_outputs_event.metadata)
        elif event.res_op_failed_event is not None:
            self._fail(event.res_op_failed_event.metadata)
        elif event.policy_event is not None:
            self._judge(event.policy_event)
        elif event.diagnostic_event is not None:
            self._note(event.diagnostic_event)

    @property
    def failures(self) -> tuple[Diagnostic, ...]:
        """One diagnostic for each refusal and resource that failed, and one for each error that is of no resource."""
        return (*map(diagnostic_of, self.refusals), *self.others)

    @property
    def refusals(self) -> tuple[Finding, ...]:
        """The findings that the run decided, and that refuse it."""
        return tuple(found for found in self.decided if found.stops)

    @property
    def others(self) -> tuple[Diagnostic, ...]:
        """The failures that no rule of the system foresaw."""
        found = [item for told in self._refused.values() for item in told]
        found += [self._failure(urn, op) for urn, op in self._failed.items()]
        found += [self._failure(urn, None) for urn in self._errors if urn not in self._failed]
        hint = "correct the cause and run the command again; finished resources are kept"
        found += [Diagnostic(ENGINE_SAYS, text, hint) for text in dict.fromkeys(self._general)]
        return tuple(found)

    @property
    def said(self) -> dict[str, str]:
        """By URN what the engine says against a resource."""
        return {urn: " ".join(" ".join(texts).split()) for urn, texts in self._errors.items()}

    @property
    def unreached(self) -> dict[str, str]:
        """URN and reason of each declared resource that the run did not come to, because another failed."""
        failed = self._failed.keys() | self._errors.keys() | self._refused.keys()
        if not failed:
            return {}
        reason = "not reached: something before it failed"
        return {
            urn: reason
            for urn, node in sorted(self._nodes.items())
            if urn not in self._reached and urn not in failed and _is_told(node.type, node.custom)
        }

    def _begin(self, step: events.StepEventMetadata, *, planning: bool) -> None:
        op = _OPERATIONS.get(step.op.value)
        if op is not None and _is_told(step.type, _is_custom(step)):
            self.steps[step.urn] = op
        if op in (None, Op.SAME) or planning or not _is_told(step.type, _is_custom(step)):
            return
        self._started[step.urn] = self._monotonic()
        self._emit(EventKind.STARTED, op, step.urn, step.type)

    def _end(self, step: events.StepEventMetadata) -> None:
        op = _OPERATIONS.get(step.op.value)
        self._reached.add(step.urn)
        if not _is_told(step.type, _is_custom(step)):
            return
        seconds = self._seconds(step.urn)
        if step.op.value == _OLD_COPY:
            message = "the replaced copy is deleted"
            self._emit(EventKind.PROGRESS, Op.REPLACE, step.urn, step.type, seconds, message)
        elif op is Op.SAME:
            self.same += 1
        elif op is not None:
            recorded = self._recorded.get(step.urn)
            self.done.append(Outcome(op, step.urn, step.type, parse_urn(step.urn).name, seconds, recorded))
            kind = EventKind.DONE if recorded is None else EventKind.RECORDED
            self._emit(kind, op, step.urn, step.type, seconds, recorded or "")
            self._compare(step, op)

    def _compare(self, step: events.StepEventMetadata, op: Op) -> None:
        """What a refresh found; of an update this is what the update did, and nobody asks for it."""
        name = parse_urn(step.urn).name
        old, new = _inputs(step.old), _inputs(step.new)
        if op is Op.DELETE:
            self.drift.append(Drift(step.urn, step.type, name, gone=True))
            return
        changes = as_changes(differences(old, new))
        if changes:
            shown = as_changes(differences_to_read(old, new))
            self.drift.append(Drift(step.urn, step.type, name, False, changes, new, shown))

    def _fail(self, step: events.StepEventMetadata) -> None:
        op = _OPERATIONS.get(step.op.value, Op.DELETE if step.op.value == _OLD_COPY else Op.UPDATE)
        self._failed[step.urn] = op
        message = " ".join(self._errors.get(step.urn, ["it failed"]))
        self._emit(EventKind.FAILED, op, step.urn, step.type, self._seconds(step.urn), message)

    def _judge(self, said: events.PolicyEvent) -> None:
        """What a policy pack says: the first line describes its policy, the others are about the resource."""
        text = " ".join(_COLOUR.sub("", said.message).split("\n", 1)[-1].split())
        message, _, fix = text.partition(FIX)
        urn = said.resource_urn or ""
        node = self._nodes.get(urn)
        rule, _, detail = message.partition(": ")
        waiting = self._waiting.get((without_stack(urn), rule))
        refuses = said.enforcement_level == "mandatory"
        if waiting is not None and (refuses or detail == HOLDS):
            # The pack words a refusal as `diagnostic_of` does, which puts the resource before the detail.
            wrong = detail.partition(f"({waiting.resource.name}) ")[2]
            result = fail(wrong, waiting.result.path) if refuses else PASS
            self.decided.append(replace(waiting, result=result))
            if refuses:
                self._refused.setdefault(urn, [])
            return
        location, path = (node.source, node.component) if node is not None else (None, ())
        severity = Severity.ERROR if refuses else Severity.WARNING
        told = self._refused.setdefault(urn, []) if refuses else self.advice
        told.append(Diagnostic(VIOLATION, message, fix, location, path, severity))

    def _note(self, said: events.DiagnosticEvent) -> None:
        text = _COLOUR.sub("", said.message).strip()
        urn = said.urn or ""
        if text.startswith(RECORDED_ONLY):
            self._recorded[urn] = text.removeprefix(RECORDED_ONLY)
        elif said.severity == "error" and text.removeprefix("error: ") not in _SUMMARIES:
            if urn in self._nodes or (urn and not _is_stack(urn)):
                self._errors.setdefault(urn, []).append(text)
            else:
                self._general.append(text)

    def _failure(self, urn: str, op: Op | None) -> Diagnostic:
        parsed = parse_urn(urn)
        cause = " ".join(" ".join(self._errors.get(urn, ["the engine gave no reason"])).split())
        verb = f"{op.value} failed" if op is not None else "refused"
        hint = "correct the cause and run the command again; finished resources are kept"
        text = f"{parsed.type} {parsed.name}: {verb}: {cause}"
        node = self._nodes.get(urn)
        if node is None:
            return Diagnostic(RESOURCE_FAILED, text, hint)
        return Diagnostic(RESOURCE_FAILED, text, hint, node.source, node.component)

    def _seconds(self, urn: str) -> float:
        started = self._started.pop(urn, None)
        return self._monotonic() - started if started is not None else 0.0

    def _emit(
        self, kind: EventKind, op: Op | None, urn: str, type: str, seconds: float = 0.0, message: str = ""
    ) -> None:
        self._on_event(Event(kind, op, urn, type, parse_urn(urn).name, seconds, message))


def nodes_by_urn(stack: Stack) -> dict[str, Node]:
    """Every node of a stack by its URN."""
    index = {node.key: node for node in stack.nodes}
    return {stack.urn(node, index): node for node in stack.nodes}


def _is_told(type: str, custom: bool) -> bool:
    """Whether a display counts it: components, providers, stacks and stack references are the engine's own affair."""
    return custom and not type.startswith("pulumi:")


def _is_custom(step: events.StepEventMetadata) -> bool:
    state = step.new or step.old
    return bool(state and state.custom)


def _is_stack(urn: str) -> bool:
    return parse_urn(urn).type == "pulumi:pulumi:Stack"


def _inputs(state: events.StepEventStateMetadata | None) -> Mapping[str, Any]:
    inputs = state.inputs if state is not None else None
    return {name: value for name, value in (inputs or {}).items() if name != "__defaults"}
