"""The demo studio: three productions, the people and tools that make them, and the past weeks of their work.

What it contains is the same every time; ids and secrets are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import chain
from random import Random
from typing import Any

from sqlalchemy import Table, insert, select

from dev.receiver.secrets import write_secrets
from dev.studio import hooks, people
from dev.studio.assets import Asset, draw_assets, project_row
from dev.studio.calls import Trail
from dev.studio.content import productions
from dev.studio.deliveries import Post, missed_from
from dev.studio.fields import field_rows, value_rows
from dev.studio.history import Done, Historian
from dev.studio.jobs import job_rows
from dev.studio.past import Past
from dev.studio.previews import preview_rows
from domain.access import SYSTEM
from domain.accounts.models import users
from domain.approvals.models import approvals
from domain.audit.commands import note_action
from domain.audit.models import api_audit_log
from domain.characters.models import CHARACTERS
from domain.db import Session
from domain.deliveries.models import webhook_attempts, webhook_deliveries
from domain.errors import Conflict
from domain.events.models import events
from domain.external_ids.commands import rows_of
from domain.external_ids.models import external_ids
from domain.jobs.models import jobs
from domain.metadata.models import metadata_values
from domain.metadata_fields.models import metadata_fields
from domain.ports import Options, Services
from domain.projects.models import PROJECTS, projects
from domain.studio import ASSETS

SEED = "callsheet demo studio"


def seed_studio(services: Services, only_if_empty: bool = False) -> str | None:
    """Fill an empty database with the demo studio, in one transaction.

    Returns:
        What to print, once: it holds a password and a key. None when `only_if_empty` and there was something.

    Raises:
        Conflict: there are users or projects, and not `only_if_empty`.
    """
    settings = services.settings
    with services.database.transaction() as session:
        if any(session.execute(select(table.c.id).limit(1)).first() for table in (users, projects)):
            if only_if_empty:
                return None
            raise Conflict("The database already has users or projects; the demo studio is only put into an empty one.")
        seeding = Seeding(session, services, Random(SEED))
        staff, assets = seeding.run()
    write_secrets(settings.home, seeding.receiver_secrets)
    return _message(settings, staff, assets)


class Seeding:
    """One run, in one transaction. `receiver_secrets` are what the demo receiver needs to know."""

    def __init__(self, session: Session, services: Services, rng: Random) -> None:
        self._session = session
        self._services = services
        self._rng = rng
        self._past = Past(services.clock(), Random(f"{SEED}, times"))
        self.receiver_secrets: list[str] = []

    def run(self) -> tuple[people.Staff, list[Asset]]:
        """Write everything."""
        project_ids, assets = self._productions()
        staff = people.hire(self._session, self._services.keyring, self._past, project_ids)
        casting = partial(staff.draw, self._rng)
        history = Historian(self._rng, self._past, casting).tell(assets)
        self._write_assets(assets, history)
        self._insert(jobs, list(job_rows(Random(f"{SEED}, jobs"), self._past, staff, assets)))
        self._insert(jobs, list(preview_rows(self._past, staff, assets)))
        self._webhooks(staff, history, project_ids)
        self._trail(staff, assets, history)
        return staff, assets

    def _productions(self) -> tuple[dict[str, str], list[Asset]]:
        """Write the projects and draw what is in them. Their ids by code."""
        assets, ids = [], {}
        for production in productions():
            project = project_row(production, self._rng, self._past)
            drawn = draw_assets(production, project, self._rng, self._past)
            self._insert(projects, [project])
            self._insert(external_ids, rows_of(PROJECTS, project, project["external_ids"]))
            self._insert(metadata_fields, list(field_rows(production, project)))
            self._insert(metadata_values, list(value_rows(production, project, drawn)))
            ids[production.code] = project["id"]
            assets += drawn
        return ids, assets

    def _write_assets(self, assets: Sequence[Asset], history: Sequence[Done]) -> None:
        for kind in ASSETS:
            self._insert(kind.table, [asset.row for asset in assets if asset.kind is kind])
            named = [rows_of(kind, asset.row, asset.row["external_ids"]) for asset in assets if asset.kind is kind]
            self._insert(external_ids, list(chain.from_iterable(named)))
        self._insert(approvals, [done.approval for done in history if done.approval is not None])

    def _webhooks(self, staff: people.Staff, history: Sequence[Done], project_ids: dict[str, str]) -> None:
        """Webhooks, every event, and the deliveries of those that a webhook asked for."""
        admin, session, services = staff.users["admin"], self._session, self._services
        port = services.settings.demo_receiver_port
        made = hooks.register(session, services.keyring, admin, self._past, port, project_ids)
        happened = [done.event for done in history]
        failing_from = missed_from([event for event in happened if made[hooks.BRIDGE].wants(event)])
        gone_at = hooks.close_gone(session, made[hooks.SCREEN], happened)
        hooks.note_failing(session, made[hooks.BRIDGE], failing_from)
        tests = hooks.test_events(made, admin)
        happened += [*tests.values(), *hooks.operational_events(made, gone_at, failing_from)]
        happened.sort(key=lambda event: event["created_at"])
        self._insert(events, happened)
        post = Post(self._rng, self._past, services.settings.webhook_schedule)
        for name, webhook in made.items():
            wanted = [event for event in happened if webhook.wants(event) or event is tests.get(name)]
            post.deliver(webhook, wanted, failing_from if name == hooks.BRIDGE else None)
        self._insert(webhook_deliveries, post.deliveries)
        self._insert(webhook_attempts, post.attempts)
        self.receiver_secrets = [made[name].secret for name in (hooks.STUDIO, hooks.EDITORIAL)]

    def _trail(self, staff: people.Staff, assets: Sequence[Asset], history: Sequence[Done]) -> None:
        by_noun = {kind.plural: [asset.row for asset in assets if asset.kind is kind] for kind in ASSETS}
        trail = Trail(self._rng, self._past, staff, by_noun)
        self._insert(api_audit_log, trail.write(history))
        trail.last_login.setdefault(staff.users["admin"].id, self._past.ago(hours=hooks.SET_UP_HOURS_AGO))
        people.note_use(self._session, trail.last_used, trail.last_login)
        made = {
            noun: [{"id": actor.id, "name": actor.name} for actor in actors.values()]
            for noun, actors in (("users", staff.users), ("access", staff.keys))
        }
        note_action(self._session, SYSTEM, "system", "studio.seed", self._past.now, changes=made)

    def _insert(self, table: Table, rows: Sequence[Any]) -> None:
        self._session.execute(insert(table), rows)


def _message(settings: Options, staff: people.Staff, assets: Sequence[Asset]) -> str:
    """What an admin is told, once."""
    chosen = next(asset for asset in assets if asset.kind is CHARACTERS and asset.row["status"] == "in_review")
    base = f"http://127.0.0.1:{settings.port}"
    command = (
        f"curl -X POST {base}/api/v1/characters/{chosen.row['id']}/approvals -H 'Authorization: Bearer {staff.token}'"
        """ -H 'Content-Type: application/json' -d '{"decision": "approved", "note": "Silhouette reads well."}'"""
    )
    return f"""\
Callsheet: the demo studio is there. This is shown once.

  Portal            {base}/portal
    E-mail          {people.ADMIN_EMAIL}
    Password        {staff.password}

  API               {base}/api/v1
    Documentation   {base}/docs
    Key             {staff.token}
                    ("{people.DEMO.name}": role admin, scope full)

  Demo receiver     http://127.0.0.1:{settings.demo_receiver_port}/

  As soon as Callsheet says that it is ready,
  approve {chosen.row["name"]} and see the webhook arrive at the receiver:

{command}

  Metrics           {base}/metrics
    Token           in {settings.home / "metrics_token"}
                    (unless CALLSHEET_METRICS_TOKEN is set)
"""
