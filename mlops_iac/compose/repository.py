"""Stands between Hydra's defaults list and the files: Hydra asks for configs by name and opens nothing.

One thing is added to Hydra's rules. A user's ``env/prod.yaml`` hides the shipped one, as files earlier on a
search path do; if its own defaults list names ``prod`` again, where Hydra would recurse without end, it
extends the shipped one instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from hydra._internal.config_repository import ConfigRepository
from hydra.core.default_element import ConfigDefault, InputDefault
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import OmegaConf

from mlops_iac.compose import codes
from mlops_iac.compose.defaults_reader import (
    REFERENCE,
    DefaultsReader,
    Entry,
    is_usable_package,
    report_outside,
)
from mlops_iac.compose.findings import Findings
from mlops_iac.compose.limits import Limits
from mlops_iac.compose.overrides import Override
from mlops_iac.compose.sources import SUFFIX, Library, Root, is_safe_name
from mlops_iac.compose.tree import Node, Place, Source, kind_of
from mlops_iac.compose.yaml_reader import UnreadableError, read_yaml

_SHIPPED = " (shipped)"
_HEADER_CHARACTERS = 512
"""How far into a file Hydra looks for a package comment."""


@dataclass(slots=True)
class _File:
    """A configuration file as far as it could be read; ``content`` has no defaults list any more."""

    source: Source | None
    content: Node | None
    entries: list[Entry] = field(default_factory=list)
    result: ConfigResult | None = None


class TooManyFilesError(Exception):
    """The defaults lists bring in more files than allowed, most likely each other."""


class Repository(ConfigRepository):
    """Serves files of the library to Hydra's defaults list."""

    def __init__(self, library: Library, primary: str, findings: Findings) -> None:
        self.library = library
        self.primary = primary
        self.findings = findings
        self.choices: tuple[Override, ...] = ()
        self.files: dict[str, _File] = {}
        self.stand_ins: set[str] = set()
        self.is_broken = False
        self.requests = 0

    def load_config(self, config_path: str) -> ConfigResult | None:
        # Hydra asks twice for each file that it uses, however often a file is used.
        self.requests += 1
        if self.requests > 2 * self.library.limits.files:
            raise TooManyFilesError
        if config_path in self.stand_ins:
            return _result([], None)
        file = self.files.get(config_path)
        if file is None:
            file = self._load(config_path)
            self.files[config_path] = file
        return file.result

    def group_exists(self, config_path: str) -> bool:
        return self.library.has_group(config_path)

    def config_exists(self, config_path: str) -> bool:
        return config_path in self.files or config_path in self.stand_ins

    def get_group_options(self, group_name: str, results_filter: ObjectType | None = ObjectType.CONFIG) -> list[str]:
        return list(self.library.options(group_name))

    def get_sources(self) -> list[ConfigSource]:
        return []

    def texts(self) -> dict[str, str]:
        """The texts of all files read, by the name that locations use."""
        return {file.source.file: file.source.text for file in self.files.values() if file.source is not None}

    def entries(self) -> Iterator[Entry]:
        for file in self.files.values():
            yield from file.entries

    def place_of(self, config_path: str) -> Place | None:
        """Where a config was asked for: a choice on the command line, or an item of a defaults list."""
        for choice in self.choices:
            names = choice.value if isinstance(choice.value, list) else [choice.value]
            if any(config_path == f"{choice.key}/{name}" for name in names):
                return choice.value_place
        for entry in self.entries():
            if any(_may_be(target, config_path) for target in entry.targets()):
                return entry.value
        return self.defaults_place()

    def defaults_place(self) -> Place | None:
        """Where to point if nothing more exact is known."""
        first = next((file for file in self.files.values() if file.source is not None), None)
        if first is None or first.source is None:
            return None
        return first.entries[0].key if first.entries else Place(first.source, 1, 1)

    def _load(self, config_path: str) -> _File:
        name = config_path.removesuffix(_SHIPPED)
        if not is_safe_name(name.removesuffix(SUFFIX)):
            self.is_broken = True
            report_outside(name, self.defaults_place(), self.findings)
            return _File(None, None, result=_result([], None))
        name = name.removesuffix(SUFFIX)
        roots = list(self.library.find(name))
        if config_path.endswith(_SHIPPED):
            roots = roots[1:]
        if name == self.primary:
            roots = [self.library.roots[0]]
        if not roots:
            return _File(None, None)
        return self._read(config_path, name, roots)

    def _read(self, config_path: str, name: str, roots: list[Root]) -> _File:
        place = self.place_of(config_path)
        source = self.library.read(roots[0], name, place, self.findings)
        content = None
        if source is not None:
            content = _top_level(source, name == self.primary, self.library.limits, self.findings)
        if source is None or content is None:
            self.is_broken = True
            return _File(source, None, result=_result([], None))
        return self._split(config_path, source, content, can_extend=len(roots) > 1)

    def _split(self, config_path: str, source: Source, content: Node, can_extend: bool) -> _File:
        """Take the defaults list out of the content, as Hydra does."""
        assert isinstance(content.value, dict)
        values = dict(content.value)
        defaults = values.pop("defaults", None)
        reader = DefaultsReader(config_path, self.findings)
        items = reader.read(defaults)
        self.is_broken |= reader.is_broken
        elements = self._create_defaults_list(config_path, OmegaConf.create(items))
        if can_extend:
            elements = [_extending(config_path, element) for element in elements]
        package = _package_header(source, self.findings)
        return _File(source, content._replace(value=values), reader.entries, _result(elements, package))


