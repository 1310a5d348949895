"""What every registered component must have; nothing here names one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from msgspec import inspect

from mlops_iac.components.component import Component, Example
from mlops_iac.components.registry import registry
from mlops_iac.compose.composition import Composition
from mlops_iac.spec.base import Spec
from mlops_iac.spec.load import load
from mlops_iac.spec.references import build_order, references_of, resolve
from mlops_iac.spec.schema import check_schemas, schema_document
from mlops_iac.spec.system import Core
from mlops_iac.testing import check_component
from mlops_iac.validate import validate
from mlops_iac.validate.planned import PLANNED

Compose = Callable[[str], Composition]

COMPONENTS = [
    pytest.param(component, id=f"{component.kind}-{component.backend or 'only'}")
    for component in registry().components()
]
EXAMPLES = [
    pytest.param(component, example, id=f"{component.kind}-{component.backend or 'only'}-{index}")
    for component in registry().components()
    for index, example in enumerate(component.examples)
]
MEASURES = re.compile(
    r"(^|_)(age|bandwidth|capacity|cooldown|delay|disk|duration|interval|latency|memory|period|retention|runtime"
    r"|size|storage|timeout|ttl|volume|wait|width|window)(_|$)"
)
"""Names of numbers that mean nothing without a unit."""


def structs_in(type_: inspect.Type, seen: set[type]) -> Iterator[inspect.StructType]:
    """Every spec that a value of ``type_`` may hold, itself included, each once."""
    match type_:
        case inspect.Metadata():
            yield from structs_in(type_.type, seen)
        case inspect.StructType() if type_.cls not in seen:
            seen.add(type_.cls)
            yield type_
            for field in type_.fields:
                yield from structs_in(field.type, seen)
        case inspect.UnionType():
            for member in type_.types:
                yield from structs_in(member, seen)
        case inspect.DictType():
            yield from structs_in(type_.value_type, seen)
        case inspect.ListType() | inspect.VarTupleType():
            yield from structs_in(type_.item_type, seen)


def fields_of(spec: type[Spec]) -> Iterator[tuple[str, inspect.Field]]:
    for struct in structs_in(inspect.type_info(spec), set()):
        for field in struct.fields:
            yield f"{struct.cls.__name__}.{field.encode_name}", field


def annotations(type_: inspect.Type) -> dict[str, Any]:
    """What the field itself says, or the only alternative to null."""
    if isinstance(type_, inspect.Metadata):
        return {**annotations(type_.type), **(type_.extra_json_schema or {})}
    if isinstance(type_, inspect.UnionType):
        members = [member for member in type_.types if not isinstance(member, inspect.NoneType)]
        return annotations(members[0]) if len(members) == 1 else {}
    return {}


def holds_number(type_: inspect.Type) -> bool:
    if isinstance(type_, inspect.Metadata):
        return holds_number(type_.type)
    if isinstance(type_, inspect.UnionType):
        return any(holds_number(member) for member in type_.types)
    return isinstance(type_, inspect.IntType | inspect.FloatType)


def system_of(component: Component[Any, Any], example: Example, core: Composition) -> Composition:
    plain: Mapping[str, Any] = msgspec.to_builtins({**example.system, component.kind: example.values})
    return Composition(Path(), {**core.data, **plain}, {}, {}, {})


SPECS = [pytest.param(Core, id="core"), *(pytest.param(c.values[0].spec, id=c.id) for c in COMPONENTS)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("spec", SPECS)
def test_every_field_has_help(spec: type[Spec]) -> None:
    silent = [name for name, field in fields_of(spec) if not annotations(field.type).get("description")]
    assert silent == []


@pytest.mark.parametrize("spec", SPECS)
def test_every_spec_says_what_it_is(spec: type[Spec]) -> None:
    structs = structs_in(inspect.type_info(spec), set())
    assert [struct.cls.__name__ for struct in structs if not struct.cls.__doc__] == []


@pytest.mark.parametrize("spec", SPECS)
def test_every_number_that_measures_something_has_a_unit(spec: type[Spec]) -> None:
    unclear = [
        name
        for name, field in fields_of(spec)
        if holds_number(field.type) and MEASURES.search(field.encode_name) and "x-unit" not in annotations(field.type)
    ]
    assert unclear == []


@pytest.mark.parametrize("spec", SPECS)
def test_every_reference_is_to_a_kind_of_the_plan(spec: type[Spec]) -> None:
    kinds = {
        kind
        for _, field in fields_of(spec)
        for kind in str(annotations(field.type).get("x-reference", "")).split("|")
        if kind
    }
    assert kinds <= {*PLANNED, *registry().kinds}


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_component_keeps_to_what_other_packages_are_held_to(component: Component[Any, Any]) -> None:
    """Examples work, compile to the same bytes twice, are named after it, and break no mandatory policy."""
    check_component(component)


@pytest.mark.parametrize("component", COMPONENTS)
def test_what_every_system_has_needs_no_values(component: Component[Any, Any]) -> None:
    if component.always:
        assert not component.many
        assert component.spec() is not None


def test_uses_have_an_order() -> None:
    """A circle of kinds that use each other would be nothing that a user could mend."""
    waiting = {c.kind: {kind for kind in c.uses if kind != c.kind} for c in registry().components()}
    while ready := [kind for kind, uses in waiting.items() if not uses & waiting.keys()]:
        for kind in ready:
            del waiting[kind]
    assert waiting == {}


@pytest.mark.parametrize(("component", "example"), EXAMPLES)
def test_every_example_validates_and_loads(
    component: Component[Any, Any], example: Example, compose_text: Compose
) -> None:
    composition = system_of(component, example, compose_text(""))
    system = load(validate(composition))
    used = {instance.component.backend for instance in system.of_kind(component.kind)}
    assert component.backend in used
    assert len(build_order(system)) == len(system.instances)
    assert all(resolve(system, found) for each in system.instances for found in references_of(each))


@pytest.mark.parametrize(("component", "example"), EXAMPLES)
def test_every_example_fits_the_committed_schema(
    component: Component[Any, Any], example: Example, compose_text: Compose
) -> None:
    composition = system_of(component, example, compose_text(""))
    assert not [error.message for error in Draft202012Validator(schema_document()).iter_errors(composition.data)]


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema_document())


def test_the_committed_schemas_are_current() -> None:
    stale = check_schemas(Path(__file__).parents[2] / "schemas")
    assert stale == (), "run `mlops-iac schema --write schemas`"
