from __future__ import annotations

import json

import pytest

TABLE = {"bucket": "raw", "prefix": "transactions/", "columns": {"id": "string", "amount": "double"}}


def catalog(**changes):
    """A catalog over one table as YAML."""
    values = {"tables": {"card-payments": TABLE}, **changes}
    return json.dumps({"buckets": {"raw": {"classification": "confidential"}, "results": {}}, "catalog": {"c": values}})


@pytest.mark.parametrize(
    ("format", "library"),
    [
        ("parquet", "ParquetHiveSerDe"),
        ("json", "JsonSerDe"),
        ("csv", "OpenCSVSerde"),
    ],
)
def test_a_table_reads_its_format(compiled, format, library):
    table = compiled(catalog(tables={"t": {**TABLE, "format": format}})).inputs("c.t-table")
    storage = table["storageDescriptor"]
    assert storage["serDeInfo"]["serializationLibrary"].endswith(library)
    assert storage["columns"] == [{"name": "id", "type": "string"}, {"name": "amount", "type": "double"}]
    assert storage["location"] == "s3://raw.bucket.bucket/transactions/"
    assert (table["parameters"].get("skip.header.line.count") == "1") is (format == "csv")


def test_a_table_is_called_as_queries_write_it(compiled):
    assert compiled(catalog()).inputs("c.card-payments-table")["name"] == "card_payments"


def test_no_client_can_leave_the_workgroups_settings(compiled):
    configuration = compiled(catalog(scan_limit="50GB")).inputs("c.workgroup")["configuration"]
    assert configuration["enforceWorkgroupConfiguration"] is True
    assert configuration["bytesScannedCutoffPerQuery"] == 50 * 10**9
    results = configuration["resultConfiguration"]
    assert results["encryptionConfiguration"]["encryptionOption"] == "SSE_KMS"
    assert results["outputLocation"] == "s3://raw.bucket.bucket/athena/c/"


def test_results_go_where_they_are_told_to(compiled):
    results = compiled(catalog(results="results", results_prefix="queries/")).inputs("c.workgroup")
    assert results["configuration"]["resultConfiguration"]["outputLocation"] == "s3://results.bucket.bucket/queries/"


def test_a_crawler_is_encrypted_and_reads_only_its_tables(compiled):
    system = compiled(catalog(crawler={"schedule": "daily"}))
    crawler = system.inputs("c.crawler")
    assert crawler["securityConfiguration"] == "c.security.name"
    assert crawler["schedule"] == "cron(0 3 * * ? *)"
    statements = system.inputs("c.crawler-role-policy")["policy"]["Statement"]
    reads = [each["Resource"] for each in statements if "s3:GetObject" in each["Action"]]
    assert reads == [["raw.bucket.arn/transactions/*"]]
    assert not any("*" in each["Resource"] for each in statements)


def test_the_security_configuration_encrypts_everything(compiled):
    encryption = compiled(catalog()).inputs("c.security")["encryptionConfiguration"]
    modes = {value for part in encryption.values() for key, value in part.items() if key.endswith("Mode")}
    assert modes == {"SSE-KMS", "CSE-KMS"}


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        ({"tables": {"t": {**TABLE, "columns": {"id": "number"}}}}, ("tables", "t", "columns", "id"), "MI3400"),
        ({"tables": {"t": {**TABLE, "columns": {"Id": "string"}}}}, ("tables", "t", "columns", "Id"), "MI3401"),
        ({"tables": {"t": {**TABLE, "partitions": {"id": "string"}}}}, ("tables", "t", "partitions", "id"), "MI3401"),
        ({"tables": {}, "results": "raw", "crawler": {}}, ("crawler",), "MI3402"),
        ({"crawler": {"tables": ["payments"]}}, ("crawler", "tables", 0), "MI3403"),
        ({"scan_limit": "1MB"}, ("scan_limit",), "MI3404"),
        ({"tables": {}}, (), "MI3406"),
    ],
)
def test_wrong_values_are_refused(problems, changes, path, code):
    assert problems(catalog(**changes))["catalog", "c", *path] == code


@pytest.mark.parametrize(
    "type_", ["array<string>", "map<string,int>", "struct<a:int,b:array<date>>", "decimal(10,2)", "varchar(20)"]
)
def test_athenas_types_are_taken(problems, type_):
    assert problems(catalog(tables={"t": {**TABLE, "columns": {"id": type_}}})) == {}


def test_one_catalog_sets_what_the_account_shares(problems):
    one = {"results": "raw", "encrypt_account_catalog": True}
    found = problems(json.dumps({"buckets": {"raw": {}}, "catalog": {"a": one, "b": one}}))
    assert found == {("catalog", "b", "encrypt_account_catalog"): "MI3405"}
