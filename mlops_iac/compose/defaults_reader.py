"""Checks the defaults list of one file: its form, and that every name in it stays inside the folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mlops_iac.compose import codes
from mlops_iac.compose.findings import Findings
from mlops_iac.compose.sources import SUFFIX, is_safe_name
from mlops_iac.compose.tree import MISSING, RESERVED_KEYS, Node, Place, kind_of

_KEYWORDS = frozenset({"optional", "override"})
_PACKAGE = re.compile(r"[A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")
_PACKAGE_PARTS = 8
REFERENCE = re.compile(r"\$\{[A-Za-z0-9_./@-]+\}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a defaults list, for finding the place of what Hydra complains about."""

    parent: str
    group: str | None
    options: tuple[str, ...]
    is_override: bool
    key: Place
    value: Place

    def targets(self) -> Iterator[str]:
        base = self.parent.rpartition("/")[0]
        for option in self.options:
            name = option if self.group is None else f"{self.group}/{option}"
            if name.startswith("/"):
                yield name[1:]
            else:
                yield f"{base}/{name}" if base else name


@dataclass(slots=True)
class DefaultsReader:
    """Checks a defaults list and hands on what of it Hydra may see."""

    config_path: str
    findings: Findings
    entries: list[Entry] = field(default_factory=list)
    is_broken: bool = False
    _has_self: bool = False

    def read(self, defaults: Node | None) -> list[object]:
        if defaults is None or defaults.value is None:
            return []
        if not isinstance(defaults.value, list):
            self._refuse(
                codes.BAD_DEFAULTS,
                f"`defaults` is {kind_of(defaults)}, not a list",
                "Write one item for each group: `- env: dev`.",
                defaults.place,
            )
            return []
        items: list[object] = []
        seen_override = False
        for node in defaults.value:
            item = self._item(node)
            is_override = isinstance(item, dict) and "override" in next(iter(item)).split(" ")[:-1]
            if item is not None and seen_override and not is_override and item != "_self_":
                self._refuse(
                    codes.BAD_DEFAULTS,
                    "an item follows an `override` item in `defaults`",
                    "Move the `override` items to the end of the list.",
                    node.place,
                )
            elif item is not None:
                items.append(item)
            seen_override |= is_override
        return items

    def _item(self, node: Node) -> object | None:
        """The item as Hydra may see it, or None after reporting why not."""
        value = node.value
        if value == "_self_":
            return self._self(node)
        if isinstance(value, str):
            return self._config(node, value)
        if isinstance(value, dict) and len(value) == 1:
            [(key, option)] = value.items()
            return self._group(node, key, option)
        self._refuse(
            codes.BAD_DEFAULTS,
            f"an item of `defaults` is {_describe_item(value)}",
            "Write `- group: option`, the name of a file, or `- _self_`.",
            node.place,
        )
        return None

    def _self(self, node: Node) -> object | None:
        if self._has_self:
            self._refuse(
                codes.BAD_DEFAULTS,
                "`_self_` stands twice in `defaults`",
                "Keep one: it says where this file's own values come in the order.",
                node.place,
            )
            return None
        self._has_self = True
        return "_self_"

    def _config(self, node: Node, text: str) -> object | None:
        name, _, package = text.partition("@")
        self.entries.append(Entry(self.config_path, None, (name,), False, node.place, node.place))
        return text if self._is_allowed(node, name, package) else None

    def _group(self, node: Node, key: str, option: Node) -> object | None:
        *keywords, target = key.split(" ")
        group, _, package = target.partition("@")
        options = _option_names(option)
        if options is None or not set(keywords) <= _KEYWORDS:
            self._refuse(
                codes.BAD_DEFAULTS,
                f"the option of `{group}` is {_describe_item(option.value)}"
                if options is None
                else f"`{key}` is not a group",
                "Give the name of one option, a list of names, or null for none; quote names such as `on`.",
                option.place,
            )
            return None
        self.entries.append(Entry(self.config_path, group, options, "override" in keywords, option.key, option.place))
        named = [name for name in options if name != MISSING]
        if not self._is_allowed(node, group, package, names=named):
            return None
        return {key: list(options) if isinstance(option.value, list) else option.value}

    def _is_allowed(self, node: Node, name: str, package: str, names: list[str] | None = None) -> bool:
        bare = name.removeprefix("/").removesuffix(SUFFIX)
        if bare.split("/")[0] == "hydra" or "hydra" in package.split(".")[:2]:
            self._refuse(
                codes.HYDRA_KEY,
                f"`{name}` in `defaults` changes Hydra's own settings",
                "Remove it: only the system's configuration is composed here.",
                node.place,
            )
            return False
        if package and not is_usable_package(package):
            self._refuse(
                codes.BAD_DEFAULTS,
                f"`@{package}` is not a place in the configuration",
                "Write a dotted name after the @, for example `@network.peering`.",
                node.place,
            )
            return False
        refused = [part for part in (bare, *(names or ())) if not self._is_inside(node, part)]
        return not refused

    def _is_inside(self, node: Node, name: str) -> bool:
        if REFERENCE.search(name):
            name = REFERENCE.sub("x", name)
        if "${" in name:
            self._refuse(
                codes.FORBIDDEN_RESOLVER,
                f"`{name}` in `defaults` is more than a reference to another choice",
                "Write a plain reference such as ${env}.",
                node.place,
            )
            return False
        if name == "_self_":
            self._refuse(
                codes.BAD_DEFAULTS,
                "`_self_` is not the name of an option",
                "Write `- _self_` alone, where this file's own values come in the order.",
                node.place,
            )
            return False
        if not is_safe_name(name.removesuffix(SUFFIX)):
            self.is_broken = True
            report_outside(name, node.place, self.findings)
            return False
        return True

    def _refuse(self, code: str, message: str, hint: str, place: Place) -> None:
        self.is_broken = True
        self.findings.error(code, message, hint, place)


def _option_names(option: Node) -> tuple[str, ...] | None:
    if option.value is None:
        return ()
    if isinstance(option.value, str):
        return (option.value,)
    if isinstance(option.value, list) and all(isinstance(item.value, str) for item in option.value):
        return tuple(str(item.value) for item in option.value)
    return None


def _describe_item(value: object) -> str:
    if isinstance(value, dict):
        return f"a mapping with {len(value)} keys"
    if isinstance(value, list):
        return "a list"
    return (
        "empty" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`, which is not text"
    )


def is_usable_package(package: str) -> bool:
    parts = package.split(".")
    return (
        _PACKAGE.fullmatch(package) is not None
        and len(parts) <= _PACKAGE_PARTS
        and "hydra" not in parts[:2]
        and not RESERVED_KEYS.intersection(parts)
    )


def report_outside(name: str, place: Place | None, findings: Findings) -> None:
    findings.error(
        codes.OUTSIDE_ROOT,
        f"`{name}` is not the name of a file in the system's folder",
        "Use names of letters, digits, `_`, `-` and `.`, joined by `/`; nothing outside can be included.",
        place,
    )
