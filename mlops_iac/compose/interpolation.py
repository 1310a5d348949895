"""Resolves ``${...}`` over positioned values, with OmegaConf's grammar and without its resolvers.

Allowed: references (``${a.b}``, ``${.sibling}``, ``${imports.name.output}``), ``${oc.select:key,default}``, and
``${env:NAME}`` for a NAME that the system lists under ``environment_variables``. OmegaConf's registry of resolvers is
global and open to any plugin, and ``oc.env`` reads every variable; here a name that is not in this module does
nothing. Work is bounded by counting, because 350 bytes can ask for gigabytes.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NoReturn

from omegaconf._utils import split_key
from omegaconf.errors import OmegaConfBaseException
from omegaconf.grammar_parser import parse
from omegaconf.grammar_visitor import GrammarVisitor

from mlops_iac.compose import codes
from mlops_iac.compose.findings import Findings, Related
from mlops_iac.compose.imports import Imported
from mlops_iac.compose.limits import Limits, bracket_nesting
from mlops_iac.compose.suggest import did_you_mean
from mlops_iac.compose.tree import Node, Place, Source, children, kind_of
from mlops_iac.diagnostics import ConfigPath, format_path

_PLAIN_REFERENCE = re.compile(r"\$\{([A-Za-z_][\w-]*(?:\.\w[\w-]*)*)\}", re.ASCII)


class _Absent:
    """Stands for a value that is left out because it was reported."""


_ABSENT: Final = _Absent()


class _UnresolvableError(Exception):
    """An expression cannot be resolved, for a reason that is its own; ``mention`` is the part to point at."""

    def __init__(self, code: str, message: str, hint: str, mention: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.mention = mention


class _NotFoundError(_UnresolvableError):
    """A reference leads nowhere."""


class _ReportedError(Exception):
    """An expression depends on a value that was reported already."""


class _BudgetError(Exception):
    """The result would be larger than allowed; there is no point in going on."""


@dataclass(frozen=True, slots=True)
class _Target:
    """A mapping or list that a reference leads to."""

    path: ConfigPath
    node: Node

    def __str__(self) -> str:
        """Called by OmegaConf's grammar to put the value into a text, which only makes sense for scalars."""
        raise _UnresolvableError(
            codes.BAD_INTERPOLATION,
            f"`{format_path(self.path)}` is {kind_of(self.node)} and cannot be part of a text",
            "Refer to a single value below it, or let the reference be the whole value.",
        )


