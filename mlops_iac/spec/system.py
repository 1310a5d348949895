"""The parts of a system that are not components: who owns it, where it runs, how strict it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mlops_iac.diagnostics import ConfigPath, Diagnostic
from mlops_iac.spec.base import Date, Name, Spec, doc
from mlops_iac.spec.gates import Declaration, EnvironmentGate, GateApproval, PromotionSection, Protection, SpendLimit
from mlops_iac.spec.imports import ImportSection
from mlops_iac.spec.quantities import Duration
from mlops_iac.spec.usage import UsageSection

if TYPE_CHECKING:
    from mlops_iac.components.component import Component

Classification = Literal["public", "internal", "confidential", "restricted"]
"""How sensitive data is; each level in use gets a KMS key of its own."""
RiskClass = Literal["minimal", "limited", "high"]
Regulation = Literal["gdpr", "hipaa", "eu-ai-act", "nist-ai-rmf"]
Enforcement = Literal["remediate", "mandatory", "advisory", "off"]
"""Whether a policy's violation is put right, stops an apply, is only shown, or is not even looked for."""


class SystemSection(Spec, kw_only=True):
    """The ML system as a whole: identity, owner and purpose."""

    name: Annotated[
        str,
        doc(
            "Name of the system; the first part of every cloud name.",
            pattern="^[a-z][a-z0-9-]{0,18}[a-z0-9]$",
            expects="lower-case letters, digits and hyphens, 2 to 20 characters",
            replaces=True,
            loses_data=True,
        ),
    ]
    owner: Annotated[
        str,
        doc(
            "Who answers for it: a mail address of a team.",
            pattern="^[^@\\s]+@[^@\\s]+$",
            expects="a mail address",
        ),
    ]
    purpose: Annotated[str, doc("What the models decide, in one sentence.", min_length=1)]
    risk_class: Annotated[RiskClass, doc("EU AI Act risk class (Regulation (EU) 2024/1689).")] = "minimal"
    regulations: Annotated[list[Regulation], doc("Laws and frameworks that the system must meet.")] = []
    tags: Annotated[dict[str, str], doc("Further tags for every cloud resource.")] = {}


class AssumeRole(Spec, kw_only=True):
    """The role that the provider takes on before it calls AWS, so that a person or a CI job needs only the right to do
    that. Source: https://www.pulumi.com/registry/packages/aws/installation-configuration/"""

    role_arn: Annotated[
        str,
        doc(
            "Role in the account of the system.",
            pattern="^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$",
            expects="the ARN of an IAM role",
        ),
    ]
    external_id: Annotated[str | None, doc("External id that the role's trust policy asks for.")] = None
    session_name: Annotated[
        str,
        doc(
            "Name of the session, which CloudTrail shows.",
            pattern="^[A-Za-z0-9_=,.@-]{2,64}$",
            expects="2 to 64 letters, digits or _=,.@-",
        ),
    ] = "mlops-iac"


class CloudSection(Spec, kw_only=True):
    """The cloud account and region in which the system runs."""

    provider: Annotated[Literal["aws"], doc("Cloud provider.")] = "aws"
    region: Annotated[
        str,
        doc(
            "AWS region.",
            pattern="^[a-z]{2}(-[a-z]+)+-[0-9]$",
            expects="an AWS region such as eu-west-1",
            replaces=True,
            loses_data=True,
        ),
    ]
    account: Annotated[
        str,
        doc(
            "AWS account id; other accounts are refused. Quote it: YAML drops leading zeros.",
            pattern="^[0-9]{12}$",
            expects="twelve digits in quotes",
        ),
    ]
    assume_role: Annotated[AssumeRole | None, doc("Role that deploys; without it the caller's own identity does.")] = (
        None
    )
    default_tags: Annotated[
        dict[str, str],
        doc("Tags that the AWS provider gives to what it creates, beside those of each resource."),
    ] = {}

    def provider_inputs(self) -> dict[str, Any]:
        """What configures an AWS provider, but for the name under which it takes the role."""
        tags = {"defaultTags": {"tags": dict(sorted(self.default_tags.items()))}} if self.default_tags else {}
        return {"region": self.region, "allowedAccountIds": [self.account], **tags}

    def role_to_assume(self) -> dict[str, Any] | None:
        """The role to take on, in the provider's words."""
        if self.assume_role is None:
            return None
        role = self.assume_role
        external = {"externalId": role.external_id} if role.external_id is not None else {}
        return {"roleArn": role.role_arn, "sessionName": role.session_name, **external}

    @property
    def partition(self) -> str:
        """AWS partition of the region, for ARNs that have to be written out."""
        return (
            "aws-cn" if self.region.startswith("cn-") else "aws-us-gov" if self.region.startswith("us-gov-") else "aws"
        )


