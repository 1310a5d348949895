"""Data catalog: tables over buckets, and a guarded place to query them with SQL.

Creates a Glue database with its tables, a Glue security configuration, an Athena workgroup whose settings no client can
override and, where asked for, a crawler that keeps partitions and columns up to date.
Source: https://docs.aws.amazon.com/glue/latest/dg/catalog-and-crawler.html and
https://docs.aws.amazon.com/athena/latest/ug/workgroups-settings-override.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

from mlops_iac.compile.context import BuildContext, Handle
from mlops_iac.components.component import Component, Example, Outputs, Problem
from mlops_iac.components.data.buckets import BucketOutputs
from mlops_iac.components.foundation.keys import KeysOutputs
from mlops_iac.graph.iam import Statement
from mlops_iac.graph.nodes import Layer
from mlops_iac.graph.values import Ref, Value, join
from mlops_iac.spec.base import Name, Spec, doc
from mlops_iac.spec.card import CardEntry, CardStage, facts, paths
from mlops_iac.spec.quantities import Cron, Size
from mlops_iac.spec.system import System

BAD_COLUMN_TYPE = "MI3400"
"""A column has a type that Glue and Athena do not know."""
BAD_COLUMN_NAME = "MI3401"
"""A column or partition has a name that queries would have to quote, or two columns share one."""
NOTHING_TO_CRAWL = "MI3402"
"""A crawler is declared for a catalog without tables."""
UNKNOWN_TABLE = "MI3403"
"""A crawler names a table that the catalog does not have."""
SCAN_LIMIT_TOO_LOW = "MI3404"
"""The scan limit is below Athena's minimum."""
NO_RESULTS = "MI3406"
"""There is no bucket for query results."""
SECOND_ACCOUNT_SETTING = "MI3405"
"""Two catalogs set the encryption that the whole account shares."""

Format = Literal["parquet", "json", "csv"]


class _Serde(NamedTuple):
    input: str
    output: str
    library: str
    parameters: Mapping[str, str]


_TEXT_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
_SERDES: dict[Format, _Serde] = {
    "parquet": _Serde(
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        {"serialization.format": "1"},
    ),
    "json": _Serde(
        "org.apache.hadoop.mapred.TextInputFormat",
        _TEXT_OUTPUT,
        "org.openx.data.jsonserde.JsonSerDe",
        {"ignore.malformed.json": "false"},
    ),
    "csv": _Serde(
        "org.apache.hadoop.mapred.TextInputFormat",
        _TEXT_OUTPUT,
        "org.apache.hadoop.hive.serde2.OpenCSVSerde",
        {"separatorChar": ",", "quoteChar": '"'},
    ),
}
_SIMPLE_TYPE = re.compile(
    r"boolean|tinyint|smallint|int|bigint|float|double|string|binary|date|timestamp"
    r"|decimal\([0-9]{1,2},\s*[0-9]{1,2}\)|(var)?char\([0-9]{1,5}\)"
)
_NESTED_TYPE = re.compile(r"(array|map|struct)<.+>")
_COLUMN_NAME = re.compile(r"[a-z_][a-z0-9_]{0,254}")
_LEAST_SCAN = 10_000_000


class TableSpec(Spec, kw_only=True):
    """Files of one shape below a prefix of a bucket."""

    bucket: Annotated[str, doc("Bucket with the files.", ref="buckets")]
    prefix: Annotated[
        str,
        doc(
            "Folder of the files, with a slash at the end.",
            pattern="^([^/]+/)*$",
            expects="a folder such as transactions/",
        ),
    ] = ""
    format: Annotated[Format, doc("Format of the files; CSV files have a header line.")] = "parquet"
    columns: Annotated[
        dict[str, str],
        doc("Type of each column by name, as Athena writes it: bigint, double, string, array<int>.", min_length=1),
    ]
    partitions: Annotated[
        dict[str, str],
        doc("Columns that are folders (`day=2027-01-31/`), by name with their type, outermost first.", replaces=True),
    ] = {}
    description: Annotated[str, doc("What a row is.", max_length=2048)] | None = None


class CrawlerSpec(Spec, kw_only=True):
    """A crawler that adds new partitions and columns to the tables."""

    schedule: Annotated[Cron | None, doc("When it runs; unset runs it only when somebody starts it.")] = None
    tables: Annotated[list[str], doc("Tables whose folders it crawls; empty means all.")] = []


