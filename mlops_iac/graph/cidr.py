"""Address ranges of subnets by pure arithmetic: the same network gives the same subnets, whatever is added
later.

A network is cut into eighths. Zone *n* has the *n*-th eighth as its private subnet; the seventh eighth is cut
into eighths again for the public subnets; the last is left free. A zone's ranges therefore depend on nothing
but its position, and a further zone moves none.
Source for the limits (/16 to /28):
https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network

MAX_ZONES = 6
"""As many zones as the layout has room for; no AWS region offers more."""
LARGEST, SMALLEST = 16, 22
"""Prefix lengths of a network that can be laid out: a public subnet of a /22 is a /28, the smallest AWS
allows.
"""

_PUBLIC_EIGHTH = 6


@dataclass(frozen=True, slots=True)
class ZoneSubnets:
    """The address ranges of one availability zone."""

    private: str
    public: str


def zone_subnets(network: str, zones: int) -> tuple[ZoneSubnets, ...]:
    """The ranges of the first ``zones`` zones of ``network``; raises ``ValueError`` where they do not fit."""
    parsed = parse_network(network)
    if not 1 <= zones <= MAX_ZONES:
        raise ValueError(f"{zones} zones: there is room for 1 to {MAX_ZONES}")
    eighths = list(parsed.subnets(prefixlen_diff=3))
    public = list(eighths[_PUBLIC_EIGHTH].subnets(prefixlen_diff=3))
    return tuple(ZoneSubnets(str(eighths[zone]), str(public[zone])) for zone in range(zones))


def parse_network(text: str) -> IPv4Network:
    """``text`` as a network that can be laid out; raises ``ValueError`` that says what is wrong with it."""
    try:
        network = IPv4Network(text)
    except ValueError as error:
        raise ValueError(_reason(text, error)) from None
    if not LARGEST <= network.prefixlen <= SMALLEST:
        raise ValueError(f"{text} is a /{network.prefixlen}; it must be from /{LARGEST} to /{SMALLEST}")
    return network


def overlap(first: str, second: str) -> bool:
    """Whether two ranges share an address."""
    return IPv4Network(first).overlaps(IPv4Network(second))


def _reason(text: str, error: ValueError) -> str:
    try:
        network = IPv4Network(text, strict=False)
    except ValueError:
        return f"{text!r} is not an IPv4 network: {error}"
    return f"{text} is an address inside {network}, not a network; write {network}"
