"""The people who may sign in."""

from __future__ import annotations

from sqlalchemy import select
from werkzeug.wrappers import Response

from domain.access import Permission, Role
from domain.accounts.queries import SHOWN, USERS

from ..blueprint import PortalBlueprint
from ..context import services
from ..htmx import render
from ..lists import ListPage

blueprint = PortalBlueprint("users", __name__, permission=Permission.MANAGE_USERS)

FILTERS = {"q": "q", "role": "role"}


@blueprint.get("/users")
def list_users() -> Response:
    """Everybody, by name."""
    with services().database.reading() as session:
        page = ListPage(session, USERS, select(*SHOWN), FILTERS)
    return render("portal/users/list.html", "list", page=page, roles=[(role, role.title()) for role in Role])
