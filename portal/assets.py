"""Static files: which sheets and modules a page loads, and addresses that change when the file does."""

from __future__ import annotations

import hashlib
from pathlib import Path

from flask import Flask, Response, request, url_for

FIRST_SHEETS = ("css/tokens.css", "css/base.css", "css/layout.css")
YEAR = 365 * 24 * 3600


class Assets:
    """The files of `static/`, read once at the start."""

    def __init__(self, folder: Path) -> None:
        files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
        self._versions = {name: hashlib.sha256(path.read_bytes()).hexdigest()[:10] for name, path in files.items()}
        self._sheets = [*FIRST_SHEETS, *(name for name in files if name.startswith("css/components/"))]
        self._modules = [name for name in files if name.startswith("js/") and name.count("/") == 1]

    def static_url(self, name: str) -> str:
        """The address of a file. It carries the file's digest, so that a browser may keep it for a year."""
        return url_for("static", filename=name, v=self._versions[name])

    def stylesheets(self) -> list[str]:
        """Tokens, elements and layout first, then one sheet per component."""
        return self._sheets

    def script_modules(self) -> list[str]:
        """One module per behaviour; each stands alone."""
        return self._modules


def register(app: Flask) -> None:
    """Add `static_url`, `stylesheets` and `script_modules` to the templates, and the headers of static files."""
    assert app.static_folder is not None
    assets = Assets(Path(app.static_folder))
    app.jinja_env.globals.update(
        static_url=assets.static_url, stylesheets=assets.stylesheets, script_modules=assets.script_modules
    )

    @app.after_request
    def keep(response: Response) -> Response:
        if request.endpoint == "static":
            response.headers["X-Content-Type-Options"] = "nosniff"
            if "v" in request.args and response.status_code in (200, 304):
                response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
        return response
