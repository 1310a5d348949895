"""Runs the Python files in which a project keeps policies of its own, and takes the policies out of them.

A file is ordinary Python that makes ``Policy`` values at its top level, with the same names as ours
(``from mlops_iac.policies import Policy, fails, passes``). It is run only by the verbs that judge, never while a
configuration is composed, and only where the caller allows a project's code to run.
"""

from __future__ import annotations

import ast
import contextlib
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Final

from mlops_iac.compose.composition import Composition
from mlops_iac.compose.files import UnreadableFileError, resolved_inside, text_inside
from mlops_iac.diagnostics import ConfigPath, Diagnostic, Location, format_path, raise_on_errors
from mlops_iac.policies.policy import Enforcement, Policy, ResourceView
from mlops_iac.policies.registry import policies
from mlops_iac.providers.facts import check_inputs, facts_of

CODE_REFUSED: Final = "MI5020"
"""``policies.files`` asks for code of the project to run where that is not allowed."""
BAD_FILE: Final = "MI5021"
"""A file of ``policies.files`` cannot be had."""
BROKEN_FILE: Final = "MI5022"
"""A file with policies is not valid Python, raises, holds no policy, or one that cannot be meant."""
CRASHED: Final = "MI5023"
"""A policy raised an exception while it judged."""

_MODULES: Final = "mlops_iac_project"
_RULE_SUFFIX: Final = ".py"


@dataclass(frozen=True, slots=True)
class ProjectRules:
    """The policies of a project's own files, in the order of the files, and where each is defined."""

    policies: tuple[Policy, ...] = ()
    places: Mapping[str, Location] = field(default_factory=dict)


def load_project_rules(
    files: Iterable[str], composition: Composition, *, allowed: bool = True, taken: Iterable[str] = ()
) -> ProjectRules:
    """Run the files, named relative to the composition's folder, and collect their policies.

    ``taken`` are ids that the configuration itself gives to rules. Raises ``DiagnosticsError`` where code may not run,
    and for everything that is wrong with a file, each at its line.
    """
    named = list(files)
    if not named:
        return ProjectRules()
    if not allowed:
        path: ConfigPath = ("policies", "files")
        hint = (
            "run it where the project's code is trusted, without --no-project-code and MLOPS_IAC_NO_PROJECT_CODE; or "
            "declare the rules in policies.own, which is no code"
        )
        message = "policies.files asks to run Python files of this project, which is not allowed here"
        raise_on_errors([Diagnostic(CODE_REFUSED, message, hint, composition.location_of(path), path)])
    problems: list[Diagnostic] = []
    found: dict[str, Policy] = {}
    places: dict[str, Location] = {}
    for file in _listed(named, composition, problems):
        for policy, place in _policies_in(file, composition.root, problems):
            other = places.get(policy.id)
            if other is not None or policy.id in taken or policy.id in policies():
                where = f" at {other}" if other else ""
                message = f"there is already a policy {policy.id!r}{where}"
                problems.append(Diagnostic(BROKEN_FILE, message, "give it another id", place))
                continue
            found[policy.id], places[policy.id] = policy, place
            problems += (*_wrong_types(policy, place), *_without_effect(policy, place))
    raise_on_errors(problems)
    return ProjectRules(tuple(found.values()), places)


def crash(policy: Policy, resource: ResourceView, error: BaseException) -> Diagnostic:
    """A policy that raised while it judged ``resource``, at the line of the project's file where it has one."""
    place = _raised_at(error) or _defined_at(policy)
    judged = f"{format_path(resource.component)} ({resource.name})" if resource.component else resource.name
    hint = "repair the policy: one that cannot judge lets nothing pass"
    if place is None:
        hint = "this is a fault of the policy, please report it; one that cannot judge lets nothing pass"
    message = f"policy {policy.id} failed while it judged {judged}: {_worded(error)}"
    return Diagnostic(CRASHED, message, hint, place or resource.location, resource.component)


def printing_aside() -> contextlib.AbstractContextManager[object]:
    """What policies print goes to standard error meanwhile: standard output is a report."""
    return contextlib.redirect_stdout(sys.stderr)


def _listed(named: Iterable[str], composition: Composition, problems: list[Diagnostic]) -> Iterator[str]:
    """The files, those of a folder sorted; what cannot be had is reported at its item."""
    seen: set[Path] = set()
    for index, name in enumerate(named):
        path = ("policies", "files", index)
        try:
            real = resolved_inside(composition.root, name)
            if not real.exists():
                raise UnreadableFileError("does not exist", "`mlops-iac policy new NAME` writes a rule to start from")
            inside = [Path(name, item.name).as_posix() for item in _rule_files(real)] if real.is_dir() else [name]
            if not inside:
                raise UnreadableFileError("is a folder without Python files", "put a rule into it, or leave it out")
            for file in inside:
                if not file.endswith(_RULE_SUFFIX):
                    raise UnreadableFileError("is no Python file", "its name must end in .py")
                real = resolved_inside(composition.root, file)
                if real not in seen:
                    seen.add(real)
                    text_inside(composition.root, file)
                    yield file
        except UnreadableFileError as refused:
            where = composition.location_of(path, value=True)
            problems.append(Diagnostic(BAD_FILE, f"file {name!r} {refused.what}", refused.hint, where, path))


