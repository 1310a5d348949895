"""Random programs and edits: one generator for the comparison of the engines and for the fuzz of the local one.

Everything is drawn from a ``random.Random``: a seed names a scenario, and hypothesis can shrink one.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Literal

from mlops_iac.engines.layers import Needs, order_of_destroy, order_of_up
from mlops_iac.graph import naming
from mlops_iac.graph.forms.json_form import graph_json, stack_from_json
from mlops_iac.graph.nodes import Layer, Node, Options, Stack
from mlops_iac.graph.ordering import waits
from mlops_iac.graph.values import Join, NodeKey, Ref, Secret, StackOutput, ToJson, Value
from mlops_iac.state.snapshot import Snapshot

SYSTEM = "s"
STACK = "dev"
COMPONENT = "mlops:data:Bucket"
AWS = "pulumi:providers:aws"
KUBERNETES = "pulumi:providers:kubernetes"

Action = Literal["preview", "up", "refresh", "destroy"]
Form = Literal["plain", "join", "json", "secret"]
TEXTS = ("alpha", "beta", "gamma")
FORMS: tuple[Form, ...] = ("plain", "plain", "join", "json", "secret")


@dataclass(frozen=True, slots=True)
class Link:
    """A value that comes from another item: its output ``path``, written in one of a few ways."""

    item: int
    path: tuple[str, ...]
    form: Form = "plain"


def formed(value: Value, form: Form) -> Value:
    """``value`` written in one of a few ways."""
    forms: dict[Form, Callable[[], Value]] = {
        "plain": lambda: value,
        "join": lambda: Join(("x-", value)),
        "json": lambda: ToJson({"of": [value]}),
        "secret": lambda: Secret(value),
    }
    return forms[form]()


@dataclass(slots=True)
class Item:
    """One resource of a program; others name it by its number, which is never used again."""

    name: str
    type: str
    inputs: dict[str, Any]
    parent: int | None = None
    provider: int | None = None
    depends: set[int] = field(default_factory=set)
    flags: dict[str, bool] = field(default_factory=dict)
    patterns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()

    @property
    def custom(self) -> bool:
        return self.type != COMPONENT

    @property
    def is_provider(self) -> bool:
        return self.type in (AWS, KUBERNETES)


@dataclass(slots=True)
class Program:
    """Items by number; an item refers only to lower numbers, so nothing goes round in a circle.

    ``prefix`` starts the names of its resources. ``exported`` are the outputs of other layers that it may read, and how.
    ``switches`` are of every Kubernetes provider: one served stand-in stands for them all, and knows one configuration.
    """

    items: dict[int, Item] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    next: int = 0
    layer: Layer = Layer.DATA
    prefix: str = ""
    exported: Mapping[StackOutput, tuple[Form, ...]] = field(default_factory=dict)
    switches: dict[str, bool] = field(default_factory=dict)

    def add(self, item: Item) -> int:
        """Take ``item`` in and answer its number."""
        self.items[self.next] = item
        self.next += 1
        return self.next - 1

    def key(self, number: int) -> NodeKey:
        return self._key(self.items[number])

    def stack(self) -> Stack:
        """The program as a stack, in dependency order."""
        nodes = {self.key(number): self._node(item) for number, item in self.items.items()}
        outputs: dict[str, Value] = {name: self._value(value) for name, value in self.outputs.items()}
        project = naming.project(SYSTEM, self.layer)
        stack = Stack(self.layer, project, STACK, tuple(nodes.values()), outputs)
        needs = waits(stack)
        ordered: dict[NodeKey, None] = {}

        def place(key: NodeKey) -> None:
            if key not in ordered:
                for needed in sorted(needs[key], key=list(nodes).index):
                    place(needed)
                ordered[key] = None

        for key in nodes:
            place(key)
        return replace(stack, nodes=tuple(nodes[key] for key in ordered))

    def below(self, number: int) -> set[int]:
        """Everything inside a component."""
        direct = {other for other, item in self.items.items() if item.parent == number}
        return direct.union(*(self.below(other) for other in direct)) if direct else set()

    def _node(self, item: Item) -> Node:
        options = Options(
            parent=self.key(item.parent) if item.parent is not None else None,
            provider=self.key(item.provider) if item.provider is not None else None,
            depends_on=tuple(self.key(number) for number in sorted(item.depends)),
            aliases=item.aliases,
            **item.flags,
            **item.patterns,
        )
        inputs = {name: self._value(value) for name, value in item.inputs.items()}
        return Node(self._key(item), inputs, options, item.custom)

    def _key(self, item: Item) -> NodeKey:
        return NodeKey(self.layer.value, item.type, item.name)

    def _value(self, value: Any) -> Value:
        if isinstance(value, Link):
            known = value.path != ("tags", "a") or "a" in self.items[value.item].inputs["tags"]
            return formed(Ref(self.key(value.item), value.path if known else ("arn",)), value.form)
        if isinstance(value, Secret):
            return Secret(self._value(value.value))
        if isinstance(value, Mapping):
            return {key: self._value(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._value(item) for item in value]
        return value  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Step:
    """One run over a system of one layer or more: ``up`` brings it to ``stacks``, a ``preview`` changes nothing.

    ``only`` are the layers that it is about. ``failing`` calls are refused; ``drift`` comes before everything else.
    """

    action: Action
    stacks: tuple[Stack, ...]
    only: tuple[Layer, ...]
    edits: tuple[str, ...] = ()
    failing: frozenset[tuple[str, str]] = frozenset()
    drift: tuple[tuple[str, Mapping[str, Any] | None], ...] = ()

    @property
    def chosen(self) -> dict[Layer, Stack]:
        """The layers that the run is about, as declared."""
        return {stack.layer: stack for stack in self.stacks if stack.layer in self.only}


@dataclass(frozen=True, slots=True)
class Scenario:
    """A first deployment and what is done to it afterwards."""

    name: str
    steps: tuple[Step, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "steps": [
                {
                    "action": step.action,
                    "edits": list(step.edits),
                    "failing": sorted(map(list, step.failing)),
                    "drift": [list(item) for item in step.drift],
                    "stacks": [graph_json(stack, secrets=True) for stack in step.stacks],
                    "only": [layer.value for layer in step.only],
                }
                for step in self.steps
            ],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Scenario:
        return cls(
            data["name"],
            tuple(
                Step(
                    step["action"],
                    tuple(map(stack_from_json, step["stacks"])),
                    tuple(map(Layer, step["only"])),
                    tuple(step["edits"]),
                    frozenset((verb, name) for verb, name in step["failing"]),
                    tuple((name, change) for name, change in step["drift"]),
                )
                for step in data["steps"]
            ),
        )


def order(step: Step, states: Mapping[Layer, Snapshot]) -> Needs:
    """The layers that each layer of a step waits for, as the engines have it; ``states`` are those before it."""
    if step.action == "up":
        return order_of_up(step.chosen.values())
    if step.action == "destroy":
        return order_of_destroy(states.values(), step.stacks)
    return dict.fromkeys(step.chosen, ())


def scenario(random: Random, name: str, edits: int = 5) -> Scenario:
    """A random program, its first deployment, and that many edited runs of it."""
    program = draw(random, Program())

    def step(action: Action, *rest: Any, **drift: Any) -> Step:
        return Step(action, (program.stack(),), (program.layer,), *rest, **drift)

    steps = [step("up", ("first",), failing(random, [program], 0.1))]
    for _ in range(edits):
        roll = random.random()
        if roll < 0.08:
            steps.append(step("refresh", ("refresh",), drift=drift(random, program)))
            continue
        if roll < 0.13:
            steps.append(step("destroy", ("destroy",), failing(random, [program], 0.3)))
            continue
        before = copy.deepcopy(program)
        done = tuple(edit(random, program) for _ in range(random.choice((1, 1, 1, 2, 3))))
        steps.append(step("up", done, failing(random, [before, program], 0.3)))
    return Scenario(name, tuple(steps))


def seeded(seed: int, edits: int = 5) -> Scenario:
    """The scenario of a seed."""
    return scenario(Random(seed), f"seed-{seed}", edits)


# What a resource of each type may hold: its inputs, and those that can come from elsewhere.

_OUTPUTS = {
    "aws:s3/bucketPolicy:BucketPolicy": (("policy",), ("id",)),
    "kubernetes:core/v1:ConfigMap": (("id",),),
}
"""Output paths to link to; of every other type, its ARN and id."""


def output_path(random: Random, program: Program, source: int) -> tuple[str, ...]:
    """An output of the item ``source``."""
    item = program.items[source]
    if "a" in item.inputs.get("tags", {}) and random.random() < 0.2:
        return ("tags", "a")
    return random.choice(_OUTPUTS.get(item.type, (("arn",), ("arn",), ("id",))))


def draw(random: Random, program: Program) -> Program:
    """Fill an empty program."""
    if random.random() < 0.5:
        program.switches["enableConfigMapMutable"] = True
    program.add(Item("aws", AWS, {"region": "eu-west-1"}))
    for _ in range(random.randint(2, 9)):
        _add(random, program)
    for number in customs(program):
        if random.random() < 0.2:
            program.outputs[f"o{number}"] = Link(number, output_path(random, program, number))
    return program


def customs(program: Program) -> list[int]:
    """The numbers of its resources that a provider makes."""
    return [number for number, item in program.items.items() if item.custom and not item.is_provider]


def _text(random: Random, program: Program, limit: int) -> Any:
    """A text, or what stands for one."""
    if program.exported and random.random() < 0.4:
        output = random.choice(list(program.exported))
        return formed(output, random.choice(program.exported[output]))
    sources = [number for number in customs(program) if number < limit]
    roll = random.random()
    if sources and roll < 0.5:
        source = random.choice(sources)
        return Link(source, output_path(random, program, source), random.choice(FORMS))
    text = random.choice(TEXTS)
    return Secret(f"secret-{text}") if roll > 0.92 else text


def _inputs(random: Random, program: Program, type: str, name: str, limit: int) -> dict[str, Any]:
    def text() -> Any:
        return _text(random, program, limit)

    def some(inputs: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in inputs.items() if random.random() < 0.6}

    tags = {key: text() for key in ("a", "b") if random.random() < 0.5}
    named = random.random() < 0.6
    if type == "aws:sqs/queue:Queue":
        kept = {"name": name} if named else {}
        return {
            **kept,
            **some({"visibilityTimeoutSeconds": random.randint(1, 3), "policy": text(), "fifoQueue": True}),
            "tags": tags,
        }
    if type == "aws:ec2/subnet:Subnet":
        return {
            "vpcId": text(),
            "cidrBlock": f"10.0.{random.randint(0, 9)}.0/24",
            **some({"mapPublicIpOnLaunch": True}),
            "tags": tags,
        }
    if type == "aws:s3/bucket:Bucket":
        kept = {"bucket": name} if named else {}
        return {**kept, **some({"forceDestroy": True, "objectLockEnabled": random.random() < 0.5}), "tags": tags}
    if type == "aws:s3/bucketPolicy:BucketPolicy":
        return {"bucket": text(), "policy": text()}
    if type == "aws:ssm/parameter:Parameter":
        return {**({"name": name} if named else {}), "type": "String", "value": text(), "tags": tags}
    if type == AWS:
        return {"region": random.choice(("eu-west-1", "us-east-1")), **some({"profile": random.choice(TEXTS)})}
    if type == KUBERNETES:
        return {"kubeconfig": text(), **some({"namespace": random.choice(TEXTS)}), **program.switches}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {**({"name": name} if named else {}), "labels": {"x": text()}},
        "data": {"k": text()},
    }


_TYPES = (
    "aws:sqs/queue:Queue",
    "aws:sqs/queue:Queue",
    "aws:ec2/subnet:Subnet",
    "aws:s3/bucket:Bucket",
    "aws:s3/bucket:Bucket",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:ssm/parameter:Parameter",
    "kubernetes:core/v1:ConfigMap",
    COMPONENT,
    COMPONENT,
    AWS,
    KUBERNETES,
)


def _add(random: Random, program: Program) -> str:
    type = random.choice(_TYPES)
    parent = random.choice([None, None, *(n for n in _components(program) if _may_hold(program, n))])
    if type == "kubernetes:core/v1:ConfigMap" and not any(i.type == KUBERNETES for i in program.items.values()):
        program.add(Item(f"k{program.next}", KUBERNETES, {"kubeconfig": "here", **program.switches}))
    name = f"{program.prefix}r{program.next}"
    if parent is not None and random.random() < 0.5:
        name = f"{program.items[parent].name}.{name}"
    if type == COMPONENT:
        program.add(Item(name, COMPONENT, {}, parent))
        return f"add component {name}"
    limit = program.next
    item = Item(name, type, _inputs(random, program, type, name, limit), parent)
    if not item.is_provider:
        item.provider = _provider(random, program, type, limit)
        item.flags = {
            flag: True
            for flag, share in (("protect", 0.05), ("retain_on_delete", 0.07), ("delete_before_replace", 0.2))
            if random.random() < share
        }
        if random.random() < 0.15:
            item.patterns["ignore_changes"] = (random.choice(("tags", "tags.a", "policy", "value")),)
        if random.random() < 0.15:
            item.patterns["replace_on_changes"] = (random.choice(("tags", "tags.a", "policy", "*")),)
        if random.random() < 0.1:
            item.patterns["additional_secret_outputs"] = ("arn",)
    number = program.add(item)
    _depend(random, program, number)
    return f"add {type} {name}"


def _components(program: Program) -> list[int]:
    return [number for number, item in program.items.items() if item.type == COMPONENT]


def _provider(random: Random, program: Program, type: str, limit: int) -> int:
    wanted = KUBERNETES if type.startswith("kubernetes:") else AWS
    return random.choice([n for n, item in program.items.items() if item.type == wanted and n < limit])


def _depend(random: Random, program: Program, number: int) -> None:
    """Wait for up to two others: resources, or components that only hold what is older."""
    item = program.items[number]
    item.depends = set()
    for other, candidate in program.items.items():
        inside = program.below(other)
        older = other < number and all(member < number for member in inside)
        if older and number not in inside and not candidate.is_provider and random.random() < 0.12:
            item.depends.add(other)


# The edits.


def edit(random: Random, program: Program) -> str:
    """Change ``program`` in one way; answers what was done."""
    edits: list[tuple[int, Callable[[Random, Program], str]]] = [
        (3, _add),
        (3, _remove),
        (3, _rename),
        (1, _rename_bluntly),
        (5, _change_inputs),
        (4, _change_one),
        (2, _toggle),
        (1, _change_patterns),
        (2, _change_depends),
        (2, _move),
        (1, _make_secret),
        (1, _change_provider),
        (1, _other_provider),
        (1, _change_outputs),
    ]
    pool = [one for weight, one in edits for _ in range(weight)]
    for _ in range(20):
        done = random.choice(pool)(random, program)
        if done:
            return done
    return "nothing"


def _of_some(edit: Callable[[Random, Program, int], str]) -> Callable[[Random, Program], str]:
    """An edit of a resource that is drawn; of a program without any there is none."""

    def drawn(random: Random, program: Program) -> str:
        found = customs(program)
        return edit(random, program, random.choice(found)) if found else ""

    return drawn


def _remove(random: Random, program: Program) -> str:
    candidates = [number for number in program.items if number != 0]
    if not candidates:
        return ""
    gone = random.choice(candidates)
    item = program.items.pop(gone)
    for number, other in program.items.items():
        other.inputs = {name: _without(value, gone) for name, value in other.inputs.items()}
        other.depends.discard(gone)
        if other.parent == gone:
            other.parent = None
        if other.provider == gone:
            if item.type == KUBERNETES:
                spare = [n for n, i in program.items.items() if i.type == KUBERNETES and n < number]
                other.provider = spare[0] if spare else None
            else:
                other.provider = 0
    for other in list(program.items.values()):
        if other.type.startswith("kubernetes:") and other.provider is None:
            # The last provider of its kind stays while something needs it.
            program.items[gone] = item
            other.provider = gone
    program.outputs = {name: value for name, value in program.outputs.items() if not names_item(value, gone)}
    return f"remove {item.name}" if gone not in program.items else ""


def names_item(value: Any, number: int) -> bool:
    """Whether an item's value, or an output, is made of that item."""
    if isinstance(value, Link):
        return value.item == number
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return any(names_item(item, number) for item in inner)


