"""Random tamperings of a sealed trail, by somebody who may write to the database and has not the key."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import Table, delete, insert, select, update

from domain.audit.commands import AuditEntry, write_entry
from domain.audit.models import api_audit_log
from domain.columns import Json, Moment
from domain.crypto import Keyring
from domain.db import Session
from domain.ids import id_at
from domain.seals.checkpoints import NO_HEAD, Checkpoint, parse
from domain.seals.merkle import root_of
from domain.seals.models import audit_sealed_rows, audit_seals
from domain.seals.queries import leaves_of
from tests.support.sealing import Trail

LOG, PLACES, SEALS = api_audit_log.c, audit_sealed_rows.c, audit_seals.c
FORGER = Keyring(b"another key, of somebody else's own")


class Tamperer:
    """One tampering at a time: `tamper` names what it did. `Trail` is then to be restored by the caller."""

    def __init__(self, trail: Trail, draw: random.Random) -> None:
        self._trail = trail
        self._draw = draw
        self._ways: list[Callable[[Session], str]] = [
            self.edit, self.edit, self.delete, self.delete_many, self.insert, self.duplicate, self.swap_contents,
            self.swap_times, self.swap_places, self.swap_seals, self.truncate_rows, self.truncate_everything,
            self.rewrite_from_a_point, self.rewrite_with_another_key, self.edit_and_move_the_leaf, self.hide_a_row,
            self.claim_a_pruning, self.edit_a_checkpoint, self.delete_a_seal, self.add_a_place, self.put_back_pruned,
        ]  # fmt: skip

    def tamper(self) -> str:
        """Do one thing, in a transaction; what it was."""
        way = self._draw.choice(self._ways)
        with self._trail.database.transaction() as session:
            return f"{way.__name__}: {way(session)}"

    def _row(self, session: Session) -> dict[str, Any]:
        """A sealed row that is there."""
        chosen = select(api_audit_log, PLACES.sequence).join(audit_sealed_rows, PLACES.row_id == LOG.id)
        rows = session.execute(chosen.order_by(LOG.at, LOG.id)).mappings().all()
        return dict(self._draw.choice(rows))

    def edit(self, session: Session) -> str:
        row, column = self._row(session), self._draw.choice(list(LOG))
        value = self._other(row, column)
        session.execute(update(api_audit_log).where(LOG.id == row["id"]).values({column: value}))
        return f"{column.name} of {row['id']}"

    def _other(self, row: dict[str, Any], column: Any) -> Any:
        old = row[column.name]
        if old is not None and self._draw.random() < 0.2 and column.nullable:
            return None
        if isinstance(column.type, Moment):
            return old + self._draw.choice((1, -1)) * timedelta(microseconds=self._draw.choice((1, 10**6, 10**9)))
        if isinstance(column.type, Json):
            return {**(old or {}), f"forged {self._draw.random()}": self._draw.choice((1, 1.5, "x", None, []))}
        if column.type.python_type in (int, float):
            return (old or 0) + self._draw.choice((1, -1, 100))
        text = str(old or "")
        return self._draw.choice((text + " ", text + "x", text.upper() + "é", f"x{text}", text[1:] + "y"))

    def delete(self, session: Session) -> str:
        row_id = self._row(session)["id"]
        session.execute(delete(api_audit_log).where(LOG.id == row_id))
        return str(row_id)

    def delete_many(self, session: Session) -> str:
        at = self._row(session)["at"]
        session.execute(delete(api_audit_log).where(LOG.at <= at))
        return f"until {at}"

    def insert(self, session: Session) -> str:
        at = self._row(session)["at"] - timedelta(milliseconds=self._draw.randint(0, 900), seconds=61)
        row_id = f"{id_at('aud', at)[:-4]}{self._draw.randrange(16**4):04x}"
        entry = AuditEntry(id=row_id, at=at, source="api", method="GET", route="/forged", status_code=200)
        write_entry(session, entry)
        return entry.id

    def duplicate(self, session: Session) -> str:
        row = self._row(session)
        copy = {name: row[name] for name in LOG.keys()} | {"id": f"{row['id'][:-4]}copy"}  # noqa: SIM118
        session.execute(insert(api_audit_log).values(copy | {"at": row["at"] - timedelta(seconds=61)}))
        return str(copy["id"])

    def _two(self, session: Session) -> tuple[dict[str, Any], dict[str, Any]]:
        one = other = self._row(session)
        while other["id"] == one["id"]:
            other = self._row(session)
        return one, other

    def swap_contents(self, session: Session) -> str:
        one, other = self._two(session)
        names = [name for name in LOG.keys() if name not in ("id",)]  # noqa: SIM118
        for target, source in ((one, other), (other, one)):
            values = {name: source[name] for name in names}
            session.execute(update(api_audit_log).where(LOG.id == target["id"]).values(values))
        return f"{one['id']} and {other['id']}"

    def swap_times(self, session: Session) -> str:
        one, other = self._two(session)
        for target, source in ((one, other), (other, one)):
            session.execute(update(api_audit_log).where(LOG.id == target["id"]).values(at=source["at"]))
        return f"{one['id']} and {other['id']}"

    def swap_places(self, session: Session) -> str:
        one, other = self._two(session)
        _swap(session, audit_sealed_rows, PLACES.sequence, one["sequence"], other["sequence"])
        return f"{one['sequence']} and {other['sequence']}"

    def swap_seals(self, session: Session) -> str:
        one, other = self._draw.sample(self._seals(session), 2)
        _swap(session, audit_seals, SEALS.seal, one.seal, other.seal)
        return f"{one.seal} and {other.seal}"

    @staticmethod
    def _seals(session: Session) -> list[Checkpoint]:
        lines = session.execute(select(SEALS.checkpoint).order_by(SEALS.seal)).scalars()
        return [parse(line) for line in lines]

    def truncate_rows(self, session: Session) -> str:
        at = self._row(session)["at"]
        session.execute(delete(api_audit_log).where(LOG.at >= at))
        return f"from {at}"

    def truncate_everything(self, session: Session) -> str:
        """The newest seals with all that is in them; the file has them still."""
        cut = self._draw.choice(self._seals(session))
        gone = select(PLACES.row_id).where(PLACES.sequence > cut.size - cut.count)
        session.execute(delete(api_audit_log).where(LOG.id.in_(gone)))
        session.execute(delete(audit_sealed_rows).where(PLACES.sequence > cut.size - cut.count))
        session.execute(delete(audit_seals).where(SEALS.seal >= cut.seal))
        return f"from seal {cut.seal}"

    def rewrite_from_a_point(self, session: Session) -> str:
        return self._rewrite(session, None)

    def rewrite_with_another_key(self, session: Session) -> str:
        return self._rewrite(session, FORGER)

    def _rewrite(self, session: Session, keyring: Keyring | None) -> str:
        """Change a row, and everything that follows from it but what only the key makes; in the table alone."""
        row = self._row(session)
        session.execute(update(api_audit_log).where(LOG.id == row["id"]).values(path="/rewritten"))
        seals = self._seals(session)
        self._move_leaf(session, row["id"])
        previous = NO_HEAD
        for seal in seals:
            within = PLACES.sequence.between(seal.first, seal.last) & (PLACES.sequence <= seal.size)
            mine = PLACES.pruned_by == seal.seal if seal.kind == "pruned" else within
            leaves = session.execute(select(PLACES.leaf).where(mine).order_by(PLACES.sequence)).scalars().all()
            fields = {name: getattr(seal, name) for name in Checkpoint.__dataclass_fields__}
            made = Checkpoint(**fields | {"root": root_of(leaves).hex(), "previous": previous})
            if made != seal and keyring is not None:
                made = made.signed(keyring)
            session.execute(update(audit_seals).where(SEALS.seal == seal.seal).values(checkpoint=made.line))
            previous = made.head
        return f"from {row['id']}"

    @staticmethod
    def _move_leaf(session: Session, row_id: str) -> None:
        leaf = leaves_of(session, [row_id])[row_id]
        session.execute(update(audit_sealed_rows).where(PLACES.row_id == row_id).values(leaf=leaf))

    def edit_and_move_the_leaf(self, session: Session) -> str:
        row_id = self._row(session)["id"]
        session.execute(update(api_audit_log).where(LOG.id == row_id).values(user_agent="nobody"))
        self._move_leaf(session, row_id)
        return str(row_id)

    def hide_a_row(self, session: Session) -> str:
        """The row and its place."""
        row_id = self._row(session)["id"]
        session.execute(delete(api_audit_log).where(LOG.id == row_id))
        session.execute(delete(audit_sealed_rows).where(PLACES.row_id == row_id))
        return str(row_id)

    def claim_a_pruning(self, session: Session) -> str:
        row_id, seal = self._row(session)["id"], self._draw.choice(self._seals(session)).seal
        session.execute(delete(api_audit_log).where(LOG.id == row_id))
        session.execute(update(audit_sealed_rows).where(PLACES.row_id == row_id).values(pruned_by=seal))
        return f"{row_id} by {seal}"

    def edit_a_checkpoint(self, session: Session) -> str:
        seal = self._draw.choice(self._seals(session))
        place = self._draw.randrange(len(seal.line))
        line = seal.line[:place] + chr(ord(seal.line[place]) ^ 1) + seal.line[place + 1 :]
        session.execute(update(audit_seals).where(SEALS.seal == seal.seal).values(checkpoint=line))
        return f"of seal {seal.seal} at {place}"

    def delete_a_seal(self, session: Session) -> str:
        seal = self._draw.choice(self._seals(session)).seal
        session.execute(delete(audit_seals).where(SEALS.seal == seal))
        return str(seal)

    def add_a_place(self, session: Session) -> str:
        """A row that was never sealed, with a place behind the others."""
        entry = AuditEntry(at=self._row(session)["at"], source="api", route="/forged")
        write_entry(session, entry)
        leaf = leaves_of(session, [entry.id])[entry.id]
        size = self._seals(session)[-1].size
        session.execute(insert(audit_sealed_rows).values(sequence=size + 1, row_id=entry.id, leaf=leaf))
        return entry.id

    def put_back_pruned(self, session: Session) -> str:
        chosen = select(PLACES.row_id).where(PLACES.pruned_by.is_not(None)).order_by(PLACES.sequence)
        pruned = session.execute(chosen).scalars().all()
        row_id = self._draw.choice(pruned)
        session.execute(insert(api_audit_log).values(id=row_id, at=self._row(session)["at"], source="api"))
        return str(row_id)


def _swap(session: Session, table: Table, column: Any, one: int, other: int) -> None:
    """Two numbers of a unique column change places."""
    for old, new in ((one, -1), (other, one), (-1, other)):
        session.execute(update(table).where(column == old).values({column: new}))