def _may_be(target: str, path: str) -> bool:
    """Whether an item of a defaults list can mean ``path``, references in it standing for anything."""
    literals = [re.escape(literal) for literal in REFERENCE.split(target)]
    return re.fullmatch(".+".join(literals), path) is not None


def _result(elements: list[InputDefault], package: str | None) -> ConfigResult:
    """Hydra's form of a config; the content stays with us, so it gets an empty one."""
    return ConfigResult(
        provider="mlops-iac",
        path="",
        config=OmegaConf.create({}),
        header={"package": package},
        defaults_list=elements,
    )


def _extending(config_path: str, element: InputDefault) -> InputDefault:
    base = config_path.rpartition("/")[0]
    if isinstance(element, ConfigDefault) and base and f"{base}/{element.path}" == config_path:
        return ConfigDefault(path=f"{element.path}{_SHIPPED}", package=element.package)
    return element


def _top_level(source: Source, is_primary: bool, limits: Limits, findings: Findings) -> Node | None:
    """The file's mapping; an empty file of a group counts as an empty mapping."""
    start = Place(source, 1, 1)
    try:
        node = read_yaml(source, limits, findings)
    except UnreadableError:
        return None
    if node is None or node.value is None:
        return _empty(source, is_primary, start, findings)
    if not isinstance(node.value, dict):
        findings.error(
            codes.NOT_A_MAPPING,
            f"the file holds {kind_of(node)}, not a mapping",
            "Write keys and values at the top level: `name: value`.",
            node.place,
        )
        return None
    return node


def _empty(source: Source, is_primary: bool, start: Place, findings: Findings) -> Node | None:
    if is_primary:
        findings.error(codes.EMPTY_FILE, "the file is empty", "Describe the system in it.", start)
        return None
    findings.warning(codes.EMPTY_FILE, "the file is empty", "Write `{}` if the option sets nothing.", start)
    return Node({}, start, start, implicit=True)


def _package_header(source: Source, findings: Findings) -> str | None:
    """The target of a ``# @package`` comment at the head of the file."""
    try:
        package = ConfigSource._get_header_dict(source.text[:_HEADER_CHARACTERS])["package"]
    except ValueError:
        package = " "
    if package is None or is_usable_package(package):
        return package
    findings.error(
        codes.BAD_DEFAULTS,
        "the `# @package` comment cannot be used",
        "Write one dotted name after it, for example `# @package network.peering`, or `_global_`.",
        Place(source, 1, 1),
    )
    return None
