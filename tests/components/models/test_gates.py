from __future__ import annotations

from contextlib import suppress
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_iac.components.models import gates
from mlops_iac.components.models.gates import All, AnyOf, BeatsProduction, Compare, Not
from mlops_iac.components.models.pipeline_conditions import Leaf, TooManyClausesError, clauses


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("f1 >= 0.85", Compare("f1", ">=", 0.85)),
        ("f1 >= 0.85 and beats_production", All((Compare("f1", ">=", 0.85), BeatsProduction()))),
        (
            "a > 1 or b > 2 and c < -3e-2",
            AnyOf((Compare("a", ">", 1), All((Compare("b", ">", 2), Compare("c", "<", -0.03))))),
        ),
        ("not (a > 1 or b == 2)", Not(AnyOf((Compare("a", ">", 1), Compare("b", "==", 2))))),
        ("beats_production(recall)", BeatsProduction("recall")),
    ],
)
def test_conditions_read_as_written(text, condition):
    assert gates.parse(text) == condition


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the condition ends where a metric should follow"),
        ("f1 >", "the condition ends where a number should follow"),
        ("f1 => 1", "column 4: '=' does not belong in a condition"),
        ("f1 >= x", "column 7: 'x' stands where a number should"),
        ("a > 1 b > 2", "column 7: 'b' stands where `and` or `or` should"),
        ("(a > 1", "the condition ends where `)` should follow"),
        ("and > 1", "column 1: 'and' stands where a metric should"),
        ("a > 1; rm", "column 6: ';' does not belong in a condition"),
        ("(" * 30 + "a > 1" + ")" * 30, "more than 20 brackets or `not` inside each other"),
        ("not " * 5000 + "a > 1", "more than 20 brackets or `not` inside each other"),
    ],
)
def test_what_is_no_condition_says_where(text, message):
    with pytest.raises(gates.GateSyntaxError) as error:
        gates.parse(text)
    assert str(error.value) == message


@given(st.text(max_size=60))
def test_any_text_is_a_condition_or_an_error(text):
    with suppress(gates.GateSyntaxError):
        gates.parse(text)


OPERATORS = {
    "<": float.__lt__,
    "<=": float.__le__,
    ">": float.__gt__,
    ">=": float.__ge__,
    "==": float.__eq__,
}
LEAVES = st.builds(
    Compare, st.sampled_from("abc"), st.sampled_from(sorted(OPERATORS)), st.sampled_from([0.0, 1.0, 2.0])
) | st.just(BeatsProduction())
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(Not, inner) | st.builds(All, st.tuples(inner, inner)) | st.builds(AnyOf, st.tuples(inner, inner))
    ),
    max_leaves=6,
)


def holds(condition, values, beats):
    match condition:
        case Compare(metric, operator, number):
            return OPERATORS[operator](values[metric], number)
        case BeatsProduction():
            return beats
        case Not(term):
            return not holds(term, values, beats)
        case All(terms):
            return all(holds(term, values, beats) for term in terms)
        case AnyOf(terms):
            return any(holds(term, values, beats) for term in terms)


def leaf_holds(leaf: Leaf, values, beats):
    found = (
        beats
        if isinstance(leaf.term, BeatsProduction)
        else (leaf.term.metric != "" and OPERATORS[leaf.term.operator](values[leaf.term.metric], leaf.term.number))
    )
    return found is not leaf.opposite


@given(CONDITIONS, st.booleans())
def test_clauses_mean_what_the_condition_means(condition, beaten):
    """Everything is tried: three values of each metric, with and without a better model."""
    try:
        found = clauses(condition, beaten=beaten)
    except TooManyClausesError:
        return
    for numbers, beats in product(product([0.0, 1.0, 2.0], repeat=3), [True] if beaten else [True, False]):
        values = dict(zip("abc", numbers, strict=True))
        meant = holds(condition, values, beats)
        assert all(any(leaf_holds(leaf, values, beats) for leaf in clause) for clause in found) is meant
