"""SIGKILL at every boundary of a provider's call, by the real CLI: nothing is lost, and nothing is made twice.

Killed are our process, the engine, or both with the plugin. The one who is left goes on, so that a call may take effect
after its engine is dead. The next ``up`` settles all of it by itself. Some of the boundaries are tried always, all of
them with ``MLOPS_IAC_SLOW``.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest
from pulumi_harness import needs_cli

pytest.importorskip("pulumi", reason="the Pulumi SDK is not installed")

from local.fake import chain, overhaul, stack
from pulumi_world import drive, engine, graph, prepare, world

from mlops_iac.engines.pulumi.codes import COMMAND_FAILED
from mlops_iac.engines.pulumi.in_use import wait_until_unused
from mlops_iac.graph.evaluate import reveal
from mlops_iac.graph.nodes import Stack
from mlops_iac.plan.diff import plan_graph
from mlops_iac.plan.model import Op
from mlops_iac.state.checkpoint import verify

pytestmark = needs_cli

SLOW = "MLOPS_IAC_SLOW" in os.environ
VICTIMS = ("driver engine plugin", "driver", "engine")
SCENARIOS: Mapping[str, tuple[str | None, str]] = {
    "made": (None, "chain(4)"),
    "changed": ("overhaul()", "overhaul(changed=True)"),
    "deleted": ("overhaul(changed=True)", "stack()"),
}
BOUNDARIES = {"made": 4, "changed": 30, "deleted": 24}
SAMPLE = {"made": (2,), "changed": (9, 16, 23), "deleted": (8,)}


@pytest.mark.timeout(4 * 3600 if SLOW else 1800)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_killed_at_a_boundary_the_next_run_recovers(scenario: str, root: Path) -> None:
    before, after = SCENARIOS[scenario]
    wanted: Stack = eval(after, {"chain": chain, "overhaul": overhaul, "stack": stack})
    origin = root / "origin"
    origin.mkdir()
    prepare(origin)
    if before is not None:
        _run(origin, before)
    whole = root / "whole"
    shutil.copytree(origin, whole)
    (whole / "world" / "boundaries").write_text("0")
    _run(whole, after)
    _check(whole, wanted)
    boundaries = int((whole / "world" / "boundaries").read_text())
    assert boundaries == BOUNDARIES[scenario]

    kills = [(boundary, victim) for boundary in range(1, boundaries + 1) for victim in VICTIMS]
    if not SLOW:
        kills = [(boundary, VICTIMS[boundary % len(VICTIMS)]) for boundary in SAMPLE[scenario]]
    for boundary, victim in kills:
        base = root / f"at-{boundary}"
        shutil.copytree(origin, base)
        (base / "world" / "boundaries").write_text("0")
        killed = drive(base, after, WORLD_KILL_AT=str(boundary), WORLD_KILL=victim)
        said, _ = killed.communicate()
        if "driver" in victim:
            assert killed.returncode == -signal.SIGKILL, (boundary, said)
        else:
            assert COMMAND_FAILED in said, (boundary, said)
        _run(base, after)
        _check(base, wanted)
        shutil.rmtree(base)
    print(f"{scenario}: {len(kills)} kills, 0 lost, 0 doubled")


def test_what_a_dead_engine_had_under_way_is_waited_for(root: Path) -> None:
    """The plugin makes a subnet, which has no name to collide by, when the next run has begun already."""
    killed = drive(root, "chain(4)", WORLD_KILL_AT="1", WORLD_KILL="engine", WORLD_LINGER="1")
    said, _ = killed.communicate()
    assert COMMAND_FAILED in said
    _run(root, "chain(4)", WORLD_GO="1")
    (root / "world" / "go").touch()
    assert wait_until_unused(root / ".mlops-iac" / "pulumi" / "stacks" / "data") is not None
    _check(root, chain(4))


def _run(root: Path, wanted: str, **environ: str) -> None:
    said, _ = drive(root, wanted, **environ).communicate()
    assert said.strip() == "ok", said


def _check(root: Path, wanted: Stack) -> None:
    """The cloud holds what is declared once, and the state knows all of it as it is."""
    objects = world(root).objects()
    urns = [item["urn"] for item in objects.values()]
    assert len(urns) == len(set(urns)), "something exists twice"
    assert len(urns) == sum(node.custom and not node.type.startswith("pulumi:") for node in wanted.nodes)
    made = graph(root, wanted)
    states = engine(root).snapshots(made)
    for state in states.values():
        assert not state.pending and verify(state) == []
        known = {item.id: item for item in state.resources if item.custom and not item.type.startswith("pulumi:")}
        assert {id: reveal(item.inputs) for id, item in known.items()} == {
            id: item["inputs"] for id, item in objects.items()
        }
        assert not any(item.delete for item in state.resources)
    plan = plan_graph(made, states, "the state")
    assert {op for op, count in plan.summary().items() if count} <= {Op.SAME}
