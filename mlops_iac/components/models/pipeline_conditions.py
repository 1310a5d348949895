"""The condition of a step as the comparisons that SageMaker knows: a list of which all must hold.

Source: https://aws-sagemaker-mlops.github.io/sagemaker-model-building-pipeline-definition-JSON-schema/
"""

from __future__ import annotations

from dataclasses import dataclass

from mlops_iac.components.models import gates
from mlops_iac.components.models.pipeline_jobs import EVALUATION, PRODUCTION, Document, Surroundings
from mlops_iac.components.models.pipeline_steps import EvaluationStep, evaluation_step
from mlops_iac.graph.values import Value

_INVERTED: dict[gates.Operator, gates.Operator] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_COMPARISONS: dict[gates.Operator, str] = {
    "<": "LessThan",
    "<=": "LessThanOrEqualTo",
    ">": "GreaterThan",
    ">=": "GreaterThanOrEqualTo",
    "==": "Equals",
}
_MOST_CLAUSES = 32


def conditions(around: Surroundings, name: str) -> list[Value]:
    """The condition of a step as the service's list, of which all must hold; each may be one of several."""
    text = around.steps[name].when
    found: list[Value] = []
    for clause in clauses(gates.parse(text or ""), beaten=name not in around.production):
        terms = [_comparison(around, name, term) for term in clause]
        found.append(terms[0] if len(terms) == 1 else {"Type": "Or", "Conditions": terms})
    return found or [{"Type": "Equals", "LeftValue": 1, "RightValue": 1}]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A comparison, or its opposite where that is no other comparison."""

    term: gates.Compare | gates.BeatsProduction
    opposite: bool = False


Clause = tuple[Leaf, ...]


class TooManyClausesError(ValueError):
    """The condition would need more alternatives than a pipeline should have."""


def clauses(condition: gates.Condition, *, beaten: bool = False) -> list[Clause]:
    """The condition as clauses that must all hold, each holding if one of its leaves does.

    ``beaten``: production runs nothing, so that every model beats it. The service has no "and" inside "or".
    """
    return _clauses(condition, False, beaten)


_NEVER = Leaf(gates.Compare("", "==", 0))


def _clauses(condition: gates.Condition, opposite: bool, beaten: bool) -> list[Clause]:
    match condition:
        case gates.Not(term=term):
            return _clauses(term, not opposite, beaten)
        case gates.BeatsProduction() if beaten:
            return [(_NEVER,)] if opposite else []
        case gates.Compare() | gates.BeatsProduction():
            return [(_leaf(condition, opposite),)]
        case gates.All(terms=terms) | gates.AnyOf(terms=terms):
            parts = [_clauses(term, opposite, beaten) for term in terms]
            if isinstance(condition, gates.All) is not opposite:
                return _bounded([clause for part in parts for clause in part])
            product: list[Clause] = [()]
            for part in parts:
                product = _bounded([(*left, *right) for left in product for right in part])
            return product


def _bounded(found: list[Clause]) -> list[Clause]:
    if len(found) > _MOST_CLAUSES:
        raise TooManyClausesError(f"the condition unfolds to more than {_MOST_CLAUSES} alternatives")
    return found


def _leaf(term: gates.Compare | gates.BeatsProduction, opposite: bool) -> Leaf:
    if opposite and isinstance(term, gates.Compare) and term.operator in _INVERTED:
        return Leaf(gates.Compare(term.metric, _INVERTED[term.operator], term.number))
    return Leaf(term, opposite)


def _comparison(around: Surroundings, name: str, leaf: Leaf) -> Value:
    if leaf is _NEVER:
        return {"Type": "Equals", "LeftValue": 0, "RightValue": 1}
    term = leaf.term
    if isinstance(term, gates.Compare):
        plain: Document = {
            "Type": _COMPARISONS[term.operator],
            "LeftValue": _metric(around, name, term.metric),
            "RightValue": term.number,
        }
        return {"Type": "Not", "Condition": plain} if leaf.opposite else plain
    source = evaluation_step(around.steps, name, term.metric)
    evaluation = around.steps[source or ""]
    metric = term.metric or (evaluation.metrics[0] if isinstance(evaluation, EvaluationStep) else "")
    lower = isinstance(evaluation, EvaluationStep) and metric in evaluation.lower_is_better
    better: gates.Operator = "<" if lower else ">"
    return {
        "Type": _COMPARISONS[_INVERTED[better] if leaf.opposite else better],
        "LeftValue": _metric(around, name, metric),
        "RightValue": _json_get(f"{name}-{PRODUCTION}", PRODUCTION, metric),
    }


def _metric(around: Surroundings, name: str, metric: str) -> Document:
    return _json_get(evaluation_step(around.steps, name, metric) or "", EVALUATION, metric)


def _json_get(step: str, file: str, metric: str) -> Document:
    return {
        "Std:JsonGet": {
            "PropertyFile": {"Get": f"Steps.{step}.PropertyFiles.{file}"},
            "Path": f"metrics.{metric}.value",
        }
    }
