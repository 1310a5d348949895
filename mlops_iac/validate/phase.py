"""Checks a composition against the specs of ``Core`` and of every component, and words all that is wrong.

The typed specs decide, one declaration at a time: decoding takes microseconds. Only a declaration that they
refuse goes through the JSON Schema generated from the same specs, which finds every error in it and where.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from mlops_iac.components.component import Component
from mlops_iac.components.registry import Registry
from mlops_iac.components.registry import registry as installed
from mlops_iac.compose.composition import Composition
from mlops_iac.diagnostics import ConfigPath, Diagnostic, Location, format_path, raise_on_errors
from mlops_iac.graph.opaque import holds_mark
from mlops_iac.graph.values import Value
from mlops_iac.plugins import PluginError
from mlops_iac.spec import schema as schemas
from mlops_iac.spec.base import Name
from mlops_iac.spec.decode import BACKEND, component_of, decode, decode_component
from mlops_iac.spec.suggest import did_you_mean, either, listed
from mlops_iac.spec.system import Core
from mlops_iac.validate import codes
from mlops_iac.validate.planned import PLANNED
from mlops_iac.validate.validated import Validated
from mlops_iac.validate.wording import Finding, word

_CORE = tuple(field.encode_name for field in msgspec.structs.fields(Core))


def validate(composition: Composition, registry: Registry | None = None) -> Validated:
    """The composed configuration, known to fit the specs.

    Raises ``DiagnosticsError`` with every error of shape (MI2xxx), and MI4001 for planned sections.
    """
    registry = registry or installed()
    findings = [
        *_unknown_sections(composition.data, registry),
        *_core(composition.data),
        *_components(composition, registry),
    ]
    raise_on_errors(_diagnostic(finding, composition) for finding in findings)
    return Validated(composition, composition.data)


def _unknown_sections(data: Mapping[str, Any], registry: Registry) -> Iterator[Finding]:
    known = {*_CORE, *registry.kinds}
    for key in data:
        if key in known:
            continue
        path: ConfigPath = (key,)
        if key in PLANNED:
            message = f"section `{key}` is not built yet: this version has no component for it"
            hint = f"remove it; sections that can be built are {listed(sorted(registry.kinds), limit=40)}."
            yield Finding(codes.NOT_BUILT, message, hint, path, at_key=True)
            continue
        sections = f"remove it; sections are {listed(sorted(known), limit=40)}."
        hint = did_you_mean(str(key), known - set(data)) or sections
        message = f"the system has no section `{key}`"
        yield Finding(codes.UNKNOWN_KEY, message, hint, path, at_key=True)


def _core(data: Mapping[str, Any]) -> list[Finding]:
    core = {key: data[key] for key in _CORE if key in data}
    return _check(core, (), lambda: decode(core, Core), schemas.core_schema)


def _components(composition: Composition, registry: Registry) -> Iterator[Finding]:
    data, marks = composition.data, composition.marks
    declared: dict[tuple[str, str | None], schemas.Schema] = {}

    def schema_of(component: Component[Any, Any]) -> schemas.Schema:
        key = (component.kind, component.backend)
        if key not in declared:
            declared[key] = schemas.component_schema(registry, component)
        return declared[key]

    for kind in registry.kinds:
        if kind not in data:
            continue
        section = data[kind]
        try:
            many = registry.default(kind).many
        except PluginError as error:
            yield _unusable(error, (kind,), at_key=True)
            continue
        if not many:
            yield from _declaration(section, (kind,), registry, schema_of, marks)
            continue
        yield from _names(section, kind, registry)
        for name, declaration in section.items() if isinstance(section, Mapping) else ():
            yield from _declaration(declaration, (kind, name), registry, schema_of, marks)


def _unusable(error: PluginError, path: ConfigPath, *, at_key: bool) -> Finding:
    told = error.diagnostic
    return Finding(told.code, told.message, told.hint, path, at_key=at_key)


def _names(section: Any, kind: str, registry: Registry) -> list[Finding]:
    return _check(
        section,
        (kind,),
        lambda: decode(section, dict[Name, Any]),
        lambda: schemas.names_schema(registry, kind),
    )


def _declaration(
    data: Any,
    path: ConfigPath,
    registry: Registry,
    schema_of: Callable[[Component[Any, Any]], schemas.Schema],
    marks: Mapping[str, Value],
) -> list[Finding]:
    kind = str(path[0])
    try:
        component = component_of(registry, kind, data)
    except PluginError as error:
        return [_unusable(error, (*path, BACKEND), at_key=False)]
    if component is None:
        return _explain(data, path, schemas.backend_schema(registry, kind))
    findings = _check(data, path, lambda: decode_component(data, component, marks), lambda: schema_of(component), marks)
    return [_of_other_backend(finding, path, component, registry) for finding in findings]


def _of_other_backend(
    finding: Finding, path: ConfigPath, component: Component[Any, Any], registry: Registry
) -> Finding:
    """The same finding, but saying so where an unknown key is one of another back end of the kind."""
    if finding.code != codes.UNKNOWN_KEY or finding.meant or finding.path[:-1] != path:
        return finding
    key = finding.path[-1]
    owners = [
        other.backend
        for other in registry.usable_of(component.kind).values()
        if other.backend and any(field.encode_name == key for field in msgspec.structs.fields(other.spec))
    ]
    if not owners:
        return finding
    this = f"`{component.backend}`" if component.backend else "the one without a name"
    return replace(
        finding, hint=f"back end {either(sorted(owners))} has it; this is {this}. Change `backend` or remove the key."
    )


def _check(
    data: Any,
    path: ConfigPath,
    accept: Callable[[], Any],
    schema: Callable[[], schemas.Schema],
    marks: Mapping[str, Value] | None = None,
) -> list[Finding]:
    try:
        accept()
    except msgspec.ValidationError as error:
        # Neither may overrule the other: what the schema cannot word is still refused, in msgspec's words.
        return _explain(data, path, schema(), marks or {}) or [_refused(error, path)]
    return []


def _explain(
    data: Any, path: ConfigPath, schema: schemas.Schema, marks: Mapping[str, Value] | None = None
) -> list[Finding]:
    """Every error in ``data``, but of one mistake only its cause.

    A value of the wrong type breaks other rules too, and a misspelt key is also a missing one.
    """
    from mlops_iac.validate.errors import failures

    # What a mark stands for cannot be compared with what a text has to look like.
    found = [each for each in failures(schema, data, path) if not (marks and holds_mark(each.value, marks))]
    mistyped = {failure.path for failure in found if failure.keyword == "type"}
    told = [each for each in found if each.keyword == "type" or each.path not in mistyped]
    findings = [finding for failure in told for finding in word(failure)]
    misspelt = {finding.meant for finding in findings if finding.meant is not None}
    return [f for f in findings if f.code != codes.MISSING_KEY or f.path not in misspelt]


def _refused(error: msgspec.ValidationError, path: ConfigPath) -> Finding:
    message = str(error).replace("`$", f"`{format_path(path)}") if path else str(error)
    return Finding(codes.REFUSED, message, "correct the value.", path)


def _diagnostic(finding: Finding, composition: Composition) -> Diagnostic:
    hint = finding.hint
    origin = composition.origins.get(finding.path)
    if origin is not None and origin.interpolation is not None and not finding.at_key:
        hint = f"{hint} The value comes from `{origin.interpolation}`.".strip()
    location = composition.location_of(finding.path, value=not finding.at_key) or _start(composition)
    return Diagnostic(finding.code, finding.message, hint, location, finding.path)


def _start(composition: Composition) -> Location | None:
    """The first line of the system's own file: the place for a section that nothing declares."""
    own = [
        origin.key.file
        for path, origin in composition.origins.items()
        if len(path) == 1 and origin.override is None and origin.group is None
    ]
    # A file that holds only a defaults list sets nothing; what groups bring lies in folders or in the package.
    own += [file for file in composition.sources if "/" not in file and file != "override"]
    return Location(own[0], 1, 1) if own else None
