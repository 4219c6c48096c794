"""Browsing the studio: projects, then their characters, scenes and segments, each with its metadata and decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import abort
from sqlalchemy import select
from werkzeug.wrappers import Response

from domain.access import Permission
from domain.approvals.models import approvals
from domain.approvals.queries import approvals_of
from domain.artifacts.rules import PLAYED, SHOWN
from domain.db import Row, Session
from domain.entities import ASSET_STATUSES, Kind, visible
from domain.projects.models import PROJECTS, projects
from domain.scenes.models import SCENES
from domain.segments.models import SEGMENTS
from domain.studio import ASSETS, BY_OBJECT
from domain.studio_counts import counts_by_status, names_of
from domain.takes.queries import numbers_of, thumbnails_by_target

from ..blueprint import PortalBlueprint
from ..context import actor, services
from ..formatting import sentence
from ..htmx import render
from ..lists import ListPage
from .screening import screening_of

blueprint = PortalBlueprint("studio", __name__, permission=Permission.READ, url_prefix="/studio")

FILTERS = {"q": "q", "status": "status"}
BY_PLURAL = {kind.plural: kind for kind in ASSETS}
DECISIONS_SHOWN = 20
SEGMENTS_SHOWN = 100


@blueprint.get("")
def list_projects() -> Response:
    """Every project the viewer sees, with how many assets it has and how many wait for a decision."""
    with services().database.reading() as session:
        page = ListPage(session, PROJECTS.listing, select(projects).where(*visible(actor(), PROJECTS)), FILTERS)
        ids = [row["id"] for row in page.rows]
        counts = {kind.plural: counts_by_status(session, actor(), kind, ids) for kind in ASSETS}
    rows = [{**row, **_totals(row["id"], counts)} for row in page.rows]
    return render(
        "portal/studio/projects.html",
        "list",
        page=page,
        rows=rows,
        statuses=[("active", "Active"), ("archived", "Archived")],
    )


@blueprint.get("/projects/<project_id>", defaults={"plural": "characters"})
@blueprint.get("/projects/<project_id>/<plural>")
def show_project(project_id: str, plural: str) -> Response:
    """One project: one kind of its assets at a time, or its own metadata."""
    kind = BY_PLURAL.get(plural)
    if kind is None and plural != "about":
        abort(404)
    with services().database.reading() as session:
        project = PROJECTS.load(session, actor(), project_id)
        counts = {each.plural: counts_by_status(session, actor(), each, [project_id]) for each in ASSETS}
        page = None
        scenes: dict[str, str] = {}
        if kind is not None:
            sort = "scene_id,position" if kind is SEGMENTS else None
            page = ListPage(session, kind.listing, _rows_of(kind, project_id), FILTERS, sort)
            scenes = _scene_names(session, page.rows) if kind is SEGMENTS else {}
        thumbnails = thumbnails_by_target(session, [row["id"] for row in page.rows] if page is not None else [])
    statuses = [(status, sentence(status)) for status in ASSET_STATUSES]
    return render(
        "portal/studio/project.html",
        "list",
        project=project,
        plural=plural,
        kind=kind,
        page=page,
        scenes=scenes,
        thumbnails=thumbnails,
        totals=_totals(project_id, counts),
        statuses=statuses,
    )


@blueprint.get("/<noun>/<asset_id>")
def show_asset(noun: str, asset_id: str) -> Response:
    """One character, scene or segment."""
    kind = BY_OBJECT.get(noun)
    if kind is None or kind not in ASSETS:
        abort(404)
    with services().database.reading() as session:
        asset = kind.load(session, actor(), asset_id)
        project = PROJECTS.load(session, actor(), asset["project_id"])
        decided = approvals_of(asset_id).order_by(approvals.c.created_at.desc(), approvals.c.id.desc())
        decisions = session.execute(decided.limit(DECISIONS_SHOWN)).mappings().all()
        scene = SCENES.load(session, actor(), asset["scene_id"]) if kind is SEGMENTS else None
        segments = _segments_of(session, asset_id) if kind is SCENES else None
        screening = screening_of(session, asset)
        thumbnails = thumbnails_by_target(session, [row["id"] for row in segments or ()])
        numbers = numbers_of(session, {row["take_id"] for row in decisions} - {None})
    return render(
        "portal/studio/asset.html",
        kind=kind,
        asset=asset,
        project=project,
        decisions=decisions,
        scene=scene,
        segments=segments,
        thumbnails=thumbnails,
        screening=screening,
        numbers=numbers,
        shown=SHOWN,
        played=PLAYED,
        may_draw=actor().may(Permission.SUBMIT_JOBS) and asset["status"] != "archived",
    )


def _rows_of(kind: Kind, project_id: str) -> Any:
    return select(kind.table).where(kind.table.c.project_id == project_id, *visible(actor(), kind))


def _scene_names(session: Session, rows: Sequence[Row]) -> dict[str, str]:
    return names_of(session, {("scene", row["scene_id"]) for row in rows})


def _segments_of(session: Session, scene_id: str) -> Sequence[Row]:
    table = SEGMENTS.table
    chosen = select(table).where(table.c.scene_id == scene_id, *visible(actor(), SEGMENTS))
    return session.execute(chosen.order_by(table.c.position, table.c.id).limit(SEGMENTS_SHOWN)).mappings().all()


def _totals(project_id: str, counts: dict[str, dict[str, dict[str, int]]]) -> dict[str, Any]:
    """How many assets of each kind a project has, and the review state of all of them together."""
    totals: dict[str, Any] = {plural: sum(found.get(project_id, {}).values()) for plural, found in counts.items()}
    for status in ("approved", "in_review"):
        totals[status] = sum(found.get(project_id, {}).get(status, 0) for found in counts.values())
    totals["refused"] = sum(
        found.get(project_id, {}).get(status, 0)
        for found in counts.values()
        for status in ("rejected", "changes_requested")
    )
    totals["assets"] = sum(totals[plural] for plural in counts)
    return totals
