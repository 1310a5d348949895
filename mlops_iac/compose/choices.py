"""Tells the overrides that choose an option of a group from those that set a value."""

from __future__ import annotations

from hydra.core.override_parser.types import Override as HydraOverride
from hydra.core.override_parser.types import OverrideType, ValueType

from mlops_iac.compose import codes
from mlops_iac.compose.defaults_reader import report_outside
from mlops_iac.compose.findings import Findings
from mlops_iac.compose.overrides import Override
from mlops_iac.compose.repository import Repository
from mlops_iac.compose.sources import is_safe_name
from mlops_iac.compose.suggest import did_you_mean, listing


def sort_overrides(
    overrides: tuple[Override, ...], repository: Repository, findings: Findings
) -> tuple[tuple[Override, ...], tuple[Override, ...]]:
    """Tell group choices from values: a key that names a group folder is a choice."""
    choices: list[Override] = []
    values: list[Override] = []
    for override in overrides:
        is_group = repository.group_exists(override.key)
        if isinstance(override.value, dict) or not is_group:
            if _is_value(override, repository, findings):
                values.append(override)
        elif _is_choice(override, findings):
            choices.append(override)
        else:
            repository.is_broken = True
    return tuple(choices), tuple(values)


def _is_value(override: Override, repository: Repository, findings: Findings) -> bool:
    if override.package is None:
        return True
    groups = repository.library.groups()
    findings.error(
        codes.OPTION_MISSING,
        f"there is no group `{override.key}`",
        f"{did_you_mean(override.key, groups)} Groups: {listing(groups)}.".strip(),
        override.key_place,
    )
    return False


def _is_choice(override: Override, findings: Findings) -> bool:
    if override.type is OverrideType.FORCE_ADD:
        findings.error(
            codes.BAD_OVERRIDE,
            f"`{override.key}` is a group, and a group is chosen with one `+` or none",
            f"Write {override.text[1:]} to add it to the defaults list, or {override.text[2:]} to change it.",
            override.key_place,
        )
        return False
    names = override.value if isinstance(override.value, list) else [override.value]
    if override.type is OverrideType.DEL and override.value is None:
        return True
    if not all(isinstance(name, str) for name in names):
        findings.error(
            codes.BAD_OVERRIDE,
            f"`{override.key}` is a group, so its value is the name of an option",
            f"Write {override.key}=OPTION, or ~{override.key} for none.",
            override.value_place,
        )
        return False
    for name in names:
        if "${" in name:
            findings.error(
                codes.FORBIDDEN_RESOLVER,
                f"the option `{name}` is a reference",
                "Name the option.",
                override.value_place,
            )
            return False
        if not is_safe_name(name) or name == "_self_":
            report_outside(f"{override.key}/{name}", override.value_place, findings)
            return False
    return True


def as_hydra(override: Override) -> HydraOverride:
    return HydraOverride(
        type=override.type,
        key_or_group=override.key,
        value_type=ValueType.ELEMENT,
        _value=override.value,
        package=override.package,
        input_line=override.text,
    )
