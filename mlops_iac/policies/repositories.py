"""Facts about image repositories that more than one rule asks for."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

from mlops_iac.policies.policy import ResourceView, StackView

REPOSITORY: Final = "aws:ecr/repository:Repository"
REGISTRY: Final = "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration"


def scans(repository: ResourceView, stack: StackView) -> bool:
    """Whether the repository scans its images, or a rule of the registry does it for it."""
    name = repository.inputs.text("name", "*") if repository.inputs.is_known("name") else "*"
    for registry in stack.of_type(REGISTRY):
        for rule in registry.inputs.each("rules"):
            scanning = rule.at("scanFrequency") in ("SCAN_ON_PUSH", "CONTINUOUS_SCAN")
            if scanning and any(fnmatchcase(name, f.text("filter", "*")) for f in rule.each("repositoryFilters")):
                return True
    return repository.inputs.flag("imageScanningConfiguration.scanOnPush")
