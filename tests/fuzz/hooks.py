"""What schemathesis loads: ids that exist, a tally of what was reached, and the few failures that are none."""

from __future__ import annotations

import atexit
import json
import os
import re
import zlib
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import schemathesis

from api.schemas import LONGEST_WAIT
from tests.fuzz.exceptions import is_by_design
from tests.fuzz.graphql import with_document

_ID = re.compile(r"([a-z]{3})_[0-9a-hjkmnp-tv-z]{26}")
_HOST = re.compile(r"(?i)^(https?://)[^\x00-\x20\x7f\\#/?@]+(?=[/?]|$)")

_seeds = json.loads(Path(os.environ["CALLSHEET_FUZZ_SEEDS"]).read_text())
_seeded: dict[str, list[str]] = _seeds["ids"]
_own: set[str] = set(_seeds["own"])  # the callers' keys: without them every further call would be refused
_known: set[str] = {found for ids in _seeded.values() for found in ids}
_named: dict[str, dict[str, Any]] = _seeds["named"]  # parameters that name something, of paths whose ends are not ids
_cursors: dict[str, str] = {}  # the last one answered, by path
_tally: Counter[tuple[str, int]] = Counter()
_turns: dict[str, int] = {}  # calls of each operation, which begin anywhere


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Reach further than 404, 409 and 412: name what exists in most ids that were made up, and take nothing twice."""
    number = zlib.crc32(case.id.encode())
    if case.path_parameters:
        # Another one in each call: else the same few would be ended first, and no call would reach what is open.
        label = case.operation.label
        turn = _turns[label] = _turns.get(label, zlib.crc32(label.encode())) + 1
        case.path_parameters.update({name: _real(value, turn) for name, value in case.path_parameters.items()})
        if number % 4 and case.method.upper() in ("GET", "POST", "DELETE") and _is_meant_well(case):
            case.path_parameters.update(_named.get(case.path, {}))
        if case.path.endswith("/artifacts/{artifact_name}") and case.method.upper() == "PUT" and number % 4:
            _hold_lease(case)
    if case.headers and number % 8:
        case.headers.pop("If-Match", None)  # else nearly every write would be refused with 412
    _read_on(case)
    key = case.headers.get("Idempotency-Key") if case.headers else None
    if isinstance(key, str) and 0 < len(key) < 200 and number % 4:
        case.headers["Idempotency-Key"] = f"{key}-{case.id}"  # else most calls would be replays of the first
    if isinstance(case.body, dict | list):
        case.body = _tamed(case.body)
    _hurry(case)
    if isinstance(case.body, dict) and number % 4 and _is_meant_well(case):
        case.body = _employed(case.body)
        unique = {"code": f"c-{case.id}", "external_ids": {"shotgrid": case.id}}
        case.body = {**case.body, **{name: value for name, value in unique.items() if name in case.body}}
    if case.path.endswith("/graphql") and isinstance(case.body, dict) and number % 8 and _is_meant_well(case):
        case.body = with_document(case.body, number // 8, _seeded)


def _hold_lease(case: Any) -> None:
    """Send a file as the worker of a running job does."""
    if _is_meant_well(case):
        case.path_parameters["id"] = _named[case.path]["id"]
        case.headers["Lease-Token"] = _seeds["lease"]
        case.headers.pop("Content-Digest", None)


def _read_on(case: Any) -> None:
    """Behind a page that was answered: a cursor that is made up is refused."""
    known = _cursors.get(case.formatted_path)
    if known and case.query and case.query.get("cursor"):
        case.query.update({"cursor": known, "sort": ""})
    if known and case.query and case.query.get("after") and _is_meant_well(case):
        case.query.update({"after": known, "cursor_name": ""})


def _hurry(case: Any) -> None:
    """Nothing is learned by waiting."""
    for place in (case.query, case.body):
        if isinstance(place, dict) and _is_patient(place.get("wait")):
            place.update({"wait": 0})


def _is_patient(wait: Any) -> bool:
    with suppress(TypeError, ValueError):
        return 0 < float(wait) <= LONGEST_WAIT
    return False


def _is_meant_well(case: Any) -> bool:
    """Whether nothing about the call breaks the document on purpose."""
    return case.meta is None or case.meta.generation.mode.is_positive


def _real(value: Any, turn: int = 0) -> Any:
    if not isinstance(value, str) or value in _known - _own:
        return value
    found = _ID.fullmatch(value)
    if found is None or found[1] not in _seeded:
        return value
    number = zlib.crc32(value.encode())
    ids = _seeded[found[1]]
    return ids[(number // 8 + turn) % len(ids)] if number % 8 or value in _own else value


def _tamed(value: Any) -> Any:
    """The body with real ids. Webhooks stay on this machine, and few of them are enabled: each hears of every event."""
    if isinstance(value, list):
        return [_tamed(item) for item in value]
    if not isinstance(value, dict):
        return _real(value)
    found = {name: _tamed(item) for name, item in value.items()}
    if isinstance(found.get("url"), str):
        found["url"] = _HOST.sub(r"\g<1>127.0.0.1:9", found["url"])
        if found.get("enabled", True) is True:
            found["enabled"] = zlib.crc32(found["url"].encode()) % 20 == 0
    return found


def _employed(body: dict[str, Any]) -> dict[str, Any]:
    """The body with the lease, the kind of job and the target that there are, where it names any."""
    real = {"lease_token": _seeds["lease"], "kinds": ["generate"], "target": _target(body)}
    if "target" in body:
        real |= {"kind": "generate", "depends_on": body.get("depends_on", [])[:1]}
    return {**body, **{name: value for name, value in real.items() if name in body}}


def _target(body: dict[str, Any]) -> dict[str, str]:
    ids = _seeded["seg"]
    return {"object": "segment", "id": ids[zlib.crc32(str(body).encode()) % len(ids)]}


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Count the answer, and learn the ids that it tells."""
    _tally[case.operation.label, response.status_code] += 1
    if response.status_code < 300:
        told = response.content.decode("utf-8", "replace")  # a file may be anything
        _known.update(found[0] for found in _ID.finditer(told))
        if case.method.upper() == "PUT" and case.path.endswith(("/{key}", "/{cursor_name}")):
            _named[case.path] = dict(case.path_parameters)
        is_json = response.content and "application/json" in response.headers.get("content-type", ())
        page = response.json().get("page") if is_json else None
        if page and page["next"] and "sort=" not in response.request.url:
            _cursors[case.formatted_path] = page["next"]


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Whether the failure is one."""
    return not is_by_design(failure, case, response)


@atexit.register
def _write_tally() -> None:
    rows = [[label, status, count] for (label, status), count in sorted(_tally.items())]
    Path(os.environ["CALLSHEET_FUZZ_TALLY"]).write_text(json.dumps(rows))
