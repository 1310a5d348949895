"""CloudWatch, Logs, EventBridge, Scheduler, Budgets and the audit services.

Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/,
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/,
https://docs.aws.amazon.com/eventbridge/latest/APIReference/, https://docs.aws.amazon.com/scheduler/latest/APIReference/,
https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/
"""

from __future__ import annotations

from typing import Any

from mlops_iac.engines.local.aws.row import ALL, Call, Group, Row, Tagging, setting

_LOG = {"logGroupName": "{name}"}
_ALARM_TAGS = Tagging({"ResourceARN": "{o.arn}"})
_TARGET = {"Rule": "{rule}", "EventBusName": "{eventBusName}"}


def _alarm(context: dict[str, Any]) -> dict[str, Any]:
    queries = context.get("metricQueries")
    if not queries:
        return context
    return {**context, "metricQueries": [{"returnData": False, **query} for query in queries]}


def _target(context: dict[str, Any]) -> dict[str, Any]:
    """The target as PutTargets takes it, its id from the resource's name where none is given."""
    id = context.get("targetId") or context["logical"].replace(".", "-")
    target = {"Id": id, "Arn": context.get("arn"), "RoleArn": context.get("roleArn"), "Input": context.get("input")}
    target["InputPath"] = context.get("inputPath")
    if context.get("inputTransformer"):
        transformer = context["inputTransformer"]
        target["InputTransformer"] = {
            "InputPathsMap": transformer.get("inputPaths") or {},
            "InputTemplate": transformer["inputTemplate"],
        }
    if context.get("deadLetterConfig"):
        target["DeadLetterConfig"] = {"Arn": context["deadLetterConfig"].get("arn")}
    retry = context.get("retryPolicy") or {}
    target["RetryPolicy"] = {key[:1].upper() + key[1:]: value for key, value in retry.items()} or None
    if context.get("sagemakerPipelineTarget"):
        items = context["sagemakerPipelineTarget"].get("pipelineParameterLists") or []
        listed = [{"Name": item["name"], "Value": item["value"]} for item in items]
        target["SageMakerPipelineParameters"] = {"PipelineParameterList": listed}
    target = {key: value for key, value in target.items() if value is not None}
    return {**context, "targetId": id, "target": target}


def _budget(context: dict[str, Any]) -> dict[str, Any]:
    budget = {
        "BudgetName": context.get("name"),
        "BudgetType": context.get("budgetType"),
        "TimeUnit": context.get("timeUnit"),
    }
    if context.get("limitAmount"):
        budget["BudgetLimit"] = {"Amount": str(context["limitAmount"]), "Unit": context.get("limitUnit", "USD")}
    if context.get("costFilters"):
        budget["CostFilters"] = {item["name"]: item["values"] for item in context["costFilters"]}
    return {
        **context,
        "budget": budget,
        "watched": [_notification(item) for item in context.get("notifications") or ()],
    }


def _notification(item: dict[str, Any]) -> dict[str, Any]:
    """A notification of a budget and who gets it, as CreateBudget takes them."""
    names = ("notificationType", "comparisonOperator", "threshold", "thresholdType")
    kinds = {"subscriberSnsTopicArns": "SNS", "subscriberEmailAddresses": "EMAIL"}
    return {
        "Notification": {name[:1].upper() + name[1:]: item[name] for name in names if item.get(name) is not None},
        "Subscribers": [
            {"SubscriptionType": kind, "Address": address}
            for name, kind in kinds.items()
            for address in item.get(name) or ()
        ],
    }


