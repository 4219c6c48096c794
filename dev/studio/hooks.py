"""The demo studio's webhooks, and everything they were sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update

from domain.access import SYSTEM, Actor
from domain.crypto import Keyring
from domain.db import Session
from domain.events.catalogue import is_operational
from domain.events.commands import Context
from domain.webhooks.commands import create_webhook
from domain.webhooks.models import webhooks
from domain.webhooks.rules import NewWebhook

from .events import event_row
from .past import Past, past_id

# When the admin sat down to set up the webhooks of the demo receiver.
SET_UP_HOURS_AGO = 26.2
STUDIO, EDITORIAL, BRIDGE, SCREEN, AYON = "studio", "editorial", "bridge", "screen", "ayon"


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook of the demo studio; `{port}` in its URL is the demo receiver's."""

    name: str
    url: str
    about: str
    event_types: tuple[str, ...]
    made_hours_ago: float
    projects: tuple[str, ...] | None = None
    payload_version: str = "v1"
    enabled: bool = True


HOOKS = (
    Hook(
        BRIDGE,
        "https://shotgrid-bridge.example.com/hooks/callsheet/omits",
        "Marks rejected panels as omitted in ShotGrid.",
        ("asset.rejected",),
        made_hours_ago=12 * 24,
        projects=("shadow",),
    ),
    Hook(
        SCREEN,
        "https://corridor-screen.example.com/callsheet",
        "The screen in the corridor that rings a bell for every approval.",
        ("asset.approved",),
        made_hours_ago=49,
        projects=("umbrella",),
    ),
    Hook(
        AYON,
        "https://ayon.example.com/api/addons/callsheet/1.4.0/events",
        "Switched off until the AYON server has been upgraded.",
        ("*",),
        made_hours_ago=30,
        enabled=False,
    ),
    Hook(
        STUDIO,
        "http://127.0.0.1:{port}/hooks/studio",
        "The demo receiver of this installation: open its page to see what arrives.",
        ("asset.*", "webhook.*"),
        made_hours_ago=26,
    ),
    Hook(
        EDITORIAL,
        "http://127.0.0.1:{port}/hooks/editorial",
        "Ids only, for the conform of The Last Umbrella Mender.",
        ("segment.*", "metadata.updated"),
        made_hours_ago=25.5,
        projects=("umbrella",),
        payload_version="v1-thin",
    ),
)


@dataclass(slots=True)
class Registered:
    """A webhook in the database. `closed_at`: from then on it is sent nothing."""

    id: str
    hook: Hook
    url: str
    secret: str
    made_at: datetime
    project_ids: frozenset[str] | None
    closed_at: datetime | None = None

    def wants(self, event: dict[str, Any]) -> bool:
        """Whether the event was for it when it happened, by the rules of `domain.deliveries.commands.fan_out`."""
        if event["is_test"]:
            return False
        patterns = {event["type"], f"{event['family']}.*"} | (set() if is_operational(event["type"]) else {"*"})
        at = event["created_at"]
        in_force = self.made_at <= at and (self.closed_at is None or at < self.closed_at)
        here = self.project_ids is None or event["project_id"] in self.project_ids
        return in_force and here and not patterns.isdisjoint(self.hook.event_types)


def register(
    session: Session, keyring: Keyring, admin: Actor, past: Past, port: int, project_ids: dict[str, str]
) -> dict[str, Registered]:
    """Create the webhooks; by name."""
    made = {}
    for hook in HOOKS:
        at, url = past.ago(hours=hook.made_hours_ago), hook.url.format(port=port)
        chosen = None if hook.projects is None else [project_ids[code] for code in hook.projects]
        wanted = NewWebhook(url, hook.event_types, hook.about, chosen, hook.payload_version, enabled=hook.enabled)
        webhook_id, secret = create_webhook(session, Context(admin, at), keyring, wanted, lambda _url: None)
        seen = None if chosen is None else frozenset(chosen)
        made[hook.name] = Registered(webhook_id, hook, url, secret or "", at, seen, None if hook.enabled else at)
    return made


def close_gone(session: Session, screen: Registered, events: Iterable[dict[str, Any]]) -> datetime:
    """Let the corridor's screen answer 410 to the last but a few of its events, which disables it. Returns when."""
    heard = [event["created_at"] for event in events if screen.wants(event)]
    at: datetime = heard[len(heard) * 2 // 3]
    screen.closed_at = at + timedelta(milliseconds=1)
    gone = {"enabled": False, "disabled_reason": "gone", "updated_at": at, "version": 2}
    session.execute(update(webhooks).where(webhooks.c.id == screen.id).values(**gone))
    return at


def note_failing(session: Session, webhook: Registered, since: datetime) -> None:
    """Keep since when it has been failing."""
    failing = {"failing_since": since, "updated_at": since, "version": 2}
    session.execute(update(webhooks).where(webhooks.c.id == webhook.id).values(**failing))


def operational_events(
    registered: dict[str, Registered], gone_at: datetime, failing_since: datetime
) -> list[dict[str, Any]]:
    """What Callsheet itself had to say about the webhooks."""
    said = (("webhook.failing", registered[BRIDGE], failing_since), ("webhook.disabled", registered[SCREEN], gone_at))
    return [event_row(event_type, at, SYSTEM, None, _shown(webhook)) for event_type, webhook, at in said]


def test_events(registered: dict[str, Registered], admin: Actor) -> dict[str, dict[str, Any]]:
    """The test that the admin sent to each new webhook of the demo receiver; by the webhook's name."""
    tests = {}
    for name in (STUDIO, EDITORIAL):
        webhook, at = registered[name], registered[name].made_at + timedelta(seconds=48)
        tests[name] = event_row("webhook.test", at, admin, past_id("req", at), _shown(webhook), is_test=True)
    return tests


def _shown(webhook: Registered) -> dict[str, Any]:
    return {"object": "webhook", "id": webhook.id, "url": webhook.url}
