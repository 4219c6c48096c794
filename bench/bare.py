"""The least that Flask can do: the same bytes from memory, with no key, limit, audit or database."""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask, Response

BODIES_VARIABLE = "BENCH_BODIES"  # a folder with the files `one` and `page`


def create_app() -> Flask:
    """Reads what it will answer once."""
    app, folder = Flask(__name__), Path(os.environ[BODIES_VARIABLE])
    one, page = (folder / "one").read_bytes(), (folder / "page").read_bytes()

    @app.get("/api/v1/characters/<id>")
    def get_one(id: str) -> Response:  # noqa: A002, ARG001 - the path's
        return Response(one, content_type="application/json")

    @app.get("/api/v1/characters")
    def get_page() -> Response:
        return Response(page, content_type="application/json")

    return app
