"""A plan as a file: what was reviewed, and everything that it depends on, so that nothing else can be applied.

An apply makes the plan anew from the configuration and the state of that moment, and compares: a file can therefore
only refuse operations, never bring in one that configuration and state do not ask for. The checksum finds damage; who
may write the file is for the pipeline to say.

No secret is in it: values are masked as in every preview, and the hash that covers the configuration's secrets is a
slow one over the whole graph (scrypt, https://www.rfc-editor.org/rfc/rfc7914), so that a short secret cannot be guessed
from it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError, Location, Severity, format_path
from mlops_iac.graph.evaluate import UNKNOWN, SecretValue, compact_json
from mlops_iac.graph.forms.json_form import graph_json
from mlops_iac.graph.nodes import LAYERS, Graph, Layer, layer_of
from mlops_iac.plan.drift import Danger, DriftFinding, Observed
from mlops_iac.plan.model import Change, Op, Plan
from mlops_iac.plan.paths import parse_property
from mlops_iac.state.snapshot import ResourceState, Snapshot

BAD_PLAN: Final = "MI6010"
"""A plan file is damaged, edited, cut off, or no plan."""
OTHER_TOOL: Final = "MI6011"
"""A plan was saved by another version."""
NOT_THIS_SYSTEM: Final = "MI6012"
"""A plan is for another system, environment or engine."""
CONFIGURATION_MOVED: Final = "MI6013"
"""The configuration is not as it was when the plan was saved."""
STATE_MOVED: Final = "MI6014"
"""The state is not as it was when the plan was saved."""
PLAN_REFUSED: Final = "MI6015"
"""A policy or a gate had refused the plan when it was saved."""
DRIFTED: Final = "MI6017"
"""What a plan would touch is not as the state says that it was made with."""
NOT_LOOKED: Final = "MI6018"
"""Whether what a plan would touch is as the state says cannot be found out."""

VERSION: Final = 1
SALT_BYTES: Final = 16
_DIGITS: Final = 16
"""Hexadecimal digits of the hashes that only say what moved."""
_MOST_NAMED: Final = 10
_AGAIN: Final = "preview again, have it reviewed, and apply the new plan"
_SCRYPT: Final = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}


@dataclass(frozen=True, slots=True)
class Making:
    """How a plan came about: ``at`` is a UTC time, ``by`` user and host, ``tool`` our version.

    ``commit`` is the commit of the system's folder, None outside git; ``clean`` whether nothing else was changed in it.
    """

    at: str
    by: str
    tool: str
    commit: str | None = None
    clean: bool = True


@dataclass(frozen=True, slots=True)
class StateMark:
    """Which state of a stack a plan is for: its serial where the engine counts, and a hash of each resource."""

    stack: str
    serial: int
    resources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan that was read back. ``source`` is where from, for messages.

    ``components`` has a hash for each configuration path, ``graph`` the salted hash of everything. ``preview`` is the
    document that ``preview --format json`` prints, ``reports`` what people read of it, as ``text`` and ``markdown``;
    ``engine_plans`` is what the engine itself made, by layer.
    """

    source: str
    making: Making
    system: str
    environment: str
    engine: str
    layers: tuple[Layer, ...]
    overrides: tuple[str, ...]
    salt: str
    graph: str
    components: Mapping[str, str]
    states: Mapping[str, StateMark]
    refused: bool
    policies: tuple[Mapping[str, Any], ...]
    preview: Mapping[str, Any]
    reports: Mapping[str, str]
    engine_plans: Mapping[str, Any] = field(default_factory=dict)

    def operations(self) -> dict[str, Mapping[str, Any]]:
        """Every planned change by URN, in the form of the preview document."""
        return {change["urn"]: change for stack in self.preview["stacks"] for change in stack["changes"]}


