"""Databases that restart: what is stored stays, and whatever asks them waits.

Sources: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ModifyInstance.Settings.html (which settings cause
downtime), https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.MultiAZSingleStandby.html (60 to 120 seconds
with a standby); a single instance restarts on its new class within a quarter of an hour.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.plan.impact import Impact, ImpactKind, ImpactRule, ImpactSeverity, Scene, Touched, each, listed
from mlops_iac.plan.model import Op

_RESTARTING = frozenset({"engineVersion", "instanceClass", "parameterGroupName", "storageType", "port"})


def _find(scene: Scene) -> Iterator[Impact]:
    yield from each((found for found in scene.of_type("aws:rds/instance:Instance") if found.op is Op.UPDATE), _judge)


def _judge(found: Touched) -> Iterator[Impact]:
    causes = sorted({item.path for item in found.change.diff} & _RESTARTING)
    if not causes:
        return
    standby = found.new.flag("multiAz")
    now = found.new.flag("applyImmediately")
    when = "" if now else " in the next maintenance window"
    yield Impact(
        ImpactKind.DOWNTIME,
        ImpactSeverity.MEDIUM,
        found.component,
        (found.name,),
        f"database {found.label} restarts{when} ({listed(causes)}): "
        + ("its standby takes over" if standby else "it has no standby, so whatever uses it waits"),
        "apply outside working hours" if now else "set the maintenance window, or apply immediately on purpose",
        "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ModifyInstance.Settings.html",
        (1, 2) if standby else (5, 15),
    )


RULE = ImpactRule("database-restart", "A database restarts to take a change.", _find)
