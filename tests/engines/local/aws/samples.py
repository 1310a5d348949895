"""For each resource type of the table: the least inputs that create it, and a change that an update carries out.

A text ``@vpc.id`` is an output of a prerequisite below, created once for each sample that asks for it.
"""

from __future__ import annotations

import json
from typing import Any, Final

TRUST: Final = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
POLICY: Final = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}],
    }
)
OPEN_POLICY: Final = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Sid": "a", "Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}],
    }
)
BUCKET_POLICY: Final = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::pre-bucket/*"}],
    }
)
LOGGING_POLICY: Final = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "logging.s3.amazonaws.com"},
                "Action": "s3:PutObject",
                "Resource": "arn:aws:s3:::pre-trails/*",
            }
        ],
    }
)
MACHINE: Final = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
MACHINE_2: Final = json.dumps({"StartAt": "B", "States": {"B": {"Type": "Pass", "End": True}}})
IMAGE: Final = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/x:1"
LIFECYCLE: Final = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 5},
                "action": {"type": "expire"},
            }
        ]
    }
)
CODE: Final = {
    "4dabf18193072939515e22adb298388d": "0def7320c3a5731c473e5ecbe6d01bc7",
    "assets": {"index.py": {"text": "def handler(event, context): return 1\n"}},
}

PREREQUISITES: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "vpc": ("aws:ec2/vpc:Vpc", {"cidrBlock": "10.9.0.0/16"}),
    "subnet": ("aws:ec2/subnet:Subnet", {"vpcId": "@vpc.id", "cidrBlock": "10.9.1.0/24", "availabilityZone": "eu-central-1a"}),
    "subnet2": ("aws:ec2/subnet:Subnet", {"vpcId": "@vpc.id", "cidrBlock": "10.9.2.0/24", "availabilityZone": "eu-central-1b"}),
    "group": ("aws:ec2/securityGroup:SecurityGroup", {"name": "pre-group", "vpcId": "@vpc.id"}),
    "table": ("aws:ec2/routeTable:RouteTable", {"vpcId": "@vpc.id"}),
    "gateway": ("aws:ec2/internetGateway:InternetGateway", {"vpcId": "@vpc.id"}),
    "gateway2": ("aws:ec2/internetGateway:InternetGateway", {}),
    "eip": ("aws:ec2/eip:Eip", {"domain": "vpc"}),
    "role": ("aws:iam/role:Role", {"name": "pre-role", "assumeRolePolicy": TRUST}),
    "policy": ("aws:iam/policy:Policy", {"name": "pre-policy", "policy": POLICY}),
    "key": ("aws:kms/key:Key", {"description": "pre"}),
    "key2": ("aws:kms/key:Key", {"description": "pre2"}),
    "bucket": ("aws:s3/bucket:Bucket", {"bucket": "pre-bucket"}),
    "locked": ("aws:s3/bucket:Bucket", {"bucket": "pre-locked", "objectLockEnabled": True}),
    "trails": ("aws:s3/bucket:Bucket", {"bucket": "pre-trails"}),
    "logged": ("aws:s3/bucketPolicy:BucketPolicy", {"bucket": "@trails.id", "policy": LOGGING_POLICY}),
    "cluster": (
        "aws:eks/cluster:Cluster",
        {"name": "pre-cluster", "roleArn": "@role.arn", "vpcConfig": {"subnetIds": ["@subnet.id", "@subnet2.id"]}},
    ),
    "repository": ("aws:ecr/repository:Repository", {"name": "pre/repository"}),
    "subnets": ("aws:rds/subnetGroup:SubnetGroup", {"name": "pre-subnets", "subnetIds": ["@subnet.id", "@subnet2.id"]}),
    "secret": ("aws:secretsmanager/secret:Secret", {"name": "pre-secret"}),
    "packages": ("aws:sagemaker/modelPackageGroup:ModelPackageGroup", {"modelPackageGroupName": "pre-packages"}),
    "model": (
        "aws:sagemaker/model:Model",
        {"name": "pre-model", "executionRoleArn": "@role.arn", "primaryContainer": {"image": IMAGE}},
    ),
    "config": (
        "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
        {"name": "pre-config", "productionVariants": [{"variantName": "a", "modelName": "@model.id",
                                                       "instanceType": "ml.c6i.xlarge", "initialInstanceCount": 1}]},
    ),
    "config2": (
        "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
        {"name": "pre-config2", "productionVariants": [{"variantName": "a", "modelName": "@model.id",
                                                        "instanceType": "ml.m5.large", "initialInstanceCount": 1}]},
    ),
    "database": ("aws:glue/catalogDatabase:CatalogDatabase", {"name": "pre_database"}),
    "logs": ("aws:cloudwatch/logGroup:LogGroup", {"name": "/pre/logs"}),
    "rule": ("aws:cloudwatch/eventRule:EventRule", {"name": "pre-rule", "scheduleExpression": "rate(1 hour)"}),
    "topic": ("aws:sns/topic:Topic", {"name": "pre-topic"}),
    "queue": ("aws:sqs/queue:Queue", {"name": "pre-queue"}),
    "function": (
        "aws:lambda/function:Function",
        {"name": "pre-function", "role": "@role.arn", "handler": "index.handler", "runtime": "python3.12", "code": CODE},
    ),
    "recorder": ("aws:cfg/recorder:Recorder", {"name": "default", "roleArn": "@role.arn"}),
    "channel": ("aws:cfg/deliveryChannel:DeliveryChannel", {"name": "@recorder.id", "s3BucketName": "@bucket.id"}),
    "detector": ("aws:guardduty/detector:Detector", {"enable": True}),
    "scalable": (
        "aws:appautoscaling/target:Target",
        {"serviceNamespace": "dynamodb", "resourceId": "table/pre-table", "minCapacity": 1, "maxCapacity": 2,
         "scalableDimension": "dynamodb:table:ReadCapacityUnits"},
    ),
}  # fmt: skip

_MONITORING_INPUT: Final = {
    "endpointInput": {"endpointName": "pre-endpoint", "localPath": "/opt/ml/processing/input"},
}
_MONITORING_OUTPUT: Final = {
    "monitoringOutputs": {"s3Output": {"s3Uri": "s3://pre-bucket/out", "localPath": "/opt/ml/processing/output"}},
}
_RESOURCES: Final = {"clusterConfig": {"instanceCount": 1, "instanceType": "ml.m5.large", "volumeSizeInGb": 20}}
_NATIVE_OUTPUT: Final = {
    "monitoringOutputs": [{"s3Output": {"s3Uri": "s3://pre-bucket/out", "localPath": "/opt/ml/processing/output"}}],
}


def _native(kind: str, spec: dict[str, Any], input: dict[str, Any]) -> dict[str, Any]:
    return {
        "jobDefinitionName": f"t-{kind.lower()}",
        f"{kind}AppSpecification": spec,
        f"{kind}JobInput": {"endpointInput": {**_MONITORING_INPUT["endpointInput"]}, **input},
        f"{kind}JobOutputConfig": _NATIVE_OUTPUT,
        "jobResources": _RESOURCES,
        "roleArn": "@role.arn",
    }


TAGS: Final = {"tags": {"team": "ml"}}

SAMPLES: Final[dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "aws:s3/bucket:Bucket": ({"bucket": "t-bucket"}, TAGS),
    "aws:s3/bucketVersioning:BucketVersioning": (
        {"bucket": "@bucket.id", "versioningConfiguration": {"status": "Enabled"}},
        {"versioningConfiguration": {"status": "Suspended"}},
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        {"bucket": "@bucket.id", "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]},
        {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "@key.arn"},
                    "bucketKeyEnabled": True}]},
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": (
        {"bucket": "@bucket.id", "blockPublicAcls": True},
        {"blockPublicPolicy": True},
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": (
        {"bucket": "@bucket.id", "rule": {"objectOwnership": "BucketOwnerEnforced"}},
        {"rule": {"objectOwnership": "ObjectWriter"}},
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (
        {"bucket": "@bucket.id", "rules": [{"id": "a", "status": "Enabled", "filter": {"prefix": ""}, "expiration": {"days": 3}}]},
        {"rules": [{"id": "a", "status": "Enabled", "filter": {"prefix": ""}, "expiration": {"days": 4}}]},
    ),
    "aws:s3/bucketPolicy:BucketPolicy": (
        {"bucket": "@bucket.id", "policy": BUCKET_POLICY},
        {"policy": BUCKET_POLICY.replace("Deny", "Allow")},
    ),
    "aws:s3/bucketLogging:BucketLogging": (
        {"bucket": "@bucket.id", "targetBucket": "@logged.id", "targetPrefix": "a/"},
        {"targetPrefix": "b/"},
    ),
    "aws:s3/bucketNotification:BucketNotification": (
        {"bucket": "@bucket.id", "eventbridge": True},
        {"queues": [{"queueArn": "@queue.arn", "events": ["s3:ObjectCreated:*"]}]},
    ),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": (
        {"bucket": "@locked.id", "rule": {"defaultRetention": {"mode": "COMPLIANCE", "days": 1}}},
        {"rule": {"defaultRetention": {"mode": "COMPLIANCE", "days": 2}}},
    ),
    "aws:s3/bucketObjectv2:BucketObjectv2": ({"bucket": "@bucket.id", "key": "a/b", "content": "1"}, {"content": "2"}),
    "aws:kms/key:Key": ({"description": "t", "enableKeyRotation": True}, {"description": "u"}),
    "aws:kms/grant:Grant": (
        {"keyId": "@key.id", "granteePrincipal": "@role.arn", "operations": ["Decrypt"], "name": "t-grant"}, {}
    ),
    "aws:kms/alias:Alias": ({"name": "alias/t", "targetKeyId": "@key.id"}, {"targetKeyId": "@key2.id"}),
    "aws:iam/role:Role": ({"name": "t-role", "assumeRolePolicy": TRUST}, {"description": "x"}),
    "aws:iam/rolePolicy:RolePolicy": (
        {"role": "@role.id", "name": "access", "policy": POLICY},
        {"policy": POLICY.replace("GetObject", "PutObject")},
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ({"role": "@role.id", "policyArn": "@policy.arn"}, {}),
    "aws:iam/policy:Policy": ({"name": "t-policy", "policy": POLICY}, TAGS),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": (
        {"url": "https://token.actions.githubusercontent.com", "clientIdLists": ["sts.amazonaws.com"],
         "thumbprintLists": ["6938fd4d98bab03faadb97b34396831e3780aea1"]},
        TAGS,
    ),
    "aws:iam/instanceProfile:InstanceProfile": ({"name": "t-profile", "role": "@role.id"}, TAGS),
    "aws:ec2/vpc:Vpc": ({"cidrBlock": "10.8.0.0/16", "enableDnsHostnames": True}, TAGS),
    "aws:ec2/subnet:Subnet": ({"vpcId": "@vpc.id", "cidrBlock": "10.9.7.0/24"}, {"mapPublicIpOnLaunch": True}),
    "aws:ec2/internetGateway:InternetGateway": ({"vpcId": "@vpc.id"}, TAGS),
    "aws:ec2/eip:Eip": ({"domain": "vpc"}, TAGS),
    "aws:ec2/natGateway:NatGateway": ({"subnetId": "@subnet.id", "allocationId": "@eip.id"}, TAGS),
    "aws:ec2/routeTable:RouteTable": ({"vpcId": "@vpc.id"}, TAGS),
    "aws:ec2/route:Route": (
        {"routeTableId": "@table.id", "destinationCidrBlock": "0.0.0.0/0", "gatewayId": "@gateway.id"},
        {"gatewayId": "@gateway2.id"},
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": ({"routeTableId": "@table.id", "subnetId": "@subnet.id"}, {}),
    "aws:ec2/securityGroup:SecurityGroup": (
        {"name": "t-group", "vpcId": "@vpc.id",
         "ingress": [{"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": ["10.0.0.0/8"]}]},
        TAGS,
    ),
    "aws:ec2/securityGroupRule:SecurityGroupRule": (
        {"type": "ingress", "protocol": "tcp", "fromPort": 80, "toPort": 80, "cidrBlocks": ["10.0.0.0/8"],
         "securityGroupId": "@group.id"},
        {},
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": (
        {"securityGroupId": "@group.id", "ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "cidrIpv4": "10.0.0.0/8"},
        TAGS,
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": (
        {"securityGroupId": "@group.id", "ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "cidrIpv4": "10.0.0.0/8"},
        TAGS,
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": (
        {"vpcId": "@vpc.id", "serviceName": "com.amazonaws.eu-central-1.s3", "vpcEndpointType": "Gateway",
         "routeTableIds": ["@table.id"]},
        TAGS,
    ),
    "aws:ec2/flowLog:FlowLog": (
        {"vpcId": "@vpc.id", "trafficType": "ALL", "logDestinationType": "s3", "logDestination": "@bucket.arn"},
        TAGS,
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": ({"vpcId": "@vpc.id"}, TAGS),
    "aws:ec2/launchTemplate:LaunchTemplate": (
        {"name": "t-template", "instanceType": "g5.xlarge", "metadataOptions": {"httpTokens": "required"}},
        {"instanceType": "g5.2xlarge"},
    ),
    "aws:eks/cluster:Cluster": (
        {"name": "t-cluster", "roleArn": "@role.arn", "vpcConfig": {"subnetIds": ["@subnet.id", "@subnet2.id"]}},
        TAGS,
    ),
    "aws:eks/nodeGroup:NodeGroup": (
        {"clusterName": "@cluster.id", "nodeGroupName": "t-nodes", "nodeRoleArn": "@role.arn",
         "subnetIds": ["@subnet.id"], "scalingConfig": {"minSize": 0, "maxSize": 1, "desiredSize": 0}},
        {"scalingConfig": {"minSize": 0, "maxSize": 2, "desiredSize": 0}},
    ),
    "aws:eks/addon:Addon": ({"clusterName": "@cluster.id", "addonName": "vpc-cni"}, {"addonVersion": "v1"}),
    "aws:eks/accessEntry:AccessEntry": (
        {"clusterName": "@cluster.id", "principalArn": "@role.arn"}, {"kubernetesGroups": ["ml"]}
    ),
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": (
        {"clusterName": "@cluster.id", "principalArn": "@role.arn", "accessScope": {"type": "cluster"},
         "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"},
        {},
    ),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": (
        {"clusterName": "@cluster.id", "namespace": "ml", "serviceAccount": "a", "roleArn": "@role.arn"}, {}
    ),
    "aws:ecr/repository:Repository": (
        {"name": "t/repository", "imageTagMutability": "IMMUTABLE", "imageScanningConfiguration": {"scanOnPush": True}},
        {"imageTagMutability": "MUTABLE"},
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": (
        {"repository": "@repository.id", "policy": LIFECYCLE}, {"policy": LIFECYCLE.replace("5", "6")}
    ),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": (
        {"repository": "@repository.id", "policy": OPEN_POLICY}, {"policy": OPEN_POLICY.replace('"a"', '"b"')}
    ),
    "aws:rds/subnetGroup:SubnetGroup": (
        {"name": "t-subnets", "subnetIds": ["@subnet.id", "@subnet2.id"]}, {"description": "new"}
    ),
    "aws:rds/parameterGroup:ParameterGroup": (
        {"name": "t-parameters", "family": "postgres16", "parameters": [{"name": "rds.force_ssl", "value": "1"}]}, TAGS
    ),
    "aws:rds/instance:Instance": (
        {"identifier": "t-db", "instanceClass": "db.t4g.small", "engine": "postgres", "allocatedStorage": 20,
         "username": "x", "manageMasterUserPassword": True, "dbSubnetGroupName": "@subnets.id"},
        {"allocatedStorage": 30},
    ),
    "aws:dynamodb/table:Table": (
        {"name": "t-table", "hashKey": "id", "attributes": [{"name": "id", "type": "S"}], "billingMode": "PAY_PER_REQUEST",
         "pointInTimeRecovery": {"enabled": True}},
        {"ttl": {"attributeName": "expires", "enabled": True}},
    ),
    "aws:secretsmanager/secret:Secret": ({"name": "t-secret"}, {"description": "new"}),
    "aws:secretsmanager/secretVersion:SecretVersion": (
        {"secretId": "@secret.id", "secretString": "one"}, {"secretString": "two"}
    ),
    "aws:ssm/parameter:Parameter": ({"name": "/t/p", "type": "String", "value": "a"}, {"value": "b"}),
    "aws:sagemaker/featureGroup:FeatureGroup": (
        {"featureGroupName": "t-features", "recordIdentifierFeatureName": "id", "eventTimeFeatureName": "at",
         "roleArn": "@role.arn", "featureDefinitions": [{"featureName": "id", "featureType": "String"},
                                                        {"featureName": "at", "featureType": "String"}],
         "offlineStoreConfig": {"s3StorageConfig": {"s3Uri": "s3://pre-bucket/features"}}},
        {},
    ),
    "aws:sagemaker/modelPackageGroup:ModelPackageGroup": ({"modelPackageGroupName": "t-packages"}, TAGS),
    "aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy": (
        {"modelPackageGroupName": "@packages.id", "resourcePolicy": OPEN_POLICY},
        {"resourcePolicy": OPEN_POLICY.replace('"a"', '"b"')},
    ),
    "aws:sagemaker/modelCard:ModelCard": (
        {"modelCardName": "t-card", "modelCardStatus": "Draft", "content": json.dumps({"model_overview": {}}),
         "securityConfig": {"kmsKeyId": "@key.arn"}},
        {"modelCardStatus": "Approved"},
    ),
    "aws:sagemaker/pipeline:Pipeline": (
        {"pipelineName": "t-pipeline", "pipelineDisplayName": "t", "roleArn": "@role.arn",
         "pipelineDefinition": json.dumps({"Version": "2020-12-01", "Steps": []})},
        {"pipelineDescription": "new"},
    ),
    "aws:sagemaker/model:Model": (
        {"name": "t-model", "executionRoleArn": "@role.arn", "primaryContainer": {"image": IMAGE},
         "enableNetworkIsolation": True},
        TAGS,
    ),
    "aws:sagemaker/endpointConfiguration:EndpointConfiguration": (
        {"name": "t-config", "productionVariants": [{"variantName": "a", "modelName": "@model.id",
                                                     "instanceType": "ml.c6i.xlarge", "initialInstanceCount": 1}]},
        TAGS,
    ),
    "aws:sagemaker/endpoint:Endpoint": (
        {"name": "t-endpoint", "endpointConfigName": "@config.id"}, {"endpointConfigName": "@config2.id"}
    ),
    "aws:sagemaker/monitoringSchedule:MonitoringSchedule": (
        {"name": "t-schedule", "monitoringScheduleConfig": {"monitoringJobDefinitionName": "x", "monitoringType": "DataQuality",
                                                            "scheduleConfig": {"scheduleExpression": "cron(0 * ? * * *)"}}},
        {},
    ),
    "aws:sagemaker/dataQualityJobDefinition:DataQualityJobDefinition": (
        {"name": "t-quality", "dataQualityAppSpecification": {"imageUri": IMAGE}, "dataQualityJobInput": _MONITORING_INPUT,
         "dataQualityJobOutputConfig": _MONITORING_OUTPUT, "jobResources": _RESOURCES, "roleArn": "@role.arn"},
        {},
    ),
    "aws-native:sagemaker:ModelQualityJobDefinition": (
        _native("modelQuality", {"imageUri": IMAGE, "problemType": "BinaryClassification"},
                {"groundTruthS3Input": {"s3Uri": "s3://pre-bucket/truth"}}),
        {},
    ),
    "aws-native:sagemaker:ModelBiasJobDefinition": (
        _native("modelBias", {"imageUri": IMAGE, "configUri": "s3://pre-bucket/config"},
                {"groundTruthS3Input": {"s3Uri": "s3://pre-bucket/truth"}}),
        {},
    ),
    "aws-native:sagemaker:ModelExplainabilityJobDefinition": (
        _native("modelExplainability", {"imageUri": IMAGE, "configUri": "s3://pre-bucket/config"}, {}),
        {},
    ),
    "aws:glue/catalogDatabase:CatalogDatabase": ({"name": "t_database"}, {"description": "new"}),
    "aws:glue/catalogTable:CatalogTable": (
        {"databaseName": "pre_database", "name": "t_table", "tableType": "EXTERNAL_TABLE",
         "storageDescriptor": {"columns": [{"name": "id", "type": "string"}], "location": "s3://pre-bucket/t/",
                               "serDeInfo": {"serializationLibrary": "x"}}, "description": "@database.id"},
        {"description": "new"},
    ),
    "aws:glue/crawler:Crawler": (
        {"name": "t-crawler", "databaseName": "pre_database", "role": "@role.arn",
         "s3Targets": [{"path": "s3://pre-bucket/t/"}]},
        TAGS,
    ),
    "aws:glue/dataQualityRuleset:DataQualityRuleset": (
        {"name": "t-ruleset", "ruleset": "Rules = [ RowCount > 1 ]"}, {"description": "new"}
    ),
    "aws:glue/securityConfiguration:SecurityConfiguration": (
        {"name": "t-security", "encryptionConfiguration": {
            "cloudwatchEncryption": {"cloudwatchEncryptionMode": "SSE-KMS", "kmsKeyArn": "@key.arn"},
            "jobBookmarksEncryption": {"jobBookmarksEncryptionMode": "DISABLED"},
            "s3Encryption": {"s3EncryptionMode": "SSE-KMS", "kmsKeyArn": "@key.arn"}}},
        {},
    ),
    "aws:glue/trigger:Trigger": (
        {"name": "t-trigger", "type": "SCHEDULED", "schedule": "cron(0 1 * * ? *)", "actions": [{"crawlerName": "x"}]}, TAGS
    ),
    "aws:athena/workgroup:Workgroup": (
        {"name": "t-workgroup", "configuration": {"enforceWorkgroupConfiguration": True, "resultConfiguration": {
            "outputLocation": "s3://pre-bucket/results/",
            "encryptionConfiguration": {"encryptionOption": "SSE_KMS", "kmsKeyArn": "@key.arn"}}}},
        TAGS,
    ),
    "aws:glue/dataCatalogEncryptionSettings:DataCatalogEncryptionSettings": (
        {"dataCatalogEncryptionSettings": {"encryptionAtRest": {"catalogEncryptionMode": "SSE-KMS", "sseAwsKmsKeyId": "@key.arn"},
                                           "connectionPasswordEncryption": {"returnConnectionPasswordEncrypted": False}}},
        {},
    ),
    "aws:lakeformation/dataLakeSettings:DataLakeSettings": ({"admins": ["@role.arn"]}, {"admins": []}),
    "aws:cloudwatch/logGroup:LogGroup": ({"name": "/t/logs", "retentionInDays": 30}, {"retentionInDays": 90}),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": (
        {"name": "t-filter", "logGroupName": "@logs.id", "pattern": "ERROR",
         "metricTransformation": {"name": "errors", "namespace": "ml", "value": "1"}},
        {"pattern": "WARN"},
    ),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": (
        {"policyName": "t-logs", "policyDocument": OPEN_POLICY}, {"policyDocument": OPEN_POLICY.replace('"a"', '"b"')}
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": (
        {"name": "t-alarm", "comparisonOperator": "GreaterThanThreshold", "evaluationPeriods": 1, "metricName": "m",
         "namespace": "ml", "period": 60, "statistic": "Sum", "threshold": 1, "alarmActions": ["@topic.arn"],
         "dimensions": {"a": "b"}},
        {"threshold": 2},
    ),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": (
        {"alarmName": "t-composite", "alarmRule": "ALARM(t-alarm)"}, {"alarmDescription": "new"}
    ),
    "aws:cloudwatch/dashboard:Dashboard": (
        {"dashboardName": "t-dashboard", "dashboardBody": json.dumps({"widgets": []})},
        {"dashboardBody": json.dumps({"widgets": [{"type": "text"}]})},
    ),
    "aws:cloudwatch/eventRule:EventRule": (
        {"name": "t-rule", "eventPattern": json.dumps({"source": ["aws.sagemaker"]})}, {"description": "new"}
    ),
    "aws:cloudwatch/eventTarget:EventTarget": ({"rule": "@rule.id", "arn": "@queue.arn"}, {"input": "{}"}),
    "aws:scheduler/scheduleGroup:ScheduleGroup": ({"name": "t-schedules"}, TAGS),
    "aws:scheduler/schedule:Schedule": (
        {"name": "t-schedule", "scheduleExpression": "rate(1 hour)", "flexibleTimeWindow": {"mode": "OFF"},
         "target": {"arn": "@queue.arn", "roleArn": "@role.arn"}},
        {"scheduleExpression": "rate(2 hours)"},
    ),
    "aws:budgets/budget:Budget": (
        {"name": "t-budget", "budgetType": "COST", "timeUnit": "MONTHLY", "limitAmount": "100", "limitUnit": "USD"},
        {"limitAmount": "200"},
    ),
    "aws:cloudtrail/trail:Trail": (
        {"name": "t-trail", "s3BucketName": "@trails.id", "enableLogFileValidation": True,
         "advancedEventSelectors": [{"name": "data", "fieldSelectors": [{"field": "eventCategory", "equals": ["Data"]}]}]},
        {"s3KeyPrefix": "p"},
    ),
    "aws:cfg/recorder:Recorder": (
        {"name": "default", "roleArn": "@role.arn", "recordingGroup": {"allSupported": True}},
        {"recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": True}},
    ),
    "aws:cfg/deliveryChannel:DeliveryChannel": (
        {"name": "@recorder.id", "s3BucketName": "@bucket.id"}, {"s3KeyPrefix": "p"}
    ),
    "aws:cfg/recorderStatus:RecorderStatus": ({"name": "@channel.id", "isEnabled": True, }, {}),
    "aws:cfg/rule:Rule": (
        {"name": "t-rule", "source": {"owner": "AWS", "sourceIdentifier": "S3_BUCKET_VERSIONING_ENABLED"}},
        {"description": "new"},
    ),
    "aws:guardduty/detector:Detector": ({"enable": True}, {"findingPublishingFrequency": "ONE_HOUR"}),
    "aws:guardduty/detectorFeature:DetectorFeature": (
        {"detectorId": "@detector.id", "name": "S3_DATA_EVENTS", "status": "ENABLED"}, {"status": "DISABLED"}
    ),
    "aws:accessanalyzer/analyzer:Analyzer": ({"analyzerName": "t-analyzer"}, TAGS),
    "aws:sns/topic:Topic": ({"name": "t-topic"}, {"displayName": "new"}),
    "aws:sns/topicPolicy:TopicPolicy": (
        {"arn": "@topic.arn", "policy": OPEN_POLICY}, {"policy": OPEN_POLICY.replace('"a"', '"b"')}
    ),
    "aws:sns/topicSubscription:TopicSubscription": (
        {"topic": "@topic.arn", "protocol": "sqs", "endpoint": "@queue.arn"}, {"rawMessageDelivery": True}
    ),
    "aws:sqs/queue:Queue": ({"name": "t-queue", "visibilityTimeoutSeconds": 30}, {"visibilityTimeoutSeconds": 60}),
    "aws:sqs/queuePolicy:QueuePolicy": (
        {"queueUrl": "@queue.id", "policy": OPEN_POLICY}, {"policy": OPEN_POLICY.replace('"a"', '"b"')}
    ),
    "aws:lambda/function:Function": (
        {"name": "t-function", "role": "@role.arn", "handler": "index.handler", "runtime": "python3.12", "code": CODE},
        {"timeout": 30},
    ),
    "aws:lambda/permission:Permission": (
        {"function": "@function.id", "action": "lambda:InvokeFunction", "principal": "events.amazonaws.com"}, {}
    ),
    "aws:sfn/stateMachine:StateMachine": (
        {"name": "t-machine", "definition": MACHINE, "roleArn": "@role.arn",
         "loggingConfiguration": {"level": "ALL", "logDestination": "arn:aws:logs:eu-central-1:123456789012:log-group:x:*"}},
        {"definition": MACHINE_2},
    ),
    "aws:appautoscaling/target:Target": (
        {"serviceNamespace": "dynamodb", "resourceId": "table/t-table", "minCapacity": 1, "maxCapacity": 2,
         "scalableDimension": "dynamodb:table:ReadCapacityUnits"},
        {"maxCapacity": 3},
    ),
    "aws:appautoscaling/policy:Policy": (
        {"name": "t-policy", "serviceNamespace": "dynamodb", "resourceId": "@scalable.id", "policyType": "TargetTrackingScaling",
         "scalableDimension": "dynamodb:table:ReadCapacityUnits",
         "targetTrackingScalingPolicyConfiguration": {
             "targetValue": 70, "predefinedMetricSpecification": {"predefinedMetricType": "DynamoDBReadCapacityUtilization"}}},
        {"targetTrackingScalingPolicyConfiguration": {
            "targetValue": 80, "predefinedMetricSpecification": {"predefinedMetricType": "DynamoDBReadCapacityUtilization"}}},
    ),
}  # fmt: skip

RECORDED: Final = {
    "aws:accessanalyzer/analyzer:Analyzer",
    "aws:cloudwatch/compositeAlarm:CompositeAlarm",
    "aws:eks/accessEntry:AccessEntry",
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
    "aws:eks/addon:Addon",
    "aws:eks/podIdentityAssociation:PodIdentityAssociation",
    "aws:glue/dataQualityRuleset:DataQualityRuleset",
    "aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy",
    "aws:sagemaker/monitoringSchedule:MonitoringSchedule",
}
"""Types that moto 5.2.5 has no create call for; the list shrinks as moto grows, and the test then says so."""
