"""ECR, RDS, DynamoDB, Secrets Manager and SSM parameters.

Sources: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/,
https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/,
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/,
https://docs.aws.amazon.com/secretsmanager/latest/apireference/,
https://docs.aws.amazon.com/systems-manager/latest/APIReference/

moto 5.2 loses a DB subnet group that is modified (``modify_db_subnet_group`` in moto/rds/models.py takes it
out and does not put it back), so the row has no call for that: the result says that the change was only
recorded.
"""

from __future__ import annotations

from typing import Any

from mlops_iac.engines.local.aws.row import ALL, Call, Group, Row, Tagging, setting

_REPOSITORY = {"repositoryName": "{repository}"}
_NAMED = {"repositoryName": "{name}"}
_INSTANCE = {"DBInstanceIdentifier": "{identifier}"}


def _described(context: dict[str, Any]) -> dict[str, Any]:
    return {**context, "description": context.get("description") or "Managed by Pulumi"}


def _password(context: dict[str, Any]) -> dict[str, Any]:
    """moto has no RDS-managed password for a plain instance: it wants one, which exists in the emulator only."""
    if context.get("manageMasterUserPassword") and not context.get("password"):
        return {**context, "password": "local-emulator-only"}
    return context


def _table(context: dict[str, Any]) -> dict[str, Any]:
    keys = [{"AttributeName": context.get("hashKey"), "KeyType": "HASH"}]
    if context.get("rangeKey"):
        keys.append({"AttributeName": context["rangeKey"], "KeyType": "RANGE"})
    found = {**context, "keySchema": keys}
    if context.get("billingMode") != "PAY_PER_REQUEST":
        found["throughput"] = {
            "ReadCapacityUnits": context.get("readCapacity", 1),
            "WriteCapacityUnits": context.get("writeCapacity", 1),
        }
    if context.get("serverSideEncryption"):
        sse = context["serverSideEncryption"]
        found["sse"] = {"Enabled": True, "SSEType": "KMS"}
        if sse.get("kmsKeyArn"):
            found["sse"]["KMSMasterKeyId"] = sse["kmsKeyArn"]
    return found


