"""Command-line overrides: read with Hydra's grammar, applied to positioned values by Hydra's rules.

``key=value`` changes what exists, ``+key=value`` adds, ``++key=value`` does either, ``~key`` removes.
Stricter than Hydra in what could surprise: sweeps, Hydra's own keys, and changing a value through the
reference that stands in its place are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from antlr4 import CommonTokenStream, InputStream  # type: ignore[import-untyped]
from antlr4.error.ErrorListener import ErrorListener  # type: ignore[import-untyped]
from hydra._internal.grammar import grammar_functions
from hydra._internal.grammar.functions import Functions
from hydra.core.override_parser.overrides_visitor import HydraOverrideVisitor
from hydra.core.override_parser.types import Override as HydraOverride
from hydra.core.override_parser.types import OverrideType, ValueType
from hydra.errors import HydraException
from hydra.grammar.gen.OverrideLexer import OverrideLexer
from hydra.grammar.gen.OverrideParser import OverrideParser

from mlops_iac.compose import codes
from mlops_iac.compose.findings import Findings
from mlops_iac.compose.limits import Limits, bracket_nesting
from mlops_iac.compose.scalars import find_control_character, surprise_in_number
from mlops_iac.compose.suggest import did_you_mean
from mlops_iac.compose.tree import (
    RESERVED_KEYS,
    MergeConflictError,
    Node,
    Place,
    Source,
    Value,
    kind_of,
    merge,
    replace_by,
)
from mlops_iac.diagnostics import format_path

FILE = "override"


@dataclass(frozen=True, slots=True)
class Override:
    """One override, understood but not applied."""

    source: Source
    type: OverrideType
    key: str
    package: str | None
    value: Any
    has_value: bool
    key_place: Place
    value_place: Place

    @property
    def path(self) -> tuple[str, ...]:
        """The key as a path; Hydra's grammar has no way to write a key that holds a dot."""
        return tuple(self.key.split("."))

    @property
    def text(self) -> str:
        """What the user wrote."""
        return self.source.text


def parse_overrides(texts: Iterable[str], limits: Limits, findings: Findings) -> tuple[Override, ...]:
    """Read all overrides, reporting those that cannot be used."""
    parsed = []
    characters = 0
    for number, text in enumerate(texts):
        source = Source(FILE, text, override=text)
        characters += len(text)
        if number >= limits.overrides or characters > 4 * limits.override_characters:
            findings.error(
                codes.TOO_LARGE,
                f"there are more than {limits.overrides:,} overrides, or they are longer than "
                f"{4 * limits.override_characters:,} characters",
                "Put the values into a file of a config group.",
                Place(source, 1, 1),
            )
            break
        override = _parse(source, limits, findings)
        if override is not None:
            parsed.append(override)
    return tuple(parsed)


class _GrammarError(Exception):
    """The text leaves the grammar at ``column`` (from 0)."""

    def __init__(self, column: int) -> None:
        super().__init__(column)
        self.column = column


class _Listener(ErrorListener):  # type: ignore[misc]
    def syntaxError(  # noqa: N802
        self, recognizer: Any, symbol: Any, line: int, column: int, msg: str, error: Any
    ) -> None:
        raise _GrammarError(column)


def _parse(source: Source, limits: Limits, findings: Findings) -> Override | None:
    text = source.text
    if len(text) > limits.override_characters or bracket_nesting(text) > limits.override_nesting:
        _report_size(source, limits, findings)
        return None
    control = find_control_character(text)
    if control is not None:
        findings.error(
            codes.BAD_OVERRIDE,
            f"the override holds the character U+{ord(control[0]):04X}",
            "Leave it out; values are printable text.",
            Place(source, 1, control.start() + 1),
        )
        return None
    try:
        read = _read(text)
    except _GrammarError as error:
        _report_grammar(source, error.column, findings)
        return None
    except RecursionError:
        # Brackets whose closing ones are hidden from the count, inside quotes.
        _report_size(source, limits, findings)
        return None
    except (HydraException, ValueError) as error:
        findings.error(
            codes.BAD_OVERRIDE,
            f"the override `{text}` cannot be read: {_first_line(error)}",
            "Write key=value, and quote a text that holds brackets or parentheses: key='a(b)'.",
            Place(source, 1, 1),
        )
        return None
    if read.is_sweep_override():
        _report_sweep(source, read, findings)
        return None
    override = _locate(source, read)
    return override if _is_allowed(override, limits, findings) else None


