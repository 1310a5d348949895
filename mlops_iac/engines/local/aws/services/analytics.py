"""Glue, Athena and Lake Formation.

Sources: https://docs.aws.amazon.com/glue/latest/webapi/, https://docs.aws.amazon.com/athena/latest/APIReference/,
https://docs.aws.amazon.com/lake-formation/latest/APIReference/
"""

from __future__ import annotations

from mlops_iac.engines.local.aws.row import ALL, Call, Group, Row, Tagging, setting

_CRAWLED = {"Targets": {"S3Targets": "{crawled}"}}
_TABLE = {"DatabaseName": "{databaseName}"}


def _tagged(kind: str) -> Tagging:
    return Tagging({"ResourceArn": f"arn:{{partition}}:glue:{{region}}:{{account}}:{kind}/{{name}}"})


ROWS = (
    Row(
        "aws:glue/catalogDatabase:CatalogDatabase",
        "glue",
        Call("create_database", take=ALL, into="DatabaseInput"),
        id="{account}:{name}",
        read=Call("get_database", {"Name": "{name}"}),
        at="Database",
        outputs={"arn": "arn:{partition}:glue:{region}:{account}:database/{name}", "catalogId": "{account}"},
        groups=(Group(ALL, Call("update_database", {"Name": "{name}"}, take=ALL, into="DatabaseInput")),),
        delete=(Call("delete_database", {"Name": "{name}"}),),
        tags=Tagging({"ResourceArn": "arn:{partition}:glue:{region}:{account}:database/{name}"}, after=True),
        skip=("catalogId",),
    ),
    Row(
        "aws:glue/catalogTable:CatalogTable",
        "glue",
        Call("create_table", _TABLE, take=ALL, into="TableInput"),
        id="{account}:{databaseName}:{name}",
        read=Call("get_table", {**_TABLE, "Name": "{name}"}),
        at="Table",
        outputs={
            "arn": "arn:{partition}:glue:{region}:{account}:table/{databaseName}/{name}",
            "catalogId": "{account}",
        },
        groups=(Group(ALL, Call("update_table", _TABLE, take=ALL, into="TableInput")),),
        delete=(Call("delete_table", {**_TABLE, "Name": "{name}"}),),
        names={"databaseName": None, "serDeInfo": "SerdeInfo"},
        skip=("catalogId", "partitionIndices", "openTableFormatInput"),
    ),
    Row(
        "aws:glue/crawler:Crawler",
        "glue",
        Call("create_crawler", _CRAWLED, take=ALL),
        id="{name}",
        read=Call("get_crawler", {"Name": "{name}"}),
        at="Crawler",
        outputs={"arn": "arn:{partition}:glue:{region}:{account}:crawler/{name}"},
        groups=(Group(ALL, Call("update_crawler", _CRAWLED, take=ALL)),),
        delete=(Call("delete_crawler", {"Name": "{name}"}),),
        tags=_tagged("crawler"),
        names={
            f"{name}Targets": None
            for name in ("catalog", "delta", "dynamodb", "hudi", "iceberg", "jdbc", "mongodb", "s3")
        },
        skip=("s3Targets", "catalogTargets", "deltaTargets", "jdbcTargets"),
        hook=lambda context: {
            **context,
            "crawled": [{"Path": target["path"]} for target in context.get("s3Targets") or ()],
        },
    ),
    Row(
        "aws:glue/dataQualityRuleset:DataQualityRuleset",
        "glue",
        Call("create_data_quality_ruleset", take=ALL),
        id="{name}",
        read=Call("get_data_quality_ruleset", {"Name": "{name}"}),
        outputs={"arn": "arn:{partition}:glue:{region}:{account}:dataQualityRuleset/{name}"},
        groups=(Group(ALL, Call("update_data_quality_ruleset", take=("name", "description", "ruleset"))),),
        delete=(Call("delete_data_quality_ruleset", {"Name": "{name}"}),),
        tags=_tagged("dataQualityRuleset"),
    ),
    Row(
        "aws:glue/securityConfiguration:SecurityConfiguration",
        "glue",
        Call("create_security_configuration", take=ALL),
        id="{name}",
        read=Call("get_security_configuration", {"Name": "{name}"}),
        at="SecurityConfiguration",
        delete=(Call("delete_security_configuration", {"Name": "{name}"}),),
        names={"s3Encryption": "S3Encryption"},
    ),
    Row(
        "aws:glue/trigger:Trigger",
        "glue",
        Call("create_trigger", take=ALL),
        id="{name}",
        read=Call("get_trigger", {"Name": "{name}"}),
        at="Trigger",
        outputs={"arn": "arn:{partition}:glue:{region}:{account}:trigger/{name}", "state": "{r.State}"},
        groups=(
            Group(
                ("description", "schedule", "actions", "predicate"),
                Call(
                    "update_trigger",
                    {"Name": "{name}"},
                    take=("description", "schedule", "actions", "predicate"),
                    into="TriggerUpdate",
                ),
            ),
        ),
        delete=(Call("delete_trigger", {"Name": "{name}"}),),
        tags=_tagged("trigger"),
        skip=("enabled",),
    ),
    Row(
        "aws:athena/workgroup:Workgroup",
        "athena",
        Call("create_work_group", take=ALL),
        id="{name}",
        read=Call("get_work_group", {"WorkGroup": "{name}"}),
        at="WorkGroup",
        outputs={"arn": "arn:{partition}:athena:{region}:{account}:workgroup/{name}"},
        groups=(
            Group(
                ("description", "state"),
                Call("update_work_group", {"WorkGroup": "{name}"}, take=("description", "state")),
            ),
        ),
        delete=(Call("delete_work_group", {"WorkGroup": "{name}", "RecursiveDeleteOption": True}),),
        tags=Tagging({"ResourceARN": "{o.arn}"}),
        names={"publishCloudwatchMetricsEnabled": "PublishCloudWatchMetricsEnabled", "kmsKeyArn": "KmsKey"},
        skip=("forceDestroy", "state"),
    ),
    setting(
        "aws:glue/dataCatalogEncryptionSettings:DataCatalogEncryptionSettings",
        "glue",
        Call("put_data_catalog_encryption_settings", take=("dataCatalogEncryptionSettings",)),
        Call("get_data_catalog_encryption_settings"),
        id="{account}",
    ),
    Row(
        "aws:lakeformation/dataLakeSettings:DataLakeSettings",
        "lakeformation",
        Call(
            "put_data_lake_settings",
            {"DataLakeSettings": {"DataLakeAdmins": "{administrators}"}},
        ),
        id="{account}",
        read=Call("get_data_lake_settings"),
        at="DataLakeSettings",
        groups=(
            Group(ALL, Call("put_data_lake_settings", {"DataLakeSettings": {"DataLakeAdmins": "{administrators}"}})),
        ),
        hook=lambda context: {
            **context,
            "administrators": [{"DataLakePrincipalIdentifier": arn} for arn in context.get("admins") or ()],
        },
        names={"admins": None},
    ),
)
