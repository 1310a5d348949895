"""Facts about EC2 instance types: processors, memory and accelerators.

The table ``ec2-instances.csv`` is data read from public sources; ``efa_support`` is the number of network
interfaces with EFA.
Source: https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-types.html
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_TABLE = Path(__file__).with_name("ec2-instances.csv")


@dataclass(frozen=True, slots=True)
class InstanceType:
    """One EC2 instance type; ``accelerator`` is empty or vendor and model, such as ``nvidia a10g``."""

    name: str
    vcpus: int
    memory_gib: float
    accelerator: str
    accelerators: int
    efa_interfaces: int

    @property
    def is_nvidia(self) -> bool:
        """Whether it has NVIDIA GPUs, whole or shared."""
        return self.accelerator.startswith("nvidia")

    @property
    def is_neuron(self) -> bool:
        """Whether it has AWS Inferentia or Trainium devices."""
        return self.accelerator.startswith("aws ")

    @property
    def is_arm(self) -> bool:
        """Whether its processors are AWS Graviton: a ``g`` after the generation, as in ``m7g`` or ``g5g``."""
        match = re.match(r"[a-z]+[0-9]+([a-z]*)", self.name)
        return self.name.startswith("a1.") or (match is not None and "g" in match[1])


@cache
def instance_types() -> dict[str, InstanceType]:
    """Every known instance type by name."""
    with _TABLE.open(encoding="utf-8", newline="") as table:
        return {row["instance_type"]: _read(row) for row in csv.DictReader(table)}


def _read(row: dict[str, str]) -> InstanceType:
    return InstanceType(
        row["instance_type"],
        int(row["vcpu"]),
        float(row["memory_gib"]),
        row["accelerator"],
        int(row["accelerator_count"]),
        int(row["efa_support"]),
    )
