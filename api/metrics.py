"""The figures for Prometheus, read from the database, so that every process tells the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from domain.db import Session
from domain.deliveries.figures import AttemptFigures, attempt_figures
from domain.deliveries.statistics import Queues, Standing, queues, standing
from domain.jobs.statistics import Farm, farm
from domain.ports import Services
from domain.replays.queries import standing as replays_now

# Of a gauge with a label by its value, of one without by None.
Values = Mapping[str, float] | Mapping[None, float] | Mapping[str | None, float]
BREAKERS = {"closed": 0, "half_open": 1, "open": 2}


def figures(services: Services) -> bytes:
    """The page."""
    registry = CollectorRegistry()
    registry.register(_Figures(services))
    return generate_latest(registry)


class _Figures(Collector):
    def __init__(self, services: Services) -> None:
        self._services = services

    def describe(self) -> list[Metric]:
        """None in advance: to say what there is, the registry would read it all once more."""
        return []

    def collect(self) -> Iterator[Metric]:
        now = self._services.clock()
        with self._services.database.reading() as session:
            yield from _of_standing(standing(session, now))
            yield from _of_queues(queues(session, now))
            yield from _of_attempts(attempt_figures(session))
            yield from _of_replays(session)
            yield from _of_jobs(farm(session, now))
        degraded = float(self._services.limiter.degraded)
        yield _gauge("callsheet_redis_away", "1 while limits are counted in the database.", {None: degraded})
        for figure in self._services.health.figures():
            yield _gauge(figure.name, figure.help, figure.values, figure.label)


def _gauge(name: str, told: str, values: Values, label: str = "") -> Metric:
    family = GaugeMetricFamily(name, told, labels=[label] if label else [])
    for word, value in values.items():
        family.add_metric([] if word is None else [word], value)
    return family


def _of_standing(now: Standing) -> Iterator[Metric]:
    yield _gauge("callsheet_deliveries", "Deliveries by status.", now.by_status, "status")
    waited = {None: now.oldest_due_seconds}
    yield _gauge("callsheet_oldest_due_seconds", "How long the oldest due delivery has waited.", waited)
    calls = "API calls of the last hour by status class."
    yield _gauge("callsheet_api_calls_last_hour", calls, now.calls_by_class, "status")


def _of_queues(now: Queues) -> Iterator[Metric]:
    waited = {None: now.outbox_age_seconds}
    yield _gauge("callsheet_outbox_age_seconds", "How long the oldest event has waited for its first attempt.", waited)
    yield _gauge("callsheet_queue_depth", "Deliveries to be sent, by lane.", now.depth, "lane")
    states = {webhook_id: float(BREAKERS[state]) for webhook_id, state in now.breakers.items()}
    told = "A webhook's circuit breaker: 0 closed, 1 half open, 2 open."
    yield _gauge("callsheet_webhook_breaker", told, states, "webhook")


def _of_attempts(known: AttemptFigures) -> Iterator[Metric]:
    counter = CounterMetricFamily("callsheet_delivery_attempts", "Attempts by what became of them.", labels=["outcome"])
    for outcome, count in known.by_outcome.items():
        counter.add_metric(["retry" if outcome == "pending" else outcome], count)
    yield counter
    buckets = [("+Inf" if most is None else str(most / 1000), count) for most, count in known.at_most.items()]
    histogram = HistogramMetricFamily("callsheet_delivery_attempt_seconds", "How long attempts took.")
    histogram.add_metric([], buckets, known.milliseconds / 1000)
    yield histogram


def _of_jobs(now: Farm) -> Iterator[Metric]:
    yield _gauge("callsheet_jobs_queued", "Generation jobs that wait for a worker, by kind.", now.queued, "kind")
    yield _gauge("callsheet_jobs_running", "Generation jobs that a worker has.", {None: now.running})
    waited = {None: now.oldest_queued_seconds}
    yield _gauge("callsheet_oldest_queued_job_seconds", "How long the oldest queued job has waited.", waited)


def _of_replays(session: Session) -> Iterator[Metric]:
    running, left = replays_now(session)
    yield _gauge("callsheet_replays_running", "Replays that are not over.", {None: running})
    yield _gauge("callsheet_replay_events_left", "Events that running replays have still to queue.", {None: left})
