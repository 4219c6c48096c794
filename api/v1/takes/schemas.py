"""Takes as this door shows them."""

from __future__ import annotations

from marshmallow import fields

from ...schemas import id_field, integer_field, object_field, text_field
from ..approvals.schemas import ActorSchema, AssetReferenceSchema
from ..entities import ObjectSchema
from ..jobs.costs import CostSchema
from ..jobs.schemas import anything


class TakeSchema(ObjectSchema):
    """What one job made of a character, scene or segment."""

    versioned = False

    id = id_field("tak", "Sorts by creation.")
    object = object_field("take")
    project_id = id_field("prj")
    target = fields.Nested(AssetReferenceSchema, required=True)
    number = integer_field(3, "Counted from 1 for each target.", least=1)
    job_id = id_field("job", "The artifacts of its last attempt are the take's.")
    kind = text_field("preview", "Of the job.", longest=40)
    params = anything("Of the job.", {"seed": 7}, nullable=False)
    cost = fields.Nested(CostSchema, required=True, allow_none=True)
    thumbnail_id = id_field("art", "The artifact that stands for it in a list.", nullable=True)
    media_id = id_field("art", "The artifact to look at.", nullable=True)
    submitted_by = fields.Nested(ActorSchema, required=True)
