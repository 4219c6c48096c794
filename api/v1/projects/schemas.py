"""Projects as this door shows them."""

from __future__ import annotations

from ...schemas import PROJECT_STATUSES, id_field, object_field, text_field, word_field
from ..entities import EntitySchema


class ProjectSchema(EntitySchema):
    """A production."""

    id = id_field("prj", "Sorts by creation.")
    object = object_field("project")
    name = text_field("The Salt Line")
    code = text_field("salt-line", "A short name, unique in the studio.")
    status = word_field(PROJECT_STATUSES)
