"""The least that Flask can do: the same bytes from memory, with no key, limit, audit or database."""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask, Response

# A folder with the files `one` and `page`.
BODIES_VARIABLE = "BENCH_BODIES"


def _create_app(folder: Path) -> Flask:
    app, one, page = Flask(__name__), (folder / "one").read_bytes(), (folder / "page").read_bytes()

    @app.get("/api/v1/characters/<id>")
    def get_one(id: str) -> Response:  # noqa: A002, ARG001 - the path's
        return Response(one, content_type="application/json")

    @app.get("/api/v1/characters")
    def get_page() -> Response:
        return Response(page, content_type="application/json")

    return app


if BODIES_VARIABLE in os.environ:  # in the server; the program that starts it wants the name alone
    app = _create_app(Path(os.environ[BODIES_VARIABLE]))
