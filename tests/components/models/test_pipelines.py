from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from mlops_iac.compile.driver import compile_graph
from mlops_iac.components.models.pipeline_jobs import has_local_disks
from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.spec.load import load
from mlops_iac.validate import validate

from .conftest import STEPS, pipeline
from .sagemaker_requests import every_step
from .sagemaker_requests import problems as api_problems
from .test_image_uris import SDK_PYTHON

SCHEMA = os.environ.get("MLOPS_PIPELINE_SCHEMA")

RELEASED = {"register": {"model": "released-scorer"}}
TUNE = {
    "kind": "tuning",
    "framework": "pytorch",
    "version": "2.5",
    "script": "steps/train.py",
    "instance_type": "ml.m5.xlarge",
    "ranges": {
        "lr": {"min": 0.0001, "max": 0.1, "scale": "logarithmic"},
        "depth": {"min": 2, "max": 8, "type": "integer"},
        "loss": {"values": ["bce", "focal"]},
    },
    "metrics": {"validation:f1": "f1=([0-9.]+)"},
    "objective": {"metric": "validation:f1"},
    "spot": True,
    "after": ["prepare"],
}
BIAS = {"kind": "bias", "after": ["prepare"], "label": "fraud", "facets": ["country"], "predicted_label": "score"}
BASELINE = {"step": "prepare"}
CASES = {
    "reference": pipeline(),
    "released": pipeline(changes=RELEASED),
    "tuning": pipeline({**STEPS, "train": TUNE}),
    "bias": pipeline(changes={"fair": BIAS, "register": {"after": ["evaluate", "fair"], "otherwise": "fail"}}),
    "baseline": pipeline(baseline=BASELINE, changes=RELEASED),
    "own image": pipeline({"train": {"kind": "training", "image": "trainer", "inputs": ["raw"], "keep_warm": "30m"}}),
}


def definition_of(system):
    return system.inputs("p.pipeline", "Pipeline")["pipelineDefinition"]


def steps_of(system):
    return {step["Name"]: step for step in every_step(definition_of(system)["Steps"])}


@pytest.mark.parametrize("case", CASES)
def test_sagemaker_takes_the_arguments_of_every_step(compiled_in, case):
    """Checked against the request model of the same API that runs the steps."""
    found = [problem for step in steps_of(compiled_in(CASES[case])).values() for problem in api_problems(step)]
    assert found == []


def published_schema():
    """The published schema with what the service has learnt since, or what the schema has wrong, put right."""
    schema = json.loads(Path(SCHEMA or "").read_text())
    kinds = schema["definitions"]
    function = {"type": "object", "anyOf": [{"required": ["Std:JsonGet"]}, {"required": ["Std:Join"]}]}
    for type_ in ("String", "Integer", "Float", "Boolean"):
        kinds[f"{type_}ArgumentValue"]["oneOf"].append(function)
    kinds["RetryPolicy"]["properties"]["ExceptionType"] = {"type": "array"}
    kinds["ProcessingStep"]["properties"]["PropertyFiles"] = {"type": "array"}
    arguments_of(kinds["RegisterModelStep"])["ModelApprovalStatus"] = {"type": "string"}
    containers = arguments_of(kinds["RegisterModelStep"])["InferenceSpecification"]["properties"]["Containers"]
    containers["items"]["properties"]["Environment"] = {"type": "object"}
    training = arguments_of(kinds["TrainingStep"])
    training["Environment"] = {"type": "object"}
    training["ResourceConfig"]["properties"]["KeepAlivePeriodInSeconds"] = {"type": "integer"}
    return schema


def arguments_of(step):
    return step["properties"]["Arguments"]["properties"]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.skipif(SCHEMA is None, reason="MLOPS_PIPELINE_SCHEMA does not name a copy of the published JSON schema")
def test_the_published_schema_takes_the_definition(compiled_in, case):
    schema = published_schema()
    definition = definition_of(compiled_in(CASES[case]))
    assert definition["Version"] in schema["properties"]["Version"]["enum"]
    found = set()
    for step in every_step(definition["Steps"]):
        own = {**schema, **schema["definitions"][f"{step['Type']}Step"]}
        for error in jsonschema.Draft7Validator(own).iter_errors(step):
            found.add(f"{step['Name']}: {'.'.join(map(str, error.path))}: {error.message[:300]}")
    assert found == set()


