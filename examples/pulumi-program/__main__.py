"""A platform of one's own, with a feature store and a model's images from mlops-iac in it.

What is written by hand here, a bucket that others fill, a parameter and a partner's role, stands beside components and
is wired to them in both directions. `pulumi preview -s dev` shows all of it.
"""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws

from mlops_iac.pulumi import Alert, Bucket, Component, FeatureStore, Image, System

account = pulumi.Config().require("account")

# Resources of the program's own come first or last, as one likes.
partner = aws.iam.Role(
    "partner",
    assume_role_policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}}
            ],
        }
    ),
)
key = aws.kms.Key("landing", enable_key_rotation=True)
landing = aws.s3.Bucket("landing", bucket=f"acme-claims-landing-{account}")
mailbox = aws.ssm.Parameter("oncall-mailbox", type="String", value="claims-oncall@acme.example")

with System(
    "claims",
    owner="claims-ml@acme.example",
    purpose="Scores insurance claims",
    region="eu-west-1",
    account=account,
    tags={"cost-center": "1207"},
):
    raw = Bucket("raw", classification="confidential", keep="400d", opts=pulumi.ResourceOptions(protect=True))
    # A bucket of the program's own becomes one that components know.
    history = Bucket("history", backend="existing", name=landing.bucket, key_arn=key.arn, classification="confidential")
    customers = FeatureStore(
        "customers",
        record_id="customer_id",
        event_time="changed_at",
        features={"claims_last_year": "integer", "premium": "float"},
        offline={"bucket": history},  # a field that names a component takes it
    )
    Alert("oncall", email=[mailbox.value])  # an output of a resource of the program's own
    Image("scoring")
    Component("budget", "budget", {"monthly_usd": 900, "alert_at": ["80%"], "alert": "oncall"})  # any kind by name

# Outputs of components go wherever Pulumi takes an output.
aws.iam.RolePolicy(
    "partner-reads-claims",
    role=partner.name,
    policy=raw.arn.apply(
        lambda arn: json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{arn}/claims/*"}],
            }
        )
    ),
)
pulumi.export("featureGroup", customers.group_name)
pulumi.export("rawBucket", raw.name)
