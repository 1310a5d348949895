"""Laws, standards and frameworks that rules evidence: data in ``framework_data/``, one file each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Control:
    """An article or control. ``shown_by`` is what shows that it is met, where a configuration does not."""

    id: str
    title: str = ""
    shown_by: str = ""


@dataclass(frozen=True, slots=True)
class Framework:
    """A set of controls. ``packs`` are the policy packs whose choice makes it matter.

    ``controls`` is its own list, so that what no rule evidences is seen too; it is empty for a standard whose
    controls are listed only as far as rules evidence them. ``note`` says how much of it is listed.
    """

    id: str
    title: str
    source: str
    packs: tuple[str, ...]
    controls: tuple[Control, ...] = ()
    note: str = ""


@cache
def frameworks() -> Mapping[str, Framework]:
    """Every framework by id."""
    folder = files("mlops_iac.evidence").joinpath("framework_data")
    found = sorted((item for item in folder.iterdir() if item.name.endswith(".json")), key=lambda item: item.name)
    return {data["id"]: _framework(data) for data in (json.loads(file.read_text(encoding="utf-8")) for file in found)}


def frameworks_for(packs: Iterable[str], regulations: Iterable[str], risk_class: str) -> tuple[Framework, ...]:
    """The frameworks that matter to a system: named as its regulations, brought by a pack, or by its risk class.

    Those with a list of their own come first.
    """
    named = {*regulations, *(("eu-ai-act",) if risk_class == "high" else ())}
    chosen = set(packs)
    matter = (found for id, found in frameworks().items() if id in named or chosen & set(found.packs))
    return tuple(sorted(matter, key=lambda found: not found.controls))


def _framework(data: Mapping[str, object]) -> Framework:
    controls = data.get("controls", [])
    return Framework(
        str(data["id"]),
        str(data["title"]),
        str(data["source"]),
        tuple(map(str, data["packs"])) if isinstance(data["packs"], list) else (),
        tuple(Control(**item) for item in controls) if isinstance(controls, list) else (),
        str(data.get("note", "")),
    )