def test_the_reference_pipeline_gates_registration(compiled_in):
    top = definition_of(compiled_in(pipeline()))["Steps"]
    assert [step["Name"] for step in top] == ["prepare", "train", "evaluate", "register-condition"]
    condition = top[-1]
    assert condition["DependsOn"] == ["evaluate"]
    assert [step["Name"] for step in condition["Arguments"]["IfSteps"]] == ["register"]
    assert condition["Arguments"]["ElseSteps"] == []
    f1 = {"PropertyFile": {"Get": "Steps.evaluate.PropertyFiles.evaluation"}, "Path": "metrics.f1.value"}
    assert condition["Arguments"]["Conditions"] == [
        {"Type": "GreaterThanOrEqualTo", "LeftValue": {"Std:JsonGet": f1}, "RightValue": 0.85}
    ]


def test_a_released_version_has_to_be_beaten(compiled_in):
    system = compiled_in(pipeline(changes={"register": {"model": "released-scorer", "otherwise": "fail"}}))
    steps = steps_of(system)
    fetch = steps["register-production"]["Arguments"]
    package = fetch["Environment"]["PRODUCTION_MODEL_PACKAGE"]
    assert package.startswith("arn:aws:sagemaker:eu-west-1:111122223333:model-package/")
    assert package.endswith("/3")
    assert steps["register-condition"]["DependsOn"] == ["evaluate", "register-production"]
    beats = steps["register-condition"]["Arguments"]["Conditions"][1]
    assert beats["Type"] == "GreaterThan"
    assert beats["RightValue"]["Std:JsonGet"]["PropertyFile"] == {
        "Get": "Steps.register-production.PropertyFiles.production"
    }
    assert steps["register-refused"]["Type"] == "Fail"


def test_lower_is_better_turns_the_comparison(compiled_in):
    changes = {
        "evaluate": {"metrics": ["rmse"], "lower_is_better": ["rmse"]},
        "register": {"model": "released-scorer", "when": "beats_production"},
    }
    condition = steps_of(compiled_in(pipeline(changes=changes)))["register-condition"]
    assert [item["Type"] for item in condition["Arguments"]["Conditions"]] == ["LessThan"]


def test_what_follows_a_gated_step_stands_inside_its_condition(compiled_in):
    changes = {
        "prepare": {"when": None},
        "refine": {**STEPS["train"], "after": ["evaluate"], "when": "f1 > 0.5"},
        "again": {**STEPS["evaluate"], "after": ["refine"]},
        "register": {"after": ["again"], "when": "f1 > 0.9"},
    }
    top = definition_of(compiled_in(pipeline(changes=changes)))["Steps"]
    assert [step["Name"] for step in top] == ["prepare", "train", "evaluate", "refine-condition"]
    inside = top[-1]["Arguments"]["IfSteps"]
    assert [step["Name"] for step in inside] == ["register-condition", "refine", "again"]
    refine = inside[1]
    assert "DependsOn" not in refine
    assert inside[2]["DependsOn"] == ["refine"]
    assert [step["Name"] for step in inside[0]["Arguments"]["IfSteps"]] == ["register"]


def test_data_flows_along_after(compiled_in):
    steps = steps_of(compiled_in(pipeline()))
    data = "Steps.prepare.ProcessingOutputConfig.Outputs['data'].S3Output.S3Uri"
    channels = {channel["ChannelName"]: channel for channel in steps["train"]["Arguments"]["InputDataConfig"]}
    assert channels["data"]["DataSource"]["S3DataSource"]["S3Uri"] == {"Get": data}
    inputs = {item["InputName"]: item["S3Input"] for item in steps["evaluate"]["Arguments"]["ProcessingInputs"]}
    assert inputs["model"]["S3Uri"] == {"Get": "Steps.train.ModelArtifacts.S3ModelArtifacts"}
    assert inputs["data"]["S3Uri"] == {"Get": data}
    assert inputs["data"]["LocalPath"] == "/opt/ml/processing/input/data"


