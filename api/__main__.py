"""`python -m api`: the OpenAPI document as it is committed in `openapi.json`."""

from __future__ import annotations

import sys

from flask import Flask

from .openapi import mount_operations

sys.stdout.buffer.write(mount_operations(Flask("callsheet")))
