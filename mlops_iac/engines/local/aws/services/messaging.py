"""SNS, SQS, Lambda, Step Functions and application auto scaling.

Sources: https://docs.aws.amazon.com/sns/latest/api/, https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/,
https://docs.aws.amazon.com/lambda/latest/api/, https://docs.aws.amazon.com/step-functions/latest/apireference/,
https://docs.aws.amazon.com/autoscaling/application/APIReference/
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any, Final

from mlops_iac.engines.local.aws.row import ALL, Call, Group, Row, Tagging, setting

_QUEUE_ATTRIBUTES: Final = {
    "visibilityTimeoutSeconds": "VisibilityTimeout",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "delaySeconds": "DelaySeconds",
    "maxMessageSize": "MaximumMessageSize",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "redrivePolicy": "RedrivePolicy",
    "redriveAllowPolicy": "RedriveAllowPolicy",
    "policy": "Policy",
    "fifoQueue": "FifoQueue",
    "contentBasedDeduplication": "ContentBasedDeduplication",
}
_TOPIC_ATTRIBUTES: Final = {
    "displayName": "DisplayName",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "policy": "Policy",
    "deliveryPolicy": "DeliveryPolicy",
    "fifoTopic": "FifoTopic",
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "tracingConfig": "TracingConfig",
    "signatureVersion": "SignatureVersion",
}


def _attributes(table: dict[str, str]) -> Any:
    def hook(context: dict[str, Any]) -> dict[str, Any]:
        found = {
            parameter: str(context[name]).lower() if isinstance(context[name], bool) else str(context[name])
            for name, parameter in table.items()
            if context.get(name) not in (None, "", False)
        }
        return {**context, "attributes": found or None}

    return hook


def _code(context: dict[str, Any]) -> dict[str, Any]:
    """The archive's texts as a zip file, with fixed times, so that the same code gives the same bytes."""
    code = context.get("code")
    assets = code.get("assets") if isinstance(code, dict) else None
    environment = (context.get("environment") or {}).get("variables")
    found = {**context, "variables": environment}
    if assets:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name in sorted(assets):
                archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), assets[name].get("text", ""))
        found["zip"] = buffer.getvalue()
    return found


_CONFIGURATION: Final = (
    "role",
    "handler",
    "description",
    "timeout",
    "memorySize",
    "runtime",
    "vpcConfig",
    "environment",
    "kmsKeyArn",
    "layers",
    "tracingConfig",
    "deadLetterConfig",
    "ephemeralStorage",
    "loggingConfig",
)
"""What Lambda changes in one call."""
_INVOCATION: Final = "arn:{partition}:apigateway:{region}:lambda:path/2015-03-31/functions/{r.FunctionArn}/invocations"
_FUNCTION: Final = {"FunctionName": "{name}"}

_SCALABLE = r"(?P<serviceNamespace>[^/]+)/(?P<resourceId>.+)/(?P<scalableDimension>[^/]+)"
"""How Pulumi's provider wants a scalable target named."""


def _statement(answer: Any, context: Mapping[str, Any]) -> dict[str, str] | None:
    """The permission's own statement in the policy of the function."""
    statements = json.loads(answer["Policy"])["Statement"]
    return next(({"Sid": item["Sid"]} for item in statements if item.get("Sid") == context["statement"]), None)


