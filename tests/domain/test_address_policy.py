"""The address policy against an independent statement of IANA's special-purpose registries, over random addresses."""

from __future__ import annotations

import contextlib
import ipaddress

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.webhooks.addresses import ForbiddenAddress, check_addresses, check_url

# As first and last address, copied from IANA's registries of October 2026, and multicast (RFC 5771), the former class E
# (RFC 1112) and Azure's agent. Nothing here is shared with the policy's own table.
IPV4 = """
0.0.0.0 0.255.255.255
10.0.0.0 10.255.255.255
100.64.0.0 100.127.255.255
127.0.0.0 127.255.255.255
168.63.129.16 168.63.129.16
169.254.0.0 169.254.255.255
172.16.0.0 172.31.255.255
192.0.0.0 192.0.0.255
192.0.2.0 192.0.2.255
192.31.196.0 192.31.196.255
192.52.193.0 192.52.193.255
192.88.99.0 192.88.99.255
192.168.0.0 192.168.255.255
192.175.48.0 192.175.48.255
198.18.0.0 198.19.255.255
198.51.100.0 198.51.100.255
203.0.113.0 203.0.113.255
224.0.0.0 255.255.255.255
"""
# Global unicast is 2000::/3; these parts of it are not for everybody.
IPV6 = """
2001:: 2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff
2001:db8:: 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff
2002:: 2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff
2620:4f:8000:: 2620:4f:8000:ffff:ffff:ffff:ffff:ffff
3fff:: 3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff
"""
UNICAST = (0x2000 << 112, (0x4000 << 112) - 1)


def _ranges(text: str) -> list[tuple[int, int]]:
    pairs = [line.split() for line in text.split("\n") if line]
    return [(int(ipaddress.ip_address(first)), int(ipaddress.ip_address(last))) for first, last in pairs]


_IPV4, _IPV6 = _ranges(IPV4), _ranges(IPV6)


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """What the registries say, in arithmetic of integers."""
    number = int(address)
    if address.version == 6 and number >> 32 == 0xFFFF:  # a mapped IPv4 address: where a connection would go
        return is_public(ipaddress.IPv4Address(number & 0xFFFFFFFF))
    within = [first <= number <= last for first, last in (_IPV4 if address.version == 4 else _IPV6)]
    return not any(within) and (address.version == 4 or UNICAST[0] <= number <= UNICAST[1])


def accepted(text: str) -> bool:
    try:
        return check_addresses([text], ()) == [text]
    except ForbiddenAddress:
        return False


def _near(ranges: list[tuple[int, int]], highest: int) -> st.SearchStrategy[int]:
    """Numbers in, at and just outside these ranges."""
    edges = [edge for pair in ranges for edge in pair]
    near = st.builds(lambda edge, step: min(max(edge + step, 0), highest), st.sampled_from(edges), st.integers(-2, 2))
    return near | st.sampled_from(ranges).flatmap(lambda pair: st.integers(*pair))


ADDRESSES_4 = st.builds(ipaddress.IPv4Address, st.integers(0, 2**32 - 1) | _near(_IPV4, 2**32 - 1))
ADDRESSES_6 = st.builds(
    ipaddress.IPv6Address,
    st.integers(0, 2**128 - 1)
    | st.integers(*UNICAST)
    | _near([*_IPV6, UNICAST], 2**128 - 1)
    | st.builds(lambda inner: 0xFFFF << 32 | int(inner), ADDRESSES_4),
)


@settings(max_examples=2000, deadline=None)
@given(ADDRESSES_4 | ADDRESSES_6)
def test_it_works(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    assert accepted(str(address)) == is_public(address)


@settings(max_examples=500, deadline=None)
@given(ADDRESSES_4)
def test_no_ipv6_form_of_an_ipv4_address_reaches_further_than_it(address: ipaddress.IPv4Address) -> None:
    """Mapped counts as the address itself; NAT64, 6to4, compatible, translated and Teredo are refused anyhow."""
    number = int(address)
    assert accepted(str(ipaddress.IPv6Address(0xFFFF << 32 | number))) == is_public(address)
    for embedded in (
        0x64FF9B << 96 | number,  # NAT64, well-known
        0x64FF9B0001 << 80 | number,  # NAT64, local
        0x2002 << 112 | number << 80 | 1,  # 6to4
        0x20010000 << 96 | ~number & 0xFFFFFFFF,  # Teredo
        0xFFFF << 48 | number,  # translated
        number,  # compatible
    ):
        assert not accepted(str(ipaddress.IPv6Address(embedded)))


@settings(max_examples=500, deadline=None)
@given(ADDRESSES_4 | ADDRESSES_6, ADDRESSES_4 | ADDRESSES_6)
def test_one_forbidden_answer_forbids_both(
    one: ipaddress.IPv4Address | ipaddress.IPv6Address, other: ipaddress.IPv4Address | ipaddress.IPv6Address
) -> None:
    both = False
    with contextlib.suppress(ForbiddenAddress):
        both = bool(check_addresses([str(one), str(other)], ()))
    assert both == (is_public(one) and is_public(other))


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=40), st.sampled_from(["http://{}/", "https://{}:8443/x", "http://a@{}/", "http://{}"]))
def test_whatever_the_url_is_it_is_accepted_or_refused_with_a_sentence(text: str, form: str) -> None:
    sentence = "."
    try:
        assert check_url(form.format(text))
    except ForbiddenAddress as error:
        sentence = str(error)
    assert sentence.endswith(".")