def test_training_is_spot_with_checkpoints_and_torchrun(compiled_in):
    arguments = steps_of(compiled_in(pipeline()))["train"]["Arguments"]
    assert arguments["EnableManagedSpotTraining"] is True
    assert arguments["StoppingCondition"] == {"MaxRuntimeInSeconds": 21600, "MaxWaitTimeInSeconds": 43200}
    assert arguments["CheckpointConfig"]["LocalPath"] == "/opt/ml/checkpoints"
    assert arguments["HyperParameters"] == {
        "lr": "0.001",
        "epochs": "20",
        "sagemaker_program": '"train.py"',
        "sagemaker_submit_directory": '"/opt/ml/input/data/code"',
        "sagemaker_torch_distributed_enabled": "true",
        "sagemaker_instance_type": '"ml.g5.2xlarge"',
    }
    assert arguments["AlgorithmSpecification"]["TrainingImage"].endswith("/pytorch-training:2.5-gpu-py311")


def test_an_environment_without_spot_trains_on_demand(compiled_in):
    core = {
        "name": "prod",
        "protect_data": True,
        "force_destroy": False,
        "multi_az": True,
        "deletion_window": "30d",
        "log_retention": "400d",
        "backup_retention": "30d",
        "spot": False,
    }
    text = json.dumps({**json.loads(pipeline()), "env": core})
    arguments = steps_of(compiled_in(text))["train"]["Arguments"]
    assert "EnableManagedSpotTraining" not in arguments
    assert "CheckpointConfig" not in arguments


def test_jobs_are_private_and_encrypted(compiled_in):
    for step in steps_of(compiled_in(CASES["baseline"])).values():
        if step["Type"] == "Processing":
            network = step["Arguments"]["NetworkConfig"]
            assert network["EnableInterContainerTrafficEncryption"] is True
            reaches_aws = step["Name"] in ("prepare", "register-production")
            assert network["EnableNetworkIsolation"] is not reaches_aws
            assert len(network["VpcConfig"]["Subnets"]) >= 2
            assert "confidential" in step["Arguments"]["ProcessingOutputConfig"]["KmsKeyId"]
        if step["Type"] == "Training":
            assert step["Arguments"]["EnableNetworkIsolation"] is True
            assert step["Arguments"]["VpcConfig"]["SecurityGroupIds"]


def test_a_script_is_uploaded_below_its_hash(compiled_in, folder):
    before = compiled_in(pipeline()).inputs("p.code-train")
    assert before["key"].startswith("pipelines/p/code/train/")
    assert before["source"].text == "print('train')\n"
    (folder / "steps" / "train.py").write_text("print('better')\n")
    after = compiled_in(pipeline())
    assert after.inputs("p.code-train")["key"] != before["key"]
    channel = steps_of(after)["train"]["Arguments"]["InputDataConfig"][-1]
    folder_of_code = after.inputs("p.code-train")["key"].rpartition("/")[0]
    assert channel["DataSource"]["S3DataSource"]["S3Uri"].endswith(f"/{folder_of_code}/")


def test_a_missing_script_is_named_where_it_is_written(compose_text, tmp_path):
    step = "      train:\n        kind: training\n        script: nowhere.py\n        framework: sklearn\n"
    text = f"pipelines:\n  p:\n    steps:\n{step}"
    composition = replace(compose_text(text), root=tmp_path)
    with pytest.raises(DiagnosticsError) as error:
        compile_graph(load(validate(composition)), composition)
    (found,) = error.value.diagnostics
    assert (found.code, found.location.line) == ("MI4003", 6)
    assert found.path == ("pipelines", "p", "steps", "train", "script")


@pytest.mark.parametrize(
    "path", ["../outside.py", "/etc/passwd", "steps/../../outside.py", "link.py", "a\0b", "~/x", ""]
)
def test_no_file_outside_the_folder_is_read(compose_text, folder, path):
    (folder.parent / "outside.py").write_text("secret")
    (folder / "link.py").symlink_to(folder.parent / "outside.py")
    steps = {"train": {"kind": "training", "framework": "sklearn", "script": path or "steps"}}
    composition = replace(compose_text(json.dumps({"pipelines": {"p": {"steps": steps}}})), root=folder)
    with pytest.raises(DiagnosticsError) as error:
        compile_graph(load(validate(composition)), composition)
    assert [found.code for found in error.value.diagnostics] == ["MI4003"]


