"""YAML that CI systems read: keys in the given order, scripts as blocks, and no text that means something else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from mlops_iac.delivery.provider import HEADER


class _Dumper(yaml.SafeDumper):
    """Lists indented below their key, no aliases, several lines of text as a literal block."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def to_yaml(document: Mapping[str, Any]) -> str:
    """The document below the header of generated files."""
    text = yaml.dump(dict(document), Dumper=_Dumper, sort_keys=False, width=1000, allow_unicode=True)
    return f"# {HEADER}\n{text}"


def block(lines: Iterable[str]) -> str:
    """Lines of a script as one text."""
    return "".join(f"{line}\n" for line in lines)
