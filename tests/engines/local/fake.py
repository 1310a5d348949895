"""A provider whose objects are files, that logs every call: what it holds is the truth a state is compared with."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlops_iac.engines.local.provider import (
    CheckFailure,
    Created,
    Found,
    Properties,
    ProviderError,
    UnreachableError,
    Updated,
)
from mlops_iac.graph.nodes import Layer, Node, Options, Stack
from mlops_iac.graph.values import NodeKey, Ref, Secret, Value

NAMED = "aws:sqs/queue:Queue"
UNNAMED = "aws:ec2/subnet:Subnet"
POLICY = "aws:sqs/queuePolicy:QueuePolicy"
AWS = "pulumi:providers:aws"
COMPONENT = "mlops:data:Bucket"

PHYSICAL_NAME = {NAMED: "name"}


class FakeProvider:
    """``boundary`` is called before and after every effect, and before a call that has none; ``fail`` gives an error
    for a URN, or None."""

    def __init__(
        self,
        folder: Path,
        boundary: Callable[[], None] = lambda: None,
        fail: Callable[[str, str], Exception | None] = lambda verb, urn: None,
    ) -> None:
        self.folder = folder
        self.boundary = boundary
        self.fail = fail
        (folder / "objects").mkdir(parents=True, exist_ok=True)

    def check(self, urn: str, type: str, news: Properties, olds: Properties) -> tuple[CheckFailure, ...]:
        return ()

    def create(self, urn: str, type: str, inputs: Properties) -> Created:
        self._enter("create", urn)
        name = inputs.get(PHYSICAL_NAME.get(type, ""))
        id = f"{name}" if name else f"gen-{os.urandom(6).hex()}"
        path = self._path(id)
        if path.exists():
            raise ProviderError(f"{id} exists already")
        self._write(path, {"urn": urn, "type": type, "inputs": inputs})
        self.boundary()
        return Created(id, self._outputs(id, inputs))

    def read(self, urn: str, type: str, id: str, inputs: Properties, outputs: Properties) -> Found | None:
        self._enter("read", urn)
        path = self._path(id)
        if not path.exists():
            return None
        actual = json.loads(path.read_text())["inputs"]
        return Found(id, actual, self._outputs(id, actual))

    def adopt(self, urn: str, type: str, id: str, declared: Properties) -> Found | None:
        return self.read(urn, type, id, declared, {})

    def find(self, urn: str, type: str, inputs: Properties) -> tuple[Found, ...]:
        self._enter("find", urn)
        return tuple(
            Found(id, item["inputs"], self._outputs(id, item["inputs"]))
            for id, item in self.objects().items()
            if item["urn"] == urn
        )

    def update(
        self, urn: str, type: str, id: str, old_inputs: Properties, old_outputs: Properties, news: Properties
    ) -> Updated:
        self._enter("update", urn)
        path = self._path(id)
        item = json.loads(path.read_text())
        self._write(path, {**item, "inputs": news})
        self.boundary()
        return Updated(self._outputs(id, news))

    def delete(self, urn: str, type: str, id: str, inputs: Properties, outputs: Properties) -> None:
        self._enter("delete", urn)
        self._path(id).unlink(missing_ok=True)
        self.boundary()

    def invoke(self, token: str, args: Properties) -> Properties:
        return {}

    def objects(self) -> dict[str, Any]:
        """Everything that exists, by id."""
        return {path.stem: json.loads(path.read_text()) for path in sorted((self.folder / "objects").glob("*.json"))}

    def calls(self) -> list[tuple[str, str]]:
        """(verb, URN) of every call so far."""
        log = self.folder / "calls"
        lines = log.read_text().splitlines() if log.exists() else []
        return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]

    def _enter(self, verb: str, urn: str) -> None:
        with (self.folder / "calls").open("a") as log:
            log.write(f"{verb} {urn}\n")
        error = self.fail(verb, urn)
        if error is not None:
            raise error
        self.boundary()

    def _write(self, path: Path, item: Mapping[str, Any]) -> None:
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(item))
        temporary.replace(path)

    def _path(self, id: str) -> Path:
        return self.folder / "objects" / f"{id}.json"

    def _outputs(self, id: str, inputs: Properties) -> dict[str, Any]:
        return {**inputs, "arn": f"arn:aws:fake:::{id}", "url": f"http://{id}"}


def factory(provider: FakeProvider) -> Callable[[str, Properties], FakeProvider]:
    """A provider factory that serves every package with ``provider``."""
    return lambda package, inputs: provider


def key(type: str, name: str) -> NodeKey:
    return NodeKey("data", type, name)


def node(
    type: str,
    name: str,
    inputs: Mapping[str, Value],
    *,
    custom: bool = True,
    depends_on: tuple[NodeKey, ...] = (),
    **options: Any,
) -> Node:
    """A node below the root, served by the provider resource where it is custom."""
    provider = key(AWS, "aws") if custom and type != AWS else None
    return Node(key(type, name), inputs, Options(provider=provider, depends_on=depends_on, **options), custom)


def stack(*nodes: Node, outputs: Mapping[str, Value] | None = None) -> Stack:
    """A data stack of ``nodes`` and their AWS provider."""
    provider = node(AWS, "aws", {"region": "eu-central-1"})
    return Stack(Layer.DATA, "fraud-data", "dev", (provider, *nodes), outputs or {})


def chain(count: int, *, timeout: int = 30, cidr: str = "10.0", suffix: str = "") -> Stack:
    """A stack of ``count`` resources: a component, subnets with ids of their own, and named queues that depend on them
    and on each other by threes. ``timeout`` updates the queues, ``suffix`` and ``cidr`` replace."""
    nodes = [node(COMPONENT, "all", {}, custom=False)]
    for number in range((count - 2) // 2):
        parent = {"parent": key(COMPONENT, "all")}
        nodes.append(
            node(UNNAMED, f"net{number:02}", {"vpcId": "vpc-1", "cidrBlock": f"{cidr}.{number}.0/24"}, **parent)
        )
        before: tuple[NodeKey, ...] = (key(NAMED, f"q{number - 1:02}"),) if number % 3 else ()
        inputs: dict[str, Value] = {
            "name": f"q{number:02}{suffix}",
            "visibilityTimeoutSeconds": timeout,
            "tags": {"net": Ref(key(UNNAMED, f"net{number:02}"), ("id",))},
        }
        if number == 1:
            inputs["policy"] = Secret("correct horse battery staple")
        nodes.append(node(NAMED, f"q{number:02}", inputs, depends_on=before, **parent))
    outputs = {"first": Ref(key(NAMED, "q00"), ("arn",))}
    return stack(*nodes, outputs=outputs)


def overhaul(*, changed: bool = False) -> Stack:
    """A stack of eleven objects, or twelve when ``changed``: a change of it that does everything at once.

    ``net`` is created anew before its old copy goes, and its user follows. ``fixed`` keeps its name, so it is deleted
    first: with it ``grant``, which cannot be without it, and not ``watcher`` and ``inner``, which only know of it.
    ``left`` and what uses it are deleted, ``plain`` and ``hidden`` are updated, ``calm`` stays; ``added`` and two users
    of it are new.
    """

    def queue(name: str, parent: NodeKey | None = None, depends_on: tuple[NodeKey, ...] = (), **inputs: Value) -> Node:
        return node(NAMED, name, {"name": name, **inputs}, parent=parent or group, depends_on=depends_on)

    def policy(name: str, of: str) -> Node:
        return node(POLICY, name, {"queueUrl": Ref(key(NAMED, of), ("id",)), "policy": "{}"}, parent=key(NAMED, of))

    group = key(COMPONENT, "all")
    net, fixed = key(UNNAMED, "net"), key(NAMED, "fixed")
    address = "10.1.0.0/24" if changed else "10.0.0.0/24"
    nodes = [
        node(COMPONENT, "all", {}, custom=False),
        node(UNNAMED, "net", {"vpcId": "vpc-1", "cidrBlock": address}, parent=group),
        queue("user", tags={"net": Ref(net, ("id",))}),
        queue("fixed", fifoQueue=changed),
        policy("grant", "fixed"),
        queue("watcher", tags={"fixed": Ref(fixed, ("arn",))}, delaySeconds=1 if changed else 0),
        queue("inner", parent=fixed, depends_on=(key(NAMED, "user"),)),
        queue("plain", visibilityTimeoutSeconds=60 if changed else 30, depends_on=(fixed,)),
        queue("hidden", policy=Secret("battery staple" if changed else "correct horse")),
        queue("calm"),
    ]
    if changed:
        nodes += [queue("added", tags={"plain": Ref(key(NAMED, "plain"), ("arn",))}), policy("grant-added", "added")]
        nodes += [queue("last", depends_on=(key(NAMED, "added"), net))]
    else:
        nodes += [queue("left"), policy("grant-left", "left")]
    return stack(*nodes, outputs={"fixed": Ref(fixed, ("arn",))})


UNREACHABLE = UnreachableError("connection refused")
