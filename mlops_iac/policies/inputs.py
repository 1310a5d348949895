"""A resource's inputs as checks read them: by path, with a defined answer where a value is known only after apply.

Reading a value that is not known yet raises ``UnknownInputError``, which ``Policy.check`` turns into the verdict
``unknown``. A check therefore never mistakes "not known" for "not set", and needs no code for it. Whether something
is set at all (``has``) is known even then. A list gives its known members first, so a violation that is already
visible is found before an unknown member stops the search.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from mlops_iac.graph.evaluate import UNKNOWN, SecretValue

_PART: Final = re.compile(r"[^.\[\]]+|\[[0-9]+\]")


class UnknownInputError(Exception):
    """The value at ``path`` decides, and is known only after apply."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class Inputs(Mapping[str, Any]):
    """An object among a resource's inputs; ``path`` is where it stands, empty for the resource itself."""

    __slots__ = ("_data", "path")

    def __init__(self, data: Mapping[str, Any], path: str = "") -> None:
        self._data = data
        self.path = path

    def __getitem__(self, key: str) -> Any:
        return _opened(self._data[key], self.path_of(key))

    def __iter__(self) -> Iterator[str]:
        late = []
        for key, value in self._data.items():
            if value is UNKNOWN:
                late.append(key)
            else:
                yield key
        yield from late

    def __len__(self) -> int:
        return len(self._data)

    def __contains__(self, key: object) -> bool:
        return key in self._data

    def __hash__(self) -> int:
        """Only so that a malformed value may be looked for in a set of texts."""
        return len(self._data)

    def __repr__(self) -> str:
        return f"Inputs({self._data!r})"

    def path_of(self, path: str) -> str:
        """The full path of something below this object."""
        return f"{self.path}.{path}" if self.path else path

    def at(self, path: str, default: Any = None) -> Any:
        """The value at a dotted path; ``default`` where it is missing or null."""
        found = self._find(path)
        return default if found is None else _opened(found, self.path_of(path))

    def has(self, path: str) -> bool:
        """Whether something is set there, known or not; an empty text, list or object is not."""
        found = self._find(path)
        if isinstance(found, SecretValue):
            found = found.value
        return found is not None and found != "" and not (isinstance(found, Mapping | list | tuple) and not found)

    def is_known(self, path: str) -> bool:
        """Whether the value there can be read now; what is missing is known to be missing."""
        found = self._find(path)
        return (found.value if isinstance(found, SecretValue) else found) is not UNKNOWN

    def is_secret(self, path: str) -> bool:
        """Whether the value there is marked as a secret."""
        return isinstance(self._find(path), SecretValue)

    def flag(self, path: str, default: bool = False) -> bool:
        """The truth value there, which some types write as text."""
        value = self.at(path)
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        return value if isinstance(value, bool) else default

    def number(self, path: str) -> float | None:
        """The number there; None where it is missing or no number."""
        value = self.at(path)
        if isinstance(value, bool):
            return None
        if isinstance(value, int | float):
            return value
        return float(value) if isinstance(value, str) and value.removeprefix("-").isdecimal() else None

    def text(self, path: str, default: str = "") -> str:
        """The text there; ``default`` where it is missing or no text."""
        value = self.at(path)
        return value if isinstance(value, str) else default

    def list(self, path: str) -> Sequence[Any]:
        """The list there; a single value counts as a list of one, nothing as an empty one."""
        value = self.at(path)
        if value is None:
            return ()
        return value if isinstance(value, Items) else (value,)

    def texts(self, path: str) -> Sequence[str]:
        """The members of the list there (or the one value) as texts."""
        found = self._find(path)
        if type(found) is str:
            return (found,)
        if type(found) is list and all(type(item) is str for item in found):
            return found
        return tuple(str(item) for item in self.list(path))

    def each(self, path: str) -> Iterator[Inputs]:
        """The objects in the list there (or the one object), known ones first."""
        for item in self.list(path):
            if isinstance(item, Inputs):
                yield item

    def plain_texts(self) -> Iterator[tuple[str, str]]:
        """Path and content of every text below that is known and not marked as a secret."""
        yield from _texts(self._data, self.path)

    def changed(self, changes: Mapping[str, Any]) -> Inputs:
        """A copy with the values at these paths set: ``disks[0].encrypted`` is that of the first disk."""
        return Inputs(with_values(self._data, changes), self.path)

    def differing(self, changes: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
        """Those of the changes that change something: value before (None where nothing is set) and after."""
        pairs = {path: (value_at(self._data, path), value) for path, value in changes.items()}
        return {path: pair for path, pair in pairs.items() if pair[0] != pair[1]}

    def _find(self, path: str) -> Any:
        if path in self._data:
            return self._data[path]
        current: Any = self._data
        for part in path.split("."):
            if type(current) is not dict:
                if isinstance(current, SecretValue):
                    current = current.value
                if current is UNKNOWN:
                    return UNKNOWN
                if not isinstance(current, Mapping):
                    return None
            current = current.get(part)
        return current


class Items(Sequence[Any]):
    """A list among a resource's inputs."""

    __slots__ = ("_data", "path")

    def __init__(self, data: Sequence[Any], path: str) -> None:
        self._data = data
        self.path = path

    def __getitem__(self, index: Any) -> Any:
        return _opened(self._data[index], f"{self.path}[{index}]")

    def __iter__(self) -> Iterator[Any]:
        for index, value in enumerate(self._data):
            if value is not UNKNOWN:
                yield _opened(value, f"{self.path}[{index}]")
        for index, value in enumerate(self._data):
            if value is UNKNOWN:
                raise UnknownInputError(f"{self.path}[{index}]")

    def __contains__(self, value: object) -> bool:
        return any(item == value for item in self)

    def __len__(self) -> int:
        return len(self._data)

    def __repr__(self) -> str:
        return f"Items({self._data!r})"


def with_values(data: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of an object with the values at these paths set; only the way down to them is copied.

    Raises ``UnknownInputError`` where the way leads through something that is not known or secret as a whole.
    """
    copy = dict(data)
    for path, value in changes.items():
        copy = _with(copy, _parts(path), value, path)
    return copy


def value_at(data: Mapping[str, Any], path: str) -> Any:
    """What stands at a path of an object; None where nothing does."""
    current: Any = data
    for part in _parts(path):
        if isinstance(part, int) and isinstance(current, list | tuple):
            current = current[part] if part < len(current) else None
        else:
            current = current.get(part) if isinstance(current, Mapping) else None
    return current


def _parts(path: str) -> tuple[str | int, ...]:
    return tuple(int(part[1:-1]) if part.startswith("[") else part for part in _PART.findall(path))


def _with(value: Any, parts: tuple[str | int, ...], new: Any, path: str) -> Any:
    if not parts:
        return new
    head, rest = parts[0], parts[1:]
    if isinstance(head, int) and isinstance(value, list | tuple):
        return [_with(item, rest, new, path) if index == head else item for index, item in enumerate(value)]
    if value is None or (isinstance(value, Mapping) and isinstance(head, str)):
        inner = value or {}
        return {**inner, head: _with(inner.get(head), rest, new, path)}
    raise UnknownInputError(path)


def _opened(value: Any, path: str) -> Any:
    kind = type(value)
    if kind is str or kind is bool or kind is int:
        return value
    if kind is dict:
        return Inputs(value, path)
    if isinstance(value, SecretValue):
        value = value.value
    if value is UNKNOWN:
        raise UnknownInputError(path)
    if isinstance(value, Inputs | Items):
        return value
    if isinstance(value, Mapping):
        return Inputs(value, path)
    return Items(value, path) if isinstance(value, list | tuple) else value


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if value.__class__ is str:
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _texts(item, f"{path}[{index}]")
