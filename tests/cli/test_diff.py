"""``mlops-iac diff``, and what preview and up do where a gate refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlops_iac.engines.local.store import Store
from mlops_iac.pipeline import request_at, run_phases
from mlops_iac.plan.deployed import snapshot_of_graph

from .conftest import Run


def test_text_names_both_origins_and_what_is_carried(run: Run, system: Path) -> None:
    result = run("diff", "env=dev", "env=prod buckets.raw.keep=60d", "-C", system)
    assert result.exit_code == 0
    head, _, rest = result.output.partition("Keys that may differ")
    assert "buckets.raw.keep" in head
    rows = [" ".join(row.split()) for row in head.splitlines()]
    assert 'dev "30d" system.yaml:8' in rows
    assert 'prod "60d" override buckets.raw.keep=60d' in rows
    assert "env.deletion_window" in rest
    assert "A promotion to prod carries" in rest


def test_json_holds_the_same(run: Run, system: Path) -> None:
    result = run("diff", "env=dev", "env=prod", "-C", system, "--format", "json", "buckets.raw.keep=60d")
    document = json.loads(result.output)
    assert (document["kind"], document["from"], document["to"]) == ("promotion", "dev", "prod")
    assert document["unexpected"] == []
    assert {key["allowedBy"] for key in document["keys"]} == {"env.*"}


def test_check_exits_with_2_for_a_key_that_may_not_differ(run: Run, system: Path) -> None:
    assert run("diff", "env=dev", "env=prod", "-C", system, "--check").exit_code == 0
    assert run("diff", "env=dev", "env=prod buckets.raw.keep=60d", "-C", system, "--check").exit_code == 2


def test_wrong_sides_are_told(run: Run, system: Path) -> None:
    assert run("diff", "env=dev", "env=production", "-C", system).exit_code == 1
    assert run("diff", "env=dev", "'env=prod", "-C", system).exit_code == 1
    assert run("diff", "env=dev", "-C", system).exit_code != 0


@pytest.fixture
def deployed(system: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small system, as if it were deployed."""
    graph = run_phases(request_at(system), until="compile").graph
    assert graph is not None
    states = snapshot_of_graph(graph)
    monkeypatch.setattr(Store, "stacks", lambda store: tuple((project, "dev") for project in states))
    monkeypatch.setattr(Store, "load", lambda store, project, stack: states[project])
    return system


FROZEN = ("+buckets.raw.protect=frozen", "buckets.raw.keep=60d")


def test_preview_shows_what_a_gate_refuses_and_exits_with_2(run: Run, deployed: Path) -> None:
    result = run("preview", "-C", deployed, *FROZEN)
    assert result.exit_code == 2
    assert "error MI6001  buckets.raw: frozen refuses this change: raw.lifecycle changes" in result.output
    assert "override, column 22" in result.output
    document = json.loads(run("preview", "-C", deployed, "--format", "json", *FROZEN).output)
    assert [(gate["gate"], gate["status"]) for gate in document["gates"]] == [("frozen", "refused")]
    assert [item["code"] for item in document["diagnostics"]][:1] == ["MI6001"]
    assert "MI6001" in run("preview", "-C", deployed, "--format", "markdown", *FROZEN).output


def test_up_refuses_before_anything_is_changed(run: Run, deployed: Path) -> None:
    result = run("up", "-C", deployed, "--yes", *FROZEN)
    assert result.exit_code == 2
    assert "MI6001" in result.stderr
    assert not (deployed / ".mlops-iac").exists()


def test_what_does_not_exist_yet_may_be_created_frozen(run: Run, system: Path) -> None:
    assert run("preview", "-C", system, *FROZEN).exit_code == 0
