"""How each way of not fitting the schema is said: one wording a keyword, in the table ``WORDINGS``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlops_iac.diagnostics import ConfigPath, format_path
from mlops_iac.spec.suggest import closest, did_you_mean, either, listed
from mlops_iac.validate import codes

_LONGEST_SHOWN = 60
_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "empty",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """One keyword of a schema that a value does not meet.

    ``wanted`` is the keyword's value and ``schema`` the schema it stands in. ``help`` is the field's help
    where the schema has none. ``branches`` holds, for ``anyOf``, each alternative with its own failures.
    """

    keyword: str
    path: ConfigPath
    value: Any
    wanted: Any
    schema: Mapping[str, Any]
    help: str = ""
    branches: tuple[tuple[Mapping[str, Any], tuple[Failure, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """A failure in words.

    ``at_key``: it is about the key, not its value. ``meant``: the path that a misspelt key stands for.
    """

    code: str
    message: str
    hint: str
    path: ConfigPath
    at_key: bool = False
    meant: ConfigPath | None = None


def word(failure: Failure) -> tuple[Finding, ...]:
    """What to say about ``failure``; a list of unknown keys gives one finding a key."""
    wording = WORDINGS.get(failure.keyword, _other)
    return tuple(
        finding if finding.hint else replace(finding, hint=_last_advice(failure)) for finding in wording(failure)
    )


def _type(failure: Failure) -> Iterable[Finding]:
    yield Finding(
        codes.WRONG_TYPE,
        f"{_place(failure.path)} must be {expectation(failure.schema)}; it is {_described(failure)}",
        _sentences(_retyped(failure), _help(failure)),
        failure.path,
    )


def _enum(failure: Failure) -> Iterable[Finding]:
    choices = [_plain(choice) for choice in failure.wanted if choice is not None]
    question = did_you_mean(failure.value, choices) if isinstance(failure.value, str) else ""
    yield Finding(
        codes.NOT_A_CHOICE,
        f"{_place(failure.path)} must be {either(choices)}; it is {_described(failure)}",
        _sentences(question, _help(failure)),
        failure.path,
    )


def _const(failure: Failure) -> Iterable[Finding]:
    return _enum(replace(failure, wanted=[failure.wanted]))


def _pattern(failure: Failure) -> Iterable[Finding]:
    yield Finding(
        codes.MALFORMED,
        f"{_place(failure.path)} must be {expectation(failure.schema)}; it is {_described(failure)}",
        _sentences(_example(failure), _help(failure)),
        failure.path,
    )


def _quantity(failure: Failure) -> Iterable[Finding]:
    """The type's own message says which part of the text is wrong."""
    yield Finding(
        codes.MALFORMED,
        f"{_place(failure.path)}: {failure.wanted}",
        _sentences(_example(failure), _help(failure)),
        failure.path,
    )


def _bound(phrase: str) -> Callable[[Failure], Iterable[Finding]]:
    def wording(failure: Failure) -> Iterable[Finding]:
        unit = failure.schema.get("x-unit")
        amount = f"{failure.wanted} {unit}" if unit else str(failure.wanted)
        yield Finding(
            codes.OUT_OF_RANGE,
            f"{_place(failure.path)} must be {phrase} {amount}; it is {_described(failure)}",
            _sentences(_help(failure)),
            failure.path,
        )

    return wording


def _length(phrase: str, one: str, many: str) -> Callable[[Failure], Iterable[Finding]]:
    def wording(failure: Failure) -> Iterable[Finding]:
        noun = one if failure.wanted == 1 else many
        yield Finding(
            codes.WRONG_LENGTH,
            f"{_place(failure.path)} must have {phrase} {failure.wanted} {noun}; it has {len(failure.value)}",
            _sentences(_help(failure)),
            failure.path,
        )

    return wording


def _required(failure: Failure) -> Iterable[Finding]:
    properties = failure.schema.get("properties", {})
    for key in failure.wanted:
        if key not in failure.value:
            schema = properties.get(key, {})
            form = f", {expectation(schema)}" if _is_scalar(schema) else ""
            yield Finding(
                codes.MISSING_KEY,
                f"{_place(failure.path)} needs `{key}`",
                _sentences(f"add `{key}`{form}", schema.get("description", "")),
                (*failure.path, key),
                at_key=True,
            )