@dataclass(slots=True)
class Resolver:
    """Turns a tree of nodes into plain data; one object serves one resolution."""

    root: Node
    variables: Mapping[str, str | None]
    limits: Limits
    findings: Findings
    imported: Imported = field(default_factory=Imported)
    _known: dict[ConfigPath, Any] = field(default_factory=dict)
    _active: dict[ConfigPath, Node] = field(default_factory=dict)
    _parsed: dict[str, Any] = field(default_factory=dict)
    _names: dict[str, list[str]] | None = None
    _values: int = 0
    _characters: int = 0
    _resolved_characters: int = 0
    _parsed_characters: int = 0

    def data(self) -> dict[str, Any]:
        """The whole configuration; what is missing or cannot be resolved is reported and left out."""
        try:
            result = self._value(self.root, (), 0)
        except _BudgetError:
            return {}
        assert isinstance(result, dict)
        return result

    def container_at(self, path: ConfigPath, node: Node) -> Node | None:
        """The mapping or list that the reference in ``node`` leads to, if it leads to one."""
        try:
            outcome = self._evaluate(node, path)
        except (_ReportedError, _BudgetError):
            return None
        return outcome.node if isinstance(outcome, _Target) else None

    def _value(self, node: Node, path: ConfigPath, depth: int) -> Any:
        self._count(node, path, depth)
        if isinstance(node.value, dict):
            named = [(key, self._value(child, (*path, key), depth + 1)) for key, child in node.value.items()]
            return {key: value for key, value in named if value is not _ABSENT}
        if isinstance(node.value, list):
            items = [self._value(child, (*path, index), depth + 1) for index, child in enumerate(node.value)]
            return [item for item in items if item is not _ABSENT]
        if node.is_interpolation:
            return self._interpolated(node, path, depth)
        if node.is_missing:
            self._report_missing(node, path)
            return _ABSENT
        return node.value

    def _interpolated(self, node: Node, path: ConfigPath, depth: int) -> Any:
        try:
            outcome = self._evaluate(node, path)
        except _ReportedError:
            return _ABSENT
        if not isinstance(outcome, _Target):
            return deepcopy(outcome)
        if path in self._active:
            self._report_cycle(path)
            return _ABSENT
        # The collection is walked again, so that the result shares nothing and its size is counted.
        self._active[path] = node
        try:
            return self._value(outcome.node, outcome.path, depth)
        finally:
            del self._active[path]

    def _count(self, node: Node, path: ConfigPath, depth: int) -> None:
        self._values += 1
        if isinstance(node.value, str):
            self._characters += len(node.value)
        if depth > self.limits.depth:
            self._give_up(node, path, f"the configuration nests more than {self.limits.depth} levels deep")
        if self._values > self.limits.values:
            self._give_up(node, path, f"the configuration grows to more than {self.limits.values:,} values")
        if self._characters > self.limits.characters:
            self._give_up(node, path, f"the configuration grows to more than {self.limits.characters:,} characters")

    def _give_up(self, node: Node, path: ConfigPath, message: str) -> NoReturn:
        code = codes.INTERPOLATION_TOO_LARGE if self._active or node.is_interpolation else codes.TOO_LARGE
        culprit_path, culprit = next(iter(self._active.items()), (path, node))
        self.findings.error(
            code,
            message,
            "Use fewer references to large values, or split the system into several.",
            culprit.place,
            culprit_path,
        )
        raise _BudgetError

    def _evaluate(self, node: Node, path: ConfigPath) -> Any:
        """A scalar, or the target of a reference to a collection; reported at most once for each node."""
        if path in self._known:
            known = self._known[path]
            if known is _ABSENT:
                raise _ReportedError
            return known
        if path in self._active:
            self._report_cycle(path)
            raise _ReportedError
        self._evaluate_first(path, node)
        return self._known[path]

    def _evaluate_first(self, path: ConfigPath, node: Node) -> None:
        assert isinstance(node.value, str)
        self._active[path] = node
        outcome: Any = _ABSENT
        try:
            outcome = self._expression(node.value, path)
        except _UnresolvableError as error:
            place = _place_in(node, error.mention)
            self.findings.error(error.code, error.message, error.hint, place, path)
            raise _ReportedError from error
        finally:
            del self._active[path]
            self._known[path] = outcome

    def _expression(self, text: str, path: ConfigPath) -> Any:
        if len(self._active) > self.limits.interpolation_chain:
            raise _UnresolvableError(
                codes.INTERPOLATION_TOO_LARGE,
                f"references lead to references more than {self.limits.interpolation_chain} times",
                "Refer to the value itself.",
            )
        if "\\" in text:
            return self._by_grammar(text, path)
        # Most texts hold plain references only; OmegaConf's grammar takes 150 microseconds for each.
        literals_and_keys = _PLAIN_REFERENCE.split(text)
        literals, keys = literals_and_keys[::2], literals_and_keys[1::2]
        if any("${" in literal for literal in literals):
            return self._by_grammar(text, path)
        if literals == ["", ""]:
            return self._reference(keys[0], path)
        values = [str(self._reference(key, path)) for key in keys]
        return "".join(part for pair in zip(literals, [*values, ""], strict=True) for part in pair)

    def _by_grammar(self, text: str, path: ConfigPath) -> Any:
        too_long = len(text) > self.limits.interpolation_characters
        if too_long or bracket_nesting(text) > self.limits.interpolation_nesting:
            raise _too_complex(self.limits)
        visitor = GrammarVisitor(
            node_interpolation_callback=lambda inter_key, memo: self._reference(inter_key, path),
            resolver_interpolation_callback=lambda name, args, args_str: self._call(name, args, path),
            memo=None,
        )
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                outcome = visitor.visit(self._parse(text))
        except RecursionError as error:
            raise _too_complex(self.limits) from error
        except OmegaConfBaseException as error:
            raise _UnresolvableError(
                codes.BAD_INTERPOLATION,
                f"`{_short(text)}` cannot be read",
                "Write ${path.to.value}; to keep the characters as they are, write \\${...}.",
            ) from error
        self._count_resolved(outcome)
        return outcome

    def _parse(self, text: str) -> Any:
        tree = self._parsed.get(text)
        if tree is None:
            self._parsed_characters += len(text)
            if self._parsed_characters > self.limits.parsed_characters:
                raise _UnresolvableError(
                    codes.INTERPOLATION_TOO_LARGE,
                    "texts that hold more than plain references are longer than "
                    f"{self.limits.parsed_characters:,} characters together",
                    "Use plain references such as ${path.to.value} where they do.",
                )
            tree = self._parsed[text] = parse(text)
        return tree

    def _count_resolved(self, value: Any) -> None:
        if isinstance(value, str):
            self._resolved_characters += len(value)
            self._characters += len(value)
        if self._resolved_characters > self.limits.resolved_characters:
            raise _UnresolvableError(
                codes.INTERPOLATION_TOO_LARGE,
                f"interpolated texts grow to more than {self.limits.resolved_characters:,} characters",
                "Use fewer references in texts that are referred to themselves.",
            )

    def _reference(self, key: str, path: ConfigPath) -> Any:
        found_path, found = self._find(key, path)
        if found.is_interpolation:
            outcome = self._evaluate(found, found_path)
        elif found.is_missing:
            # Reported where the missing value stands.
            raise _ReportedError
        elif isinstance(found.value, dict | list):
            return _Target(found_path, found)
        else:
            outcome = found.value
        self._count_resolved(outcome)
        return outcome

    def _find(self, key: str, path: ConfigPath) -> tuple[ConfigPath, Node]:
        """Follow a dotted key; leading dots start at the container of the asking value, as in OmegaConf."""
        dots = len(key) - len(key.lstrip("."))
        if dots > len(path):
            raise _NotFoundError(
                codes.INTERPOLATION_TARGET,
                f"`${{{key}}}` goes up beyond the top of the configuration",
                "One dot is the mapping that the value stands in, two dots the one above.",
                key,
            )
        start = path[:-dots] if dots else ()
        here, node = self._walk((), self.root, start, key)
        return self._walk(here, node, tuple(split_key(key[dots:])) if key[dots:] else (), key)

    def _walk(self, here: ConfigPath, node: Node, parts: ConfigPath, key: str) -> tuple[ConfigPath, Node]:
        for part in parts:
            if node.is_interpolation:
                outcome = self._evaluate(node, here)
                if isinstance(outcome, _Target):
                    here, node = outcome.path, outcome.node
            node = self.imported.nodes.get(here, node)
            if (*here, part) in self.imported.hidden:
                raise _UnresolvableError(
                    codes.HIDDEN_IMPORT,
                    f"`${{{key}}}` has no value: {self.imported.hidden[*here, part]}",
                    "Refer to the secret by its name in the secret store, or export it.",
                    key,
                )
            child = _child(node, part)
            if child is None:
                raise self._not_found(here, node, str(part), key)
            index = int(part) if isinstance(node.value, list) else part
            here, node = (*here, index), child
        return here, node

    def _not_found(self, here: ConfigPath, node: Node, part: str, key: str) -> _UnresolvableError:
        prefix = f"{format_path(here)}." if here else ""
        # A name where a list wants a number is a mistake that no default of oc.select covers.
        kind = _UnresolvableError if isinstance(node.value, list) and not part.isdecimal() else _NotFoundError
        if isinstance(node.value, dict):
            hint = "" if self.findings.is_full else self._suggestion(part, node.value, prefix)
            problem = f"there is no `{prefix}{part}`"
        elif isinstance(node.value, list):
            hint = f"The list has {len(node.value)} items, counted from 0."
            problem = f"the list `{format_path(here)}` has no item `{part}`"
        else:
            hint = f"Refer to `{format_path(here)}` itself."
            problem = f"`{format_path(here)}` is a single value and has nothing below it"
        return kind(
            codes.INTERPOLATION_TARGET,
            f"`${{{key}}}` points at nothing: {problem}",
            hint or "Paths start at the top of the configuration: ${buckets.raw.keep}.",
            key,
        )

    def _suggestion(self, name: str, known: Mapping[str, Node], prefix: str) -> str:
        return did_you_mean(name, known, prefix) or self._elsewhere(name)

    def _elsewhere(self, name: str) -> str:
        """Where in the configuration a key of this name does exist."""
        if self._names is None:
            self._names = {}
            _collect_names(self.root, "", self._names)
        paths = self._names.get(name, [])
        return f"Did you mean {' or '.join(f'`{path}`' for path in paths)}?" if paths else ""

    def _call(self, name: str, arguments: tuple[Any, ...], path: ConfigPath) -> Any:
        if name == "oc.select":
            outcome = self._select(arguments, path)
        elif name == "env":
            outcome = self._environment(arguments)
        else:
            hint = "Write the value, or refer to it by its path; only oc.select and env exist here."
            if name in ("oc.env", "oc.decode"):
                hint = "List the variable under `environment_variables` and write ${env:NAME}."
            raise _UnresolvableError(codes.FORBIDDEN_RESOLVER, f"`${{{name}:...}}` is not allowed", hint, name)
        if not _is_plain(outcome):
            raise _UnresolvableError(
                codes.BAD_INTERPOLATION,
                f"the default in `${{{name}:...}}` mixes a list or mapping with references to others",
                "Refer to a value that holds the default.",
                name,
            )
        self._count_resolved(outcome)
        return outcome

    def _select(self, arguments: tuple[Any, ...], path: ConfigPath) -> Any:
        if not 1 <= len(arguments) <= 2 or not isinstance(arguments[0], str):
            raise _UnresolvableError(
                codes.BAD_INTERPOLATION,
                "`${oc.select:...}` takes a path and, if wanted, a default",
                "Write ${oc.select:path.to.value,default}.",
                "oc.select",
            )
        default = arguments[1] if len(arguments) == 2 else None
        try:
            found_path, found = self._find(arguments[0], path)
        except _NotFoundError:
            return default
        return default if found.is_missing else self._reference(format_reference(found_path), ())

    def _environment(self, arguments: tuple[Any, ...]) -> Any:
        if not 1 <= len(arguments) <= 2 or not isinstance(arguments[0], str):
            raise _UnresolvableError(
                codes.BAD_INTERPOLATION,
                "`${env:...}` takes a name and, if wanted, a default",
                "Write ${env:NAME} or ${env:NAME,default}.",
                "env",
            )
        name = arguments[0]
        if name not in self.variables:
            raise _UnresolvableError(
                codes.ENVIRONMENT_VARIABLE,
                f"the environment variable `{_short(name)}` is not listed",
                f"Add it at the top level: `environment_variables: [{_short(name)}]`.",
                "env",
            )
        value = self.variables[name]
        if value is not None:
            return value
        if len(arguments) == 2:
            return arguments[1]
        raise _UnresolvableError(
            codes.ENVIRONMENT_VARIABLE,
            f"the environment variable `{name}` is not set",
            f"Set it, or give a default: ${{env:{name},default}}.",
            "env",
        )

    def _report_missing(self, node: Node, path: ConfigPath) -> None:
        self.findings.error(
            codes.MISSING_VALUE,
            f"`{format_path(path)}` has no value yet",
            f"Replace ??? by a value, or add {format_path(path)}=VALUE to the command.",
            node.place,
            path,
        )

    def _report_cycle(self, path: ConfigPath) -> None:
        """Report the loop once, at the value in it that was reached first."""
        members = list(self._active)
        loop = members[members.index(path) :]
        if any(self._known.get(member) is _ABSENT for member in loop):
            return
        chain = " -> ".join(format_path(member) for member in (*loop, path))
        related: Related = tuple(
            (f"`{format_path(member)}` is set here", self._active[member].place.location()) for member in loop[1:]
        )
        message = f"values are computed from each other: {chain}"
        if len(loop) == 1:
            message = f"`{format_path(path)}` refers to itself, or to something that holds it"
        self.findings.error(
            codes.INTERPOLATION_CYCLE,
            message,
            "Give one of the values a value of its own.",
            self._active[path].place,
            path,
            related,
        )


