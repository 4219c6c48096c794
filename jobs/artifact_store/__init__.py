"""The stores that artifacts can be kept in."""

from __future__ import annotations

from domain.artifacts.places import Folder, Place
from domain.artifacts.store import ArtifactStore

from .bucket import BucketStore
from .folder import FolderStore


def open_store(place: Place) -> ArtifactStore:
    """The store at this place; connects to nothing yet."""
    return FolderStore(place.path) if isinstance(place, Folder) else BucketStore(place)
