"""Did you mean: typos are recognised, and unrelated words are not offered."""

from __future__ import annotations

import pytest

from mlops_iac.spec.suggest import closest, either, listed


@pytest.mark.parametrize(
    ("word", "known", "expected"),
    [
        pytest.param("rwa", ["raw", "features", "models"], "raw", id="letters swapped"),
        pytest.param("fraud-scrorer", ["fraud-scorer", "churn-scorer"], "fraud-scorer", id="letter too many"),
        pytest.param("stagging", ["dev", "staging", "prod"], "staging", id="letter doubled"),
        pytest.param("max_node", ["min_nodes", "max_nodes"], "max_nodes", id="letter missing"),
        pytest.param("Prod", ["dev", "prod"], "prod", id="case"),
        pytest.param("risk-class", ["risk_class", "tags"], "risk_class", id="hyphen for underscore"),
        pytest.param("production", ["dev", "staging", "prod"], "prod", id="long form"),
        pytest.param("eraw", ["raw", "rows"], "raw", id="extra first letter"),
        pytest.param("min", ["min_nodes", "min_size"], None, id="two long forms"),
        pytest.param("encryption", ["description"], None, id="common ending"),
        pytest.param("xyz", ["raw"], None, id="unrelated"),
        pytest.param("", ["raw"], None, id="empty"),
        pytest.param("raw", [], None, id="nothing known"),
    ],
)
def test_closest(word: str, known: list[str], expected: str | None) -> None:
    assert closest(word, known) == expected


def test_listed_counts_what_it_leaves_out() -> None:
    assert listed(["a", "b"]) == "`a`, `b`"
    assert listed(["a", "b", "c"], limit=1) == "`a` and 2 more"


def test_either() -> None:
    assert [either(names) for names in ([], ["a"], ["a", "b", "c"])] == ["", "`a`", "`a`, `b` or `c`"]
