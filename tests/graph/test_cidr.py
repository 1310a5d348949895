from __future__ import annotations

from ipaddress import IPv4Network
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_iac.graph.cidr import LARGEST, MAX_ZONES, SMALLEST, overlap, parse_network, zone_subnets


@st.composite
def networks(draw: st.DrawFn) -> str:
    length = draw(st.integers(LARGEST, SMALLEST))
    number = draw(st.integers(0, 2**length - 1))
    return str(IPv4Network((number << (32 - length), length)))


zone_counts = st.integers(1, MAX_ZONES)


@given(networks(), zone_counts)
def test_subnets_are_inside_and_do_not_overlap(network: str, zones: int) -> None:
    ranges = [cidr for zone in zone_subnets(network, zones) for cidr in (zone.private, zone.public)]
    assert len(ranges) == 2 * zones
    assert all(IPv4Network(cidr).subnet_of(IPv4Network(network)) for cidr in ranges)
    assert not any(overlap(first, second) for first, second in combinations(ranges, 2))


@given(networks(), zone_counts, zone_counts)
def test_a_further_zone_moves_no_subnet(network: str, some: int, more: int) -> None:
    few, many = sorted((some, more))
    assert zone_subnets(network, many)[:few] == zone_subnets(network, few)


@given(networks(), zone_counts)
def test_every_subnet_is_of_a_size_that_aws_takes(network: str, zones: int) -> None:
    for zone in zone_subnets(network, zones):
        assert 16 <= IPv4Network(zone.private).prefixlen <= IPv4Network(zone.public).prefixlen <= 28


def test_the_layout_of_a_usual_network() -> None:
    first, second = zone_subnets("10.20.0.0/16", 2)
    assert (first.private, first.public) == ("10.20.0.0/19", "10.20.192.0/22")
    assert (second.private, second.public) == ("10.20.32.0/19", "10.20.196.0/22")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10.20.0.0/23", "10.20.0.0/23 is a /23; it must be from /16 to /22"),
        ("10.0.0.0/8", "10.0.0.0/8 is a /8; it must be from /16 to /22"),
        ("10.20.1.0/16", "10.20.1.0/16 is an address inside 10.20.0.0/16, not a network; write 10.20.0.0/16"),
    ],
)
def test_a_network_that_cannot_be_laid_out_says_why(text: str, message: str) -> None:
    with pytest.raises(ValueError) as error:
        parse_network(text)
    assert str(error.value) == message


@pytest.mark.parametrize("text", ["", "10.20/16", "10.20.0.256/16", "::/16"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an IPv4 network"):
        parse_network(text)
