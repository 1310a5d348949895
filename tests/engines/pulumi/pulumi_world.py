"""The local engine's fake provider as a plugin of the real engine: objects are files below ``WORLD``, calls are logged.

``WORLD_KILL_AT`` names a boundary (before and after each effect): there ``WORLD_KILL`` is killed, by default the driver
(the process that runs the engine, whose id ``WORLD_DRIVER`` holds), the engine and its plugin. With ``WORLD_LINGER``
the plugin then waits until a driver with ``WORLD_GO`` has seen that it is still there. ``WORLD_FAIL`` is a text: a
create or update of a URN that ends in it fails.
``WORLD_WAIT`` is the same for a create that waits until the file ``go`` is there.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from local.fake import FakeProvider

from mlops_iac.engines.local.provider import ProviderError
from mlops_iac.engines.pulumi.automation.site import PulumiOptions
from mlops_iac.engines.pulumi.engine import PulumiEngine
from mlops_iac.graph.forms.json_form import graph_json
from mlops_iac.graph.nodes import Graph, Stack

PROGRAM = """\
import json, os, pathlib

import pulumi

from mlops_iac.engines.pulumi.errors import end_quietly_when_interrupted
from mlops_iac.engines.pulumi.program import register
from mlops_iac.graph.forms.json_form import stack_from_json

end_quietly_when_interrupted()
path = pathlib.Path(os.environ["WORLD"], f"{pulumi.get_project()}.json")
register(stack_from_json(json.loads(path.read_text())), system="fraud")
"""


DRIVER = """\
import os, sys
from pathlib import Path
from pulumi_world import engine, graph
from local.fake import chain, overhaul, stack
from mlops_iac.engines.pulumi.automation import recovery as module
os.environ["WORLD_DRIVER"] = str(os.getpid())
root = Path(sys.argv[1])
if os.environ.get("WORLD_GO"):
    look = module.wait_until_unused
    def wait_until_unused(folder):
        return look(folder, pause=(root / "world" / "go").touch)
    module.wait_until_unused = wait_until_unused
result = engine(root, parallel=1).up(graph(root, eval(sys.argv[2])))
print("stopped" if result.stopped else "ok" if result.ok else result.failures)
"""


def drive(root: Path, wanted: str, **environ: str) -> subprocess.Popen[str]:
    """An ``up`` in a process of its own; ``wanted`` is Python text that makes the stack."""
    command = [sys.executable, "-c", DRIVER, str(root), wanted]
    settings = {**os.environ, "WORLD": str(root / "world"), **environ}
    return subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, text=True)


def make(package: str, inputs: Mapping[str, Any]) -> FakeProvider:
    """The factory that the plugin server, and the recovery in our own process, call."""
    folder = Path(os.environ["WORLD"])
    return FakeProvider(folder, _boundary(folder), _fail(folder))


def world(root: Path) -> FakeProvider:
    """What exists, as the test sees it."""
    return FakeProvider(root / "world")


def prepare(root: Path, *layers: str) -> None:
    """A system's folder with projects of its own, by default one for the data layer."""
    (root / "world").mkdir(exist_ok=True)
    for layer in layers or ("data",):
        project = root / "stacks" / layer
        project.mkdir(parents=True, exist_ok=True)
        text = f"name: fraud-{layer}\nruntime: {{name: python, options: {{toolchain: pip}}}}\n"
        (project / "Pulumi.yaml").write_text(text)
        (project / "__main__.py").write_text(PROGRAM)


def engine(root: Path, factory: str = "pulumi_world:make", **options: Any) -> PulumiEngine:
    """The engine of the system in ``root``."""
    return PulumiEngine(root, "fraud", "dev", PulumiOptions(local=True, factory=factory, **options))


def graph(root: Path, *stacks: Stack) -> Graph:
    """A graph of those stacks, put where their programs read it."""
    for stack in stacks:
        path = root / "world" / f"{stack.project}.json"
        path.write_text(json.dumps(graph_json(stack, secrets=True)))
    return Graph("fraud", "dev", stacks)


def _boundary(folder: Path) -> Callable[[], None]:
    kill_at = int(os.environ.get("WORLD_KILL_AT") or 0)
    guard = threading.Lock()

    def boundary() -> None:
        with guard:
            counter = folder / "boundaries"
            count = int(counter.read_text() or 0) + 1 if counter.exists() else 1
            counter.write_text(str(count))
            if count == kill_at:
                (folder / "engine").write_text(str(os.getppid()))
                victims = {"driver": int(os.environ["WORLD_DRIVER"]), "engine": os.getppid(), "plugin": os.getpid()}
                for victim in os.environ.get("WORLD_KILL", "driver engine plugin").split():
                    os.kill(victims[victim], signal.SIGKILL)
                if os.environ.get("WORLD_LINGER"):
                    _wait_for(folder / "go")

    return boundary


def _fail(folder: Path) -> Callable[[str, str], Exception | None]:
    def fail(verb: str, urn: str) -> Exception | None:
        suffix = os.environ.get("WORLD_FAIL")
        if suffix and verb in ("create", "update") and urn.endswith(suffix):
            return ProviderError("the cloud says no")
        waits = os.environ.get("WORLD_WAIT")
        if waits and verb == "create" and urn.endswith(waits):
            (folder / "waiting").touch()
            _wait_for(folder / "go")
        return None

    return fail


def _wait_for(file: Path) -> None:
    while not file.exists():
        threading.Event().wait(0.05)
