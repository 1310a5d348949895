"""The loader of provider facts, the check of inputs against them, and single facts that were verified."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import pytest

from mlops_iac.providers import facts
from mlops_iac.providers.facts import (
    Replaces,
    _decode,
    _Table,
    check_inputs,
    facts_of,
    known_tokens,
)

ALL_FILES = sorted(path.stem for path in facts.DATA.glob("*.json"))


class Reference:
    """Stands for a value that is known only after another resource exists."""


# Verified against the schemas of the AWS provider 6.58.0 and pulumi-kubernetes' diff.go (July 2026).
REPLACING = [
    ("aws:s3/bucket:Bucket", "bucket", "always"),
    ("aws:s3/bucket:Bucket", "forceDestroy", "never"),
    ("aws:s3/bucket:Bucket", "tags", "never"),
    ("aws:s3/bucketPolicy:BucketPolicy", "bucket", "always"),
    ("aws:s3/bucketPolicy:BucketPolicy", "policy", "never"),
    ("aws:s3/bucketVersioning:BucketVersioning", "bucket", "always"),
    ("aws:s3/bucketVersioning:BucketVersioning", "versioningConfiguration", "never"),
    ("aws:kms/key:Key", "customerMasterKeySpec", "always"),
    ("aws:kms/key:Key", "policy", "never"),
    ("aws:kms/alias:Alias", "name", "always"),
    ("aws:kms/alias:Alias", "targetKeyId", "never"),
    ("aws:iam/role:Role", "name", "always"),
    ("aws:iam/role:Role", "path", "always"),
    ("aws:iam/role:Role", "assumeRolePolicy", "never"),
    ("aws:iam/role:Role", "permissionsBoundary", "never"),
    ("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "policyArn", "always"),
    ("aws:ec2/vpc:Vpc", "cidrBlock", "always"),
    ("aws:ec2/vpc:Vpc", "enableDnsSupport", "never"),
    ("aws:ec2/subnet:Subnet", "cidrBlock", "always"),
    ("aws:ec2/subnet:Subnet", "availabilityZone", "always"),
    ("aws:ec2/subnet:Subnet", "mapPublicIpOnLaunch", "never"),
    ("aws:ec2/securityGroup:SecurityGroup", "description", "always"),
    ("aws:ec2/launchTemplate:LaunchTemplate", "instanceType", "never"),
    ("aws:eks/cluster:Cluster", "roleArn", "always"),
    ("aws:eks/cluster:Cluster", "version", "never"),
    ("aws:eks/cluster:Cluster", "encryptionConfig", "maybe"),
    ("aws:eks/nodeGroup:NodeGroup", "instanceTypes", "always"),
    ("aws:eks/nodeGroup:NodeGroup", "amiType", "always"),
    ("aws:eks/nodeGroup:NodeGroup", "scalingConfig", "never"),
    ("aws:eks/nodeGroup:NodeGroup", "scalingConfig.maxSize", "never"),
    ("aws:eks/podIdentityAssociation:PodIdentityAssociation", "serviceAccount", "always"),
    ("aws:eks/podIdentityAssociation:PodIdentityAssociation", "roleArn", "never"),
    ("aws:ecr/repository:Repository", "name", "always"),
    ("aws:ecr/repository:Repository", "imageTagMutability", "never"),
    ("aws:sagemaker/featureGroup:FeatureGroup", "featureDefinitions", "always"),
    ("aws:sagemaker/featureGroup:FeatureGroup", "featureDefinitions.0.featureName", "always"),
    ("aws:sagemaker/featureGroup:FeatureGroup", "featureGroupName", "always"),
    ("aws:sagemaker/featureGroup:FeatureGroup", "tags", "never"),
    ("aws:sagemaker/endpoint:Endpoint", "name", "always"),
    ("aws:sagemaker/endpoint:Endpoint", "endpointConfigName", "never"),
    ("aws:sagemaker/endpointConfiguration:EndpointConfiguration", "productionVariants", "always"),
    ("aws:sagemaker/endpointConfiguration:EndpointConfiguration", "dataCaptureConfig", "always"),
    ("aws:sagemaker/endpointConfiguration:EndpointConfiguration", "kmsKeyArn", "always"),
    ("aws:sagemaker/endpointConfiguration:EndpointConfiguration", "tags", "never"),
    ("aws:sagemaker/model:Model", "primaryContainer", "always"),
    ("aws:sagemaker/pipeline:Pipeline", "pipelineDefinition", "never"),
    ("aws:sagemaker/domain:Domain", "vpcId", "always"),
    ("aws:sagemaker/notebookInstance:NotebookInstance", "subnetId", "always"),
    ("aws:sagemaker/notebookInstance:NotebookInstance", "instanceType", "never"),
    ("aws:rds/instance:Instance", "engine", "always"),
    ("aws:rds/instance:Instance", "engineVersion", "never"),
    ("aws:rds/instance:Instance", "instanceClass", "never"),
    ("aws:rds/instance:Instance", "storageEncrypted", "always"),
    ("aws:dynamodb/table:Table", "hashKey", "always"),
    ("aws:dynamodb/table:Table", "billingMode", "never"),
    ("aws:cloudwatch/logGroup:LogGroup", "retentionInDays", "never"),
    ("aws:lambda/permission:Permission", "action", "always"),
    ("aws:sfn/stateMachine:StateMachine", "definition", "never"),
    ("aws:sns/topicSubscription:TopicSubscription", "topic", "always"),
    ("aws:sqs/queue:Queue", "fifoQueue", "always"),
    ("aws:s3/bucket:Bucket", "region", "always"),
    ("kubernetes:apps/v1:Deployment", "spec.selector.matchLabels.app", "always"),
    ("kubernetes:apps/v1:Deployment", "spec.template", "never"),
    ("kubernetes:apps/v1:StatefulSet", "spec.volumeClaimTemplates", "always"),
    ("kubernetes:apps/v1:StatefulSet", "spec.replicas", "never"),
    ("kubernetes:batch/v1:Job", "spec.template", "always"),
    ("kubernetes:batch/v1:CronJob", "spec.schedule", "never"),
    ("kubernetes:core/v1:ConfigMap", "data", "always"),
    ("kubernetes:core/v1:Service", "spec.clusterIP", "always"),
    ("kubernetes:core/v1:Service", "spec.ports", "never"),
    ("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "roleRef", "always"),
    ("kubernetes:storage.k8s.io/v1:StorageClass", "provisioner", "always"),
    ("kubernetes:kueue.x-k8s.io/v1beta1:ClusterQueue", "metadata.name", "always"),
    ("kubernetes:kueue.x-k8s.io/v1beta1:ClusterQueue", "spec.cohort", "never"),
]


@pytest.mark.parametrize(("token", "path", "expected"), REPLACING)
def test_whether_a_change_replaces(token: str, path: str, expected: str) -> None:
    found = facts_of(token)
    assert found is not None
    parts = [int(part) if part.isdigit() else part for part in path.split(".")]
    assert found.replaced_by(parts) == Replaces(expected)


@pytest.mark.parametrize("file", ALL_FILES)
def test_every_row_decodes(file: str) -> None:
    seen: set[int] = set()

    def visit(found: facts.PropertyFacts) -> None:
        for below in (found.items, *found.choices, *(found.properties or {}).values()):
            if below is not None and id(below) not in seen:
                seen.add(id(below))
                visit(below)

    for token in known_tokens(file):
        found = facts_of(token)
        assert found is not None
        for property_facts in (*found.inputs.values(), *found.outputs.values()):
            visit(property_facts)
        if found.physical_name is not None:
            assert found.physical_name[0] in found.inputs


def test_an_object_is_kept_once_a_file() -> None:
    for file in ALL_FILES:
        objects = json.loads((facts.DATA / f"{file}.json").read_text(encoding="utf-8"))["objects"]
        assert len(set(objects.values())) == len(objects)


def test_the_data_stays_small() -> None:
    assert sum(path.stat().st_size for path in facts.DATA.glob("*.json")) < 2_000_000


def test_the_notation() -> None:
    table = _Table("aws-sagemaker")
    found = _decode("!^*[s", table)
    assert (found.shape, found.required, found.replaces, found.secret) == ("array", True, "always", True)
    assert found.items is not None
    assert found.items.shape == "string"
    union = _decode("?s|{i", table)
    assert [choice.shape for choice in union.choices] == ["string", "map"]
    assert union.replaces is Replaces.MAYBE
    assert _decode("#", table).properties is None


def test_tags_outputs_names_and_secrets() -> None:
    bucket, group = facts_of("aws:s3/bucket:Bucket"), facts_of("aws:autoscaling/group:Group")
    database, policy = facts_of("aws:rds/instance:Instance"), facts_of("aws:s3/bucketPolicy:BucketPolicy")
    feature_group = facts_of("aws:sagemaker/featureGroup:FeatureGroup")
    assert bucket and group and database and policy and feature_group
    assert bucket.taggable
    assert not policy.taggable
    assert not group.taggable  # its tags are a list of objects
    assert {"arn", "bucketDomainName", "tagsAll"} <= set(bucket.outputs)
    assert (bucket.physical_name, bucket.autonamed) == (("bucket",), True)
    assert (feature_group.physical_name, feature_group.autonamed) == (("featureGroupName",), False)
    assert database.secrets == {"password", "passwordWo"}
    assert database.is_secret(("password",))
    workforce = facts_of("aws:sagemaker/workforce:Workforce")
    assert workforce and workforce.is_secret(("oidcConfig", "clientSecret"))
    kubernetes_secret = facts_of("kubernetes:core/v1:Secret")
    assert kubernetes_secret and kubernetes_secret.is_secret(("stringData", "token"))


@pytest.mark.parametrize(
    ("token", "old", "new", "expected"),
    [
        ("aws:s3/bucket:Bucket", {"bucket": "a"}, {"bucket": "a"}, True),
        ("aws:s3/bucket:Bucket", {"bucket": "a"}, {"bucket": "b"}, False),
        ("aws:s3/bucket:Bucket", {}, {}, False),
        ("aws:ec2/subnet:Subnet", {"cidrBlock": "10.0.0.0/24"}, {"cidrBlock": "10.0.1.0/24"}, False),
        (
            "kubernetes:batch/v1:Job",
            {"metadata": {"name": "a", "namespace": "x"}},
            {"metadata": {"name": "a", "namespace": "x"}},
            True,
        ),
        (
            "kubernetes:batch/v1:Job",
            {"metadata": {"name": "a", "namespace": "x"}},
            {"metadata": {"name": "a", "namespace": "y"}},
            False,
        ),
    ],
)
def test_what_has_to_be_deleted_first(token: str, old: dict[str, Any], new: dict[str, Any], expected: bool) -> None:
    found = facts_of(token)
    assert found is not None
    assert found.deletes_first(old, new) is expected


VARIANT = {"modelName": Reference(), "instanceType": "ml.m5.large", "initialInstanceCount": 1}

GOOD = [
    ("aws:s3/bucket:Bucket", {}),
    ("aws:s3/bucket:Bucket", {"bucket": "raw", "tags": {"team": "ml"}, "forceDestroy": True}),
    ("aws:s3/bucketPolicy:BucketPolicy", {"bucket": Reference(), "policy": Reference()}),
    ("aws:iam/policy:Policy", {"policy": {"Version": "2012-10-17", "Statement": []}}),
    ("aws:iam/policy:Policy", {"policy": "{}", "description": None}),
    ("aws:sagemaker/endpointConfiguration:EndpointConfiguration", {"productionVariants": [VARIANT]}),
    (
        "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
        {"productionVariants": [{**VARIANT, "initialVariantWeight": 1}]},
    ),
    (
        "kubernetes:core/v1:Service",
        {
            "apiVersion": "v1",
            "kind": "Service",
            "spec": {"ports": [{"port": 80, "targetPort": "http"}, {"port": 81, "targetPort": 8081}]},
        },
    ),
    (
        "kubernetes:kueue.x-k8s.io/v1beta1:ClusterQueue",
        {
            "apiVersion": "kueue.x-k8s.io/v1beta1",
            "kind": "ClusterQueue",
            "metadata": {"name": "gpu"},
            "spec": {"anything": [1, {"goes": True}]},
        },
    ),
    ("pulumi:providers:aws", {"region": "eu-central-1", "allowedAccountIds": ["123456789012"]}),
    ("pulumi:providers:kubernetes", {"kubeconfig": Reference(), "enableServerSideApply": True}),
]


@pytest.mark.parametrize(("token", "inputs"), GOOD)
def test_right_inputs_have_no_problem(token: str, inputs: dict[str, Any]) -> None:
    assert check_inputs(token, inputs) == []


BAD = [
    ("aws:s3/bukket:Bucket", {}, "", "unknown resource type 'aws:s3/bukket:Bucket'", "did you mean"),
    ("kubernetes:core/v1:Sevice", {}, "", "unknown resource type 'kubernetes:core/v1:Sevice'", "Service"),
    ("aws:s3/bucket:Bucket", {"bukcet": "a"}, "bukcet", "unknown property `bukcet`", "`bucket`"),
    ("aws:s3/bucket:Bucket", {"forceDestroy": "yes"}, "forceDestroy", "true or false, not a string", ""),
    ("aws:s3/bucket:Bucket", {"tags": ["a"]}, "tags", "must be a map, not a list", ""),
    ("aws:s3/bucket:Bucket", {"tags": {"a": 1}}, "tags.a", "must be a string, not an integer", ""),
    ("aws:ec2/subnet:Subnet", {"cidrBlock": "10.0.0.0/24"}, "vpcId", "missing required", "set `vpcId`"),
    ("aws:ec2/subnet:Subnet", {"vpcId": None}, "vpcId", "missing required property `vpcId`", ""),
    (
        "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
        {"productionVariants": VARIANT},
        "productionVariants",
        "must be a list, not a map",
        "",
    ),
    (
        "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
        {"productionVariants": [{**VARIANT, "initialInstanceCount": "1"}]},
        "productionVariants.0.initialInstanceCount",
        "`productionVariants[0].initialInstanceCount` must be an integer, not a string",
        "",
    ),
    (
        "kubernetes:apps/v1:Deployment",
        {"spec": {"selector": {}, "template": {"spec": {"containers": [{"name": "a", "imag": "b"}]}}}},
        "spec.template.spec.containers.0.imag",
        "unknown property `spec.template.spec.containers[0].imag`",
        "did you mean `image`?",
    ),
    ("aws:iam/policy:Policy", {"policy": 1}, "policy", "must be a string or an object, not an integer", ""),
    (
        "kubernetes:kueue.x-k8s.io/v1beta1:ClusterQueue",
        {"apiVersion": "kueue.x-k8s.io/v1beta1", "kind": "ClusterQueue", "metadata": {"nam": "gpu"}},
        "metadata.nam",
        "unknown property `metadata.nam`",
        "did you mean `name`?",
    ),
]


@pytest.mark.parametrize(("token", "inputs", "path", "message", "hint"), BAD)
def test_wrong_inputs_are_named(token: str, inputs: dict[str, Any], path: str, message: str, hint: str) -> None:
    problems = check_inputs(token, inputs)
    assert [".".join(str(part) for part in problem.path) for problem in problems] == [path]
    assert message in problems[0].message
    assert hint in problems[0].hint


def test_unknown_types_have_no_facts() -> None:
    assert facts_of("aws:s3/nothing:Nothing") is None
    assert facts_of("aws:nothing/nothing:Nothing") is None
    assert facts_of("nonsense") is None
    assert facts_of("kubernetes:apps/v1:Deploymint") is None


def test_loading_is_fast_and_imports_no_sdk() -> None:
    tokens = [token for file in ("aws-s3", "aws-iam", "aws-sagemaker", "aws-eks") for token in known_tokens(file)]
    program = (
        "import sys; from mlops_iac.providers.facts import facts_of; "
        f"[facts_of(token) for token in {tokens[:40]!r}]; "
        "sys.exit(any(name.startswith(('pulumi', 'boto', 'cfnlint')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
    for cached in (facts_of, facts._table):
        cached.cache_clear()
    start = time.perf_counter()
    for token in tokens[:40]:
        facts_of(token)
    assert time.perf_counter() - start < 0.05  # 5 ms on a quiet machine