class CatalogSpec(Spec, kw_only=True):
    """A database of tables, and the workgroup that queries them."""

    results: Annotated[
        str | None, doc("Bucket that keeps query results; unset is the bucket of the first table.", ref="buckets")
    ] = None
    results_prefix: (
        Annotated[
            str,
            doc(
                "Folder for query results; unset takes `athena/<catalog>/`.",
                pattern="^([^/]+/)+$",
                expects="a folder such as athena/",
            ),
        ]
        | None
    ) = None
    tables: Annotated[dict[Name, TableSpec], doc("Tables by name; hyphens become underscores.")] = {}
    scan_limit: Annotated[Size, doc("A query that would scan more than this is stopped (10MB or more).")] = Size(10**11)
    crawler: Annotated[CrawlerSpec | None, doc("Keeps partitions and columns up to date.")] = None
    encrypt_account_catalog: Annotated[
        bool,
        doc(
            "Encrypt the metadata and connection passwords of the account's whole Glue catalog in this region. One "
            "catalog of one system in the account may set it."
        ),
    ] = False


@dataclass(frozen=True, slots=True)
class CatalogOutputs(Outputs):
    """A database and the workgroup to query it with."""

    database: Ref
    workgroup: Ref
    security_configuration: Ref
    results_uri: Value
    statements: tuple[Statement, ...]

    def query(self) -> tuple[Statement, ...]:
        """Permissions to run queries over every table and read their results."""
        return self.statements


def build(name: str, spec: CatalogSpec, ctx: BuildContext) -> CatalogOutputs:
    """The database, its tables and what queries and crawls them."""
    results = ctx.get("buckets", results_bucket(spec) or "", BucketOutputs)
    security = _security_configuration(name, results, ctx)
    if spec.encrypt_account_catalog:
        _encrypt_account_catalog(ctx)
    database = ctx.add(
        "database",
        "aws:glue/catalogDatabase:CatalogDatabase",
        {"name": ctx.namer.identifier(name, limit=255), "description": f"Data catalog {name}"},
    )
    for table, table_spec in spec.tables.items():
        _table(table, table_spec, database, ctx)
    if spec.crawler is not None:
        _crawler(name, spec, spec.crawler, database, security, ctx)
    prefix = spec.results_prefix or f"athena/{name}/"
    workgroup = _workgroup(name, spec, results, prefix, ctx)
    return CatalogOutputs(
        database["name"],
        workgroup["name"],
        security["name"],
        results.uri(prefix),
        tuple(_query_statements(spec, database, workgroup, results, prefix, ctx)),
    )


def results_bucket(spec: CatalogSpec) -> str | None:
    """The bucket that keeps query results."""
    return spec.results or next((table.bucket for table in spec.tables.values()), None)


def _security_configuration(name: str, results: BucketOutputs, ctx: BuildContext) -> Handle:
    key = results.key_arn
    return ctx.add(
        "security",
        "aws:glue/securityConfiguration:SecurityConfiguration",
        {
            "name": ctx.namer.cloud("glue", name, limit=255),
            "encryptionConfiguration": {
                "cloudwatchEncryption": {"cloudwatchEncryptionMode": "SSE-KMS", "kmsKeyArn": key},
                "jobBookmarksEncryption": {"jobBookmarksEncryptionMode": "CSE-KMS", "kmsKeyArn": key},
                "s3Encryption": {"s3EncryptionMode": "SSE-KMS", "kmsKeyArn": key},
            },
        },
    )


def _encrypt_account_catalog(ctx: BuildContext) -> None:
    key = ctx.get("keys", "keys", KeysOutputs).arn()
    ctx.add(
        "encryption",
        "aws:glue/dataCatalogEncryptionSettings:DataCatalogEncryptionSettings",
        {
            "dataCatalogEncryptionSettings": {
                "connectionPasswordEncryption": {"returnConnectionPasswordEncrypted": True, "awsKmsKeyId": key},
                "encryptionAtRest": {"catalogEncryptionMode": "SSE-KMS", "sseAwsKmsKeyId": key},
            }
        },
    )


def _table(name: str, spec: TableSpec, database: Handle, ctx: BuildContext) -> None:
    bucket = ctx.get("buckets", spec.bucket, BucketOutputs)
    serde = _SERDES[spec.format]
    parameters = {"classification": spec.format, "EXTERNAL": "TRUE"}
    if spec.format == "csv":
        parameters["skip.header.line.count"] = "1"
    ctx.add(
        f"{name}-table",
        "aws:glue/catalogTable:CatalogTable",
        {
            "name": table_name(name),
            "databaseName": database["name"],
            "description": spec.description,
            "tableType": "EXTERNAL_TABLE",
            "parameters": parameters,
            "partitionKeys": _columns(spec.partitions),
            "storageDescriptor": {
                "location": bucket.uri(spec.prefix),
                "inputFormat": serde.input,
                "outputFormat": serde.output,
                "columns": _columns(spec.columns),
                "serDeInfo": {"serializationLibrary": serde.library, "parameters": dict(serde.parameters)},
            },
        },
        depends_on=bucket.ready,
    )