class EnvironmentSection(Spec, kw_only=True):
    """What differs between dev, staging and prod; filled by the config group ``env``."""

    name: Annotated[Literal["dev", "staging", "prod"], doc("Environment; the name of every Pulumi stack.")]
    protect_data: Annotated[bool, doc("Protect stateful resources from deletion, and keep them on destroy.")]
    force_destroy: Annotated[bool, doc("Let destroy empty buckets and repositories first.")]
    multi_az: Annotated[bool, doc("Run databases in several availability zones.")]
    deletion_window: Annotated[Duration, doc("Waiting time before a KMS key is deleted (7d to 30d).")]
    log_retention: Annotated[Duration, doc("How long log groups keep events.")]
    backup_retention: Annotated[Duration, doc("How long database backups are kept.")]
    spot: Annotated[bool, doc("Whether pools and training steps may use spot capacity.")] = True
    min_endpoint_instances: Annotated[int, doc("Fewest instances behind a real-time endpoint.", ge=1)] = 1
    approval: Annotated[
        Literal["none", "one_person", "two_person"], doc("Who must approve a deployment to this environment.")
    ] = "none"
    gates: Annotated[
        list[EnvironmentGate],
        doc(
            "Changes that are refused in this environment, until a dated approval lifts it: losing data, letting "
            "callers wait, opening something to the internet, costing more than the budget."
        ),
    ] = []
    spend: Annotated[
        SpendLimit, doc("Costs that are refused in this environment, until a dated approval of spend_limit lifts it.")
    ] = SpendLimit()


class AuditSection(Spec, kw_only=True):
    """What is recorded about who did what."""

    trail: Annotated[bool, doc("CloudTrail with data events on classified buckets.")] = True
    object_lock: Annotated[
        Duration | None, doc("Retention lock on the audit bucket; unset means no lock.", immutable=True)
    ] = None
    guardduty: Annotated[bool, doc("GuardDuty detector with S3 and EKS protection.")] = False
    config: Annotated[bool, doc("AWS Config recorder.")] = False


class SecuritySection(Spec, kw_only=True):
    """Security posture; filled by the config group ``security``."""

    name: Annotated[Literal["baseline", "regulated"], doc("Name of the posture.")]
    network_isolation: Annotated[bool, doc("Run jobs and models without internet access.")] = True
    audit: Annotated[AuditSection, doc("Audit trail and detectors.")] = AuditSection()


class Waiver(Spec, kw_only=True):
    """A dated, owned exception from one policy."""

    rule: Annotated[str, doc("Policy id.")]
    resource: Annotated[
        str, doc("Configuration path it covers, such as buckets.features; * matches within a part.", min_length=1)
    ]
    owner: Annotated[str, doc("Who accepted the risk: a person or a team that can be asked.")]
    reason: Annotated[str, doc("Why it is acceptable.", min_length=1)]
    expires: Annotated[Date, doc("Last day it holds.")]
    ticket: Annotated[str | None, doc("Where it was decided.")] = None


