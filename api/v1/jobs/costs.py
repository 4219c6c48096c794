"""What a job cost, as workers say it and everybody reads it."""

from __future__ import annotations

from marshmallow import fields

from domain.jobs.costs import AMOUNT_PATTERN, CURRENCY_PATTERN, LARGEST_COUNT

from ...schemas import AnswerSchema, Integer, Number, RequestSchema

_AMOUNT = {"maxLength": 19, "pattern": f"^{AMOUNT_PATTERN.replace(chr(92) + 'd', '[0-9]')}$", "example": "0.42"}
_CURRENCY = {"minLength": 3, "maxLength": 3, "pattern": f"^{CURRENCY_PATTERN}$", "example": "EUR",
             "description": "ISO 4217; with an amount."}  # fmt: skip
_SECONDS = {"minimum": 0, "maximum": LARGEST_COUNT, "example": 93.5}
_UNITS = {"format": "int64", "minimum": 0, "maximum": LARGEST_COUNT, "example": 812}
_IN = {**_UNITS, "description": "What a model was given, in the units that it counts."}
_OUT = {**_UNITS, "description": "What a model gave, likewise."}


class CostSchema(AnswerSchema):
    """What a job cost, so far as its worker said."""

    amount = fields.String(allow_none=True, metadata=_AMOUNT)
    currency = fields.String(allow_none=True, metadata=_CURRENCY)
    gpu_seconds = fields.Float(allow_none=True, metadata=_SECONDS)
    units_in = fields.Integer(allow_none=True, metadata=_IN)
    units_out = fields.Integer(allow_none=True, metadata=_OUT)


class NewCostSchema(RequestSchema):
    """What a job cost; each member may be left out."""

    amount = fields.String(allow_none=True, metadata=_AMOUNT)
    currency = fields.String(allow_none=True, metadata=_CURRENCY)
    gpu_seconds = Number(allow_none=True, metadata=_SECONDS)
    units_in = Integer(allow_none=True, metadata=_IN)
    units_out = Integer(allow_none=True, metadata=_OUT)
