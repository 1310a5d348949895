"""Typed systems: what is loaded, which references resolve, and what is said about those that do not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations

import pytest

from mlops_iac.components.registry import Registry
from mlops_iac.compose.composition import Composition
from mlops_iac.diagnostics import Diagnostic, DiagnosticsError, Location, Severity
from mlops_iac.spec.load import load
from mlops_iac.spec.quantities import Duration
from mlops_iac.spec.references import Reference, build_order, references_of
from mlops_iac.spec.system import System
from mlops_iac.validate import validate

Compose = Callable[[str], Composition]


@pytest.fixture
def loaded(compose_text: Compose, trade: Registry) -> Callable[[str], System]:
    return lambda text: load(validate(compose_text(text), trade), trade)


Loaded = Callable[[str], System]


def found(loaded: Loaded, text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(DiagnosticsError) as caught:
        loaded(text)
    return caught.value.diagnostics


def test_instances_keep_the_order_written_and_what_every_system_has_comes_last(loaded: Loaded) -> None:
    system = loaded("vans: {b: {}, a: {}}\nstores: {z: {keep: 10m}, y: {}}")
    assert [instance.path for instance in system.instances] == [
        ("vans", "b"),
        ("vans", "a"),
        ("stores", "z"),
        ("stores", "y"),
        ("office",),
    ]
    assert [instance.spec.keep for instance in system.of_kind("stores")] == [Duration(600), Duration(60)]
    assert system.core.system.name == "fraud"
    assert system.diagnostics == ()


def test_back_end_is_chosen_by_key_or_default(loaded: Loaded) -> None:
    system = loaded("stores: {s: {}}\nshops: {a: {store: s}, b: {store: s, backend: shop}, c: {backend: stall}}")
    assert [instance.component.backend for instance in system.of_kind("shops")] == ["shop", "shop", "stall"]


def test_references_of_every_shape(loaded: Loaded) -> None:
    system = loaded(
        """\
        stores: {s: {}, t: {}}
        shops: {p: {store: s}}
        vans:
          other: {driver: {store: t}}
          v:
            loads: [{store: s}, {store: t, from: other}]
            stops: [s, p]
            turns: {s: 3}
            homes: {anna: t}
            towed: {stops: [t]}
            driver: s
        """
    )
    van = system.find("vans", "v")
    other = system.find("vans", "other")
    assert van is not None
    assert other is not None
    path = ("vans", "v")
    assert references_of(van) == [
        Reference((*path, "loads", 0, "store"), ("stores",), "s"),
        Reference((*path, "loads", 1, "store"), ("stores",), "t"),
        Reference((*path, "loads", 1, "from"), ("vans",), "other"),
        Reference((*path, "stops", 0), ("stores", "shops"), "s"),
        Reference((*path, "stops", 1), ("stores", "shops"), "p"),
        Reference((*path, "turns", "s"), ("stores",), "s", is_key=True),
        Reference((*path, "homes", "anna"), ("stores",), "t"),
        Reference((*path, "towed", "stops", 0), ("stores", "shops"), "t"),
        Reference((*path, "driver"), ("stores",), "s"),
    ]
    assert references_of(other) == [Reference(("vans", "other", "driver", "store"), ("stores",), "t")]


@pytest.mark.parametrize(
    ("text", "line", "column", "path", "message", "hint"),
    [
        pytest.param(
            "stores: {raw: {}, features: {}}\nshops: {a: {store: rwa}}",
            2,
            20,
            ("shops", "a", "store"),
            "shop `a`: no store `rwa`",
            "did you mean `raw`? Declared: `raw`, `features`.",
            id="misspelt",
        ),
        pytest.param(
            "stores: {raw: {}}\nshops: {a: {store: everything}}",
            2,
            20,
            ("shops", "a", "store"),
            "shop `a`: no store `everything`",
            "Declared: `raw`.",
            id="nothing like it",
        ),
        pytest.param(
            "shops: {a: {store: raw}}",
            1,
            20,
            ("shops", "a", "store"),
            "shop `a`: no store `raw`",
            "nothing is declared under `stores`; declare `raw` there or change `shops.a.store`.",
            id="section not declared",
        ),
        pytest.param(
            "office: {van: v}",
            1,
            15,
            ("office", "van"),
            "office: no van `v`",
            "nothing is declared under `vans`; declare `v` there or change `office.van`.",
            id="from a single section",
        ),
        pytest.param(
            "stores: {s: {}}\nvans: {v: {stops: [s, t]}}",
            2,
            23,
            ("vans", "v", "stops", 1),
            "van `v`: no store or shop `t`",
            "Declared: `s`.",
            id="one of several kinds",
        ),
    ],
)
def test_unknown_reference(
    text: str, line: int, column: int, path: tuple[str | int, ...], message: str, hint: str, loaded: Loaded
) -> None:
    expected = Diagnostic("MI3001", message, hint, Location("system.yaml", line, column), path)
    assert found(loaded, text) == (expected,)


def test_circle_names_the_chain_and_every_place(loaded: Loaded) -> None:
    text = "stores: {a: {spare: b}, b: {spare: c}, c: {spare: a}, d: {spare: a}}"
    places = [Location("system.yaml", 1, column) for column in (21, 36, 51)]
    assert found(loaded, text) == (
        Diagnostic(
            "MI3002",
            "components need each other, so none can be built first: "
            "`stores.a` -> `stores.b` -> `stores.c` -> `stores.a`",
            "remove one of these references.",
            places[0],
            ("stores", "a", "spare"),
            related=(
                ("`stores.a` refers to `stores.b`", places[0]),
                ("`stores.b` refers to `stores.c`", places[1]),
                ("`stores.c` refers to `stores.a`", places[2]),
            ),
        ),
    )


def test_every_separate_circle_is_reported(loaded: Loaded) -> None:
    text = "stores: {a: {spare: b}, b: {spare: a}, self: {spare: self}}"
    assert [each.path for each in found(loaded, text)] == [
        ("stores", "a", "spare"),
        ("stores", "self", "spare"),
    ]


def test_circle_through_a_kind_that_is_used_as_a_whole(compose_text: Compose, trade: Registry) -> None:
    stores = replace(trade.default("stores"), uses=("vans",))
    registry = Registry({**trade.kinds, "stores": {None: stores}})
    composition = compose_text("stores: {s: {}}\nvans: {v: {stops: [s]}}")
    with pytest.raises(DiagnosticsError) as caught:
        load(validate(composition, registry), registry)
    (circle,) = caught.value.diagnostics
    assert circle.related == (
        ("`stores.s` is built after everything in `vans`", Location("system.yaml", 1, 13)),
        ("`vans.v` refers to `stores.s`", Location("system.yaml", 2, 20)),
    )


def test_own_checks_are_located_and_warnings_do_not_stop(loaded: Loaded) -> None:
    warning = Diagnostic(
        "MI3902",
        "van `v` is fast",
        "slow down.",
        Location("system.yaml", 1, 19),
        ("vans", "v", "speed"),
        Severity.WARNING,
    )
    assert loaded("vans: {v: {speed: 95}}").diagnostics == (warning,)
    (error,) = found(loaded, "vans: {v: {speed: 120}}")
    assert (error.code, error.location) == ("MI3901", Location("system.yaml", 1, 19))


def test_a_component_with_broken_references_is_not_asked_for_its_own_check(loaded: Loaded) -> None:
    diagnostics = found(loaded, "vans: {v: {speed: 120, stops: [x]}, w: {speed: 120}}")
    assert [(each.code, each.path[1]) for each in diagnostics] == [("MI3001", "v"), ("MI3901", "w")]


def test_build_order_follows_references_and_uses_then_layer_kind_and_name(loaded: Loaded) -> None:
    sections = [
        "stores: {b: {spare: c}, c: {}, a: {}}",
        "vans: {v: {stops: [q]}, u: {}}",
        "shops: {q: {store: b}, p: {store: a}}",
    ]
    expected = [
        "stores.a",
        "stores.c",
        "stores.b",
        "shops.p",
        "shops.q",
        "office",
        "vans.u",
        "vans.v",
    ]
    for order in permutations(sections):
        built = build_order(loaded("\n".join(order)))
        assert [".".join(map(str, instance.path)) for instance in built] == expected
