"""What the process counts and measures, and the Prometheus text of it.

All instruments are made here, so that this page is the list of metrics. They are kept per process: where
several processes share a port, each answers for itself, and `target_info` says which one did.
"""

from __future__ import annotations

import bisect
import itertools
import os
import time
import weakref
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import prometheus_client
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from prometheus_client.metrics_core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.samples import Exemplar

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Media type of `metrics_text`."""

OPEN_CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
"""Media type of `metrics_text` with `is_open`."""

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Pool(Protocol):
    """A database pool as the gauges see it."""

    schema: str

    def pool_sizes(self) -> tuple[int, int, int]:
        """Return connections (open, idle, most allowed)."""
        ...


class Collector(Protocol):
    """Something that shows metrics of its own."""

    def collect(self) -> Iterable[Metric]:
        """Return the metrics as Prometheus wants them."""
        ...


class Timings:
    """Durations of handled calls as a histogram by method and status code, and the calls in progress.

    Each call is counted, at a cost of about a microsecond, which the instruments of OpenTelemetry do not reach.
    For use from one thread.

    Args:
        prefix: What the names of the metrics begin with.
        noun: What is timed, in the plural.
    """

    def __init__(self, prefix: str, noun: str) -> None:
        self._prefix = prefix
        self._noun = noun
        self._series: dict[tuple[str, str], list[float]] = {}
        self._examples: dict[tuple[str, str, int], Exemplar] = {}
        self._active = 0

    def begin(self) -> None:
        """Count a call as in progress."""
        self._active += 1

    def end(self, method: str, code: str, seconds: float, trace_id: str = "") -> None:
        """Count a call as handled; its trace, if it has one, becomes the example of others that took as long."""
        self._active -= 1
        series = self._series.get((method, code))
        if series is None:
            # One place for each bucket, one for what is beyond them all, one for the sum.
            series = self._series[method, code] = [0.0] * (len(_SECONDS) + 2)
        bucket = bisect.bisect_left(_SECONDS, seconds)
        series[bucket] += 1
        series[-1] += seconds
        if trace_id:
            self._examples[method, code, bucket] = Exemplar({"trace_id": trace_id}, seconds, time.time())

    def collect(self) -> Iterable[Metric]:
        """Return the metrics as Prometheus wants them."""
        active = GaugeMetricFamily(f"{self._prefix}_active", f"{self._noun} in progress")
        active.add_metric([], self._active)
        yield active
        durations = HistogramMetricFamily(
            f"{self._prefix}_duration_seconds", f"Duration of handled {self._noun.lower()}", labels=["method", "code"]
        )
        for (method, code), series in list(self._series.items()):
            totals = list(itertools.accumulate(series[:-1]))
            buckets: list[tuple[str, float] | tuple[str, float, Exemplar]] = []
            for at, (bound, total) in enumerate(zip((*map(str, _SECONDS), "+Inf"), totals, strict=True)):
                example = self._examples.get((method, code, at))
                buckets.append((bound, total) if example is None else (bound, total, example))
            durations.add_metric([method, code], buckets, series[-1])
        yield durations


_open_text: Callable[[Any], bytes] = openmetrics.generate_latest
_registry = prometheus_client.CollectorRegistry()
_provider = MeterProvider(
    metric_readers=[PrometheusMetricReader(registry=_registry, scope_info_enabled=False)],
    resource=Resource.create({"service.name": "headrace", "service.instance.id": str(os.getpid())}),
    shutdown_on_exit=False,
)
_pools: weakref.WeakSet[Pool] = weakref.WeakSet()

prometheus_client.ProcessCollector(registry=_registry)
prometheus_client.GCCollector(registry=_registry)

rpc_timings = Timings("headrace_rpc", "Calls")
_registry.register(rpc_timings)
http_timings = Timings("headrace_http", "HTTP requests")
_registry.register(http_timings)


class _Censuses:
    """All censuses of the process; of services of one kind in one process, the one that counts."""

    def __init__(self) -> None:
        self.members: weakref.WeakSet[Collector] = weakref.WeakSet()

    def collect(self) -> Iterable[Metric]:
        families: dict[str, Metric] = {}
        for member in list(self.members):
            for family in member.collect():
                families.setdefault(family.name, family)
        return families.values()


_censuses = _Censuses()
_registry.register(_censuses)

meter = _provider.get_meter("headrace")
"""For the instruments of services and the gateway."""

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
flow_run_states = meter.create_counter(
    "headrace.flow_run.states", description="States that flow runs entered, by state"
)
task_run_states = meter.create_counter(
    "headrace.task_run.states", description="States that task runs entered, by state"
)
flow_run_start_delays = meter.create_histogram(
    "headrace.flow_run.start.delay",
    unit="s",
    description="Time from when flow runs were due to when a worker was handed them, by work pool",
    explicit_bucket_boundaries_advisory=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 3600.0),
)
# From the start at zero: what appears with its first count never seems to have risen.
for _state in (
    "SCHEDULED",
    "PENDING",
    "RUNNING",
    "PAUSED",
    "CANCELLING",
    "COMPLETED",
    "FAILED",
    "CRASHED",
    "CANCELLED",
):
    flow_run_states.add(0, {"state": _state})
    task_run_states.add(0, {"state": _state})
log_records_stored = meter.create_counter("headrace.log.records", description="Log records stored")
events_stored = meter.create_counter("headrace.events", description="Events stored, by source")
delivery_tries = meter.create_counter(
    "headrace.delivery.tries", description="Tries of deliveries, by action and how the delivery stands after it"
)


def watch_pool(pool: Pool) -> None:
    """Show the sizes of `pool` for as long as it lives."""
    _pools.add(pool)


def show_census(census: Collector) -> None:
    """Show what `census` has counted for as long as it lives."""
    _censuses.members.add(census)


def metrics_text(*, is_open: bool = False) -> bytes:
    """Return all metrics of this process: in the text format of Prometheus (`CONTENT_TYPE`), or as OpenMetrics.

    Args:
        is_open: For OpenMetrics (`OPEN_CONTENT_TYPE`), which has room for traces as examples.
    """
    return bytes(_open_text(_registry)) if is_open else prometheus_client.generate_latest(_registry)


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
