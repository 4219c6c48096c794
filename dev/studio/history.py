"""The past weeks of every asset: who created, submitted, decided and changed it when, as events and approvals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from domain.access import Actor
from domain.approvals.models import DECISIONS
from domain.entities import represent
from domain.segments.models import SEGMENTS

from .assets import Asset
from .content import notes
from .events import event_row
from .past import Past, past_id
from .statuses import path_to

# How many assets took their last step in the last day, and how many segments were retimed or annotated in it. All else
# is older than `QUIET_HOURS`.
RECENT_STEPS, RECENT_CHANGES = 74, 26
QUIET_HOURS = 27
# Days since the short's rejections: its tracker has been away for the last four.
REJECTED = (1.12, 2.5, 3.44, 3.88, 4.7, 5.9, 7.1, 8.3, 9.6, 11.2, 13.5, 15.2, 16.8, 18.1, 19.6)
STATUS_AFTER = {"submitted": "in_review", "archived": "archived"} | {decision: decision for decision in DECISIONS}


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to an asset: `created`, `submitted`, a decision, `updated`, `metadata` or `archived`."""

    verb: str
    at: datetime
    actor: Actor
    request_id: str


@dataclass(frozen=True, slots=True)
class Done:
    """A step and what it left behind."""

    step: Step
    asset: Asset
    event: dict[str, Any]
    approval: dict[str, Any] | None


# Draws somebody who may take such a step in the production of this code.
Casting = Callable[[str, str], Actor]


@dataclass(slots=True)
class Historian:
    """Makes up the past: `tell` plays every asset's steps and returns all of them in the order they happened."""

    rng: Random
    past: Past
    casting: Casting
    _rejected: list[float] = field(default_factory=lambda: list(reversed(REJECTED)))
    _decks: dict[str, list[str]] = field(default_factory=dict)
    _notes: Mapping[str, list[str]] = field(default_factory=notes)

    def tell(self, assets: Sequence[Asset]) -> list[Done]:
        """Play every asset's history; its row is then what that made of it."""
        paths = [path_to(asset.row["status"], self.rng) for asset in assets]
        free = [n for n, asset in enumerate(assets) if paths[n] and not _is_missed(asset, paths[n])]
        recent = set(self.rng.sample(free, RECENT_STEPS))
        changeable = [n for n, asset in enumerate(assets) if _is_retimed(asset) and n not in recent]
        changed = set(self.rng.sample(changeable, RECENT_CHANGES))
        done: list[Done] = []
        for number, asset in enumerate(assets):
            path = paths[number]
            if number in changed:
                path = (*path, self.rng.choice(("updated", "metadata")))
            done += self._play(asset, self._steps(asset, path, number in recent | changed))
        return sorted(done, key=lambda one: one.step.at)

    def _steps(self, asset: Asset, path: Sequence[str], is_recent: bool) -> list[Step]:
        """Creation and these steps, each with its time and its actor; only the last one may be recent."""
        ago, between = self.past.ago, self.past.between
        times = sorted(between(ago(days=21), ago(hours=QUIET_HOURS)) for _ in path)
        if is_recent:
            times[-1] = between(ago(hours=24), ago(minutes=4))
        elif _is_missed(asset, path):
            last = ago(days=self._rejected.pop())
            times = [*sorted(between(ago(days=21), last) for _ in path[1:]), last]
        steps = []
        for verb, at in zip(("created", *path), (asset.row["created_at"], *times), strict=True):
            steps.append(Step(verb, at, self.casting(verb, asset.production.code), past_id("req", at)))
        return steps

    def _play(self, asset: Asset, steps: Sequence[Step]) -> list[Done]:
        state = {**asset.row, "status": "draft", "version": 0}
        late = self._late_change(asset, steps[-1].verb)
        for name, change in late.items():
            state[name] = change["from"]
        done = []
        for step in steps:
            changes = late if step.verb in ("updated", "metadata") else _status_change(state["status"], step.verb)
            state |= {name: change["to"] for name, change in changes.items()}
            state |= {"version": state["version"] + 1, "updated_at": step.at}
            shown = represent(asset.kind, state)
            told = _by_key(**changes["metadata"]) if "metadata" in changes else changes
            event = event_row(_type(asset, step.verb), step.at, step.actor, step.request_id, shown, told)
            done.append(Done(step, asset, event, self._approval(asset, step)))
        asset.row = state
        return done

    def _late_change(self, asset: Asset, verb: str) -> dict[str, dict[str, Any]]:
        """What the last step changes, if it is no matter of status: the row holds the value after it."""
        if verb == "updated":
            last = asset.row["frame_out"]
            return {"frame_out": {"from": last + self.rng.choice((-8, -4, 4, 6, 8, 12)), "to": last}}
        if verb == "metadata":
            lens = next(field for field in asset.production.fields_of("segment") if field["key"] == "lens_mm")
            now = asset.row["metadata"]
            other = self.rng.choice([value for value in lens["values"] if value != now["lens_mm"]])
            return {"metadata": {"from": {**now, "lens_mm": other}, "to": now}}
        return {}

    def _approval(self, asset: Asset, step: Step) -> dict[str, Any] | None:
        if step.verb not in DECISIONS:
            return None
        return {
            "id": past_id("apr", step.at),
            "project_id": asset.row["project_id"],
            "asset_object": asset.kind.object,
            "asset_id": asset.row["id"],
            "decision": step.verb,
            "note": self._note(step.verb).format(subject=asset.subject),
            "decided_by": step.actor.as_data(),
            "created_at": step.at,
            "updated_at": step.at,
            "version": 1,
        }

    def _note(self, decision: str) -> str:
        """Every note is used once before any is used again."""
        deck = self._decks.setdefault(decision, [])
        if not deck:
            deck.extend(self.rng.sample(self._notes[decision], len(self._notes[decision])))
        return deck.pop()


def _is_missed(asset: Asset, path: Sequence[str]) -> bool:
    """Whether the short's tracker hears of this history's end: its times are set, not drawn."""
    return asset.production.code == "shadow" and bool(path) and path[-1] == "rejected"


def _is_retimed(asset: Asset) -> bool:
    """Whether editorial may have changed it in the last day."""
    return asset.kind is SEGMENTS and asset.production.code == "umbrella" and asset.row["status"] != "archived"


def _status_change(status: str, verb: str) -> dict[str, dict[str, Any]]:
    return {"status": {"from": status, "to": STATUS_AFTER[verb]}} if verb in STATUS_AFTER else {}


def _by_key(**sides: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A change of metadata as its event tells it: key by key."""
    return {
        f"metadata.{key}": {side: metadata[key] for side, metadata in sides.items()}
        for key, value in sides["to"].items()
        if sides["from"][key] != value
    }


def _type(asset: Asset, verb: str) -> str:
    if verb == "metadata":
        return "metadata.updated"
    family = "asset" if verb == "submitted" or verb in DECISIONS else asset.kind.object
    return f"{family}.{verb}"
