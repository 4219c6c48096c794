"""Where deliveries go and with which secrets and headers: read with each claim, decrypted once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from domain.crypto import CannotDecrypt, Keyring
from domain.db import Session
from domain.deliveries.claiming import Endpoint
from domain.webhooks.queries import request_headers, signing_secrets

from .sending import Target

log = logging.getLogger("callsheet.deliveries")


class Targets:
    """Reads targets; what is stored is read anew each time, so a rotation counts from the next claim on."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring.remembering()

    def read(self, session: Session, endpoints: Sequence[Endpoint], now: datetime) -> dict[str, Target]:
        """One statement, while everything can be decrypted."""
        ids = [one.id for one in endpoints]
        try:
            secrets = signing_secrets(session, self._keyring, ids, now)
        except CannotDecrypt:
            secrets = {}
            for webhook_id in ids:
                try:
                    secrets |= signing_secrets(session, self._keyring, [webhook_id], now)
                except CannotDecrypt as error:
                    log.error("%s", error)
        return {
            one.id: Target(one.url, float(one.timeout_seconds), self._headers(one), secrets.get(one.id))
            for one in endpoints
        }

    def _headers(self, endpoint: Endpoint) -> dict[str, str] | None:
        try:
            return request_headers(self._keyring, {"id": endpoint.id, "sealed_headers": endpoint.sealed_headers})
        except CannotDecrypt as error:
            log.error("%s", error)
            return None
