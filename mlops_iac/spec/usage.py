"""How much a system is used, as far as no configuration says it: what a cost estimate assumes.

Every number is for one month and one resource. The defaults describe a small system; a system that knows better says so
under ``usage:``, for everything or for one component.
"""

from __future__ import annotations

from typing import Annotated, Literal

from mlops_iac.spec.base import Spec, doc

Assumption = Literal[
    "requests",
    "request_kb",
    "stored_gb",
    "object_puts",
    "object_gets",
    "log_gb",
    "nat_gb",
    "internet_out_gb",
    "private_endpoint_gb",
    "load_balancer_gb",
    "image_gb",
    "feature_gb",
    "feature_reads",
    "feature_writes",
    "table_gb",
    "table_reads",
    "table_writes",
    "scanned_gb",
    "crawl_minutes",
    "training_runs",
    "runtime_share",
    "invocations",
    "invocation_ms",
    "workflow_runs",
    "messages",
    "key_requests",
    "management_events",
    "cluster_events",
    "config_items",
]
"""The names of the assumptions, as ``UsageSection`` declares them."""


class UsageSection(Spec, kw_only=True):
    """What a cost estimate assumes of the use of the system, for one month and each resource."""

    requests: Annotated[float, doc("Requests to an endpoint.", ge=0)] = 1_000_000
    request_kb: Annotated[float, doc("Size of a request to an endpoint and its answer together.", unit="kB", ge=0)] = 4
    stored_gb: Annotated[float, doc("Data in a bucket.", unit="GB", ge=0)] = 100
    object_puts: Annotated[float, doc("Objects written to a bucket.", ge=0)] = 100_000
    object_gets: Annotated[float, doc("Objects read from a bucket.", ge=0)] = 1_000_000
    log_gb: Annotated[float, doc("Events that a log group takes in.", unit="GB", ge=0)] = 1
    nat_gb: Annotated[float, doc("Data through a NAT gateway.", unit="GB", ge=0)] = 100
    internet_out_gb: Annotated[
        float, doc("Data that leaves for the internet through a NAT gateway.", unit="GB", ge=0)
    ] = 10
    private_endpoint_gb: Annotated[float, doc("Data through a private endpoint.", unit="GB", ge=0)] = 10
    load_balancer_gb: Annotated[float, doc("Data through a load balancer.", unit="GB", ge=0)] = 10
    image_gb: Annotated[float, doc("Images in a repository.", unit="GB", ge=0)] = 10
    feature_gb: Annotated[float, doc("Data in an online feature store.", unit="GB", ge=0)] = 10
    feature_reads: Annotated[float, doc("Read units of an online feature store.", ge=0)] = 1_000_000
    feature_writes: Annotated[float, doc("Write units of an online feature store.", ge=0)] = 1_000_000
    table_gb: Annotated[float, doc("Data in a database table.", unit="GB", ge=0)] = 1
    table_reads: Annotated[float, doc("Read units of a database table.", ge=0)] = 100_000
    table_writes: Annotated[float, doc("Write units of a database table.", ge=0)] = 100_000
    scanned_gb: Annotated[float, doc("Data that the queries of a workgroup scan.", unit="GB", ge=0)] = 100
    crawl_minutes: Annotated[float, doc("Length of a crawler's run.", unit="minutes", ge=0)] = 10
    training_runs: Annotated[
        float, doc("Runs of a pipeline that nothing starts by itself; for one component: of any pipeline.", ge=0)
    ] = 4
    runtime_share: Annotated[
        float,
        doc("Part of its longest runtime that a job needs; the ceiling counts all of it.", unit="0 to 1", ge=0, le=1),
    ] = 0.5
    invocations: Annotated[float, doc("Calls of a function.", ge=0)] = 10_000
    invocation_ms: Annotated[float, doc("Length of a function's call.", unit="milliseconds", ge=0)] = 500
    workflow_runs: Annotated[float, doc("Runs of a state machine.", ge=0)] = 100
    messages: Annotated[float, doc("Messages of a topic or queue.", ge=0)] = 1_000
    key_requests: Annotated[float, doc("Requests to a KMS key.", ge=0)] = 100_000
    management_events: Annotated[float, doc("API calls of the account that GuardDuty reads.", ge=0)] = 1_000_000
    cluster_events: Annotated[float, doc("Audit events of a cluster that GuardDuty reads.", ge=0)] = 1_000_000
    config_items: Annotated[float, doc("Changes of resources that AWS Config records.", ge=0)] = 1_000
    components: Annotated[
        dict[str, dict[str, dict[Assumption, Annotated[float, doc("Number that holds instead.", ge=0)]]]],
        doc(
            "By section and name: what holds for one component instead, such as "
            "{endpoints: {fraud-api: {requests: 5000000}}}. A section of which there is one is its own name: "
            "{tracking: {tracking: {stored_gb: 10}}}."
        ),
    ] = {}
