"""What jobs meet when the CI system is left out: a bare repository, real shells, artifacts, and the toolkit itself.

Two things are not as in a CI system, and only these: ``python -m pip`` does nothing, and ``mlops-iac`` deploys to the
local target and posts to a forge on loopback. Its process is forked from one that has imported everything, so that a
run takes a fraction of a second; words, folder, environment, output and exit status are those of a program.
"""

from __future__ import annotations

import array
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

SYSTEM = """\
defaults:
  - env: dev
  - security: baseline
  - _self_
system: {name: small, owner: ml@example.com, purpose: scoring, tags: {cost-center: "1"}}
cloud: {region: eu-west-1, account: "111122223333"}
network:
  vpc: existing
  vpc_id: vpc-0123456789abcdef0
  private_subnet_ids: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]
  private_endpoints: []
security: {audit: {trail: false, guardduty: false}}
buckets:
  raw: {classification: internal, keep: 30d}
delivery:
  provider: github
  repository: acme/small
  environments: [dev]
  approve: {dev: [leads]}
  install: ["mlops-iac[pulumi]==1.2.3"]
  identity: {organization: 6f2a7e1c-1111-2222-3333-444455556666, project: 9d2a7e1c-1111-2222-3333-444455556666}
"""
FOLDER = "systems/small"
"""Where the system is in the repository."""

_CLIENT = """\
import array, json, os, socket, sys
words = sys.argv[1:]
if "--install-pulumi" in words:
    words = [w for w in words if w not in ("--engine", "pulumi", "--install-pulumi")]
if words[0] == "post":
    words[2:2] = ["--api", os.environ["FORGE_API"]]
line = socket.socket(socket.AF_UNIX)
line.connect(os.environ["WARM_SOCKET"])
message = json.dumps({"words": words, "folder": os.getcwd(), "environment": dict(os.environ)}).encode()
line.sendmsg([len(message).to_bytes(4, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
line.sendall(message)
sys.exit(line.recv(1)[0])
"""


def serve(path: str) -> None:
    """Answer one client after the other, each by a forked process that is the toolkit's command."""
    from mlops_iac.cli.main import cli
    from mlops_iac.pipeline import request_at, run_phases

    run_phases(request_at(Path(os.environ["WARM_SYSTEM"])))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    print("ready", flush=True)
    while True:
        line, _ = listener.accept()
        head, ancillary, _, _ = line.recvmsg(4, socket.CMSG_SPACE(12))
        if len(head) < 4:
            return
        handles = array.array("i", ancillary[0][2])
        wanted = int.from_bytes(head, "big")
        message = b""
        while len(message) < wanted:
            message += line.recv(wanted - len(message))
        asked = json.loads(message)
        process = os.fork()
        if process == 0:
            listener.close()
            for number, handle in enumerate(handles):
                os.dup2(handle, number)
            os.chdir(asked["folder"])
            os.environ.clear()
            os.environ.update(asked["environment"])
            status = 70
            try:
                cli(asked["words"], prog_name="mlops-iac")
            except SystemExit as ending:
                status = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        for handle in handles:
            os.close(handle)
        line.sendall(bytes([os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) & 255]))
        line.close()


@dataclass
class Outcome:
    """How a job ended: ``status`` is None where it did not run. ``output`` is everything that its shells said."""

    job: str
    status: int | None = None
    output: str = ""
    identity: str = ""


Between = Callable[[str], bool]
"""Asked before a job that waits for approval, with its id: whether it may run."""


