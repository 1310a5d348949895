"""What the fuzz tests feed in: data that mostly follows the JSON Schema, and YAML texts after accidents."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from hypothesis import strategies as st

from mlops_iac.spec.schema import schema_document

NAMES = ("a", "raw", "train-it", "x1")
"""Few names, so that generated references often meet a declared component."""
ODD_TEXTS = (
    "",
    " ",
    "null",
    "~",
    "a\nb",
    "ab\n",
    "\t",
    "\x07",
    "\u202e",
    "\ufeff",
    "\ud7ff",
    "\U0001f4a5",
    "é" * 300,
    "${",
    "${a.b}",
    "${cloud.region}",
    "${oc.env:HOME}",
    "${env:HOME}",
    "$${x}",
    "???",
    "<<",
    "'\"`\\",
    "../../etc/passwd",
    "/etc/passwd",
    "*",
    "0",
    "1e999",
    ".inf",
    "9" * 400,
    "2026-13-45",
    "12345678-",
)
ODD_NUMBERS = (0, -1, 1, 2**31, 2**63, -(2**63), 10**30, 0.1, -0.0, 1e308, 1e-308)
ODD_YAML = (
    "\t",
    "&a ",
    "*a",
    "<<: *a",
    "!!python/object/apply:os.system [id]",
    "!!binary aGk=",
    "? [x]\n: y",
    "- ",
    "{",
    "}",
    "[",
    "]",
    ": ",
    "#",
    "|",
    ">",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "\x00",
    "\ufeff",
    "\u2028",
    "\x85",
    "0777",
    "1e3",
    "no",
    "12:30:45",
    "_target_: os.system",
    "hydra: {run: {dir: /tmp/x}}",
    "defaults: [../../outside]",
    "${system.name}",
    "${oc.env:HOME}",
    "[" * 80,
    "{a: " * 70,
    "&x [*x]",
)


@cache
def schema() -> Mapping[str, Any]:
    """The schema of a system."""
    return schema_document()


@st.composite
def systems(draw: st.DrawFn) -> dict[str, Any]:
    """Systems of a few sections by the schema, some values wrong; ``env`` and ``security`` come from config groups."""
    properties = schema()["properties"]
    needed = {"system", "cloud"}
    others = sorted(set(properties) - needed - {"defaults", "env", "security"})
    chosen = draw(st.lists(st.sampled_from(others), max_size=5, unique=True))
    found = {name: value(draw, properties[name], 0, wild=False) for name in sorted(needed)}
    return {**found, **{name: value(draw, properties[name], 0) for name in chosen}}


@st.composite
def edits(draw: st.DrawFn, data: Mapping[str, Any]) -> dict[str, Any]:
    """``data`` with one to four values replaced, added or removed as the schema, or chaos, suggests."""
    document: Any = _copy(data)
    for _ in range(draw(st.integers(1, 4))):
        node, below = document, schema()
        for _ in range(draw(st.integers(0, 5))):
            below = _resolved(below, node)
            if isinstance(node, dict) and node:
                key: Any = draw(st.sampled_from(sorted(node)))
                inner = _below(below, key)
            elif isinstance(node, list) and node:
                key = draw(st.integers(0, len(node) - 1))
                inner = below.get("items", {})
            else:
                break
            if not isinstance(node[key], dict | list) or not node[key]:
                break
            node, below = node[key], inner
        _edit(draw, node, _resolved(below, node))
    return dict(document)


def value(draw: st.DrawFn, rule: Mapping[str, Any], depth: int, *, wild: bool = True) -> Any:
    """A value for one place of the schema; one in thirty-two is anything at all when ``wild``."""
    if wild and draw(_DICE) == 0:
        return draw(CHAOS)
    if "$ref" in rule:
        return value(draw, {**_definition(rule["$ref"]), **_without(rule, "$ref")}, depth, wild=False)
    if "const" in rule:
        return rule["const"]
    if "enum" in rule:
        return draw(st.sampled_from(rule["enum"]))
    if "anyOf" in rule:
        return value(draw, draw(st.sampled_from(_real(rule["anyOf"]))), depth, wild=False)
    if "allOf" in rule and "then" in rule["allOf"][0]:
        return value(draw, draw(st.sampled_from(rule["allOf"]))["then"], depth, wild=False)
    kinds = rule.get("type", "object")
    kinds = [kinds] if isinstance(kinds, str) else [kind for kind in kinds if kind != "string" or _plain(rule)]
    return _of_kind(draw, draw(st.sampled_from(kinds or ["string"])), rule, depth)


_LEAVES = st.one_of(
    st.none(), st.booleans(), st.sampled_from(ODD_TEXTS), st.sampled_from(ODD_NUMBERS), st.text(max_size=6)
)
CHAOS = st.one_of(
    _LEAVES, st.lists(_LEAVES, max_size=3), st.dictionaries(st.sampled_from(ODD_TEXTS), _LEAVES, max_size=2)
)
"""Values that no schema asked for."""
_DICE = st.integers(0, 31)


@st.composite
def mutations(draw: st.DrawFn, text: str) -> bytes:
    """The bytes of ``text`` after one to four accidents."""
    data = text.encode()
    for _ in range(draw(st.integers(1, 4))):
        data = draw(st.sampled_from(_ACCIDENTS))(draw, data)
    return data


def _of_kind(draw: st.DrawFn, kind: str, rule: Mapping[str, Any], depth: int) -> Any:
    if kind == "object":
        return _object(draw, rule, depth)
    if kind == "array":
        length = rule.get("minItems", 0) + draw(st.integers(0, 2))
        return [value(draw, rule.get("items", {}), depth + 1) for _ in range(length)]
    if kind == "integer":
        least = int(rule.get("minimum", 0))
        return draw(st.integers(least, int(rule.get("maximum", least + 20))))
    if kind == "number":
        return draw(st.floats(rule.get("minimum", 0), rule.get("maximum", 1e6), allow_nan=False))
    if kind == "boolean":
        return draw(st.booleans())
    return None if kind == "null" else draw(_texts(*_text_rule(rule)))


def _object(draw: st.DrawFn, rule: Mapping[str, Any], depth: int) -> dict[str, Any]:
    properties = rule.get("properties", {})
    needed = set(rule.get("required", ()))
    found = {}
    more = rule.get("additionalProperties")
    if isinstance(more, Mapping):
        length = max(rule.get("minProperties", 0), draw(st.integers(0, 2)))
        names = draw(st.lists(st.sampled_from(NAMES), min_size=length, max_size=length, unique=True))
        found = {name: value(draw, more, depth + 1) for name in names}
    for name, below in properties.items():
        wanted = draw(_DICE) > 0 if name in needed else depth < 6 and draw(_DICE) < 8
        if wanted:
            found[name] = value(draw, below, depth + 1)
    return found


def _text_rule(rule: Mapping[str, Any]) -> tuple[bool, tuple[str, ...], str]:
    pattern = re.match(r"\(\?:(.*)\)\|\\\$", rule.get("pattern", ""))
    examples = tuple(str(example) for example in rule.get("examples", ()))
    return "x-reference" in rule, examples, pattern[1] if pattern else ""


@cache
def _texts(reference: bool, examples: tuple[str, ...], pattern: str) -> st.SearchStrategy[str]:
    if reference:
        return st.sampled_from(NAMES)
    choices: list[st.SearchStrategy[str]] = [st.sampled_from(examples)] if examples else []
    if pattern:
        choices.append(st.from_regex(pattern, alphabet=st.characters(min_codepoint=32, max_codepoint=126)))
    else:
        choices.append(st.sampled_from((*NAMES, "10m", "f1", "steps/train.py", "1.2", "f1 >= 0.5")))
        choices.append(st.text(max_size=8))
    return st.one_of(choices)


def _without(rule: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: part for name, part in rule.items() if name != key}


def _plain(rule: Mapping[str, Any]) -> bool:
    """Whether text is a real choice, not only ``${...}`` in place of something else."""
    kinds = rule.get("type")
    return isinstance(kinds, str) or not {"object", "array"} & set(kinds or ())


def _real(choices: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [each for each in choices if each.get("pattern") != r"\$\{.+\}|^\?\?\?$"] or choices


def _definition(reference: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = schema()["$defs"][reference.removeprefix("#/$defs/")]
    return found


def _resolved(rule: Mapping[str, Any], node: Any) -> Mapping[str, Any]:
    while "$ref" in rule:
        rule = _definition(rule["$ref"])
    if "allOf" in rule and "then" in rule["allOf"][0]:
        backend = node.get("backend") if isinstance(node, dict) else None
        branches = [
            branch["then"]
            for branch in rule["allOf"]
            if branch["if"].get("properties", {}).get("backend", {}).get("const") == backend
        ]
        return _resolved((branches or [rule["allOf"][0]["then"]])[0], {})
    if "anyOf" in rule:
        kind = "object" if isinstance(node, dict) else "array" if isinstance(node, list) else "string"
        for choice in rule["anyOf"]:
            choice = _resolved(choice, node)
            if kind in (choice.get("type") or ()):
                return choice
    return rule


def _below(rule: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    more = rule.get("additionalProperties")
    found: Mapping[str, Any] = rule.get("properties", {}).get(key) or (more if isinstance(more, Mapping) else {})
    return found


def _edit(draw: st.DrawFn, node: Any, rule: Mapping[str, Any]) -> None:
    kind = draw(st.sampled_from(("replace", "replace", "add", "remove", "rename")))
    if isinstance(node, list):
        if kind == "remove" and node:
            del node[draw(st.integers(0, len(node) - 1))]
        else:
            node.append(value(draw, rule.get("items", {}), 3))
        return
    present = sorted(node)
    absent = sorted(set(rule.get("properties", {})) - set(present))
    if kind == "add" and absent:
        key = draw(st.sampled_from(absent))
        node[key] = value(draw, rule["properties"][key], 3)
    elif present:
        key = draw(st.sampled_from(present))
        if kind == "remove":
            del node[key]
        elif kind == "rename":
            node[draw(st.sampled_from((f"{key}x", key.upper(), *NAMES)))] = node.pop(key)
        else:
            node[key] = value(draw, _below(rule, key), 3)


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list | tuple) else value


def _place(draw: st.DrawFn, data: bytes) -> int:
    return draw(st.integers(0, max(0, len(data) - 1)))


def _flip_byte(draw: st.DrawFn, data: bytes) -> bytes:
    at = _place(draw, data)
    return data[:at] + bytes([draw(st.integers(0, 255))]) + data[at + 1 :]


def _delete_lines(draw: st.DrawFn, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    at = draw(st.integers(0, max(0, len(lines) - 1)))
    return b"".join(lines[:at] + lines[at + draw(st.integers(1, 4)) :])


def _repeat_line(draw: st.DrawFn, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True) or [b""]
    line = draw(st.sampled_from(lines))
    at = draw(st.integers(0, len(lines)))
    return b"".join([*lines[:at], line, *lines[at:]])


def _swap_values(draw: st.DrawFn, data: bytes) -> bytes:
    found = list(re.finditer(rb"(?<=: )[^\s,{}\[\]]+", data))
    if len(found) < 2:
        return data
    first, second = sorted(draw(st.lists(st.integers(0, len(found) - 1), min_size=2, max_size=2, unique=True)))
    one, two = found[first], found[second]
    return data[: one.start()] + two[0] + data[one.end() : two.start()] + one[0] + data[two.end() :]


def _replace_value(draw: st.DrawFn, data: bytes) -> bytes:
    found = list(re.finditer(rb"(?<=: )[^\s,{}\[\]]+", data))
    if not found:
        return data
    value = draw(st.sampled_from(found))
    new = draw(st.one_of(st.sampled_from((*ODD_TEXTS, *ODD_YAML)), st.sampled_from(ODD_NUMBERS).map(str)))
    return data[: value.start()] + new.encode("utf-8", "surrogatepass") + data[value.end() :]


def _insert(draw: st.DrawFn, data: bytes) -> bytes:
    at = _place(draw, data)
    return data[:at] + draw(st.sampled_from((*ODD_YAML, *ODD_TEXTS))).encode() + data[at:]


def _insert_line(draw: st.DrawFn, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    at = draw(st.integers(0, len(lines)))
    indent = b" " * draw(st.integers(0, 6))
    return b"".join([*lines[:at], indent + draw(st.sampled_from(ODD_YAML)).encode() + b"\n", *lines[at:]])


def _indent(draw: st.DrawFn, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True) or [b""]
    at = draw(st.integers(0, len(lines) - 1))
    lines[at] = draw(st.sampled_from((b" ", b"\t", b"  ", b"      "))) + lines[at].lstrip()
    return b"".join(lines)


def _cut(draw: st.DrawFn, data: bytes) -> bytes:
    return data[: _place(draw, data)]


_ACCIDENTS = (
    _flip_byte,
    _delete_lines,
    _repeat_line,
    _swap_values,
    _swap_values,
    _replace_value,
    _replace_value,
    _insert,
    _insert_line,
    _indent,
    _cut,
)
