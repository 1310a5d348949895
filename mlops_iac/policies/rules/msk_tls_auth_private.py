"""Kafka clusters speak TLS, know their clients and are not public.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/msk-controls.html#msk-1
"""

from __future__ import annotations

from typing import Final

from mlops_iac.graph.evaluate import UNKNOWN
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

MSK = "aws:msk/cluster:Cluster"
TRANSIT = "encryptionInfo.encryptionInTransit"
METHODS: Final = ("sasl.iam", "sasl.scram")


def check(resource: ResourceView, stack: StackView) -> Result:
    """TLS to clients and between brokers, authenticated clients, no public access, logs of the brokers."""
    inputs = resource.inputs
    if inputs.text(f"{TRANSIT}.clientBroker", "TLS") != "TLS" or not inputs.flag(f"{TRANSIT}.inCluster", default=True):
        return fail("takes connections without TLS", TRANSIT)
    known = any(inputs.flag(f"clientAuthentication.{method}") for method in METHODS)
    certificates = inputs.has("clientAuthentication.tls.certificateAuthorityArns")
    if inputs.flag("clientAuthentication.unauthenticated") or not (known or certificates):
        return fail("does not ask who is calling", "clientAuthentication")
    access = "brokerNodeGroupInfo.connectivityInfo.publicAccess.type"
    if inputs.text(access, "DISABLED") != "DISABLED":
        return fail("can be reached from the internet", access)
    logs = ("cloudwatchLogs", "firehose", "s3")
    if not any(inputs.flag(f"loggingInfo.brokerLogs.{log}.enabled") for log in logs):
        return fail("keeps no logs of its brokers", "loggingInfo")
    return PASS


_SAFE = {
    "clientAuthentication": {"sasl": {"iam": True}},
    "loggingInfo": {"brokerLogs": {"cloudwatchLogs": {"enabled": True}}},
}


POLICY = Policy(
    id="msk-tls-auth-private",
    title="Kafka uses TLS, knows its clients and is private",
    why="Whoever reads a topic has the events, and whoever writes to one can poison the training data.",
    fix="set encryptionInfo, clientAuthentication and loggingInfo, and leave publicAccess off",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(MSK,),
    controls={
        "aws-fsbp": ("MSK.1", "MSK.4", "MSK.6"),
        "checkov": ("CKV_AWS_80", "CKV_AWS_81", "CKV_AWS_291"),
        "cdk-nag": ("AwsSolutions-MSK2", "AwsSolutions-MSK3", "AwsSolutions-MSK6"),
        "hipaa": ("164.312(e)(2)(ii)",),
        "gdpr": ("32(1)(a)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/msk-controls.html#msk-1",
    check=check,
    samples=(
        passes(MSK, _SAFE),
        fails(MSK, {**_SAFE, "encryptionInfo": {"encryptionInTransit": {"clientBroker": "TLS_PLAINTEXT"}}}),
        fails(MSK, {**_SAFE, "clientAuthentication": {"unauthenticated": True}}),
        fails(MSK, {"clientAuthentication": {"sasl": {"iam": True}}}),
        waits(MSK, {**_SAFE, "clientAuthentication": UNKNOWN}),
        ELSEWHERE,
    ),
)
