"""`python -m api`: the OpenAPI document as it is committed in `openapi.json`."""

from __future__ import annotations

import sys

from .openapi import document

sys.stdout.buffer.write(document())
