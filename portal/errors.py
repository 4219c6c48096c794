"""Error pages: one look, one sentence each, and a way on."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from flask import request
from flask_login import current_user
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from domain.audit.masking import clean_text
from domain.errors import BadQuery, Conflict, DomainError, Forbidden, NotFound

from .context import is_portal, note_alone, request_id
from .csrf import CrossSiteRequest
from .formatting import plain
from .htmx import headers, render

log = logging.getLogger("callsheet.portal")


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """What an error says."""

    status: int
    title: str
    text: str


TITLES = {
    400: "This address is not complete",
    403: "You cannot open this",
    404: "There is nothing here",
    405: "This page cannot do that",
    409: "That is not possible now",
    413: "That is too large",
    422: "That cannot be saved",
    429: "Too many attempts",
    503: "Busy for a moment",
}
TEXTS = {
    403: "Your role does not include this page. An admin can change that.",
    404: "The page does not exist, or you may not see it.",
    405: "Go back and use the buttons of the page.",
    413: "Send less at once.",
    503: "The database did not answer in time. Try again in a few seconds.",
}
STALE = ErrorPage(
    403, "This page was open for too long", "Nothing was changed. Go back, reload the page and try again."
)
BROKEN = ErrorPage(
    500, "Something broke on our side", "Nothing was changed. The error is in the log under the id below."
)
DOMAIN_STATUS: tuple[tuple[type[DomainError], int], ...] = (
    (NotFound, 404),
    (Forbidden, 403),
    (Conflict, 409),
    (BadQuery, 400),
    (DomainError, 422),
)


def page_for(error: Exception) -> ErrorPage:
    """What to say about an exception; nothing of an unexpected one is shown."""
    if isinstance(error, CrossSiteRequest):
        return STALE
    if isinstance(error, DomainError):
        status = next(status for kind, status in DOMAIN_STATUS if isinstance(error, kind))
        return ErrorPage(status, TITLES[status], TEXTS[403] if status == 403 else plain(str(error)))
    if isinstance(error, PoolTimeout | OperationalError):
        return ErrorPage(503, TITLES[503], TEXTS[503])
    if isinstance(error, HTTPException) and error.code in TITLES:
        return ErrorPage(error.code, TITLES[error.code], TEXTS.get(error.code, error.description or ""))
    return BROKEN


def handle_error(error: Exception) -> Response:
    """Answer any exception of a portal request. htmx gets a notice for the top of the page it is on."""
    if isinstance(error, HTTPException) and error.code is not None and error.code < 400:
        return error.get_response()
    page = page_for(error)
    if page.status >= 500:
        log.error("request failed", exc_info=error, extra={"request_id": request_id()})
    signed_in = is_portal(request.path) and page.status != 503 and _is_signed_in()
    if signed_in and page.status == 403:
        _note_refusal(error)
    layout = "layouts/portal.html" if signed_in else "layouts/bare.html"
    context = {"page": page, "layout": layout, "request_id": request_id()}
    response = render("errors/error.html", "notice", http_status=page.status, **context)
    if headers():
        response.headers["HX-Retarget"] = "#notices"
        response.headers["HX-Reswap"] = "innerHTML show:window:top"
    return response


def _note_refusal(error: Exception) -> None:
    path, reason = clean_text(request.path, 2000), str(error) or type(error).__name__
    told = {"method": request.method, "path": path, "reason": reason}
    try:
        note_alone("portal.refuse", told)
    except Exception as failure:  # nothing was done, and the page that says so needs no database
        log.error("a refusal could not be written to the audit trail", exc_info=failure)


def _is_signed_in() -> bool:
    try:
        return bool(current_user.is_authenticated)
    except Exception:  # the user could not be loaded: the error page must not need the user
        return False
