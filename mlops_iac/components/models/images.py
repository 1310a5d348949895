"""Image repositories: private ECR repositories with tags that cannot be moved.

Creates the repository with encryption and scan on push, a lifecycle policy that drops what was never
released, and a repository policy that lets named accounts pull and nobody else. What an image must come with besides a
scan, AWS stores and does not ask for: bills of materials and signatures lie beside the image as OCI referrers. The
repository's tag ``image-requires`` says to whoever builds and admits images what they must add.
Sources: https://docs.aws.amazon.com/AmazonECR/latest/userguide/security-best-practices.html,
https://docs.aws.amazon.com/AmazonECR/latest/userguide/images.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from mlops_iac.compile.context import BuildContext, Handle
from mlops_iac.components.component import Component, Example, Outputs, Problem
from mlops_iac.components.foundation.keys import KeysOutputs
from mlops_iac.graph.iam import Statement
from mlops_iac.graph.nodes import Layer
from mlops_iac.graph.values import Ref, ToJson, Value
from mlops_iac.spec.base import Spec, doc
from mlops_iac.spec.quantities import Duration
from mlops_iac.spec.system import Classification, System

OWN_ACCOUNT = "MI3300"
"""The system's own account is listed among those that may pull."""
REPEATED_ACCOUNT = "MI3301"
"""An account is listed twice."""
REQUIRES_TAG: Final = "image-requires"
"""Tag of a repository with what a build must add to each image, joined by ``+``."""

_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
_PUSH = ("ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart")
_LOGIN = Statement(
    ("ecr:GetAuthorizationToken",),
    ("*",),
    unscoped="the token is for the whole registry: "
    "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html",
)

Requirement = Literal["sbom", "signature"]
AccountId = Annotated[str, doc("AWS account id.", pattern="^[0-9]{12}$", expects="twelve digits in quotes")]


class ImageSpec(Spec, kw_only=True):
    """One repository for container images."""

    classification: Annotated[
        Classification,
        doc("How sensitive the images are; chooses the KMS key.", replaces=True, loses_data=True),
    ] = "internal"
    scan: Annotated[bool, doc("Scan each image for known flaws when it is pushed.")] = True
    requires: Annotated[
        list[Requirement],
        doc(
            "What a build must attach to each image: an `sbom` (bill of materials) or a `signature`. The repository's "
            "tag image-requires asks for it."
        ),
    ] = []
    keep_untagged: Annotated[Duration, doc("How long images without a tag are kept.")] = Duration(14 * 86400)
    keep_tagged: Annotated[
        int, doc("How many tagged images are kept; older ones are removed.", unit="images", ge=1, le=10000)
    ] = 500
    pull_accounts: Annotated[list[AccountId], doc("Other accounts that may pull, such as that of production.")] = []


@dataclass(frozen=True, slots=True)
class ImageOutputs(Outputs):
    """A repository that others pull from."""

    repository_url: Ref
    repository_arn: Ref
    key_arn: Ref | str

    def pull(self) -> tuple[Statement, ...]:
        """Permissions to pull images of this repository."""
        return (_LOGIN, Statement(_PULL, (self.repository_arn,)))

    def push(self) -> tuple[Statement, ...]:
        """Permissions to pull and push images of this repository; none to remove one."""
        return (_LOGIN, Statement((*_PULL, *_PUSH), (self.repository_arn,)))


def build(name: str, spec: ImageSpec, ctx: BuildContext) -> ImageOutputs:
    """The repository, its lifecycle and its policy."""
    key = ctx.get("keys", "keys", KeysOutputs).arn(spec.classification)
    asked = "+".join(sorted({*spec.requires}))
    repository = ctx.add(
        "repository",
        "aws:ecr/repository:Repository",
        {
            "name": ctx.namer.path(name),
            "imageTagMutability": "IMMUTABLE",
            "imageScanningConfiguration": {"scanOnPush": spec.scan},
            "encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": key}],
            "forceDelete": ctx.core.env.force_destroy,
            "tags": {REQUIRES_TAG: asked} if asked else None,
        },
        stateful=True,
    )
    _lifecycle(spec, ctx, repository)
    _policy(spec, ctx, repository)
    return ImageOutputs(repository["repositoryUrl"], repository["arn"], key)


def _lifecycle(spec: ImageSpec, ctx: BuildContext, repository: Handle) -> None:
    rules: list[Value] = [
        {
            "rulePriority": 1,
            "description": "images that lost their tag or never had one",
            "selection": {
                "tagStatus": "untagged",
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": max(spec.keep_untagged.days, 1),
            },
            "action": {"type": "expire"},
        },
        {
            "rulePriority": 2,
            "description": "the oldest tagged images",
            "selection": {
                "tagStatus": "tagged",
                "tagPatternList": ["*"],
                "countType": "imageCountMoreThan",
                "countNumber": spec.keep_tagged,
            },
            "action": {"type": "expire"},
        },
    ]
    ctx.add(
        "lifecycle",
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        {"repository": repository["name"], "policy": ToJson({"rules": rules})},
    )


def _policy(spec: ImageSpec, ctx: BuildContext, repository: Handle) -> None:
    accounts = sorted({ctx.core.cloud.account, *spec.pull_accounts})
    principals: list[Value] = [f"arn:{ctx.partition}:iam::{account}:root" for account in accounts]
    statement: dict[str, Value] = {
        "Sid": "NamedAccountsPull",
        "Effect": "Allow",
        "Principal": {"AWS": principals},
        "Action": list(_PULL),
    }
    ctx.add(
        "policy",
        "aws:ecr/repositoryPolicy:RepositoryPolicy",
        {
            "repository": repository["name"],
            "policy": ToJson({"Version": "2012-10-17", "Statement": [statement]}),
        },
    )


def check(name: str, spec: ImageSpec, system: System) -> Iterator[Problem]:
    """Accounts that are listed twice or need not be listed."""
    for index, account in enumerate(spec.pull_accounts):
        where = ("pull_accounts", index)
        if account == system.core.cloud.account:
            yield Problem(OWN_ACCOUNT, where, f"{account} is the system's own account and may pull anyway", "remove it")
        elif account in spec.pull_accounts[:index]:
            yield Problem(REPEATED_ACCOUNT, where, f"{account} is listed twice", "remove one")


COMPONENT = Component(
    kind="images",
    label="image repository",
    layer=Layer.MODELS,
    token="mlops:models:Image",
    spec=ImageSpec,
    build=build,
    check=check,
    uses=("keys",),
    examples=(
        Example("Images of a training step", {"trainer": {}}, {}),
        Example(
            "Images that the account of production pulls",
            {"scorer": {"keep_untagged": "3d", "keep_tagged": 100, "pull_accounts": ["444455556666"]}},
            {},
        ),
        Example(
            "Images with a bill of materials and a signature",
            {"scorer": {"requires": ["sbom", "signature"]}},
            {},
        ),
    ),
)
