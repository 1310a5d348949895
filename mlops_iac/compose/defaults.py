"""Which files make up the configuration, and in which order: Hydra's own algorithm for defaults lists.

Called with a repository of ours, it needs no plugin scan, no search path that a user could extend, and no
global state but the version whose rules apply, which is put back.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from hydra._internal.defaults_list import Overrides, _create_defaults_list
from hydra.core.default_element import DefaultsTreeNode, GroupDefault, InputDefault, ResultDefault
from hydra.core.override_parser.types import OverrideType
from hydra.errors import HydraException, MissingConfigException
from hydra.version import VersionBase, setbase
from omegaconf.errors import OmegaConfBaseException

from mlops_iac.compose import codes
from mlops_iac.compose.choices import as_hydra, sort_overrides
from mlops_iac.compose.defaults_reader import Entry, is_usable_package
from mlops_iac.compose.findings import Findings
from mlops_iac.compose.overrides import Override
from mlops_iac.compose.repository import Repository, TooManyFilesError
from mlops_iac.compose.sources import SUFFIX, Library
from mlops_iac.compose.suggest import did_you_mean, listing
from mlops_iac.compose.tree import MISSING, Node, Place

_ATTEMPTS = 50
"""Options that may be missing before the rest is left for the next run."""
_hydra_version = threading.Lock()


@dataclass(frozen=True, slots=True)
class Part:
    """A file's content and where in the configuration it goes (``""`` is the top)."""

    node: Node
    package: str


@dataclass(frozen=True, slots=True)
class Selection:
    """The files to merge, in order, the options chosen and where, and the overrides that are about values."""

    parts: tuple[Part, ...]
    choices: Mapping[str, str]
    chosen_at: Mapping[str, Place]
    value_overrides: tuple[Override, ...]
    sources: Mapping[str, str]
    is_complete: bool


def select(library: Library, primary: str, overrides: tuple[Override, ...], findings: Findings) -> Selection:
    """Follow the defaults list of ``primary``, with the group choices among the overrides."""
    repository = Repository(library, primary, findings)
    repository.choices, value_overrides = sort_overrides(overrides, repository, findings)
    with _hydra_1_3():
        repository.load_config(primary)
        parts, choices = _follow(repository, findings)
    places = ((group, repository.place_of(f"{group}/{choices[group]}")) for group in sorted(choices))
    return Selection(
        parts=tuple(parts),
        choices={group: choices[group] for group in sorted(choices)},
        chosen_at={group: place for group, place in places if place is not None},
        value_overrides=value_overrides,
        sources=repository.texts(),
        is_complete=not repository.is_broken,
    )


@contextmanager
def _hydra_1_3() -> Iterator[None]:
    """Hydra keeps the version whose rules apply in a global; put back what was there."""
    with _hydra_version:
        state = VersionBase.instance()
        before = state.version_base
        setbase("1.3")
        try:
            yield
        finally:
            state.version_base = before


def _follow(repository: Repository, findings: Findings) -> tuple[list[Part], dict[str, str]]:
    """Run Hydra's algorithm; for an option that does not exist, report it and go on with an empty one."""
    for _ in range(_ATTEMPTS):
        repository.requests = 0
        try:
            overrides = Overrides(repository, [as_hydra(override) for override in repository.choices])
            defaults, tree = _create_defaults_list(
                repository, repository.primary, overrides, prepend_hydra=False, skip_missing=True
            )
        except MissingConfigException as error:
            _report_missing(str(error.missing_cfg_file), repository, findings)
            repository.stand_ins.add(str(error.missing_cfg_file))
            repository.is_broken = True
            continue
        except TooManyFilesError:
            _report_cycle(repository, findings)
            break
        except (HydraException, OmegaConfBaseException, ValueError, AssertionError, RecursionError) as error:
            _report_unusable(error, repository, findings)
            break
        _report_open_choices(tree, repository, findings)
        _report_unused(overrides, repository, findings)
        names = [default for default in defaults if default.config_path not in repository.stand_ins]
        chosen = {group: name for group, name in overrides.known_choices.items() if isinstance(name, str)}
        return _parts(names, repository, findings), chosen
    repository.is_broken = True
    return [], {}


def _parts(defaults: list[ResultDefault], repository: Repository, findings: Findings) -> list[Part]:
    parts = []
    for default in defaults:
        file = repository.files[str(default.config_path)]
        package = default.package or ""
        if file.content is None or file.source is None:
            continue
        if package and not is_usable_package(package):
            repository.is_broken = True
            findings.error(
                codes.BAD_DEFAULTS,
                f"the file would go to `{package}`, which is not a place in the configuration",
                "Check the packages (`@...`) that lead to it.",
                Place(file.source, 1, 1),
            )
            continue
        parts.append(Part(file.content, package))
    return parts


def _report_missing(path: str, repository: Repository, findings: Findings) -> None:
    group, _, option = path.rpartition("/")
    place = repository.place_of(path)
    library = repository.library
    if group and not library.has_group(group):
        parent = group.rpartition("/")[0]
        groups = [f"{parent}/{name}" if parent else name for name in library.groups(parent)]
        message = f"there is no group `{group}`"
        hint = f"{did_you_mean(group, groups)} Groups: {listing(groups)}."
    else:
        options = library.options(group)
        what = f"the group `{group}` has no option `{option}`" if group else f"there is no file `{option}{SUFFIX}`"
        message = what
        hint = f"{did_you_mean(option, options)} Available: {listing(options) or 'nothing'}."
    findings.error(codes.OPTION_MISSING, message, hint.strip(), place)


