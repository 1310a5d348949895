"""The names of assumptions, and how they are written."""

from __future__ import annotations

from typing import get_args

import pytest

from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.spec.usage import Assumption, UsageSection

from .conftest import Compiled, Estimated


def test_every_number_of_the_section_is_an_assumption() -> None:
    assert [name for name in UsageSection.__struct_fields__ if name != "components"] == list(get_args(Assumption))


def test_an_assumption_of_the_system_changes_the_estimate(estimated: Estimated) -> None:
    more = estimated("+usage.stored_gb=1000")
    bucket = next(line for line in more.lines if line.name == "raw.bucket")
    assert bucket.floor == pytest.approx(1000 * 0.023 + 0.5 + 0.4)
    assert more.assumptions["stored_gb"] == 1000


def test_an_assumption_for_one_component_changes_that_one(estimated: Estimated) -> None:
    lines = {line.name: line for line in estimated("+usage.components.buckets.raw.stored_gb=1000").lines}
    assert lines["raw.bucket"].floor == pytest.approx(23.9)
    assert lines["features.bucket"].floor == pytest.approx(3.2)


@pytest.mark.parametrize(
    "override",
    ["+usage.stored_gb=-1", "+usage.runtime_share=2", "+usage.storedgb=1", "+usage.components.buckets.raw.x=1"],
)
def test_a_wrong_assumption_is_a_located_error(override: str, compiled: Compiled) -> None:
    with pytest.raises(DiagnosticsError) as caught:
        compiled(override)
    assert caught.value.diagnostics[0].location is not None
