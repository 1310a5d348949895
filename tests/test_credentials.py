"""What looks like a drawn key is told from names, hashes and ids, and a line is printed without its credentials."""

from __future__ import annotations

import random
import string

import pytest

from mlops_iac.credentials import looks_random, masked

NO_SECRETS = [
    "buckets.raw.versioning",
    "aws:sagemaker/notebookInstance:NotebookInstance",
    "0f3e5c1a-1111-2222-3333-444455556666",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
    "arn:aws:acm:eu-west-1:111122223333:certificate/0f3e5c1a-1111-2222-3333-444455556666",
    "HIPAA.Security-SageMakerEndpointConfigurationKMSKeyConfigured",
    "enableInterContainerTrafficEncryption",
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "this-is-a-long-name-of-a-pipeline-2027",
    "BOTTLEROCKET_x86_64_NVIDIA",
    "ml.c6i.xlarge ml.g5.12xlarge ml.p4d.24xlarge",
    "Regulation (EU) 2024/1689",
]


@pytest.mark.parametrize("text", NO_SECRETS)
def test_names_hashes_and_ids_do_not_look_random(text: str) -> None:
    assert not any(looks_random(word) for word in text.split())
    assert masked(f"key: {text}") == f"key: {text}"


@pytest.mark.parametrize("length", [32, 40, 64])
def test_drawn_keys_look_random(length: int) -> None:
    draw = random.Random(length)
    keys = ["".join(draw.choices(string.ascii_letters + string.digits, k=length)) for _ in range(200)]

    assert sum(map(looks_random, keys)) >= 190


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("  key: AKIAIOSFODNN7EXAMPLE # x", "  key: ******************** # x"),
        ("DB_PASSWORD: hunter2hunter2", "DB_PASSWORD: **************"),
        ('{"api_key": "abcdef123", other: 1}', '{"api_key": "*********", other: 1}'),
        ("a: {token: abcdefgh, b: c}", "a: {token: ********, b: c}"),
        ("secret_arn_token: arn:aws:x", "secret_arn_token: arn:aws:x"),
        ("alert: oncall", "alert: oncall"),
    ],
)
def test_a_line_is_printed_without_its_credentials(line: str, shown: str) -> None:
    assert masked(line) == shown
    assert len(masked(line)) == len(line)
