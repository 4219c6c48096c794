"""How far one exchange has come, and how long each phase took: for the sentence of a failure and for a traced call."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from domain.clock import rfc3339


class Phase(StrEnum):
    """What an exchange is busy with, in order. One over a connection that was kept begins with `first_byte`."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    FIRST_BYTE = "first_byte"  # sending the request and waiting for the head of the answer
    BODY = "body"


@dataclass(slots=True)
class Progress:
    """One exchange.

    Attributes:
        phase: the one it is in; None before the first.
        seconds: what each phase took that has ended.
        answers: what the receiver's name resolved to; none for an address.
        address: where the socket was connected to, None over a connection that was kept.
        tls: of a connection that was made for this exchange.
    """

    phase: Phase | None = None
    seconds: dict[Phase, float] = field(default_factory=dict)
    answers: list[str] = field(default_factory=list)
    address: str | None = None
    tls: ssl.SSLObject | None = None
    began: float = field(default_factory=time.perf_counter)
    _since: float = 0.0

    @property
    def milliseconds(self) -> int:
        """Since it began."""
        return round((time.perf_counter() - self.began) * 1000)

    def enter(self, phase: Phase | None) -> None:
        """End the phase that it was in and begin this one."""
        now = time.perf_counter()
        if self.phase is not None:
            self.seconds[self.phase] = now - self._since
        self.phase, self._since = phase, now

    def details(self) -> dict[str, Any]:
        """What a traced call tells, ready for JSON: DNS answers, address, TLS, milliseconds of each phase."""
        return {
            "dns": list(dict.fromkeys(self.answers)),
            "address": self.address,
            "tls": None if self.tls is None else tls_details(self.tls),
            "phases": {phase.value: round(seconds * 1000, 2) for phase, seconds in self.seconds.items()},
        }


def tls_details(tls: ssl.SSLObject) -> dict[str, Any] | None:
    """Version, cipher and the certificate's issuer and expiry; None where no connection came about."""
    version, cipher = tls.version(), tls.cipher()
    try:
        certificate: dict[str, Any] = tls.getpeercert() or {}
    except ValueError:  # the handshake was not finished
        return None
    expiry = certificate.get("notAfter")
    issuer = {name: value for part in certificate.get("issuer", ()) for name, value in part}
    return {
        "version": version,
        "cipher": cipher[0] if cipher else None,
        "issuer": issuer.get("organizationName") or issuer.get("commonName"),
        "expires_at": _moment(str(expiry)) if expiry else None,
    }


def _moment(text: str) -> str:
    return rfc3339(datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC))
