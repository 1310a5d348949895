"""Checks for the tests of a package that offers components or policies: what this package's own are held to.

The package must be installed, an editable install included, so that its entry points are found::

    from mlops_iac.testing import check_component, check_policy

    def test_component() -> None:
        check_component(COMPONENT)

    def test_policy() -> None:
        check_policy(POLICY)

Each raises ``AssertionError`` with what is missing.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from msgspec import inspect

from mlops_iac.components.component import Component, Example
from mlops_iac.components.registry import registry
from mlops_iac.diagnostics import DiagnosticsError, format_path
from mlops_iac.graph.forms.json_form import graph_json
from mlops_iac.pipeline import PHASES, Run, request_at, run_phases
from mlops_iac.plan.deployed import snapshot_of_graph
from mlops_iac.plan.diff import plan_graph
from mlops_iac.plan.model import Op
from mlops_iac.policies.policy import Policy, StackView, Verdict
from mlops_iac.policies.registry import policies
from mlops_iac.spec.references import references_of, resolve
from mlops_iac.spec.schema import schema_document
from mlops_iac.spec.system import Instance, System

PACKS = ("aws-baseline", "kubernetes-baseline")
"""The policy packs that every component passes with what its examples leave open."""

_TODAY = "2026-01-01"
_SYSTEM = {
    "defaults": [{"env": "prod"}, {"security": "baseline"}, "_self_"],
    "system": {
        "name": "sample",
        "owner": "ml@example.com",
        "purpose": "tries a component",
        "tags": {"cost-center": "1"},
    },
    "cloud": {"region": "eu-west-1", "account": "111122223333"},
}


def check_component(component: Component[Any, Any], packs: Iterable[str] = PACKS) -> None:
    """A component is found, documented, and each of its examples works.

    An example validates, fits the editor's schema, compiles twice to the same bytes, adds only resources that are
    named after the component and fit their provider types, and breaks no mandatory policy of ``packs`` in ``prod``.
    What it deploys stays as it is when a component of the example is renamed with ``was``.
    """
    name = f"{component.kind}.{component.backend}" if component.backend else component.kind
    found = registry().kinds.get(component.kind, {}).get(component.backend)
    assert found is component, f"no entry point offers {name}: is the package installed?"
    undocumented = sorted(set(_undocumented(inspect.type_info(component.spec), set())))
    assert not undocumented, f"{name}: no help text for {', '.join(undocumented)}"
    assert component.examples, f"{name} has no example"
    for example in component.examples:
        _check_example(component, example, tuple(packs))


def check_renames(root: Path, overrides: tuple[str, ...] = ()) -> int:
    """Renaming any component of the system in ``root`` with ``was`` changes nothing of what is deployed.

    Tried one by one: the component and what refers to it are renamed, and the result is planned against the system as
    it was, each layer beside the others as they are deployed. Answers how many components were tried.
    """
    run = run_phases(request_at(root, overrides, _TODAY), until="compile")
    composition, system, graph = run.composition, run.system, run.graph
    assert composition is not None and system is not None and graph is not None
    deployed = snapshot_of_graph(graph)
    tried = 0
    for instance in system.instances:
        if not instance.component.many:
            continue
        tried += 1
        data = _renamed(composition.data, system, instance, f"new-{instance.name}"[:40].rstrip("-"))
        renamed = replace(run, composition=replace(composition, data=data, sources={}))
        for phase in PHASES[1:]:
            renamed = replace(
                renamed, **{key: made for key, made in phase.make(renamed).items() if key != "diagnostics"}
            )
            if phase.name == "compile":
                break
        assert renamed.graph is not None
        for stack in renamed.graph.stacks:
            plan = plan_graph(renamed.graph, deployed, "", only=(stack.layer,))
            moved = [change for each in plan.stacks for change in each.changes if change.op is not Op.SAME]
            told = "; ".join(f"{each.op} {each.name} {[item.path for item in each.diff]}" for each in moved)
            assert not moved, f"renaming {format_path(instance.path)} touches {stack.layer}: {told}"
    return tried


def check_policy(policy: Policy) -> None:
    """A policy is found, explains itself, and its samples show it failing, passing and not applying."""
    assert policies().get(policy.id) is policy, f"no entry point offers {policy.id!r}: is the package installed?"
    for field in ("title", "why", "fix", "source_url"):
        assert getattr(policy, field), f"{policy.id} has no {field}"
    for index, sample in enumerate(policy.samples):
        verdict = policy.check(sample.resources[0], StackView(sample.resources, sample.system)).verdict
        assert verdict is sample.verdict, f"{policy.id}: sample {index} is {verdict}, not {sample.verdict}"
    shown = {sample.verdict for sample in policy.samples}
    missing = {Verdict.PASS, Verdict.FAIL, Verdict.NOT_APPLICABLE} - shown
    assert not missing, f"{policy.id} has no sample that is {', '.join(sorted(missing))}"


def _check_example(component: Component[Any, Any], example: Example, packs: tuple[str, ...]) -> None:
    where = f"{component.kind} example {example.title!r}"
    with TemporaryDirectory() as folder:
        try:
            first, second = (_run(Path(folder), component, example, packs) for _ in range(2))
        except DiagnosticsError as error:
            raise AssertionError(f"{where}: {error}") from error
        check_renames(Path(folder))
    _fits_schema(where, first)
    texts = [json.dumps([graph_json(stack) for stack in run.graph.stacks]) for run in (first, second) if run.graph]
    assert texts[0] == texts[1], f"{where} compiles to other bytes the second time"
    built = list(first.system.of_kind(component.kind)) if first.system else []
    assert component in [instance.component for instance in built], f"{where} does not build this back end"
    for node in first.graph.nodes() if first.graph else ():
        if node.component[:1] == (component.kind,) and not node.type.startswith("pulumi:"):
            owner = str(node.component[-1])
            assert node.name.partition(".")[0] == owner, f"{where}: {node.name} is not named after {owner}"
    broken = [f for f in first.findings if f.stops and f.resource.component[:1] == (component.kind,)]
    told = "; ".join(f"{f.policy.id}: {f.resource.name} {f.result.detail}" for f in broken)
    assert not broken, f"{where} breaks mandatory policies: {told}"


def _run(folder: Path, component: Component[Any, Any], example: Example, packs: tuple[str, ...]) -> Run:
    sections = {"policies": {"packs": list(packs)}, **example.system, component.kind: example.values}
    for name, text in example.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    # JSON is YAML: what an example says as Python data needs no other writer.
    text = json.dumps(msgspec.to_builtins({**_SYSTEM, **sections}), indent=1)
    (folder / "system.yaml").write_text(text, encoding="utf-8")
    return run_phases(request_at(folder, today=_TODAY), until="check")


def _renamed(data: Mapping[str, Any], system: System, instance: Instance, name: str) -> dict[str, Any]:
    """The configuration with another name for ``instance``, there and wherever it is referred to."""
    made: dict[str, Any] = copy.deepcopy(dict(data))
    targets = [each for other in system.instances for each in references_of(other) if resolve(system, each) is instance]
    for reference in sorted(targets, key=lambda each: each.is_key):
        holder: Any = made
        for step in reference.path[:-1]:
            holder = holder[step]
        if reference.is_key:
            items = [(name if key == reference.name else key, value) for key, value in holder.items()]
            holder.clear()
            holder.update(items)
        else:
            holder[reference.path[-1]] = name
    section = made[instance.kind]
    # Texts of its own that begin with its name, such as those of its alarms, are made of it.
    own = _with_texts(section[instance.name], lambda text: re.sub(rf"^{re.escape(instance.name)}-", f"{name}-", text))
    renamed = {**(own or {}), "was": instance.name}
    items = section.items()
    made[instance.kind] = dict((name, renamed) if key == instance.name else (key, value) for key, value in items)
    return made


def _with_texts(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _with_texts(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_texts(item, change) for item in value]
    return change(value) if isinstance(value, str) else value


def _fits_schema(where: str, run: Run) -> None:
    from jsonschema import Draft202012Validator

    data = run.composition.data if run.composition is not None else {}
    errors = [error.message for error in Draft202012Validator(schema_document()).iter_errors(data)]
    assert not errors, f"{where} does not fit the schema: {errors[0]}"


def _undocumented(type_: inspect.Type, seen: set[type[Any]]) -> Iterator[str]:
    match type_:
        case inspect.Metadata():
            yield from _undocumented(type_.type, seen)
        case inspect.StructType() if type_.cls not in seen:
            seen.add(type_.cls)
            if not type_.cls.__doc__:
                yield type_.cls.__name__
            for field in type_.fields:
                if not _described(field.type):
                    yield f"{type_.cls.__name__}.{field.encode_name}"
                yield from _undocumented(field.type, seen)
        case inspect.UnionType():
            for member in type_.types:
                yield from _undocumented(member, seen)
        case inspect.DictType():
            yield from _undocumented(type_.value_type, seen)
        case inspect.ListType() | inspect.VarTupleType():
            yield from _undocumented(type_.item_type, seen)


def _described(type_: inspect.Type) -> bool:
    if isinstance(type_, inspect.Metadata):
        return bool((type_.extra_json_schema or {}).get("description")) or _described(type_.type)
    return isinstance(type_, inspect.UnionType) and any(map(_described, type_.types))
