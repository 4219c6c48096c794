"""Audit entries as syslog messages (RFC 5424), and their way over UDP (RFC 5426) and TCP (RFC 6587, octet counting)."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

LOG_AUDIT = 13 * 8  # the facility
# RFC 5612 gives this enterprise number to whoever has none of its own.
STRUCTURE = "callsheet@32473"
_TOLD = ("sequence", "id", "key_id", "user_id", "action", "method", "route", "status_code", "ip", "request_id")
# Receivers need not take more; what is left out is named as left out, and is in the trail itself.
LARGEST_DATAGRAM = 8 * 1024
SECONDS = 10.0
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


def message_of(entry: Mapping[str, Any], largest: int | None = None) -> bytes:
    """One message: who did what to what in structured data, the whole entry as JSON behind it."""
    status = entry["status_code"] or 0
    severity = 3 if status >= 500 else 4 if status >= 400 else 6  # error, warning, informational
    host = re.sub(r"[^\x21-\x7e]", "", socket.gethostname())[:255] or "-"
    told = "".join(f' {name}="{_escaped(entry[name])}"' for name in _TOLD if entry[name] is not None)
    head = f"<{LOG_AUDIT + severity}>1 {entry['at']} {host} callsheet - {entry['source']} [{STRUCTURE}{told}"
    whole = f"{head}] ".encode() + orjson.dumps(entry)
    if largest is None or len(whole) <= largest:
        return whole
    return f'{head} truncated="true"]'.encode()[:largest]


def _escaped(value: Any) -> str:
    """A PARAM-VALUE: quotes, backslashes and brackets are escaped; of long ones the head."""
    return re.sub(r'(["\\\]])', r"\\\1", _UNPRINTABLE.sub(" ", str(value)[:500]))


def send_over_udp(host: str, port: int, entries: Iterable[Mapping[str, Any]]) -> None:
    """One datagram for each entry. That it arrives is more than UDP can tell.

    Raises:
        OSError: the name has no address, or this machine cannot send there.
    """
    family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, proto) as sending:
        sending.connect(address)
        for entry in entries:
            sending.send(message_of(entry, LARGEST_DATAGRAM))


def send_over_tcp(host: str, port: int, entries: Iterable[Mapping[str, Any]]) -> None:
    """All entries over one connection, and the receiver's own end of it as the receipt.

    Syslog knows no acknowledgement, and what the kernel took may never arrive. A receiver that closes after us has
    read to the end.

    Raises:
        OSError: not all of it was sent, or the connection was not closed in good order within 10 s.
    """
    with socket.create_connection((host, port), SECONDS) as sending:
        for entry in entries:
            message = message_of(entry)
            sending.sendall(b"%d %s" % (len(message), message))
        sending.shutdown(socket.SHUT_WR)
        while sending.recv(4096):
            pass