def test_the_role_may_do_what_the_steps_need_and_no_more(compiled_in):
    statements = compiled_in(pipeline()).inputs("p.role-policy")["policy"]["Statement"]
    actions = {action for each in statements for action in each["Action"]}
    assert "sagemaker:CreateTrainingJob" in actions
    assert "sagemaker:CreateModelPackage" in actions
    assert "sagemaker:PutRecord" in actions
    assert "sagemaker:CreateHyperParameterTuningJob" not in actions
    wild = {action for each in statements if "*" in each["Resource"] for action in each["Action"]}
    assert {action.split(":")[0] for action in wild} <= {"ec2", "cloudwatch", "ecr"}
    (passing,) = compiled_in(pipeline()).inputs("p.role-pass")["policy"]["Statement"]
    assert passing["Resource"] == ["p.role.arn"]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


def test_artifacts_go_to_a_named_bucket_or_one_of_its_own(compiled_in):
    own = compiled_in(pipeline())
    assert own.inputs("p.artifacts")["tags"]["data-class"] == "confidential"
    assert {"p.public-access", "p.encryption", "p.policy", "p.versioning", "p.access-log"} <= own.names()
    assert "p.artifacts" not in compiled_in(pipeline(artifacts="features")).names()


def test_a_monitor_brings_its_baseline(compiled_in):
    system = json.loads(pipeline(changes=RELEASED))
    system["endpoints"] = {
        "api": {"model": {"registry": "released-scorer"}, "capture": {"bucket": "raw"}, "autoscaling": {"min": 2}}
    }
    system["monitors"] = {"drift": {"endpoint": "api", "kind": "data_quality", "schedule": "hourly", "baseline": "p"}}
    steps = steps_of(compiled_in(json.dumps(system)))
    (output,) = steps["data-quality-baseline"]["Arguments"]["ProcessingOutputConfig"]["Outputs"]
    assert output["S3Output"]["S3Uri"].endswith("/pipelines/p/baseline/data_quality")