ROWS = (
    Row(
        "aws:sns/topic:Topic",
        "sns",
        Call("create_topic", {"Name": "{name}", "Attributes": "{attributes}"}, take=("tags",)),
        id="{r.TopicArn}",
        read=Call("get_topic_attributes", {"TopicArn": "{id}"}),
        at="Attributes",
        outputs={"arn": "{r.TopicArn}", "owner": "{account}"},
        groups=tuple(
            Group(
                (name,),
                Call(
                    "set_topic_attributes",
                    {"TopicArn": "{id}", "AttributeName": parameter, "AttributeValue": f"{{{name}}}"},
                ),
            )
            for name, parameter in _TOPIC_ATTRIBUTES.items()
        ),
        delete=(Call("delete_topic", {"TopicArn": "{id}"}),),
        tags=Tagging({"ResourceArn": "{o.arn}"}),
        hook=_attributes(_TOPIC_ATTRIBUTES),
        find=Call("get_topic_attributes", {"TopicArn": "arn:{partition}:sns:{region}:{account}:{name}"}),
        found="Attributes",
        found_id="{r.TopicArn}",
    ),
    setting(
        "aws:sns/topicPolicy:TopicPolicy",
        "sns",
        Call("set_topic_attributes", {"TopicArn": "{arn}", "AttributeName": "Policy", "AttributeValue": "{policy}"}),
        Call("get_topic_attributes", {"TopicArn": "{arn}"}),
        at="Attributes",
        id="{arn}",
        names={"arn": "TopicArn"},
        outputs={"owner": "{account}"},
    ),
    Row(
        "aws:sns/topicSubscription:TopicSubscription",
        "sns",
        Call("subscribe", {"TopicArn": "{topic}", "ReturnSubscriptionArn": True}, take=("protocol", "endpoint")),
        id="{r.SubscriptionArn}",
        read=Call("get_subscription_attributes", {"SubscriptionArn": "{id}"}),
        at="Attributes",
        outputs={"arn": "{id}", "ownerId": "{account}"},
        groups=(
            Group(
                ("filterPolicy",),
                Call(
                    "set_subscription_attributes",
                    {"SubscriptionArn": "{id}", "AttributeName": "FilterPolicy", "AttributeValue": "{filterPolicy}"},
                ),
                after=True,
            ),
            Group(
                ("rawMessageDelivery",),
                Call(
                    "set_subscription_attributes",
                    {
                        "SubscriptionArn": "{id}",
                        "AttributeName": "RawMessageDelivery",
                        "AttributeValue": "{rawMessageDelivery}",
                    },
                    when="{rawMessageDelivery}",
                ),
                after=True,
            ),
            Group(
                ("redrivePolicy",),
                Call(
                    "set_subscription_attributes",
                    {"SubscriptionArn": "{id}", "AttributeName": "RedrivePolicy", "AttributeValue": "{redrivePolicy}"},
                ),
                after=True,
            ),
        ),
        delete=(Call("unsubscribe", {"SubscriptionArn": "{id}"}),),
        names={"topic": "TopicArn"},
        hook=lambda context: (
            {**context, "rawMessageDelivery": "true"} if context.get("rawMessageDelivery") else context
        ),
        find=Call("list_subscriptions_by_topic", {"TopicArn": "{topic}"}),
        alike=True,
        found="Subscriptions",
        found_id="{r.SubscriptionArn}",
    ),
    Row(
        "aws:sqs/queue:Queue",
        "sqs",
        Call("create_queue", {"QueueName": "{name}", "Attributes": "{attributes}"}, take=("tags",)),
        id="{r.QueueUrl}",
        read=Call("get_queue_attributes", {"QueueUrl": "{id|}", "AttributeNames": ["All"]}),
        at="Attributes",
        outputs={"arn": "{r.QueueArn}", "url": "{id}"},
        groups=(
            Group(
                ALL,
                Call("set_queue_attributes", {"QueueUrl": "{id}", "Attributes": "{attributes}"}, when="{attributes}"),
            ),
        ),
        delete=(Call("delete_queue", {"QueueUrl": "{id}"}),),
        tags=Tagging({"QueueUrl": "{id}"}, "tag_queue", "untag_queue"),
        names=_QUEUE_ATTRIBUTES,
        hook=_attributes(_QUEUE_ATTRIBUTES),
        find=Call("get_queue_url", {"QueueName": "{name}"}),
        found="QueueUrl",
        found_id="{r}",
    ),
    setting(
        "aws:sqs/queuePolicy:QueuePolicy",
        "sqs",
        Call("set_queue_attributes", {"QueueUrl": "{queueUrl}", "Attributes": {"Policy": "{policy}"}}),
        Call("get_queue_attributes", {"QueueUrl": "{queueUrl}", "AttributeNames": ["Policy"]}),
        at="Attributes",
        id="{queueUrl}",
        reset=(Call("set_queue_attributes", {"QueueUrl": "{queueUrl}", "Attributes": {"Policy": ""}}),),
    ),
    Row(
        "aws:lambda/function:Function",
        "lambda",
        Call(
            "create_function",
            {"Code": {"ZipFile": "{zip}", "ImageUri": "{imageUri}", "S3Bucket": "{s3Bucket}", "S3Key": "{s3Key}"}},
            take=("name", "packageType", "architectures", "tags", *_CONFIGURATION),
        ),
        id="{name}",
        read=Call("get_function", _FUNCTION),
        at="Configuration",
        outputs={
            "arn": "{r.FunctionArn}",
            "invokeArn": _INVOCATION,
            "qualifiedArn": "{r.FunctionArn}:{r.Version}",
            "lastModified": "{r.LastModified}",
            "codeSha256": "{r.CodeSha256}",
            "version": "{r.Version}",
        },
        groups=(
            Group(_CONFIGURATION, Call("update_function_configuration", _FUNCTION, take=_CONFIGURATION)),
            Group(
                ("code", "imageUri", "s3Bucket", "s3Key", "sourceCodeHash"),
                Call(
                    "update_function_code",
                    {
                        **_FUNCTION,
                        "ZipFile": "{zip}",
                        "ImageUri": "{imageUri}",
                        "S3Bucket": "{s3Bucket}",
                        "S3Key": "{s3Key}",
                    },
                ),
            ),
            Group(
                ("reservedConcurrentExecutions",),
                Call(
                    "put_function_concurrency",
                    {**_FUNCTION, "ReservedConcurrentExecutions": "{reservedConcurrentExecutions}"},
                ),
                unset=Call("delete_function_concurrency", _FUNCTION),
                after=True,
            ),
        ),
        delete=(Call("delete_function", _FUNCTION),),
        tags=Tagging({"Resource": "{o.arn}"}),
        names={"name": "FunctionName", "kmsKeyArn": "KMSKeyArn"},
        skip=("publish", "skipDestroy", "sourceCodeHash"),
        hook=_code,
    ),
    Row(
        "aws:lambda/permission:Permission",
        "lambda",
        Call("add_permission", {"StatementId": "{statement}"}, take=ALL),
        id="{statement}",
        adopt=r"(?P<function>[^/]+)/(?P<statementId>[^/]+)",
        read=Call("get_policy", {"FunctionName": "{function}"}),
        pick=_statement,
        delete=(Call("remove_permission", {"FunctionName": "{function}", "StatementId": "{statement}"}),),
        names={"function": "FunctionName", "statementId": None, "principalOrgId": "PrincipalOrgID"},
        hook=lambda context: {
            **context,
            "statement": context.get("statementId") or context["logical"].replace(".", "-"),
        },
    ),
    Row(
        "aws:sfn/stateMachine:StateMachine",
        "stepfunctions",
        Call("create_state_machine", take=ALL),
        id="{r.stateMachineArn}",
        read=Call("describe_state_machine", {"stateMachineArn": "{id}"}),
        outputs={"arn": "{r.stateMachineArn}", "status": "{r.status}", "creationDate": "{r.creationDate}"},
        groups=(
            Group(
                ALL,
                Call(
                    "update_state_machine",
                    {"stateMachineArn": "{id}"},
                    take=("definition", "roleArn", "loggingConfiguration", "tracingConfiguration"),
                ),
            ),
        ),
        delete=(Call("delete_state_machine", {"stateMachineArn": "{id}"}),),
        tags=Tagging({"resourceArn": "{o.arn}"}),
        names={"loggingConfiguration.logDestination": "destinations"},
        hook=lambda context: _logging(context),
        unseen=("loggingConfiguration",),
        find=Call(
            "describe_state_machine",
            {"stateMachineArn": "arn:{partition}:states:{region}:{account}:stateMachine:{name}"},
        ),
        found="stateMachineArn",
        found_id="{r}",
    ),
    Row(
        "aws:appautoscaling/target:Target",
        "application-autoscaling",
        Call("register_scalable_target", take=ALL),
        id="{resourceId}",
        adopt=_SCALABLE,
        read=Call(
            "describe_scalable_targets", {"ServiceNamespace": "{serviceNamespace}", "ResourceIds": ["{resourceId}"]}
        ),
        at="ScalableTargets.0",
        outputs={"arn": "{r.ScalableTargetARN}"},
        groups=(
            Group(
                ALL,
                Call(
                    "register_scalable_target",
                    take=(
                        "serviceNamespace",
                        "resourceId",
                        "scalableDimension",
                        "minCapacity",
                        "maxCapacity",
                        "roleArn",
                        "suspendedState",
                    ),
                ),
            ),
        ),
        delete=(
            Call(
                "deregister_scalable_target",
                {
                    "ServiceNamespace": "{serviceNamespace}",
                    "ResourceId": "{resourceId}",
                    "ScalableDimension": "{scalableDimension}",
                },
            ),
        ),
        tags=Tagging({"ResourceARN": "{o.arn}"}),
        names={"roleArn": "RoleARN"},
    ),
    Row(
        "aws:appautoscaling/policy:Policy",
        "application-autoscaling",
        Call("put_scaling_policy", take=ALL),
        id="{name}",
        adopt=rf"{_SCALABLE}/(?P<name>[^/]+)",
        read=Call("describe_scaling_policies", {"ServiceNamespace": "{serviceNamespace}", "PolicyNames": ["{name}"]}),
        at="ScalingPolicies.0",
        outputs={"arn": "{r.PolicyARN}", "alarmArns": []},
        groups=(Group(ALL, Call("put_scaling_policy", take=ALL)),),
        delete=(
            Call(
                "delete_scaling_policy",
                {
                    "PolicyName": "{name}",
                    "ServiceNamespace": "{serviceNamespace}",
                    "ResourceId": "{resourceId}",
                    "ScalableDimension": "{scalableDimension}",
                },
            ),
        ),
        names={
            "name": "PolicyName",
            "targetTrackingScalingPolicyConfiguration.customizedMetricSpecification.metrics.metricStat": "MetricStat",
        },
    ),
)


def _logging(context: dict[str, Any]) -> dict[str, Any]:
    """Step Functions wants the log group inside two more blocks."""
    logging = context.get("loggingConfiguration")
    if not logging or not logging.get("logDestination"):
        return context
    rest = {key: value for key, value in logging.items() if key != "logDestination"}
    group = {"cloudWatchLogsLogGroup": {"logGroupArn": logging["logDestination"]}}
    return {**context, "loggingConfiguration": {**rest, "destinations": [group]}}
