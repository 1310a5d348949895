"""Protections of components: a key of every kind, one or several, wrong ones refused, and seen by the engines."""

from __future__ import annotations

import pytest

from mlops_iac.components.registry import registry
from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.spec.gates import Declaration
from mlops_iac.spec.load import load
from mlops_iac.spec.schema import component_schema
from mlops_iac.validate import validate


@pytest.mark.parametrize(
    ("text", "protections"),
    [
        ("buckets: {raw: {protect: no_delete}}", ("no_delete",)),
        ("buckets: {raw: {protect: [no_replace, frozen, frozen]}}", ("frozen", "no_replace")),
        ("buckets: {raw: {protect: null}}", ()),
        ("buckets: {raw: {}}", ()),
        ("network: {protect: frozen}", ("frozen",)),
        ("alerts: {oncall: {email: [a@example.com], protect: no_delete}}", ("no_delete",)),
    ],
)
def test_every_kind_can_be_protected(compose_text, text: str, protections: tuple[str, ...]) -> None:
    system = load(validate(compose_text(text)))
    assert [each.protections for each in system.instances if each.path[0] == text.partition(":")[0]] == [protections]


def test_a_wrong_protection_is_refused(compose_text) -> None:
    with pytest.raises(DiagnosticsError) as caught:
        validate(compose_text("buckets:\n  raw: {protect: no_deletion}"))
    (found,) = caught.value.diagnostics
    assert (found.path, str(found.location)) == (("buckets", "raw", "protect"), "system.yaml:2:18")
    assert "no_delete" in found.hint + found.message


@pytest.mark.parametrize("component", list(registry().components()), ids=lambda c: f"{c.kind}-{c.backend}")
def test_every_schema_has_it_and_no_kind_has_its_own(component) -> None:
    assert "protect" in component_schema(registry(), component)["properties"]
    assert "protect" not in component.spec.__struct_fields__


def test_protections_are_sorted_and_unique() -> None:
    assert Declaration(protect=["no_replace", "frozen", "no_replace"]).protections == ("frozen", "no_replace")