def table_name(name: str) -> str:
    """Name of a declared table in Glue."""
    return name.replace("-", "_")


def _columns(columns: Mapping[str, str]) -> list[Value]:
    return [{"name": name, "type": type_} for name, type_ in columns.items()]


def _workgroup(name: str, spec: CatalogSpec, results: BucketOutputs, prefix: str, ctx: BuildContext) -> Handle:
    return ctx.add(
        "workgroup",
        "aws:athena/workgroup:Workgroup",
        {
            "name": ctx.namer.cloud(name, limit=128),
            "description": f"Queries over catalog {name}",
            "forceDestroy": ctx.core.env.force_destroy,
            "configuration": {
                "enforceWorkgroupConfiguration": True,
                "publishCloudwatchMetricsEnabled": True,
                "requesterPaysEnabled": False,
                "bytesScannedCutoffPerQuery": spec.scan_limit.bytes,
                "engineVersion": {"selectedEngineVersion": "Athena engine version 3"},
                "resultConfiguration": {
                    "outputLocation": results.uri(prefix),
                    "expectedBucketOwner": ctx.core.cloud.account,
                    "encryptionConfiguration": {"encryptionOption": "SSE_KMS", "kmsKeyArn": results.key_arn},
                },
            },
        },
        depends_on=results.ready,
    )


def _query_statements(
    spec: CatalogSpec, database: Handle, workgroup: Handle, results: BucketOutputs, prefix: str, ctx: BuildContext
) -> Iterator[Statement]:
    yield Statement(
        (
            "athena:GetQueryExecution",
            "athena:GetQueryResults",
            "athena:GetWorkGroup",
            "athena:StartQueryExecution",
            "athena:StopQueryExecution",
        ),
        (workgroup["arn"],),
    )
    yield Statement(
        ("glue:GetDatabase", "glue:GetPartition", "glue:GetPartitions", "glue:GetTable", "glue:GetTables"),
        _glue_resources(database, ctx),
    )
    yield from results.write(prefix)
    for table in spec.tables.values():
        yield from ctx.get("buckets", table.bucket, BucketOutputs).read(table.prefix)


def _glue_resources(database: Handle, ctx: BuildContext) -> tuple[Value, ...]:
    tables = join(ctx.arn("glue", "table/"), database["name"], "/*")
    return (ctx.arn("glue", "catalog"), database["arn"], tables)


def _crawler(
    name: str, spec: CatalogSpec, crawler: CrawlerSpec, database: Handle, security: Handle, ctx: BuildContext
) -> None:
    crawled = [table for key, table in spec.tables.items() if not crawler.tables or key in crawler.tables]
    buckets = [(ctx.get("buckets", table.bucket, BucketOutputs), table.prefix) for table in crawled]
    role = ctx.role("crawler-role", _crawler_statements(buckets, database, ctx), service="glue.amazonaws.com")
    targets: list[Value] = [{"path": bucket.uri(prefix)} for bucket, prefix in buckets]
    ctx.add(
        "crawler",
        "aws:glue/crawler:Crawler",
        {
            "name": ctx.namer.cloud(name, limit=255),
            "databaseName": database["name"],
            "role": role["arn"],
            "securityConfiguration": security["name"],
            "schedule": crawler.schedule.aws if crawler.schedule else None,
            "s3Targets": targets,
            "recrawlPolicy": {"recrawlBehavior": "CRAWL_EVERYTHING"},
            "schemaChangePolicy": {"updateBehavior": "UPDATE_IN_DATABASE", "deleteBehavior": "LOG"},
        },
        depends_on=ctx.role_ready(role),
    )


