from __future__ import annotations

import json
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from mlops_iac.components.models import production_report_source as program

REPORT = {"metrics": {"f1": {"value": 0.9}}}


@mock_aws
def test_the_report_of_the_named_version_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(program, "TARGET", tmp_path / "production.json")
    storage = boto3.client("s3")
    storage.create_bucket(Bucket="runs")
    storage.put_object(Bucket="runs", Key="a/evaluation.json", Body=json.dumps(REPORT).encode())
    storage.put_object(Bucket="runs", Key="b/evaluation.json", Body=b"{}")
    registry = boto3.client("sagemaker")
    registry.create_model_package_group(ModelPackageGroupName="scorer")
    versions = [
        registry.create_model_package(
            ModelPackageGroupName="scorer",
            ModelMetrics={
                "ModelQuality": {
                    "Statistics": {"ContentType": "application/json", "S3Uri": f"s3://runs/{run}/evaluation.json"}
                }
            },
        )["ModelPackageArn"]
        for run in ("a", "b")
    ]
    monkeypatch.setenv("PRODUCTION_MODEL_PACKAGE", versions[0])
    program.main()
    assert json.loads((tmp_path / "production.json").read_text()) == REPORT
