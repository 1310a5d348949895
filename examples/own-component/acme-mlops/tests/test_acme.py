"""Acme's components and policy are held to what those of mlops-iac are held to."""

from __future__ import annotations

from acme_mlops import dynamodb_feature_stores, policies, scoring_queues

from mlops_iac.testing import check_component, check_policy


def test_scoring_queues() -> None:
    check_component(scoring_queues.COMPONENT, packs=("acme-baseline",))


def test_dynamodb_feature_stores() -> None:
    check_component(dynamodb_feature_stores.COMPONENT, packs=("acme-baseline",))


def test_policy() -> None:
    check_policy(policies.POLICY)
