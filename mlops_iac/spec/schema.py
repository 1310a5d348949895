"""JSON Schema 2020-12 of everything people write, generated from the typed specs.

A schema has two forms. The plain form describes resolved data; the validate phase words its errors from it.
The editor form, committed under ``schemas/``, is the plain form that also admits what Hydra resolves later:
``${...}`` or ``???`` in place of any value, a ``defaults`` list, and config groups filled from elsewhere.

``msgspec.json.schema`` cannot write a quantity's default or the keys of ``dict[Literal[...], ...]``, so the
types are read through ``msgspec.inspect``. Source: https://json-schema.org/draft/2020-12
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

from mlops_iac.components.component import Component
from mlops_iac.components.registry import Registry, own_registry
from mlops_iac.components.registry import registry as installed
from mlops_iac.spec.base import Name
from mlops_iac.spec.decode import BACKEND, backends, declares_backend
from mlops_iac.spec.gates import Declaration
from mlops_iac.spec.quantities import Quantity
from mlops_iac.spec.system import Core

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FROM_GROUPS = frozenset({"env", "security"})
"""Core sections that a config group fills, so that a system's own file need not have them."""

_WHOLE_INTERPOLATION = r"^\$\{.+\}$|^\?\?\?$"
_ANY_INTERPOLATION = r"\$\{.+\}|^\?\?\?$"


def schema_document(registry: Registry | None = None) -> Schema:
    """The editor form of a whole system's schema; installed packages' components are in it where they can be used."""
    return editor_form(system_schema(registry))


def system_schema(registry: Registry | None = None) -> Schema:
    """The plain form of a whole system's schema: ``Core`` and every kind of the registry."""
    registry = (registry or installed()).usable()
    writer = _Writer()
    root = writer.struct(_struct(Core))
    properties = dict(root["properties"])
    for kind in sorted(registry.kinds):
        properties[kind] = _section(writer, registry, kind)
    return {
        "$schema": DIALECT,
        "title": "mlops-iac system",
        "description": "A whole ML system: its infrastructure, models, operation and policies.",
        "type": "object",
        "properties": properties,
        "required": root["required"],
        "additionalProperties": False,
        "$defs": dict(sorted(writer.definitions.items())),
    }


def core_schema() -> Schema:
    """The plain form of the sections that are not components, without ``$ref`` where types do not recur."""
    writer = _Writer()
    return _inlined(writer.struct(_struct(Core)), writer.definitions)


def component_schema(registry: Registry, component: Component[Any, Any]) -> Schema:
    """The plain form of one declaration of ``component``, without ``$ref`` where types do not recur."""
    writer = _Writer()
    return _inlined(_declaration(writer, registry, component), writer.definitions)


def backend_schema(registry: Registry, kind: str) -> Schema:
    """The plain form of what every declaration of a kind with back ends has: the choice."""
    return {"type": "object", "properties": {BACKEND: _backend(registry, kind)}}


def names_schema(registry: Registry, kind: str) -> Schema:
    """The plain form of a section of named components, without the declarations themselves."""
    return {
        "description": f"By name: {_summary(registry.default(kind).spec)}",
        "type": "object",
        "propertyNames": _without_type(_Writer().schema(inspect.type_info(Name))),
    }


def editor_form(schema: Schema) -> Schema:
    """The schema of a raw system file: interpolations, a defaults list, and sections that groups fill."""
    admitted = {key: {name: _admit(value) for name, value in schema[key].items()} for key in ("properties", "$defs")}
    defaults = {
        "description": "Hydra's defaults list: the config groups that this system is composed from.",
        "type": "array",
        "items": {"type": ["string", "object"]},
    }
    return {
        **schema,
        "properties": {"defaults": defaults, **admitted["properties"]},
        "required": [key for key in schema["required"] if key not in FROM_GROUPS],
        "$defs": admitted["$defs"],
    }


DOCUMENTS: Mapping[str, Callable[[], Schema]] = {"system": lambda: schema_document(own_registry())}
"""Every schema that is committed: ``<name>.schema.json`` holds what the producer returns, whatever is installed."""


