"""Where a webhook may go: a pure policy over URLs and resolved addresses (OWASP API7, server-side request forgery).

The table is explicit because `ipaddress.is_global` lets NAT64, 6to4 and multicast through on older Pythons. For IPv6
only 2000::/3 is public, less the ranges in it that embed or reserve other addresses.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LONGEST_URL = 2000
# What `check_url` asks for, as far as a regular expression can say it.
URL_PATTERN = "^[Hh][Tt][Tt][Pp][Ss]?://[^\\u0000-\\u0020\\u007f\\\\#/?@]+([/?][^\\u0000-\\u0020\\u007f\\\\#]*)?$"
_NAME = re.compile(r"[A-Za-z0-9._-]+")

# IANA's special-purpose registries (RFC 6890 and its successors), and multicast and the former class E.
FORBIDDEN_IPV4 = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        "168.63.129.16/32",  # a cloud's host agent on a public address
    )
)
PUBLIC_IPV6 = ipaddress.IPv6Network("2000::/3")
FORBIDDEN_IPV6 = tuple(
    ipaddress.IPv6Network(text)
    for text in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)


class ForbiddenAddress(Exception):
    """The URL or address is none that a webhook may go to. The message says why, for an admin to read."""


def check_url(url: str) -> str:
    """The host of an acceptable URL: http(s), a host, no userinfo, no fragment, a port in range.

    Raises:
        ForbiddenAddress: see the message.
    """
    if len(url) > LONGEST_URL:
        raise ForbiddenAddress(f"Keep the URL to {LONGEST_URL:,} characters.")
    if any(ord(character) <= 0x20 or ord(character) == 0x7F or character == "\\" for character in url):
        raise ForbiddenAddress("The URL must not hold spaces, control characters or backslashes.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ForbiddenAddress("This is not a URL; give one such as https://tools.example.com/callsheet.") from None
    if parts.scheme not in ("http", "https"):
        raise ForbiddenAddress("The URL must begin with http:// or https://.")
    if not host:
        raise ForbiddenAddress("The URL has no host; give one such as https://tools.example.com/callsheet.")
    if "@" in parts.netloc:
        raise ForbiddenAddress("The URL must not hold a user name or password.")
    if parts.fragment:
        raise ForbiddenAddress("The URL must not have a fragment (the part after #): it is never sent.")
    if port == 0:
        raise ForbiddenAddress("The URL's port must be from 1 to 65535.")
    return _check_host(host)


def _check_host(host: str) -> str:
    """Refuse spellings of an IPv4 address (`0x7f.1`, `2130706433`) that resolvers and people read differently."""
    if ":" in host:
        return _check_ipv6(host)
    try:
        name = host.encode("idna").decode()  # also refuses labels that are empty or too long
    except UnicodeError:
        name = ""
    if not _NAME.fullmatch(name):
        raise ForbiddenAddress("The URL's host is not a valid name.")
    last = name.rstrip(".").rpartition(".")[2]
    if last.isdigit() or last.lower().startswith("0x"):
        try:
            ipaddress.IPv4Address(host)
        except ValueError:
            raise ForbiddenAddress("Write an IPv4 address as four decimal numbers.") from None
    return host


def _check_ipv6(host: str) -> str:
    try:
        if ipaddress.IPv6Address(host).scope_id is None:
            return host
    except ValueError:
        pass
    raise ForbiddenAddress("The URL's host is not an IPv6 address without a zone.")


def check_addresses(addresses: Iterable[str], allowed: Iterable[Network]) -> list[str]:
    """Every address a name resolved to; all of them must be acceptable, or none is used.

    Args:
        addresses: as the resolver gave them.
        allowed: ranges that an operator or admin permits by name although they are not public.

    Raises:
        ForbiddenAddress: there is no address, or one is forbidden.
    """
    checked, permitted = [], tuple(allowed)
    for text in addresses:
        if not is_allowed(_unwrap(ipaddress.ip_address(text.partition("%")[0])), permitted):
            raise ForbiddenAddress(
                f"{text} is not a public address. An operator may allow its range in CALLSHEET_WEBHOOK_ALLOW_CIDRS."
            )
        checked.append(text)
    if not checked:
        raise ForbiddenAddress("The name has no address.")
    return checked


def is_allowed(address: Address, allowed: Iterable[Network]) -> bool:
    """Whether a webhook may connect to this address."""
    if any(address.version == network.version and address in network for network in allowed):
        return True
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in FORBIDDEN_IPV4)
    return address in PUBLIC_IPV6 and not any(address in network for network in FORBIDDEN_IPV6)


def _unwrap(address: Address) -> Address:
    """The IPv4 address inside an IPv4-mapped IPv6 one, which is where a connection to it would go."""
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped
