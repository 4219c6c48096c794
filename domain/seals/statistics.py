"""Figures over sealing and forwarding, for metrics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from ..db import Session
from ..forwards.queries import TargetState, states_of_targets
from .models import audit_sealed_rows
from .queries import OVERLAP, last_checkpoint, time_of, unsealed_since


@dataclass(frozen=True, slots=True)
class Figure:
    """One gauge: its name, what it tells, and its value for each value of its label, or for None without a label."""

    name: str
    help: str
    values: dict[str | None, float]
    label: str = ""


def audit_figures(session: Session, now: datetime) -> list[Figure]:
    """Read the figures. Costs a look at the rows of the last minute."""
    sealed = session.execute(select(func.max(audit_sealed_rows.c.sequence))).scalar() or 0
    return [
        Figure("callsheet_audit_sealed_rows", "Audit rows that were ever sealed.", {None: float(sealed)}),
        Figure(
            "callsheet_audit_oldest_unsealed_seconds",
            "How long the oldest audit row of the time since the last seal has waited for one.",
            {None: _oldest_unsealed(session, now)},
        ),
        *_of_targets(states_of_targets(session), now),
    ]


def _oldest_unsealed(session: Session, now: datetime) -> float:
    try:
        last = last_checkpoint(session)
    except ValueError:  # nothing is sealed, as `/readyz` says
        return math.nan
    waiting = unsealed_since(session, None if last is None else min(last.until, now) - OVERLAP, 1)
    oldest = time_of(session, waiting[0]) if waiting else None
    return 0.0 if oldest is None else max(0.0, (now - oldest).total_seconds())


def _of_targets(states: list[TargetState], now: datetime) -> list[Figure]:
    behind: dict[str | None, float] = {state.shown: float(state.behind) for state in states}
    failing: dict[str | None, float] = {
        state.shown: (now - state.failing_since).total_seconds() if state.failing_since else 0.0 for state in states
    }
    return [
        Figure("callsheet_audit_forward_behind_rows", "Sealed audit rows a target has not taken.", behind, "target"),
        Figure("callsheet_audit_forward_failing_seconds", "How long a target has taken none.", failing, "target"),
    ]
