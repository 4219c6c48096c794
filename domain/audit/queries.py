"""Reads of the audit trail."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import CTE, ColumnElement, RowMapping, Select, TextClause, case, func, literal, select, union_all

from ..access import Actor, Permission
from ..accounts.models import users
from ..api_keys.models import api_keys
from ..clock import rfc3339
from ..columns import text_at
from ..db import Row, Session, hour_of
from ..errors import NotFound
from ..filters import Term
from ..finding import find_row
from ..list_spec import ListSpec, Sortable
from .models import EVERY, FAILED, NOT_200, NOT_API, NOT_GET, REFUSED, REFUSED_OF, api_audit_log

_FILTERS = (
    *("at", "key_id", "user_id", "source", "action", "method", "route", "path", "status_code", "problem"),
    *("request_id", "idempotency", "ip", "id"),
)
_SORTS = ("at", "id")
# What is done to a key, as the portal and the command line call it, and where the API does it.
KEY_ACTIONS = ("create", "change", "rotate", "suspend", "resume", "revoke")
KEYS_ROUTE, LEAKED_ROUTE = "/api/v1/api-keys", "/api/v1/leaked-keys"
KEY_ROUTE, KEY_ROUTES = f"{KEYS_ROUTE}/{{key_id}}", ("", "/rotate", "/suspend", "/resume", "/revoke")
SHOWN = tuple(str(column.name) for column in api_audit_log.c if column.name not in ("id", "at"))
AUDIT = ListSpec(
    api_audit_log.c.id,
    {name: Sortable(api_audit_log.c[name], sortable=name in _SORTS) for name in _FILTERS},
    "-at",
    shown=("id", "object", "at", *SHOWN),
)

# What an index begins with; and the value of each that most calls have, with what the index of the others is known by.
_LEADING = frozenset({"key_id", "route", "ip", "request_id", "user_id", "action"})
_COMMON = {"method": ("GET", NOT_GET), "source": ("api", NOT_API), "status_code": ("200", NOT_200)}
_CLASSES = ((500, FAILED), (400, REFUSED))


def trail(parameters: Iterable[tuple[str, str]]) -> Select[Any]:
    """Every entry, for `listing.fetch` with a query of these parameters.

    It says in the words of an index which one is meant to answer, so that a page takes no longer for what is rare, or
    was long ago (see `models`); what it says is true of every row that the parameters ask for.
    """
    terms = [term for name, text in parameters if (term := Term.of(name, text)) is not None]
    exact = {term.name: term.text for term in terms if term.operator == "eq"}
    uncommon = [others for name, (common, others) in _COMMON.items() if exact.get(name, common) != common]
    class_ = next((found for term in terms if (found := _class(term)) is not None), None)
    if class_ is not None:
        return _saying(*uncommon, REFUSED_OF if exact.keys() & {"key_id", "route", "ip"} else class_)
    return _saying(*uncommon) if uncommon or exact.keys() & _LEADING else _saying(EVERY)


def _class(term: Term) -> TextClause | None:
    """What is said of refusals and failures, where the term asks for nothing else."""
    if term.name != "status_code" or term.operator not in ("in", "gte", "gt"):
        return None
    values = term.text.split(",")
    if not all(value.isascii() and value.isdigit() and len(value) < 10 for value in values):
        return None
    least = min(map(int, values)) + (term.operator == "gt")
    return next((words for status, words in _CLASSES if least >= status), None)


@cache  # the same statement each time, which is what `listing` remembers pages by
def _saying(*words: TextClause) -> Select[Any]:
    return select(api_audit_log).where(*words)


def load_entry(session: Session, actor: Actor, entry_id: str) -> Row:
    """The entry's row.

    Raises:
        Forbidden: the actor may not read the audit trail.
        NotFound: no such entry.
    """
    actor.require(Permission.READ_AUDIT)
    row = find_row(session, api_audit_log, "aud", entry_id)
    if row is None:
        raise NotFound(f"There is no audit entry {entry_id[:40]!r}.")
    return row


def names_of(session: Session, rows: Iterable[Row]) -> dict[str, str]:
    """The names of the keys and users in these entries, by id, in one statement; absent for those that are gone."""
    entries = list(rows)
    key_ids = {row["key_id"] for row in entries} - {None}
    user_ids = {row["user_id"] for row in entries} - {None}
    found = union_all(
        select(api_keys.c.id, api_keys.c.name).where(api_keys.c.id.in_(key_ids)),
        select(users.c.id, users.c.name).where(users.c.id.in_(user_ids)),
    )
    return {row.id: row.name for row in session.execute(found)} if key_ids or user_ids else {}


def known_values(session: Session) -> dict[str, list[tuple[str, str]]]:
    """Value and name, by name, of every key and user there ever was and of every action in the trail."""
    action = _actions().c.action
    found = union_all(
        select(literal("key_id").label("column"), api_keys.c.id.label("value"), api_keys.c.name),
        select(literal("user_id"), users.c.id, users.c.name),
        select(literal("action"), action, action).where(action.is_not(None)),
    ).order_by("name", "value")
    known: dict[str, list[tuple[str, str]]] = {"key_id": [], "user_id": [], "action": []}
    for row in session.execute(found):
        known[row.column].append((row.value, row.name))
    return known


def _actions() -> CTE:
    """Every action in the trail, and a NULL at the end; each takes one step in an index, however many rows it has."""
    log = api_audit_log.c
    first = select(func.min(log.action).label("action")).where(log.action.is_not(None)).cte(recursive=True)
    following = select(func.min(log.action)).where(log.action.is_not(None), log.action > first.c.action)
    return first.union_all(select(following.scalar_subquery()).where(first.c.action.is_not(None)))


def represent_entry(row: Row) -> dict[str, Any]:
    """The entry as the API shows it."""
    return {"id": row["id"], "object": "audit_entry", "at": rfc3339(row["at"]), **{name: row[name] for name in SHOWN}}


def calls_by_hour(session: Session, since: datetime) -> dict[str, tuple[int, int]]:
    """Calls of the API, and how many were answered with an error, by hour (`db.hour_of`). One pass over an index."""
    hour = hour_of(session, api_audit_log.c.at).label("hour")
    refused = func.sum(case((api_audit_log.c.status_code >= 400, 1), else_=0))
    counted = (
        select(hour, func.count(), refused)
        .where(EVERY, api_audit_log.c.at >= since, api_audit_log.c.source == "api")
        .group_by(hour)
    )
    return {row[0]: (int(row[1]), int(row[2])) for row in session.execute(counted)}


def latest_calls(session: Session, key_id: str, limit: int) -> list[RowMapping]:
    """The newest calls of one key."""
    return _newest(session, limit, api_audit_log.c.key_id == key_id)


def latest_changes(session: Session, key: Row, limit: int) -> list[RowMapping]:
    """The newest of what was done to one key: actions of portal and command line, and calls that were carried out."""
    log, key_id = api_audit_log.c, key["id"]
    changed = text_at(log.changes, literal("id")) == key_id
    actions = _newest(session, limit, log.action.in_([f"api_key.{done}" for done in KEY_ACTIONS]), changed)
    is_its = log.path.startswith(KEY_ROUTE.format(key_id=key_id), autoescape=True) | changed
    is_done = log.method.in_(("PATCH", "POST", "DELETE")) & (log.status_code < 400)
    routes = [KEYS_ROUTE, LEAKED_ROUTE, *(f"{KEY_ROUTE}{rest}" for rest in KEY_ROUTES)]
    calls = _newest(session, limit, log.route.in_(routes), is_its, is_done, log.at >= key["created_at"])
    return sorted((*actions, *calls), key=itemgetter("at", "id"), reverse=True)[:limit]


def _newest(session: Session, limit: int, *conditions: ColumnElement[bool]) -> list[RowMapping]:
    newest = select(api_audit_log).where(*conditions).order_by(api_audit_log.c.at.desc(), api_audit_log.c.id.desc())
    return list(session.execute(newest.limit(limit)).mappings())
