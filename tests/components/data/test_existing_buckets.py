"""Buckets and keys that somebody else owns: nothing is made, everything that refers to them is."""

from __future__ import annotations

import json

import pytest

KEY = "arn:aws:kms:eu-west-1:111122223333:key/0f3e5c1a-1111-2222-3333-444455556666"
SYSTEM = f"""\
buckets:
  landing: {{backend: existing, name: acme-landing, key_arn: {KEY}, classification: confidential}}
  own: {{classification: confidential}}
feature_stores:
  customers: {{record_id: id, event_time: t, features: {{x: float}}, offline: {{bucket: landing}}}}
"""


def test_nothing_is_made_and_who_refers_to_it_may_use_it(compiled):
    found = compiled(SYSTEM)
    assert not [name for name in found.names() if name.startswith("landing.")]
    policy = json.dumps(found.inputs("customers.role-policy"))
    assert "arn:aws:s3:::acme-landing/" in policy
    assert KEY in policy
    uri = found.inputs("customers.group")["offlineStoreConfig"]["s3StorageConfig"]["s3Uri"]
    assert uri.startswith("s3://acme-landing/")


def test_reading_a_classified_one_is_recorded_too(compiled):
    trail = json.dumps(compiled(SYSTEM).inputs("audit.cloudtrail"))
    assert "arn:aws:s3:::acme-landing/" in trail
    assert "arn:aws:s3:::fraud-dev-own-111122223333/" in trail


def test_keys_of_another_owner_encrypt(compiled):
    found = compiled(f"buckets: {{raw: {{}}}}\nkeys: {{backend: existing, arns: {{internal: {KEY}}}}}")
    assert not found.of_type("aws:kms/key:Key")
    assert KEY in json.dumps(found.inputs("raw.encryption"))


def test_every_classification_in_use_needs_one(problems):
    text = f"buckets: {{raw: {{classification: restricted}}}}\nkeys: {{backend: existing, arns: {{internal: {KEY}}}}}"
    assert problems(text) == {("keys", "arns"): "MI3125"}


@pytest.mark.parametrize("value", ["Acme", "a", "arn:aws:s3:::x"])
def test_a_bucket_that_cannot_be_is_refused(problems, value):
    text = f"buckets: {{raw: {{backend: existing, name: '{value}', key_arn: {KEY}}}}}"
    assert list(problems(text)) == [("buckets", "raw", "name")]
