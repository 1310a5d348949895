"""The step of a pipeline that copies the evaluation report of the version that production runs.

A condition with ``beats_production`` adds it and reads its copy. It runs in the scikit-learn image, which has boto3.
"""

from __future__ import annotations

import json
import os
import urllib.parse
from pathlib import Path

TARGET = Path("/opt/ml/processing/output/production/production.json")


def main() -> None:
    """Copy the report of the version named in the environment to where SageMaker uploads it from."""
    import boto3

    package = boto3.client("sagemaker").describe_model_package(ModelPackageName=os.environ["PRODUCTION_MODEL_PACKAGE"])
    source = urllib.parse.urlparse(package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"])
    report = boto3.client("s3").get_object(Bucket=source.netloc, Key=source.path.lstrip("/"))["Body"]
    TARGET.write_text(json.dumps(json.load(report)), encoding="utf-8")


if __name__ == "__main__":
    main()
