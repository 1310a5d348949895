from __future__ import annotations

import json

import pytest

RICH = """
buckets: {features: {classification: confidential}}
feature_stores:
  transactions:
    backend: sagemaker
    record_id: transaction_id
    event_time: event_time
    online: {enabled: true, ttl: 30d}
    offline: {bucket: features}
    features: {amount: float, merchant_id: string, transactions_last_hour: integer}
"""


def store(**changes):
    """One online feature store as YAML."""
    values = {"record_id": "id", "event_time": "at", "features": {"amount": "float"}, **changes}
    return json.dumps({"feature_stores": {"s": values}})


def test_record_id_and_event_time_are_features_too(compiled):
    definitions = compiled(RICH).inputs("transactions.group")["featureDefinitions"]
    assert [(item["featureName"], item["featureType"]) for item in definitions] == [
        ("transaction_id", "String"),
        ("event_time", "String"),
        ("amount", "Fractional"),
        ("merchant_id", "String"),
        ("transactions_last_hour", "Integral"),
    ]


def test_a_declared_event_time_keeps_its_type_and_place(compiled):
    group = compiled(store(features={"amount": "float", "at": "float"})).inputs("s.group")
    assert [(item["featureName"], item["featureType"]) for item in group["featureDefinitions"]] == [
        ("id", "String"),
        ("amount", "Fractional"),
        ("at", "Fractional"),
    ]


def test_both_stores_are_encrypted_with_the_key_of_the_stricter_class(compiled):
    group = compiled(RICH).inputs("transactions.group")
    key = "foundation:keys.confidential_arn"
    assert group["onlineStoreConfig"]["securityConfig"] == {"kmsKeyId": key}
    assert group["offlineStoreConfig"]["s3StorageConfig"]["kmsKeyId"] == key
    assert group["tags"]["data-class"] == "confidential"


@pytest.mark.parametrize(
    ("ttl", "unit", "value"),
    [("30d", "Days", 30), ("2w", "Weeks", 2), ("36h", "Hours", 36), ("90m", "Minutes", 90), ("61s", "Seconds", 61)],
)
def test_time_to_live_is_in_the_largest_exact_unit(compiled, ttl, unit, value):
    group = compiled(store(online={"ttl": ttl})).inputs("s.group")
    assert group["onlineStoreConfig"]["ttlDuration"] == {"unit": unit, "value": value}


def test_the_offline_table_lies_in_a_database_of_its_own(compiled):
    system = compiled(RICH)
    offline = system.inputs("transactions.group")["offlineStoreConfig"]
    assert offline["dataCatalogConfig"] == {
        "catalog": "AwsDataCatalog",
        "database": "transactions.database.name",
        "tableName": "transactions",
    }
    assert offline["s3StorageConfig"]["s3Uri"].endswith("/feature-store/transactions/")


def test_the_role_writes_only_below_the_stores_prefix(compiled):
    statements = compiled(RICH).inputs("transactions.role-policy")["policy"]["Statement"]
    objects = [each for each in statements if "s3:PutObject" in each["Action"]]
    assert [each["Resource"] for each in objects] == [["features.bucket.arn/feature-store/transactions/*"]]
    assert not any(resource == "*" for each in statements for resource in each["Resource"])


def test_without_offline_store_the_role_may_do_nothing(compiled):
    assert "s.role-policy" not in compiled(store()).names()


def test_protection_holds_in_every_environment(compiled):
    assert compiled(store(protect="no_delete")).node("s.group").options.protect


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        ({"features": {"write_time": "string"}}, ("features", "write_time"), "MI3410"),
        ({"features": {"Is_Deleted": "string"}}, ("features", "Is_Deleted"), "MI3410"),
        ({"features": {"-amount": "float"}}, ("features", "-amount"), "MI3410"),
        ({"features": {"a" * 65: "float"}}, ("features", "a" * 65), "MI3410"),
        ({"features": {"Amount": "float", "amount": "float"}}, ("features", "amount"), "MI3411"),
        ({"features": {"at": "integer"}}, ("features", "at"), "MI3412"),
        ({"online": {"enabled": False}}, ("online", "enabled"), "MI3413"),
        ({"features": {"id": "float"}}, ("features", "id"), "MI3415"),
        ({"event_time": "id"}, ("event_time",), "MI3415"),
        ({"record_id": "_"}, ("record_id",), "MI3410"),
    ],
)
def test_what_sagemaker_would_refuse_is_refused(problems, changes, path, code):
    assert problems(store(**changes))["feature_stores", "s", *path] == code


def test_too_many_features(problems):
    found = problems(store(features={f"f{number}": "float" for number in range(2499)}))
    assert found == {("feature_stores", "s", "features"): "MI3414"}
