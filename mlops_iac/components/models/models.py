"""Model registry: a SageMaker model package group with stages, approvals and who may use it.

Creates the group, its resource policy, a model card where asked for, and an EventBridge rule that reports every change
of a version's state. Which version each stage runs is data (`released`): a promotion is a reviewed change of one line.
Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry.html and
https://docs.aws.amazon.com/sagemaker/latest/dg/model-cards.html#model-cards-json-schema
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from mlops_iac.compile.context import BuildContext, Handle
from mlops_iac.components.component import Component, Example, Outputs, Problem
from mlops_iac.components.foundation.alerts import AlertOutputs
from mlops_iac.components.foundation.keys import KeysOutputs
from mlops_iac.graph.iam import Statement
from mlops_iac.graph.nodes import Layer
from mlops_iac.graph.values import Ref, ToJson, Value, join
from mlops_iac.spec.base import Name, Spec, doc
from mlops_iac.spec.card import CardEntry, CardStage, facts
from mlops_iac.spec.suggest import did_you_mean
from mlops_iac.spec.system import Classification, System

UNKNOWN_STAGE = "MI3420"
"""`approval` or `released` names a stage that the model does not have."""
DUPLICATE_STAGE = "MI3421"
"""A stage is listed twice."""
SHARED_WITH_SELF = "MI3422"
"""`share_with` names the system's own account."""
CARD_FIELDS_WITHOUT_CARD = "MI3423"
"""Text for a model card is given and no card is wanted."""

Approval = Literal["automatic", "one_person", "two_person"]
ApprovalStatus = Literal["Approved", "PendingManualApproval"]

_RISK_RATING = {"minimal": "Low", "limited": "Medium", "high": "High"}
_READ = ("sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages")
_USE = (*_READ, "sagemaker:CreateModel", "sagemaker:DescribeModelPackageGroup")


class ModelSpec(Spec, kw_only=True):
    """A model whose trained versions are registered, approved and released."""

    stages: Annotated[
        tuple[Name, ...], doc("Stages that a version passes, in order; the last one is production.", min_length=1)
    ] = ("dev", "staging", "prod")
    approval: Annotated[
        dict[Name, Approval],
        doc("Who approves a version for a stage; unset: one person for the last stage, nobody for the others."),
    ] = {}
    released: Annotated[
        dict[Name, Annotated[int, doc("Version.", ge=1)]],
        doc("Registered version that each stage runs; a stage without one runs nothing yet."),
    ] = {}
    card: Annotated[bool, doc("Keep a model card with purpose, owner and risk.")] = False
    intended_use: (
        Annotated[
            str, doc("Who may use the model for what (model card); unset takes `system.purpose`.", max_length=2048)
        ]
        | None
    ) = None
    limitations: Annotated[str, doc("Where the model must not be trusted (model card).", max_length=2048)] | None = None
    card_status: Annotated[
        Literal["draft", "pending_review", "approved", "archived"], doc("State of the model card.")
    ] = "draft"
    share_with: Annotated[
        list[Annotated[str, doc("Account id.", pattern="^[0-9]{12}$", expects="twelve digits in quotes")]],
        doc("Other accounts that may deploy the versions."),
    ] = []
    classification: Annotated[Classification, doc("How sensitive the model is; chooses the key of its card.")] = (
        "internal"
    )
    description: Annotated[str, doc("What the model predicts.", max_length=1024)] | None = None
    alert: Annotated[
        str | None, doc("Where changes of a version's state are reported; unset: every declared alert.", ref="alerts")
    ] = None


@dataclass(frozen=True, slots=True)
class ModelOutputs(Outputs):
    """A registry group and the version that each stage runs.

    ``approval_status`` is the status with which a pipeline registers a version: approved only where no stage needs
    a person. ``production`` is the last stage.
    """

    group_name: Value
    group_arn: Value
    package_arns: Value
    released: Mapping[str, Value]
    approval_status: ApprovalStatus
    production: str
    card_name: Value = None

    def register(self) -> tuple[Statement, ...]:
        """Permissions to register versions in the group."""
        return (
            Statement(("sagemaker:DescribeModelPackageGroup",), (self.group_arn,)),
            Statement(
                ("sagemaker:AddTags", "sagemaker:CreateModelPackage", *_READ), (self.group_arn, self.package_arns)
            ),
        )

    def read(self) -> tuple[Statement, ...]:
        """Permissions to look at the versions of the group."""
        return (Statement(_READ, (self.group_arn, self.package_arns)),)