def _without(value: Any, gone: int) -> Any:
    if isinstance(value, Link):
        return "gone" if value.item == gone else value
    if isinstance(value, Mapping):
        return {name: _without(item, gone) for name, item in value.items()}
    return value


def _rename(random: Random, program: Program) -> str:
    number = random.choice(list(program.items))
    item = program.items[number]
    old, new = item.name, f"{program.prefix}n{program.next}"
    program.next += 1
    parent = program.items[item.parent].name if item.parent is not None else ""
    if parent and old.startswith(parent):
        new = f"{parent}.{new}"
    item.name, item.aliases = new, (old,)
    for child in program.below(number):
        # As our compiler names children: after their component.
        if program.items[child].name.startswith(f"{old}."):
            program.items[child].name = new + program.items[child].name.removeprefix(old)
            program.items[child].aliases = ()
    return f"rename {old} to {new}"


@_of_some
def _rename_bluntly(random: Random, program: Program, number: int) -> str:
    item = program.items[number]
    old, item.name, item.aliases = item.name, f"{program.prefix}b{program.next}", ()
    program.next += 1
    return f"name {old} {item.name} without an alias"


@_of_some
def _change_inputs(random: Random, program: Program, number: int) -> str:
    item = program.items[number]
    item.inputs = _inputs(random, program, item.type, item.name, number)
    return f"change the inputs of {item.name}"


