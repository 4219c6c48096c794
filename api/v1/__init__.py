"""Version 1: one package for each noun, `routes.py` and `schemas.py` in it."""

from __future__ import annotations

from ..blueprint import Blueprint
from .api_keys.routes import blueprint as api_keys
from .approvals.routes import blueprint as approvals
from .artifacts.routes import blueprint as artifacts
from .audit.routes import blueprint as audit
from .batch.routes import make_blueprint as make_batch
from .characters.routes import blueprint as characters
from .deliveries.routes import blueprint as deliveries
from .event_cursors.routes import blueprint as event_cursors
from .events.feed import blueprint as feed
from .events.routes import blueprint as events
from .events.stream import blueprint as stream
from .graphql.routes import make_blueprint as make_graphql
from .jobs.farm import blueprint as farm
from .jobs.routes import blueprint as jobs
from .me.routes import blueprint as me
from .metadata.routes import blueprint as metadata
from .metadata_fields.routes import blueprint as metadata_fields
from .projects.routes import blueprint as projects
from .replays.routes import blueprint as replays
from .scenes.routes import blueprint as scenes
from .segments.routes import blueprint as segments
from .takes.routes import blueprint as takes
from .webhooks.changes import blueprint as webhooks

STUDIO: tuple[Blueprint, ...] = (projects, characters, scenes, segments, metadata, metadata_fields, approvals, jobs)
BLUEPRINTS: tuple[Blueprint, ...] = (
    *(me, *STUDIO, make_batch(STUDIO), make_graphql((me, *STUDIO, takes), STUDIO), farm, artifacts, takes),
    *(events, feed, stream, event_cursors, webhooks, deliveries, replays, api_keys, audit),
)
