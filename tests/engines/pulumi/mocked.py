"""A Pulumi program under the SDK's own mocks, in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

pulumi = pytest.importorskip("pulumi", reason="the Pulumi SDK is not installed")

from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks  # noqa: E402
from pulumi.runtime.settings import SETTINGS  # noqa: E402
from pulumi.runtime.stack import wait_for_rpcs  # noqa: E402


class Echo(Mocks):
    """Every resource has its inputs as outputs."""

    def __init__(self) -> None:
        self.made: dict[str, MockResourceArgs] = {}

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        self.made[args.name] = args
        return f"{args.name}-id", {**args.inputs, "arn": f"arn:{args.name}"}

    def call(self, args: MockCallArgs) -> dict[str, Any]:
        return {}


@contextmanager
def program_of(mocks: Mocks, project: str, monitor: MockMonitor | None = None) -> Iterator[None]:
    """A program of its own: outputs that it never resolves, as one that fails does, are waited for by no other."""
    pulumi.runtime.set_mocks(mocks, project=project, stack="dev", monitor=monitor)
    try:
        yield
    finally:
        left = list(SETTINGS.outputs)
        for task in left:
            task.cancel()
        asyncio.get_event_loop().run_until_complete(asyncio.gather(*left, return_exceptions=True))
        SETTINGS.outputs.clear()
        SETTINGS.rpc_manager.clear()


def known(output: Any) -> Any:
    """Waits for an output, outside of the engine."""
    return asyncio.get_event_loop().run_until_complete(output.future(True))


def finish() -> None:
    """Waits until everything is registered, as the engine does at the end of a program."""
    asyncio.get_event_loop().run_until_complete(wait_for_rpcs())