def _report_cycle(repository: Repository, findings: Findings) -> None:
    """Name the files that include each other, if references alone show it."""
    edges: dict[str, dict[str, Entry]] = {}
    for entry in repository.entries():
        for target in entry.targets():
            edges.setdefault(entry.parent, {}).setdefault(target, entry)
    cycle = _find_cycle(edges, repository.primary)
    if cycle:
        last = edges[cycle[-2]][cycle[-1]]
        message = f"the defaults lists go round in a circle: {' -> '.join(cycle)}"
        findings.error(codes.DEFAULTS_CYCLE, message, "Remove one of these items.", last.value)
        return
    findings.error(
        codes.TOO_LARGE,
        f"the defaults lists bring in more than {repository.library.limits.files} files",
        "Merge some of them into one.",
        repository.defaults_place(),
    )


def _find_cycle(edges: Mapping[str, Mapping[str, Entry]], start: str) -> list[str]:
    """A path from a file to itself, among those reachable from ``start``."""
    finished: set[str] = set()
    path = [start]
    pending = [iter(edges.get(start, {}))]
    while pending:
        target = next(pending[-1], None)
        if target is None:
            pending.pop()
            finished.add(path.pop())
        elif target in path:
            return [*path[path.index(target) :], target]
        elif target not in finished:
            path.append(target)
            pending.append(iter(edges.get(target, {})))
    return []


def _report_unusable(error: Exception, repository: Repository, findings: Findings) -> None:
    """What Hydra says about the list as a whole, at the item it names."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    problem = lines[0] if lines else "it refers to itself"
    named = re.search(r"Multiple values for (\S+)\.", problem) or re.search(r"(\S+) appears more than once", problem)
    place = repository.defaults_place()
    hint = "Check the items of `defaults`, also in the files that they name."
    if named:
        group = named[1].partition("@")[0]
        places = [entry.value for entry in repository.entries() if entry.group == group]
        places += [choice.value_place for choice in repository.choices if choice.key == group]
        place = places[-1] if places else place
        problem = f"the group `{group}` is chosen from twice"
        hint = f"Keep one; to change a choice made elsewhere, write `override {group}`, or {group}=OPTION."
    findings.error(codes.BAD_DEFAULTS, f"the defaults list cannot be followed: {problem}", hint, place)


def _report_open_choices(tree: DefaultsTreeNode, repository: Repository, findings: Findings) -> None:
    for node in _nodes(tree):
        if not isinstance(node, GroupDefault) or not node.is_missing():
            continue
        group = node.get_group_path()
        entry = next((e for e in repository.entries() if f"{group}/{MISSING}" in e.targets()), None)
        repository.is_broken = True
        findings.error(
            codes.CHOICE_REQUIRED,
            f"no option of the group `{group}` is chosen",
            f"Write the option here, or add {group}=OPTION to the command; "
            f"available: {listing(repository.library.options(group)) or 'nothing'}.",
            entry.value if entry else repository.defaults_place(),
        )


def _nodes(tree: DefaultsTreeNode) -> Iterator[InputDefault]:
    yield tree.node
    for child in tree.children or []:
        if isinstance(child, DefaultsTreeNode):
            yield from _nodes(child)
        else:
            yield child


def _report_unused(overrides: Overrides, repository: Repository, findings: Findings) -> None:
    """Choices for groups that no defaults list uses."""
    by_key = {
        choice.key if choice.package is None else f"{choice.key}@{choice.package}": choice
        for choice in repository.choices
    }
    unused = {key: meta.external_override for key, meta in overrides.override_metadata.items() if not meta.used}
    unused.update({key: True for key, deletion in overrides.deletions.items() if not deletion.used})
    for key, is_external in unused.items():
        group = key.partition("@")[0]
        used_as = sorted(overrides.known_choices_per_group.get(group, set()))
        choice = by_key.get(key) if is_external else None
        entry = next((e for e in repository.entries() if e.is_override and e.group in (group, f"/{group}")), None)
        place = choice.key_place if choice else entry.key if entry else repository.defaults_place()
        repository.is_broken = True
        findings.error(
            codes.GROUP_NOT_USED,
            _unused_message(key, choice),
            _unused_hint(key, used_as, choice),
            place,
        )


def _unused_message(key: str, choice: Override | None) -> str:
    if choice is not None and choice.type is OverrideType.DEL and choice.value is not None:
        return f"the defaults lists do not choose `{choice.value}` from the group `{key}`"
    return f"the defaults lists do not choose from the group `{key}`"


def _unused_hint(key: str, used_as: list[str], choice: Override | None) -> str:
    if used_as:
        return f"It is used as {listing(used_as)}."
    if choice is not None and choice.type is not OverrideType.DEL:
        return f"To add the group, write +{choice.text}, or add it to `defaults`."
    return "Remove this, or add the group to `defaults`."