def approvals(spec: ModelSpec) -> dict[str, Approval]:
    """Who approves a version for each stage, defaults filled in."""
    last = spec.stages[-1]
    return {stage: spec.approval.get(stage, "one_person" if stage == last else "automatic") for stage in spec.stages}


def build(name: str, spec: ModelSpec, ctx: BuildContext) -> ModelOutputs:
    """The group with its policy, card and events."""
    group = ctx.add(
        "group",
        "aws:sagemaker/modelPackageGroup:ModelPackageGroup",
        {
            "modelPackageGroupName": ctx.namer.cloud(name),
            "modelPackageGroupDescription": spec.description or f"Versions of {name}",
            "tags": {f"approval:{stage}": who for stage, who in approvals(spec).items()},
        },
        stateful=True,
    )
    group_name = group["modelPackageGroupName"]
    packages = join(ctx.arn("sagemaker", "model-package/"), group_name)
    _policy(spec, group, packages, ctx)
    card = _card(name, spec, ctx) if spec.card else None
    _events(name, spec, group_name, ctx)
    return ModelOutputs(
        group_name,
        group["arn"],
        join(packages, "/*"),
        {stage: join(packages, f"/{version}") for stage, version in spec.released.items()},
        "Approved" if set(approvals(spec).values()) == {"automatic"} else "PendingManualApproval",
        spec.stages[-1],
        card["modelCardName"] if card else None,
    )


def _policy(spec: ModelSpec, group: Handle, packages: Value, ctx: BuildContext) -> None:
    accounts = (ctx.core.cloud.account, *spec.share_with)
    principals: list[Value] = [f"arn:{ctx.partition}:iam::{account}:root" for account in accounts]
    ctx.add(
        "policy",
        "aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy",
        {
            "modelPackageGroupName": group["modelPackageGroupName"],
            "resourcePolicy": ToJson(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "UseVersions",
                            "Effect": "Allow",
                            "Principal": {"AWS": principals},
                            "Action": sorted(_USE),
                            "Resource": [group["arn"], join(packages, "/*")],
                        }
                    ],
                }
            ),
        },
    )


def _card(name: str, spec: ModelSpec, ctx: BuildContext) -> Handle:
    return ctx.add(
        "card",
        "aws:sagemaker/modelCard:ModelCard",
        {
            "modelCardName": ctx.namer.cloud(name),
            "modelCardStatus": "".join(word.capitalize() for word in spec.card_status.split("_")),
            "content": ToJson(card_content(name, spec, ctx)),
            "securityConfig": {"kmsKeyId": ctx.get("keys", "keys", KeysOutputs).arn(spec.classification)},
        },
    )


def card_content(name: str, spec: ModelSpec, ctx: BuildContext) -> dict[str, Value]:
    """The model card's document, as its published JSON schema wants it."""
    system = ctx.core.system
    overview: dict[str, Value] = {"model_name": name, "model_owner": system.owner}
    if spec.description:
        overview["model_description"] = spec.description
    details: dict[str, Value] = {
        "system": system.name,
        "environment": ctx.core.env.name,
        "risk class": system.risk_class,
        "regulations": ", ".join(system.regulations) or "none declared",
        **{f"approval for {stage}": who for stage, who in approvals(spec).items()},
    }
    further: dict[str, Value] = {"custom_details": details}
    if spec.limitations:
        further["caveats_and_recommendations"] = spec.limitations
    return {
        "model_overview": overview,
        "intended_uses": {
            "purpose_of_model": system.purpose,
            "intended_uses": spec.intended_use or system.purpose,
            "risk_rating": _RISK_RATING[system.risk_class],
            "explanations_for_risk_rating": f"EU AI Act risk class of the system: {system.risk_class}",
        },
        "business_details": {"business_problem": system.purpose, "business_stakeholders": system.owner},
        "additional_information": further,
    }