def schema_files() -> Iterator[tuple[str, str]]:
    """File name and text of every committed schema."""
    for name, produce in DOCUMENTS.items():
        yield f"{name}.schema.json", json.dumps(produce(), indent=2, ensure_ascii=False) + "\n"


def write_schemas(folder: Path) -> tuple[str, ...]:
    """Write every schema into ``folder`` and return the names of the files that changed."""
    folder.mkdir(parents=True, exist_ok=True)
    stale = tuple(_stale(folder))
    for name, text in stale:
        (folder / name).write_text(text, encoding="utf-8")
    return tuple(name for name, _ in stale)


def check_schemas(folder: Path) -> tuple[str, ...]:
    """The names of the files in ``folder`` that differ from what the specs say now, or are missing."""
    return tuple(name for name, _ in _stale(folder))


def _stale(folder: Path) -> Iterator[tuple[str, str]]:
    for name, text in schema_files():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            yield name, text


def _section(writer: _Writer, registry: Registry, kind: str) -> Schema:
    default = registry.default(kind)
    names = backends(registry, kind)
    declaration = _choice(writer, registry, kind) if names else _defined(writer, registry, default)
    if not default.many:
        return {"description": _summary(default.spec), **declaration}
    return {**names_schema(registry, kind), "additionalProperties": declaration}


def _choice(writer: _Writer, registry: Registry, kind: str) -> Schema:
    """One declaration of a kind with back ends: ``backend`` decides which schema applies.

    The default back end's condition has no ``required``, so it also holds where the key is absent.
    """
    default = registry.default(kind)
    branches = []
    for backend, component in sorted(registry.kinds[kind].items(), key=lambda item: str(item[0])):
        name = f"{kind}.{backend}"
        writer.definitions[name] = _declaration(writer, registry, component)
        applies: Schema = {"type": "object"}
        if backend is None:
            applies["not"] = {"required": [BACKEND]}
        else:
            applies["properties"] = {BACKEND: {"const": backend}}
            if component is not default:
                applies["required"] = [BACKEND]
        branches.append({"if": applies, "then": {"$ref": f"#/$defs/{name}"}})
    return {
        "type": "object",
        "properties": {BACKEND: _backend(registry, kind)},
        "allOf": branches,
    }


def _defined(writer: _Writer, registry: Registry, component: Component[Any, Any]) -> Schema:
    reference = writer.schema(_struct(component.spec))
    writer.definitions[_definition_name(component.spec)] = _declaration(writer, registry, component)
    return reference


def _declaration(writer: _Writer, registry: Registry, component: Component[Any, Any]) -> Schema:
    schema = writer.struct(_struct(component.spec))
    common = writer.struct(_struct(Declaration))["properties"]
    if backends(registry, component.kind) and not declares_backend(component):
        common[BACKEND] = _backend(registry, component.kind)
    return {**schema, "properties": {**schema["properties"], **common}}


def _backend(registry: Registry, kind: str) -> Schema:
    schema: Schema = {"description": "What it is built with.", "enum": list(backends(registry, kind))}
    default = registry.default(kind).backend
    return schema if default is None else {**schema, "default": default}


