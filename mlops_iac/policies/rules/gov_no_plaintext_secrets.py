"""No credential is written into a resource.

Source: https://www.pulumi.com/docs/iac/concepts/secrets/
"""

from __future__ import annotations

from mlops_iac.graph.evaluate import SecretValue
from mlops_iac.policies.admission import Admission, none_of
from mlops_iac.policies.policy import (
    NOT_APPLICABLE,
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
    skips,
)
from mlops_iac.policies.secrets import (
    credential_in,
    holds_credential,
    named_like_a_secret,
    only_refers,
    reference_like,
    secret_name,
    suspicious,
)

DATABASE = "aws:rds/instance:Instance"
FUNCTION = "aws:lambda/function:Function"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"


def check(resource: ResourceView, stack: StackView) -> Result:
    """No text looks like a known kind of credential, and nothing named like a secret holds a plain text."""
    texts = list(resource.inputs.plain_texts())
    if suspicious("\n".join(text for _, text in texts)):
        for path, text in texts:
            found = credential_in(text)
            if found:
                return fail(f"holds {found}", path)
    for path, text in texts:
        if secret_name(path.rpartition(".")[2]) and len(text) >= SHORTEST and not reference_like(text):
            return fail(f"holds a secret at {path} as plain text", path)
    return PASS if texts else NOT_APPLICABLE


SHORTEST = 6
"""Shorter texts under such a name are settings, not secrets."""


POLICY = Policy(
    id="gov-no-plaintext-secrets",
    title="No input holds a credential in plain text",
    why="Inputs are kept in state, shown in previews and often sent to logs.",
    fix="refer to a secret in Secrets Manager, or make the value a Pulumi secret",
    severity=PolicySeverity.CRITICAL,
    enforcement=Enforcement.MANDATORY,
    applies_to=("*",),
    controls={
        "checkov": ("CKV_AWS_41", "CKV_AWS_45", "CKV_AWS_46"),
        "hipaa": ("164.312(a)(2)(iv)",),
        "gdpr": ("32(1)(a)",),
        "eu-ai-act": ("15(5)",),
    },
    source_url="https://www.pulumi.com/docs/iac/concepts/secrets/",
    check=check,
    admission=lambda _: Admission(
        (CONFIG_MAP,),
        (
            none_of(
                "variables.keys",
                "k",
                f"{holds_credential('object.data[k]')} || size(object.data[k]) >= {SHORTEST}"
                f" && {named_like_a_secret('k')} && !{only_refers('object.data[k]')}",
                "k",
                "holds a secret at data.{} as plain text",
            ),
        ),
        variables={"keys": "object.?data.orValue({}).map(k, k)"},
        partial="kinds other than ConfigMap",
    ),
    samples=(
        passes(DATABASE, {"username": "mlflow", "password": SecretValue("hunter2hunter2")}),
        passes(DATABASE, {"username": "mlflow", "manageMasterUserPassword": True}),
        fails(FUNCTION, {"environment": {"variables": {"DB_PASSWORD": "hunter2hunter2"}}}),
        fails(
            FUNCTION,
            {
                "environment": {
                    "variables": {"WEBHOOK": "https://hooks.slack.com/services/T0000000/B0000000/" + "x" * 24}
                }
            },
        ),
        fails(FUNCTION, {"environment": {"variables": {"DB": "postgresql://user:secret@db.example.com/x"}}}),
        fails(CONFIG_MAP, {"data": {"db_password": "hunter2hunter2"}}),
        passes(CONFIG_MAP, {"data": {"db_password_file": "/run/secrets/db"}}),
        skips(FUNCTION, {"timeout": 30}),
    ),
)
