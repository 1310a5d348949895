"""The spec phase: a valid configuration to typed components whose references all resolve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

import msgspec

from mlops_iac.components.registry import Registry, located_faults
from mlops_iac.components.registry import registry as installed
from mlops_iac.compose.composition import Composition
from mlops_iac.diagnostics import Diagnostic, format_path, raise_on_errors
from mlops_iac.spec import codes
from mlops_iac.spec.decode import Marks, component_of, decode, decode_common, decode_component
from mlops_iac.spec.references import Reference, Step, cycles, references_of, resolve
from mlops_iac.spec.suggest import did_you_mean, listed
from mlops_iac.spec.system import Core, Instance, System
from mlops_iac.validate.validated import Validated

_MOST_SUGGESTIONS = 100
"""Comparing a name with every declared one takes time; nobody reads more suggestions than this."""


def load(validated: Validated, registry: Registry | None = None) -> System:
    """The typed system; warnings of components' own checks are in its ``diagnostics``.

    Raises ``DiagnosticsError`` for references to nothing, for circles, and for what a component's ``check``
    calls an error. A component whose references are broken is not asked for its own check.
    """
    registry = registry or installed()
    composition = validated.composition
    system = _typed(validated, registry)
    broken = [
        (instance, reference)
        for instance in system.instances
        for reference in references_of(instance)
        if resolve(system, reference) is None
    ]
    circles = [_circle(steps, composition) for steps in cycles(system)]
    unresolved = {instance.path for instance, _ in broken}
    checkable = [] if circles else [each for each in system.instances if each.path not in unresolved]
    diagnostics = raise_on_errors(
        [
            *_broken(broken, system, registry, composition),
            *circles,
            *_renames(system, composition),
            *(problem for each in checkable for problem in _problems(each, system, composition)),
        ]
    )
    return replace(system, diagnostics=diagnostics)


def _typed(validated: Validated, registry: Registry) -> System:
    data = validated.data
    fields = {field.encode_name for field in msgspec.structs.fields(Core)}
    core = decode({key: value for key, value in data.items() if key in fields}, Core)
    instances = tuple(_instances(data, registry, validated.composition.marks))
    by_kind: dict[str, dict[str, Instance]] = {}
    for instance in instances:
        by_kind.setdefault(instance.kind, {})[instance.name] = instance
    return System(core, instances, by_kind)


def _instances(data: Mapping[str, Any], registry: Registry, marks: Marks) -> Iterator[Instance]:
    """Declared components in the order in which they were written, then those that every system has."""
    for kind in data:
        if kind in registry.kinds:
            if registry.default(kind).many:
                for name, declaration in data[kind].items():
                    yield _instance(registry, kind, name, declaration, marks)
            else:
                yield _instance(registry, kind, kind, data[kind], marks)
    for kind in registry.always():
        if kind not in data:
            yield _instance(registry, kind, kind, {}, marks)


def _instance(registry: Registry, kind: str, name: str, declaration: Mapping[str, Any], marks: Marks) -> Instance:
    component = component_of(registry, kind, declaration)
    if component is None:
        raise ValueError(f"{kind} {name!r} names an unknown back end; validate has refused such a system")
    path = (kind, name) if component.many else (kind,)
    return Instance(component, name, decode_component(declaration, component, marks), path, decode_common(declaration))


def _broken(
    broken: list[tuple[Instance, Reference]], system: System, registry: Registry, composition: Composition
) -> Iterator[Diagnostic]:
    for index, (instance, reference) in enumerate(broken):
        declared = list(chain.from_iterable(system.by_kind.get(kind, {}) for kind in reference.kinds))
        question = did_you_mean(reference.name, declared) if index < _MOST_SUGGESTIONS else ""
        target = " or ".join(_label(registry, kind) for kind in reference.kinds)
        yield Diagnostic(
            codes.UNKNOWN_REFERENCE,
            f"{_subject(instance)}: no {target} `{reference.name}`",
            _remedy(reference, declared, question),
            composition.location_of(reference.path, value=True),
            reference.path,
        )


def _remedy(reference: Reference, declared: list[str], question: str) -> str:
    key = format_path(reference.path)
    if not declared:
        sections = " or ".join(f"`{kind}`" for kind in reference.kinds)
        return f"nothing is declared under {sections}; declare `{reference.name}` there or change `{key}`."
    return f"{question} Declared: {listed(declared)}.".strip()


def _circle(steps: tuple[Step, ...], composition: Composition) -> Diagnostic:
    names = [format_path(step.instance.path) for step in steps]
    chain = " -> ".join(f"`{name}`" for name in [*names, names[0]])
    places = [(step.reason, composition.location_of(step.path, value=True)) for step in steps]
    return Diagnostic(
        codes.REFERENCE_CYCLE,
        f"components need each other, so none can be built first: {chain}",
        "remove one of these references.",
        places[0][1],
        steps[0].path,
        related=tuple((reason, place) for reason, place in places if place is not None),
    )


def _renames(system: System, composition: Composition) -> Iterator[Diagnostic]:
    """What is wrong with the names that components say they had."""
    claimed: dict[tuple[str, str], Instance] = {}
    for instance in system.instances:
        for former in instance.formers:
            other = claimed.setdefault((instance.kind, former), instance)
            what = None
            if not instance.component.many:
                what, hint = "it is a section and has no name of its own", "take `was` away"
            elif former == instance.name:
                what, hint = f"it is `{former}` now", "name the earlier one, or take `was` away"
            elif system.find(instance.kind, former) is not None:
                what = f"`{former}` is still declared"
                hint = f"take `{former}` away if this is the same under another name, or take `was` away"
            elif other is not instance:
                what, hint = f"{_subject(other)} says so too", "only one of them can have been it"
            if what is not None:
                path = (*instance.path, "was")
                text = f"{_subject(instance)}: it cannot have been `{former}` before: {what}"
                yield Diagnostic(codes.RENAMED_FROM, text, hint, composition.location_of(path, value=True), path)


def _problems(instance: Instance, system: System, composition: Composition) -> Iterator[Diagnostic]:
    with located_faults(instance, composition.location_of):
        problems = tuple(instance.component.check(instance.name, instance.spec, system))
    for problem in problems:
        path = (*instance.path, *problem.path)
        yield Diagnostic(
            problem.code,
            problem.message,
            problem.hint,
            composition.location_of(path, value=True),
            path,
            problem.severity,
        )


def _subject(instance: Instance) -> str:
    component = instance.component
    return f"{component.label} `{instance.name}`" if component.many else component.label


def _label(registry: Registry, kind: str) -> str:
    return registry.default(kind).label if kind in registry.kinds else kind
