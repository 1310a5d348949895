"""Random systems of two or three layers that read each other's outputs, and edits of them.

A layer is a program of ``programs``; what one exports, the later ones read. Outputs come as texts, lists and objects,
plain and secret; they are added, changed, made secret, renamed and taken away, with and without the layers that read
them being told.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from mlops_iac.graph.nodes import Layer, Stack
from mlops_iac.graph.values import StackOutput, references

from .programs import (
    FORMS,
    TEXTS,
    Form,
    Link,
    Program,
    Scenario,
    Step,
    customs,
    draw,
    drift,
    edit,
    failing,
    output_path,
)

CHAIN = (Layer.DATA, Layer.MODELS, Layer.SERVING)


@dataclass(slots=True)
class System:
    """The layers in order; each may read those before it."""

    programs: list[Program] = field(default_factory=list)

    @property
    def layers(self) -> tuple[Layer, ...]:
        return tuple(program.layer for program in self.programs)

    def stacks(self) -> tuple[Stack, ...]:
        """The system as it is declared."""
        return tuple(program.stack() for program in self.programs)

    def tell(self) -> None:
        """Let every layer know what it may read."""
        exported: dict[StackOutput, tuple[Form, ...]] = {}
        for program in self.programs:
            program.exported = dict(exported)
            for name, value in program.outputs.items():
                shaped = isinstance(value, Mapping | list)
                exported[StackOutput(program.layer.value, name)] = ("join", "json") if shaped else FORMS

    def mend(self, random: Random) -> None:
        """Let no layer read what is not exported any more."""
        self.tell()
        for program in self.programs:
            for item in program.items.values():
                item.inputs = {name: _mended(random, program, value) for name, value in item.inputs.items()}


def layered(seed: int, edits: int = 5) -> Scenario:
    """A random system: what it shows before anything is deployed, its life, and its end."""
    random = Random(f"layered {seed}")
    system = _system(random)
    steps: list[Step] = []
    if random.random() < 0.6:
        steps.append(Step("preview", system.stacks(), system.layers, ("nothing is deployed",)))
    if random.random() < 0.2:
        # What it reads is not there.
        steps.append(Step("up", system.stacks(), system.layers[-1:], ("last first",)))
    steps.append(Step("up", system.stacks(), system.layers, ("first",), failing(random, system.programs, 0.15)))
    steps += [_step(random, system) for _ in range(edits)]
    steps.append(Step("destroy", system.stacks(), system.layers, ("end",)))
    return Scenario(f"layered-{seed}", tuple(steps))


def _step(random: Random, system: System) -> Step:
    roll = random.random()
    if roll < 0.07:
        moved = tuple(change for program in system.programs for change in drift(random, program))
        return Step("refresh", system.stacks(), system.layers, ("refresh",), drift=moved)
    if roll < 0.14:
        refused = failing(random, system.programs, 0.3)
        return Step("destroy", system.stacks(), _some(random, system), ("destroy",), refused)
    before = copy.deepcopy(system.programs)
    done = tuple(_edit(random, system) for _ in range(random.choice((1, 1, 2, 2, 3))))
    if random.random() < 0.75:
        system.mend(random)
    if roll < 0.3:
        return Step("preview", system.stacks(), _some(random, system), done)
    refused = failing(random, [*before, *system.programs], 0.25)
    return Step("up", system.stacks(), _some(random, system), done, refused)


def _some(random: Random, system: System) -> tuple[Layer, ...]:
    """All layers, or fewer."""
    if random.random() < 0.65:
        return system.layers
    chosen = random.sample(system.layers, random.randint(1, len(system.layers) - 1))
    return tuple(layer for layer in system.layers if layer in chosen)


def _system(random: Random) -> System:
    system = System()
    # One served stand-in stands for the Kubernetes providers of all layers.
    switches: dict[str, bool] = {}
    for layer in CHAIN[: random.choice((2, 2, 3))]:
        program = Program(layer=layer, prefix=f"{layer.value[0]}-", switches=switches)
        system.programs.append(program)
        system.tell()
        draw(random, program)
        switches = program.switches
        for _ in range(random.randint(1, 3)):
            _export(random, program)
    return system


def _edit(random: Random, system: System) -> str:
    """Change one layer in one way; answers what was done."""
    system.tell()
    program = random.choice(system.programs)
    edits: list[Callable[[Random, Program], str]] = [*[edit] * 6, _export, _take_away, _make_secret]
    done = ""
    while not done:
        done = random.choice([*edits, lambda random, program: _rename(random, system, program)])(random, program)
    return f"{program.layer}: {done}"


def _export(random: Random, program: Program) -> str:
    """Add an output, or change one."""
    found = customs(program)
    if not found:
        return ""
    number = random.choice(found)
    link = Link(number, output_path(random, program, number))
    if random.random() < 0.3:
        # Under names of their own: what reads a text must not come to read an object.
        name = f"all{number}"
        secret = Link(number, link.path, "secret")
        program.outputs[name] = random.choice(([link, random.choice(TEXTS)], {"of": link, "key": secret}))
    else:
        name = f"o{number}"
        written = Link(number, link.path, random.choice(FORMS))
        program.outputs[name] = random.choice((link, link, written, random.choice(TEXTS)))
    return f"output {name}"


def _take_away(random: Random, program: Program) -> str:
    if not program.outputs:
        return ""
    name = random.choice(list(program.outputs))
    del program.outputs[name]
    return f"take the output {name} away"


def _make_secret(random: Random, program: Program) -> str:
    """Make an output secret, or no longer so."""
    links = {name: value for name, value in program.outputs.items() if isinstance(value, Link)}
    if not links:
        return ""
    name = random.choice(list(links))
    link = links[name]
    program.outputs[name] = Link(link.item, link.path, "plain" if link.form == "secret" else "secret")
    return f"secrecy of the output {name}"


def _rename(random: Random, system: System, program: Program) -> str:
    """Give an output another name; those who read it follow, or do not."""
    if not program.outputs:
        return ""
    old = random.choice(list(program.outputs))
    new = f"p{program.next}"
    program.next += 1
    program.outputs = {new if name == old else name: value for name, value in program.outputs.items()}
    if random.random() < 0.5:
        return f"name the output {old} {new}, which nobody is told"
    before, after = StackOutput(program.layer.value, old), StackOutput(program.layer.value, new)
    for reader in system.programs:
        for item in reader.items.values():
            item.inputs = {name: _following(value, before, after) for name, value in item.inputs.items()}
    return f"name the output {old} {new}"


def _following(value: Any, before: StackOutput, after: StackOutput) -> Any:
    if value == before:
        return after
    if isinstance(value, Mapping):
        return {name: _following(item, before, after) for name, item in value.items()}
    return value


def _mended(random: Random, program: Program, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _mended(random, program, item) for name, item in value.items()}
    read = {ref for ref in references(value) if isinstance(ref, StackOutput)}
    return random.choice(TEXTS) if read - program.exported.keys() else value
