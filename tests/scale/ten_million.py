"""10,000,000 entries of the audit trail: four months of a studio's calls, and some of its admins' actions.

Written by the database itself, with INSERT … SELECT generate_series. What is rare is rare in every way that a query may
meet: an outage ten weeks ago that holds nearly all the 5xx, an attack in one stretch, a key that was used once, methods
that nobody uses.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from domain.audit.models import api_audit_log
from domain.clock import rfc3339
from domain.db import Database
from migrations.run import upgrade

ENTRIES = 10_000_000
KEYS, ADDRESSES = 200, 5_000
# Entries, by their number: an outage and an attack each stand in one stretch of time.
OUTAGE, ATTACK = (4_000_000, 4_030_000), (1_000_000, 1_400_000)
ONCE = 5_000_000  # a key, an address and a route of its own
SHARED_REQUEST_ID = "nightly-sync"
NOON = "TIMESTAMPTZ '2026-01-01 12:00:00Z'"


def entry_id(number: int) -> str:
    return f"aud_{number:026d}"


def moment(number: int) -> str:
    """When an entry was made, as queries and cursors say it."""
    return rfc3339(datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(seconds=number))


def key_id(number: int) -> str:
    return f"key_{number:026d}"


# A number that has nothing to do with the entry's place: 0 to 999,999.
_DICE = "(n::bigint * 7919 % 1000003)"
_SUCCESS = f"CASE WHEN {_DICE} < 100000 THEN 304 ELSE 200 END"
_FILL = f"""
INSERT INTO api_audit_log (id, at, source, key_id, secret_id, user_id, action, method, route, path, params, status_code,
                           problem, request_id, rate_limit, ip, user_agent, bytes_in, bytes_out, duration_ms)
SELECT 'aud_' || lpad(n::text, 26, '0'),
       {NOON} + n * INTERVAL '1 second',
       CASE WHEN action IS NULL THEN 'api' ELSE 'portal' END,
       CASE WHEN action IS NOT NULL OR attack THEN NULL WHEN n = {ONCE} THEN 'key_once'
            ELSE 'key_' || lpad((dice * dice / 1000000 * {KEYS} / 1000003)::text, 26, '0') END,
       CASE WHEN action IS NULL THEN '01jd3q8v9w7x' END,
       CASE WHEN action IS NOT NULL THEN 'usr_' || n % 7 END,
       action, CASE WHEN action IS NULL THEN method END,
       CASE WHEN action IS NOT NULL THEN NULL WHEN n = {ONCE} THEN '/api/v1/once'
            ELSE '/api/v1/' || (ARRAY['projects', 'characters', 'scenes', 'segments'])[n % 4 + 1]
                 || (ARRAY['', '/{{id}}', '/{{id}}/metadata', '/{{id}}/approvals'])[dice % 4 + 1] END,
       CASE WHEN action IS NULL THEN '/api/v1/segments' END,
       CASE WHEN dice % 10 = 0 THEN '{{"query"\\: {{"limit"\\: "50"}}}}'::jsonb END,
       CASE WHEN action IS NULL THEN status END,
       CASE WHEN action IS NULL AND status >= 400 THEN 'not-found' END,
       CASE WHEN n % 1000 = 0 THEN '{SHARED_REQUEST_ID}' ELSE 'req_' || lpad(n::text, 26, '0') END,
       CASE WHEN action IS NULL THEN 'read 99/100' END,
       CASE WHEN attack THEN '203.0.113.9' WHEN n = {ONCE} THEN '198.51.100.1'
            ELSE '10.0.' || dice % {ADDRESSES} / 250 || '.' || dice % 250 END,
       'nightly-sync/2.1', 0, 512, 1.25
FROM (
    SELECT n, dice, attack, method, action,
           CASE WHEN n BETWEEN {OUTAGE[0]} AND {OUTAGE[1]} THEN 503 WHEN n % 2000000 = 7 THEN 500
                WHEN n = {ONCE} THEN 202 WHEN attack THEN 401
                WHEN dice < 20000 THEN 404 WHEN dice < 20100 THEN 409 WHEN method <> 'GET' THEN 201
                ELSE {_SUCCESS} END AS status
    FROM (
        SELECT n, {_DICE} AS dice, n BETWEEN {ATTACK[0]} AND {ATTACK[1]} AS attack,
               CASE WHEN n = {ONCE} THEN 'PUT' WHEN {_DICE} > 950000 THEN 'POST' WHEN {_DICE} > 949000 THEN 'DELETE'
                    ELSE 'GET' END AS method,
               CASE WHEN n % 1000 = 500 THEN (ARRAY['session.create', 'audit.read', 'webhook.test'])[n / 1000 % 3 + 1]
               END AS action
        FROM generate_series(:first, :last) AS n
    ) AS drawn
) AS called
"""
_HASTE = (
    "SET statement_timeout = 0",
    "SET maintenance_work_mem = '512MB'",
    "ALTER TABLE api_audit_log SET UNLOGGED",
    "ALTER TABLE api_audit_log SET (autovacuum_enabled = false)",
    "ALTER TABLE api_audit_log DROP CONSTRAINT pk_api_audit_log",
)


def fill(database: Database) -> None:
    """The table, its rows, its indexes, its statistics."""
    upgrade(database)
    with database.engine.execution_options(callsheet_autocommit=True).connect() as connection:
        for setting in _HASTE:
            connection.execute(text(setting))
        # An index is made faster than kept while rows come.
        for index in api_audit_log.indexes:
            index.drop(connection)
        connection.execute(text(_FILL), {"first": 0, "last": ENTRIES - 1})
        connection.execute(text("ALTER TABLE api_audit_log ADD CONSTRAINT pk_api_audit_log PRIMARY KEY (id)"))
        for index in api_audit_log.indexes:
            index.create(connection)
        connection.execute(text("VACUUM ANALYZE api_audit_log"))
