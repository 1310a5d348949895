"""Makes the helper modules of this folder importable, also for the Pulumi programs that the tests start."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a system whose cloud is ``pulumi_world``, and nothing of the user's own Pulumi around it."""
    from pulumi_world import prepare

    here = Path(__file__).parent
    prepare(tmp_path)
    for name in [name for name in os.environ if name.startswith(("PULUMI_", "AWS_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WORLD", str(tmp_path / "world"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(here), str(here.parent), str(here.parents[2])]))
    return tmp_path
