"""Components for a Pulumi program of your own.

Written by `python -m mlops_iac.engines.pulumi.stub` from the component registry.
"""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Required, TypedDict, overload

import pulumi

__all__: list[str]

class System:
    """The ML system that a program's components belong to; use it as `with System(...):`."""

    def __init__(
        self,
        name: str,
        *,
        owner: str,
        purpose: str,
        region: str,
        account: str,
        env: str | None = None,
        security: str = "baseline",
        risk_class: Literal["minimal", "limited", "high"] = "minimal",
        regulations: list[str] | None = None,
        tags: dict[str, str] | None = None,
        overrides: list[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None: ...
    def __enter__(self) -> System: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

class Component(pulumi.ComponentResource):
    """A component of any kind, installed packages' kinds included."""

    outputs: dict[str, pulumi.Output[Any]]
    def __init__(
        self,
        kind: str,
        name: str,
        spec: Mapping[str, Any] | None = None,
        *,
        system: System | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None: ...

class SlackArgs(TypedDict, total=False):
    """A Slack channel."""
    channel: Required[pulumi.Input[str]]
    secret: Required[pulumi.Input[str]]

class PagerDutyArgs(TypedDict, total=False):
    """A PagerDuty service."""
    secret: Required[pulumi.Input[str]]
    severity: Literal["critical", "error", "warning", "info"]

class TableArgs(TypedDict, total=False):
    """Files of one shape below a prefix of a bucket."""
    bucket: Required[Bucket | str]
    prefix: pulumi.Input[str]
    format: Literal["parquet", "json", "csv"]
    columns: Required[Mapping[str, pulumi.Input[str]]]
    partitions: Mapping[str, pulumi.Input[str]]
    description: pulumi.Input[str] | None

class CrawlerArgs(TypedDict, total=False):
    """A crawler that adds new partitions and columns to the tables."""
    schedule: str | None
    tables: Sequence[pulumi.Input[str]]

class PoolArgs(TypedDict, total=False):
    """A group of equal nodes. Nodes with GPUs are tainted, so that only jobs that ask for GPUs land there."""
    instance_type: Required[pulumi.Input[str]]
    min_nodes: int
    max_nodes: Required[int]
    capacity: Literal["on_demand", "spot"]
    disk: str
    os: Literal["bottlerocket", "al2023"]
    labels: Mapping[str, pulumi.Input[str]]
    taints: Sequence[TaintArgs]

class TaintArgs(TypedDict, total=False):
    """A taint: pods without a matching toleration stay away."""
    key: Required[pulumi.Input[str]]
    value: pulumi.Input[str]
    effect: Literal["NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE"]

class QueueArgs(TypedDict, total=False):
    """A team's share of the cluster; the queue's name is the name of the team's namespace."""
    gpus: int
    cpu: int | None
    memory: str | None
    borrow: bool
    priority: Literal["low", "normal", "high"]

class AccessArgs(TypedDict, total=False):
    """Who may use the Kubernetes API."""
    principal: Required[pulumi.Input[str]]
    level: Literal["view", "edit", "admin"]
    namespaces: Sequence[pulumi.Input[str]]

class IdentityArgs(TypedDict, total=False):
    """Ids that the CI system puts into its tokens. GitHub and GitLab need none; the others show them in settings."""
    issuer: pulumi.Input[str]
    organization: pulumi.Input[str]
    project: pulumi.Input[str]
    environments: Mapping[str, pulumi.Input[str]]
    made_in: Literal["dev", "staging", "prod", "each", "none"] | None

class ModelSourceArgs(TypedDict, total=False):
    """Which version of which model is served."""
    registry: Required[Model | str]
    stage: pulumi.Input[str] | None
    artifacts: Bucket | str | None
    image: Image | str | None
    if_none: Literal["skip", "fail"]

class AutoscalingArgs(TypedDict, total=False):
    """How many instances serve, and what decides it."""
    min: int
    max: int
    metric: Literal["invocations_per_instance", "concurrent_requests_per_instance", "cpu", "gpu"]
    target: float
    scale_in_after: str
    scale_out_after: str

class RolloutArgs(TypedDict, total=False):
    """How a new version takes over."""
    strategy: Literal["all_at_once", "rolling", "blue_green", "canary", "linear"]
    steps: Sequence[str]
    bake: str
    rollback_on: Sequence[pulumi.Input[str]] | None

class CaptureArgs(TypedDict, total=False):
    """Which requests and answers are kept, for monitors and audit."""
    bucket: Required[Bucket | str]
    prefix: pulumi.Input[str]
    sample: str

class ObjectivesArgs(TypedDict, total=False):
    """What callers may count on; the alarms follow from it."""
    latency_p99: pulumi.Input[str] | None
    availability: str

class OnlineStoreArgs(TypedDict, total=False):
    """The online store: the newest record of each id, read within milliseconds."""
    enabled: bool
    ttl: str | None

class OfflineStoreArgs(TypedDict, total=False):
    """The offline store: every record ever written, as files for training and audit."""
    bucket: Required[Bucket | str]
    prefix: pulumi.Input[str] | None
    table: Literal["glue", "iceberg"]

class LabelsArgs(TypedDict, total=False):
    """Where the true outcomes are written, in the merge format of SageMaker Model Monitor."""
    bucket: Required[Bucket | str]
    prefix: Required[pulumi.Input[str]]

class ProcessingStepArgs(TypedDict, total=False):
    """A script that turns data into data."""
    kind: Required[Literal["processing"]]
    after: Sequence[pulumi.Input[str]]
    when: pulumi.Input[str] | None
    otherwise: Literal["stop", "fail"]
    instance_type: pulumi.Input[str]
    instances: int
    volume: str
    max_runtime: str
    cache: str | None
    retries: int
    environment: Mapping[str, pulumi.Input[str]]
    script: pulumi.Input[str] | None
    files: Sequence[pulumi.Input[str]]
    framework: Literal["pytorch", "tensorflow", "huggingface", "xgboost", "sklearn"] | None
    version: pulumi.Input[str] | None
    image: Image | str | None
    image_tag: pulumi.Input[str]
    inputs: Sequence[Bucket | str]
    input_prefixes: Mapping[str, pulumi.Input[str]]
    feature_store: FeatureStore | str | None
    outputs: Sequence[pulumi.Input[str]]

class TrainingStepArgs(TypedDict, total=False):
    """A script that trains a model."""
    kind: Required[Literal["training"]]
    after: Sequence[pulumi.Input[str]]
    when: pulumi.Input[str] | None
    otherwise: Literal["stop", "fail"]
    instance_type: pulumi.Input[str]
    instances: int
    volume: str
    max_runtime: str
    cache: str | None
    retries: int
    environment: Mapping[str, pulumi.Input[str]]
    script: pulumi.Input[str] | None
    files: Sequence[pulumi.Input[str]]
    framework: Literal["pytorch", "tensorflow", "huggingface", "xgboost", "sklearn"] | None
    version: pulumi.Input[str] | None
    image: Image | str | None
    image_tag: pulumi.Input[str]
    inputs: Sequence[Bucket | str]
    input_prefixes: Mapping[str, pulumi.Input[str]]
    hyperparameters: Mapping[str, pulumi.Input[str] | int | float | bool]
    distribution: Literal["torchrun", "mpi"] | None
    processes_per_instance: int
    spot: bool
    max_wait: str | None
    metrics: Mapping[str, pulumi.Input[str]]
    keep_warm: str | None

class TuningStepArgs(TypedDict, total=False):
    """Many training jobs that search the best hyperparameters; the best model is the step's model."""
    kind: Required[Literal["tuning"]]
    after: Sequence[pulumi.Input[str]]
    when: pulumi.Input[str] | None
    otherwise: Literal["stop", "fail"]
    instance_type: pulumi.Input[str]
    instances: int
    volume: str
    max_runtime: str
    cache: str | None
    retries: int
    environment: Mapping[str, pulumi.Input[str]]
    script: pulumi.Input[str] | None
    files: Sequence[pulumi.Input[str]]
    framework: Literal["pytorch", "tensorflow", "huggingface", "xgboost", "sklearn"] | None
    version: pulumi.Input[str] | None
    image: Image | str | None
    image_tag: pulumi.Input[str]
    inputs: Sequence[Bucket | str]
    input_prefixes: Mapping[str, pulumi.Input[str]]
    hyperparameters: Mapping[str, pulumi.Input[str] | int | float | bool]
    distribution: Literal["torchrun", "mpi"] | None
    processes_per_instance: int
    spot: bool
    max_wait: str | None
    metrics: Mapping[str, pulumi.Input[str]]
    ranges: Required[Mapping[str, RangeArgs]]
    objective: Required[ObjectiveArgs]
    jobs: int
    parallel: int
    strategy: Literal["bayesian", "random", "hyperband"]
    early_stopping: bool

class RangeArgs(TypedDict, total=False):
    """The values that a hyperparameter may take."""
    min: float | None
    max: float | None
    type: Literal["float", "integer"]
    scale: Literal["auto", "linear", "logarithmic", "reverse_logarithmic"]
    values: Sequence[pulumi.Input[str] | int | float]

class ObjectiveArgs(TypedDict, total=False):
    """What tuning improves."""
    metric: Required[pulumi.Input[str]]
    goal: Literal["maximize", "minimize"]

class EvaluationStepArgs(TypedDict, total=False):
    """A script that measures the model and writes its metrics."""
    kind: Required[Literal["evaluation"]]
    after: Sequence[pulumi.Input[str]]
    when: pulumi.Input[str] | None
    otherwise: Literal["stop", "fail"]
    instance_type: pulumi.Input[str]
    instances: int
    volume: str
    max_runtime: str
    cache: str | None
    retries: int
    environment: Mapping[str, pulumi.Input[str]]
    script: pulumi.Input[str] | None
    files: Sequence[pulumi.Input[str]]
    framework: Literal["pytorch", "tensorflow", "huggingface", "xgboost", "sklearn"] | None
    version: pulumi.Input[str] | None
    image: Image | str | None
    image_tag: pulumi.Input[str]
    inputs: Sequence[Bucket | str]
    input_prefixes: Mapping[str, pulumi.Input[str]]
    metrics: Required[Sequence[pulumi.Input[str]]]
    lower_is_better: Sequence[pulumi.Input[str]]

class BiasStepArgs(TypedDict, total=False):
    """A SageMaker Clarify report on how a label, and predictions where there are any, differ between groups."""
    kind: Required[Literal["bias"]]
    after: Sequence[pulumi.Input[str]]
    when: pulumi.Input[str] | None
    otherwise: Literal["stop", "fail"]
    instance_type: pulumi.Input[str]
    instances: int
    volume: str
    max_runtime: str
    cache: str | None
    retries: int
    environment: Mapping[str, pulumi.Input[str]]
    dataset: pulumi.Input[str]
    label: Required[pulumi.Input[str]]
    positive: Sequence[pulumi.Input[str] | int | float]
    facets: Required[Sequence[pulumi.Input[str]]]
    predicted_label: pulumi.Input[str] | None

class RegisterStepArgs(TypedDict, total=False):
    """Registers the trained model as a new version."""
    kind: Required[Literal["register"]]
    after: Sequence[pulumi.Input[str]]
    when: pulumi.Input[str] | None
    otherwise: Literal["stop", "fail"]
    model: Required[Model | str]
    inference_version: pulumi.Input[str] | None
    image: Image | str | None
    image_tag: pulumi.Input[str]
    instance_types: Sequence[pulumi.Input[str]]
    content_types: Sequence[pulumi.Input[str]]
    response_types: Sequence[pulumi.Input[str]]
    environment: Mapping[str, pulumi.Input[str]]

class BaselineArgs(TypedDict, total=False):
    """The statistics that data-quality monitors compare with."""
    step: Required[pulumi.Input[str]]
    output: pulumi.Input[str] | None
    instance_type: pulumi.Input[str]

class TriggerArgs(TypedDict, total=False):
    """One reason to retrain; exactly one of drift, quality, schedule and new_data."""
    drift: Monitor | str | None
    quality: Monitor | str | None
    below: Mapping[str, float]
    schedule: str | None
    new_data: NewDataArgs | None

class NewDataArgs(TypedDict, total=False):
    """New objects in a bucket, counted by size."""
    bucket: Required[Bucket | str]
    prefix: pulumi.Input[str]
    at_least: Required[str]

class SpendCapArgs(TypedDict, total=False):
    """The most that the pipeline's resources may have cost in the running month when a run starts."""
    usd: Required[float]
    per: Literal["month"]

class DatabaseArgs(TypedDict, total=False):
    """The server's PostgreSQL database."""
    instance_class: pulumi.Input[str]
    version: Literal["16", "17"]
    storage: str
    max_storage: str

class ExposeArgs(TypedDict, total=False):
    """An address inside the VPC, for jobs that do not run on the cluster."""
    host: Required[pulumi.Input[str]]
    certificate: Required[pulumi.Input[str]]
    zone_id: pulumi.Input[str] | None

class Alert(Component):
    """A route that alarms take; name at least one target."""
    def __init__(
        self,
        resource_name: str,
        /,
        *,
        email: Sequence[pulumi.Input[str]] = ...,
        slack: SlackArgs | None = ...,
        pagerduty: PagerDutyArgs | None = ...,
        protect: Literal["no_delete", "no_replace", "no_downtime", "frozen"] | Sequence[Literal["no_delete", "no_replace", "no_downtime", "frozen"]] | None = ...,
        was: pulumi.Input[str] | Sequence[pulumi.Input[str]] | None = ...,
        system: System | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """A route that alarms take; name at least one target.

        Args:
            email: Mail addresses; AWS asks each to confirm.
            slack: Slack channel, through an incoming webhook.
            pagerduty: PagerDuty service, through the Events API v2.
            protect: Refuse changes in every environment, until a dated approval lifts it. no_delete: the
                component, or something of it that holds data, would be deleted or replaced. no_replace: any
                lasting part of it would. no_downtime: callers would wait. frozen: anything of it would change.
            was: Name that the component had before, or its names, the oldest first: it is then renamed and not
                made anew. Its names in the cloud keep the oldest name for as long as this is said.
        """
    @property
    def topic_arn(self) -> pulumi.Output[str]: ...

class Audit(Component):
    """How long audit files are kept; what is recorded is chosen in `security.audit`."""
    def __init__(
        self,
        *,
        keep: str | None = ...,
        access_analyzer: bool = ...,
        protect: Literal["no_delete", "no_replace", "no_downtime", "frozen"] | Sequence[Literal["no_delete", "no_replace", "no_downtime", "frozen"]] | None = ...,
        was: pulumi.Input[str] | Sequence[pulumi.Input[str]] | None = ...,
        system: System | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """How long audit files are kept; what is recorded is chosen in `security.audit`.

        Args:
            keep: How long trail files and access logs are kept; unset: two years, or as long as they are
                locked.
            access_analyzer: Report resources that are reachable from outside; an account can have one analyzer
                a region.
            protect: Refuse changes in every environment, until a dated approval lifts it. no_delete: the
                component, or something of it that holds data, would be deleted or replaced. no_replace: any
                lasting part of it would. no_downtime: callers would wait. frozen: anything of it would change.
            was: Name that the component had before, or its names, the oldest first: it is then renamed and not
                made anew. Its names in the cloud keep the oldest name for as long as this is said.
        """
    @property
    def log_bucket(self) -> pulumi.Output[str]: ...
    @property
    def log_bucket_arn(self) -> pulumi.Output[str]: ...
    @property
    def trail_bucket(self) -> pulumi.Output[str | None]: ...
    @property
    def trail_arn(self) -> pulumi.Output[str | None]: ...

class Bucket(Component):
    """One S3 bucket for data, features or models."""
    @overload
    def __init__(
        self,
        resource_name: str,
        /,
        *,
        classification: Literal["public", "internal", "confidential", "restricted"] = ...,
        personal_data: bool = ...,
        keep: str | None = ...,
        versioning: bool = ...,
        keep_versions: str = ...,
        access_log: bool = ...,
        object_lock: str | None = ...,
        protect: Literal["no_delete", "no_replace", "no_downtime", "frozen"] | Sequence[Literal["no_delete", "no_replace", "no_downtime", "frozen"]] | None = ...,
        was: pulumi.Input[str] | Sequence[pulumi.Input[str]] | None = ...,
        backend: None = ...,
        system: System | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """One S3 bucket for data, features or models.

        Args:
            classification: How sensitive the objects are; chooses the KMS key.
            personal_data: Whether objects hold data about people (GDPR).
            keep: How long current objects are kept; unset keeps them for ever.
            versioning: Keep overwritten and deleted objects, to reproduce data sets.
            keep_versions: How long overwritten and deleted versions stay.
            access_log: Write an access log to the audit bucket.
            object_lock: Retention during which no object version can be deleted.
            protect: Refuse changes in every environment, until a dated approval lifts it. no_delete: the
                component, or something of it that holds data, would be deleted or replaced. no_replace: any
                lasting part of it would. no_downtime: callers would wait. frozen: anything of it would change.
            was: Name that the component had before, or its names, the oldest first: it is then renamed and not
                made anew. Its names in the cloud keep the oldest name for as long as this is said.
        """
    @overload
    def __init__(
        self,
        resource_name: str,
        /,
        *,
        name: pulumi.Input[str],
        key_arn: pulumi.Input[str],
        classification: Literal["public", "internal", "confidential", "restricted"] = ...,
        personal_data: bool = ...,
        protect: Literal["no_delete", "no_replace", "no_downtime", "frozen"] | Sequence[Literal["no_delete", "no_replace", "no_downtime", "frozen"]] | None = ...,
        was: pulumi.Input[str] | Sequence[pulumi.Input[str]] | None = ...,
        backend: Literal["existing"],
        system: System | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """An S3 bucket that exists already and stays its owner's.

        Args:
            name: Name of the bucket. To start a retraining by new objects, it must send its events to
                EventBridge.
            key_arn: ARN of the KMS key that its objects are encrypted with.
            classification: How sensitive the objects are.
            personal_data: Whether objects hold data about people (GDPR).
            protect: Refuse changes in every environment, until a dated approval lifts it. no_delete: the
                component, or something of it that holds data, would be deleted or replaced. no_replace: any
                lasting part of it would. no_downtime: callers would wait. frozen: anything of it would change.
            was: Name that the component had before, or its names, the oldest first: it is then renamed and not
                made anew. Its names in the cloud keep the oldest name for as long as this is said.
        """
    @property
    def name(self) -> pulumi.Output[str]: ...
    @property
    def arn(self) -> pulumi.Output[str]: ...
    @property
    def key_arn(self) -> pulumi.Output[str]: ...
    @property
    def classification(self) -> pulumi.Output[str]: ...

class Budget(Component):
    """What the system may cost in a month, and who hears about it."""
    def __init__(
        self,
        *,
        monthly_usd: float,
        alert: Alert | str,
        alert_at: Sequence[str] = ...,
        forecast: bool = ...,
        protect: Literal["no_delete", "no_replace", "no_downtime", "frozen"] | Sequence[Literal["no_delete", "no_replace", "no_downtime", "frozen"]] | None = ...,
        was: pulumi.Input[str] | Sequence[pulumi.Input[str]] | None = ...,
        system: System | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """What the system may cost in a month, and who hears about it.

        Args:
            monthly_usd: Budget for a calendar month.
            alert_at: Shares of the budget at which somebody is told.
            alert: Who is told.
            forecast: Also tell when the month is forecast to exceed the budget.
            protect: Refuse changes in every environment, until a dated approval lifts it. no_delete: the
                component, or something of it that holds data, would be deleted or replaced. no_replace: any
                lasting part of it would. no_downtime: callers would wait. frozen: anything of it would change.
            was: Name that the component had before, or its names, the oldest first: it is then renamed and not
                made anew. Its names in the cloud keep the oldest name for as long as this is said.
        """
    @property
    def name(self) -> pulumi.Output[str]: ...

class Catalog(Component):
    """A database of tables, and the workgroup that queries them."""
    def __init__(
        self,
        resource_name: str,
        /,
        *,
        results: Bucket | str | None = ...,
        results_prefix: pulumi.Input[str] | None = ...,
        tables: Mapping[str, TableArgs] = ...,
        scan_limit: str = ...,
        crawler: CrawlerArgs | None = ...,
        encrypt_account_catalog: bool = ...,
        protect: Literal["no_delete", "no_replace", "no_downtime", "frozen"] | Sequence[Literal["no_delete", "no_replace", "no_downtime", "frozen"]] | None = ...,
        was: pulumi.Input[str] | Sequence[pulumi.Input[str]] | None = ...,
        system: System | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """A database of tables, and the workgroup that queries them.

        Args:
            results: Bucket that keeps query results; unset is the bucket of the first table.
            results_prefix: Folder for query results; unset takes `athena/<catalog>/`.
            tables: Tables by name; hyphens become underscores.
            scan_limit: A query that would scan more than this is stopped (10MB or more).
            crawler: Keeps partitions and columns up to date.
            encrypt_account_catalog: Encrypt the metadata and connection passwords of the account's whole Glue
                catalog in this region. One catalog of one system in the account may set it.
            protect: Refuse changes in every environment, until a dated approval lifts it. no_delete: the
                component, or something of it that holds data, would be deleted or replaced. no_replace: any
                lasting part of it would. no_downtime: callers would wait. frozen: anything of it would change.
            was: Name that the component had before, or its names, the oldest first: it is then renamed and not
                made anew. Its names in the cloud keep the oldest name for as long as this is said.
        """
    @property
    def database(self) -> pulumi.Output[str]: ...
    @property
    def workgroup(self) -> pulumi.Output[str]: ...
    @property
    def security_configuration(self) -> pulumi.Output[str]: ...
    @property
    def results_uri(self) -> pulumi.Output[Any]: ...

class Cluster(Component):
    """A Kubernetes cluster for training, notebooks and serving."""
    def __init__(
        self,
        resource_name: str,
        /,
        *,
        version: Literal["1.33", "1.34", "1.35"],
        pools: Mapping[str, PoolArgs],
        queues: Mapping[str, QueueArgs] = ...,
        public_access: Sequence[pulumi.Input[str]] = ...,
        admins: Sequence[pulumi.Input[str]] = ...,
        access: Mapping[str, AccessArgs] = ...,
        device_plugin_image: pulumi.Input[str] = ...,
        protect: Literal["no_delete", "no_replace", "no_downtime", "frozen"] | Sequence[Literal["no_delete", "no_replace", "no_downtime", "frozen"]] | None = ...,
        was: pulumi.Input[str] | Sequence[pulumi.Input[str]] | None = ...,
        backend: Literal["eks"] = ...,
        system: System | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """A Kubernetes cluster for training, notebooks and serving.

        Args:
            version: Kubernetes version, in quotes: YAML reads 1.30 as the number 1.3.
            pools: Node pools by name; one is called `system`.
            queues: Shares of the cluster by team.
            public_access: Address ranges that reach the API from outside the VPC; empty means none.
            admins: ARNs of the IAM roles that may administer the cluster; empty means whoever the account lets
                assume the cluster's admin role.
            access: Further people and programs that may use the API.
            device_plugin_image: Image of the NVIDIA device plugin, for GPU pools on al2023.
            protect: Refuse changes in every environment, until a dated approval lifts it. no_delete: the
                component, or something of it that holds data, would be deleted or replaced. no_replace: any
                lasting part of it would. no_downtime: callers would wait. frozen: anything of it would change.
            was: Name that the component had before, or its names, the oldest first: it is then renamed and not
                made anew. Its names in the cloud keep the oldest name for as long as this is said.
        """
    @property
    def name(self) -> pulumi.Output[str]: ...
    @property
    def arn(self) -> pulumi.Output[str]: ...
    @property
    def endpoint(self) -> pulumi.Output[str]: ...
    @property
    def certificate_authority(self) -> pulumi.Output[str]: ...
    @property
    def security_group_id(self) -> pulumi.Output[str]: ...
    @property
    def admin_role_arn(self) -> pulumi.Output[str]: ...
    @property
    def component(self) -> pulumi.Output[str]: ...
    @property
    def vpc_cidr(self) -> pulumi.Output[str]: ...
    @property
    def service_cidr(self) -> pulumi.Output[str]: ...
    @property
    def teams(self) -> pulumi.Output[list[str]]: ...

class Delivery(Component):
    """How changes of the system are previewed, reviewed and applied."""
    def __init__(
        self,
        *,
        provider: Literal["azure-devops", "bitbucket", "circleci", "github", "gitlab", "jenkins", "travis"],
        repository: pulumi.Input[str],
        branch: pulumi.Input[str] = ...,
        deploy: bool = ...,
        code_scanning: bool = ...,
        environments: Sequence[Literal["dev", "staging", "prod"]] = ...,
        approve: Mapping[Literal["dev", "staging", "prod"], Sequence[pulumi.Input[str]]] = ...,
        drift: str = ...,
        install: Sequence[pulumi.Input[str]] = ...,
        state_bucket: pulumi.Input[str] = ...,
        state_key: pulumi.Input[str] = ...,
        forge: Literal["azure-devops", "bitbucket", "github", "gitlab"] | None = ...,
        identity: IdentityArgs = ...,
        protect: Literal["no_delete", "no_replace", "no_downtime", "frozen"] | Sequence[Literal["no_delete", "no_replace", "no_downtime", "frozen"]] | None = ...,
        was: pulumi.Input[str] | Sequence[pulumi.Input[str]] | None = ...,
        system: System | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """How changes of the system are previewed, reviewed and applied.

        Args:
            provider: CI system whose files `mlops-iac delivery` writes.
            repository: Repository that may plan and apply, as its forge names it.
            branch: Protected branch whose merges are applied.
            deploy: Plan and apply merges, and look for drift. False: changes are previewed, and nothing else.
            code_scanning: Show findings in GitHub's code scanning, at their lines. It is free for public
                repositories; private ones need GitHub Code Security.
            environments: Environments that a merge is applied to, in this order; each waits for the one before.
            approve: Who must approve a plan before it is applied, by environment.
            drift: When to look for changes made by hand, in UTC.
            install: Arguments of `pip install` in every job; empty: this version of mlops-iac with its pulumi
                extra.
            state_bucket: Bucket that keeps the Pulumi state. Empty: <system>-pulumi-state-<account>. Made once
                by a person.
            state_key: Alias, without alias/, of the KMS key that seals secrets in the Pulumi state. Empty: that
                of the bucket's name, with hyphens for dots. Made once by a person.
            forge: Where the repository is, for CI systems that have none of their own. Unset: github for those.
            identity: Ids that the CI system puts into its tokens.
            protect: Refuse changes in every environment, until a dated approval lifts it. no_delete: the
                component, or something of it that holds data, would be deleted or replaced. no_replace: any
                lasting part of it would. no_downtime: callers would wait. frozen: anything of it would change.
            was: Name that the component had before, or its names, the oldest first: it is then renamed and not
                made anew. Its names in the cloud keep the oldest name for as long as this is said.
        """
    @property
    def plan_role_arn(self) -> pulumi.Output[str | None]: ...
    @property
    def apply_role_arn(self) -> pulumi.Output[str | None]: ...

class Endpoint(Component):
    """One model behind an address that others call."""
    def __init__(
        self,
        resource_name: str,
        /,
        *,
        model: ModelSourceArgs,
        instance_type: pulumi.Input[str] = ...,
        autoscaling: AutoscalingArgs = ...,
        rollout: RolloutArgs = ...,
        capture: CaptureArgs | None = ...,
        slo: ObjectivesArgs = ...,
        startup: str = ...,
        classification: Literal["public", "internal", "confidential", "restricted"] = ...,
        alert: Alert | str | None = ...,
        protect: Literal["no_delete", "no_replace", "no_downtime", "frozen"] | Sequence[Literal["no_delete", "no_replace", "no_downtime", "frozen"]] | None = ...,
        was: pulumi.Input[str] | Sequence[pulumi.Input[str]] | None = ...,
        backend: Literal["sagemaker"] = ...,
        system: System | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """One model behind an address that others call.

        Args:
            model: What is served.
            instance_type: SageMaker instance type.
            autoscaling: How many instances serve.
            rollout: How a new version takes over.
            capture: Which requests are kept; unset keeps none.
            slo: What callers may count on.
            startup: How long a container may take to load the model (1m to 1h).
            classification: How sensitive requests are; chooses the key of the instances' storage.
            alert: Who is told by alarms; unset: the alerts of the endpoint's monitors, else every declared one.
            protect: Refuse changes in every environment, until a dated approval lifts it. no_delete: the
                component, or something of it that holds data, would be deleted or replaced. no_replace: any
                lasting part of it would. no_downtime: callers would wait. frozen: anything of it would change.
            was: Name that the component had before, or its names, the oldest first: it is then renamed and not
                made anew. Its names in the cloud keep the oldest name for as long as this is said.
        """
    @property
    def name(self) -> pulumi.Output[str | None]: ...
    @property
    def arn(self) -> pulumi.Output[str | None]: ...
    @property
    def variant(self) -> pulumi.Output[str]: ...
    @property
    def capture(self) -> pulumi.Output[Any]: ...
    @property
    def capture_bucket(self) -> pulumi.Output[str | None]: ...
    @property
    def alarms(self) -> pulumi.Output[dict[str, str]]: ...
    @property
    def instance_type(self) -> pulumi.Output[str | None]: ...
    @property
    def skipped(self) -> pulumi.Output[bool]: ...

class FeatureStore(Component):
    """A group of features that training and serving share."""
    def __init__(
        self,
        resource_name: str,
        /,
        *,
        record_id: pulumi.Input[str],
        event_time: pulumi.Input[str],
        features: Mapping[str, Literal["float", "string", "integer"]],
        online: OnlineStoreArgs = ...,
        offline: OfflineStoreArgs | None = ...,
        classification: Literal["public", "internal", "confidential", "restricted"] = ...,
        description: pulumi.Input[str] | None = ...,
        protect: Literal["no_delete", "no_replace", "no_downtime", "frozen"] | Sequence[Literal["no_delete", "no_replace", "no_downtime", "frozen"]] | None = ...,
        was: pulumi.Input[str] | Sequence[pulumi.Input[str]] | None = ...,
        backend: Literal["sagemaker"] = ...,
        system: System | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """A group of features that training and serving share.

        Args:
            record_id: Feature that identifies a record; added as a string where it is not among `features`.
            event_time: Feature that says when a record was true; added as a string (ISO 8601, UTC) where it is
                not among `features`, and declared there as float for seconds since 1970.
            features: Type of each feature, by name. Every change replaces the group and loses its records:
                SageMaker can add a feature in place, the provider cannot (terraform-provider-aws #26809).
            online: The online store.
            offline: The offline store; unset keeps no history.
            classification: How sensitive the features are; the offline bucket's classification counts where it
                is stricter.
            description: What the features describe.
            protect: Refuse changes in every environment, until a dated approval lifts it. no_delete: the
                component, or something of it that holds data, would be deleted or replaced. no_replace: any
                lasting part of it would. no_downtime: callers would wait. frozen: anything of it would change.
            was: Name that the component had before, or its names, the oldest first: it is then renamed and not
                made anew. Its names in the cloud keep the oldest name for as long as this is said.
        """
    @property
    def group_name(self) -> pulumi.Output[str]: ...
    @property
    def group_arn(self) -> pulumi.Output[str]: ...
    @property
    def key_arn(self) -> pulumi.Output[str]: ...
    @property
    def classification(self) -> pulumi.Output[Literal["public", "internal", "confidential", "restricted"]]: ...
    @property
    def online(self) -> pulumi.Output[bool]: ...
    @property
    def offline_uri(self) -> pulumi.Output[Any]: ...
    @property
    def database(self) -> pulumi.Output[str | None]: ...

class Image(Component):
    """One repository for container images."""
    def __init__(
        self,
        resource_name: str,
        /,
        *,
        classification: Literal["public", "internal", "confidential", "restricted"] = ...,
        scan: bool = ...,
        requires: Sequence[Literal["sbom", "signature"]] = ...,
        keep_untagged: str = ...,
        keep_tagged: int = ...,
        pull_accounts: Sequence[pulumi.Input[str]] = ...,
        protect: Literal["no_delete", "no_replace", "no_downtime", "frozen"] | Sequence[Literal["no_delete", "no_replace", "no_downtime", "frozen"]] | None = ...,
        was: pulumi.Input[str] | Sequence[pulumi.Input[str]] | None = ...,
        system: System | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """One repository for container images.

        Args:
            classification: How sensitive the images are; chooses the KMS key.
            scan: Scan each image for known flaws when it is pushed.
            requires: What a build must attach to each image: an `sbom` (bill of materials) or a `signature`.
                The repository's tag image-requires asks for it.
            keep_untagged: How long images without a tag are kept.
            keep_tagged: How many tagged images are kept; older ones are removed.
            pull_accounts: Other accounts that may pull, such as that of production.
            protect: Refuse changes in every environment, until a dated approval lifts it. no_delete: the
                component, or something of it that holds data, would be deleted or replaced. no_replace: any
                lasting part of it would. no_downtime: callers would wait. frozen: anything of it would change.
            was: Name that the component had before, or its names, the oldest first: it is then renamed and not
                made anew. Its names in the cloud keep the oldest name for as long as this is said.
        """
    @property
    def repository_url(self) -> pulumi.Output[str]: ...
    @property
    def repository_arn(self) -> pulumi.Output[str]: ...
    @property
    def key_arn(self) -> pulumi.Output[str]: ...

class Keys(Component):
    """How the system's KMS keys behave; every system has them."""
    @overload
    def __init__(
        self,
        *,
        rotation: bool = ...,
        protect: Literal["no_delete", "no_replace", "no_downtime", "frozen"] | Sequence[Literal["no_delete", "no_replace", "no_downtime", "frozen"]] | None = ...,
        was: pulumi.Input[str] | Sequence[pulumi.Input[str]] | None = ...,
        backend: None = ...,
        system: System | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """How the system's KMS keys behave; every system has them.

        Args:
            rotation: Rotate the key material every year.
            protect: Refuse changes in every environment, until a dated approval lifts it. no_delete: the
                component, or something of it that holds data, would be deleted or replaced. no_replace: any
                lasting part of it would. no_downtime: callers would wait. frozen: anything of it would change.
            was: Name that the component had before, or its names, the oldest first: it is then renamed and not
                made anew. Its names in the cloud keep the oldest name for as long as this is said.
        """
    @overload
    def __init__(
        self,
        *,
        arns: Mapping[Literal["public", "internal", "confidential", "restricted"], pulumi.Input[str]],
        protect: Literal["no_delete", "no_replace", "no_downtime", "frozen"] | Sequence[Literal["no_delete", "no_replace", "no_downtime", "frozen"]] | None = ...,
        was: pulumi.Input[str] | Sequence[pulumi.Input[str]] | None = ...,
        backend: Literal["existing"],
        system: System | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Keys that exist already and stay their owner's.

        Args:
            arns: ARN of the key of each classification in use; `internal` always is, for logs and metadata.
            protect: Refuse changes in every environment, until a dated approval lifts it. no_delete: the
                component, or something of it that holds data, would be deleted or replaced. no_replace: any
                lasting part of it would. no_downtime: callers would wait. frozen: anything of it would change.
            was: Name that the component had before, or its names, the oldest first: it is then renamed and not
                made anew. Its names in the cloud keep the oldest name for as long as this is said.
        """
    @property
    def arns(self) -> pulumi.Output[dict[str, str]]: ...

class Model(Component):
    """A model whose trained versions are registered, approved and released."""
    def __init__(
        self,
        resource_name: str,
        /,
        *,
        stages: Sequence[pulumi.Input[str]] = ...,
        approval: Mapping[str, Literal["automatic", "one_person", "two_person"]] = ...,
        released: Mapping[str, int] = ...,
        card: bool = ...,
        intended_use: pulumi.Input[str] | None = ...,
        limitations: pulumi.Input[str] | None = ...,
        card_status: Literal["draft", "pending_review", "approved", "archived"] = ...,
        share_with: Sequence[pulumi.Input[str]] = ...,
        classification: Literal["public", "internal", "confidential", "restricted"] = ...,
        description: pulumi.Input[str] | None = ...,
        alert: Alert | str | None = ...,
        protect: Literal["no_delete", "no_replace", "no_downtime", "frozen"] | Sequence[Literal["no_delete", "no_replace", "no_downtime", "frozen"]] | None = ...,
        was: pulumi.Input[str] | Sequence[pulumi.Input[str]] | None = ...,
        system: System | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """A model whose trained versions are registered, approved and released.

        Args:
            stages: Stages that a version passes, in order; the last one is production.
            approval: Who approves a version for a stage; unset: one person for the last stage, nobody for the
                others.
            released: Registered version that each stage runs; a stage without one runs nothing yet.
            card: Keep a model card with purpose, owner and risk.
            intended_use: Who may use the model for what (model card); unset takes `system.purpose`.
            limitations: Where the model must not be trusted (model card).
            card_status: State of the model card.
            share_with: Other accounts that may deploy the versions.
            classification: How sensitive the model is; chooses the key of its card.
            description: What the model predicts.
            alert: Where changes of a version's state are reported; unset: every declared alert.
            protect: Refuse changes in every environment, until a dated approval lifts it. no_delete: the
                component, or something of it that holds data, would be deleted or replaced. no_replace: any
                lasting part of it would. no_downtime: callers would wait. frozen: anything of it would change.
            was: Name that the component had before, or its names, the oldest first: it is then renamed and not
                made anew. Its names in the cloud keep the oldest name for as long as this is said.
        """
    @property
    def group_name(self) -> pulumi.Output[Any]: ...
    @property
    def group_arn(self) -> pulumi.Output[Any]: ...
    @property
    def package_arns(self) -> pulumi.Output[Any]: ...
    @property
    def released(self) -> pulumi.Output[dict[str, Any]]: ...
    @property
    def approval_status(self) -> pulumi.Output[Literal["Approved", "PendingManualApproval"]]: ...
    @property
    def production(self) -> pulumi.Output[str]: ...
    @property
    def card_name(self) -> pulumi.Output[Any]: ...

class Monitor(Component):
    """One thing that is watched about one endpoint."""
    def __init__(
        self,
        resource_name: str,
        /,
        *,
        endpoint: Endpoint | str,
        kind: Literal["data_quality", "model_quality", "bias"],
        schedule: str,
        alert: Alert | str | None = ...,
        baseline: Pipeline | str | None = ...,
        features: Sequence[pulumi.Input[str]] = ...,
        drift_above: float = ...,
        labels: LabelsArgs | None = ...,
        threshold: Mapping[str, float] = ...,
        problem: Literal["binary", "multiclass", "regression"] = ...,
        probability_attribute: pulumi.Input[str] = ...,
        probability_threshold: float = ...,
        facet: pulumi.Input[str] | None = ...,
        positive_label: int = ...,
        bias_within: float = ...,
        instance_type: pulumi.Input[str] = ...,
        max_runtime: str = ...,
        protect: Literal["no_delete", "no_replace", "no_downtime", "frozen"] | Sequence[Literal["no_delete", "no_replace", "no_downtime", "frozen"]] | None = ...,
        was: pulumi.Input[str] | Sequence[pulumi.Input[str]] | None = ...,
        system: System | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """One thing that is watched about one endpoint.

        Args:
            endpoint: Endpoint whose captured requests are watched.
            kind: What is compared: inputs with the training data, predictions with labels, or groups with each
                other.
            schedule: When to compare: hourly, daily, or a daily cron such as 0 5 * * *.
            alert: Who is told; without it, every alert.
            baseline: Pipeline that computes the baseline of statistics and constraints.
            features: Features whose drift raises the alarm; without it, those of the baseline pipeline's
                feature stores.
            drift_above: Distance from the baseline's distribution above which a feature has drifted (0 to 1).
            labels: True outcomes; a bias monitor takes those of the endpoint's quality monitor where it has
                none.
            threshold: Lowest acceptable value of each quality metric, such as f1: 0.85.
            problem: What the model predicts.
            probability_attribute: Column index or JSON path of the predicted probability in the response.
            probability_threshold: Probability from which a prediction counts as positive.
            facet: Input column whose groups are compared, for kind bias.
            positive_label: Label value that counts as positive, for kind bias.
            bias_within: Widest acceptable difference in positive predicted labels (DPPL) between groups.
            instance_type: Instance type of the job.
            max_runtime: Time after which the job is stopped; below the schedule's period.
            protect: Refuse changes in every environment, until a dated approval lifts it. no_delete: the
                component, or something of it that holds data, would be deleted or replaced. no_replace: any
                lasting part of it would. no_downtime: callers would wait. frozen: anything of it would change.
            was: Name that the component had before, or its names, the oldest first: it is then renamed and not
                made anew. Its names in the cloud keep the oldest name for as long as this is said.
        """
    @property
    def kind(self) -> pulumi.Output[str]: ...
    @property
    def alarm(self) -> pulumi.Output[str | None]: ...
    @property
    def alarm_arn(self) -> pulumi.Output[str | None]: ...
    @property
    def schedule(self) -> pulumi.Output[str | None]: ...
    @property
    def alarms(self) -> pulumi.Output[dict[str, str]]: ...
    @property
    def skipped(self) -> pulumi.Output[bool]: ...

class Network(Component):
    """The network that everything with a network interface lives in; every system has one."""
    def __init__(
        self,
        *,
        vpc: Literal["new", "existing"] = ...,
        cidr: pulumi.Input[str] = ...,
        availability_zones: int = ...,
        zones: Sequence[pulumi.Input[str]] = ...,
        nat: Literal["none", "single", "per_zone"] = ...,
        private_endpoints: Sequence[Literal["athena", "autoscaling", "dynamodb", "ec2", "ecr", "eks", "elasticloadbalancing", "events", "glue", "kinesis", "kms", "lambda", "logs", "monitoring", "s3", "sagemaker", "secretsmanager", "sns", "sqs", "ssm", "states", "sts"]] = ...,
        internet_egress: bool = ...,
        vpc_id: pulumi.Input[str] | None = ...,
        private_subnet_ids: Sequence[pulumi.Input[str]] = ...,
        public_subnet_ids: Sequence[pulumi.Input[str]] = ...,
        private_route_table_ids: Sequence[pulumi.Input[str]] = ...,
        protect: Literal["no_delete", "no_replace", "no_downtime", "frozen"] | Sequence[Literal["no_delete", "no_replace", "no_downtime", "frozen"]] | None = ...,
        was: pulumi.Input[str] | Sequence[pulumi.Input[str]] | None = ...,
        system: System | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """The network that everything with a network interface lives in; every system has one.

        Args:
            vpc: Create a VPC, or use one that somebody else owns.
            cidr: IPv4 range of the VPC, from /16 to /22. A change replaces every subnet and what runs in it.
            availability_zones: Zones to spread over. A further zone changes no existing subnet.
            zones: Names of the zones, where the first letters of the region are not the right ones.
            nat: How private subnets reach the internet: not at all, through one NAT gateway, or one in each
                zone.
            private_endpoints: AWS services that are reached from inside.
            internet_egress: Let workloads open HTTPS connections to the internet, for example to a hosted
                tracker.
            vpc_id: Id of the existing VPC.
            private_subnet_ids: Private subnets of the existing VPC, one a zone.
            public_subnet_ids: Public subnets of the existing VPC, for load balancers.
            private_route_table_ids: Route tables of the existing private subnets, for the endpoint of S3.
            protect: Refuse changes in every environment, until a dated approval lifts it. no_delete: the
                component, or something of it that holds data, would be deleted or replaced. no_replace: any
                lasting part of it would. no_downtime: callers would wait. frozen: anything of it would change.
            was: Name that the component had before, or its names, the oldest first: it is then renamed and not
                made anew. Its names in the cloud keep the oldest name for as long as this is said.
        """
    @property
    def vpc_id(self) -> pulumi.Output[str]: ...
    @property
    def vpc_cidr(self) -> pulumi.Output[str]: ...
    @property
    def private_subnet_ids(self) -> pulumi.Output[list[str]]: ...
    @property
    def public_subnet_ids(self) -> pulumi.Output[list[str]]: ...
    @property
    def workload_security_group_id(self) -> pulumi.Output[str]: ...
    @property
    def endpoint_security_group_id(self) -> pulumi.Output[str]: ...
    @property
    def endpoints(self) -> pulumi.Output[list[str]]: ...

class Pipeline(Component):
    """The way from data to a registered model."""
    def __init__(
        self,
        resource_name: str,
        /,
        *,
        steps: Mapping[str, ProcessingStepArgs | TrainingStepArgs | TuningStepArgs | EvaluationStepArgs | BiasStepArgs | RegisterStepArgs],
        artifacts: Bucket | str | None = ...,
        baseline: BaselineArgs | None = ...,
        parallel: int = ...,
        description: pulumi.Input[str] | None = ...,
        protect: Literal["no_delete", "no_replace", "no_downtime", "frozen"] | Sequence[Literal["no_delete", "no_replace", "no_downtime", "frozen"]] | None = ...,
        was: pulumi.Input[str] | Sequence[pulumi.Input[str]] | None = ...,
        backend: Literal["sagemaker"] = ...,
        system: System | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """The way from data to a registered model.

        Args:
            steps: Steps by name.
            artifacts: Bucket for code, intermediate data and models; unset creates one for this pipeline.
            baseline: Baseline for data-quality monitors; unset: the first processing step's, where a monitor
                names this pipeline.
            parallel: How many steps run at a time.
            description: What the pipeline trains.
            protect: Refuse changes in every environment, until a dated approval lifts it. no_delete: the
                component, or something of it that holds data, would be deleted or replaced. no_replace: any
                lasting part of it would. no_downtime: callers would wait. frozen: anything of it would change.
            was: Name that the component had before, or its names, the oldest first: it is then renamed and not
                made anew. Its names in the cloud keep the oldest name for as long as this is said.
        """
    @property
    def name(self) -> pulumi.Output[str]: ...
    @property
    def arn(self) -> pulumi.Output[str]: ...
    @property
    def role_arn(self) -> pulumi.Output[str]: ...
    @property
    def baseline_uri(self) -> pulumi.Output[Any]: ...
    @property
    def baselines(self) -> pulumi.Output[list[str]]: ...
    @property
    def registers(self) -> pulumi.Output[list[str]]: ...
    @property
    def key_arn(self) -> pulumi.Output[str]: ...

class Retraining(Component):
    """When a pipeline is run again, and what holds it back."""
    def __init__(
        self,
        resource_name: str,
        /,
        *,
        pipeline: Pipeline | str,
        on: Sequence[TriggerArgs],
        cooldown: str = ...,
        concurrency: int = ...,
        spend_cap: SpendCapArgs | None = ...,
        approval: Literal["none"] = ...,
        protect: Literal["no_delete", "no_replace", "no_downtime", "frozen"] | Sequence[Literal["no_delete", "no_replace", "no_downtime", "frozen"]] | None = ...,
        was: pulumi.Input[str] | Sequence[pulumi.Input[str]] | None = ...,
        system: System | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """When a pipeline is run again, and what holds it back.

        Args:
            pipeline: Pipeline that is started.
            on: Reasons to retrain; any of them starts a run.
            cooldown: Shortest time between two starts.
            concurrency: Runs of the pipeline that may be under way at once.
            spend_cap: Monthly spending above which no run starts.
            approval: Who approves a start; the model itself is approved in the registry.
            protect: Refuse changes in every environment, until a dated approval lifts it. no_delete: the
                component, or something of it that holds data, would be deleted or replaced. no_replace: any
                lasting part of it would. no_downtime: callers would wait. frozen: anything of it would change.
            was: Name that the component had before, or its names, the oldest first: it is then renamed and not
                made anew. Its names in the cloud keep the oldest name for as long as this is said.
        """
    @property
    def state_machine_arn(self) -> pulumi.Output[str]: ...
    @property
    def guard_table(self) -> pulumi.Output[str]: ...

class Tracking(Component):
    """Where experiments, metrics and artifacts of training runs are recorded."""
    def __init__(
        self,
        *,
        cluster: Cluster | str,
        tool: Literal["mlflow"] = ...,
        classification: Literal["public", "internal", "confidential", "restricted"] = ...,
        image: pulumi.Input[str] = ...,
        replicas: int | None = ...,
        keep_versions: str = ...,
        database: DatabaseArgs = ...,
        expose: ExposeArgs | None = ...,
        protect: Literal["no_delete", "no_replace", "no_downtime", "frozen"] | Sequence[Literal["no_delete", "no_replace", "no_downtime", "frozen"]] | None = ...,
        was: pulumi.Input[str] | Sequence[pulumi.Input[str]] | None = ...,
        backend: Literal["kubernetes"] = ...,
        system: System | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Where experiments, metrics and artifacts of training runs are recorded.

        Args:
            tool: Tracking server.
            cluster: Cluster that the server runs on.
            classification: How sensitive parameters and artifacts are; chooses the KMS key.
            image: Image of the server, with PostgreSQL driver and boto3, pinned by its digest. Prefer a copy in
                the system's own registry.
            replicas: Servers; unset means two where the environment spans zones, else one.
            keep_versions: How long overwritten and deleted artifacts are kept.
            database: Database of the server.
            expose: Address for jobs outside the cluster, such as SageMaker's.
            protect: Refuse changes in every environment, until a dated approval lifts it. no_delete: the
                component, or something of it that holds data, would be deleted or replaced. no_replace: any
                lasting part of it would. no_downtime: callers would wait. frozen: anything of it would change.
            was: Name that the component had before, or its names, the oldest first: it is then renamed and not
                made anew. Its names in the cloud keep the oldest name for as long as this is said.
        """
    @property
    def uri(self) -> pulumi.Output[str]: ...
    @property
    def artifact_bucket(self) -> pulumi.Output[str]: ...
    @property
    def artifact_bucket_arn(self) -> pulumi.Output[str]: ...
    @property
    def exposed(self) -> pulumi.Output[bool]: ...
