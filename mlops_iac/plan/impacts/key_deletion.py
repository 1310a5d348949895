"""KMS keys that are scheduled for deletion: everything that they encrypted becomes unreadable when the window ends.

Source: https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.plan.impact import Impact, ImpactKind, ImpactRule, ImpactSeverity, Scene, Touched, each

_KEYS = ("aws:kms/key:Key", "aws:kms/replicaKey:ReplicaKey")
_DEFAULT_WINDOW = 30


def _find(scene: Scene) -> Iterator[Impact]:
    yield from each((found for found in scene.of_type(*_KEYS) if found.goes), _judge)


def _judge(found: Touched) -> Iterator[Impact]:
    days = int(found.old.number("deletionWindowInDays") or _DEFAULT_WINDOW)
    retained = found.change.retain
    yield Impact(
        ImpactKind.ABANDONED if retained else ImpactKind.KEY_DELETION,
        ImpactSeverity.MEDIUM if retained else ImpactSeverity.CRITICAL,
        found.component,
        (found.name,),
        f"key {found.name} {found.how}: it stays in the cloud, unmanaged, and is paid for"
        if retained
        else f"key {found.name} {found.how}: it is scheduled for deletion, and after {days} days whatever it encrypted "
        "(objects, volumes, backups, logs) cannot be read by anybody",
        "note who answers for it"
        if retained
        else f"re-encrypt what it protects first; `aws kms cancel-key-deletion` works for {days} days",
        "https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html",
    )


RULE = ImpactRule("key-deletion", "A KMS key is scheduled for deletion.", _find)
