"""1,000,000 segments of one studio: 20 projects of 50 scenes of 1,000 segments, with metadata and external ids.

Written by the database itself, with INSERT … SELECT generate_series.
"""

from __future__ import annotations

from sqlalchemy import text

from domain.db import Database
from domain.tables import metadata
from migrations.run import upgrade

SEGMENTS = 1_000_000
PROJECTS, SCENES = 20, 50
IN_PROJECT = SEGMENTS // PROJECTS
IN_SCENE = IN_PROJECT // SCENES


def project_id(number: int) -> str:
    return f"prj_{number:026d}"


def scene_id(project: int, number: int) -> str:
    return f"scn_{project * SCENES + number:026d}"


NOON = "TIMESTAMPTZ '2026-01-01 12:00:00Z'"
# Made scene by scene; names and times are in another order.
_FILL = (
    f"""
    INSERT INTO projects (id, name, code, created_at, updated_at)
    SELECT 'prj_' || lpad(p::text, 26, '0'), 'Production ' || p, 'p' || p, {NOON}, {NOON}
    FROM generate_series(0, {PROJECTS - 1}) AS p
    """,
    f"""
    INSERT INTO metadata_fields (id, project_id, object, key, type, created_at, updated_at)
    SELECT 'mdf_' || lpad((p * 3 + k)::text, 26, '0'), 'prj_' || lpad(p::text, 26, '0'), 'segment',
           (ARRAY['frames', 'take', 'mood'])[k + 1], (ARRAY['integer', 'number', 'string'])[k + 1], {NOON}, {NOON}
    FROM generate_series(0, {PROJECTS - 1}) AS p, generate_series(0, 2) AS k
    """,
    f"""
    INSERT INTO scenes (id, project_id, name, code, position, created_at, updated_at)
    SELECT 'scn_' || lpad((p * {SCENES} + s)::text, 26, '0'), 'prj_' || lpad(p::text, 26, '0'),
           'Scene ' || s, 's' || s, s, {NOON}, {NOON}
    FROM generate_series(0, {PROJECTS - 1}) AS p, generate_series(0, {SCENES - 1}) AS s
    """,
    f"""
    INSERT INTO segments (id, project_id, scene_id, name, code, description, position, frame_in, frame_out, status,
                          created_at, updated_at)
    SELECT 'seg_' || lpad(n::text, 26, '0'),
           'prj_' || lpad((n / {IN_PROJECT})::text, 26, '0'),
           'scn_' || lpad((n / {IN_SCENE})::text, 26, '0'),
           'Shot ' || md5(n::text), 'seg-' || n, '', n % {IN_SCENE} + 1,
           1001, CASE WHEN n % 3 = 0 THEN NULL ELSE 1001 + n % 240 END,
           (ARRAY['draft', 'in_review', 'approved', 'rejected', 'changes_requested'])[n % 5 + 1],
           {NOON} + (n::bigint * 7919 % {SEGMENTS}) * INTERVAL '1 second', {NOON}
    FROM generate_series(0, {SEGMENTS - 1}) AS n
    """,
    # `frames`: 1,000 values, on all. `take`: a value of its own for each of a tenth. `mood`: nearly all have the same.
    """
    INSERT INTO metadata_values (entity_id, key, item, project_id, object, number_value)
    SELECT id, 'frames', 0, project_id, 'segment', hashtext(id) & 1023 FROM segments
    """,
    """
    INSERT INTO metadata_values (entity_id, key, item, project_id, object, number_value)
    SELECT id, 'take', 0, project_id, 'segment', right(id, 7)::int / 7.0 FROM segments WHERE right(id, 1) = '0'
    """,
    """
    INSERT INTO metadata_values (entity_id, key, item, project_id, object, text_value)
    SELECT id, 'mood', 0, project_id, 'segment', CASE WHEN right(id, 4) = '0007' THEN 'dawn' ELSE 'day' END
    FROM segments
    """,
    """
    INSERT INTO external_ids (scope, object, system, external_id, entity_id)
    SELECT project_id, 'segment', 'shotgrid', right(id, 7), id FROM segments
    """,
)


_LARGE = ("segments", "metadata_values", "external_ids")
_HASTE = (
    "SET statement_timeout = 0",
    "SET maintenance_work_mem = '256MB'",
    "SET session_replication_role = replica",  # foreign keys hold by construction
)


def fill(database: Database) -> None:
    """Tables, rows, statistics."""
    upgrade(database)
    with database.engine.execution_options(callsheet_autocommit=True).connect() as connection:
        for setting in _HASTE:
            connection.execute(text(setting))
        # An index is made faster than kept while a million rows come.
        later = [index for name in _LARGE for index in metadata.tables[name].indexes]
        for index in later:
            index.drop(connection)
        for statement in _FILL:
            connection.execute(text(statement.replace(":", r"\:")))
        for index in later:
            index.create(connection)
        connection.execute(text("VACUUM ANALYZE"))
