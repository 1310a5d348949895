from __future__ import annotations

import json

import pytest

API = {
    "model": {"registry": "fraud-scorer", "stage": "prod", "if_none": "skip"},
    "instance_type": "ml.c6i.xlarge",
    "autoscaling": {"min": 2, "max": 20, "metric": "invocations_per_instance", "target": 400},
    "rollout": {
        "strategy": "canary",
        "steps": ["10%", "50%", "100%"],
        "bake": "10m",
        "rollback_on": ["api-errors", "api-latency"],
    },
    "capture": {"bucket": "raw", "prefix": "captured/", "sample": "20%"},
    "slo": {"latency_p99": "120ms", "availability": "99.9%"},
}
"""The reference system's endpoint."""


def endpoint(released=3, env=None, sections=None, **changes):
    """One endpoint as YAML; sections below it are merged, a value of None leaves one out."""
    values = dict(API)
    for key, change in changes.items():
        both = isinstance(change, dict) and isinstance(values.get(key), dict)
        values[key] = {**values[key], **change} if both else change
    system = {
        "alerts": {"oncall": {"email": ["a@example.com"]}, "board": {"email": ["b@example.com"]}},
        "buckets": {"raw": {"classification": "confidential"}},
        "models": {"fraud-scorer": {"released": {"prod": released} if released else {}}},
        "endpoints": {"api": {key: value for key, value in values.items() if value is not None}},
        **(sections or {}),
    }
    return json.dumps({**system, **({"env": env} if env else {})})


PROD = {
    "name": "prod",
    "protect_data": True,
    "force_destroy": False,
    "multi_az": True,
    "deletion_window": "30d",
    "log_retention": "400d",
    "backup_retention": "30d",
    "min_endpoint_instances": 2,
}


def test_the_released_version_is_served_in_isolation(compiled):
    model = compiled(endpoint()).inputs("api.model")
    assert model["enableNetworkIsolation"] is True
    assert model["primaryContainer"]["modelPackageName"].endswith("/3")
    assert model["vpcConfig"]["subnets"]
    assert model["vpcConfig"]["securityGroupIds"]


def test_nothing_is_created_before_a_version_is_released(compiled, problems):
    system = compiled(endpoint(released=None))
    assert not [name for name in system.names() if name.startswith("api.")]
    assert problems(endpoint(released=None))["endpoints", "api", "model"] == "MI3501"


def test_an_endpoint_that_must_exist_refuses_to_be_left_out(problems):
    found = problems(endpoint(released=None, model={"if_none": "fail"}))
    assert found["endpoints", "api", "model"] == "MI3501"


def test_names_follow_the_content(compiled):
    def names(text):
        system = compiled(text)
        return system.inputs("api.model")["name"], system.inputs("api.configuration")["name"]

    model, configuration = names(endpoint())
    assert names(endpoint()) == (model, configuration)
    next_model, next_configuration = names(endpoint(released=4))
    assert next_model != model
    assert next_configuration != configuration
    same_model, bigger = names(endpoint(instance_type="ml.c6i.2xlarge"))
    assert same_model == model
    assert bigger != configuration


def test_the_number_of_instances_is_left_to_autoscaling(compiled):
    few, many = compiled(endpoint()), compiled(endpoint(autoscaling={"min": 5}))
    assert few.inputs("api.configuration")["name"] == many.inputs("api.configuration")["name"]
    ignored = few.node("api.configuration").options.ignore_changes
    assert ignored == ("productionVariants[0].initialInstanceCount",)


def test_the_old_configuration_goes_after_the_switch(compiled):
    """Created before deleted, which is Pulumi's default: no option may turn it round."""
    assert not compiled(endpoint()).node("api.configuration").options.delete_before_replace
    assert not compiled(endpoint()).node("api.model").options.delete_before_replace


def test_production_has_at_least_what_the_environment_demands(compiled):
    system = compiled(endpoint(env=PROD, autoscaling={"min": 1}))
    (variant,) = system.inputs("api.configuration")["productionVariants"]
    assert variant["initialInstanceCount"] == 2
    assert system.inputs("api.scaling")["minCapacity"] == 2


