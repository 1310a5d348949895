"""Data stays in the regions that it may be in.

Source: https://eur-lex.europa.eu/eli/reg/2016/679/oj#art_44
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.inputs import Inputs
from mlops_iac.policies.policy import (
    NOT_APPLICABLE,
    PASS,
    Enforcement,
    Limits,
    Policy,
    PolicySeverity,
    ResourceView,
    Result,
    StackView,
    SystemView,
    fail,
    fails,
    passes,
    skips,
    waits,
)

PROVIDER = "pulumi:providers:aws"
TABLE = "aws:dynamodb/table:Table"


def check(resource: ResourceView, stack: StackView) -> Result:
    """The region of a provider, of a resource and of each of its replicas is allowed."""
    limits, inputs = stack.system.limits.regions, resource.inputs
    if not limits or not any(name in inputs for name in ("region", "replicas", "replicaRegions")):
        return NOT_APPLICABLE
    for path, region in _regions(inputs):
        if region and region not in limits:
            return fail(f"is in {region}, which is not allowed", path)
    return PASS


def _regions(inputs: Inputs) -> Iterator[tuple[str, str]]:
    yield "region", inputs.text("region")
    for replica in inputs.each("replicas"):
        for name in ("region", "regionName"):
            yield replica.path_of(name), replica.text(name)


_EU = SystemView(limits=Limits(regions=("eu-west-1",)))


POLICY = Policy(
    id="gov-allowed-regions",
    title="Resources and replicas are in allowed regions",
    why="A replica in another region is a transfer of the data to another country.",
    fix="move the resource, or add the region to policies.allowed_regions after approval",
    settings=("cloud.region",),
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=("*",),
    controls={"gdpr": ("44",)},
    source_url="https://eur-lex.europa.eu/eli/reg/2016/679/oj#art_44",
    check=check,
    samples=(
        passes(PROVIDER, {"region": "eu-west-1"}, system=_EU),
        fails(PROVIDER, {"region": "us-east-1"}, system=_EU),
        fails(TABLE, {"replicas": [{"regionName": "us-east-1"}]}, system=_EU),
        waits(PROVIDER, {"region": UNKNOWN}, system=_EU),
        skips(TABLE, {"name": "t"}, system=_EU),
    ),
)
