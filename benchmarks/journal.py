"""How many bytes the local engine writes for one operation, in a small state and in a large one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from benchmarks.standin_provider import make
from mlops_iac.engines.files import write_all
from mlops_iac.engines.local.executor import apply_stack
from mlops_iac.engines.local.store import Store
from mlops_iac.graph.nodes import Layer, Node, Options, Stack
from mlops_iac.graph.values import NodeKey, Value


def bytes_per_operation(folder: Path, resources: int) -> float:
    """Journal bytes of each operation when that many queues exist and one tenth of them changes."""
    state = Store(folder / f"journal-{resources}", environ={"PULUMI_CONFIG_PASSPHRASE": "benchmark"})
    apply_stack(_queues(resources, 30, resources), {}, make, state)
    changed = max(1, resources // 10)
    with _counted() as written:
        apply_stack(_queues(resources, 60, changed), {}, make, state)
    return sum(written) / changed


def _queues(count: int, timeout: int, changed: int) -> Stack:
    """``changed`` queues have that timeout, the others 30 seconds."""
    provider = NodeKey("data", "pulumi:providers:aws", "aws")
    nodes = [Node(provider, {"region": "eu-west-1"})]
    for index in range(count):
        key = NodeKey("data", "aws:sqs/queue:Queue", f"queue-{index:06}")
        inputs: dict[str, Value] = {"name": key.name, "visibilityTimeoutSeconds": timeout if index < changed else 30}
        nodes.append(Node(key, inputs, Options(provider=provider)))
    return Stack(Layer.DATA, "bench-data", "dev", tuple(nodes), {})


@contextmanager
def _counted() -> Iterator[list[int]]:
    """Notes the length of everything that is appended to a journal."""
    written: list[int] = []

    def counting(descriptor: int, data: bytes) -> None:
        written.append(len(data))
        write_all(descriptor, data)

    with patch("mlops_iac.engines.local.store.write_all", counting):
        yield written