class Condition(Spec, kw_only=True):
    """What one input of a resource must be; all that is given must hold."""

    input: Annotated[
        str, doc("Path of the input in Pulumi's names, such as vpcConfig.endpointPublicAccess.", min_length=1)
    ]
    is_set: Annotated[bool | None, doc("Whether it must be set, or must not be.")] = None
    is_true: Annotated[bool | None, doc("Whether it must be true, or must not be.")] = None
    one_of: Annotated[list[str], doc("Texts or patterns; it must fit one of them, as must each member of a list.")] = []
    none_of: Annotated[list[str], doc("Texts or patterns none of which it may fit.")] = []
    at_least: Annotated[float | None, doc("Smallest number it may be.")] = None
    at_most: Annotated[float | None, doc("Largest number it may be.")] = None


class OwnRule(Spec, kw_only=True):
    """A policy of the organisation's own, written as conditions on inputs."""

    title: Annotated[str, doc("What must hold, in a few words.", min_length=1)]
    why: Annotated[str, doc("What goes wrong otherwise.")] = ""
    fix: Annotated[str, doc("What to write instead.", min_length=1)]
    severity: Annotated[Literal["critical", "high", "medium", "low"], doc("How much a violation matters.")] = "medium"
    enforcement: Annotated[Literal["mandatory", "advisory", "off"], doc("What a violation does.")] = "mandatory"
    applies_to: Annotated[
        list[str], doc("Pulumi type tokens, such as aws:sagemaker/notebookInstance:NotebookInstance.", min_length=1)
    ]
    where: Annotated[list[Condition], doc("Only resources that meet all of these are judged.")] = []
    require: Annotated[list[Condition], doc("What must hold.", min_length=1)]
    source: Annotated[str, doc("Page that explains the rule.")] = ""
    controls: Annotated[
        dict[str, list[str]], doc("Controls that it evidences, by framework, such as gdpr: [32(1)(a)].")
    ] = {}
    passes: Annotated[
        list[dict[str, Any]], doc("Inputs of resources that must pass; `mlops-iac policy test` tries them.")
    ] = []
    fails: Annotated[
        list[dict[str, Any]], doc("Inputs of resources that must fail; `mlops-iac policy test` tries them.")
    ] = []


class PoliciesSection(Spec, kw_only=True):
    """Which policy packs judge the system, and the exceptions."""

    packs: Annotated[tuple[str, ...], doc("Policy packs; their enforcement adds up, the strictest wins.")] = (
        "aws-baseline",
    )
    enforcement: Annotated[
        dict[str, Enforcement],
        doc(
            "Enforcement of single policies by id, before what packs and environment say; `remediate` puts a violation "
            "right where the policy can, and is `mandatory` where it cannot."
        ),
    ] = {}
    enforcement_in: Annotated[
        dict[Literal["dev", "staging", "prod"], dict[str, Enforcement]],
        doc("The same for one environment, such as prod: {s3-access-logging: mandatory}; comes before `enforcement`."),
    ] = {}
    own: Annotated[dict[Name, OwnRule], doc("Policies of your own by id, besides those of the packs.")] = {}
    files: Annotated[
        list[str],
        doc(
            "Python files with policies of your own, or folders of such files, below the system's folder. Verbs that "
            "judge run them; --no-project-code refuses to."
        ),
    ] = []
    waivers: Annotated[list[Waiver], doc("Exceptions from single policies.")] = []
    max_waiver: Annotated[
        Duration | None,
        doc("How far ahead a waiver may expire; one that ends later does not hold. Unset allows any date."),
    ] = None
    waiver_tickets: Annotated[bool, doc("Whether a waiver holds only with a ticket.")] = False
    allowed_regions: Annotated[list[str], doc("Regions that resources may be in; empty means cloud.region only.")] = []
    allowed_registries: Annotated[
        list[str], doc("Image registries besides ECR, such as docker.io/acme; empty allows every one.")
    ] = []
    allowed_accounts: Annotated[
        list[str], doc("Accounts that registries may be shared with besides the own one; empty allows every one.")
    ] = []
    allowed_instance_types: Annotated[
        list[str], doc("Patterns of instance types, such as ml.m5.* or g5.*; empty allows every one.")
    ] = []
    unjudged_namespaces: Annotated[
        list[str],
        doc(
            "Namespaces of clusters in which the API server judges nothing, such as those of add-ons. What this system "
            "declares there is judged in every preview."
        ),
    ] = []
    max_gpu_nodes: Annotated[int, doc("Most nodes of a pool with GPUs.", unit="nodes", ge=0)] = 16
    max_endpoint_instances: Annotated[
        int, doc("Most instances of an endpoint or training.", unit="instances", ge=1)
    ] = 50
    max_training_time: Annotated[Duration, doc("Longest runtime of a training job.")] = Duration(259200)
    min_log_retention: Annotated[Duration, doc("Shortest time that logs may be kept.")] = Duration(31536000)
    max_log_retention: Annotated[
        Duration | None, doc("Longest time that logs may be kept; unset allows any time but for ever.")
    ] = None
    required_tags: Annotated[
        tuple[str, ...], doc("Tags that every resource must have, besides those that mlops-iac writes itself.")
    ] = ("cost-center",)

    def levels(self, environment: str) -> dict[str, Enforcement]:
        """What the section says of the enforcement of single policies in an environment."""
        here = next((levels for name, levels in self.enforcement_in.items() if name == environment), {})
        return {**self.enforcement, **here}