@_of_some
def _change_one(random: Random, program: Program, number: int) -> str:
    """Change one text, which leaves names and everything else as they are."""
    item = program.items[number]
    known = ("policy", "value", "vpcId", "cidrBlock", "bucket", "objectLockEnabled", "fifoQueue", "tags")
    names = [name for name in known if name in item.inputs]
    if not names:
        return ""
    name = random.choice(names)
    if name in ("objectLockEnabled", "fifoQueue"):
        item.inputs[name] = not item.inputs[name]
    elif name == "tags":
        item.inputs[name] = {**item.inputs[name], random.choice(("a", "b")): _text(random, program, number)}
    elif name != "bucket" or item.type.endswith("BucketPolicy"):
        item.inputs[name] = _text(random, program, number)
    else:
        return ""
    return f"change {name} of {item.name}"


@_of_some
def _toggle(random: Random, program: Program, number: int) -> str:
    flag = random.choice(("protect", "retain_on_delete", "delete_before_replace"))
    flags = program.items[number].flags
    flags[flag] = not flags.get(flag, False)
    return f"{flag} of {program.items[number].name}: {flags[flag]}"


@_of_some
def _change_patterns(random: Random, program: Program, number: int) -> str:
    option = random.choice(("ignore_changes", "replace_on_changes", "additional_secret_outputs"))
    choices = [(), ("arn",)] if option == "additional_secret_outputs" else [(), ("tags",), ("tags.b",), ("policy",)]
    program.items[number].patterns[option] = random.choice(choices)
    return f"{option} of {program.items[number].name}"