class _Writer:
    """Writes the schema of a type and collects a definition for every struct in it."""

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {}

    def schema(self, type_: inspect.Type) -> Schema:
        """Raises ``TypeError`` for a type that no YAML value stands for."""
        annotations: Schema = {}
        while isinstance(type_, inspect.Metadata):
            annotations |= type_.extra_json_schema or {}
            type_ = type_.type
        # What the field says about a value comes before what its type says.
        return {**self._bare(type_), **annotations}

    def struct(self, type_: inspect.StructType) -> Schema:
        """The schema of a struct's own content."""
        properties: Schema = {}
        required: list[str] = []
        if type_.tag_field is not None:
            properties[type_.tag_field] = {"description": _summary(type_.cls), "const": type_.tag}
            required.append(type_.tag_field)
        for field in type_.fields:
            schema = self.schema(field.type)
            if field.required:
                required.append(field.encode_name)
            else:
                schema |= _default(field)
            properties[field.encode_name] = schema
        schema = {"description": _summary(type_.cls), "type": "object", "properties": properties}
        if required:
            schema["required"] = required
        return {**schema, "additionalProperties": False}

    def _bare(self, type_: inspect.Type) -> Schema:
        match type_:
            case inspect.AnyType():
                return {}
            case inspect.NoneType():
                return {"type": "null"}
            case inspect.BoolType():
                return {"type": "boolean"}
            case inspect.IntType() | inspect.FloatType():
                return _number(type_)
            case inspect.StrType():
                return _set(
                    {"type": "string"},
                    minLength=type_.min_length,
                    maxLength=type_.max_length,
                    pattern=type_.pattern,
                )
            case inspect.LiteralType():
                return {"enum": list(type_.values)}
            case inspect.CustomType() if issubclass(type_.cls, Quantity):
                return {**type_.cls.SCHEMA, "x-quantity": type_.cls.__name__}
            case inspect.ListType() | inspect.VarTupleType():
                return self._list(type_.item_type, type_.min_length, type_.max_length)
            case inspect.TupleType():
                items = [self.schema(item) for item in type_.item_types]
                return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
            case inspect.DictType():
                return self._mapping(type_)
            case inspect.StructType():
                return self._reference(type_)
            case inspect.UnionType():
                return self._union(type_)
        raise TypeError(f"a spec field has the type {type_}, which no JSON Schema is written for")

    def _list(self, item: inspect.Type, least: int | None, most: int | None) -> Schema:
        schema: Schema = {"type": "array"}
        if not isinstance(item, inspect.AnyType):
            schema["items"] = self.schema(item)
        return _set(schema, minItems=least, maxItems=most)

    def _mapping(self, type_: inspect.DictType) -> Schema:
        schema: Schema = {"type": "object"}
        names = _without_type(self.schema(type_.key_type))
        if names:
            schema["propertyNames"] = names
        if not isinstance(type_.value_type, inspect.AnyType):
            schema["additionalProperties"] = self.schema(type_.value_type)
        return _set(schema, minProperties=type_.min_length, maxProperties=type_.max_length)

    def _reference(self, type_: inspect.StructType) -> Schema:
        name = _definition_name(type_.cls)
        if name not in self.definitions:
            self.definitions[name] = {}
            self.definitions[name] = self.struct(type_)
        return {"$ref": f"#/$defs/{name}"}

    def _union(self, type_: inspect.UnionType) -> Schema:
        members = [member for member in type_.types if not isinstance(member, inspect.NoneType)]
        tagged = [struct for member in members if (struct := _tagged(member)) is not None]
        if len(tagged) > 1:
            branches = [member for member in members if _tagged(member) is None]
            schemas = [*map(self.schema, branches), self._tagged_union(tagged)]
        else:
            schemas = [self.schema(member) for member in members]
        schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
        return schema if len(members) == len(type_.types) else _or_null(schema)

    def _tagged_union(self, structs: list[inspect.StructType]) -> Schema:
        """The tag decides which schema applies, so that an error is about that one only."""
        field = structs[0].tag_field or "type"
        branches = [
            {
                "if": {"type": "object", "properties": {field: {"const": struct.tag}}, "required": [field]},
                "then": self._reference(struct),
            }
            for struct in structs
        ]
        meanings = "; ".join(f"{struct.tag}: {_summary(struct.cls).rstrip('.')}" for struct in structs)
        return {
            "type": "object",
            "properties": {field: {"description": meanings, "enum": [struct.tag for struct in structs]}},
            "required": [field],
            "allOf": branches,
        }


def _number(type_: inspect.IntType | inspect.FloatType) -> Schema:
    return _set(
        {"type": "integer" if isinstance(type_, inspect.IntType) else "number"},
        minimum=type_.ge,
        exclusiveMinimum=type_.gt,
        maximum=type_.le,
        exclusiveMaximum=type_.lt,
        multipleOf=type_.multiple_of,
    )


def _set(schema: Schema, **keywords: Any) -> Schema:
    return {**schema, **{key: value for key, value in keywords.items() if value is not None}}


def _without_type(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key != "type"}


