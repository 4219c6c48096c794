"""What operators ask: is the process up, are its parts well, and the figures for Prometheus."""

from __future__ import annotations

import hmac

import orjson
from flask import Flask, Response, request
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from domain.ports import Services

from .metrics import figures
from .problems import Problem


def register(app: Flask, services: Services) -> None:
    """Mount `/healthz`, `/readyz` and `/metrics`."""

    @app.get("/healthz")
    def healthz() -> Response:
        """The process answers."""
        return _json({"status": "ok"})

    @app.get("/readyz")
    def readyz() -> Response:
        """Each part by name. 503 only without the database; anything else degrades and is said."""
        parts = services.health.check()
        status = "ok" if not any(parts.values()) else ("unavailable" if parts["database"] else "degraded")
        checks = {name: {"status": "failing" if fault else "ok", "detail": fault} for name, fault in parts.items()}
        return _json({"status": status, "checks": checks}, 503 if status == "unavailable" else 200)

    @app.get("/metrics")
    def metrics() -> Response:
        """Figures for Prometheus, behind the token."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
        if not hmac.compare_digest(token, services.settings.metrics_token.encode()):
            raise Problem(
                "key-missing", "Send the metrics token: `Authorization: Bearer <CALLSHEET_METRICS_TOKEN>`.",
                headers={"WWW-Authenticate": 'Bearer realm="callsheet metrics"'},
            )  # fmt: skip
        return Response(figures(services), content_type=CONTENT_TYPE_LATEST)


def _json(document: object, status: int = 200) -> Response:
    response = Response(orjson.dumps(document), status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
