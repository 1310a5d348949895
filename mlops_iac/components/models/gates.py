"""The small language of ``when``: conditions over the metrics of an evaluation.

    f1 >= 0.85 and (recall > 0.7 or not bias > 0.1) and beats_production

A name is a metric; ``beats_production`` compares the evaluation's first metric with the production model's, and
``beats_production(recall)`` another one. Comparisons are ``<``, ``<=``, ``>``, ``>=`` and ``==`` with a number on
the right; ``not`` binds before ``and``, ``and`` before ``or``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

Operator = Literal["<", "<=", ">", ">=", "=="]

BEATS_PRODUCTION = "beats_production"

_TOKEN = re.compile(
    r"\s*(?:(?P<number>-?[0-9]+(\.[0-9]+)?([eE]-?[0-9]+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<operator><=|>=|==|<|>)"
    r"|(?P<bracket>[()]))"
)
_KEYWORDS = frozenset({"and", "or", "not"})
_DEEPEST = 20


@dataclass(frozen=True, slots=True)
class Compare:
    """A metric against a number."""

    metric: str
    operator: Operator
    number: float


@dataclass(frozen=True, slots=True)
class BeatsProduction:
    """A metric against the production model's; ``metric`` None is the evaluation's first."""

    metric: str | None = None


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    term: Condition


@dataclass(frozen=True, slots=True)
class All:
    """Every term holds."""

    terms: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one term holds."""

    terms: tuple[Condition, ...]


Condition = Compare | BeatsProduction | Not | All | AnyOf


class GateSyntaxError(ValueError):
    """The text is not a condition; the message says where it stops being one."""


def parse(text: str) -> Condition:
    """The condition that ``text`` states; raises ``GateSyntaxError``."""
    parser = _Parser(list(_tokens(text)))
    condition = parser.alternatives(0)
    parser.end()
    return condition


def metrics(condition: Condition) -> Iterator[str]:
    """Every metric that the condition names, in reading order."""
    match condition:
        case Compare(metric=metric):
            yield metric
        case BeatsProduction(metric=metric):
            if metric is not None:
                yield metric
        case Not(term=term):
            yield from metrics(term)
        case All(terms=terms) | AnyOf(terms=terms):
            for term in terms:
                yield from metrics(term)


def compares_with_production(condition: Condition) -> bool:
    """Whether the condition needs the production model's metrics."""
    match condition:
        case BeatsProduction():
            return True
        case Not(term=term):
            return compares_with_production(term)
        case All(terms=terms) | AnyOf(terms=terms):
            return any(compares_with_production(term) for term in terms)
    return False


class _Token(NamedTuple):
    kind: str
    text: str
    column: int


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    while position < len(text.rstrip()):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            start = len(text) - len(text[position:].lstrip())
            raise GateSyntaxError(f"column {start + 1}: {text[start]!r} does not belong in a condition")
        kind = next(name for name in ("number", "name", "operator", "bracket") if match[name] is not None)
        word = match[kind]
        yield _Token("keyword" if word in _KEYWORDS else kind, word, match.start(kind) + 1)
        position = match.end()


class _Parser:
    """Recursive descent over the tokens; every method consumes what it returns."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0

    def alternatives(self, depth: int) -> Condition:
        if depth > _DEEPEST:
            raise GateSyntaxError(f"more than {_DEEPEST} brackets or `not` inside each other")
        terms = [self._conjunction(depth)]
        while self._take("or"):
            terms.append(self._conjunction(depth))
        return terms[0] if len(terms) == 1 else AnyOf(tuple(terms))

    def end(self) -> None:
        if self._next < len(self._tokens):
            raise self._unexpected("`and` or `or`")

    def _conjunction(self, depth: int) -> Condition:
        terms = [self._term(depth)]
        while self._take("and"):
            terms.append(self._term(depth))
        return terms[0] if len(terms) == 1 else All(tuple(terms))

    def _term(self, depth: int) -> Condition:
        if depth > _DEEPEST:
            raise GateSyntaxError(f"more than {_DEEPEST} brackets or `not` inside each other")
        if self._take("not"):
            return Not(self._term(depth + 1))
        if self._take("("):
            inside = self.alternatives(depth + 1)
            self._need(")")
            return inside
        name = self._of_kind("name", "a metric")
        if name == BEATS_PRODUCTION:
            return self._beats_production()
        operator = self._of_kind("operator", "a comparison such as >=")
        return Compare(name, operator, float(self._of_kind("number", "a number")))  # type: ignore[arg-type]

    def _beats_production(self) -> Condition:
        if not self._take("("):
            return BeatsProduction()
        metric = self._of_kind("name", "a metric")
        self._need(")")
        return BeatsProduction(metric)

    def _take(self, text: str) -> bool:
        if self._next < len(self._tokens) and self._tokens[self._next].text == text:
            self._next += 1
            return True
        return False

    def _need(self, text: str) -> None:
        if not self._take(text):
            raise self._unexpected(f"`{text}`")

    def _of_kind(self, kind: str, expected: str) -> str:
        if self._next >= len(self._tokens) or self._tokens[self._next].kind != kind:
            raise self._unexpected(expected)
        self._next += 1
        return self._tokens[self._next - 1].text

    def _unexpected(self, expected: str) -> GateSyntaxError:
        if self._next >= len(self._tokens):
            return GateSyntaxError(f"the condition ends where {expected} should follow")
        token = self._tokens[self._next]
        return GateSyntaxError(f"column {token.column}: {token.text!r} stands where {expected} should")