ROWS = (
    Row(
        "aws:ecr/repository:Repository",
        "ecr",
        Call("create_repository", take=ALL),
        id="{name}",
        read=Call("describe_repositories", {"repositoryNames": ["{name}"]}),
        at="repositories.0",
        outputs={
            "arn": "{r.repositoryArn}",
            "repositoryUrl": "{r.repositoryUri}",
            "registryId": "{r.registryId}",
        },
        groups=(
            Group(
                ("imageTagMutability",),
                Call("put_image_tag_mutability", {**_NAMED, "imageTagMutability": "{imageTagMutability}"}),
            ),
            Group(
                ("imageScanningConfiguration",),
                Call("put_image_scanning_configuration", _NAMED, take=("imageScanningConfiguration",)),
            ),
        ),
        delete=(Call("delete_repository", {**_NAMED, "force": True}),),
        tags=Tagging({"resourceArn": "{o.arn}"}),
        names={"name": "repositoryName", "encryptionConfigurations": "encryptionConfiguration", "kmsKey": "kmsKey"},
        skip=("forceDelete",),
    ),
    setting(
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        "ecr",
        Call("put_lifecycle_policy", {**_REPOSITORY, "lifecyclePolicyText": "{policy}"}),
        Call("get_lifecycle_policy", _REPOSITORY),
        id="{repository}",
        reset=(Call("delete_lifecycle_policy", _REPOSITORY),),
        names={"policy": "lifecyclePolicyText"},
        outputs={"registryId": "{account}"},
    ),
    setting(
        "aws:ecr/repositoryPolicy:RepositoryPolicy",
        "ecr",
        Call("set_repository_policy", {**_REPOSITORY, "policyText": "{policy}"}),
        Call("get_repository_policy", _REPOSITORY),
        id="{repository}",
        reset=(Call("delete_repository_policy", _REPOSITORY),),
        names={"policy": "policyText"},
        outputs={"registryId": "{account}"},
    ),
    Row(
        "aws:rds/subnetGroup:SubnetGroup",
        "rds",
        Call("create_db_subnet_group", {"DBSubnetGroupDescription": "{description}"}, take=ALL),
        id="{name}",
        read=Call("describe_db_subnet_groups", {"DBSubnetGroupName": "{name}"}),
        at="DBSubnetGroups.0",
        outputs={"arn": "arn:{partition}:rds:{region}:{account}:subgrp:{name}", "vpcId": "{r.VpcId}"},
        delete=(Call("delete_db_subnet_group", {"DBSubnetGroupName": "{name}"}),),
        tags=Tagging({"ResourceName": "{o.arn}"}, "add_tags_to_resource", "remove_tags_from_resource"),
        names={"name": "DBSubnetGroupName", "description": "DBSubnetGroupDescription"},
        hook=_described,
    ),
    Row(
        "aws:rds/parameterGroup:ParameterGroup",
        "rds",
        Call("create_db_parameter_group", {"Description": "{description}"}, take=ALL),
        id="{name}",
        read=Call("describe_db_parameter_groups", {"DBParameterGroupName": "{name}"}),
        at="DBParameterGroups.0",
        outputs={"arn": "arn:{partition}:rds:{region}:{account}:pg:{name}"},
        groups=(
            Group(
                ("parameters",),
                Call("modify_db_parameter_group", {"DBParameterGroupName": "{name}"}, take=("parameters",)),
                after=True,
            ),
        ),
        delete=(Call("delete_db_parameter_group", {"DBParameterGroupName": "{name}"}),),
        tags=Tagging({"ResourceName": "{o.arn}"}, "add_tags_to_resource", "remove_tags_from_resource"),
        names={
            "name": "DBParameterGroupName",
            "family": "DBParameterGroupFamily",
            "parameters.name": "ParameterName",
            "parameters.value": "ParameterValue",
        },
        skip=("skipDestroy",),
        hook=_described,
    ),
    Row(
        "aws:rds/instance:Instance",
        "rds",
        Call("create_db_instance", take=ALL),
        id="{identifier}",
        read=Call("describe_db_instances", _INSTANCE),
        at="DBInstances.0",
        outputs={
            "arn": "{r.DBInstanceArn}",
            "address": "{r.Endpoint.Address}",
            "port": "{r.Endpoint.Port}",
            "endpoint": "{r.Endpoint.Address}:{r.Endpoint.Port}",
            "resourceId": "{r.DbiResourceId}",
            "status": "{r.DBInstanceStatus}",
            "engineVersionActual": "{r.EngineVersion}",
            "masterUserSecrets": [
                {
                    "secretArn": "arn:{partition}:secretsmanager:{region}:{account}:secret:rds!db-{r.DbiResourceId}",
                    "kmsKeyId": "{masterUserSecretKmsKeyId}",
                    "secretStatus": "active",
                }
            ],
        },
        groups=(
            Group(
                (
                    "allocatedStorage",
                    "instanceClass",
                    "backupRetentionPeriod",
                    "engineVersion",
                    "multiAz",
                    "deletionProtection",
                    "maxAllocatedStorage",
                    "parameterGroupName",
                    "vpcSecurityGroupIds",
                    "backupWindow",
                    "maintenanceWindow",
                ),
                Call(
                    "modify_db_instance",
                    {**_INSTANCE, "ApplyImmediately": True},
                    take=(
                        "allocatedStorage",
                        "instanceClass",
                        "backupRetentionPeriod",
                        "engineVersion",
                        "multiAz",
                        "deletionProtection",
                        "maxAllocatedStorage",
                        "vpcSecurityGroupIds",
                    ),
                ),
            ),
        ),
        delete=(
            Call("modify_db_instance", {**_INSTANCE, "DeletionProtection": False}, when="{deletionProtection}"),
            Call("delete_db_instance", {**_INSTANCE, "SkipFinalSnapshot": True}),
        ),
        tags=Tagging({"ResourceName": "{o.arn}"}, "add_tags_to_resource", "remove_tags_from_resource"),
        names={
            "identifier": "DBInstanceIdentifier",
            "instanceClass": "DBInstanceClass",
            "dbName": "DBName",
            "username": "MasterUsername",
            "password": "MasterUserPassword",
            "parameterGroupName": "DBParameterGroupName",
            "dbSubnetGroupName": "DBSubnetGroupName",
            "multiAz": "MultiAZ",
            "backupWindow": "PreferredBackupWindow",
            "maintenanceWindow": "PreferredMaintenanceWindow",
            "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
            "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
            "performanceInsightsEnabled": "EnablePerformanceInsights",
            "performanceInsightsKmsKeyId": "PerformanceInsightsKMSKeyId",
            "caCertIdentifier": "CACertificateIdentifier",
            "manageMasterUserPassword": None,
            "masterUserSecretKmsKeyId": None,
        },
        skip=(
            "applyImmediately",
            "skipFinalSnapshot",
            "finalSnapshotIdentifier",
            "allowMajorVersionUpgrade",
            "deleteAutomatedBackups",
            "blueGreenUpdate",
        ),
        hook=_password,
    ),
    Row(
        "aws:dynamodb/table:Table",
        "dynamodb",
        Call(
            "create_table",
            {
                "KeySchema": "{keySchema}",
                "ProvisionedThroughput": "{throughput}",
                "SSESpecification": "{sse}",
                "DeletionProtectionEnabled": "{deletionProtectionEnabled}",
            },
            take=("name", "attributes", "billingMode", "tags", "tableClass"),
        ),
        id="{name}",
        read=Call("describe_table", {"TableName": "{name}"}),
        at="Table",
        outputs={"arn": "{r.TableArn}", "streamArn": "{r.LatestStreamArn}"},
        groups=(
            Group(
                ("pointInTimeRecovery",),
                Call(
                    "update_continuous_backups",
                    {
                        "TableName": "{name}",
                        "PointInTimeRecoverySpecification": {
                            "PointInTimeRecoveryEnabled": "{pointInTimeRecovery.enabled}"
                        },
                    },
                ),
                after=True,
            ),
            Group(
                ("ttl",),
                Call(
                    "update_time_to_live",
                    {
                        "TableName": "{name}",
                        "TimeToLiveSpecification": {
                            "AttributeName": "{ttl.attributeName}",
                            "Enabled": "{ttl.enabled}",
                        },
                    },
                ),
                after=True,
            ),
            Group(
                ("billingMode", "readCapacity", "writeCapacity", "deletionProtectionEnabled"),
                Call(
                    "update_table",
                    {
                        "TableName": "{name}",
                        "ProvisionedThroughput": "{throughput}",
                        "DeletionProtectionEnabled": "{deletionProtectionEnabled}",
                    },
                    take=("billingMode",),
                ),
            ),
        ),
        delete=(
            Call(
                "update_table",
                {"TableName": "{name}", "DeletionProtectionEnabled": False},
                when="{deletionProtectionEnabled}",
            ),
            Call("delete_table", {"TableName": "{name}"}),
        ),
        tags=Tagging({"ResourceArn": "{o.arn}"}),
        names={
            "name": "TableName",
            "attributes": "AttributeDefinitions",
            "attributes.name": "AttributeName",
            "attributes.type": "AttributeType",
        },
        hook=_table,
    ),
    Row(
        "aws:secretsmanager/secret:Secret",
        "secretsmanager",
        Call("create_secret", take=ALL),
        id="{r.ARN}",
        read=Call("describe_secret", {"SecretId": "{id}"}),
        outputs={"arn": "{r.ARN}", "name": "{r.Name}"},
        groups=(
            Group(
                ("description", "kmsKeyId"),
                Call("update_secret", {"SecretId": "{id}"}, take=("description", "kmsKeyId")),
            ),
            Group(
                ("policy",),
                Call("put_resource_policy", {"SecretId": "{id}", "ResourcePolicy": "{policy}"}),
                unset=Call("delete_resource_policy", {"SecretId": "{id}"}),
                after=True,
            ),
        ),
        delete=(Call("delete_secret", {"SecretId": "{id}", "ForceDeleteWithoutRecovery": True}),),
        tags=Tagging({"SecretId": "{id}"}),
        skip=("recoveryWindowInDays", "forceOverwriteReplicaSecret", "namePrefix"),
        names={"replicas": "AddReplicaRegions"},
        find=Call("list_secrets", {"Filters": [{"Key": "name", "Values": ["{name}"]}]}),
        found="SecretList",
        found_id="{r.ARN}",
    ),
    Row(
        "aws:secretsmanager/secretVersion:SecretVersion",
        "secretsmanager",
        Call("put_secret_value", {"SecretId": "{secretId}", "SecretString": "{secretString}"}),
        id="{secretId}|{r.VersionId}",
        read=Call("describe_secret", {"SecretId": "{secretId}"}),
        outputs={"arn": "{r.ARN}", "secretId": "{secretId}"},
        groups=(
            Group(
                ("secretString",),
                Call("put_secret_value", {"SecretId": "{secretId}", "SecretString": "{secretString}"}),
            ),
        ),
        find=Call("list_secret_version_ids", {"SecretId": "{secretId}"}),
        found="Versions",
        found_id="{secretId}|{r.VersionId}",
    ),
    Row(
        "aws:ssm/parameter:Parameter",
        "ssm",
        Call(
            "put_parameter",
            {"Value": "{text}"},
            take=("name", "type", "description", "keyId", "tier", "dataType", "tags"),
        ),
        id="{name}",
        read=Call("get_parameter", {"Name": "{name}", "WithDecryption": True}),
        at="Parameter",
        outputs={"arn": "{r.ARN}", "version": "{r.Version}"},
        groups=(
            Group(
                ("value", "insecureValue", "description", "type"),
                Call(
                    "put_parameter",
                    {"Name": "{name}", "Value": "{text}", "Overwrite": True},
                    take=("type", "description"),
                ),
            ),
        ),
        delete=(Call("delete_parameter", {"Name": "{name}"}),),
        tags=Tagging(
            {"ResourceType": "Parameter", "ResourceId": "{name}"}, "add_tags_to_resource", "remove_tags_from_resource"
        ),
        skip=("overwrite",),
        hook=lambda context: {**context, "text": context.get("value") or context.get("insecureValue")},
    ),
)
