"""Whom an alarm tells: the component's own alert, else those of the monitors that watch it, else every alert."""

from __future__ import annotations

from mlops_iac.compile.context import BuildContext
from mlops_iac.components.foundation.alerts import AlertOutputs
from mlops_iac.graph.values import Value


def topics(ctx: BuildContext, alert: str | None, *, endpoint: str | None = None) -> list[Value]:
    """ARNs of the topics; the component has to list ``alerts`` in its ``uses``."""
    alerts = ctx.all("alerts", AlertOutputs)
    watching = {
        monitor.spec.alert
        for monitor in ctx.system.of_kind("monitors")
        if endpoint is not None and monitor.spec.endpoint == endpoint and monitor.spec.alert
    }
    chosen = [alert] if alert else sorted(watching) or sorted(alerts)
    return [alerts[name].topic_arn for name in chosen]
