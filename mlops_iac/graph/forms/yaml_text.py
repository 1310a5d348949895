"""YAML text that every reader takes for the same data, and names that fit into it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final


def slug(parts: Iterable[str | int]) -> str:
    """``parts`` as one name of letters, digits, dashes and underscores."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", "-".join(str(part) for part in parts if part != "")).strip("-")


def dump_yaml(data: Any) -> str:
    """``data`` in block style, keys in the order given."""
    # Imported here: commands that only read a graph should not pay for the YAML writer.
    import yaml

    # libyaml's emitter is several times faster; no line is folded, so that both emitters write the same.
    base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

    class Dumper(base):  # type: ignore[misc]
        """Block style, no anchors, and quotes around what some YAML reader takes for another type."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    Dumper.add_representer(str, _represent_text)
    return yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=1_000_000)


_NOT_SURELY_TEXT: Final = re.compile(
    r"[-+.]?[0-9].*|[-+]?\.(inf|nan)|~|null|true|false|yes|no|on|off|y|n|", re.IGNORECASE | re.DOTALL
)
"""Text that YAML 1.1 or 1.2 might read as something else; Pulumi (Go) reads ``1e3`` and ``0o7`` as
numbers."""


def _represent_text(dumper: Any, text: str) -> Any:
    if "\n" in text:
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")
    style = '"' if _NOT_SURELY_TEXT.fullmatch(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)