def test_requests_are_kept_encrypted(compiled):
    capture = compiled(endpoint()).inputs("api.configuration")["dataCaptureConfig"]
    assert capture["initialSamplingPercentage"] == 20
    assert capture["destinationS3Uri"].endswith("/captured/")
    assert {option["captureMode"] for option in capture["captureOptions"]} == {"Input", "Output"}
    assert capture["kmsKeyId"]


def test_instances_with_disks_of_their_own_take_no_key(compiled):
    assert "kmsKeyArn" in compiled(endpoint()).inputs("api.configuration")
    assert "kmsKeyArn" not in compiled(endpoint(instance_type="ml.g5.xlarge")).inputs("api.configuration")


CANARY = {"type": "CANARY", "canarySize": {"type": "CAPACITY_PERCENT", "value": 10}, "waitIntervalInSeconds": 600}


@pytest.mark.parametrize(
    ("rollout", "routing", "kept"),
    [
        ({}, CANARY, 0),
        ({"steps": []}, CANARY, 0),
        (
            {"strategy": "linear", "steps": []},
            {
                "type": "LINEAR",
                "linearStepSize": {"type": "CAPACITY_PERCENT", "value": 25},
                "waitIntervalInSeconds": 600,
            },
            0,
        ),
        ({"strategy": "blue_green", "steps": []}, {"type": "ALL_AT_ONCE", "waitIntervalInSeconds": 600}, 600),
        ({"strategy": "all_at_once", "steps": []}, {"type": "ALL_AT_ONCE", "waitIntervalInSeconds": 600}, 0),
    ],
)
def test_rollouts_with_two_fleets(compiled, rollout, routing, kept):
    policy = compiled(endpoint(rollout=rollout)).inputs("api.endpoint")["deploymentConfig"]["blueGreenUpdatePolicy"]
    assert policy["trafficRoutingConfiguration"] == routing
    assert policy["terminationWaitInSeconds"] == kept


def test_a_rolling_rollout_has_one_fleet(compiled):
    config = compiled(endpoint(rollout={"strategy": "rolling", "steps": ["25%", "100%"]})).inputs("api.endpoint")
    policy = config["deploymentConfig"]["rollingUpdatePolicy"]
    assert policy["maximumBatchSize"] == {"type": "CAPACITY_PERCENT", "value": 25}
    assert "blueGreenUpdatePolicy" not in config["deploymentConfig"]


def test_alarms_roll_back(compiled):
    system = compiled(endpoint())
    rollback = system.inputs("api.endpoint")["deploymentConfig"]["autoRollbackConfiguration"]
    assert rollback["alarms"] == [{"alarmName": "api.errors-alarm.name"}, {"alarmName": "api.latency-alarm.name"}]
    latency = system.inputs("api.latency-alarm")
    assert (latency["threshold"], latency["extendedStatistic"]) == (120000, "p99")
    assert latency["dimensions"]["EndpointName"] == system.inputs("api.endpoint")["name"]
    assert system.inputs("api.errors-alarm")["threshold"] == pytest.approx(0.1)


def test_without_a_promised_latency_errors_alone_roll_back(compiled):
    system = compiled(endpoint(slo=None, rollout={"rollback_on": None}))
    alarms = system.inputs("api.endpoint")["deploymentConfig"]["autoRollbackConfiguration"]["alarms"]
    assert alarms == [{"alarmName": "api.errors-alarm.name"}]


@pytest.mark.parametrize(
    ("changes", "monitors", "told"),
    [
        ({}, {}, 2),
        ({"alert": "oncall"}, {}, 1),
        (
            {},
            {
                "drift": {
                    "endpoint": "api",
                    "kind": "data_quality",
                    "schedule": "hourly",
                    "alert": "board",
                    "features": ["amount"],
                }
            },
            1,
        ),
    ],
)
def test_whom_alarms_tell(compiled, changes, monitors, told):
    alarm = compiled(endpoint(sections={"monitors": monitors}, **changes)).inputs("api.errors-alarm")
    assert len(alarm["alarmActions"]) == told


