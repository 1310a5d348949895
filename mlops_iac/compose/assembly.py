"""From a library of files to the composition; imports Hydra, so only ``compose`` imports it, when it runs."""

from __future__ import annotations

from mlops_iac.compose import codes
from mlops_iac.compose.composition import ComposeRequest, Composition
from mlops_iac.compose.defaults import Part, select
from mlops_iac.compose.environment import read_variables
from mlops_iac.compose.findings import Findings
from mlops_iac.compose.imports import Imported, read_imports
from mlops_iac.compose.interpolation import Resolver
from mlops_iac.compose.limits import Limits
from mlops_iac.compose.overrides import apply_override, parse_overrides
from mlops_iac.compose.provenance import Origins, Replacements, nodes_by_path
from mlops_iac.compose.sources import Library
from mlops_iac.compose.tree import MergeConflictError, Node, Place, Source, count_values, kind_of, merge, wrap
from mlops_iac.diagnostics import ConfigPath, format_path, sort_diagnostics


def assemble(request: ComposeRequest, library: Library, findings: Findings) -> Composition:
    """Run the steps; the later ones only if every file could be read, because they would only add noise."""
    limits = library.limits
    overrides = parse_overrides(request.overrides, limits, findings)
    selection = select(library, request.config_name, overrides, findings)
    root = _nothing()
    data = {}
    imported = Imported()
    if selection.is_complete:
        root = _merge_parts(selection.parts, limits, findings)
        for override in selection.value_overrides:
            root = apply_override(root, override, findings)
        root = _without_hydra(root, findings)
        variables = read_variables(root, request.environment, findings)
        imported = read_imports(root, (request.root, request.exports), limits, findings)
        data = Resolver(root, variables, limits, findings, imported).data()
    nodes = nodes_by_path(root)
    return Composition(
        root=request.root,
        data=data,
        origins=Origins(nodes),
        choices=selection.choices,
        chosen_at={group: place.location() for group, place in selection.chosen_at.items()},
        sources=selection.sources,
        diagnostics=sort_diagnostics(findings.diagnostics()),
        replaced=Replacements(nodes),
        marks=imported.marks,
    )


def _nothing() -> Node:
    start = Place(Source("", ""), 1, 1)
    return Node({}, start, start, implicit=True)


def _merge_parts(parts: tuple[Part, ...], limits: Limits, findings: Findings) -> Node:
    root = _nothing()
    values = 0
    for part in parts:
        values += count_values(part.node)
        if values > limits.values:
            findings.error(
                codes.TOO_LARGE,
                f"the files together hold more than {limits.values:,} values",
                "Split the system into several, each with its own folder.",
                part.node.place,
            )
            break
        root = _merge_part(root, part, limits, findings)
    return root


def _merge_part(root: Node, part: Part, limits: Limits, findings: Findings) -> Node:
    def follow(path: ConfigPath, node: Node) -> Node | None:
        # Whether the reference can be resolved at all is judged later, over the finished configuration.
        return Resolver(root, {}, limits, Findings()).container_at(path, node)

    try:
        return merge(root, wrap(part.node, part.package), follow=follow)
    except MergeConflictError as conflict:
        older, newer = kind_of(conflict.older), kind_of(conflict.newer)
        findings.error(
            codes.MERGE_CONFLICT,
            f"`{format_path(conflict.path)}` is {newer} here and {older} in {conflict.older.key.source.file}",
            "Give both the same form; lists replace each other, mappings are merged.",
            conflict.newer.key,
            conflict.path,
            (("set here before", conflict.older.key.location()),),
        )
        return root


def _without_hydra(root: Node, findings: Findings) -> Node:
    assert isinstance(root.value, dict)
    hydra = root.value.get("hydra")
    if hydra is None:
        return root
    findings.error(
        codes.HYDRA_KEY,
        "the key `hydra` changes Hydra's own settings",
        "Remove it: only the system's configuration is composed here.",
        hydra.key,
        ("hydra",),
    )
    return root._replace(value={key: value for key, value in root.value.items() if key != "hydra"})
