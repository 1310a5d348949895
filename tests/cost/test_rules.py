"""Pricing rules on resources that the example does not have, and what holds for every rule."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mlops_iac.compile.driver import compile_graph
from mlops_iac.components.component import Component, Example
from mlops_iac.components.registry import registry
from mlops_iac.compose.composition import Composition
from mlops_iac.cost.estimate import estimate_graph, estimate_stack
from mlops_iac.cost.model import Line
from mlops_iac.cost.registry import pricing_rules, rule_for
from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.policy import ResourceView, StackView, view
from mlops_iac.spec.load import load
from mlops_iac.spec.usage import UsageSection
from mlops_iac.validate import validate

EXAMPLES = [
    pytest.param(component, example, id=f"{component.kind}-{component.backend or 'only'}-{index}")
    for component in registry().components()
    for index, example in enumerate(component.examples)
]
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
ENDPOINT = "aws:sagemaker/endpoint:Endpoint"
CONFIGURATION = "aws:sagemaker/endpointConfiguration:EndpointConfiguration"
PIPELINE = "aws:sagemaker/pipeline:Pipeline"
MACHINE = "aws:sfn/stateMachine:StateMachine"


def resource(
    type: str, inputs: Mapping[str, Any], name: str = "x", sources: Mapping[str, Any] | None = None
) -> ResourceView:
    return view(f"urn:pulumi:dev::s-data::{type}::{name}", type, name, inputs, sources=sources)


def priced(
    *resources: ResourceView, region: str = "eu-west-1", usage: UsageSection | None = None, today: str = ""
) -> Line:
    """The line of the first resource."""
    return estimate_stack(StackView(resources), "s", "dev", region, usage or UsageSection(), today).lines[0]


def nodes(**inputs: Any) -> ResourceView:
    scaling = {"minSize": 1, "maxSize": 3}
    return resource(NODE_GROUP, {"scalingConfig": scaling, "instanceTypes": ["m6i.large"], **inputs})


@pytest.mark.parametrize(("component", "example"), EXAMPLES)
def test_every_resource_of_every_component_has_a_rule_and_a_sound_range(
    component: Component[Any, Any], example: Example, compose_text: Callable[[str], Composition], tmp_path: Path
) -> None:
    for name, text in {"steps/train.py": "", **example.files}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    plain = msgspec.to_builtins({**example.system, component.kind: example.values})
    composition = replace(compose_text(""), root=tmp_path, data={**compose_text("").data, **plain}, origins={})
    system = load(validate(composition))
    estimate = estimate_graph(compile_graph(system, composition), system)
    assert [gap.reason for _, gap in estimate.unknown if "no rule" in gap.reason] == []
    assert [gap.reason for _, gap in estimate.unknown if "after apply" in gap.reason] == []
    for line in estimate.lines:
        assert all(0 <= charge.floor.usd <= charge.ceiling.usd for charge in line.charges)
        assert line.charges or line.gaps or line.free


def test_every_rule_names_its_source() -> None:
    assert all(rule.source_url.startswith("https://") for rule in pricing_rules().values())


def test_the_longest_pattern_prices_a_type_without_a_rule_of_its_own() -> None:
    assert rule_for("kubernetes:core/v1:Service") is pricing_rules()["kubernetes:core/v1:Service"]
    assert rule_for("kubernetes:anything/v1:Else") is pricing_rules()["kubernetes:*"]
    assert rule_for("aws:redshift/cluster:Cluster") is None


def test_a_type_without_a_rule_is_unknown() -> None:
    line = priced(resource("aws:redshift/cluster:Cluster", {}))
    assert line.ceiling == 0
    assert "no rule" in line.gaps[0].reason


def test_an_input_that_is_known_after_apply_is_said() -> None:
    line = priced(resource("aws:rds/instance:Instance", {"engine": "postgres", "instanceClass": UNKNOWN}))
    assert line.gaps[0].reason == "instanceClass is known only after apply"


def test_no_assumed_use_is_a_reason_for_no_cost() -> None:
    line = priced(resource("aws:ecr/repository:Repository", {}), usage=UsageSection(image_gb=0))
    assert (line.charges, line.gaps, line.free) == ((), (), "no use of it is assumed")


def test_a_component_has_assumptions_of_its_own() -> None:
    repository = view(
        "urn:pulumi:dev::s-models::mlops:models:Image$aws:ecr/repository:Repository::training.repository",
        "aws:ecr/repository:Repository",
        "training.repository",
        {},
        component=("images", "training"),
    )
    usage = UsageSection(image_gb=1, components={"images": {"training": {"image_gb": 50}}})
    assert priced(repository, usage=usage).floor == pytest.approx(5)
    assert priced(replace(repository, component=("images", "other")), usage=usage).floor == pytest.approx(0.1)


def test_on_demand_nodes_cost_by_their_number() -> None:
    line = priced(nodes())
    assert line.floor == pytest.approx(730 * 0.107 + 20 * 0.088)
    assert line.ceiling == pytest.approx(3 * line.floor)


def test_spot_nodes_start_at_the_spot_price_and_end_at_on_demand() -> None:
    charge = priced(nodes(capacityType="SPOT", instanceTypes=["g5.12xlarge"])).charges[0]
    assert charge.floor.usd == pytest.approx(730 * 2.7859)
    assert charge.ceiling.usd == pytest.approx(3 * 730 * 6.33167)
    assert charge.floor.price.derived


def test_spot_nodes_without_a_spot_price_count_at_on_demand() -> None:
    charge = priced(nodes(capacityType="SPOT"), region="eu-north-1").charges[0]
    assert charge.floor.price.service == "ec2"


def test_of_several_instance_types_the_cheapest_is_the_floor_and_one_unknown_makes_it_unknown() -> None:
    charge = priced(nodes(instanceTypes=["m6i.xlarge", "m6i.large"])).charges[0]
    assert (charge.floor.price.item, charge.ceiling.price.item) == ("m6i.large", "m6i.xlarge")
    assert "g6.12xlarge" in priced(nodes(instanceTypes=["m6i.large", "g6.12xlarge"])).gaps[0].reason


def test_fast_volumes_cost_what_is_over_the_free_part() -> None:
    ebs = {"volumeType": "gp3", "volumeSize": 100, "iops": 4000, "throughput": 225}
    template = resource(TEMPLATE, {"blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": ebs}]}, "template")
    group = nodes()
    linked = replace(group, sources={"launchTemplate": frozenset([template.urn])})
    amounts = {charge.what: charge.floor.usd for charge in priced(linked, template).charges}
    assert amounts["volume /dev/xvda"] == pytest.approx(8.8)
    assert amounts["volume /dev/xvda IOPS"] == pytest.approx(1000 * 0.0055)
    assert amounts["volume /dev/xvda throughput"] == pytest.approx(100 * 0.044)


@pytest.mark.parametrize(("today", "hourly"), [("", 0.1), ("2026-07-29", 0.1), ("2026-07-30", 0.6)])
def test_a_cluster_costs_more_once_standard_support_has_ended(today: str, hourly: float) -> None:
    line = priced(resource("aws:eks/cluster:Cluster", {"version": "1.33"}), today=today)
    assert line.floor == pytest.approx(730 * hourly)


def endpoint(variant: Mapping[str, Any]) -> tuple[ResourceView, ResourceView]:
    configuration = resource(CONFIGURATION, {"name": "c", "productionVariants": [variant]}, "c")
    return resource(ENDPOINT, {"name": "e", "endpointConfigName": "c"}, "e"), configuration


def test_an_endpoint_without_autoscaling_has_a_fixed_number_of_instances() -> None:
    line = priced(*endpoint({"instanceType": "ml.c6i.xlarge", "initialInstanceCount": 3}))
    assert line.charges[0].floor.quantity == line.charges[0].ceiling.quantity == 3 * 730


def test_a_serverless_endpoint_is_billed_for_its_memory() -> None:
    line = priced(*endpoint({"serverlessConfig": {"memorySizeInMb": 2048, "maxConcurrency": 5}}))
    assert line.charges[0].floor.usd == pytest.approx(1_000_000 * 0.2 * 0.00004)


def test_an_endpoint_whose_configuration_is_elsewhere_is_unknown() -> None:
    assert priced(endpoint({})[0]).gaps[0].reason == "its configuration is not part of the system"


def pipeline(*steps: Mapping[str, Any]) -> ResourceView:
    return resource(PIPELINE, {"pipelineName": "p", "pipelineDefinition": json.dumps({"Steps": steps})}, "p")


def training(**more: Any) -> dict[str, Any]:
    resources = {"InstanceType": "ml.g5.2xlarge", "InstanceCount": 2, "VolumeSizeInGB": 0}
    stopping = {"MaxRuntimeInSeconds": 7200}
    arguments = {"ResourceConfig": resources, "StoppingCondition": stopping, **more}
    return {"Name": "train", "Type": "Training", "Arguments": arguments}


def test_a_pipeline_that_nothing_starts_runs_as_often_as_assumed() -> None:
    line = priced(pipeline(training()), usage=UsageSection(training_runs=3))
    assert line.floor == pytest.approx(3 * 2 * 2 * 1.69 / 2)
    assert line.ceiling == pytest.approx(3 * 2 * 2 * 1.69)


def test_steps_below_a_condition_count_and_tuning_counts_every_job() -> None:
    job = training()["Arguments"]
    limits = {"HyperParameterTuningJobConfig": {"ResourceLimits": {"MaxNumberOfTrainingJobs": 10}}}
    tuning = {"Name": "tune", "Type": "Tuning", "Arguments": {**limits, "TrainingJobDefinition": job}}
    condition = {"Name": "if", "Type": "Condition", "Arguments": {"IfSteps": [tuning], "ElseSteps": []}}
    line = priced(pipeline(condition), usage=UsageSection(training_runs=1))
    assert line.ceiling == pytest.approx(10 * 2 * 2 * 1.69)


def test_a_pipeline_without_jobs_is_free() -> None:
    assert priced(pipeline({"Name": "stop", "Type": "Fail", "Arguments": {}})).free


def test_an_instance_without_a_price_makes_its_step_unknown_and_leaves_the_others() -> None:
    resources = {"ResourceConfig": {"InstanceType": "ml.x9.large", "InstanceCount": 1, "VolumeSizeInGB": 0}}
    line = priced(pipeline(training(), {**training(**resources), "Name": "odd"}))
    assert [gap.what for gap in line.gaps] == ["odd: 1 x ml.x9.large"]
    assert line.floor > 0


def starter(cooldown_days: int, cap: float | None) -> tuple[ResourceView, ...]:
    """A machine that starts the pipeline, a weekly schedule and an event rule."""
    spent = [{"Condition": f"{{% $states.input.spent < {cap} %}}"}] if cap else []
    states = {
        "Cooldown": {"Arguments": {"N": f"{{% $toMillis($now) - {cooldown_days * 86_400_000}) %}}"}},
        "UnderCap": {"Choices": spent},
        "Start": {
            "Resource": "arn:aws:states:::aws-sdk:sagemaker:startPipelineExecution",
            "Arguments": {"PipelineName": "p"},
        },
    }
    machine = resource(MACHINE, {"definition": json.dumps({"States": states})}, "m")
    link = frozenset([machine.urn])
    weekly = {"scheduleExpression": "cron(0 3 ? * MON *)"}
    return (
        machine,
        resource("aws:scheduler/schedule:Schedule", weekly, "s", {"target": link}),
        resource("aws:cloudwatch/eventTarget:EventTarget", {}, "t", {"arn": link}),
    )


def test_schedules_are_the_floor_and_events_the_ceiling_of_a_pipelines_runs() -> None:
    charge = priced(pipeline(training()), *starter(2, None)).charges[0]
    assert charge.floor.quantity == pytest.approx(730 / 168 * 4 / 2)
    assert charge.ceiling.quantity == pytest.approx(730 / 48 * 4)


def test_a_spending_cap_ends_the_runs() -> None:
    one_run = 4 * 1.69
    charge = priced(pipeline(training()), *starter(1, 20)).charges[0]
    assert charge.ceiling.usd == pytest.approx((20 // one_run + 1) * one_run)
    tight = priced(pipeline(training()), *starter(1, 1)).charges[0]
    assert tight.floor.usd <= tight.ceiling.usd == pytest.approx(one_run)


def test_runs_that_are_assumed_for_one_pipeline_come_before_its_triggers() -> None:
    usage = UsageSection(components={"pipelines": {"p": {"training_runs": 1}}})
    own = replace(pipeline(training()), component=("pipelines", "p"))
    assert priced(own, *starter(1, None), usage=usage).charges[0].ceiling.quantity == pytest.approx(4)


@pytest.mark.parametrize(
    ("type", "inputs", "usd"),
    [
        ("kubernetes:core/v1:Service", {"spec": {"type": "LoadBalancer"}}, 730 * 0.0252 + 10 * 0.006),
        ("aws:ec2/flowLog:FlowLog", {"logDestinationType": "s3"}, 0.285),
        ("aws:cloudwatch/metricAlarm:MetricAlarm", {"period": 10}, 0.30),
        ("aws:glue/crawler:Crawler", {"schedule": "cron(0 3 * * ? *)"}, 730 / 24 * 2 / 6 * 0.44),
        ("aws:cfg/recorder:Recorder", {}, 3.0),
        (
            "aws:dynamodb/table:Table",
            {"billingMode": "PROVISIONED", "readCapacity": 5, "writeCapacity": 5},
            0.283 + 730 * 5 * (0.000147 + 0.000735),
        ),
    ],
)
def test_other_resources(type: str, inputs: Mapping[str, Any], usd: float) -> None:
    assert priced(resource(type, inputs)).floor == pytest.approx(usd)


@pytest.mark.parametrize(
    ("type", "inputs"),
    [
        ("aws:rds/instance:Instance", {"engine": "oracle-ee", "instanceClass": "db.m5.large"}),
        ("aws:sagemaker/featureGroup:FeatureGroup", {"onlineStoreConfig": {"enableOnlineStore": True}}),
        ("aws:glue/crawler:Crawler", {"schedule": "sometimes"}),
        ("aws:scheduler/schedule:Schedule", {"scheduleExpression": "at(2027-01-01T00:00:00)"}),
        ("aws:sagemaker/monitoringSchedule:MonitoringSchedule", {}),
        ("aws:accessanalyzer/analyzer:Analyzer", {"type": "ACCOUNT_UNUSED_ACCESS"}),
        ("aws:sfn/stateMachine:StateMachine", {"type": "EXPRESS"}),
        ("kubernetes:core/v1:PersistentVolumeClaim", {}),
    ],
)
def test_what_cannot_be_priced_is_said(type: str, inputs: Mapping[str, Any]) -> None:
    assert priced(resource(type, inputs)).gaps


def test_a_standard_parameter_is_free_and_an_advanced_one_not_known() -> None:
    parameter = "aws:ssm/parameter:Parameter"
    assert priced(resource(parameter, {"type": "String"})).free == "standard parameters are free"
    assert [gap.what for gap in priced(resource(parameter, {"tier": "Advanced"})).gaps] == ["parameter"]
