"""The state machine that guards a training pipeline, in Amazon States Language with JSONata expressions.

Sources: https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html (SDK integrations) and
https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html (JSONata).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops_iac.graph.values import Value, join

if TYPE_CHECKING:
    from mlops_iac.components.operations.retraining import RetrainingSpec


def definition(spec: RetrainingSpec, pipeline: Value, table: Value, system: str) -> dict[str, Value]:
    """The state machine of ``system``'s retraining: counts new data, checks room, spending and cooldown, then starts.

    Input: ``{"trigger": "..."}``, with ``size`` in bytes and ``at_least`` for new data.
    """
    states: dict[str, Value] = {
        "WhatHappened": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input.trigger = 'new_data' %}", "Next": "CountNewData"}],
            "Default": "TooManyRuns",
        },
        "CountNewData": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:dynamodb:updateItem",
            "Arguments": {
                "TableName": table,
                "Key": {"pipeline": {"S": join(pipeline, "#new-data")}},
                "UpdateExpression": "ADD arrived :size",
                "ExpressionAttributeValues": {":size": {"N": "{% $string($states.input.size) %}"}},
                "ReturnValues": "UPDATED_NEW",
            },
            "Output": {
                "trigger": "{% $states.input.trigger %}",
                "at_least": "{% $states.input.at_least %}",
                "arrived": "{% $number($states.result.Attributes.arrived.N) %}",
            },
            "Next": "EnoughNewData",
        },
        "EnoughNewData": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input.arrived >= $states.input.at_least %}", "Next": "TooManyRuns"}],
            "Default": "NotNow",
        },
        "TooManyRuns": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:sagemaker:listPipelineExecutions",
            "Arguments": {
                "PipelineName": pipeline,
                "SortBy": "CreationTime",
                "SortOrder": "Descending",
                "MaxResults": 50,
            },
            "Output": {
                "trigger": "{% $states.input.trigger %}",
                "running": "{% $count("
                "$states.result.PipelineExecutionSummaries[PipelineExecutionStatus = 'Executing']) %}",
            },
            "Next": "HasRoom",
        },
        "HasRoom": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": f"{{% $states.input.running < {spec.concurrency} %}}",
                    "Next": "Spending" if spec.spend_cap else "Cooldown",
                }
            ],
            "Default": "NotNow",
        },
        **_spending_states(spec, system),
        "Cooldown": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:dynamodb:updateItem",
            "Arguments": {
                "TableName": table,
                "Key": {"pipeline": {"S": pipeline}},
                "UpdateExpression": "SET started = :now, reason = :reason",
                "ConditionExpression": "attribute_not_exists(started) OR started < :earlier",
                "ExpressionAttributeValues": {
                    ":now": {"N": "{% $string($toMillis($states.context.Execution.StartTime)) %}"},
                    ":earlier": {
                        "N": "{% $string($toMillis($states.context.Execution.StartTime) - "
                        f"{spec.cooldown.seconds * 1000}) %}}"
                    },
                    ":reason": {"S": "{% $states.input.trigger %}"},
                },
            },
            "Output": {"trigger": "{% $states.input.trigger %}"},
            "Catch": [{"ErrorEquals": ["DynamoDb.ConditionalCheckFailedException"], "Next": "NotNow"}],
            "Next": "ForgetNewData",
        },
        "ForgetNewData": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:dynamodb:updateItem",
            "Arguments": {
                "TableName": table,
                "Key": {"pipeline": {"S": join(pipeline, "#new-data")}},
                "UpdateExpression": "SET arrived = :zero",
                "ExpressionAttributeValues": {":zero": {"N": "0"}},
            },
            "Output": {"trigger": "{% $states.input.trigger %}"},
            "Next": "Start",
        },
        "Start": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:sagemaker:startPipelineExecution",
            "Arguments": {
                "PipelineName": pipeline,
                "ClientRequestToken": "{% $substring($hash($states.context.Execution.Id, 'SHA-256'), 0, 64) %}",
                "PipelineExecutionDescription": "{% 'retraining because of ' & $states.input.trigger %}",
            },
            "Retry": [
                {
                    "ErrorEquals": ["States.TaskFailed"],
                    "IntervalSeconds": 30,
                    "MaxAttempts": 3,
                    "BackoffRate": 2,
                }
            ],
            "End": True,
        },
        "NotNow": {"Type": "Succeed"},
    }
    return {
        "Comment": f"Guards and starts a training pipeline of {system}",
        "QueryLanguage": "JSONata",
        "StartAt": "WhatHappened",
        "States": states,
    }


def _spending_states(spec: RetrainingSpec, system: str) -> dict[str, Value]:
    if spec.spend_cap is None:
        return {}
    today = "$substring($states.context.Execution.StartTime, 0, 10)"
    month = "$substring($states.context.Execution.StartTime, 0, 8) & '01'"
    tomorrow = "$substring($fromMillis($toMillis($states.context.Execution.StartTime) + 86400000), 0, 10)"
    amount = "$number($states.result.ResultsByTime[0].Total.UnblendedCost.Amount)"
    return {
        "Spending": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:costexplorer:getCostAndUsage",
            "Arguments": {
                "Granularity": "MONTHLY",
                "Metrics": ["UnblendedCost"],
                "TimePeriod": {"Start": f"{{% {month} %}}", "End": f"{{% {tomorrow} %}}"},
                "Filter": {
                    "And": [
                        {"Tags": {"Key": "ml-system", "Values": [system]}},
                        {"Tags": {"Key": "component", "Values": [f"pipelines.{spec.pipeline}"]}},
                    ]
                },
            },
            "Output": {
                "trigger": "{% $states.input.trigger %}",
                "spent": f"{{% {amount} %}}",
                "on": f"{{% {today} %}}",
            },
            "Next": "UnderCap",
        },
        "UnderCap": {
            "Type": "Choice",
            "Choices": [{"Condition": f"{{% $states.input.spent < {spec.spend_cap.usd:g} %}}", "Next": "Cooldown"}],
            "Default": "NotNow",
        },
    }