def _or_null(schema: Schema) -> Schema:
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    if "$ref" in schema:
        annotations = {key: value for key, value in schema.items() if key != "$ref"}
        return {**annotations, "anyOf": [{"$ref": schema["$ref"]}, {"type": "null"}]}
    return schema


def _default(field: inspect.Field) -> Schema:
    made = field.default_factory is not msgspec.NODEFAULT
    value = field.default_factory() if made else field.default
    return {"default": msgspec.to_builtins(value, enc_hook=str, str_keys=True)}


def _tagged(type_: inspect.Type) -> inspect.StructType | None:
    while isinstance(type_, inspect.Metadata):
        type_ = type_.type
    return type_ if isinstance(type_, inspect.StructType) and type_.tag_field is not None else None


def _struct(spec: type[Any]) -> inspect.StructType:
    type_ = inspect.type_info(spec)
    if not isinstance(type_, inspect.StructType):
        raise TypeError(f"{spec.__name__} is not a Spec")
    return type_


def _summary(cls: type[Any]) -> str:
    return " ".join((cls.__doc__ or "").partition("\n\n")[0].split()).replace("``", "`")


def _definition_name(cls: type[Any]) -> str:
    """Module and class name, so that a new component never renames another's definition."""
    module = cls.__module__.removeprefix("mlops_iac.").removeprefix("components.")
    return f"{module}.{cls.__qualname__}".replace("<locals>", "local")


def _inlined(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """``schema`` with definitions in place of references to them, except within themselves."""
    inlined: Schema = _substitute(schema, definitions, ())
    return {**inlined, "$defs": dict(definitions)} if _recurs(inlined) else inlined


def _substitute(schema: Any, definitions: Mapping[str, Schema], within: tuple[str, ...]) -> Any:
    if isinstance(schema, list):
        return [_substitute(item, definitions, within) for item in schema]
    if not isinstance(schema, dict):
        return schema
    name = schema.get("$ref", "").removeprefix("#/$defs/")
    if name and name not in within:
        own = {key: value for key, value in schema.items() if key != "$ref"}
        return _substitute({**definitions[name], **own}, definitions, (*within, name))
    return {key: _substitute(value, definitions, within) for key, value in schema.items()}


def _recurs(schema: Any) -> bool:
    if isinstance(schema, dict):
        return "$ref" in schema or any(_recurs(value) for value in schema.values())
    return isinstance(schema, list) and any(_recurs(item) for item in schema)


def _admit(schema: Any) -> Any:
    """``schema`` so that it also takes an interpolation; keywords for other types ignore text already."""
    if not isinstance(schema, dict):
        return schema
    schema = {key: _admit_within(key, value) for key, value in schema.items()}
    if "enum" in schema or "const" in schema:
        keyword = "enum" if "enum" in schema else "const"
        others = {key: value for key, value in schema.items() if key != keyword}
        interpolation = {"type": "string", "pattern": _ANY_INTERPOLATION}
        return {**others, "anyOf": [{keyword: schema[keyword]}, interpolation]}
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if not types or types == ["null"]:
        return schema
    if "string" not in types:
        return {**schema, "type": [*types, "string"], "pattern": _WHOLE_INTERPOLATION}
    return _admit_in_text(schema)


def _admit_within(key: str, value: Any) -> Any:
    if key == "properties":
        return {name: _admit(schema) for name, schema in value.items()}
    if key in ("items", "additionalProperties", "then"):
        return _admit(value)
    if key in ("prefixItems", "anyOf", "allOf"):
        return [_admit(item) for item in value]
    return value


def _admit_in_text(schema: Schema) -> Schema:
    if "pattern" in schema:
        schema = {**schema, "pattern": f"(?:{schema['pattern']})|{_ANY_INTERPOLATION}"}
    if "maxLength" not in schema and schema.get("minLength", 0) <= len("???"):
        return schema
    limits = {key: schema[key] for key in ("minLength", "maxLength") if key in schema}
    others = {key: value for key, value in schema.items() if key not in limits}
    return {**others, "anyOf": [limits, {"pattern": _ANY_INTERPOLATION}]}
