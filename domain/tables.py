"""Every table, imported in one place: for migrations and for code that needs the whole metadata."""

from __future__ import annotations

from .accounts import models as accounts
from .api_keys import models as api_keys
from .approvals import models as approvals
from .artifacts import models as artifacts
from .audit import models as audit
from .characters import models as characters
from .db import metadata
from .deliveries import models as deliveries
from .event_cursors import models as event_cursors
from .events import models as events
from .external_ids import models as external_ids
from .forwards import models as forwards
from .idempotency import models as idempotency
from .jobs import models as jobs
from .metadata import models as metadata_models
from .metadata_fields import models as metadata_fields
from .operations import models as operations
from .projects import models as projects
from .replays import models as replays
from .scenes import models as scenes
from .seals import models as seals
from .segments import models as segments
from .takes import models as takes
from .webhooks import models as webhooks

__all__ = [
    "accounts",
    "api_keys",
    "approvals",
    "artifacts",
    "audit",
    "characters",
    "deliveries",
    "event_cursors",
    "events",
    "external_ids",
    "forwards",
    "idempotency",
    "jobs",
    "metadata",
    "metadata_fields",
    "metadata_models",
    "operations",
    "projects",
    "replays",
    "scenes",
    "seals",
    "segments",
    "takes",
    "webhooks",
]
