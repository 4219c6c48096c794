"""The signing secrets that the demo receiver knows: lines of a file, and those added on its page."""

from __future__ import annotations

import binascii
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock

from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

FILE_NAME = "demo_receiver_secrets"
PREFIX = "whsec_"


class NotASecret(ValueError):
    """Not the text of a signing secret."""


def write_secrets(home: Path, secrets: Sequence[str]) -> None:
    """Hand these to the demo receiver of this home, in a file that only this user may read, from its first byte."""
    draft = home / f"{FILE_NAME}.new"
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(f"{secret}\n" for secret in secrets)
    draft.replace(home / FILE_NAME)


class KnownSecrets:
    """What signatures are checked with. The file is read again when it has changed, and may appear later."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._stamp: tuple[int, int] | None = None
        self._of_file: list[Webhook] = []
        self._added: dict[str, Webhook] = {}
        self._lock = Lock()

    def all(self) -> list[Webhook]:
        """Every secret, those added here first."""
        with self._lock:
            self._refresh()
            return [*self._added.values(), *self._of_file]

    def add(self, text: str) -> None:
        """Know one more until the receiver stops.

        Raises:
            NotASecret: the text is none.
        """
        webhook = parse_secret(text)
        with self._lock:
            self._added[text.strip()] = webhook

    def _refresh(self) -> None:
        if self._file is None:
            return
        try:
            found = self._file.stat()
            stamp = (found.st_mtime_ns, found.st_ino)
            if stamp == self._stamp:
                return
            lines = self._file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            self._stamp, self._of_file = None, []
            return
        self._stamp, self._of_file = stamp, []
        for line in lines:
            with suppress(NotASecret):
                self._of_file.append(parse_secret(line))


def parse_secret(text: str) -> Webhook:
    """What checks signatures made with this secret.

    Raises:
        NotASecret: the text is none.
    """
    secret = text.strip()
    if not secret.startswith(PREFIX):
        raise NotASecret(
            f"A signing secret begins with “{PREFIX}”; it is shown once, when a webhook is created or rotated."
        )
    try:
        return Webhook(secret)
    except (binascii.Error, ValueError, EmptyWebhookSecretError):
        raise NotASecret(
            f"After “{PREFIX}” a signing secret is base64; was this one cut off when it was copied?"
        ) from None
