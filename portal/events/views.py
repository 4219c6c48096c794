"""The catalogue of event types: what may happen, and the form of what is sent of it."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response

from domain.access import Permission
from domain.events.catalogue import FAMILIES
from domain.events.queries import describe_type, describe_types
from domain.events.schemas import PAYLOAD_VERSIONS

from ..blueprint import PortalBlueprint
from ..htmx import render

blueprint = PortalBlueprint("events", __name__, permission=Permission.READ, url_prefix="/event-types")


@blueprint.get("")
def list_types() -> Response:
    """Every type, by family."""
    types = describe_types()
    families = [(family, [one for one in types if one["family"] == family]) for family in FAMILIES]
    return render("portal/events/list.html", families=families, count=len(types))


@blueprint.get("/<event_type>")
def show_type(event_type: str) -> Response:
    """One type, with example and JSON Schema of the payload version that is asked for."""
    described = describe_type(event_type)
    wanted = request.args.get("payload_version")
    version = wanted if wanted in PAYLOAD_VERSIONS else PAYLOAD_VERSIONS[0]
    (form,) = [form for form in described["forms"] if form["payload_version"] == version]
    return render("portal/events/show.html", type=described, form=form, versions=PAYLOAD_VERSIONS)
