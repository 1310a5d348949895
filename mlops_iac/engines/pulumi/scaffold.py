"""Writes the Pulumi projects of a system's six layers and its policy pack: the files below ``stacks/``.

``mlops-iac init`` writes them for a new system, and this repository's own ``stacks/`` is what ``stack_files`` returns
for examples/fraud-detection. Needs no Pulumi.
Source: https://www.pulumi.com/docs/iac/concepts/projects/project-file/
"""

from __future__ import annotations

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
