"""Where a webhook may go: every special-use range of IANA's registries is refused, IPv4 in IPv6 too."""

from __future__ import annotations

import ipaddress

import pytest

from domain.webhooks.addresses import ForbiddenAddress, check_addresses, check_url

SPECIAL = (
    # this network, loopback, private, link-local, shared (carrier-grade NAT)
    "0.0.0.0", "0.255.255.255", "127.0.0.1", "127.255.255.254", "10.0.0.1", "10.255.255.255", "172.16.0.1",
    "172.31.255.255", "192.168.0.1", "192.168.255.255", "169.254.0.1", "169.254.169.254", "100.64.0.1",
    "100.127.255.254",
    # protocol assignments, documentation, benchmarking, AS112, AMT, 6to4 relays, a cloud's host agent
    "192.0.0.1", "192.0.0.8", "192.0.0.170", "192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1",
    "198.19.255.255", "192.31.196.1", "192.175.48.1", "192.52.193.1", "192.88.99.1", "168.63.129.16",
    # multicast, reserved, broadcast
    "224.0.0.1", "239.255.255.255", "233.252.0.1", "240.0.0.1", "255.255.255.254", "255.255.255.255",
    # IPv6: unspecified, loopback, link-local, unique local, site-local, multicast
    "::", "::1", "fe80::1", "febf::1", "fe80::1%eth0", "fc00::1", "fdff::1", "fec0::1", "ff02::1", "ff0e::1",
    # IPv4 within: mapped, compatible, translated, NAT64 well-known and local, 6to4, Teredo
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0.0.0.0", "::127.0.0.1", "::10.0.0.1",
    "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::8.8.8.8", "64:ff9b:1::10.0.0.1", "2002:7f00:1::",
    "2002:a9fe:a9fe::1", "2002:808:808::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    # discard, dummy, documentation, benchmarking, ORCHID, drone remote ID, AS112, SRv6, unassigned
    "100::1", "100:0:0:1::1", "2001:db8::1", "3fff::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:30::1",
    "2001:1::1", "2001:3::1", "2001:4:112::1", "2620:4f:8000::1", "5f00::1", "4000::1", "8000::1", "e000::1",
)  # fmt: skip

PUBLIC = (
    "1.1.1.1", "8.8.8.8", "93.184.216.34", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "126.255.0.1",
    "128.0.0.1", "169.253.0.1", "169.255.0.1", "172.15.255.255", "172.32.0.1", "192.0.1.1", "192.167.0.1",
    "192.169.0.1",
    "198.17.0.1", "198.20.0.1", "223.255.255.255", "168.63.129.17", "2606:4700::1111", "2001:4860:4860::8888",
    "2a00:1450::1", "2003::1", "2620:4f:8001::1", "2001:200::1", "::ffff:8.8.8.8",
)  # fmt: skip


def test_it_works() -> None:
    assert check_addresses(["1.1.1.1", "2606:4700::1111"], ()) == ["1.1.1.1", "2606:4700::1111"]


def test_there_are_as_many_as_were_asked_for() -> None:
    assert len(set(SPECIAL)) >= 46


@pytest.mark.parametrize("address", SPECIAL)
def test_it_refuses_special_addresses(address: str) -> None:
    with pytest.raises(ForbiddenAddress, match="not a public address"):
        check_addresses([address], ())


@pytest.mark.parametrize("address", PUBLIC)
def test_it_accepts_public_addresses(address: str) -> None:
    assert check_addresses([address], ()) == [address]


def test_it_refuses_a_name_with_one_forbidden_address_among_others() -> None:
    with pytest.raises(ForbiddenAddress):
        check_addresses(["1.1.1.1", "10.0.0.1"], ())


def test_it_refuses_a_name_without_an_address() -> None:
    with pytest.raises(ForbiddenAddress, match="no address"):
        check_addresses([], ())


@pytest.mark.parametrize(
    ("allowed", "inside", "outside"),
    [
        ("10.20.0.0/16", "10.20.0.7", "10.21.0.7"),
        ("10.20.0.0/16", "::ffff:10.20.0.7", "::ffff:10.21.0.7"),
        ("127.0.0.0/8", "127.0.0.1", "::1"),
        ("fd00:7::/32", "fd00:7::1", "fd00:8::1"),
        ("10.20.0.7/32", "10.20.0.7", "64:ff9b::10.20.0.7"),
    ],
)
def test_it_accepts_what_an_operator_allows(allowed: str, inside: str, outside: str) -> None:
    ranges = [ipaddress.ip_network(allowed)]
    assert check_addresses([inside], ranges) == [inside]
    with pytest.raises(ForbiddenAddress, match="CALLSHEET_WEBHOOK_ALLOW_CIDRS"):
        check_addresses([outside], ranges)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://tools.example.com/callsheet?x=1", "tools.example.com"),
        ("HTTP://Tools.Example.com:8080", "tools.example.com"),
        ("http://render_farm-7.studio.internal./", "render_farm-7.studio.internal."),
        ("https://[2606:4700::1111]:8443/", "2606:4700::1111"),
        ("https://bücher.example/", "bücher.example"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example"),
        ("http://1.1.1.1/", "1.1.1.1"),
        ("http://1a.example1/", "1a.example1"),
    ],
)
def test_it_accepts_a_url(url: str, host: str) -> None:
    assert check_url(url) == host
