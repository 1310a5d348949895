"""What a run without a target touches: its system, the package and Python; no network, no other program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "fraud-detection"
WATCHED = """\
import json, os, sys

report, arguments = sys.argv[1], sys.argv[2:]
opened, written, forbidden = set(), set(), set()


def watch(event, args):
    if event == "open" and isinstance(args[0], (str, bytes)):
        path = os.path.abspath(os.fsdecode(args[0]))
        opened.add(path)
        if isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            written.add(path)
    elif event.startswith(("socket.", "subprocess.", "os.exec", "os.posix_spawn", "os.system", "os.fork", "ctypes.dlopen")):
        if event != "socket.__new__" and event != "socket.gethostname":
            forbidden.add(event)


sys.addaudithook(watch)
sys.argv = ["mlops-iac", *arguments]
from mlops_iac.cli.main import main

try:
    main()
    code = 0
except SystemExit as leaving:
    code = leaving.code or 0
watched = {"code": code, "modules": sorted(sys.modules)}
watched.update(opened=sorted(opened), written=sorted(written), forbidden=sorted(forbidden))
with open(report, "w") as out:
    json.dump(watched, out)
"""
HEAVY = ("pulumi", "boto3", "botocore", "sagemaker", "pandas", "numpy", "kubernetes", "moto", "grpc")


def watched(tmp_path: Path, *arguments: str, **environment: str) -> dict[str, Any]:
    """What one run of the command opened, imported and tried."""
    report = tmp_path / "report.json"
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(report), *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(tmp_path), **environment},
    )
    assert report.exists(), done.stderr
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    found["stdout"], found["stderr"] = done.stdout, done.stderr
    return found


RUNS = [
    pytest.param(("validate",), id="validate"),
    pytest.param(("validate", "env=prod"), id="validate-prod"),
    pytest.param(("preview",), id="preview"),
    pytest.param(("preview", "--format", "json"), id="preview-json"),
    pytest.param(("policy", "check"), id="policy-check"),
    pytest.param(("graph",), id="graph"),
    pytest.param(("compile", "--out", "out"), id="compile"),
]


@pytest.mark.parametrize("verb", RUNS)
def test_a_run_stays_in_its_system_and_the_package(verb: tuple[str, ...], tmp_path: Path) -> None:
    found = watched(tmp_path, *verb, "-C", str(EXAMPLE))
    assert found["code"] == 0, found["stderr"]
    assert found["forbidden"] == []
    own = {EXAMPLE, ROOT / "mlops_iac", ROOT / "configs", ROOT / "schemas", tmp_path / "out"}
    python = {Path(sys.prefix), Path(sys.base_prefix), *map(Path, sysconfig.get_paths().values()), Path(sys.executable)}
    system = {Path("/dev/null"), Path("/dev/urandom"), Path("/etc/localtime"), Path("/usr/share/zoneinfo")}
    allowed = {path.resolve() for path in own | python | system} | own | python
    strays = [name for name in found["opened"] if not any(Path(name).is_relative_to(path) for path in allowed)]
    assert strays == []
    outside = [name for name in found["written"] if not Path(name).is_relative_to(tmp_path / "out")]
    assert [name for name in outside if name != "/dev/null"] == []


@pytest.mark.parametrize("verb", [("validate",), ("preview",), ("graph",), ("policy", "check")], ids=" ".join)
def test_a_run_imports_nothing_heavy(verb: tuple[str, ...], tmp_path: Path) -> None:
    modules = watched(tmp_path, *verb, "-C", str(EXAMPLE))["modules"]
    assert [name for name in HEAVY if name in modules] == []


def test_help_imports_no_phase(tmp_path: Path) -> None:
    found = watched(tmp_path, "--help")
    assert found["code"] == 0
    assert [
        name for name in found["modules"] if name in ("hydra", "omegaconf", "msgspec", "jsonschema", "yaml", "rich")
    ] == []
    assert [name for name in found["modules"] if name.startswith(("mlops_iac.co", "mlops_iac.policies"))] == []


HOSTILE = {
    "target": "buckets: {raw: {_target_: os.system}}",
    "hydra": "hydra: {run: {dir: out}}",
    "python tag": "buckets: !!python/object/apply:os.system [id]",
    "other resolver": "system: {name: '${oc.env:CANARY}'}",
    "unlisted variable": "system: {name: '${env:CANARY}'}",
    "decoded": "system: {name: '${oc.decode:\"${oc.env:CANARY}\"}'}",
    "group outside": "defaults: [../../outside/evil]",
    "absolute group": "defaults: [/etc/passwd]",
    "package group": "defaults: ['file://etc/passwd']",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_yaml_reads_and_runs_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "evil.yaml").write_text("stolen: CANARY-IN-FILE\n", encoding="utf-8")
    folder = tmp_path / "a" / "system"
    folder.mkdir(parents=True)
    (folder / "system.yaml").write_text(text + "\n", encoding="utf-8")
    found = watched(tmp_path, "preview", "-C", str(folder), CANARY="CANARY-IN-ENVIRONMENT")
    assert found["code"] == 1
    assert found["forbidden"] == []
    assert found["written"] == []
    assert not {str(tmp_path / "outside" / "evil.yaml"), "/etc/passwd"} & set(found["opened"])
    assert "CANARY-IN" not in found["stdout"] + found["stderr"]
    assert "Traceback" not in found["stderr"]