def _read(text: str) -> HydraOverride:
    lexer = OverrideLexer(InputStream(text))
    parser = OverrideParser(CommonTokenStream(lexer))
    for part in (lexer, parser):
        part.removeErrorListeners()
        part.addErrorListener(_Listener())
    override = HydraOverrideVisitor(_functions()).visit(parser.override())  # type: ignore[no-untyped-call]
    assert isinstance(override, HydraOverride)
    override.input_line = text
    override.validate()
    return override


def _functions() -> Functions:
    """Hydra's functions but for ``shuffle``, which is a matter of chance; sweeps only to be refused."""
    functions = Functions()
    functions.register("int", grammar_functions.cast_int)
    functions.register("float", grammar_functions.cast_float)
    functions.register("str", grammar_functions.cast_str)
    functions.register("bool", grammar_functions.cast_bool)
    functions.register("sort", grammar_functions.sort)
    functions.register("choice", grammar_functions.choice)
    functions.register("range", grammar_functions.range)
    functions.register("interval", grammar_functions.interval)
    functions.register("glob", grammar_functions.glob)
    return functions


def _locate(source: Source, read: HydraOverride) -> Override:
    return Override(
        source=source,
        type=read.type,
        key=read.key_or_group,
        package=read.package,
        value=read.value(),
        has_value="=" in source.text,
        key_place=_key_place(source),
        value_place=_value_place(source),
    )


def _key_place(source: Source) -> Place:
    return Place(source, 1, len(source.text) - len(source.text.lstrip("+~")) + 1)


def _value_place(source: Source) -> Place:
    key, _, value = source.text.partition("=")
    if not value.strip():
        return _key_place(source)
    return Place(source, 1, len(key) + 2 + len(value) - len(value.lstrip()))


def _report_size(source: Source, limits: Limits, findings: Findings) -> None:
    findings.error(
        codes.TOO_LARGE,
        f"the override is longer than {limits.override_characters:,} characters or nests more than "
        f"{limits.override_nesting} brackets",
        "Put the value into a file of a config group.",
        Place(source, 1, 1),
    )


def _report_grammar(source: Source, column: int, findings: Findings) -> None:
    text = source.text
    if "=" not in text and not text.startswith("~"):
        message, hint = "has no `=`", f"Write {text}=VALUE, or ~{text} to remove the key."
    elif column <= text.find("="):
        message, hint = (
            "has a key that cannot be read",
            "Write the key as names joined by dots: buckets.raw.keep=400d.",
        )
    else:
        key, _, value = text.partition("=")
        message = "has a value that cannot be read"
        hint = f"Quote the value (and protect the quotes from your shell): {key}='{value}'."
    findings.error(
        codes.BAD_OVERRIDE,
        f"the override `{text}` {message}",
        hint,
        Place(source, 1, min(column, len(text)) + 1),
    )


def _report_sweep(source: Source, read: HydraOverride, findings: Findings) -> None:
    key, _, value = source.text.partition("=")
    hint = f"Run once for each value; for a list write {key}=[{value}], for one text {key}='{value}'."
    if read.value_type is not ValueType.SIMPLE_CHOICE_SWEEP:
        hint = "Run once for each value."
    findings.error(
        codes.SWEEP,
        f"the override `{source.text}` gives several values to try one after another",
        hint,
        _value_place(source),
    )


def _is_allowed(override: Override, limits: Limits, findings: Findings) -> bool:
    """Refuse what would reach Hydra or Python, whatever the rest of the configuration says."""
    first = override.path[0].partition("/")[0]
    if first == "hydra" or (override.package or "").partition(".")[0] == "hydra":
        findings.error(
            codes.HYDRA_KEY,
            f"the override `{override.text}` changes Hydra's own settings",
            "Remove it: only the system's configuration can be overridden.",
            override.key_place,
        )
        return False
    if not override.key:
        findings.error(
            codes.BAD_OVERRIDE,
            f"the override `{override.text}` has no key",
            "Write key=value.",
            override.key_place,
        )
        return False
    if len(override.path) > limits.override_parts:
        findings.error(
            codes.TOO_LARGE,
            f"the key of the override has more than {limits.override_parts} names",
            "Put the value into a file of a config group.",
            override.key_place,
        )
        return False
    reserved = sorted(RESERVED_KEYS.intersection(override.path) | set(_reserved_keys(override.value)))
    if reserved:
        findings.error(
            codes.RESERVED_KEY,
            f"the key `{reserved[0]}` would make Hydra run Python code",
            "Remove it: a configuration is data here and never builds objects.",
            override.key_place,
            override.path,
        )
        return False
    return _has_text_keys(override, findings) and _keeps_its_text(override, findings)


