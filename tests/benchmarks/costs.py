"""What work costs: processor time by process, and what Postgres did for it.

On a machine that others use too, these say more than clocks do.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping

import asyncpg
import psutil

_ACTIVITY = """
select (select sum(xact_commit + xact_rollback) from pg_stat_database)::bigint as transactions,
       (select wal_records from pg_stat_wal)::bigint as wal_records,
       (select wal_bytes from pg_stat_wal)::bigint as wal_bytes
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Spent:
    """What was spent until some moment."""

    cpu_seconds: Mapping[str, float]
    """By the name of what spent it."""
    idle_seconds: float
    """Of all cores together, with what they waited for disks."""
    transactions: int
    wal_records: int
    wal_bytes: int

    def since(self, before: Spent, count: int) -> dict[str, float]:
        """Return what each of `count` pieces of work cost since `before`: milliseconds, transactions, bytes."""
        used = {
            name: round((seconds - before.cpu_seconds.get(name, 0.0)) / count * 1000, 3)
            for name, seconds in self.cpu_seconds.items()
        }
        return {
            **used,
            "all": round(sum(used.values()), 3),
            "idle": round((self.idle_seconds - before.idle_seconds) / count * 1000, 3),
            "transactions": round((self.transactions - before.transactions) / count, 2),
            "wal_records": round((self.wal_records - before.wal_records) / count, 1),
            "wal_bytes": round((self.wal_bytes - before.wal_bytes) / count),
        }


async def spent(url: str, processes: Mapping[str, int]) -> Spent:
    """Return what was spent until now by this process, its children and Postgres.

    Args:
        url: A database of the Postgres.
        processes: Ids of children by name; several may have one name, up to a `-`. Other children are `other`.
    """
    connection = await asyncpg.connect(url)
    try:
        activity = await connection.fetchrow(_ACTIVITY)
        backend = int(await connection.fetchval("select pg_backend_pid()"))
    finally:
        await connection.close()
    names = {pid: name.partition("-")[0] for name, pid in processes.items()}
    used: dict[str, float] = {}
    here = psutil.Process()
    _add(used, "callers", here)
    for child in here.children():
        _add(used, names.get(child.pid, child.name()), child)
        for below in child.children(recursive=True):
            _add(used, names.get(child.pid, child.name()), below)
    with contextlib.suppress(psutil.NoSuchProcess):
        postmaster = psutil.Process(backend).parent()
        if postmaster is not None:
            _add(used, "postgres", postmaster)
            # Backends that have ended are among what the postmaster has seen of its children.
            used["postgres"] += sum(postmaster.cpu_times()[2:4])
            for child in postmaster.children():
                _add(used, "postgres", child)
    machine = psutil.cpu_times()
    idle = machine.idle + getattr(machine, "iowait", 0.0)
    assert activity is not None
    return Spent(used, idle, activity["transactions"], activity["wal_records"], activity["wal_bytes"])


def _add(used: dict[str, float], name: str, process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        used[name] = used.get(name, 0.0) + sum(process.cpu_times()[:2])
