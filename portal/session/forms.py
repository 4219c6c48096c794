"""The form of the sign-in page."""

from __future__ import annotations

from marshmallow import fields

from ..forms import FormSchema


class SignInForm(FormSchema):
    """Who, and the password."""

    email = fields.String(required=True)
    password = fields.String(required=True)