@dataclass
class World:
    """Everything outside of the CI system. ``folder`` is scratch; ``state`` is kept, as a bucket would keep it."""

    folder: Path
    environment: dict[str, str]
    runs: int = 0
    artifacts: dict[str, Path] = field(default_factory=dict)

    @property
    def origin(self) -> Path:
        return self.folder / "origin.git"

    def git(self, *words: str | Path, cwd: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *map(str, words)], cwd=cwd, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"git {words}: {done.stderr}"
        return done.stdout.strip()

    def commit(self, branch: str, files: Mapping[str, str], base: str = "main") -> str:
        """A commit on a branch of the repository, which starts at ``base``; answers its id."""
        clone = self.folder / "author"
        if not clone.exists():
            self.git("clone", "--quiet", self.origin, clone)
        self.git("fetch", "--quiet", "--prune", "origin", cwd=clone)
        known = self.git("branch", "--remotes", cwd=clone).split()
        start = next((f"origin/{name}" for name in (branch, base) if f"origin/{name}" in known), None)
        self.git("checkout", "--quiet", "-B", branch, *([start] if start else []), cwd=clone)
        for name, text in files.items():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            (clone / name).write_text(text, encoding="utf-8")
        self.git("add", "--all", cwd=clone)
        self.git("commit", "--quiet", "--allow-empty", "--message", f"{branch} {len(files)}", cwd=clone)
        self.git("push", "--quiet", "origin", branch, cwd=clone)
        return self.git("rev-parse", "HEAD", cwd=clone)

    def merge(self, branch: str) -> str:
        """Merge a branch into ``main``; answers the new commit."""
        clone = self.folder / "author"
        self.git("checkout", "--quiet", "main", cwd=clone)
        self.git("merge", "--quiet", "--no-ff", "--message", f"Merge {branch}", f"origin/{branch}", cwd=clone)
        self.git("push", "--quiet", "origin", "main", cwd=clone)
        return self.git("rev-parse", "HEAD", cwd=clone)

    def checkout(self, commit: str, *, depth: int = 0, branches: bool = False) -> Path:
        """A fresh working copy, with as much history and as many branches as the CI system would fetch."""
        self.runs += 1
        copy = self.folder / "jobs" / str(self.runs)
        copy.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch", "nothing", cwd=copy)
        self.git("remote", "add", "origin", f"file://{self.origin}", cwd=copy)
        if branches:
            self.git("fetch", "--quiet", "origin", cwd=copy)
        self.fetch(copy, commit, depth)
        kept = copy / FOLDER / ".mlops-iac"
        if not kept.exists():
            kept.symlink_to(self.folder / "state")
        return copy

    def fetch(self, copy: Path, commit: str, depth: int = 0) -> None:
        self.git("fetch", "--quiet", *([f"--depth={depth}"] if depth else []), "origin", commit, cwd=copy)
        self.git("checkout", "--quiet", "--detach", commit, cwd=copy)

    def shell(self, text: str, cwd: Path, environment: Mapping[str, str], outcome: Outcome, *options: str) -> int:
        """Run a script as the CI system would; its status, which the outcome takes over where it is the first bad."""
        given = {**self.environment, **environment}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", *options, "-c", text],
            cwd=cwd, env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=300,
        )  # fmt: skip
        outcome.output += f"$ {text}\n{done.stdout}"
        outcome.status = outcome.status or done.returncode
        return done.returncode

    def keep(self, name: str, path: Path) -> bool:
        """Keep a file or folder; False where it is not there."""
        kept = self.folder / "artifacts" / str(self.runs) / name
        if not path.exists():
            return False
        kept.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if path.is_dir() else shutil.copy)(path, kept)
        self.artifacts[name] = kept
        return True

    def give(self, name: str, path: Path) -> None:
        """Put what was kept where a job takes it."""
        shutil.copytree(self.artifacts[name], path, dirs_exist_ok=True)

    def by_hand(self, *words: str) -> str:
        """The toolkit as a person uses it, in a checkout of ``main``."""
        copy = self.checkout(self.git("rev-parse", "main", cwd=self.origin))
        outcome = Outcome("by hand")
        line = " ".join(f"'{word}'" for word in ("mlops-iac", words[0], "-C", FOLDER, *words[1:]))
        self.shell(line, copy, {}, outcome)
        assert outcome.status == 0, outcome.output
        return outcome.output


@contextmanager
def a_world(folder: Path, forge: str, delivery: Mapping[str, str]) -> Iterator[World]:
    """A repository with the small system and its delivery files on ``main``."""
    tools, state = folder / "tools", folder / "state"
    tools.mkdir()
    state.mkdir()
    for name, text in {
        "mlops-iac": f'#!/bin/sh\nexec {sys.executable} -S -E {tools}/client.py "$@"\n',
        "python": f'#!/bin/sh\n[ "$1 $2" = \'-m pip\' ] && exit 0\nexec {sys.executable} "$@"\n',
        "client.py": _CLIENT,
    }.items():
        (tools / name).write_text(text, encoding="utf-8")
        (tools / name).chmod(0o755)
    warm = folder / "warm" / "system.yaml"
    warm.parent.mkdir()
    warm.write_text(SYSTEM, encoding="utf-8")
    kept = ("HOME", "LANG", "PATH", "TMPDIR")
    environment: dict[str, str] = {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "FORGE_API": forge,
        "WARM_SOCKET": str(folder / "warm.socket"),
        "WARM_SYSTEM": str(warm.parent),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "A. Author", "GIT_AUTHOR_EMAIL": "author@example.com",
        "GIT_COMMITTER_NAME": "A. Author", "GIT_COMMITTER_EMAIL": "author@example.com",
    }  # fmt: skip
    world = World(folder, environment)
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", f"from tests.delivery.world import serve; serve({environment['WARM_SOCKET']!r})"]
    server = subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        world.git("init", "--quiet", "--bare", "--initial-branch", "main", world.origin)
        world.git("config", "uploadpack.allowAnySHA1InWant", "true", cwd=world.origin)
        world.commit("main", {f"{FOLDER}/system.yaml": SYSTEM, ".gitignore": ".mlops-iac\n", **delivery})
        yield world
        world.by_hand("destroy", "--yes", "--forget")
    finally:
        server.terminate()
        server.wait()
