"""What the process counts and measures, and the Prometheus text of it.

All instruments are made here, so that this page is the list of metrics. They are kept per process: where
several processes share a port, each answers for itself, and `target_info` says which one did.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable
from typing import Protocol

import prometheus_client
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Media type of `metrics_text`."""

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Pool(Protocol):
    """A database pool as the gauges see it."""

    schema: str

    def pool_sizes(self) -> tuple[int, int, int]:
        """Return connections (open, idle, most allowed)."""
        ...


_registry = prometheus_client.CollectorRegistry()
_provider = MeterProvider(
    metric_readers=[PrometheusMetricReader(registry=_registry, scope_info_enabled=False)],
    resource=Resource.create({"service.name": "headrace", "service.instance.id": str(os.getpid())}),
    shutdown_on_exit=False,
)
_pools: weakref.WeakSet[Pool] = weakref.WeakSet()

prometheus_client.ProcessCollector(registry=_registry)
prometheus_client.GCCollector(registry=_registry)

meter = _provider.get_meter("headrace")
"""For the instruments of services and the gateway."""

rpc_seconds = meter.create_histogram(
    "headrace.rpc.duration",
    unit="s",
    description="Duration of handled calls, by method and status code",
    explicit_bucket_boundaries_advisory=_SECONDS,
)
rpc_active = meter.create_up_down_counter("headrace.rpc.active", description="Calls in progress")
loop_ticks = meter.create_counter(
    "headrace.loop.ticks", description="Ticks of background loops, by loop and outcome (ok, error, waiting)"
)
loop_seconds = meter.create_histogram(
    "headrace.loop.duration",
    unit="s",
    description="Duration of ticks, by loop",
    explicit_bucket_boundaries_advisory=_SECONDS,
)
outbox_entries = meter.create_counter("headrace.outbox.sent", description="Outbox entries sent, by schema and consumer")
wakeup_losses = meter.create_counter("headrace.wakeups.dropped", description="Wakeups dropped since too many waited")
database_retries = meter.create_counter(
    "headrace.database.retries", description="Transactions repeated after a deadlock or serialisation failure"
)


def watch_pool(pool: Pool) -> None:
    """Show the sizes of `pool` for as long as it lives."""
    _pools.add(pool)


def metrics_text() -> bytes:
    """Return all metrics of this process in the text format of Prometheus (`CONTENT_TYPE`)."""
    return prometheus_client.generate_latest(_registry)


def _connections(_options: CallbackOptions) -> Iterable[Observation]:
    for pool in list(_pools):
        opened, idle, _ = pool.pool_sizes()
        yield Observation(idle, {"schema": pool.schema, "state": "idle"})
        yield Observation(opened - idle, {"schema": pool.schema, "state": "used"})


def _most_connections(_options: CallbackOptions) -> Iterable[Observation]:
    for pool in list(_pools):
        yield Observation(pool.pool_sizes()[2], {"schema": pool.schema})


meter.create_observable_gauge(
    "headrace.database.connections", [_connections], description="Open database connections, by schema and state"
)
meter.create_observable_gauge(
    "headrace.database.connections.limit", [_most_connections], description="Most database connections, by schema"
)
