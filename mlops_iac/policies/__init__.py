"""Rules about what a system may be. These names are what a rule of your own is written with.

``mlops-iac policy new NAME`` writes a file to start from, and ``policies.files`` in system.yaml lists it.
"""

from mlops_iac.graph.evaluate import UNKNOWN, SecretValue
from mlops_iac.policies.inputs import Inputs
from mlops_iac.policies.policy import (
    NOT_APPLICABLE,
    PASS,
    Enforcement,
    Limits,
    Policy,
    PolicySeverity,
    ResourceView,
    Result,
    Sample,
    StackView,
    SystemView,
    Verdict,
    fail,
    fails,
    neighbour,
    passes,
    sample,
    sample_urn,
    skips,
    text_of,
    unknown,
    waits,
    worst,
)

__all__ = [
    "NOT_APPLICABLE",
    "PASS",
    "UNKNOWN",
    "Enforcement",
    "Inputs",
    "Limits",
    "Policy",
    "PolicySeverity",
    "ResourceView",
    "Result",
    "Sample",
    "SecretValue",
    "StackView",
    "SystemView",
    "Verdict",
    "fail",
    "fails",
    "neighbour",
    "passes",
    "sample",
    "sample_urn",
    "skips",
    "text_of",
    "unknown",
    "waits",
    "worst",
]
