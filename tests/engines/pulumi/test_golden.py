"""What the real engine registered, kept as golden records: compared with the graph where no ``pulumi`` is installed."""

from __future__ import annotations

import pytest
from pulumi_harness import GOLDEN, Expected, read_golden
from pulumi_sample import sample_graph


@pytest.mark.parametrize("layer", ["foundation", "data"])
def test_the_graph_is_what_the_real_engine_registered(layer: str, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden"):
        pytest.skip("the records are being made anew")
    expected = Expected(sample_graph())
    record = read_golden(GOLDEN / "sample" / f"{layer}.json")
    assert expected.registrations(layer) == record["registrations"]
    assert expected.exports(layer) == record["outputs"]
    assert sorted(expected.references_to(layer)) == record["stackReferences"]
