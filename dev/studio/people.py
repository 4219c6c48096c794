"""Who works at the demo studio: users, and the API keys of its tools."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from random import Random

from sqlalchemy import update

from domain.access import SYSTEM, Actor, Role, Scope, scope_of_projects
from domain.accounts.commands import create_user
from domain.accounts.models import users
from domain.api_keys.commands import create_key, revoke_key, suspend_key
from domain.api_keys.models import api_key_secrets, api_keys
from domain.api_keys.queries import public_id
from domain.api_keys.rules import NewKey
from domain.approvals.models import DECISIONS
from domain.crypto import Keyring
from domain.db import Session

from .past import Past

ADMIN_EMAIL = "admin@callsheet.local"


@dataclass(frozen=True, slots=True)
class Person:
    """A user; `projects` are codes, None for everywhere."""

    login: str
    name: str
    role: Role
    projects: tuple[str, ...] | None = None
    active: bool = True


@dataclass(frozen=True, slots=True)
class Tool:
    """An API key. Days are counted from now: made so long ago, ending so far ahead (negative: ended)."""

    name: str
    about: str
    role: Role
    scope: Scope
    made: float
    ends: float | None = 300
    projects: tuple[str, ...] = ()
    limits: tuple[int, int] = (100, 20)
    cidrs: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    suspended: float | None = None
    why: str = ""
    revoked: float | None = None
    last_ip: str = "10.20.4.35"


PEOPLE = (
    Person("admin", "Marguerite Oyelaran", Role.ADMIN),
    Person("priya", "Priya Ramanathan", Role.CREATOR),
    Person("elias", "Elias Thornbury", Role.CREATOR),
    Person("hanne", "Hanne Solbakken", Role.REVIEWER),
    Person("desmond", "Desmond Achebe", Role.REVIEWER),
    Person("lucia", "Lucía Ferrante", Role.REVIEWER, projects=("shadow",)),
    Person("kit", "Kit Marlowe-Singh", Role.VIEWER),
    Person("bea", "Bea Nakamura", Role.VIEWER, active=False),
)
TOOLS = (
    Tool("ftrack migration", "One-off import of Slow Light.", Role.CREATOR, Scope.PROJECT, 61,
         projects=("slow-light",), suspended=6.3, why="Paused until the episode 5 ids are mapped."),
    Tool("ShotGrid sync", "Both ways, every few minutes. Runs on pipe-03.", Role.CREATOR, Scope.FULL, 58,
         limits=(600, 120), tags=("pipeline", "sync")),
    Tool("Kitsu bridge", "Pages and panels of the short.", Role.CREATOR, Scope.PROJECT, 55, projects=("shadow",),
         limits=(200, 60), tags=("sync",)),
    Tool("Editorial dashboard", "The wall in the cutting room.", Role.VIEWER, Scope.READ_ONLY, 49, ends=180,
         limits=(300, 20)),
    Tool("Dailies room", "Decisions made on the tablet in screening room 1.", Role.REVIEWER, Scope.FULL, 47,
         limits=(120, 60)),
    Tool("Render farm", "Only from the farm's own network.", Role.CREATOR, Scope.FULL, 44, limits=(1200, 600),
         cidrs=("10.20.0.0/16", "fd12:3456:789a::/48"), tags=("farm", "pipeline")),
    Tool("Ravel VFX (vendor)", "Compositing vendor, contract ended with the episode 2 delivery.",
         Role.CREATOR, Scope.PROJECT, 43, ends=-9, projects=("slow-light",), tags=("vendor",)),
    Tool("Previs plugin", "The laptop it was typed into is gone.", Role.CREATOR, Scope.FULL, 40, revoked=12.4),
    Tool("Festival press kit", "Stills and credits for the press page, until the premiere.",
         Role.VIEWER, Scope.READ_ONLY, 25, ends=5.2),
    Tool("Night watch", "Asks every few minutes whether we are still here.", Role.VIEWER, Scope.READ_ONLY, 21,
         limits=(30, 5)),
    Tool("AYON launcher", "For the upgrade in spring; not in use yet.", Role.CREATOR, Scope.PROJECT, 2,
         projects=("umbrella", "slow-light")),
)  # fmt: skip

# The one whose text is shown.
DEMO = Tool("Demo script", "Made with the demo studio, for trying the API by hand.", Role.ADMIN, Scope.FULL, 0,
            limits=(600, 300))  # fmt: skip


@dataclass(slots=True)
class Staff:
    """The actors of the studio by e-mail's first part and by key's name, and what is told once.

    Attributes:
        secrets: the public id of each key's one secret, by the key's id.
        password: the admin's.
        token: the demo key's text.
    """

    users: dict[str, Actor]
    keys: dict[str, Actor]
    secrets: dict[str, str]
    password: str
    token: str

    def draw(self, rng: Random, verb: str, production: str) -> Actor:
        """Somebody who may take such a step in the production of this code."""
        if verb in DECISIONS:
            room = self.keys["Dailies room"]
            people = [self.users["hanne"], self.users["desmond"]]
            here = [self.users["lucia"]] * 3 if production == "shadow" else people
            return rng.choice([*here, *here, *people, room])
        importer = {"umbrella": "ShotGrid sync", "slow-light": "ftrack migration", "shadow": "Kitsu bridge"}[production]
        if verb == "created":
            return self.keys[importer]
        sync = self.keys["Kitsu bridge" if production == "shadow" else "ShotGrid sync"]
        return rng.choice([sync, sync, self.users["priya"], self.users["elias"]])


def hire(session: Session, keyring: Keyring, past: Past, project_ids: dict[str, str]) -> Staff:
    """Create the users and keys. `project_ids` by code."""
    passwords = {person.login: secrets.token_urlsafe(12) for person in PEOPLE}
    people = {person.login: _user(session, person, passwords[person.login], past, project_ids) for person in PEOPLE}
    admin = people["admin"]
    keys, secret_ids, token = {}, {}, ""
    for tool in (*TOOLS, DEMO):
        keys[tool.name], token = _key(session, admin, keyring, tool, past, project_ids)
        secret_ids[keys[tool.name].id] = public_id(token)
    return Staff(people, keys, secret_ids, passwords["admin"], token)


def _user(session: Session, person: Person, password: str, past: Past, project_ids: dict[str, str]) -> Actor:
    chosen = None if person.projects is None else [project_ids[code] for code in person.projects]
    user_id = create_user(
        session,
        SYSTEM,
        email=f"{person.login}@callsheet.local",
        name=person.name,
        password=password,
        role=person.role,
        project_ids=chosen,
        now=past.ago(days=62),
    )
    if not person.active:
        session.execute(update(users).where(users.c.id == user_id).values(active=False, updated_at=past.ago(days=16)))
    scope, seen = scope_of_projects(chosen)
    return Actor("user", user_id, person.name, person.role, scope, seen)


def _key(
    session: Session, admin: Actor, keyring: Keyring, tool: Tool, past: Past, project_ids: dict[str, str]
) -> tuple[Actor, str]:
    made = past.ago(days=tool.made)
    wanted = NewKey(
        name=tool.name,
        role=tool.role,
        scope=tool.scope,
        description=tool.about,
        project_ids=[project_ids[code] for code in tool.projects],
        read_per_minute=tool.limits[0],
        write_per_minute=tool.limits[1],
        allowed_cidrs=tool.cidrs,
        tags=tool.tags,
        expires_at=None if tool.ends is None else past.ago(days=-tool.ends),
    )
    key_id, token = create_key(session, admin, keyring, wanted, made)
    if tool.revoked is not None:
        revoke_key(session, admin, key_id, past.ago(days=tool.revoked))
    if tool.suspended is not None:
        suspend_key(session, admin, key_id, past.ago(days=tool.suspended), tool.why)
    if ended := max(filter(None, (tool.revoked, tool.suspended, -min(tool.ends or 0, 0))), default=None):
        _used(session, key_id, past.ago(days=ended, minutes=37), tool.last_ip)
    seen = frozenset(wanted.project_ids) if tool.scope is Scope.PROJECT else None
    return Actor("api_key", key_id, tool.name, tool.role, tool.scope, seen), token


def note_use(session: Session, last_used: dict[str, tuple[datetime, str]], last_login: dict[str, datetime]) -> None:
    """Keep when keys were last used and from where, and when users last signed in."""
    for key_id, (at, ip) in last_used.items():
        _used(session, key_id, at, ip)
    for user_id, at in last_login.items():
        session.execute(update(users).where(users.c.id == user_id).values(last_login_at=at))


def _used(session: Session, key_id: str, at: datetime, ip: str) -> None:
    """Each tool has one secret."""
    for column in (api_keys.c.id, api_key_secrets.c.key_id):
        session.execute(update(column.table).where(column == key_id).values(last_used_at=at, last_used_ip=ip))
