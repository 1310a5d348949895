"""Command-line overrides: read with Hydra's grammar, applied to positioned values by Hydra's rules.

``key=value`` changes what exists, ``+key=value`` adds, ``++key=value`` does either, ``~key`` removes. Stricter
than Hydra in what could surprise: sweeps, Hydra's own keys, and changing a value through the reference that stands
in its place are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from antlr4.error.ErrorListener import ErrorListener
from hydra._internal.grammar import grammar_functions
from hydra._internal.grammar.functions import Functions
from hydra.core.override_parser.overrides_parser import (
    CommonTokenStream,
    InputStream,
    OverrideLexer,
    OverrideParser,
)
from hydra.core.override_parser.overrides_visitor import HydraOverrideVisitor
from hydra.core.override_parser.types import Override as HydraOverride
from hydra.core.override_parser.types import OverrideType
from hydra.errors import HydraException

from mlops_iac.compose import codes
from mlops_iac.compose.findings import Findings
from mlops_iac.compose.limits import Limits
from mlops_iac.compose.scalars import surprise_in_number
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
from mlops_iac.diagnostics import ConfigPath, format_path

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
    for number, text in enumerate(texts):
        source = Source(FILE, text, override=text)
        if number >= limits.overrides:
            findings.error(
                codes.TOO_LARGE,
                f"there are more than {limits.overrides:,} overrides",
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
    if len(text) > limits.override_characters or _nesting(text) > limits.override_nesting:
        findings.error(
            codes.TOO_LARGE,
            f"the override is longer than {limits.override_characters:,} characters or nests more than "
            f"{limits.override_nesting} brackets",
            "Put the value into a file of a config group.",
            Place(source, 1, 1),
        )
        return None
    try:
        override = _locate(source, _read(text))
    except _GrammarError as error:
        _report_grammar(source, error.column, findings)
        return None
    except (HydraException, ValueError) as error:
        findings.error(
            codes.BAD_OVERRIDE,
            f"the override `{text}` cannot be read: {_first_line(error)}",
            "Write key=value, and quote a text that holds brackets or parentheses: key='a(b)'.",
            Place(source, 1, 1),
        )
        return None
    return override if _is_allowed(override, findings) else None


def _read(text: str) -> HydraOverride:
    lexer = OverrideLexer(InputStream(text))
    parser = OverrideParser(CommonTokenStream(lexer))
    for part in (lexer, parser):
        part.removeErrorListeners()
        part.addErrorListener(_Listener())
    override = HydraOverrideVisitor(_functions()).visit(parser.override())
    assert isinstance(override, HydraOverride)
    override.input_line = text
    override.validate()
    return override


def _functions() -> Functions:
    """Hydra's functions but for ``shuffle``, whose result is a matter of chance; sweeps only to be told apart."""
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
    text = source.text
    before, equals, after = text.partition("=")
    key_column = len(text) - len(text.lstrip("+~")) + 1
    value_column = len(before) + 2 + len(after) - len(after.lstrip()) if equals and after.strip() else key_column
    key_place = Place(source, 1, key_column)
    return Override(
        source=source,
        type=read.type,
        key=read.key_or_group,
        package=read.package,
        value=None if read.is_sweep_override() else read.value(),
        has_value=bool(equals),
        key_place=key_place,
        value_place=key_place if read.is_sweep_override() else Place(source, 1, value_column),
    ) if not read.is_sweep_override() else _sweep(source, read, key_place, Place(source, 1, value_column))


def _report_grammar(source: Source, column: int, findings: Findings) -> None:
    text = source.text
    if "=" not in text and not text.startswith("~"):
        message, hint = "has no `=`", f"Write {text}=VALUE, or ~{text} to remove the key."
    elif column <= text.find("="):
        message, hint = "has a key that cannot be read", "Write the key as names joined by dots: buckets.raw.keep=400d."
    else:
        key, _, value = text.partition("=")
        message = "has a value that cannot be read"
        hint = f"Quote the value (and protect the quotes from your shell): {key}='{value}'."
    findings.error(
        codes.BAD_OVERRIDE, f"the override `{text}` {message}", hint, Place(source, 1, min(column, len(text)) + 1)
    )
