"""The demo receiver: shows the webhooks that reach this machine, and checks their signatures."""

from __future__ import annotations

from .app import create_receiver

__all__ = ["create_receiver"]