def _events(name: str, spec: ModelSpec, group_name: Ref, ctx: BuildContext) -> None:
    alerts = ctx.all("alerts", AlertOutputs)
    chosen = {spec.alert: alerts[spec.alert]} if spec.alert else alerts
    rule = ctx.add(
        "events",
        "aws:cloudwatch/eventRule:EventRule",
        {
            "name": ctx.namer.cloud("model", name, limit=64),
            "description": f"State changes of versions of model {name}",
            "eventPattern": ToJson(
                {
                    "source": ["aws.sagemaker"],
                    "detail-type": ["SageMaker Model Package State Change"],
                    "detail": {"ModelPackageGroupName": [group_name]},
                }
            ),
        },
    )
    for alert, outputs in chosen.items():
        ctx.add(
            f"events-to-{alert}",
            "aws:cloudwatch/eventTarget:EventTarget",
            {
                "rule": rule["name"],
                "targetId": alert,
                "arn": outputs.topic_arn,
                "inputTransformer": {
                    "inputPaths": {
                        "package": "$.detail.ModelPackageArn",
                        "version": "$.detail.ModelPackageVersion",
                        "status": "$.detail.ModelApprovalStatus",
                    },
                    "inputTemplate": f'"Model {name}: version <version> is now <status> (<package>)"',
                },
            },
        )


def check(name: str, spec: ModelSpec, system: System) -> Iterator[Problem]:
    """Stages that exist, once each; accounts that are others."""
    for index, stage in enumerate(spec.stages):
        if stage in spec.stages[:index]:
            yield Problem(
                DUPLICATE_STAGE, ("stages", index), f"stage {stage!r} is listed twice", "remove the second one"
            )
    for section, entries in (("approval", spec.approval), ("released", spec.released)):
        for stage in entries:
            if stage not in spec.stages:
                hint = did_you_mean(stage, spec.stages) or f"stages: {', '.join(spec.stages)}"
                yield Problem(UNKNOWN_STAGE, (section, stage), f"model {name!r} has no stage {stage!r}", hint)
    for index, account in enumerate(spec.share_with):
        if account == system.core.cloud.account:
            yield Problem(
                SHARED_WITH_SELF,
                ("share_with", index),
                f"{account} is the system's own account, which has access",
                "remove it",
            )
    for field, text in (("intended_use", spec.intended_use), ("limitations", spec.limitations)):
        if text and not spec.card:
            yield Problem(
                CARD_FIELDS_WITHOUT_CARD,
                (field,),
                f"`{field}` is text for a model card, and `card` is off",
                "set `card: true`",
            )


def card(name: str, spec: ModelSpec, system: System) -> CardEntry:
    return CardEntry(
        CardStage.REGISTRY,
        facts(
            ("predicts", spec.description),
            ("intended use", spec.intended_use or system.core.system.purpose),
            ("limitations", spec.limitations or "none stated"),
            *((f"approval for {stage}", who.replace("_", " ")) for stage, who in approvals(spec).items()),
            *((f"released in {stage}", f"version {version}") for stage, version in spec.released.items()),
            ("model card", spec.card_status.replace("_", " ") if spec.card else "none"),
            ("shared with accounts", spec.share_with),
        ),
        spec.classification,
    )


COMPONENT = Component(
    kind="models",
    label="model",
    layer=Layer.MODELS,
    token="mlops:models:Model",
    spec=ModelSpec,
    build=build,
    card=card,
    check=check,
    uses=("keys", "alerts"),
    examples=(
        Example("A model whose versions one person approves for production", {"churn": {}}, {}),
        Example(
            "A released model with a card, shared with the production account",
            {
                "fraud-scorer": {
                    "stages": ["dev", "staging", "prod"],
                    "approval": {"staging": "automatic", "prod": "two_person"},
                    "released": {"staging": 4, "prod": 3},
                    "card": True,
                    "limitations": "Not for merchants with fewer than 100 transactions",
                    "share_with": ["444455556666"],
                    "alert": "governance",
                    "protect": "no_delete",
                }
            },
            {"alerts": {"governance": {"email": ["ml-governance@example.com"]}}},
        ),
    ),
)
