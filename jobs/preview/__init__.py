"""Previews: a storyboard picture and a short moving one of an asset, drawn from what is known of it.

Pure functions: the same subject gives the same bytes.
"""

from __future__ import annotations

from .board import Preview, render
from .subject import Subject

__all__ = ["Preview", "Subject", "render"]
