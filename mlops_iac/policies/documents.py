"""Reads IAM policy documents out of resource inputs, in whichever of their allowed spellings they come.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from mlops_iac.policies.inputs import Inputs
from mlops_iac.policies.policy import ResourceView

LIMITING_KEYS: Final = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceorgid",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "kms:calleraccount",
        "kms:viaservice",
    }
)
"""Condition keys that leave only a known circle of callers of a statement for everybody."""


def documents(resource: ResourceView, *paths: str) -> Iterator[tuple[str, Sequence[Inputs]]]:
    """Path and statements of every policy document at those paths; a role's inline policies are found by ``inline``."""
    for path in paths:
        if resource.inputs.has(path):
            yield path, statements(resource.inputs.at(path))


def inline(resource: ResourceView) -> Iterator[tuple[str, Sequence[Inputs]]]:
    """Path and statements of the policies written into a role."""
    for policy in resource.inputs.each("inlinePolicies"):
        if policy.has("policy"):
            yield policy.path_of("policy"), statements(policy.at("policy"))


IDENTITY_POLICIES: Final = (
    "aws:iam/policy:Policy",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/userPolicy:UserPolicy",
    "aws:iam/groupPolicy:GroupPolicy",
    "aws:iam/role:Role",
)
"""Types that hold identity policies."""


def identity_documents(resource: ResourceView) -> Iterator[tuple[str, Sequence[Inputs]]]:
    """Every document of a resource that says what somebody may do."""
    yield from documents(resource, "policy")
    yield from inline(resource)


def statements(document: Any) -> Sequence[Inputs]:
    """The statements of a document given as JSON text or as data; text that is no document has none."""
    if isinstance(document, str):
        return _parsed(document)
    return tuple(document.each("Statement")) if isinstance(document, Inputs) else ()


def allows(found: Sequence[Inputs]) -> Iterator[Inputs]:
    """The statements that allow something."""
    yield from (statement for statement in found if statement.at("Effect") == "Allow")


def texts(statement: Inputs, element: str) -> Sequence[str]:
    """An element that may be one text or a list of them, as a list."""
    return statement.texts(element)


def principals(statement: Inputs) -> list[str]:
    """Every principal of a statement; ``*`` for anybody."""
    principal = statement.at("Principal")
    if isinstance(principal, Inputs):
        return [str(item) for kind in principal for item in principal.list(kind)]
    return [] if principal is None else [str(principal)]


def open_to_all(statement: Inputs) -> bool:
    """Whether the statement allows something to anybody, with no condition that limits who that is."""
    if statement.at("Effect") != "Allow" or condition_keys(statement) & LIMITING_KEYS:
        return False
    return statement.has("NotPrincipal") or any(
        principal in ("*", "arn:aws:iam::*:root") for principal in principals(statement)
    )


def condition_keys(statement: Inputs) -> set[str]:
    """The condition keys that limit a statement, in lower case; negated and ``...IfExists`` operators do not."""
    condition = statement.at("Condition")
    if not isinstance(condition, Mapping):
        return set()
    return {
        str(key).lower()
        for operator, tests in condition.items()
        if isinstance(tests, Mapping) and "Not" not in operator and not operator.endswith("IfExists")
        for key in tests
    }


def conditions(statement: Inputs, key: str) -> Iterator[tuple[str, Sequence[str]]]:
    """Operator and values of every test of a condition key."""
    condition = statement.at("Condition")
    for operator, tests in condition.items() if isinstance(condition, Mapping) else ():
        if isinstance(tests, Inputs):
            for name in tests:
                if name.lower() == key.lower():
                    yield operator, texts(tests, name)


def parsed(document: Any, path: str) -> Inputs:
    """An object given as JSON text or as data; empty where it is neither."""
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            document = None
    if isinstance(document, Inputs):
        return document
    return Inputs(document if isinstance(document, Mapping) else {}, path)


@lru_cache(maxsize=4096)
def _parsed(document: str) -> Sequence[Inputs]:
    return tuple(parsed(document, "").each("Statement"))
