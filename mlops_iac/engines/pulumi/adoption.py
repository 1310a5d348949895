"""What the engine's preview of an import says: what was read, and what the next update would change on it.

A layer's program adopts resources through Pulumi's ``import`` option, so that parents, providers and dependencies are
those of the program; a targeted update leaves everything else alone.
Sources: https://www.pulumi.com/docs/iac/concepts/options/import/,
https://github.com/pulumi/pulumi/blob/master/pkg/resource/deploy/step.go (``ImportStep``)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from pulumi.automation import events

from mlops_iac.diagnostics import Diagnostic
from mlops_iac.engines.pulumi.plugin_server import UNKNOWN_TEXT
from mlops_iac.engines.pulumi.update_log import UpdateLog, nodes_by_urn
from mlops_iac.graph.evaluate import UNKNOWN, SecretValue
from mlops_iac.graph.nodes import Node, Stack
from mlops_iac.plan.adoption import NOT_FOUND, NOT_READY, Adopted, Adoption, Wanted, with_ancestors
from mlops_iac.plan.compare import differences_to_read
from mlops_iac.plan.model import Kind, PropertyChange
from mlops_iac.plan.paths import format_property, parse_property
from mlops_iac.state.checkpoint import SECRET_SIGNATURE, STACK_TYPE

ADOPTION_VARIABLE: Final = "MLOPS_IAC_ADOPT"
"""Environment variable that tells a layer's program what to adopt."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a layer's program is to adopt: ids by ``type::name``. ``as_it_is`` keeps whatever differs from the program.

    While it adopts, the program takes an output of another stack that is not there yet as ``foreseen`` (by layer and
    name), else as unknown.
    """

    ids: Mapping[str, str]
    as_it_is: bool = False
    foreseen: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, wanted: Iterable[Wanted], foreseen: Mapping[str, Mapping[str, Any]], *, as_it_is: bool = False
    ) -> Order:
        """The order to adopt those."""
        return cls({_key(item.node): item.id for item in wanted}, as_it_is, foreseen)

    @classmethod
    def read(cls, text: str | None) -> Order | None:
        """The order in ``ADOPTION_VARIABLE``."""
        return cls(**json.loads(text)) if text else None

    def write(self) -> dict[str, str]:
        """The environment that tells it."""
        return {ADOPTION_VARIABLE: json.dumps(asdict(self))}

    def id_of(self, node: Node) -> str | None:
        """The id by which a node is adopted, None for others."""
        return self.ids.get(_key(node))


class AdoptionLog:
    """Call it with each event of a preview; ``adoption`` says what it came to.

    ``outputs`` are those that the stack then exports, but for secrets and what is not known yet.
    """

    def __init__(self, stack: Stack, wanted: Iterable[Wanted]) -> None:
        self.outputs: dict[str, Any] = {}
        self._log = UpdateLog(stack, lambda event: None)
        self._wanted = {item.urn: item for item in wanted}
        self._read: dict[str, str] = {}
        self._changes: dict[str, tuple[tuple[PropertyChange, ...], tuple[str, ...]]] = {}

    def __call__(self, event: events.EngineEvent) -> None:
        """Take one event in."""
        self._log(event)
        step = event.resource_pre_event or event.res_outputs_event
        if step is None:
            return
        about = step.metadata
        if about.type == STACK_TYPE and about.new is not None:
            self.outputs = {name: value for name, value in (about.new.outputs or {}).items() if _is_said(value)}
        if about.urn not in self._wanted:
            return
        if about.op.value.startswith("import"):
            self._read[about.urn] = str(about.new.id if about.new is not None and about.new.id else "")
        elif about.op.value in ("update", "replace", "create-replacement"):
            self._changes[about.urn] = _changed(about)

    def adoption(self, known: Iterable[Wanted], failure: Diagnostic | None) -> Adoption:
        """What was read; ``failure`` is what the engine says where it failed as a whole."""
        said = {urn: text for urn, text in self._log.said.items() if urn in self._wanted}
        hint = "nothing was recorded; correct the id"
        failures = [self._wanted[urn].diagnostic(NOT_FOUND, _cause(text), hint) for urn, text in said.items()]
        if not failures and failure is not None:
            failures += self._log.failures or (failure,)
        if not failures:
            text = "the engine cannot read it before what it refers to is in the state"
            missing = [item for urn, item in self._wanted.items() if urn not in self._read]
            failures += [item.diagnostic(NOT_READY, text, "adopt or apply that first") for item in missing]
        if failures:
            return Adoption((), tuple(known), tuple(failures))
        adopted = []
        for urn, id in self._read.items():
            diff, replaced = self._changes.get(urn, ((), ()))
            adopted.append(Adopted(self._wanted[urn], id or self._wanted[urn].id, diff, replaced))
        order = list(self._wanted)
        return Adoption(tuple(sorted(adopted, key=lambda item: order.index(item.wanted.urn))), tuple(known))


def targets(stack: Stack, wanted: Iterable[Wanted]) -> list[str]:
    """The URNs that an update is limited to: those, and the components that they belong to."""
    needed = with_ancestors(stack, [item.node for item in wanted])
    return [urn for urn, node in nodes_by_urn(stack).items() if node.key in needed]


def _cause(text: str) -> str:
    """What the engine says, without what it says every time."""
    return text.removeprefix("Preview failed: ")


def _key(node: Node) -> str:
    return f"{node.type}::{node.name}"


def _changed(step: events.StepEventMetadata) -> tuple[tuple[PropertyChange, ...], tuple[str, ...]]:
    """What the provider calls different, and what of it replaces."""
    old, new = _inputs(step.old), _inputs(step.new)
    replacing = {str(name) for name in step.keys or ()}
    told = {str(name) for name in step.diffs or ()}
    for path, detail in (step.detailed_diff or {}).items():
        top = str(parse_property(path)[0])
        told.add(top)
        if detail.diff_kind.value.endswith("replace"):
            replacing.add(top)
    found = [
        PropertyChange(format_property(item.path), item.kind, item.old, item.new, str(item.path[0]) in replacing)
        for item in differences_to_read(old, new)
        if not told or item.path[0] in told
    ]
    # An event shows every secret alike, so that one which differs can only be named.
    seen = {str(parse_property(change.path)[0]) for change in found}
    hidden = SecretValue(UNKNOWN)
    found += [PropertyChange(name, Kind.UPDATE, hidden, hidden, name in replacing) for name in sorted(told - seen)]
    return tuple(found), tuple(sorted(replacing))


def _inputs(state: events.StepEventStateMetadata | None) -> dict[str, Any]:
    inputs = state.inputs if state is not None else None
    found: dict[str, Any] = _known(dict(inputs or {}))
    return found


def _is_said(value: Any) -> bool:
    """Whether an event has all of a value: what is unknown or secret it only marks."""
    text = json.dumps(value)
    return UNKNOWN_TEXT not in text and SECRET_SIGNATURE not in text


def _known(value: Any) -> Any:
    if value == UNKNOWN_TEXT:
        return UNKNOWN
    if isinstance(value, Mapping):
        return {key: _known(item) for key, item in value.items()}
    return [_known(item) for item in value] if isinstance(value, list) else value