def plan_document(
    graph: Graph,
    snapshots: Mapping[str, Snapshot],
    preview: Mapping[str, Any],
    reports: Mapping[str, str],
    *,
    making: Making,
    engine: str,
    layers: Iterable[Layer],
    overrides: Iterable[str],
    refused: bool,
    policies: Iterable[Mapping[str, Any]],
    salt: bytes,
    engine_plans: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The content of a plan file; ``schemas/plan.schema.json`` documents it."""
    document = {
        "version": VERSION,
        "kind": "plan",
        "tool": making.tool,
        "created": {"at": making.at, "by": making.by},
        "commit": {"id": making.commit, "clean": making.clean} if making.commit is not None else None,
        "system": graph.system,
        "environment": graph.environment,
        "engine": engine,
        "layers": list(layers),
        "overrides": list(overrides),
        "configuration": {
            "salt": salt.hex(),
            "hash": _graph_hash(graph, salt),
            "components": _component_hashes(graph),
        },
        "states": {project: _mark_json(mark) for project, mark in state_marks(snapshots).items()},
        "refused": refused,
        "policies": list(policies),
        "preview": preview,
        "reports": reports,
        "enginePlans": engine_plans or {},
    }
    return {**document, "checksum": _checksum(document)}


def read_plan(text: str, source: str, tool: str) -> SavedPlan:
    """The plan in a file's text. Raises ``DiagnosticsError`` when it is not whole or not of this version."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        place = Location(source, error.lineno, error.colno) if isinstance(error, json.JSONDecodeError) else None
        raise _failure(BAD_PLAN, f"{source} is not whole JSON: {error}", "save the plan again", place) from error
    if not isinstance(document, dict) or document.get("kind") != "plan":
        hint = "`mlops-iac preview --save-plan FILE` writes one"
        raise _failure(BAD_PLAN, f"{source} is JSON, but no saved plan", hint)
    made_by = document.get("tool")
    if document.get("version") != VERSION or made_by != tool:
        text = f"{source} was saved by mlops-iac {made_by}, and this is {tool}: they may plan differently"
        raise _failure(OTHER_TOOL, text, "save the plan again with this version, or apply it with that one")
    if document.get("checksum") != _checksum(document):
        text = f"{source} is not what was saved: its checksum does not match"
        raise _failure(BAD_PLAN, text, "it was damaged or edited; save the plan again")
    try:
        return _read(document, source)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        text = f"{source} does not have the shape of a plan: {type(error).__name__}: {error}"
        raise _failure(BAD_PLAN, text, "save the plan again") from error


def belongs_problems(saved: SavedPlan, graph: Graph, engine: str) -> tuple[Diagnostic, ...]:
    """Why a plan is not for this system, environment or engine."""
    planned = (saved.system, saved.environment, saved.engine)
    here = (graph.system, graph.environment, engine)
    return tuple(
        Diagnostic(NOT_THIS_SYSTEM, f"{saved.source} is a plan for the {what} {one}, not {other}", hint)
        for what, one, other, hint in zip(
            ("system", "environment", "engine"),
            planned,
            here,
            ("name the folder of that system with -C", f"a plan carries env={saved.environment}", "choose --engine"),
            strict=True,
        )
        if one != other
    )


def configuration_problems(saved: SavedPlan, graph: Graph) -> tuple[Diagnostic, ...]:
    """What of the configuration is not as it was when the plan was saved, at the places where it is declared."""
    now = _component_hashes(graph)
    if now == saved.components:
        if _graph_hash(graph, bytes.fromhex(saved.salt)) == saved.graph:
            return ()
        text = f"a secret of the configuration is another than when {saved.source} was saved"
        return (Diagnostic(CONFIGURATION_MOVED, text, _AGAIN),)
    places = {format_path(node.component): (node.source, node.component) for node in graph.nodes()}
    found = []
    for name in sorted({*now, *saved.components}):
        before, after = saved.components.get(name), now.get(name)
        if before != after:
            verb = "was added" if before is None else "was removed" if after is None else "changed"
            source, path = places.get(name, (None, ()))
            text = f"{name or 'the system'} {verb} after {saved.source} was saved"
            found.append(Diagnostic(CONFIGURATION_MOVED, text, _AGAIN, source, path))
    return tuple(found)


def state_problems(saved: SavedPlan, snapshots: Mapping[str, Snapshot]) -> tuple[Diagnostic, ...]:
    """What of the state is not as it was when the plan was saved, one diagnostic a stack.

    Layers that the plan does not cover count too: it was made with what they export.
    """
    now = state_marks(snapshots)
    found = []
    for project in sorted({*now, *saved.states}):
        before = saved.states.get(project, StateMark("", 0))
        after = now.get(project, StateMark("", 0))
        if before == after:
            continue
        moved = sorted(
            _named(urn, before.resources, after.resources)
            for urn in {*before.resources, *after.resources}
            if before.resources.get(urn) != after.resources.get(urn)
        )
        serials = f": it was state {before.serial}, and is {after.serial}" if before.serial != after.serial else ""
        shown = [*moved[:_MOST_NAMED], *([f"and {len(moved) - _MOST_NAMED} more"] if len(moved) > _MOST_NAMED else [])]
        what = f" ({', '.join(shown)})" if shown else ""
        name = layer_of(project) or project
        text = f"the state of {name} moved after {saved.source} was saved{serials}{what}"
        found.append(Diagnostic(STATE_MOVED, text, _AGAIN))
    return tuple(found)


def operation_problems(saved: SavedPlan, preview: Mapping[str, Any]) -> tuple[Diagnostic, ...]:
    """Operations that a plan made now has otherwise than the saved one, with the same configuration and state."""
    planned = saved.operations()
    now = {change["urn"]: change for stack in preview["stacks"] for change in stack["changes"]}
    differing = [urn for urn in sorted({*planned, *now}) if _essence(planned.get(urn)) != _essence(now.get(urn))]
    if not differing:
        return ()
    names = ", ".join(urn.rpartition("::")[2] for urn in differing[:_MOST_NAMED])
    text = f"{saved.source} does not hold what would be done now: {names}"
    return (Diagnostic(CONFIGURATION_MOVED, text, _AGAIN),)


def refusal_problems(saved: SavedPlan) -> tuple[Diagnostic, ...]:
    """That a policy or a gate had refused the plan when it was saved."""
    if not saved.refused:
        return ()
    text = f"{saved.source} was refused by a policy or a gate when it was saved"
    return (Diagnostic(PLAN_REFUSED, text, f"`mlops-iac plan show {saved.source}` says by which"),)


def touched(plan: Plan) -> dict[str, Change]:
    """What of the state an apply of ``plan`` would touch in the target, by the URN that the state has.

    What is created is not there yet; what stays, and what is only forgotten, is left alone whatever it is like.
    """
    return {
        change.old_urn or change.urn: change
        for stack in plan.stacks
        for change in stack.changes
        if change.exists_outside
        and (change.op in (Op.UPDATE, Op.REPLACE) or (change.op is Op.DELETE and not change.retain))
    }


def drift_problems(
    saved: SavedPlan, changes: Mapping[str, Change], found: Iterable[DriftFinding], commands: tuple[str, str]
) -> tuple[Diagnostic, ...]:
    """What of ``changes`` was changed by hand since the state was written, at the places where it is declared.

    A harmless drift of other properties than an update sets does not count: autoscalers would make every plan stale.
    ``commands`` are what the user types to see the drift, and to take it into the state.
    """
    look, refresh = commands
    hint = (
        f"`{look}` shows it whole. Put it back, and the plan fits again; or take it into the state with `{refresh}`, "
        "preview again, have it reviewed, and apply the new plan"
    )
    return tuple(
        Diagnostic(
            DRIFTED,
            f"{each.observed.type} {each.observed.name}, which {saved.source} would {change.op}, is not as the state "
            f"says any more: {_drifted(each.observed)}",
            hint,
            change.source,
            change.component,
        )
        for each in found
        if (change := changes.get(each.observed.urn)) is not None and not _lets_be(change, each)
    )


def _lets_be(change: Change, drift: DriftFinding) -> bool:
    """Whether an update leaves a harmless drift as it is."""
    planned, differing = ({_root(item.path) for item in diff} for diff in (change.diff, drift.observed.diff))
    harmless = drift.danger is Danger.HARMLESS and not drift.observed.gone
    return harmless and change.op is Op.UPDATE and not planned & differing


def _drifted(observed: Observed) -> str:
    if observed.gone:
        return "it is gone"
    names = sorted({_root(item.path) for item in observed.diff})
    return f"{', '.join(names)} {'differs' if len(names) == 1 else 'differ'}"


def _root(path: str) -> str:
    return str(parse_property(path)[0])


def state_marks(snapshots: Mapping[str, Snapshot]) -> dict[str, StateMark]:
    """The mark of each state by project."""
    return {
        project: StateMark(
            snapshot.stack,
            snapshot.serial,
            {_copy_name(resource): _short(_resource_data(resource)) for resource in snapshot.resources}
            | {f"pending {item.type} {item.resource.urn}": "" for item in snapshot.pending}
            | ({"outputs": _short(_masked(snapshot.outputs))} if snapshot.outputs else {}),
        )
        for project, snapshot in sorted(snapshots.items())
    }


def _read(document: Mapping[str, Any], source: str) -> SavedPlan:
    commit = document["commit"]
    created, configuration = document["created"], document["configuration"]
    return SavedPlan(
        source=source,
        making=Making(
            created["at"],
            created["by"],
            document["tool"],
            commit["id"] if commit is not None else None,
            commit["clean"] if commit is not None else True,
        ),
        system=document["system"],
        environment=document["environment"],
        engine=document["engine"],
        layers=tuple(layer for layer in LAYERS if layer in document["layers"]),
        overrides=tuple(document["overrides"]),
        salt=configuration["salt"],
        graph=configuration["hash"],
        components=configuration["components"],
        states={
            project: StateMark(mark["stack"], mark["serial"], mark["resources"])
            for project, mark in document["states"].items()
        },
        refused=document["refused"],
        policies=tuple(document["policies"]),
        preview=document["preview"],
        reports=document["reports"],
        engine_plans=document["enginePlans"],
    )


def _mark_json(mark: StateMark) -> dict[str, Any]:
    return {"stack": mark.stack, "serial": mark.serial, "resources": dict(mark.resources)}


def _graph_hash(graph: Graph, salt: bytes) -> str:
    text = compact_json([_placeless(graph_json(stack, secrets=True)) for stack in graph.stacks])
    return hashlib.scrypt(text.encode(), salt=salt, **_SCRYPT).hex()


def _component_hashes(graph: Graph) -> dict[str, str]:
    """A hash for each configuration path of what is built from it; what a layer exports is under its own name."""
    built: dict[str, list[Any]] = {}
    for stack in graph.stacks:
        data = _placeless(graph_json(stack))
        for node, described in zip(stack.nodes, data["nodes"], strict=True):
            built.setdefault(format_path(node.component), []).append(described)
        built[f"outputs of {stack.layer}"] = [data["outputs"]]
    return {name: _short(parts) for name, parts in sorted(built.items())}


def _placeless(data: dict[str, Any]) -> dict[str, Any]:
    """The graph of a layer without the places where it is written: a comment above moves nothing."""
    return {**data, "nodes": [{key: node[key] for key in node if key != "source"} for node in data["nodes"]]}


def _copy_name(resource: ResourceState) -> str:
    return f"{resource.urn} (old copy {resource.id})" if resource.delete else resource.urn


def _resource_data(resource: ResourceState) -> Any:
    return _masked({name: getattr(resource, name) for name in ResourceState.__slots__})


def _masked(value: Any) -> Any:
    if isinstance(value, SecretValue):
        return "[secret]"
    if value is UNKNOWN:
        return "[unknown]"
    if isinstance(value, Mapping):
        return {key: _masked(item) for key, item in value.items()}
    return [_masked(item) for item in value] if isinstance(value, list | tuple) else value


def _named(urn: str, before: Mapping[str, str], after: Mapping[str, str]) -> str:
    verb = "added" if urn not in before else "removed" if urn not in after else "changed"
    return f"{urn.rpartition('::')[2]} {verb}"


def _essence(change: Mapping[str, Any] | None) -> Any:
    """What a change does, without where it is declared."""
    if change is None or (change["op"] == Op.SAME and not change.get("oldUrn")):
        return None
    return {key: value for key, value in change.items() if key not in ("source", "component")}


def _short(data: Any) -> str:
    return hashlib.sha256(compact_json(data).encode()).hexdigest()[:_DIGITS]


def _checksum(document: Mapping[str, Any]) -> str:
    content = {key: value for key, value in document.items() if key != "checksum"}
    return f"sha256:{hashlib.sha256(compact_json(content).encode()).hexdigest()}"


def _failure(code: str, message: str, hint: str, place: Location | None = None) -> DiagnosticsError:
    return DiagnosticsError([Diagnostic(code, message, hint, place, severity=Severity.ERROR)])