@_of_some
def _change_depends(random: Random, program: Program, number: int) -> str:
    _depend(random, program, number)
    return f"dependsOn of {program.items[number].name}"


@_of_some
def _move(random: Random, program: Program, number: int) -> str:
    item = program.items[number]
    parents = [n for n in _components(program) if n != item.parent and _may_hold(program, n)]
    if not parents and item.parent is None:
        return ""
    stack = program.stack()
    index = {node.key: node for node in stack.nodes}
    old = stack.urn(index[program.key(number)], index)
    item.parent = random.choice([*parents, *([None] if item.parent is not None else [])])
    item.aliases = (old,)
    return f"move {item.name}"


def _may_hold(program: Program, component: int) -> bool:
    """Whether nothing waits for the component, or for something around it: it could then wait for itself."""
    above: int | None = component
    while above is not None:
        if any(above in item.depends for item in program.items.values()):
            return False
        above = program.items[above].parent
    return True


@_of_some
def _make_secret(random: Random, program: Program, number: int) -> str:
    item = program.items[number]
    names = [name for name in ("policy", "value", "vpcId") if name in item.inputs]
    if not names:
        return ""
    name = random.choice(names)
    value = item.inputs[name]
    if isinstance(value, Secret):
        item.inputs[name] = value.value
    elif isinstance(value, str):
        item.inputs[name] = Secret(value)
    else:
        return ""
    return f"secrecy of {name} of {item.name}"