def _crawler_statements(
    buckets: list[tuple[BucketOutputs, str]], database: Handle, ctx: BuildContext
) -> Iterator[Statement]:
    yield Statement(
        (
            "glue:BatchCreatePartition",
            "glue:BatchGetPartition",
            "glue:CreatePartition",
            "glue:CreateTable",
            "glue:GetDatabase",
            "glue:GetPartition",
            "glue:GetPartitions",
            "glue:GetTable",
            "glue:GetTables",
            "glue:UpdatePartition",
            "glue:UpdateTable",
        ),
        _glue_resources(database, ctx),
    )
    yield Statement(
        ("logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
        (ctx.arn("logs", "log-group:/aws-glue/crawlers*"),),
    )
    for bucket, prefix in buckets:
        yield from bucket.read(prefix)


def check(name: str, spec: CatalogSpec, system: System) -> Iterator[Problem]:
    """What Glue and Athena would refuse, or take and then fail on."""
    for table, table_spec in spec.tables.items():
        yield from _check_columns(("tables", table), table_spec)
    if results_bucket(spec) is None:
        yield Problem(
            NO_RESULTS,
            (),
            f"catalog {name!r} has neither a bucket for results nor a table",
            "name a bucket in `results`",
        )
    if spec.scan_limit.bytes < _LEAST_SCAN:
        yield Problem(
            SCAN_LIMIT_TOO_LOW,
            ("scan_limit",),
            "the scan limit is below 10MB, the least that Athena takes",
            "raise it to 10MB or more",
        )
    if spec.crawler is not None:
        yield from _check_crawler(name, spec, spec.crawler)
    if spec.encrypt_account_catalog:
        first = next(c.name for c in system.of_kind("catalog") if c.spec.encrypt_account_catalog)
        if first != name:
            yield Problem(
                SECOND_ACCOUNT_SETTING,
                ("encrypt_account_catalog",),
                f"catalog {first!r} already sets the encryption of the account's Glue catalog",
                "set it in one catalog only",
            )


def _check_columns(path: tuple[str, ...], spec: TableSpec) -> Iterator[Problem]:
    for section, columns in (("columns", spec.columns), ("partitions", spec.partitions)):
        for column, type_ in columns.items():
            where = (*path, section, column)
            if _COLUMN_NAME.fullmatch(column) is None:
                yield Problem(
                    BAD_COLUMN_NAME,
                    where,
                    f"{column!r} is not a column name",
                    "use lower-case letters, digits and underscores, not starting with a digit",
                )
            if section == "partitions" and column in spec.columns:
                yield Problem(
                    BAD_COLUMN_NAME,
                    where,
                    f"{column!r} is both a column and a partition",
                    "keep it among the partitions only: their values come from the folder names",
                )
            if _SIMPLE_TYPE.fullmatch(type_) is None and _NESTED_TYPE.fullmatch(type_) is None:
                yield Problem(
                    BAD_COLUMN_TYPE,
                    where,
                    f"{type_!r} is not a column type",
                    "use boolean, int, bigint, double, string, date, timestamp, decimal(10,2), array<...>, map<...> "
                    "or struct<...>",
                )


def _check_crawler(name: str, spec: CatalogSpec, crawler: CrawlerSpec) -> Iterator[Problem]:
    if not spec.tables:
        yield Problem(
            NOTHING_TO_CRAWL,
            ("crawler",),
            f"catalog {name!r} has a crawler and no tables",
            "declare the tables whose folders it shall crawl",
        )
    for index, table in enumerate(crawler.tables):
        if table not in spec.tables:
            yield Problem(
                UNKNOWN_TABLE,
                ("crawler", "tables", index),
                f"catalog {name!r} has no table {table!r}",
                f"tables: {', '.join(spec.tables)}",
            )


def card(name: str, spec: CatalogSpec, system: System) -> CardEntry:
    return CardEntry(
        CardStage.DATA,
        facts(
            *(
                (f"table {table}", f"{', '.join(found.columns)} ({found.format})")
                for table, found in spec.tables.items()
            )
        ),
        receives=paths("buckets", (table.bucket for table in spec.tables.values())),
    )


COMPONENT = Component(
    kind="catalog",
    label="catalog",
    layer=Layer.DATA,
    token="mlops:data:Catalog",
    spec=CatalogSpec,
    build=build,
    card=card,
    check=check,
    uses=("keys",),
    examples=(
        Example("A workgroup for ad-hoc queries", {"scratch": {"results": "raw"}}, {"buckets": {"raw": {}}}),
        Example(
            "Transactions by day, crawled every night",
            {
                "fraud": {
                    "results": "results",
                    "scan_limit": "50GB",
                    "tables": {
                        "transactions": {
                            "bucket": "raw",
                            "prefix": "transactions/",
                            "columns": {"transaction_id": "string", "amount": "decimal(12,2)", "tags": "array<string>"},
                            "partitions": {"day": "date"},
                            "description": "One card transaction",
                        },
                        "labels": {
                            "bucket": "raw",
                            "prefix": "labels/",
                            "format": "csv",
                            "columns": {"transaction_id": "string", "fraud": "string"},
                        },
                    },
                    "crawler": {"schedule": "daily", "tables": ["transactions"]},
                    "encrypt_account_catalog": True,
                }
            },
            {"buckets": {"raw": {"classification": "confidential"}, "results": {"keep": "30d"}}},
        ),
    ),
)
