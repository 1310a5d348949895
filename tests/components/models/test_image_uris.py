"""Image addresses; compared with the SageMaker SDK where one is installed.

The SDK is large and needs no place in the project's own environment: name the Python of another one in
``MLOPS_SAGEMAKER_PYTHON``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from mlops_iac.components.models import image_uris
from mlops_iac.components.models.image_uris import NoImageError, image_uri, newest, processor, versions

SDK_PYTHON = os.environ.get("MLOPS_SAGEMAKER_PYTHON") or (sys.executable if find_spec("sagemaker") else None)

ASK_SDK = """
import json, logging, sys
logging.disable(logging.WARNING)
from sagemaker.core import image_uris
for line in sys.stdin:
    question = json.loads(line)
    print(json.dumps(image_uris.retrieve(**question)), flush=True)
"""


@pytest.mark.parametrize(
    ("arguments", "uri"),
    [
        (
            {"framework": "pytorch", "scope": "training", "version": "2.5", "instance_type": "ml.g5.2xlarge"},
            "763104351884.dkr.ecr.eu-west-1.amazonaws.com/pytorch-training:2.5-gpu-py311",
        ),
        (
            {"framework": "pytorch", "scope": "inference", "version": "2.5", "instance_type": "ml.c6i.xlarge"},
            "763104351884.dkr.ecr.eu-west-1.amazonaws.com/pytorch-inference:2.5-cpu-py311",
        ),
        ({"framework": "clarify"}, "131013547314.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-clarify-processing:1.0"),
        (
            {"framework": "model-monitor"},
            "468650794304.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-model-monitor-analyzer",
        ),
    ],
)
def test_addresses(arguments, uri):
    assert image_uri(region="eu-west-1", **arguments) == uri


@pytest.mark.parametrize(
    "arguments",
    [
        {"framework": "caffe"},
        {"framework": "pytorch", "scope": "processing"},
        {"framework": "pytorch", "scope": "training", "version": "0.1"},
        {"framework": "sklearn", "scope": "training", "version": "1.2-1", "instance_type": "ml.g5.xlarge"},
        {"framework": "pytorch", "scope": "training", "version": "2.5", "instance_type": "ml.c7g.xlarge"},
    ],
)
def test_what_aws_does_not_publish_has_no_address(arguments):
    with pytest.raises(NoImageError):
        image_uri(region="eu-west-1", **arguments)


def test_an_unknown_region_has_no_address():
    with pytest.raises(NoImageError, match="mars-east-1"):
        image_uri("clarify", "mars-east-1")


@pytest.mark.parametrize(
    ("instance_type", "kind"),
    [
        ("ml.m5.xlarge", "cpu"),
        ("ml.g5.2xlarge", "gpu"),
        ("ml.g4dn.xlarge", "gpu"),
        ("ml.p4d.24xlarge", "gpu"),
        ("ml.p5en.48xlarge", "gpu"),
        ("ml.c7g.xlarge", "arm64"),
        ("ml.m6gd.large", "arm64"),
        ("ml.c6gn.large", "arm64"),
        ("ml.c6i.xlarge", "cpu"),
        ("ml.r5d.large", "cpu"),
    ],
)
def test_processors(instance_type, kind):
    assert processor(instance_type) == kind


def test_every_framework_has_a_newest_training_image():
    for framework in ("pytorch", "tensorflow", "huggingface", "xgboost", "sklearn"):
        instance_type = "ml.g5.xlarge" if framework == "huggingface" else "ml.m5.xlarge"
        assert newest(framework, "training", instance_type) in versions(framework, "training")


@pytest.mark.skipif(
    SDK_PYTHON is None, reason="the sagemaker SDK is not installed and MLOPS_SAGEMAKER_PYTHON names none"
)
def test_the_sdk_gives_the_same_addresses():
    """Every version of every framework, on one instance type a processor, in one region a registry account."""
    questions, answers = [], []
    for framework, scopes in image_uris._images().items():
        for scope, rows in scopes.items():
            for version, row in rows.items():
                for kind, instance_type in {
                    "cpu": "ml.c5.2xlarge",
                    "gpu": "ml.p4d.24xlarge",
                    "arm64": "ml.m6g.large",
                }.items():
                    if kind in row and framework != "huggingface":
                        region = ["eu-west-1", "us-east-1", "ap-southeast-2"][len(questions) % 3]
                        known = {"region": region, "instance_type": instance_type}
                        if framework not in ("clarify", "model-monitor"):
                            known |= {"image_scope": scope, "version": version}
                        questions.append({"framework": framework, **known})
                        answers.append(
                            image_uri(framework, region, scope=scope, version=version, instance_type=instance_type)
                        )
    text = "\n".join(json.dumps(question) for question in questions)
    run = subprocess.run([SDK_PYTHON, "-c", ASK_SDK], input=text, capture_output=True, text=True, check=True)
    assert [json.loads(line) for line in run.stdout.splitlines()] == answers
