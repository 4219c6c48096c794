"""The external API: `register` puts it on the application."""

from __future__ import annotations

from flask import Flask

from domain.ports import Services

from . import health, openapi
from .v1.webhooks import key_sets


def register(app: Flask, services: Services) -> None:
    """Mount `/api/v1`, the documentation and the operators' endpoints."""
    openapi.register(app)
    key_sets.register(app)
    health.register(app, services)
