"""Inputs tell unknown from unset, and violations win over unknown values."""

from __future__ import annotations

import pytest

from mlops_iac.graph.evaluate import UNKNOWN, SecretValue
from mlops_iac.policies.inputs import Inputs, Items, UnknownInputError
from mlops_iac.policies.policy import NOT_APPLICABLE, PASS, Result, Verdict, canonical_type, fail, unknown, worst


def test_a_value_is_read_by_its_path_and_a_missing_one_is_the_default() -> None:
    inputs = Inputs({"spec": {"replicas": 2, "name": None}})

    assert inputs.at("spec.replicas") == 2
    assert inputs.at("spec.name", "none") == "none"
    assert inputs.at("spec.replicas.deeper") is None
    assert inputs.at("status.ready") is None


def test_reading_an_unknown_value_names_its_path() -> None:
    inputs = Inputs({"spec": {"containers": [{"image": UNKNOWN}]}})

    with pytest.raises(UnknownInputError) as caught:
        next(inputs.each("spec.containers")).text("image")

    assert caught.value.path == "spec.containers[0].image"


def test_an_unknown_object_makes_everything_below_it_unknown() -> None:
    with pytest.raises(UnknownInputError):
        Inputs({"spec": UNKNOWN}).at("spec.replicas")


def test_something_unknown_is_set_and_something_empty_is_not() -> None:
    inputs = Inputs({"key": UNKNOWN, "text": "", "list": [], "object": {}, "no": False, "secret": SecretValue("x")})

    assert [name for name in inputs if inputs.has(name)] == ["no", "secret", "key"]


@pytest.mark.parametrize(("value", "flag"), [(True, True), ("true", True), ("False", False), (None, False), (1, False)])
def test_a_flag_may_be_written_as_text(value: object, flag: bool) -> None:
    assert Inputs({"encrypted": value}).flag("encrypted") is flag


@pytest.mark.parametrize(("value", "number"), [(7, 7), (7.0, 7), ("7", 7), ("-1", -1), (True, None), ("a", None)])
def test_a_number_may_be_written_as_text(value: object, number: float | None) -> None:
    assert Inputs({"days": value}).number("days") == number


def test_a_known_member_is_found_before_an_unknown_one_stops_the_search() -> None:
    items = Items([UNKNOWN, "0.0.0.0/0"], "cidrBlocks")

    assert "0.0.0.0/0" in items
    with pytest.raises(UnknownInputError):
        assert "10.0.0.0/8" in items


def test_a_secret_is_read_but_known_to_be_one() -> None:
    inputs = Inputs({"password": SecretValue("hunter2"), "tags": {"a": "b"}})

    assert inputs.text("password") == "hunter2"
    assert inputs.is_secret("password")
    assert list(inputs.plain_texts()) == [("tags.a", "b")]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([], Verdict.NOT_APPLICABLE),
        ([PASS, NOT_APPLICABLE], Verdict.PASS),
        ([PASS, unknown("x")], Verdict.UNKNOWN),
        ([unknown("x"), fail("is open"), PASS], Verdict.FAIL),
    ],
)
def test_the_worst_part_decides(parts: list[Result], expected: Verdict) -> None:
    assert worst(parts, lambda part: part).verdict is expected


def test_a_part_that_cannot_be_read_is_unknown_until_another_fails() -> None:
    parts = [Inputs({"open": UNKNOWN}), Inputs({"open": True})]

    result = worst(parts, lambda part: fail("is open") if part.flag("open") else PASS)

    assert result.verdict is Verdict.FAIL


def test_old_names_of_bucket_types_are_the_new_ones() -> None:
    assert canonical_type("aws:s3/bucketVersioningV2:BucketVersioningV2") == (
        "aws:s3/bucketVersioning:BucketVersioning"
    )
    assert canonical_type("aws:apigatewayv2/route:Route") == "aws:apigatewayv2/route:Route"
