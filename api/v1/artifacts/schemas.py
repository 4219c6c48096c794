"""Artifacts as this door shows them."""

from __future__ import annotations

from marshmallow import fields

from domain.artifacts.rules import LONGEST_MEDIA_TYPE, LONGEST_NAME

from ...schemas import id_field, integer_field, object_field, text_field
from ..entities import ObjectSchema

LARGEST_SIZE = 2**53 - 1


class ArtifactSchema(ObjectSchema):
    """A file that a job made."""

    versioned = False

    id = id_field("art", "Sorts by creation.")
    object = object_field("artifact")
    project_id = id_field("prj")
    job_id = id_field("job")
    name = text_field("preview.webp", longest=LONGEST_NAME)
    media_type = text_field("image/webp", longest=LONGEST_MEDIA_TYPE)
    size = fields.Integer(
        required=True,
        metadata={"description": "Bytes.", "format": "int64", "minimum": 0, "maximum": LARGEST_SIZE, "example": 183204},
    )
    sha256 = text_field("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "Of the bytes.", longest=64)
    attempt = integer_field(1, "The attempt of the job that it is from.")
    url = text_field(
        "/api/v1/jobs/job_01jd3q8v9w7x5y2m4n6p8r0s1t/artifacts/preview.webp", "Where the bytes are.", longest=200
    )
