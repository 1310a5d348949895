"""Components that other packages offer: found by name, imported when used, and a fault of one stays its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from mlops_iac.compile.driver import compile_graph
from mlops_iac.components.registry import ENTRY_POINT_GROUP, Registry, own_registry, with_offers
from mlops_iac.compose.composition import Composition
from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.plugins import BROKEN, CONFLICT, FAILED, Catalogue, Offer, PluginError
from mlops_iac.spec.load import load
from mlops_iac.validate import validate

MODULE = """\
from dataclasses import dataclass
from typing import Annotated

from mlops_iac.compile.context import BuildContext
from mlops_iac.components.component import Component, Outputs
from mlops_iac.components.data.buckets import BucketOutputs, BucketSpec, build as build_bucket
from mlops_iac.graph.nodes import Layer
from mlops_iac.spec.base import Spec, doc


class ThingSpec(Spec, kw_only=True):
    '''A thing.'''

    size: Annotated[int, doc('How large.')] = 1


def build(name: str, spec: ThingSpec, ctx: BuildContext) -> Outputs:
    ctx.add('topic', 'aws:sns/topic:Topic', {'name': str(100 // spec.size)})
    return Outputs()


def bucket(name: str, spec: BucketSpec, ctx: BuildContext) -> BucketOutputs:
    return build_bucket(name, spec, ctx)


def component(**changed):
    values = dict(kind='things', label='thing', layer=Layer.DATA, token='acme:data:Thing', spec=ThingSpec, build=build)
    return Component(**{**values, **changed})


GOOD = component()
NAMED = component(backend='plain')
OTHER = component(backend='other', default_backend=False)
BUCKET = component(
    kind='buckets', backend='acme', default_backend=False, token='mlops:data:Bucket', spec=BucketSpec, build=bucket
)
NOT_ONE = 'text'
ALWAYS = component(always=True)
SECTION = component(kind='system')
TAKEN = component(token='mlops:data:Bucket')
DEFAULT = component(kind='buckets', backend='acme', token='acme:x:Y', spec=BucketSpec, build=bucket)
SINGLE = component(kind='buckets', backend='acme', default_backend=False, many=False, build=bucket)
OUTPUTS = component(kind='buckets', backend='acme', default_backend=False)
"""

Offered = Callable[..., Registry]


@pytest.fixture
def offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Offered]:
    """The registry where a package offers ``name=attribute``; several values are several packages."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "acme_things.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "acme_broken.py").write_text("import acme_missing\n", encoding="utf-8")

    def make(**points: str) -> Registry:
        found = {}
        for name, values in points.items():
            key = name.replace("__", ".")
            found[key] = tuple(
                Offer(value, f"acme-{index} 1.0", EntryPoint(key, value, ENTRY_POINT_GROUP))
                for index, value in enumerate(values.split(), start=1)
            )
        return with_offers(own_registry(), found)

    yield make
    monkeypatch.delitem(__import__("sys").modules, "acme_things", raising=False)


def test_a_kind_is_built_like_ours(offered: Offered, compose_text: Callable[[str], Composition]) -> None:
    composition = compose_text("things: {one: {size: 4}}")
    registry = offered(things="acme_things:GOOD")
    system = load(validate(composition, registry), registry)
    names = {node.name: node.inputs.get("name") for node in compile_graph(system, composition).nodes()}
    assert names["one.topic"] == "25"


def test_a_back_end_is_a_second_builder(offered: Offered, compose_text: Callable[[str], Composition]) -> None:
    composition = compose_text("buckets: {ours: {}, theirs: {backend: acme}}")
    registry = offered(buckets__acme="acme_things:BUCKET")
    system = load(validate(composition, registry), registry)
    assert [each.component.backend for each in system.of_kind("buckets")] == [None, "acme"]
    assert {"ours.bucket", "theirs.bucket"} <= {node.name for node in compile_graph(system, composition).nodes()}


@pytest.mark.parametrize(
    ("point", "value", "told"),
    [
        pytest.param("things", "acme_broken:X", "cannot be imported: ModuleNotFoundError", id="import"),
        pytest.param("things", "acme_things:NOWHERE", "cannot be imported: AttributeError", id="attribute"),
        pytest.param("things", "acme_things:NOT_ONE", "is str, not a Component", id="type"),
        pytest.param("stuff", "acme_things:GOOD", "is announced as kind 'stuff'", id="name"),
        pytest.param("things", "acme_things:ALWAYS", "always=True", id="always"),
        pytest.param("system", "acme_things:SECTION", "needs a free name", id="section"),
        pytest.param("things", "acme_things:TAKEN", "tokens that start with mlops:", id="token"),
        pytest.param("things__other", "acme_things:OTHER", "must say default_backend=True", id="no default"),
        pytest.param("buckets__acme", "acme_things:DEFAULT", "has a default back end", id="second default"),
        pytest.param("buckets__acme", "acme_things:SINGLE", "says many=False", id="many"),
        pytest.param("buckets__acme", "acme_things:OUTPUTS", "buckets.BucketOutputs", id="outputs"),
    ],
)
def test_what_is_wrong_is_said_when_it_is_used(point: str, value: str, told: str, offered: Offered) -> None:
    registry = offered(**{point: value})
    kind, _, backend = point.partition("__")
    with pytest.raises(PluginError) as caught:
        registry.kinds[kind][backend or None]
    assert caught.value.diagnostic.code == BROKEN
    assert told in caught.value.diagnostic.message
    assert "acme-1 1.0" in caught.value.diagnostic.message
    assert registry.usable().kinds.keys() <= own_registry().kinds.keys()


def test_two_that_offer_the_same_are_both_named(offered: Offered) -> None:
    registry = offered(things="acme_things:GOOD acme_things:OTHER")
    with pytest.raises(PluginError) as caught:
        registry.default("things")
    assert caught.value.diagnostic.code == CONFLICT
    assert "acme-1 1.0" in caught.value.diagnostic.message
    assert "acme-2 1.0" in caught.value.diagnostic.message


def test_one_of_ours_cannot_be_taken_over(offered: Offered) -> None:
    with pytest.raises(PluginError, match=r"mlops-iac itself and acme-1 1\.0"):
        offered(keys="acme_things:GOOD").kinds["keys"][None]


def test_a_fault_is_told_where_it_is_used_and_hides_nothing(
    offered: Offered, compose_text: Callable[[str], Composition]
) -> None:
    registry = offered(things="acme_broken:X", buckets__acme="acme_things:OUTPUTS")
    composition = compose_text(
        """\
        things: {one: {}}
        buckets:
          a: {backend: acme}
          b: {keep: soon}
        """
    )
    with pytest.raises(DiagnosticsError) as caught:
        validate(composition, registry)
    told = [
        (each.code, each.location and (each.location.line, each.location.column)) for each in caught.value.diagnostics
    ]
    assert told[0] == (BROKEN, (1, 1))
    assert told[1] == (BROKEN, (3, 16))
    assert told[2][1] == (4, 13)


def test_a_broken_package_that_is_not_used_is_not_even_imported(
    offered: Offered, compose_text: Callable[[str], Composition]
) -> None:
    registry = offered(things="acme_broken:X")
    composition = compose_text("buckets: {raw: {}}")
    assert load(validate(composition, registry), registry).find("buckets", "raw")


def test_a_builder_that_fails_is_an_error_at_its_declaration(
    offered: Offered, compose_text: Callable[[str], Composition]
) -> None:
    registry = offered(things="acme_things:GOOD")
    composition = compose_text("things:\n  one: {size: 0}")
    with pytest.raises(DiagnosticsError) as caught:
        compile_graph(load(validate(composition, registry), registry), composition)
    (problem,) = caught.value.diagnostics
    assert (problem.code, problem.location and problem.location.line) == (FAILED, 2)
    assert "ZeroDivisionError" in problem.message
    assert "acme_things" in problem.hint


def test_a_kind_may_have_several_back_ends_of_one_package(offered: Offered) -> None:
    registry = offered(things__plain="acme_things:NAMED", things__other="acme_things:OTHER")
    assert registry.default("things").backend == "plain"
    choices = registry.kinds["things"]
    assert isinstance(choices, Catalogue)
    assert set(choices.sound()) == {"plain", "other"}