def test_every_model_of_a_tuning_step_is_its_best(compiled_in):
    steps = steps_of(compiled_in(CASES["tuning"]))
    url = steps["register"]["Arguments"]["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
    assert {"Get": "Steps.train.TrainingJobSummaries[0].TrainingJobName"} in url["Std:Join"]["Values"]
    ranges = steps["train"]["Arguments"]["HyperParameterTuningJobConfig"]["ParameterRanges"]
    assert ranges["IntegerParameterRanges"][0]["MinValue"] == "2"
    assert ranges["CategoricalParameterRanges"][0]["Values"] == ['"bce"', '"focal"']


@pytest.mark.parametrize(
    ("instance_type", "local"),
    [
        ("ml.g5.2xlarge", True),
        ("ml.g4dn.xlarge", True),
        ("ml.p4d.24xlarge", True),
        ("ml.m5d.large", True),
        ("ml.c5d.xlarge", True),
        ("ml.r6gd.large", True),
        ("ml.m6idn.large", True),
        ("ml.trn1.2xlarge", True),
        ("ml.m5.large", False),
        ("ml.c6i.xlarge", False),
        ("ml.p3.2xlarge", False),
        ("ml.c5n.large", False),
    ],
)
def test_instances_with_disks_of_their_own_take_no_key(instance_type, local):
    assert has_local_disks(instance_type) is local


def wrong(**changes):
    return pipeline(changes=changes)


@pytest.mark.parametrize(
    ("text", "path", "code"),
    [
        (wrong(train={"after": ["prepar"]}), ("steps", "train", "after", 0), "MI3430"),
        (wrong(prepare={"after": ["register"]}), ("steps", "prepare", "after"), "MI3431"),
        (wrong(register={"when": "f1 >="}), ("steps", "register", "when"), "MI3432"),
        (wrong(register={"when": "f2 >= 0.5"}), ("steps", "register", "when"), "MI3433"),
        (wrong(train={"when": "f1 >= 0.5"}), ("steps", "train", "when"), "MI3434"),
        (wrong(train={"version": "0.4"}), ("steps", "train", "version"), "MI3435"),
        (wrong(train={"image": "trainer"}), ("steps", "train", "framework"), "MI3435"),
        (wrong(register={"inference_version": "9"}), ("steps", "register", "inference_version"), "MI3435"),
        (wrong(register={"after": ["prepare"], "when": None}), ("steps", "register", "after"), "MI3436"),
        (wrong(train={"max_wait": "1h"}), ("steps", "train", "max_wait"), "MI3437"),
        (
            wrong(train={"framework": "sklearn", "version": None, "instance_type": "ml.m5.xlarge"}),
            ("steps", "train", "distribution"),
            "MI3438",
        ),
        (wrong(tune={**TUNE, "ranges": {"lr": {"min": 2, "max": 1}}}), ("steps", "tune", "ranges", "lr"), "MI3439"),
        (wrong(tune={**TUNE, "ranges": {"lr": {"min": 2}}}), ("steps", "tune", "ranges", "lr"), "MI3439"),
        (wrong(tune={**TUNE, "parallel": 30}), ("steps", "tune", "parallel"), "MI3440"),
        (wrong(tune={**TUNE, "objective": {"metric": "f1"}}), ("steps", "tune", "objective", "metric"), "MI3440"),
        (wrong(train={"inputs": ["raw"]}, prepare={"outputs": ["raw"]}), ("steps", "train"), "MI3441"),
        (
            wrong(train={"hyperparameters": {"sagemaker_x": 1}}),
            ("steps", "train", "hyperparameters", "sagemaker_x"),
            "MI3442",
        ),
        (wrong(fair={**BIAS, "dataset": "test"}), ("steps", "fair", "dataset"), "MI3443"),
        (pipeline(baseline={"step": "prepare", "output": "test"}), ("baseline", "output"), "MI3443"),
        (pipeline(baseline={"step": "train"}), ("baseline", "step"), "MI3430"),
        (wrong(train={"input_prefixes": {"raw": "x/"}}), ("steps", "train", "input_prefixes", "raw"), "MI3444"),
        (wrong(evaluate={"script": None}), ("steps", "evaluate"), "MI3446"),
        (wrong(**{"register-condition": STEPS["prepare"]}), ("steps", "register-condition"), "MI3448"),
        (
            wrong(
                left={**STEPS["prepare"], "after": ["evaluate"], "when": "f1 > 1"},
                right={**STEPS["prepare"], "after": ["evaluate"], "when": "f1 > 2", "outputs": ["more"]},
                both={**STEPS["prepare"], "after": ["left", "right"], "outputs": ["all"]},
            ),
            ("steps", "both", "after"),
            "MI3447",
        ),
    ],
)
def test_wrong_values_are_refused(problems, text, path, code):
    found = problems(text)
    assert found.get(("pipelines", "p", *path)) == code, found


def differences(sdk, own, path=""):
    """Where two documents differ, leaf by leaf."""
    if isinstance(sdk, dict) and isinstance(own, dict):
        for key in sorted({*sdk, *own}):
            yield from differences(sdk.get(key), own.get(key), f"{path}.{key}")
    elif isinstance(sdk, list) and isinstance(own, list) and len(sdk) == len(own):
        for index, (left, right) in enumerate(zip(sdk, own, strict=True)):
            yield from differences(left, right, f"{path}[{index}]")
    elif sdk != own:
        yield f"{path}: {sdk} and not {own}"


@pytest.mark.parametrize("case", [*CASES, "or"])
@pytest.mark.skipif(
    SDK_PYTHON is None, reason="the sagemaker SDK is not installed and MLOPS_SAGEMAKER_PYTHON names none"
)
def test_the_sdks_classes_write_the_same_steps(compiled_in, case):
    """The SDK is given each step's values, and its own classes write the step from them."""
    when = "(f1 > 0.9 or not recall == 0.5) and not (bias >= 0.1 and precision < 0.3)"
    text = wrong(prepare={"cache": "30d"}, register={"when": when}) if case == "or" else CASES[case]
    definition = definition_of(compiled_in(text))
    script = Path(__file__).with_name("rebuild_with_sdk.py")
    run = subprocess.run(
        [str(SDK_PYTHON), str(script)], input=json.dumps(definition), capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-2000:]
    written = json.loads(run.stdout.splitlines()[-1])
    assert list(differences(written, definition["Steps"])) == []