def _reserved_keys(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (key for key in value if key in RESERVED_KEYS)
    if isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from _reserved_keys(child)


def _has_text_keys(override: Override, findings: Findings) -> bool:
    for key in _non_text_keys(override.value):
        findings.error(
            codes.NON_STRING_KEY,
            f"the key `{key}` in the override is not text",
            "Keys are text; start the name with a letter.",
            override.value_place,
            override.path,
        )
        return False
    return True


def _non_text_keys(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from (key for key in value if not isinstance(key, str))
    if isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from _non_text_keys(child)


def _keeps_its_text(override: Override, findings: Findings) -> bool:
    text = override.text.partition("=")[2].strip()
    surprise = surprise_in_number(text, override.value)
    if surprise is None:
        return True
    message = f"`{text}` without quotes is {surprise.reading}"
    report = findings.error if surprise.loses_text else findings.warning
    report(
        codes.SCALAR_LOSES_TEXT if surprise.loses_text else codes.AMBIGUOUS_SCALAR,
        message,
        f"{surprise.hint} Protect the quotes from your shell: '{override.key}=\"{text}\"'.",
        override.value_place,
        override.path,
    )
    return not surprise.loses_text


class _RefusedError(Exception):
    """The override does not fit the configuration."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


def apply_override(root: Node, override: Override, findings: Findings) -> Node:
    """The configuration with the override applied; unchanged, with a diagnostic, if it does not fit."""
    try:
        return _apply_below(root, override, 0)
    except _RefusedError as refused:
        findings.error(refused.code, refused.message, refused.hint, override.key_place, override.path)
    except MergeConflictError as conflict:
        older, newer = kind_of(conflict.older), kind_of(conflict.newer)
        findings.error(
            codes.MERGE_CONFLICT,
            f"`{format_path(conflict.path)}` is {older}, and the override makes it {newer}",
            f"Give {older}; to change what it is, remove it first with ~{'.'.join(conflict.path)}.",
            override.value_place,
            conflict.path,
            (("set here", conflict.older.key.location()),),
        )
    return root


def _apply_below(node: Node, override: Override, depth: int) -> Node:
    """Apply inside ``node``, a container that stands at the first ``depth`` parts of the override's key."""
    part = override.path[depth]
    child = _child(node, override, depth)
    if depth == len(override.path) - 1:
        return _with_child(node, part, _changed(node, child, override))
    if child is not None and child.is_interpolation:
        raise _RefusedError(
            codes.OVERRIDE_REFUSED,
            f"`{_head(override, depth + 1)}` is taken from {child.value}",
            "Override the value that it points at, or replace it as a whole.",
        )
    if child is None or not isinstance(child.value, dict | list):
        if override.type in (OverrideType.CHANGE, OverrideType.DEL):
            raise _no_such_key(node if child is None else child, override, depth if child is None else depth + 1)
        created = Node({}, override.key_place, override.value_place, implicit=True)
        child = replace_by(child, created)
    return _with_child(node, part, _apply_below(child, override, depth + 1))


def _child(node: Node, override: Override, depth: int) -> Node | None:
    part = override.path[depth]
    child: Node | None
    if isinstance(node.value, dict):
        child = node.value.get(part)
        return child
    assert isinstance(node.value, list)
    if part.isdecimal() and int(part) < len(node.value):
        child = node.value[int(part)]
        return child
    items = f"Its items are 0 to {len(node.value) - 1}" if node.value else "It is empty"
    raise _RefusedError(
        codes.OVERRIDE_KEY_MISSING,
        f"the list `{_head(override, depth)}` has no item `{part}`",
        f"{items}; to add or remove items, give the whole list.",
    )


def _with_child(node: Node, part: str, child: Node | None) -> Node:
    if isinstance(node.value, list):
        assert child is not None
        items = list(node.value)
        items[int(part)] = child
        return node._replace(value=items)
    assert isinstance(node.value, dict)
    entries = dict(node.value)
    if child is None:
        del entries[part]
    else:
        entries[part] = child
    return node._replace(value=entries)


def _changed(parent: Node, child: Node | None, override: Override) -> Node | None:
    """What the key holds after the override; None for nothing."""
    if override.type is OverrideType.DEL:
        _check_deletion(parent, child, override)
        return None
    new = _as_node(override.value, override)
    if child is None:
        if override.type is OverrideType.CHANGE:
            raise _no_such_key(parent, override, len(override.path) - 1)
        return new
    is_container = isinstance(new.value, dict | list)
    is_set = child.value is not None and not child.is_missing
    if override.type is OverrideType.ADD and is_set and not is_container:
        raise _RefusedError(
            codes.OVERRIDE_KEY_EXISTS,
            f"`{override.key}` has a value already",
            f"To change it, write {override.text[1:]}.",
        )
    if not is_container or not isinstance(child.value, dict | list):
        return replace_by(child, new)
    if override.type is OverrideType.CHANGE:
        _refuse_new_keys(child, new, override, override.path)
    return merge(child, new, override.path)


def _check_deletion(parent: Node, child: Node | None, override: Override) -> None:
    if isinstance(parent.value, list):
        raise _RefusedError(
            codes.OVERRIDE_REFUSED,
            f"`{override.key}` is an item of a list",
            "Items cannot be removed one by one; give the whole list.",
        )
    if child is None:
        raise _no_such_key(parent, override, len(override.path) - 1)
    value = plain_value(child)
    if override.value is not None and value != override.value:
        raise _RefusedError(
            codes.OVERRIDE_REFUSED,
            f"`{override.key}` is not {override.value!r}, so it is not removed",
            f"To remove it whatever it is, write ~{override.key}.",
        )


def _refuse_new_keys(older: Node, newer: Node, override: Override, path: tuple[str, ...]) -> None:
    """A change may only name keys that exist, at every level of a mapping it gives."""
    if not isinstance(older.value, dict) or not isinstance(newer.value, dict):
        return
    for key, value in newer.value.items():
        known = older.value.get(key)
        if known is None:
            raise _RefusedError(
                codes.OVERRIDE_KEY_MISSING,
                f"`{format_path((*path, key))}` does not exist",
                f"{_alternatives(older, key, path)}To add a key, write +{override.text}.",
            )
        _refuse_new_keys(known, value, override, (*path, key))


def _no_such_key(parent: Node, override: Override, depth: int) -> _RefusedError:
    """The part at ``depth`` of the override's key does not exist in ``parent``."""
    head, key = override.path[:depth], override.path[min(depth, len(override.path) - 1)]
    hint = _alternatives(parent, key, head)
    if override.type is OverrideType.DEL:
        hint += "If it is gone already, leave the override out."
    else:
        hint += f"To add a key, write +{override.text}."
    return _RefusedError(codes.OVERRIDE_KEY_MISSING, f"`{_head(override, depth + 1)}` does not exist", hint.strip())


def _alternatives(parent: Node, key: str, head: tuple[str, ...]) -> str:
    known = parent.value if isinstance(parent.value, dict) else {}
    suggestion = did_you_mean(key, known, prefix=f"{format_path(head)}." if head else "")
    return f"{suggestion} " if suggestion else ""


def _head(override: Override, depth: int) -> str:
    return format_path(override.path[:depth])


def _as_node(value: Any, override: Override) -> Node:
    """The override's value with the override as the place of everything in it."""
    if isinstance(value, dict):
        content: Value = {key: _as_node(child, override) for key, child in value.items()}
    elif isinstance(value, list):
        content = [_as_node(child, override) for child in value]
    else:
        content = value
    return Node(content, override.key_place, override.value_place)


def plain_value(node: Node) -> Any:
    """The value without its places."""
    if isinstance(node.value, dict):
        return {key: plain_value(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain_value(child) for child in node.value]
    return node.value


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["it does not follow Hydra's grammar"])[0]
