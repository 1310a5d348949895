"""KMS keys and aliases: https://docs.aws.amazon.com/kms/latest/APIReference/"""

from __future__ import annotations

from mlops_iac.engines.local.aws.row import ALL, Call, Group, Row, Tagging

_KEY = {"KeyId": "{id}"}

ROWS = (
    Row(
        "aws:kms/key:Key",
        "kms",
        Call("create_key", take=ALL),
        id="{r.KeyMetadata.KeyId}",
        read=Call("describe_key", _KEY),
        at="KeyMetadata",
        outputs={"arn": "{r.Arn}", "keyId": "{r.KeyId}"},
        groups=(
            Group(
                ("enableKeyRotation", "rotationPeriodInDays"),
                Call("enable_key_rotation", _KEY, when="{enableKeyRotation}"),
                after=True,
            ),
            Group(("description",), Call("update_key_description", {**_KEY, "Description": "{description}"})),
            Group(("policy",), Call("put_key_policy", {**_KEY, "PolicyName": "default", "Policy": "{policy}"})),
        ),
        delete=(Call("schedule_key_deletion", {**_KEY, "PendingWindowInDays": "{deletionWindowInDays}"}),),
        tags=Tagging(_KEY),
        skip=("deletionWindowInDays", "isEnabled"),
        names={"customerMasterKeySpec": "KeySpec"},
        mark="tags",
        more={"EnableKeyRotation": (Call("get_key_rotation_status", _KEY), "KeyRotationEnabled")},
        gone_in={"KeyState": ("PendingDeletion",)},
        find=Call(
            "get_resources",
            {
                "TagFilters": [{"Key": "mlops-iac:urn", "Values": ["{mark}"]}],
                "ResourceTypeFilters": ["kms:key"],
            },
            service="resourcegroupstaggingapi",
        ),
        found="ResourceTagMappingList",
        found_id="{r.ResourceARN}",
    ),
    Row(
        "aws:kms/grant:Grant",
        "kms",
        Call("create_grant", take=ALL),
        id="{keyId}:{r.GrantId}",
        read=Call("list_grants", {"KeyId": "{keyId}"}),
        at="Grants",
        outputs={"grantId": "{r.GrantId}"},
        pick=lambda grants, context: next(
            (item for item in grants if f"{context['keyId']}:{item['GrantId']}" == context.get("id")), None
        ),
        delete=(Call("revoke_grant", {"KeyId": "{keyId}", "GrantId": "{o.grantId}"}),),
        skip=("grantCreationTokens", "retireOnDelete"),
        unseen=("keyId",),
        alike=True,
        find=Call("list_grants", {"KeyId": "{keyId}"}),
        found="Grants",
        found_id="{keyId}:{r.GrantId}",
    ),
    Row(
        "aws:kms/alias:Alias",
        "kms",
        Call("create_alias", {"AliasName": "{name}", "TargetKeyId": "{targetKeyId}"}),
        id="{name}",
        read=Call("describe_key", {"KeyId": "{name}"}),
        at="KeyMetadata",
        outputs={
            "arn": "arn:{partition}:kms:{region}:{account}:{name}",
            "targetKeyArn": "{r.Arn}",
        },
        groups=(
            Group(("targetKeyId",), Call("update_alias", {"AliasName": "{name}", "TargetKeyId": "{targetKeyId}"})),
        ),
        delete=(Call("delete_alias", {"AliasName": "{name}"}),),
    ),
)
