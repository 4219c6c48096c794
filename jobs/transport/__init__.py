"""The only outbound HTTP: one POST, to an address that the policy allows, within a deadline and a byte cap."""

from .client import DEADLINE_SECONDS, Reply, Transport
from .connection import LARGEST_REPLY
from .resolving import target_check

__all__ = ["DEADLINE_SECONDS", "LARGEST_REPLY", "Reply", "Transport", "target_check"]