def _rule_files(folder: Path) -> list[Path]:
    """The files of a folder that hold rules: not tests, and nothing whose name starts with an underscore."""
    files = (item for item in folder.iterdir() if item.suffix == _RULE_SUFFIX)
    return sorted(item for item in files if not item.name.startswith(("_", "test_")))


def _policies_in(file: str, root: Path, problems: list[Diagnostic]) -> Iterator[tuple[Policy, Location]]:
    """The policies that a file makes, each with the place of its name."""
    text = text_inside(root, file)
    try:
        tree = ast.parse(text, file)
        module = _run(tree, file)
    except (SyntaxError, ValueError) as error:
        if isinstance(error, SyntaxError) and error.filename == file:
            place = Location(file, error.lineno or 1, error.offset or 1)
            problems.append(Diagnostic(BROKEN_FILE, f"not valid Python: {error.msg}", "correct the line", place))
        else:
            problems.append(_raised(file, error))
        return
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        problems.append(_raised(file, error))
        return
    lines = {
        target.id: Location(file, node.lineno, node.col_offset + 1)
        for node in tree.body
        for target in (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        if isinstance(target, ast.Name)
    }
    # The first name counts where a policy has several.
    made = {value: name for name, value in reversed(vars(module).items()) if isinstance(value, Policy)}
    for policy in policies().sound().values():
        made.pop(policy, None)
    if not made:
        hint = "make one at the top level: POLICY = Policy(...); `mlops-iac policy new` writes an example"
        problems.append(Diagnostic(BROKEN_FILE, "holds no policy", hint, Location(file, 1, 1)))
    for policy, name in reversed(made.items()):
        yield policy, lines.get(name, Location(file, 1, 1))


def _run(tree: ast.Module, file: str) -> ModuleType:
    """Run a parsed file as a module of its own."""
    name = f"{_MODULES}.{file.removesuffix(_RULE_SUFFIX).replace('/', '.')}"
    module = ModuleType(name)
    module.__file__ = file
    # Dataclasses and typing look a class's module up by its name.
    sys.modules[name] = module
    with printing_aside():
        exec(compile(tree, file, "exec"), vars(module))  # noqa: S102 - the project's own code, which the user lists
    return module


def _raised(file: str, error: BaseException) -> Diagnostic:
    place = _raised_at(error) or Location(file, 1, 1)
    hint = "a file with policies must import without errors; it can use installed packages, not its neighbours"
    return Diagnostic(BROKEN_FILE, f"running the file raised {_worded(error)}", hint, place)


def _raised_at(error: BaseException) -> Location | None:
    """The innermost line of a project's file on the way to an exception; those files alone have relative names."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(_RULE_SUFFIX)]
    inside = [frame for frame in frames if not Path(frame.filename).is_absolute()]
    if not inside:
        return None
    return Location(inside[-1].filename, inside[-1].lineno or 1, (inside[-1].colno or 0) + 1)


def _defined_at(policy: Policy) -> Location | None:
    """Where the check of a project's own policy begins."""
    code = getattr(getattr(policy.check, "__wrapped__", None), "__code__", None)
    if code is None or Path(code.co_filename).is_absolute():
        return None
    return Location(code.co_filename, code.co_firstlineno, 1)


def _worded(error: BaseException) -> str:
    """An exception in one line."""
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _without_effect(policy: Policy, place: Location) -> Iterator[Diagnostic]:
    """What only a policy of a package can do: no code of the project runs while the graph is made."""
    hint = (
        "leave it out and judge only; or offer the policy from a package of your own (entry point mlops_iac.policies), "
        "which takes part when the graph is made"
    )
    remedies = policy.remediate is not None or policy.enforcement is Enforcement.REMEDIATE
    for has, what in ((remedies, "put a violation right"), (policy.admission is not None, "judge on a cluster")):
        if has:
            message = f"policy {policy.id} is to {what}, which a policy in a file of the project cannot"
            yield Diagnostic(BROKEN_FILE, message, hint, place)


def _wrong_types(policy: Policy, place: Location) -> Iterator[Diagnostic]:
    for token in policy.applies_to:
        if token != "*" and facts_of(token) is None:
            problem = check_inputs(token, {})[0]
            yield Diagnostic(BROKEN_FILE, f"policy {policy.id}: {problem.message}", problem.hint, place)
