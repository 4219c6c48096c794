"""Security headers of every page of the portal, errors included."""

from __future__ import annotations

from flask import Flask, Response, request

from .context import is_portal, request_id, services

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "media-src 'self'",
        "connect-src 'self'",
        "font-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def register(app: Flask) -> None:
    """Add the headers to whatever the portal answers."""

    @app.after_request
    def protect(response: Response) -> Response:
        if is_portal(request.path):
            response.headers.update(HEADERS)
            response.headers.setdefault("Cache-Control", "no-store")
            response.headers["X-Request-Id"] = request_id()
            if services().settings.cookie_secure:
                response.headers["Strict-Transport-Security"] = "max-age=31536000"
        return response
