"""What protects a system from its own changes: gates on components and environments, and who may lift them."""

from __future__ import annotations

from typing import Annotated, Literal

from mlops_iac.spec.base import Date, Spec, doc

Protection = Literal["no_delete", "no_replace", "no_downtime", "frozen"]
"""What a change must not do to one component."""
EnvironmentGate = Literal["no_data_loss", "no_downtime", "no_public_exposure", "within_budget"]
"""What no change may do in an environment."""
Gate = Literal[
    "no_delete",
    "no_replace",
    "no_downtime",
    "frozen",
    "no_data_loss",
    "no_public_exposure",
    "within_budget",
    "spend_limit",
]
"""Everything that an approval can lift."""

Usd = Annotated[float, doc("An amount of money.", unit="USD a month", ge=0)]

DEFAULT_MAY_DIFFER: tuple[str, ...] = (
    "alerts.*",
    "approvals*",
    "budget.*",
    "cloud.*",
    "env.*",
    "network.*",
    "usage.*",
    "*.autoscaling.*",
    "*.capacity",
    "*.instance_type",
    "*.instances",
    "*.max_nodes",
    "*.min_nodes",
    "*.spot",
    "policies.enforcement.*",
    "policies.waivers*",
)
"""What differs between environments by nature: where they run, how large they are, and who is told."""


class Declaration(Spec, kw_only=True):
    """What every component may say, whatever its kind."""

    protect: Annotated[
        Protection | list[Protection] | None,
        doc(
            "Refuse changes in every environment, until a dated approval lifts it. no_delete: the component, or "
            "something of it that holds data, would be deleted or replaced. no_replace: any lasting part of it would. "
            "no_downtime: callers would wait. frozen: anything of it would change."
        ),
    ] = None

    was: Annotated[
        str | list[str] | None,
        doc(
            "Name that the component had before, or its names, the oldest first: it is then renamed and not made anew. "
            "Its names in the cloud keep the oldest name for as long as this is said."
        ),
    ] = None

    @property
    def formers(self) -> tuple[str, ...]:
        """Every earlier name, the oldest first."""
        return (self.was,) if isinstance(self.was, str) else tuple(self.was or ())

    @property
    def protections(self) -> tuple[Protection, ...]:
        """Every protection that is asked for, sorted."""
        given = [self.protect] if isinstance(self.protect, str) else self.protect or []
        return tuple(sorted(set(given)))


class SpendLimit(Spec, kw_only=True):
    """What an environment may cost in a month by estimate, and what one change may add to it."""

    floor_usd: Annotated[Usd | None, doc("Most that the system may cost at least.")] = None
    ceiling_usd: Annotated[Usd | None, doc("Most that it may cost at most.")] = None
    floor_increase_usd: Annotated[
        Usd | None, doc("Most that one change of a deployed system may add to what it costs at least.")
    ] = None
    ceiling_increase_usd: Annotated[
        Usd | None, doc("Most that one change of a deployed system may add to what it can cost.")
    ] = None


class GateApproval(Spec, kw_only=True):
    """A dated permission, from a person, for what a gate would refuse."""

    resource: Annotated[str, doc("Configuration path it is for, such as buckets.raw; * matches within.", min_length=1)]
    gate: Annotated[Gate, doc("Gate that it lifts.")]
    person: Annotated[
        str, doc("Who approved: a mail address.", pattern="^[^@\\s]+@[^@\\s]+$", expects="a mail address")
    ]
    reason: Annotated[str, doc("Why the change is right.", min_length=1)]
    expires: Annotated[Date, doc("Last day it holds.")]
    ticket: Annotated[str | None, doc("Where it was decided.")] = None


class PromotionSection(Spec, kw_only=True):
    """What may differ between the environments that a change passes through."""

    may_differ: Annotated[
        tuple[str, ...],
        doc("Patterns of configuration paths, such as env.* or *.instance_type; * matches anything, dots too."),
    ] = DEFAULT_MAY_DIFFER