ROWS = (
    Row(
        "aws:cloudwatch/logGroup:LogGroup",
        "logs",
        Call("create_log_group", _LOG, take=("kmsKeyId", "tags")),
        id="{name}",
        read=Call("describe_log_groups", {"logGroupNamePrefix": "{name}"}),
        at="logGroups.0",
        outputs={"arn": "arn:{partition}:logs:{region}:{account}:log-group:{name}"},
        groups=(
            Group(
                ("retentionInDays",),
                Call("put_retention_policy", {**_LOG, "retentionInDays": "{retentionInDays}"}),
                unset=Call("delete_retention_policy", _LOG),
                after=True,
            ),
            Group(("kmsKeyId",), Call("associate_kms_key", {**_LOG, "kmsKeyId": "{kmsKeyId}"})),
        ),
        delete=(Call("delete_log_group", _LOG),),
        tags=Tagging(_LOG, "tag_log_group", "untag_log_group"),
        skip=("skipDestroy",),
    ),
    Row(
        "aws:cloudwatch/logMetricFilter:LogMetricFilter",
        "logs",
        Call("put_metric_filter", take=ALL),
        id="{name}",
        read=Call("describe_metric_filters", {"logGroupName": "{logGroupName}", "filterNamePrefix": "{name}"}),
        at="metricFilters.0",
        groups=(
            Group(
                ALL,
                Call("put_metric_filter", take=ALL),
                first=(Call("delete_metric_filter", {"logGroupName": "{logGroupName}", "filterName": "{name}"}),),
            ),
        ),
        delete=(Call("delete_metric_filter", {"logGroupName": "{logGroupName}", "filterName": "{name}"}),),
        names={
            "name": "filterName",
            "pattern": "filterPattern",
            "metricTransformation": "metricTransformations",
            "metricTransformation.name": "metricName",
            "metricTransformation.namespace": "metricNamespace",
            "metricTransformation.value": "metricValue",
        },
    ),
    setting(
        "aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
        "logs",
        Call("put_resource_policy", take=("policyName", "policyDocument")),
        Call("describe_resource_policies"),
        at="resourcePolicies",
        id="{policyName}",
        reset=(Call("delete_resource_policy", {"policyName": "{policyName}"}),),
    ),
    Row(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "cloudwatch",
        Call("put_metric_alarm", take=ALL),
        id="{name}",
        read=Call("describe_alarms", {"AlarmNames": ["{name}"]}),
        at="MetricAlarms.0",
        outputs={"arn": "{r.AlarmArn}"},
        groups=(Group(ALL, Call("put_metric_alarm", take=ALL)),),
        delete=(Call("delete_alarms", {"AlarmNames": ["{name}"]}),),
        tags=_ALARM_TAGS,
        names={
            "name": "AlarmName",
            "metricQueries": "Metrics",
            "okActions": "OKActions",
            "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
            "metricQueries.metric": "MetricStat",
            "metricQueries.metric.metric": "Metric",
            "evaluationInterval": None,
        },
        hook=lambda context: _with_metric_stats(_alarm(context)),
    ),
    Row(
        "aws:cloudwatch/compositeAlarm:CompositeAlarm",
        "cloudwatch",
        Call("put_composite_alarm", take=ALL),
        id="{alarmName}",
        read=Call("describe_alarms", {"AlarmNames": ["{alarmName}"], "AlarmTypes": ["CompositeAlarm"]}),
        at="CompositeAlarms.0",
        outputs={"arn": "{r.AlarmArn}"},
        groups=(Group(ALL, Call("put_composite_alarm", take=ALL)),),
        delete=(Call("delete_alarms", {"AlarmNames": ["{alarmName}"]}),),
        tags=_ALARM_TAGS,
        names={"okActions": "OKActions", "actionsSuppressor": None},
    ),
    setting(
        "aws:cloudwatch/dashboard:Dashboard",
        "cloudwatch",
        Call("put_dashboard", take=("dashboardName", "dashboardBody")),
        Call("get_dashboard", {"DashboardName": "{dashboardName}"}),
        id="{dashboardName}",
        reset=(Call("delete_dashboards", {"DashboardNames": ["{dashboardName}"]}),),
        outputs={"dashboardArn": "arn:{partition}:cloudwatch::{account}:dashboard/{dashboardName}"},
    ),
    Row(
        "aws:cloudwatch/eventRule:EventRule",
        "events",
        Call("put_rule", take=ALL),
        id="{name}",
        read=Call("describe_rule", {"Name": "{name}", "EventBusName": "{eventBusName}"}),
        outputs={"arn": "{r.Arn}"},
        groups=(
            Group(
                ALL,
                Call(
                    "put_rule",
                    take=(
                        "name",
                        "description",
                        "eventPattern",
                        "scheduleExpression",
                        "state",
                        "roleArn",
                        "eventBusName",
                    ),
                ),
            ),
        ),
        delete=(Call("delete_rule", {"Name": "{name}", "EventBusName": "{eventBusName}"}),),
        tags=Tagging({"ResourceARN": "{o.arn}"}),
        skip=("forceDestroy", "isEnabled"),
    ),
    Row(
        "aws:cloudwatch/eventTarget:EventTarget",
        "events",
        Call("put_targets", {**_TARGET, "Targets": ["{target}"]}),
        id="{rule}-{targetId}",
        adopt=r"(?P<rule>[^/]+)/(?P<targetId>[^/]+)",
        read=Call("list_targets_by_rule", _TARGET),
        at="Targets",
        outputs={"targetId": "{targetId}"},
        groups=(Group(ALL, Call("put_targets", {**_TARGET, "Targets": ["{target}"]})),),
        delete=(Call("remove_targets", {**_TARGET, "Ids": ["{targetId}"]}),),
        pick=lambda listed, context: next((item for item in listed if item["Id"] == context["targetId"]), None),
        hook=_target,
    ),
    Row(
        "aws:scheduler/scheduleGroup:ScheduleGroup",
        "scheduler",
        Call("create_schedule_group", take=ALL),
        id="{name}",
        read=Call("get_schedule_group", {"Name": "{name}"}),
        outputs={"arn": "{r.Arn}", "state": "{r.State}"},
        delete=(Call("delete_schedule_group", {"Name": "{name}"}),),
        tags=Tagging({"ResourceArn": "{o.arn}"}),
    ),
    Row(
        "aws:scheduler/schedule:Schedule",
        "scheduler",
        Call("create_schedule", take=ALL),
        id="{groupName|default}/{name}",
        read=Call("get_schedule", {"Name": "{name}", "GroupName": "{groupName}"}),
        outputs={"arn": "{r.Arn}"},
        groups=(Group(ALL, Call("update_schedule", take=ALL)),),
        delete=(Call("delete_schedule", {"Name": "{name}", "GroupName": "{groupName}"}),),
        names={"sagemakerPipelineParameters": "SageMakerPipelineParameters"},
    ),
    Row(
        "aws:budgets/budget:Budget",
        "budgets",
        Call(
            "create_budget",
            {"AccountId": "{account}", "Budget": "{budget}", "NotificationsWithSubscribers": "{watched}"},
        ),
        id="{account}:{name}",
        read=Call("describe_budget", {"AccountId": "{account}", "BudgetName": "{name}"}),
        at="Budget",
        outputs={"arn": "arn:{partition}:budgets::{account}:budget/{name}"},
        groups=(Group(ALL, Call("update_budget", {"AccountId": "{account}", "NewBudget": "{budget}"})),),
        delete=(Call("delete_budget", {"AccountId": "{account}", "BudgetName": "{name}"}),),
        tags=Tagging({"ResourceARN": "{o.arn}"}, after=True),
        names={"limitAmount": None, "notifications": None, "costFilters": None, "costTypes": None},
        hook=_budget,
    ),
    Row(
        "aws:cloudtrail/trail:Trail",
        "cloudtrail",
        Call(
            "create_trail",
            take=(
                "name",
                "s3BucketName",
                "s3KeyPrefix",
                "snsTopicName",
                "includeGlobalServiceEvents",
                "isMultiRegionTrail",
                "enableLogFileValidation",
                "cloudWatchLogsGroupArn",
                "cloudWatchLogsRoleArn",
                "kmsKeyId",
                "isOrganizationTrail",
                "tags",
            ),
        ),
        id="arn:{partition}:cloudtrail:{region}:{account}:trail/{name}",
        read=Call("get_trail", {"Name": "{name}"}),
        at="Trail",
        outputs={"arn": "{r.TrailARN}", "homeRegion": "{r.HomeRegion}"},
        groups=(
            Group(
                (
                    "s3KeyPrefix",
                    "kmsKeyId",
                    "isMultiRegionTrail",
                    "enableLogFileValidation",
                    "includeGlobalServiceEvents",
                    "s3BucketName",
                ),
                Call(
                    "update_trail",
                    take=(
                        "name",
                        "s3BucketName",
                        "s3KeyPrefix",
                        "includeGlobalServiceEvents",
                        "isMultiRegionTrail",
                        "enableLogFileValidation",
                        "kmsKeyId",
                    ),
                ),
            ),
            Group(
                ("eventSelectors", "advancedEventSelectors"),
                Call("put_event_selectors", {"TrailName": "{name}"}, take=("eventSelectors", "advancedEventSelectors")),
                after=True,
            ),
            Group(("enableLogging",), Call("start_logging", {"Name": "{name}"}, when="{enableLogging}"), after=True),
            Group(
                ("insightSelectors",),
                Call("put_insight_selectors", {"TrailName": "{name}"}, take=("insightSelectors",)),
                after=True,
            ),
        ),
        delete=(Call("delete_trail", {"Name": "{name}"}),),
        tags=Tagging({"ResourceId": "{o.arn}"}, "add_tags", "remove_tags"),
        names={
            "cloudWatchLogsGroupArn": "CloudWatchLogsLogGroupArn",
            "enableLogFileValidation": "EnableLogFileValidation",
            "tags": "TagsList",
            "notEquals": "NotEquals",
        },
    ),
    Row(
        "aws:cfg/recorder:Recorder",
        "config",
        Call(
            "put_configuration_recorder",
            {"ConfigurationRecorder": {"name": "{name}", "roleARN": "{roleArn}"}},
            take=("recordingGroup",),
            into="ConfigurationRecorder",
        ),
        id="{name}",
        read=Call("describe_configuration_recorders", {"ConfigurationRecorderNames": ["{name}"]}),
        at="ConfigurationRecorders.0",
        groups=(
            Group(
                ALL,
                Call(
                    "put_configuration_recorder",
                    {"ConfigurationRecorder": {"name": "{name}", "roleARN": "{roleArn}"}},
                    take=("recordingGroup",),
                    into="ConfigurationRecorder",
                ),
            ),
        ),
        delete=(Call("delete_configuration_recorder", {"ConfigurationRecorderName": "{name}"}),),
        names={"recordingGroup.recordingStrategies": None, "recordingGroup.exclusionByResourceTypes": None},
    ),
    Row(
        "aws:cfg/deliveryChannel:DeliveryChannel",
        "config",
        Call(
            "put_delivery_channel",
            {
                "DeliveryChannel": {
                    "name": "{name}",
                    "s3BucketName": "{s3BucketName}",
                    "s3KeyPrefix": "{s3KeyPrefix}",
                    "snsTopicARN": "{snsTopicArn}",
                }
            },
        ),
        id="{name}",
        read=Call("describe_delivery_channels", {"DeliveryChannelNames": ["{name}"]}),
        at="DeliveryChannels.0",
        groups=(
            Group(
                ALL,
                Call(
                    "put_delivery_channel",
                    {
                        "DeliveryChannel": {
                            "name": "{name}",
                            "s3BucketName": "{s3BucketName}",
                            "s3KeyPrefix": "{s3KeyPrefix}",
                            "snsTopicARN": "{snsTopicArn}",
                        }
                    },
                ),
            ),
        ),
        delete=(
            Call("stop_configuration_recorder", {"ConfigurationRecorderName": "{name}"}),
            Call("delete_delivery_channel", {"DeliveryChannelName": "{name}"}),
        ),
    ),
    setting(
        "aws:cfg/recorderStatus:RecorderStatus",
        "config",
        Call("start_configuration_recorder", {"ConfigurationRecorderName": "{name}"}),
        Call("describe_configuration_recorder_status", {"ConfigurationRecorderNames": ["{name}"]}),
        at="ConfigurationRecordersStatus.0",
        id="{name}",
        reset=(Call("stop_configuration_recorder", {"ConfigurationRecorderName": "{name}"}),),
        names={"isEnabled": "recording"},
    ),
    Row(
        "aws:cfg/rule:Rule",
        "config",
        Call("put_config_rule", take=ALL, into="ConfigRule"),
        id="{name}",
        read=Call("describe_config_rules", {"ConfigRuleNames": ["{name}"]}),
        at="ConfigRules.0",
        outputs={"arn": "{r.ConfigRuleArn}", "ruleId": "{r.ConfigRuleId}"},
        groups=(Group(ALL, Call("put_config_rule", take=ALL, into="ConfigRule")),),
        delete=(Call("delete_config_rule", {"ConfigRuleName": "{name}"}),),
        tags=Tagging({"ResourceArn": "{o.arn}"}, after=True),
        names={"name": "ConfigRuleName"},
    ),
    Row(
        "aws:guardduty/detector:Detector",
        "guardduty",
        Call("create_detector", {"Enable": "{enable|true}"}, take=("findingPublishingFrequency", "tags")),
        id="{r.DetectorId}",
        read=Call("get_detector", {"DetectorId": "{id}"}),
        outputs={"arn": "arn:{partition}:guardduty:{region}:{account}:detector/{id}", "accountId": "{account}"},
        groups=(
            Group(
                ("enable", "findingPublishingFrequency"),
                Call("update_detector", {"DetectorId": "{id}"}, take=("enable", "findingPublishingFrequency")),
            ),
        ),
        delete=(Call("delete_detector", {"DetectorId": "{id}"}),),
        tags=Tagging({"ResourceArn": "{o.arn}"}),
        names={"enable": "Enable"},
        hook=lambda context: {**context, "enable": context.get("enable", True)},
        find=Call("list_detectors"),
        found="DetectorIds",
        found_id="{r}",
        gone_when=("not owned by the current account",),
    ),
    setting(
        "aws:guardduty/detectorFeature:DetectorFeature",
        "guardduty",
        Call("update_detector", {"DetectorId": "{detectorId}", "Features": [{"Name": "{name}", "Status": "{status}"}]}),
        Call("get_detector", {"DetectorId": "{detectorId}"}),
        id="{detectorId}/{name}",
        names={"name": None, "status": None},
    ),
    Row(
        "aws:accessanalyzer/analyzer:Analyzer",
        "accessanalyzer",
        Call("create_analyzer", {"type": "{type|ACCOUNT}"}, take=("analyzerName", "tags")),
        id="{analyzerName}",
        read=Call("get_analyzer", {"analyzerName": "{analyzerName}"}),
        at="analyzer",
        outputs={"arn": "{r.arn}"},
        delete=(Call("delete_analyzer", {"analyzerName": "{analyzerName}"}),),
        tags=Tagging({"resourceArn": "{o.arn}"}),
    ),
)


def _with_metric_stats(context: dict[str, Any]) -> dict[str, Any]:
    """Pulumi's ``metric`` block is MetricStat with the metric's own fields one level further in."""
    queries = []
    for query in context.get("metricQueries") or ():
        metric = query.get("metric")
        if metric:
            inner = {key: metric[key] for key in ("metricName", "namespace", "dimensions") if metric.get(key)}
            outer = {key: metric[key] for key in ("period", "stat", "unit") if metric.get(key)}
            query = {**query, "metric": {**outer, "metric": inner}}
        queries.append(query)
    return {**context, "metricQueries": queries} if queries else context
