"""The real command, in a process of its own."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mlops_iac import __version__

SCRIPT = str(Path(sys.executable).with_name("mlops-iac"))
MODULE = (sys.executable, "-m", "mlops_iac")
COMMANDS = [
    pytest.param((SCRIPT,), id="script", marks=pytest.mark.skipif(not Path(SCRIPT).exists(), reason="not installed")),
    pytest.param(MODULE, id="module"),
]


def called(*command: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("MLOPS_IAC_TRACEBACK", "NO_COLOR")}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env={**kept, **environment})


@pytest.mark.parametrize("command", COMMANDS)
def test_both_ways_of_calling_are_the_same_command(command: tuple[str, ...], system: Path) -> None:
    assert called(*command, "--version").stdout == f"mlops-iac, version {__version__}\n"
    done = called(*command, "preview", "--format", "json", "env=prod", cwd=system)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["environment"] == "prod"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("validate",), 0),
        (("validate", "buckets.raw.keep=soon"), 1),
        (("preview", "--exit-code"), 10),
        (("preview", "~system.tags"), 2),
        (("preview", "--nope"), 1),
    ],
    ids=str,
)
def test_exit_codes(arguments: tuple[str, ...], code: int, system: Path) -> None:
    done = called(*MODULE, *arguments, cwd=system)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


def test_a_traceback_only_when_asked_for(system: Path) -> None:
    assert "Traceback" not in called(*MODULE, "validate", "+x=1", cwd=system).stderr
    done = called(*MODULE, "validate", "+x=1", cwd=system, MLOPS_IAC_TRACEBACK="1")
    assert done.returncode == 1
    assert "Traceback" in done.stderr and "DiagnosticsError" in done.stderr


def test_an_interrupt_leaves_with_130(system: Path) -> None:
    program = (
        "import signal, mlops_iac.compile.driver as driver\n"
        # A process that a shell put into the background has it ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "driver.compile_graph = lambda *_: signal.raise_signal(signal.SIGINT)\n"
        "from mlops_iac.cli.main import main\n"
        "main()\n"
    )
    done = called(sys.executable, "-c", program, "validate", cwd=system)
    assert (done.returncode, done.stderr.strip()) == (128 + signal.SIGINT, "interrupted")


def test_output_without_a_terminal_has_no_escape_codes(system: Path) -> None:
    for arguments in (("preview",), ("validate", "+x=1")):
        done = called(*MODULE, *arguments, cwd=system)
        assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize(("given", "colored"), [({}, True), ({"NO_COLOR": "1"}, False)], ids=["plain", "NO_COLOR"])
def test_color_on_a_terminal_unless_refused(given: dict[str, str], colored: bool, system: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*MODULE, "preview"], cwd=system, stdout=slave, stderr=slave, env={**kept, "TERM": "xterm-256color", **given}
    )
    os.close(slave)
    output = b""
    while True:
        try:
            block = os.read(master, 65536)
        except OSError:
            break
        if not block:
            break
        output += block
    os.close(master)
    assert process.wait() == 0
    assert (b"\x1b[" in output) is colored


@pytest.mark.skipif(shutil.which("head") is None, reason="needs head")
def test_a_reader_that_leaves_is_no_error(system: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m mlops_iac schema | head -1", shell=True, cwd=system, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("{\n", "")


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "POSIX"])
def test_foreign_text_prints_in_any_locale(locale: str, system: Path) -> None:
    text = (
        (system / "system.yaml")
        .read_text(encoding="utf-8")
        .replace("purpose: scoring", "purpose: 'Bewertung für 日本'")
    )
    (system / "system.yaml").write_text(text.replace("raw:", "räw:"), encoding="utf-8")
    done = called(*MODULE, "validate", cwd=system, LC_ALL=locale, PYTHONUTF8="0")
    assert done.returncode == 1
    assert "MI2006" in done.stderr or "cannot have the key" in done.stderr
    assert "Traceback" not in done.stderr