def format_reference(path: ConfigPath) -> str:
    """A path in the bracket form of interpolations, which also holds for names with dots."""
    return "".join(f"[{part}]" for part in path)


def _child(node: Node, part: str | int) -> Node | None:
    if isinstance(node.value, dict):
        return node.value.get(str(part))
    if isinstance(node.value, list):
        text = str(part)
        return node.value[int(text)] if text.isdecimal() and int(text) < len(node.value) else None
    return None


def _is_plain(value: Any) -> bool:
    """Whether a resolver's outcome is a scalar, a target, or a literal collection of scalars."""
    if isinstance(value, dict):
        return all(isinstance(key, str) for key in value) and _is_plain(list(value.values()))
    if isinstance(value, list):
        return all(not isinstance(item, _Target) and _is_plain(item) for item in value)
    return True


def _collect_names(node: Node, prefix: str, names: dict[str, list[str]]) -> None:
    for key, child in children(node):
        path = f"{prefix}[{key}]" if isinstance(key, int) else f"{prefix}.{key}".removeprefix(".")
        known = names.setdefault(str(key), [])
        if len(known) < 3:
            known.append(path)
        _collect_names(child, path, names)


def _too_complex(limits: Limits) -> _UnresolvableError:
    return _UnresolvableError(
        codes.INTERPOLATION_TOO_LARGE,
        f"a text with ${{...}} is longer than {limits.interpolation_characters:,} characters "
        f"or nests more than {limits.interpolation_nesting} brackets",
        "Write it more simply; to keep ${ as it is, write \\${.",
    )


@lru_cache(maxsize=8)
def _lines(source: Source) -> list[str]:
    return source.text.splitlines()


def _place_in(node: Node, mention: str) -> Place:
    """The place of the ``${`` that mentions a name, if it stands on the value's first line."""
    lines = _lines(node.place.source)
    if not mention or node.place.line > len(lines):
        return node.place
    found = lines[node.place.line - 1].find(f"${{{mention}", node.place.column - 1)
    return node.place if found < 0 else node.place._replace(column=found + 1)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
