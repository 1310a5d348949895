"""Reads one YAML text into nodes with positions, within bounds and without building any Python object.

Works on libyaml's events, so the bounds hold while the text is read: an alias bomb is refused after the
values it may have, however many it would make. Everything wrong in the text is reported at once, except
that nothing can be said about what follows a syntax error.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from mlops_iac.compose import codes
from mlops_iac.compose.findings import Findings
from mlops_iac.compose.limits import Limits
from mlops_iac.compose.scalars import (
    BOOL_TAG,
    BOOLEAN_WORDS,
    MERGE_TAG,
    SCALAR_TAGS,
    STR_TAG,
    PlainScalar,
    construct,
    find_control_character,
    read_plain,
    tag_of,
)
from mlops_iac.compose.syntax import report_syntax_error
from mlops_iac.compose.tree import RESERVED_KEYS, Node, Place, Scalar, Source, Value, kind_of
from mlops_iac.diagnostics import ConfigPath

_MAP_TAGS = frozenset({None, "!", "tag:yaml.org,2002:map"})
_LIST_TAGS = frozenset({None, "!", "tag:yaml.org,2002:seq"})
_EVENT_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class UnreadableError(Exception):
    """The text is broken or passes a bound; what is wrong has been reported."""


def read_yaml(source: Source, limits: Limits, findings: Findings) -> Node | None:
    """The text's only document, None if it is empty; ``UnreadableError`` if it cannot be read to its end."""
    control = find_control_character(source.text)
    if control is not None:
        _report_control_character(source, control.start(), findings)
        raise UnreadableError
    builder = _Builder(source, limits, findings)
    try:
        for event in yaml.parse(source.text, Loader=_EVENT_LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        report_syntax_error(source, error, findings)
        raise UnreadableError from error
    return builder.document


def _report_control_character(source: Source, index: int, findings: Findings) -> None:
    before = source.text[:index]
    line = before.count("\n") + 1
    column = index - (before.rfind("\n") + 1) + 1
    findings.error(
        codes.NOT_UTF8,
        f"the file holds the character U+{ord(source.text[index]):04X}, which YAML does not allow",
        'Delete it, or write it as an escape inside double quotes, for example "\\u001b".',
        Place(source, line, column),
    )


@dataclass(slots=True)
class _Frame:
    """A collection that is being read."""

    place: Place
    key: Place
    anchor: str | None
    values_before: int
    characters_before: int
    ignored: bool
    items: list[Node] | None = None
    entries: dict[str, Node] | None = None
    merged: dict[str, Node] = field(default_factory=dict)
    pending: _Key | None = None


@dataclass(frozen=True, slots=True)
class _Key:
    """A mapping key whose value comes next; ``text`` is None if the entry is to be dropped."""

    text: str | None
    place: Place
    is_merge: bool = False


@dataclass(frozen=True, slots=True)
class _Anchored:
    """A value that aliases can repeat, with what one repetition costs."""

    node: Node
    values: int
    characters: int


@dataclass(slots=True)
class _Builder:
    source: Source
    limits: Limits
    findings: Findings
    document: Node | None = None
    documents: int = 0
    values: int = 0
    characters: int = 0
    stack: list[_Frame] = field(default_factory=list)
    anchors: dict[str, _Anchored] = field(default_factory=dict)
    anchor_places: dict[str, Place] = field(default_factory=dict)
    plain: dict[str, PlainScalar] = field(default_factory=dict)

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._open(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._close()
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._document(event)

    def _document(self, event: yaml.DocumentStartEvent) -> None:
        self.documents += 1
        if self.documents > 1:
            self.findings.error(
                codes.BAD_YAML,
                "the file holds a second YAML document",
                "Remove the `---` line, or move what follows it to a file of its own.",
                self._place(event),
            )
            raise UnreadableError

    def _place(self, event: yaml.Event) -> Place:
        mark = event.start_mark
        assert mark is not None
        return Place(self.source, mark.line + 1, mark.column + 1)

    def _path(self) -> ConfigPath:
        """Where in the file the next value goes."""
        path: list[str | int] = []
        for frame in self.stack:
            if frame.items is not None:
                path.append(len(frame.items))
            elif frame.pending is not None and frame.pending.text is not None:
                path.append(frame.pending.text)
        return tuple(path)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        place = self._place(event)
        frame = self.stack[-1] if self.stack else None
        is_key = frame is not None and frame.entries is not None and frame.pending is None
        self._count(0 if is_key else 1, len(event.value), place)
        if frame is not None and is_key:
            self._set_anchor(event.anchor, place, Node(event.value, place, place), 1, len(event.value))
            self._take_key(frame, event, place)
            return
        value = self._scalar_value(event, place)
        node = Node(value, self._key_place(place), place)
        self._set_anchor(event.anchor, place, node, 1, len(event.value))
        self._add(node)

    def _scalar_value(self, event: yaml.ScalarEvent, place: Place) -> Scalar:
        text: str = event.value
        if event.tag is None or event.tag == "!":
            if event.tag is None and event.implicit[0]:
                return self._plain_value(text, place)
            return text
        if event.tag in SCALAR_TAGS:
            try:
                return construct(event.tag, text)
            except ValueError:
                kind = event.tag.rpartition(":")[2]
                self.findings.error(
                    codes.BAD_YAML,
                    f"`{_short(text)}` is not a value of the type !!{kind}",
                    f"Remove the tag !!{kind}, or correct the value.",
                    place,
                    self._path(),
                )
                return text
        self._refuse_tag(event.tag, place)
        return text

    def _plain_value(self, text: str, place: Place) -> Scalar:
        plain = self._read_plain(text)
        if plain.surprise is not None:
            message = f"`{_short(text)}` without quotes is {plain.surprise.reading}"
            if plain.surprise.loses_text:
                self.findings.error(codes.SCALAR_LOSES_TEXT, message, plain.surprise.hint, place, self._path())
            else:
                self.findings.warning(codes.AMBIGUOUS_SCALAR, message, plain.surprise.hint, place, self._path())
        return plain.value

    def _read_plain(self, text: str) -> PlainScalar:
        plain = self.plain.get(text)
        if plain is None:
            try:
                plain = read_plain(text)
            except ValueError:
                # Only a number of more than 4,300 digits: Python refuses to convert it.
                plain = PlainScalar(STR_TAG, text)
            self.plain[text] = plain
        return plain

    def _open(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        place = self._place(event)
        self._count(1, 0, place)
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (_MAP_TAGS if is_mapping else _LIST_TAGS):
            self._refuse_tag(event.tag, place)
        if len(self.stack) >= self.limits.depth:
            self._too_large(f"the file nests more than {self.limits.depth} levels deep", place)
        if event.anchor is not None:
            self._claim_anchor(event.anchor, place)
        parent = self.stack[-1] if self.stack else None
        as_key = parent is not None and parent.entries is not None and parent.pending is None
        if as_key:
            self.findings.error(
                codes.NON_STRING_KEY,
                f"{'a mapping' if is_mapping else 'a list'} stands where a key is expected",
                "Keys are text. If the value should be a `${...}` or start with a bracket, quote it.",
                place,
                self._path(),
            )
        frame = _Frame(
            place=place,
            key=self._key_place(place),
            anchor=event.anchor,
            values_before=self.values - 1,
            characters_before=self.characters,
            ignored=as_key,
        )
        if is_mapping:
            frame.entries = {}
        else:
            frame.items = []
        self.stack.append(frame)

    def _close(self) -> None:
        frame = self.stack.pop()
        value: Value
        if frame.entries is None:
            value = frame.items
        else:
            value = {**frame.merged, **frame.entries} if frame.merged else frame.entries
        node = Node(value, frame.key, frame.place)
        if frame.anchor is not None:
            self.anchors[frame.anchor] = _Anchored(
                node, self.values - frame.values_before, self.characters - frame.characters_before
            )
        if frame.ignored:
            self.stack[-1].pending = _Key(None, frame.place)
        else:
            self._add(node)

    def _add(self, node: Node) -> None:
        if not self.stack:
            self.document = node
            return
        frame = self.stack[-1]
        if frame.entries is None:
            assert frame.items is not None
            frame.items.append(node)
            return
        key, frame.pending = frame.pending, None
        assert key is not None
        if key.is_merge:
            self._merge_into(frame, node)
        elif key.text is not None:
            frame.entries[key.text] = node

    def _key_place(self, place: Place) -> Place:
        """The place of the key that the next value belongs to; a list item is its own key."""
        if self.stack and self.stack[-1].pending is not None:
            return self.stack[-1].pending.place
        return place

    def _take_key(self, frame: _Frame, event: yaml.ScalarEvent, place: Place) -> None:
        text: str = event.value
        tag = STR_TAG
        if event.tag not in (None, "!", STR_TAG):
            self._refuse_tag(event.tag, place)
        elif event.tag is None and event.implicit[0]:
            tag = tag_of(text)
        if tag == MERGE_TAG:
            frame.pending = _Key(None, place, is_merge=True)
            return
        if tag != STR_TAG and not (tag == BOOL_TAG and text.lower() in BOOLEAN_WORDS):
            # Reported, and read on as the text it is: a second error about the entry would not help.
            self.findings.error(
                codes.NON_STRING_KEY,
                f"the key `{_short(text) or '(empty)'}` is not text to YAML but {_tag_name(tag)}",
                f'Quote it: "{text}".' if text else "Write a key before the colon.",
                place,
                self._path(),
            )
        self._name_key(frame, text, place)

    def _name_key(self, frame: _Frame, text: str, place: Place) -> None:
        assert frame.entries is not None
        if text in RESERVED_KEYS:
            self.findings.error(
                codes.RESERVED_KEY,
                f"the key `{text}` would make Hydra run Python code",
                "Remove it: a configuration is data here and never builds objects.",
                place,
                (*self._path(), text),
            )
            frame.pending = _Key(None, place)
            return
        first = frame.entries.get(text)
        if first is not None:
            self.findings.error(
                codes.DUPLICATE_KEY,
                f"the key `{_short(text)}` is written twice in one mapping",
                "Keep one of the two; YAML readers would silently take the last.",
                place,
                (*self._path(), text),
                (("first written here", first.key.location()),),
            )
            frame.pending = _Key(None, place)
            return
        frame.pending = _Key(text, place)

    def _alias(self, event: yaml.AliasEvent) -> None:
        place = self._place(event)
        name = str(event.anchor)
        if any(frame.anchor == name for frame in self.stack):
            self.findings.error(
                codes.RECURSIVE_ALIAS,
                f"the alias `*{name}` stands inside the value that it repeats",
                "Write the inner value out; a value cannot contain itself.",
                place,
                self._path(),
                (("the value starts here", self.anchor_places[name].location()),),
            )
            raise UnreadableError
        anchored = self.anchors.get(name)
        if anchored is None:
            self.findings.error(
                codes.BAD_YAML,
                f"the alias `*{name}` repeats a value that is not defined before it",
                f"Mark the value with `&{name}` further up, or quote the text if no alias is meant.",
                place,
                self._path(),
            )
            raise UnreadableError
        self._count(anchored.values, anchored.characters, place)
        frame = self.stack[-1]
        if frame.entries is not None and frame.pending is None:
            self._alias_as_key(frame, anchored.node, place)
            return
        self._add(anchored.node._replace(key=self._key_place(place), place=place))

    def _alias_as_key(self, frame: _Frame, node: Node, place: Place) -> None:
        if isinstance(node.value, str):
            self._name_key(frame, node.value, place)
            return
        self.findings.error(
            codes.NON_STRING_KEY,
            "the alias used as a key does not repeat a text",
            "Write the key out.",
            place,
        )
        frame.pending = _Key(None, place)

    def _set_anchor(self, anchor: str | None, place: Place, node: Node, values: int, characters: int) -> None:
        if anchor is None:
            return
        self._claim_anchor(anchor, place)
        self.anchors[anchor] = _Anchored(node, values, characters)

    def _claim_anchor(self, anchor: str, place: Place) -> None:
        first = self.anchor_places.setdefault(anchor, place)
        if first is not place:
            self.findings.error(
                codes.BAD_YAML,
                f"the anchor `&{anchor}` is defined twice",
                "Give the second one another name.",
                place,
                self._path(),
                (("first defined here", first.location()),),
            )

    def _merge_into(self, frame: _Frame, node: Node) -> None:
        """Apply ``<<: *base``: entries of the mapping itself win, then those of earlier bases."""
        bases = node.value if isinstance(node.value, list) else [node]
        for base in reversed(bases):
            if isinstance(base.value, dict):
                frame.merged.update(base.value)
            else:
                self.findings.error(
                    codes.BAD_YAML,
                    f"`<<` takes over the entries of a mapping, and this is {kind_of(base)}",
                    "Point it at a mapping, as in `<<: *defaults`.",
                    base.place,
                    self._path(),
                )

    def _count(self, values: int, characters: int, place: Place) -> None:
        self.values += values
        self.characters += characters
        if self.values > self.limits.values:
            self._too_large(f"the file holds more than {self.limits.values:,} values, aliases included", place)
        if self.characters > self.limits.characters:
            self._too_large(f"the file holds more than {self.limits.characters:,} characters, aliases included", place)

    def _too_large(self, message: str, place: Place) -> None:
        self.findings.error(
            codes.TOO_LARGE, message, "Split the system into several, or write it with fewer aliases.", place
        )
        raise UnreadableError

    def _refuse_tag(self, tag: str | None, place: Place) -> None:
        shown = (tag or "!").replace("tag:yaml.org,2002:", "!!")
        self.findings.error(
            codes.FORBIDDEN_TAG,
            f"the tag `{_short(shown)}` is not allowed",
            "Remove the tag: values are plain text, numbers, booleans, lists and mappings.",
            place,
            self._path(),
        )


def _tag_name(tag: str) -> str:
    return {"bool": "a boolean", "int": "a number", "float": "a number", "null": "null"}[tag.rpartition(":")[2]]


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
