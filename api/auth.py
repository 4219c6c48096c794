"""Who calls: the presented key, checked against what is remembered of it for at most a second."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Generator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from threading import Lock
from typing import Any, TypeVar

from werkzeug.http import http_date

from domain.api_keys.commands import note_use
from domain.api_keys.outsiders import note_outsider
from domain.api_keys.queries import Credential, KeyRefused, find_credential
from domain.api_keys.rules import ENFORCE
from domain.api_keys.tokens import ID_LENGTH
from domain.ports import UNKNOWN, Grant, Network, Services, Take, limited_as

from .outsiders import Outsiders

Result = TypeVar("Result")
# Admission up to the next round trip: it gives what it takes of a bucket, and goes on with what that granted.
Steps = Generator[Take, Grant, Result]
REMEMBER_SECONDS = 1.0
MOST_REMEMBERED = 10_000
NOTE_USE_EVERY = timedelta(minutes=1)
_ID = slice(len("csk_"), len("csk_") + ID_LENGTH)


def presented_key(environ: Mapping[str, Any]) -> str:
    """The key of `Authorization: Bearer` or `X-API-Key`.

    Raises:
        KeyRefused: there is none, or not in one of these forms.
    """
    authorization: str = environ.get("HTTP_AUTHORIZATION", "")
    if authorization:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise KeyRefused("malformed", "Write the header as `Authorization: Bearer <key>`.")
        return token.strip()
    bare: str = environ.get("HTTP_X_API_KEY", "").strip()
    if bare:
        return bare
    raise KeyRefused("missing", "Send an API key as `Authorization: Bearer <key>` or `X-API-Key: <key>`.")


class AddressRefused(Exception):
    """The key is in force, but not for the caller's address: 403. `refused` is known to the audit."""

    def __init__(self, ip: str, refused: Credential) -> None:
        place = "an address that could not be read" if ip == UNKNOWN else ip
        super().__init__(f"This key may not be used from {place}.")
        self.refused = refused


class Authenticator:
    """Checks keys, takes a token for each call, and remembers credentials for a moment, per process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._remembered: dict[str, tuple[Credential, float]] = {}
        self._used: dict[str, datetime] = {}
        self._outsiders = Outsiders()
        self._lock = Lock()

    def authenticate(
        self, token: str, ip: str, now: datetime, bucket: str, cost: float
    ) -> Steps[tuple[Credential, Grant]]:
        """The credential in force and what its bucket granted. Warm: one Redis round trip and no SQL.

        Raises:
            KeyRefused: 401.
            AddressRefused: 403.
        """
        credential = self._in_force(token, ip, now)
        grant = yield take(credential, bucket, cost)
        if grant.epoch is not None and grant.epoch != credential.epoch:
            credential = self._read(token)
            self._check(credential, token, ip, now)
            grant = yield take(credential, bucket, 0 if grant.allowed else cost)  # by the limit that holds now
        return credential, grant

    def authenticate_again(
        self, token: str, ip: str, now: datetime, bucket: str, *, woken: bool
    ) -> Steps[tuple[Credential, Grant | None]]:
        """The same for a call that has waited, at no cost.

        What is remembered for a second will do where nothing woke it, for a change of the key would have. It will do
        while Redis is away, too, when all that wait look every second; no bucket is asked then.

        Raises:
            KeyRefused: 401.
            AddressRefused: 403.
        """
        if not woken or self._services.limiter.degraded:
            return self._in_force(token, ip, now), None
        return (yield from self.authenticate(token, ip, now, bucket, 0))

    def _in_force(self, token: str, ip: str, now: datetime) -> Credential:
        """What is remembered of the key, if it lets the call in; what the database says before it is refused."""
        remembered = self._recall(token)
        if remembered is not None:
            try:
                self._check(remembered, token, ip, now)
            except (KeyRefused, AddressRefused):
                pass  # the database may know better
            else:
                return remembered
        credential = self._read(token)
        self._check(credential, token, ip, now)
        return credential

    def _check(self, credential: Credential, token: str, ip: str, now: datetime) -> None:
        credential.check(self._services.keyring, token, now)
        if credential.allowlist_mode == ENFORCE and _is_outside(ip, credential.allowed_cidrs):
            raise AddressRefused(ip, credential)

    def _recall(self, token: str) -> Credential | None:
        # Where a secret's public id would be; whether the rest of the token is right, its digest says.
        found = self._remembered.get(token[_ID])
        return found[0] if found is not None and time.monotonic() - found[1] < REMEMBER_SECONDS else None

    def _read(self, token: str) -> Credential:
        read_at = time.monotonic()
        with self._services.database.reading() as session:
            credential = find_credential(session, token)
        with self._lock:
            if len(self._remembered) >= MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[credential.secret_id] = (credential, read_at)
        return credential

    def has_to_note(self, credential: Credential, ip: str, now: datetime) -> bool:
        """Whether `note_use` or `note_outsider` has something to do."""
        last = self._used.get(credential.secret_id)
        return last is None or now - last >= NOTE_USE_EVERY or _is_outsider(credential, ip)

    def note_use(self, credential: Credential, ip: str, now: datetime) -> None:
        """Keep when and from where the secret was used, at most once a minute for each secret and process."""
        with self._lock:
            last = self._used.get(credential.secret_id)
            if last is not None and now - last < NOTE_USE_EVERY:
                return
            if len(self._used) >= MOST_REMEMBERED:
                self._used.clear()
            self._used[credential.secret_id] = now
        with self._services.database.transaction() as session:
            note_use(session, credential.key_id, credential.secret_id, ip, now)

    def note_outsider(self, credential: Credential, ip: str, now: datetime) -> None:
        """Keep who called from outside an allowlist that is only tried out."""
        if not _is_outsider(credential, ip):
            return
        address = limited_as(ip)
        seen = self._outsiders.add(credential.key_id, address, now)
        if seen is not None:
            with self._services.database.transaction() as session:
                note_outsider(session, credential.key_id, address, seen.since, now, seen.calls)


def take(credential: Credential, bucket: str, cost: float) -> Take:
    """What takes tokens of one of the key's buckets."""
    per_minute = credential.write_per_minute if bucket == "write" else credential.read_per_minute
    return Take(bucket, per_minute, cost, credential.key_id)


def retirement_headers(credential: Credential | None) -> dict[str, str]:
    """What an answer says of the presented secret while a rotation retires it: since when, and when it stops working.

    `Deprecation` is a structured date (RFC 9745), `Sunset` an HTTP date (RFC 8594).
    """
    if credential is None or credential.sunset is None:
        return {}
    since = credential.retired_at or credential.sunset
    return {"Deprecation": f"@{int(since.timestamp())}", "Sunset": http_date(credential.sunset)}


def _is_outsider(credential: Credential, ip: str) -> bool:
    """Whether an allowlist that is only tried out leaves the address out."""
    return credential.allowlist_mode != ENFORCE and _is_outside(ip, credential.allowed_cidrs)


@lru_cache(maxsize=1000)
def _is_outside(ip: str, cidrs: tuple[str, ...]) -> bool:
    """Whether an allowlist, of which an empty one names every address, leaves this one out."""
    if not cidrs:
        return False
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return True
    return not any(address.version == network.version and address in network for network in _networks(cidrs))


@lru_cache(maxsize=1000)
def _networks(cidrs: tuple[str, ...]) -> tuple[Network, ...]:
    # Reading a range costs as much as all else that is checked of a key, and a key may list many.
    return tuple(map(ipaddress.ip_network, cidrs))
