"""The artifact of the compose phase: plain data and where each value of it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlops_iac.diagnostics import ConfigPath, Diagnostic, Location
from mlops_iac.graph.values import Value


@dataclass(frozen=True, slots=True)
class ComposeRequest:
    """What to compose: the system's folder, its primary config's name (no extension) and Hydra overrides.

    ``environment`` is where the variables that the system lists are read from; None means the process's own.
    ``exports`` is a second folder for files of ``imports``: a past commit does not have what was exported since.
    """

    root: Path
    overrides: tuple[str, ...] = ()
    config_name: str = "system"
    environment: Mapping[str, str] | None = None
    exports: Path | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was set: its place in a file or an override, and through which config group choice.

    ``key`` is the place of the key, ``value`` the place of the value; both in the override's text for an
    override. A list item is its own key. ``group`` is for example ``env=prod``; ``override`` the text of
    the command-line override. ``interpolation`` is the ``${...}`` text when the value was computed from
    another one.
    """

    key: Location
    value: Location
    group: str | None = None
    override: str | None = None
    interpolation: str | None = None


@dataclass(frozen=True, slots=True)
class Replaced:
    """A value that a later source took the place of, as written there."""

    value: Any
    origin: Origin


@dataclass(frozen=True, slots=True)
class Composition:
    """The resolved configuration as plain ``dict``/``list``/scalars, with an origin per path.

    ``origins`` has an entry for every mapping key and list item that a source set; ``origin_of`` falls back
    to the nearest ancestor. ``choices`` maps each config group to the option taken (``{"env": "prod"}``).
    ``sources`` maps a ``Location.file`` to its text, for drawing the line under an error.
    ``replaced`` tells, latest first, what the paths held that several sources set. ``marks`` says what the marks in
    ``data`` stand for: text that may not be seen, or is not known yet. ``chosen_at`` says where each group's option was
    chosen: an item of a defaults list, or an override.
    """

    root: Path
    data: Mapping[str, Any]
    origins: Mapping[ConfigPath, Origin]
    choices: Mapping[str, str]
    sources: Mapping[str, str]
    diagnostics: tuple[Diagnostic, ...] = ()
    replaced: Mapping[ConfigPath, tuple[Replaced, ...]] = field(default_factory=dict)
    marks: Mapping[str, Value] = field(default_factory=dict, repr=False)
    chosen_at: Mapping[str, Location] = field(default_factory=dict)

    def origin_of(self, path: ConfigPath) -> Origin | None:
        """The origin of ``path``, or of its nearest ancestor that has one."""
        for end in range(len(path), 0, -1):
            origin = self.origins.get(path[:end])
            if origin is not None:
                return origin
        return None

    def location_of(self, path: ConfigPath, *, value: bool = False) -> Location | None:
        """Where ``path``'s key (or its value) was written; the nearest ancestor's place where it was not."""
        origin = self.origin_of(path)
        if origin is None:
            return None
        return origin.value if value and path in self.origins else origin.key