def _additional_properties(failure: Failure) -> Iterable[Finding]:
    properties: Mapping[str, Any] = failure.schema.get("properties", {})
    for key in failure.value:
        if key in properties:
            continue
        meant = closest(str(key), (name for name in properties if name not in failure.value))
        if meant is not None:
            hint = _sentences(f"did you mean `{meant}`?", properties[meant].get("description", ""))
        elif properties:
            hint = _sentences(f"remove it; keys here are {listed(sorted(properties), limit=20)}")
        else:
            hint = "remove it; no keys are known here."
        yield Finding(
            codes.UNKNOWN_KEY,
            f"{_place(failure.path)} has no key `{key}`",
            hint,
            (*failure.path, key),
            at_key=True,
            meant=None if meant is None else (*failure.path, meant),
        )


def _property_names(failure: Failure) -> Iterable[Finding]:
    """``failure.path`` ends in the key itself; ``schema`` is the one that the key does not meet."""
    name, place = str(failure.value), _place(failure.path[:-1])
    if "enum" in failure.schema:
        choices = [str(choice) for choice in failure.schema["enum"]]
        advice = did_you_mean(name, choices)
        rule = f"keys there are {either(choices)}"
    else:
        mended = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        fits = re.search(failure.schema.get("pattern", ""), mended) is not None
        advice = f"write `{mended}`" if fits and mended != name else ""
        rule = f"a name there is {expectation(failure.schema)}"
    yield Finding(
        codes.BAD_NAME,
        f"{place} cannot have the key `{_cut(name)}`: {rule}",
        _sentences(advice, failure.help),
        failure.path,
        at_key=True,
    )


def _any_of(failure: Failure) -> Iterable[Finding]:
    """Word the alternative that the value was most likely meant to be, or all when it could be any."""
    fitting = [branch for branch in failure.branches if not _misfits(failure, branch[1])]
    chosen = min(fitting, key=lambda branch: (_only_form(failure, branch[1]), len(branch[1])), default=None)
    if chosen is None:
        yield from _type(replace(failure, keyword="type", wanted=[]))
        return
    outer = _help(failure)
    findings = [each for inner in chosen[1] for each in word(replace(inner, help=inner.help or outer))]
    if _only_form(failure, chosen[1]):
        message = f"{_place(failure.path)} must be {expectation(failure.schema)}; it is {_described(failure)}"
        findings = [replace(finding, message=message) for finding in findings]
    yield from findings


def _only_form(failure: Failure, inner: Iterable[Failure]) -> bool:
    """Whether an alternative fails only for how the value itself is written, so that the others count too."""
    return all(each.path == failure.path and each.keyword in ("enum", "const", "pattern") for each in inner)


def _other(failure: Failure) -> Iterable[Finding]:
    yield Finding(
        codes.REFUSED,
        f"{_place(failure.path)} does not meet `{failure.keyword}: {_plain(failure.wanted)}`",
        _sentences(_help(failure)),
        failure.path,
    )


WORDINGS: Mapping[str, Callable[[Failure], Iterable[Finding]]] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "pattern": _pattern,
    "x-quantity": _quantity,
    "minimum": _bound("at least"),
    "exclusiveMinimum": _bound("more than"),
    "maximum": _bound("at most"),
    "exclusiveMaximum": _bound("less than"),
    "multipleOf": _bound("a multiple of"),
    "minLength": _length("at least", "character", "characters"),
    "maxLength": _length("at most", "character", "characters"),
    "minItems": _length("at least", "item", "items"),
    "maxItems": _length("at most", "item", "items"),
    "minProperties": _length("at least", "entry", "entries"),
    "maxProperties": _length("at most", "entry", "entries"),
    "required": _required,
    "additionalProperties": _additional_properties,
    "propertyNames": _property_names,
    "anyOf": _any_of,
}
"""The wording of every keyword that generated schemas use."""


