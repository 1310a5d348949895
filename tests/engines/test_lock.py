from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from mlops_iac.engines.files import temporary_name
from mlops_iac.engines.lock import sweep


def test_what_the_dead_left_half_written_goes_and_nothing_else(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = [
        tmp_path / f".state.json.{dead.pid}.tmp",
        tmp_path / "state" / f".data.json.{dead.pid}.tmp",
        tmp_path / "pulumi" / "home" / f".plans.x1.{dead.pid}.tmp" / "data.json",
    ]
    kept = [
        tmp_path / "state" / temporary_name("data.json"),
        tmp_path / "state" / "data.json",
        tmp_path / ".notes.tmp",
        tmp_path / "state" / f".mine.{os.getpid()}.tmp" / "data.json",
    ]
    for path in (*left, *kept):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{", "utf-8")
    sweep(tmp_path)
    assert not any(path.exists() for path in left)
    assert not left[2].parent.exists()
    assert all(path.exists() for path in kept)