def test_scaling_follows_the_variant(compiled):
    system = compiled(endpoint())
    target = system.inputs("api.scaling")
    assert target["resourceId"] == "endpoint/api.endpoint.name/variant/live"
    assert (target["minCapacity"], target["maxCapacity"]) == (2, 20)
    tracking = system.inputs("api.scaling-policy")["targetTrackingScalingPolicyConfiguration"]
    assert tracking["predefinedMetricSpecification"] == {
        "predefinedMetricType": "SageMakerVariantInvocationsPerInstance"
    }
    assert tracking["targetValue"] == 400


def test_scaling_by_processor(compiled):
    system = compiled(endpoint(autoscaling={"metric": "gpu", "target": 60}))
    tracking = system.inputs("api.scaling-policy")["targetTrackingScalingPolicyConfiguration"]
    assert tracking["customizedMetricSpecification"]["metricName"] == "GPUUtilizationNormalized"


def test_the_role_reads_what_the_registering_pipeline_wrote(compiled):
    pipelines = {
        "train": {
            "steps": {
                "fit": {"kind": "training", "image": "trainer"},
                "register": {"kind": "register", "model": "fraud-scorer", "image": "server", "after": ["fit"]},
            }
        }
    }
    system = compiled(endpoint(sections={"pipelines": pipelines, "images": {"trainer": {}, "server": {}}}))
    statements = system.inputs("api.role-policy")["policy"]["Statement"]
    reads = [each["Resource"] for each in statements if "s3:GetObjectVersion" in each["Action"]]
    assert any("/pipelines/train/runs/*" in resource for resources in reads for resource in resources)
    pulls = [each["Resource"] for each in statements if "ecr:BatchGetImage" in each["Action"]]
    assert len(pulls) == 1


def test_the_reference_spelling_is_taken_with_a_warning(problems):
    assert problems(endpoint()) == {("endpoints", "api", "rollout", "steps"): "MI3504"}


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        ({"model": {"stage": "live"}}, ("model", "stage"), "MI3500"),
        ({"autoscaling": {"max": 1}}, ("autoscaling", "max"), "MI3502"),
        ({"autoscaling": {"metric": "cpu", "target": 400}}, ("autoscaling", "target"), "MI3502"),
        ({"autoscaling": {"min": 1}}, ("autoscaling", "min"), "MI3502"),
        ({"rollout": {"steps": ["50%", "10%", "100%"]}}, ("rollout", "steps"), "MI3503"),
        ({"rollout": {"steps": ["10%", "90%"]}}, ("rollout", "steps"), "MI3503"),
        ({"rollout": {"steps": ["60%", "100%"]}}, ("rollout", "steps"), "MI3503"),
        ({"rollout": {"steps": ["2.5%", "100%"]}}, ("rollout", "steps"), "MI3503"),
        ({"rollout": {"strategy": "linear", "steps": ["10%", "50%", "100%"]}}, ("rollout", "steps"), "MI3503"),
        ({"rollout": {"strategy": "rolling", "steps": ["100%"]}}, ("rollout", "steps"), "MI3503"),
        ({"rollout": {"strategy": "blue_green"}}, ("rollout", "steps"), "MI3507"),
        ({"rollout": {"rollback_on": ["api-error"]}}, ("rollout", "rollback_on", 0), "MI3505"),
        ({"slo": None}, ("rollout", "rollback_on", 1), "MI3505"),
        ({"rollout": {"rollback_on": []}}, ("rollout", "rollback_on"), "MI3508"),
        ({"rollout": {"bake": "2h"}}, ("rollout", "bake"), "MI3506"),
        ({"startup": "1s"}, ("startup",), "MI3506"),
    ],
)
def test_wrong_values_are_named(problems, changes, path, code):
    assert problems(endpoint(**changes)).get(("endpoints", "api", *path)) == code


def test_a_monitor_cannot_roll_back(problems):
    monitor = {"endpoint": "api", "kind": "data_quality", "schedule": "hourly", "features": ["amount"]}
    text = endpoint(rollout={"rollback_on": ["drift"]}, sections={"monitors": {"drift": monitor}})
    assert problems(text)["endpoints", "api", "rollout", "rollback_on", 0] == "MI3505"