def expectation(schema: Mapping[str, Any]) -> str:
    """What a good value is, as the end of "must be ..."."""
    if "x-expects" in schema:
        return str(schema["x-expects"])
    if "enum" in schema:
        return either(_plain(choice) for choice in schema["enum"] if choice is not None)
    if "const" in schema:
        return either([_plain(schema["const"])])
    if "anyOf" in schema:
        return _alternatives(schema["anyOf"])
    types = schema.get("type", [])
    names = [types] if isinstance(types, str) else [name for name in types if name != "null"]
    if "pattern" in schema:
        return f"text that matches `{schema['pattern']}`"
    return " or ".join(_TYPES[name] for name in names) or "a value"


def _alternatives(schemas: Sequence[Mapping[str, Any]]) -> str:
    return " or ".join(dict.fromkeys(expectation(s) for s in schemas if s.get("type") != "null"))


def _is_scalar(schema: Mapping[str, Any]) -> bool:
    return "x-expects" in schema or "enum" in schema or schema.get("type") in ("integer", "number", "boolean")


def _misfits(failure: Failure, inner: Iterable[Failure]) -> bool:
    """Whether an alternative fails already because the value is of another type."""
    own = [each for each in inner if each.path == failure.path]
    return any(
        each.keyword == "type"
        or (each.keyword == "enum" and not any(type(each.value) is type(choice) for choice in each.wanted))
        for each in own
    )


def _place(path: ConfigPath) -> str:
    return f"`{format_path(path)}`" if path else "the system"


def _help(failure: Failure) -> str:
    return str(failure.schema.get("description") or failure.help)


def _last_advice(failure: Failure) -> str:
    """What to do where neither the value nor the schema suggests anything better."""
    if failure.keyword not in ("type", "enum", "const", "pattern", "x-quantity"):
        return "change the value so that it fits."
    wanted = expectation(failure.schema)
    return f"write {wanted} there, or remove it." if failure.value is None else f"write {wanted} instead."


def _sentences(*parts: str) -> str:
    return " ".join(part if part[-1] in ".?!" else f"{part}." for part in parts if part)


def _described(failure: Failure) -> str:
    value = failure.value
    if value is None:
        return "empty"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if failure.schema.get("x-secret"):
        return "something else (not shown: it is a secret)"
    if value == "":
        return "an empty text"
    text = f"`{_cut(_plain(value))}`"
    if isinstance(value, str) and failure.keyword == "type":
        return f"the text {text}"
    return text


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _key(path: ConfigPath) -> str:
    return f"{path[-1]}: " if path and isinstance(path[-1], str) else ""


def _example(failure: Failure) -> str:
    examples = failure.schema.get("examples")
    return f"for example `{_key(failure.path)}{_yaml(examples[0])}`" if examples else ""


def _retyped(failure: Failure) -> str:
    """The same value written so that YAML reads it as the type wanted, where that is what went wrong."""
    wanted = failure.wanted if isinstance(failure.wanted, list) else [failure.wanted]
    value, key = failure.value, _key(failure.path)
    if failure.schema.get("examples"):
        return _example(failure)
    if "string" in wanted and isinstance(value, int | float) and not failure.schema.get("x-secret"):
        return f'put it in quotes: `{key}"{_plain(value)}"`'
    if isinstance(value, str) and {"integer", "number"} & set(wanted) and re.fullmatch(r"-?[0-9.]+", value):
        return f"write it without quotes: `{key}{value}`"
    if "boolean" in wanted:
        return f"write `{key}true` or `{key}false`"
    if "object" in wanted and value is None and not failure.schema.get("required"):
        return f"write `{key}{{}}` for the defaults, or remove the key"
    if "array" in wanted and isinstance(value, str | int | float):
        return f"write it as a list: `{key}[{_yaml(value)}]`"
    return ""


def _yaml(value: Any) -> str:
    text = _plain(value)
    return f'"{text}"' if isinstance(value, str) and not re.fullmatch(r"[\w.%/-]+", text) else text
