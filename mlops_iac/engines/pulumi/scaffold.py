"""Writes the Pulumi projects of a system's six layers and its policy pack: the files below ``stacks/``.

``mlops-iac init`` writes them for a new system, and this repository's own ``stacks/`` is what ``stack_files`` returns
for examples/fraud-detection. Needs no Pulumi.
Source: https://www.pulumi.com/docs/iac/concepts/projects/project-file/
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

from mlops_iac.graph import naming
from mlops_iac.graph.nodes import LAYERS, Layer

ENVIRONMENTS: Final = ("dev", "staging", "prod")

_HOLDS: Final = {
    Layer.FOUNDATION: "network, keys, audit trail and alerts",
    Layer.DATA: "buckets, catalog, data quality and feature stores",
    Layer.COMPUTE: "clusters, GPU pools, queues and notebooks",
    Layer.MODELS: "image repositories, experiment tracking, model registry and pipelines",
    Layer.SERVING: "endpoints, rollout and autoscaling",
    Layer.OPERATIONS: "monitors, dashboards, retraining, budgets and delivery",
}

_PROJECT: Final = """\
name: {project}
description: The {layer} layer of {system} - {holds}
runtime:
  name: python
  options:
    # The Python environment that is active when pulumi runs must have mlops-iac[pulumi].
    toolchain: pip
config:
  system:
    type: string
    default: {folder}
    description: Folder of the system (it holds system.yaml), relative to this one
  environment:
    type: string
    default: ""
    description: Environment of the system, dev, staging or prod; empty means the name of the stack
  overrides:
    type: array
    items:
      type: string
    default: []
    description: Hydra overrides, for example buckets.raw.keep=30d
  organization:
    type: string
    default: ""
    description: Pulumi organization of the other layers' stacks; empty means that of this stack
"""

_STACK: Final = """\
config:
  {project}:environment: {environment}
"""

_PROGRAM: Final = '''\
"""The {layer} layer of {system} as a Pulumi program: what is in it stands in the system's YAML."""

from mlops_iac.engines.pulumi import run_layer

run_layer("{layer}")
'''

_PACK_PROJECT: Final = """\
description: Policies of {system}, those of mlops-iac and its own
version: 0.1.0
runtime:
  name: python
  options:
    # The Python environment that is active when pulumi runs must have mlops-iac[pulumi].
    toolchain: pip
"""

_PACK: Final = '''\
"""The policies of {system} as a CrossGuard pack: `pulumi preview --policy-pack ../policy` in a layer's folder."""

from pathlib import Path

from mlops_iac.engines.pulumi.policy_pack import run_policy_pack

run_policy_pack(system=Path(__file__).parent / "{folder}")
'''


def stack_files(system: str, folder: str) -> dict[str, str]:
    """Path below ``stacks/`` and text of every file; ``folder`` leads from a project to the system's YAML."""
    found: dict[str, str] = {}
    for layer in LAYERS:
        project = naming.project(system, layer.value)
        found[f"{layer}/Pulumi.yaml"] = _PROJECT.format(
            project=project, layer=layer, system=system, holds=_HOLDS[layer], folder=folder
        )
        found[f"{layer}/__main__.py"] = _PROGRAM.format(layer=layer, system=system)
        for environment in ENVIRONMENTS:
            text = _STACK.format(project=project, environment=environment)
            found[f"{layer}/Pulumi.{environment}.yaml"] = text
    found["policy/PulumiPolicy.yaml"] = _PACK_PROJECT.format(system=system)
    found["policy/__main__.py"] = _PACK.format(system=system, folder=folder)
    return found


def registers_only_its_layer(project: Path, layer: Layer) -> bool:
    """Whether the program of a layer's project does what the one written here does, and nothing else."""
    try:
        found = ast.parse((project / "__main__.py").read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return False
    written = ast.parse(_PROGRAM.format(layer=layer, system=""))
    return _statements(found) == _statements(written)


def _statements(module: ast.Module) -> list[str]:
    """What a module does, its docstring and comments aside."""
    return [ast.dump(statement) for statement in module.body if not _is_text(statement)]


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
