"""The last day's audit trail: the calls and actions behind the recent history, and everybody else's reading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import parse_qsl

from domain.access import Actor
from domain.approvals.models import DECISIONS
from domain.audit.models import api_audit_log

from .content import table
from .history import Done
from .past import Past, past_id
from .people import TOOLS, Staff

BASE = "/api/v1"
TRAIL = timedelta(hours=24)
ROWS = 900
# Of the reads of one object, those that the caller already had.
UNCHANGED = 0.3
BYTES = {"list": (9_000, 96_000), "one": (620, 1_450), "problem": (210, 420)}
EMPTY: dict[str, Any] = dict.fromkeys(column.name for column in api_audit_log.c)


@dataclass(slots=True)
class Trail:
    """The rows being written, and when keys and users were last seen in them."""

    rng: Random
    past: Past
    staff: Staff
    assets: Mapping[str, Sequence[Mapping[str, Any]]]
    rows: list[dict[str, Any]] = field(default_factory=list)
    last_used: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    last_login: dict[str, datetime] = field(default_factory=dict)
    _habits: dict[str, dict[str, Any]] = field(default_factory=dict)

    def write(self, history: Iterable[Done]) -> list[dict[str, Any]]:
        """All of it, in the order it happened."""
        traffic = table("traffic")
        self._habits = {habit["key"]: habit for habit in traffic["habits"]}
        self._write_history([done for done in history if done.step.at >= self.past.now - TRAIL], traffic["portal"])
        for refusal in traffic["refusals"]:
            for _ in range(refusal["count"]):
                self._call(refusal, refusal["status"], refusal["problem"])
        shares = [habit["share"] for habit in traffic["habits"]]
        for habit in self.rng.choices(traffic["habits"], shares, k=ROWS - len(self.rows)):
            self._call(habit, 200, None)
        return sorted(self.rows, key=lambda row: row["at"])

    def _write_history(self, history: Sequence[Done], portal: Mapping[str, Any]) -> None:
        for done in history:
            actor = done.step.actor
            if actor.type == "api_key":
                self._written(done, self._habits[actor.name])
                continue
            desk = list(self.staff.users.values()).index(actor)
            caller = {"ip": portal["ips"][desk % len(portal["ips"])], "user_agent": portal["agent"]}
            if actor.id not in self.last_login:
                at = max(done.step.at - timedelta(minutes=self.rng.randint(3, 50)), self.past.now - TRAIL)
                self._acted(actor, at, "session.start", None, request_id=past_id("req", at), **caller)
                self.last_login[actor.id] = at
            action, changes = _action(done)
            self._acted(actor, done.step.at, action, changes, request_id=done.step.request_id, **caller)

    def _acted(self, actor: Actor, at: datetime, action: str, changes: dict[str, Any] | None, **caller: str) -> None:
        """A row as `domain.audit.commands.note_action` writes it."""
        self._add(at, {"source": "portal", "user_id": actor.id, "action": action, "changes": changes, **caller})

    def _written(self, done: Done, habit: Mapping[str, Any]) -> None:
        """A write through the API that succeeded."""
        kind, entity, is_decision = done.asset.kind, done.asset.row["id"], done.step.verb in DECISIONS
        method = "POST" if is_decision else "DELETE" if done.step.verb == "archived" else "PATCH"
        route = f"/{kind.plural}/{{id}}" + ("/approvals" if is_decision else "")
        status = 201 if is_decision else 200
        call = self._row(done.step.at, habit, (method, route, entity), status)
        self._add(done.step.at, call | {"params": _body(done), "request_id": done.step.request_id})

    def _call(self, habit: Mapping[str, Any], status: int, problem: str | None) -> None:
        weights = [call[0] for call in habit["calls"]]
        _, method, route, query = self.rng.choices(habit["calls"], weights)[0]
        at = self.past.between(self.past.now - TRAIL, self.past.now)
        entity = self._entity(route, problem)
        if status == 200 and route.endswith("{id}") and self.rng.random() < UNCHANGED:
            status = 304
        row = self._row(at, habit, (method, route, entity), status, problem)
        asked = dict(parse_qsl(query))
        self._add(at, row | {"params": {"query": asked} if asked else None, "request_id": past_id("req", at)})

    def _entity(self, route: str, problem: str | None) -> str:
        """The id in the path; of something that is not there when that is what went wrong."""
        noun = route.split("/")[1]
        rows = self.assets.get(noun, ())
        if not rows or "{id}" not in route:
            return ""
        entity: str = self.rng.choice(rows)["id"]
        return past_id(entity.partition("_")[0], self.past.ago(days=70)) if problem == "not-found" else entity

    def _row(
        self,
        at: datetime,
        habit: Mapping[str, Any],
        asked: tuple[str, str, str],
        status: int,
        problem: str | None = None,
    ) -> dict[str, Any]:
        """What the gateway notes of a call; `asked` is its method, its route and the id in it."""
        method, route, entity = asked
        key = self.staff.keys.get(habit.get("key", ""))
        tool = habit["key"] if key is not None and status != 401 else None
        if key is not None and status not in (401, 403):
            self.last_used[key.id] = max(self.last_used.get(key.id, (at, "")), (at, habit["ip"]))
        size = "problem" if problem else "one" if entity or route == "/me" else "list"
        return {
            "source": "api",
            "key_id": key.id if key else None,
            "secret_id": self.staff.secrets[key.id] if key else None,
            "method": method,
            "route": BASE + route,
            "path": BASE + route.replace("{id}", entity),
            "status_code": status,
            "problem": problem,
            "rate_limit": None if problem == "address-not-allowed" else self._bucket(tool, method, status),
            "ip": habit["ip"],
            "user_agent": habit["agent"],
            "bytes_in": 0 if method == "GET" else self.rng.randint(18, 240),
            "bytes_out": 0 if status == 304 else self.rng.randint(*BYTES[size]),
            "duration_ms": round(self.rng.lognormvariate(0.5 if size != "list" else 1.6, 0.5), 3),
        }

    def _bucket(self, key: str | None, method: str, status: int) -> str:
        """What was left in the bucket, as the gateway notes it."""
        name, size = "address", 120
        if key is not None:
            read, write = next(tool.limits for tool in TOOLS if tool.name == key)
            name, size = ("read", read) if method == "GET" else ("write", write)
        left = 0 if status == 429 else size - 1 - int(self.rng.betavariate(1, 6) * size)
        return f"{name} {max(left, 0)}/{size}"

    def _add(self, at: datetime, row: Mapping[str, Any]) -> None:
        self.rows.append({**EMPTY, "id": past_id("aud", at), "at": at, **row})


def _body(done: Done) -> dict[str, Any] | None:
    """What the call sent."""
    if done.approval is not None:
        return {"body": {"decision": done.approval["decision"], "note": done.approval["note"]}}
    row = done.asset.row
    sent = {"submitted": {"status": "in_review"}, "updated": {"frame_out": row.get("frame_out")},
            "metadata": {"metadata": {"lens_mm": row["metadata"].get("lens_mm")}}}  # fmt: skip
    return {"body": sent[done.step.verb]} if done.step.verb in sent else None


def _action(done: Done) -> tuple[str, dict[str, Any]]:
    """What the portal calls it, and what it keeps of it."""
    shown: dict[str, Any] = {"id": done.asset.row["id"], "code": done.asset.row["code"]}
    if done.approval is not None:
        return "approval.create", shown | {"decision": done.approval["decision"], "note": done.approval["note"]}
    verb = {"submitted": "submit", "archived": "archive"}.get(done.step.verb, "update")
    return f"{done.asset.kind.object}.{verb}", shown
