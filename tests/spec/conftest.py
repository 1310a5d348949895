"""A small registry whose components refer to each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

import msgspec
import pytest

from mlops_iac.components.component import Component, Outputs, Problem
from mlops_iac.components.registry import Registry
from mlops_iac.diagnostics import Severity
from mlops_iac.graph.nodes import Layer
from mlops_iac.spec.base import Spec, doc
from mlops_iac.spec.quantities import Duration
from mlops_iac.spec.system import System


class StoreSpec(Spec, kw_only=True):
    """A store."""

    keep: Annotated[Duration, doc("How long goods are kept.")] = Duration(60)
    spare: Annotated[str | None, doc("Store that takes what is too much.", ref="stores")] = None


class Load(Spec, kw_only=True):
    """What a van carries."""

    store: Annotated[str, doc("Where it is loaded.", ref="stores")]
    from_: Annotated[str | None, doc("Van that brought it.", ref="vans")] = msgspec.field(name="from", default=None)


class VanSpec(Spec, kw_only=True):
    """A van."""

    loads: Annotated[list[Load], doc("What it carries.")] = []
    stops: Annotated[list[str], doc("Where it stops.", ref="stores|shops")] = []
    turns: Annotated[dict[str, int], doc("Turns by store.", ref="stores")] = {}
    homes: Annotated[dict[str, str], doc("Home by driver.", ref="stores")] = {}
    towed: Annotated[VanSpec | None, doc("A van behind it.")] = None
    driver: Annotated[str | Load | None, doc("Store of the driver, or a load.", ref="stores")] = None
    speed: Annotated[int, doc("Fastest it goes.", unit="km/h")] = 80


class ShopSpec(Spec, kw_only=True):
    """A shop."""

    store: Annotated[str, doc("Where goods come from.", ref="stores")]


class StallSpec(Spec, kw_only=True):
    """A stall on the market."""

    backend: Annotated[Literal["stall"], doc("This back end.")]


class OfficeSpec(Spec, kw_only=True):
    """The office."""

    van: Annotated[str | None, doc("Van of the office.", ref="vans")] = None


def check_van(name: str, spec: VanSpec, system: System) -> Iterable[Problem]:
    if spec.speed > 100:
        yield Problem("MI3901", ("speed",), f"van `{name}` is too fast", "slow down.")
    elif spec.speed > 90:
        yield Problem("MI3902", ("speed",), f"van `{name}` is fast", "slow down.", Severity.WARNING)


def component(kind: str, spec: type[Spec], label: str, **options: Any) -> Component[Any, Any]:
    layer = options.pop("layer", Layer.DATA)
    return Component(kind, label, layer, f"test:{kind}", spec, lambda name, spec, ctx: Outputs(), **options)


@pytest.fixture(scope="session")
def trade() -> Registry:
    return Registry(
        {
            "stores": {None: component("stores", StoreSpec, "store")},
            "vans": {None: component("vans", VanSpec, "van", layer=Layer.SERVING, check=check_van)},
            "shops": {
                "shop": component("shops", ShopSpec, "shop", layer=Layer.COMPUTE, backend="shop"),
                "stall": component("shops", StallSpec, "stall", backend="stall", default_backend=False),
            },
            "office": {
                None: component(
                    "office",
                    OfficeSpec,
                    "office",
                    layer=Layer.FOUNDATION,
                    many=False,
                    always=True,
                    uses=("shops",),
                )
            },
        }
    )
