"""Enumerations get a name in the document, so that a generated client has one type for each."""

from __future__ import annotations

from typing import Any

from domain.access import Permission, Role, Scope
from domain.api_keys.queries import SECRET_STATUSES, STATUSES
from domain.api_keys.rules import ALLOWLIST_MODES
from domain.approvals.models import DECISIONS
from domain.audit import SOURCES
from domain.entities import ASSET_STATUSES
from domain.entity_rules import PROJECT_STATUSES
from domain.events.catalogue import FAMILIES, PATTERNS, TYPES
from domain.events.schemas import PAYLOAD_VERSIONS
from domain.jobs.models import STATUSES as JOB_STATUSES
from domain.metadata.types import TYPES as TYPES_OF_METADATA
from domain.metadata_fields.definitions import ENTITIES
from domain.replays.models import STATUSES as REPLAY_STATUSES
from domain.replays.selection import STATUSES as REPLAY_SELECTIONS
from domain.webhooks.headers import AUTH_PARTS
from domain.webhooks.rules import ORDERINGS
from domain.webhooks.signing import SIGNATURES

from ..problem_kinds import PROBLEMS
from ..schemas import ACTOR_TYPES, ASSET_OBJECTS, DELIVERY_STATUSES, WEBHOOK_STATUSES

NAMED: dict[str, tuple[str, tuple[str, ...]]] = {
    "Role": ("What a user or key may do.", tuple(Role)),
    "Scope": ("Where a key may do it.", tuple(Scope)),
    "Permission": ("What an operation needs.", tuple(Permission)),
    "AssetStatus": ("Where a character, scene or segment stands in review.", ASSET_STATUSES),
    "AssetObject": ("The kind of an asset.", ASSET_OBJECTS),
    "EntityObject": ("The kind of an entity.", ENTITIES),
    "EntityStatus": ("The status of any entity.", ("active", *ASSET_STATUSES)),
    "MetadataType": ("What a metadata field takes.", tuple(TYPES_OF_METADATA)),
    "BatchMethod": ("The method of a call in a batch.", ("POST", "PATCH", "PUT", "DELETE")),
    "ProjectStatus": ("Whether a project is worked on.", PROJECT_STATUSES),
    "Decision": ("What a reviewer decides.", DECISIONS),
    "DeliveryStatus": ("Where an event is on its way to a webhook.", DELIVERY_STATUSES),
    "ApiKeyStatus": ("Whether a key is accepted.", STATUSES),
    "AllowlistMode": ("What becomes of calls from outside a key's allowlist.", ALLOWLIST_MODES),
    "SecretStatus": ("Whether one of a key's secrets is its present one, is being replaced, or was.", SECRET_STATUSES),
    "WebhookStatus": ("How a webhook fares.", WEBHOOK_STATUSES),
    "ReplayStatus": ("Whether a replay goes on.", REPLAY_STATUSES),
    "ReplaySelection": ("Events whose delivery failed, or that never had one.", REPLAY_SELECTIONS),
    "JobStatus": ("How far a generation job has come.", JOB_STATUSES),
    "PayloadVersion": ("The form of what a webhook is sent: the whole entity, or ids and links.", PAYLOAD_VERSIONS),
    "SignatureKind": ("How a webhook's requests are signed: HMAC-SHA-256 with a secret, or Ed25519.", SIGNATURES),
    "DeliveryOrdering": ("Whether events of one entity wait for the ones before them.", ORDERINGS),
    "AuthType": ("How a webhook's requests sign in.", tuple(AUTH_PARTS)),
    "EventType": ("What happened.", tuple(TYPES)),
    "EventFamily": ("What it happened to: the first word of an event's type.", FAMILIES),
    "EventPattern": ("Events to subscribe to: one type, a family, or all but the operational ones.", PATTERNS),
    "ActorType": ("Who acts.", ACTOR_TYPES),
    "AuditSource": ("The door that it came through.", SOURCES),
    "ProblemType": ("Why a call was refused; each has a page.", tuple(f"/problems/{slug}" for slug in PROBLEMS)),
}
_BY_VALUES = {values: name for name, (_, values) in NAMED.items()}


def name_enumerations(node: Any) -> Any:
    """The document with a reference wherever one of the named enumerations was written out."""
    if isinstance(node, list):
        return [name_enumerations(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {key: name_enumerations(value) for key, value in node.items()}
    name = _BY_VALUES.get(tuple(value for value in _values(found) if value is not None))
    if name is None:
        return _constant(found)
    kept = {key: value for key, value in found.items() if key in ("description", "default", "example")}
    reference = {"$ref": f"#/components/schemas/{name}"}
    if None in found["enum"] or "null" in found.get("type", ()):
        return {"anyOf": [reference, {"type": "null"}], **kept}
    return {**reference, **kept}


def _constant(node: dict[str, Any]) -> dict[str, Any]:
    """An enumeration of one is a constant."""
    values = _values(node)
    if len(values) != 1:
        return node
    return {**{key: value for key, value in node.items() if key != "enum"}, "const": values[0]}


def _values(node: dict[str, Any]) -> list[Any]:
    values = node.get("enum")
    return values if isinstance(values, list) else []


def enumeration_schemas() -> dict[str, dict[str, Any]]:
    """The components, by name."""
    return {
        name: {"type": "string", "enum": [str(value) for value in values], "description": description}
        for name, (description, values) in NAMED.items()
    }
