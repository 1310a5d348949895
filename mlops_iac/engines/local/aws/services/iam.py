"""IAM: https://docs.aws.amazon.com/IAM/latest/APIReference/"""

from __future__ import annotations

from mlops_iac.engines.local.aws.row import ALL, Call, Group, Row, Tagging, setting

_ROLE = {"RoleName": "{name}"}

ROWS = (
    Row(
        "aws:iam/role:Role",
        "iam",
        Call("create_role", take=ALL),
        id="{name}",
        read=Call("get_role", _ROLE),
        at="Role",
        outputs={"arn": "{r.Arn}", "uniqueId": "{r.RoleId}", "createDate": "{r.CreateDate}", "name": "{name}"},
        groups=(
            Group(
                ("assumeRolePolicy",),
                Call("update_assume_role_policy", {**_ROLE, "PolicyDocument": "{assumeRolePolicy}"}),
            ),
            Group(
                ("description", "maxSessionDuration"),
                Call("update_role", _ROLE, take=("description", "maxSessionDuration")),
            ),
            Group(
                ("permissionsBoundary",),
                Call("put_role_permissions_boundary", {**_ROLE, "PermissionsBoundary": "{permissionsBoundary}"}),
                unset=Call("delete_role_permissions_boundary", _ROLE),
            ),
        ),
        delete=(Call("delete_role", _ROLE),),
        tags=Tagging(_ROLE, "tag_role", "untag_role"),
        names={"name": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument"},
        skip=("forceDetachPolicies", "namePrefix", "inlinePolicies", "managedPolicyArns"),
    ),
    setting(
        "aws:iam/rolePolicy:RolePolicy",
        "iam",
        Call("put_role_policy", {"RoleName": "{role}", "PolicyName": "{name}", "PolicyDocument": "{policy}"}),
        Call("get_role_policy", {"RoleName": "{role}", "PolicyName": "{name}"}),
        id="{role}:{name}",
        reset=(Call("delete_role_policy", {"RoleName": "{role}", "PolicyName": "{name}"}),),
        names={"policy": "PolicyDocument"},
    ),
    Row(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "iam",
        Call("attach_role_policy", {"RoleName": "{role}", "PolicyArn": "{policyArn}"}),
        id="{role}/{policyArn}",
        read=Call("list_attached_role_policies", {"RoleName": "{role}"}),
        at="AttachedPolicies",
        pick=lambda listed, context: next((item for item in listed if item["PolicyArn"] == context["policyArn"]), None),
        refusals={"Policy arn:aws:iam::aws:policy/": "moto does not know this policy of AWS yet"},
        delete=(Call("detach_role_policy", {"RoleName": "{role}", "PolicyArn": "{policyArn}"}),),
    ),
    Row(
        "aws:iam/policy:Policy",
        "iam",
        Call("create_policy", take=ALL),
        id="{r.Policy.Arn}",
        read=Call("get_policy", {"PolicyArn": "{id}"}),
        at="Policy",
        outputs={"arn": "{r.Arn}", "policyId": "{r.PolicyId}", "name": "{r.PolicyName}"},
        groups=(
            Group(
                ("policy",),
                Call(
                    "create_policy_version", {"PolicyArn": "{id}", "PolicyDocument": "{policy}", "SetAsDefault": True}
                ),
            ),
        ),
        delete=(Call("delete_policy", {"PolicyArn": "{id}"}),),
        tags=Tagging({"PolicyArn": "{id}"}, "tag_policy", "untag_policy"),
        names={"name": "PolicyName", "policy": "PolicyDocument"},
        more={
            "PolicyDocument": (
                Call("get_policy_version", {"PolicyArn": "{id}", "VersionId": "{r.DefaultVersionId}"}),
                "PolicyVersion.Document",
            ),
        },
        find=Call("get_policy", {"PolicyArn": "arn:{partition}:iam::{account}:policy{path|/}{name}"}),
        found="Policy",
        found_id="{r.Arn}",
    ),
    Row(
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        "iam",
        Call("create_open_id_connect_provider", take=ALL),
        id="arn:{partition}:iam::{account}:oidc-provider/{host}",
        read=Call("get_open_id_connect_provider", {"OpenIDConnectProviderArn": "{id}"}),
        outputs={"arn": "{id}", "url": "{r.Url}"},
        groups=(
            Group(
                ("thumbprintLists",),
                Call(
                    "update_open_id_connect_provider_thumbprint",
                    {"OpenIDConnectProviderArn": "{id}", "ThumbprintList": "{thumbprintLists}"},
                ),
            ),
        ),
        delete=(Call("delete_open_id_connect_provider", {"OpenIDConnectProviderArn": "{id}"}),),
        tags=Tagging(
            {"OpenIDConnectProviderArn": "{id}"}, "tag_open_id_connect_provider", "untag_open_id_connect_provider"
        ),
        names={"clientIdLists": "ClientIDList", "thumbprintLists": "ThumbprintList"},
        hook=lambda context: {
            **context,
            "thumbprintLists": context.get("thumbprintLists") or [],
            "host": context.get("host") or str(context.get("url", "")).removeprefix("https://"),
        },
        unseen=("url",),
    ),
    Row(
        "aws:iam/instanceProfile:InstanceProfile",
        "iam",
        Call("create_instance_profile", take=ALL),
        id="{name}",
        read=Call("get_instance_profile", {"InstanceProfileName": "{name}"}),
        at="InstanceProfile",
        outputs={"arn": "{r.Arn}", "uniqueId": "{r.InstanceProfileId}"},
        groups=(
            Group(
                ("role",),
                Call("add_role_to_instance_profile", {"InstanceProfileName": "{name}", "RoleName": "{role}"}),
                after=True,
            ),
        ),
        delete=(
            Call("remove_role_from_instance_profile", {"InstanceProfileName": "{name}", "RoleName": "{role}"}),
            Call("delete_instance_profile", {"InstanceProfileName": "{name}"}),
        ),
        tags=Tagging({"InstanceProfileName": "{name}"}, "tag_instance_profile", "untag_instance_profile"),
        names={"name": "InstanceProfileName", "role": None},
    ),
)
