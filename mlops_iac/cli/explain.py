"""``mlops-iac explain``: from a resource to the lines that made it, and from a line to what it makes."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from mlops_iac.cli.options import format_option, request_for, system_options
from mlops_iac.cli.printing import print_explanation
from mlops_iac.compose.composition import Composition
from mlops_iac.diagnostics import ConfigPath
from mlops_iac.explanation import Explanation, explain_system, of_line, of_path, of_resource
from mlops_iac.pipeline import run_phases


@click.command(short_help="Trace a resource to its YAML lines, and back.")
@click.argument("what")
@format_option("text", "json")
@system_options
def command(folder: Path, overrides: tuple[str, ...], what: str, form: str) -> None:
    """Explain WHAT: a resource name, type or URN; a configuration path; or FILE:LINE.

    Shows who set each value (file, line, config group or override), what the component becomes, what that costs in a
    month, and which policies judged it.

    \b
    Examples:
      mlops-iac explain raw.versioning -C examples/fraud-detection
      mlops-iac explain buckets.raw -C examples/fraud-detection
      mlops-iac explain system.yaml:22 -C examples/fraud-detection
    """
    from mlops_iac.cost.estimate import estimate_graph
    from mlops_iac.policies.checker import verdicts_of
    from mlops_iac.policies.project import printing_aside

    run = run_phases(request_for(folder, overrides), until="check")
    if run.graph is None or run.composition is None or run.system is None:
        raise ValueError("the compile phase made no graph")
    estimate = estimate_graph(run.graph, run.system, run.request.today)
    with printing_aside():
        judged = tuple(verdicts_of(run.graph, run.system, run.request.today, run.project_rules))
    explanations = explain_system(run.graph, run.composition, estimate, judged)
    found = _find(what, explanations, run.composition, folder)
    if not found:
        names = [node.name for node in run.graph.nodes()] + [each.component for each in explanations]
        close = difflib.get_close_matches(what, sorted(set(names)), 3)
        hint = f" Did you mean {', '.join(close)}?" if close else ""
        raise click.ClickException(f"nothing is called {what!r}.{hint}")
    print_explanation(found, form)


def _find(what: str, explanations: Sequence[Explanation], composition: Composition, folder: Path) -> list[Explanation]:
    place = re.fullmatch(r"(.+):([0-9]+)", what)
    if place and not what.startswith("urn:"):
        file = Path(place[1])
        inside = (
            file.resolve().relative_to(folder.resolve())
            if file.exists() and file.resolve().is_relative_to(folder.resolve())
            else file
        )
        return of_line(explanations, composition, inside.as_posix(), int(place[2]))
    path = _as_path(what, composition)
    if path:
        return of_path(explanations, path)
    return of_resource(explanations, what)


def _as_path(what: str, composition: Composition) -> ConfigPath:
    """``what`` as a path in the configuration, or an empty path where it is none."""
    current: object = composition.data
    path: list[str | int] = []
    for part in re.findall(r"[^.\[\]]+", what):
        members: Mapping[object, object] = {}
        if isinstance(current, dict):
            members = current
        elif isinstance(current, list):
            members = {str(index): item for index, item in enumerate(current)}
        if part not in members:
            return ()
        path.append(int(part) if isinstance(current, list) else part)
        current = members[part]
    return tuple(path)
