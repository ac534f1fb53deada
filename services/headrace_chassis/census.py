"""Gauges of what stands in the database: counted by one replica at a time, shown with the metrics of its process.

A scrape costs the database nothing: it shows what the last count found. A replica that does not count shows
nothing, so that sums over replicas are right.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Iterable, Sequence

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from headrace_chassis import metrics
from headrace_chassis.database import Database
from headrace_chassis.leases import ServiceLease
from headrace_chassis.loops import Loop

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 15.0
SHOWN_SECONDS = 4 * INTERVAL_SECONDS
"""A count that is older is not shown any more: no figure is better than an old one."""


@dataclasses.dataclass(frozen=True, slots=True)
class Gauge:
    """A gauge of a census. Its samples are the rows of the statement whose `gauge` is its name.

    Args:
        name: Of the metric; its rows bear it without the prefix `headrace_`.
        description: For people.
        labels: Names of the labels; rows have their values in the array `labels`, in this order.
    """

    name: str
    description: str
    labels: tuple[str, ...] = ()


class Census(Loop):
    """Counts every 15 s what `gauges` show.

    Args:
        database: Of the service.
        statement: Returns rows `gauge`, `labels` (text array) and `value`.
        gauges: What it may return.
        lease: So that one replica counts.
    """

    name = "census"
    interval_seconds = INTERVAL_SECONDS

    def __init__(self, database: Database, statement: str, gauges: Sequence[Gauge], *, lease: ServiceLease) -> None:
        super().__init__(lease=lease)
        self._database = database
        self._statement = statement
        self._gauges = {gauge.name: gauge for gauge in gauges}
        self._samples: list[tuple[str, tuple[str, ...], float]] = []
        self._counted_at = float("-inf")
        metrics.show_census(self)

    async def tick(self) -> int | None:
        """Count once."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(self._statement)
        self._samples = [(row["gauge"], tuple(row["labels"]), float(row["value"])) for row in rows]
        self._counted_at = time.monotonic()
        return None

    def collect(self) -> Iterable[Metric]:
        """Return what the last count found; nothing if another replica counts now, or the count is old."""
        counts = self.lease is None or self.lease.epoch is not None
        if not counts or time.monotonic() - self._counted_at > SHOWN_SECONDS:
            return
        families = {
            name: GaugeMetricFamily(f"headrace_{name}", gauge.description, labels=gauge.labels)
            for name, gauge in self._gauges.items()
        }
        for name, labels, value in self._samples:
            families[name].add_metric(labels, value)
        yield from (family for family in families.values() if family.samples)