class Core(Spec, kw_only=True):
    """The sections that every system has; the component sections are added from the registry."""

    system: Annotated[SystemSection, doc("The ML system as a whole.")]
    cloud: Annotated[CloudSection, doc("Account and region.")]
    env: Annotated[EnvironmentSection, doc("Environment settings; choose with env=prod.")]
    security: Annotated[SecuritySection, doc("Security posture; choose with security=regulated.")]
    policies: Annotated[PoliciesSection, doc("Policy packs and waivers.")] = PoliciesSection()
    approvals: Annotated[list[GateApproval], doc("Dated permissions for what a gate would refuse.")] = []
    promotion: Annotated[PromotionSection, doc("What may differ between environments.")] = PromotionSection()
    usage: Annotated[UsageSection, doc("What a cost estimate assumes of the use of the system.")] = UsageSection()
    imports: Annotated[
        dict[Name, ImportSection], doc("Outputs of what Terraform, CloudFormation or Pulumi deployed, by a name.")
    ] = {}
    environment_variables: Annotated[
        list[str], doc("Environment variables that ${env:NAME} may read; no other is visible.")
    ] = []


@dataclass(frozen=True, slots=True)
class Instance:
    """One declared component: its kind, name, typed spec and the component that builds it."""

    component: Component[Any, Any]
    name: str
    spec: Any
    path: ConfigPath
    common: Declaration = field(default_factory=Declaration)

    @property
    def protections(self) -> tuple[Protection, ...]:
        """What a change must not do to it, sorted."""
        return self.common.protections

    @property
    def formers(self) -> tuple[str, ...]:
        """Names that it had before, the oldest first."""
        return self.common.formers

    @property
    def first_name(self) -> str:
        """The name that its names in the cloud are made of: what it was called when they were made."""
        return self.formers[0] if self.formers else self.name

    @property
    def kind(self) -> str:
        """The section it was declared in."""
        return self.component.kind


@dataclass(frozen=True, slots=True)
class System:
    """The typed model of a whole system: the artifact of the spec phase.

    ``diagnostics`` holds what the components' own checks warn about.
    """

    core: Core
    instances: tuple[Instance, ...] = ()
    by_kind: Mapping[str, Mapping[str, Instance]] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()

    def of_kind(self, kind: str) -> Iterator[Instance]:
        """Every declared instance of ``kind``, in the order in which they were written."""
        yield from self.by_kind.get(kind, {}).values()

    def find(self, kind: str, name: str) -> Instance | None:
        """The instance of that kind and name, if it was declared."""
        return self.by_kind.get(kind, {}).get(name)


__all__ = [
    "AuditSection",
    "CloudSection",
    "Core",
    "EnvironmentSection",
    "Instance",
    "Name",
    "PoliciesSection",
    "SecuritySection",
    "System",
    "SystemSection",
    "Waiver",
]
