"""Data jobs, the catalog and queries are encrypted, and queries are bounded.

Source: https://docs.aws.amazon.com/glue/latest/dg/encryption-security-configuration.html
"""

from __future__ import annotations

from typing import Final

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.inputs import Inputs
from mlops_iac.policies.policy import (
    ELSEWHERE,
    PASS,
    Enforcement,
    Policy,
    PolicySeverity,
    ResourceView,
    Result,
    StackView,
    fail,
    fails,
    passes,
    waits,
)

USERS: Final = ("aws:glue/job:Job", "aws:glue/crawler:Crawler")
SECURITY = "aws:glue/securityConfiguration:SecurityConfiguration"
CATALOG = "aws:glue/dataCatalogEncryptionSettings:DataCatalogEncryptionSettings"
WORKGROUP = "aws:athena/workgroup:Workgroup"
MODES: Final = (
    "cloudwatchEncryption.cloudwatchEncryptionMode",
    "jobBookmarksEncryption.jobBookmarksEncryptionMode",
    "s3Encryption.s3EncryptionMode",
)


def check(resource: ResourceView, stack: StackView) -> Result:
    """Each of the types encrypts everything that it can; a workgroup enforces its settings and a scan limit."""
    if resource.type in USERS:
        named = resource.inputs.has("securityConfiguration")
        return PASS if named else fail("names no security configuration", "securityConfiguration")
    if resource.type == SECURITY:
        for mode in MODES:
            if resource.inputs.text(f"encryptionConfiguration.{mode}", "DISABLED") == "DISABLED":
                return fail(f"does not set {mode}", f"encryptionConfiguration.{mode}")
        return PASS
    return _catalog(resource.inputs) if resource.type == CATALOG else _workgroup(resource.inputs)


def _catalog(inputs: Inputs) -> Result:
    base = "dataCatalogEncryptionSettings"
    if inputs.text(f"{base}.encryptionAtRest.catalogEncryptionMode", "DISABLED") == "DISABLED":
        return fail("leaves the catalog without encryption", f"{base}.encryptionAtRest")
    if not inputs.flag(f"{base}.connectionPasswordEncryption.returnConnectionPasswordEncrypted"):
        return fail("gives out connection passwords", f"{base}.connectionPasswordEncryption")
    return PASS


def _workgroup(inputs: Inputs) -> Result:
    if not inputs.flag("configuration.enforceWorkgroupConfiguration", default=True):
        return fail("lets each query choose its own settings", "configuration.enforceWorkgroupConfiguration")
    results = (
        "resultConfiguration.encryptionConfiguration.encryptionOption",
        "managedQueryResultsConfiguration.enabled",
    )
    if not any(inputs.has(f"configuration.{path}") for path in results):
        return fail("writes results without encryption", f"configuration.{results[0]}")
    limited = inputs.has("configuration.bytesScannedCutoffPerQuery")
    return PASS if limited else fail("has no limit on what a query reads", "configuration.bytesScannedCutoffPerQuery")


_RESULTS = {"resultConfiguration": {"encryptionConfiguration": {"encryptionOption": "SSE_KMS"}}}


POLICY = Policy(
    id="glue-and-athena-encrypted",
    title="Glue and Athena are encrypted and bounded",
    why="Query results and job logs are copies of the data outside the buckets that guard it.",
    fix="set securityConfiguration on jobs and crawlers; on workgroups encryption and a scan limit, both enforced",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(*USERS, SECURITY, CATALOG, WORKGROUP),
    controls={
        "aws-fsbp": ("Glue.4", "Athena.4"),
        "checkov": ("CKV_AWS_82", "CKV_AWS_94", "CKV_AWS_99", "CKV_AWS_159", "CKV_AWS_195"),
        "cdk-nag": ("AwsSolutions-GL1", "AwsSolutions-GL3"),
        "hipaa": ("164.312(a)(2)(iv)",),
        "gdpr": ("32(1)(a)",),
        "eu-ai-act": ("10",),
    },
    source_url="https://docs.aws.amazon.com/glue/latest/dg/encryption-security-configuration.html",
    check=check,
    samples=(
        passes(USERS[0], {"securityConfiguration": UNKNOWN}),
        fails(USERS[1], {"databaseName": "raw"}),
        fails(SECURITY, {"encryptionConfiguration": {"s3Encryption": {"s3EncryptionMode": "SSE-KMS"}}}),
        fails(CATALOG, {"dataCatalogEncryptionSettings": {"encryptionAtRest": {"catalogEncryptionMode": "DISABLED"}}}),
        passes(WORKGROUP, {"configuration": {**_RESULTS, "bytesScannedCutoffPerQuery": 10**11}}),
        fails(WORKGROUP, {"configuration": _RESULTS}),
        fails(WORKGROUP, {"configuration": {**_RESULTS, "enforceWorkgroupConfiguration": False}}),
        waits(WORKGROUP, {"configuration": {"enforceWorkgroupConfiguration": UNKNOWN}}),
        ELSEWHERE,
    ),
)
