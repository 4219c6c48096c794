"""The composition root: the only place that knows every part and puts them together."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from flask import Flask, request
from werkzeug.wrappers import Response

import api
import portal
from api import gateway
from api.answering import logged
from api.call import path_of
from api.limits import RedisLimiter
from api.problems import problem_response
from api.response import StartResponse
from config import ConfigError, Settings
from deploy import commands
from domain.audit.commands import AuditWriter
from domain.audit.masking import mask_also
from domain.clock import Clock, system_clock
from domain.crypto import Keyring
from domain.db import Database
from domain.events.positions import Feed
from domain.gate import Gate
from domain.ids import new_id
from domain.jobs.builtin_kinds import PREVIEW
from domain.jobs.changing import queue_topic
from domain.operations.queries import WrongSecretKey, refuse_wrong_secret_key
from domain.ports import Changes, Limiter, Services
from domain.signals import Changed, DeliveriesDue, KeyChanged, Signal, topics_of
from jobs.artifact_store import open_store
from jobs.health import HealthCheck
from jobs.hub import Hub
from jobs.queues import Bell, Caller, preview_caller
from jobs.runtime import quick_redis
from jobs.transport import target_check

ROOT = Path(__file__).resolve().parent
PREVIEW_QUEUED = Changed(queue_topic(PREVIEW))
# What answers with problem documents beside `/api/v1`; everything else is a page.
MACHINE_PATHS = ("/healthz", "/readyz", "/metrics", "/openapi.json")


def build_services(settings: Settings, clock: Clock = system_clock) -> Services:
    """The parts that both doors share. Connects to nothing yet."""
    database = Database(settings.database_url, settings.database_pool)
    redis = quick_redis(settings.redis_url)
    mask_also(settings.audit_mask_fields)
    limiter, bell, hub = RedisLimiter(redis, database), Bell(redis), Hub(redis)
    previews = preview_caller(redis)
    database.after_commit = lambda signals: spread(signals, limiter, bell, hub, previews)
    return Services(
        database=database,
        keyring=Keyring(settings.secret_key),
        clock=clock,
        limiter=limiter,
        audit=AuditWriter(database),
        health=HealthCheck(database, redis, clock),
        check_target=target_check(settings.webhook_allow_cidrs),
        artifacts=open_store(settings.artifacts),
        changes=hub,
        feed=Feed(database),
        gate=Gate(settings.web_threads, settings.web_waiters),
        settings=settings,
    )


def spread(signals: list[Signal], limiter: Limiter, bell: Bell, changes: Changes, previews: Caller) -> None:
    """Carry what a commit signalled to the other processes."""
    for signal in signals:
        if isinstance(signal, KeyChanged):
            limiter.publish_epoch(signal.key_id, signal.epoch)
        elif isinstance(signal, DeliveriesDue):
            bell.ring()
        elif signal == PREVIEW_QUEUED:
            previews.call()
    changes.tell(topics_of(signals))  # last: what the calls that wait then look at is known by now


class Callsheet(Flask):
    """One application with two doors: the API's calls pass by the contexts, hooks and sessions that pages need."""

    api: gateway.Gateway
    gate: Gate

    def wsgi_app(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request, through the door it came to."""
        if gateway.is_api(path_of(environ)):
            return self.api(environ, start_response)
        with self.gate:
            environ["wsgi.input"] = self.gate.body_outside(environ["wsgi.input"])
            return super().wsgi_app(environ, start_response)


def create_app(settings: Settings, services: Services | None = None) -> Flask:
    """The application: portal, API, command line.

    Raises:
        ConfigError: the secret key is not the one that the database was made with.
    """
    services = services or build_services(settings)
    try:
        refuse_wrong_secret_key(services.database, services.keyring)
    except WrongSecretKey as error:
        raise ConfigError(str(error)) from None
    app = Callsheet(__name__, root_path=str(ROOT))
    app.url_map.merge_slashes = False  # a path with doubled slashes is another path, and not there
    app.secret_key = services.keyring.derive("flask")
    app.extensions["callsheet"] = services
    app.gate = services.gate
    app.logger.setLevel(logging.INFO)
    portal.register(app)
    app.api = gateway.Gateway(app, services)
    api.register(app, services)
    commands.register(app, services)
    app.register_error_handler(Exception, handle_error)
    return app


def handle_error(error: Exception) -> Response:
    """Answer any error in the form of the door it came through."""
    if request.path not in MACHINE_PATHS:
        return portal.handle_error(error)
    request_id = new_id("req")
    told = problem_response(logged(error, request_id), request.path, request_id)
    return Response(told.body, told.status, {**told.headers, "X-Request-Id": request_id})


__all__ = ["ConfigError", "build_services", "create_app"]