def _change_provider(random: Random, program: Program) -> str:
    number = random.choice([n for n, item in program.items.items() if item.is_provider])
    item = program.items[number]
    item.inputs = _inputs(random, program, item.type, item.name, number)
    return f"change the provider {item.name}"


@_of_some
def _other_provider(random: Random, program: Program, number: int) -> str:
    item = program.items[number]
    item.provider = _provider(random, program, item.type, number)
    return f"provider of {item.name}"


@_of_some
def _change_outputs(random: Random, program: Program, number: int) -> str:
    program.outputs[f"o{number}"] = Link(number, output_path(random, program, number))
    return f"output o{number}"


def failing(random: Random, programs: Sequence[Program], share: float) -> frozenset[tuple[str, str]]:
    """Calls to refuse, of resources of the programs, in that share of the runs."""
    if random.random() >= share:
        return frozenset()
    names = sorted({program.items[n].name for program in programs for n in customs(program)})
    verbs = ("create", "update", "delete")
    return frozenset((random.choice(verbs), random.choice(names)) for _ in range(random.choice((1, 1, 2, 4))) if names)


def drift(random: Random, program: Program) -> tuple[tuple[str, Mapping[str, Any] | None], ...]:
    """What somebody else changes or deletes of a program's resources."""
    found: list[tuple[str, Mapping[str, Any] | None]] = []
    for number in customs(program):
        item = program.items[number]
        roll = random.random()
        if roll < 0.15:
            found.append((item.name, None))
        elif roll < 0.5 and not item.type.startswith("kubernetes:"):
            found.append((item.name, {"tags": {"a": "drifted"}} if "tags" in item.inputs else {"policy": "drifted"}))
    return tuple(found)
