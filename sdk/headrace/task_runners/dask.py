"""Submitted tasks on a Dask cluster: `pip install "headrace[dask]"`.

@flow(task_runner=DaskTaskRunner(address="tcp://127.0.0.1:8786"))
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from headrace import errors

try:
    import distributed
except ImportError as missing:
    raise ImportError('DaskTaskRunner needs Dask; install it with: pip install "headrace[dask]"') from missing

from headrace.engine.runs import FlowRun
from headrace.outcomes import Interrupted
from headrace.recording.identifiers import new_id
from headrace.settings import get_settings
from headrace.task_runners.base import RunnerSession, TaskRunner
from headrace.task_runners.execution import execute_job, interrupt_job
from headrace.task_runners.jobs import Outcome, Report, facts_of_flow, pack_reports, read_reports, unpack_outcome
from headrace.task_runners.remote import AwaitedTry, RemoteSession, Try

MAX_UNDER_WAY = 512
"""Tasks that are with the cluster at once, its own queue included."""


class DaskTaskRunner(TaskRunner):
    """Runs submitted tasks on a Dask cluster, on as many machines as that has.

    The workers need the modules of the flow and `headrace`; they need no connection to the Headrace server unless
    tasks use artifacts, variables or subflows, for which they go by their own settings and key.

    Args:
        address: Of a scheduler that runs; None makes a cluster for each flow run.
        cluster_class: What makes one: a class, or its full name such as `dask_kubernetes.operator.KubeCluster`; by
            default `distributed.LocalCluster`.
        cluster_kwargs: Its arguments.
        adapt_kwargs: Arguments of the cluster's `adapt`, such as `{"minimum": 1, "maximum": 10}`.
        client_kwargs: Arguments of `distributed.Client`.
        submit_kwargs: Arguments of each `Client.submit`, such as `{"resources": {"GPU": 1}}`.
        max_under_way: How many tasks are with the cluster at once; those beyond wait in the flow's process.

    Raises:
        errors.InvalidArgument: Both an address and a cluster are given.
    """

    def __init__(
        self,
        address: str | None = None,
        cluster_class: str | Callable[..., Any] | None = None,
        cluster_kwargs: Mapping[str, Any] | None = None,
        adapt_kwargs: Mapping[str, Any] | None = None,
        client_kwargs: Mapping[str, Any] | None = None,
        submit_kwargs: Mapping[str, Any] | None = None,
        max_under_way: int = MAX_UNDER_WAY,
    ) -> None:
        if address is not None and (cluster_class is not None or cluster_kwargs or adapt_kwargs):
            raise errors.InvalidArgument.of_field("address", "names a cluster, so that none is made")
        if max_under_way < 1:
            raise errors.InvalidArgument.of_field("max_under_way", "must be at least 1")
        self.address = address
        self.cluster_class = cluster_class
        self.cluster_kwargs = dict(cluster_kwargs or {})
        self.adapt_kwargs = dict(adapt_kwargs or {})
        self.client_kwargs = dict(client_kwargs or {})
        self.submit_kwargs = dict(submit_kwargs or {})
        self.max_under_way = max_under_way

    def __repr__(self) -> str:
        return f"DaskTaskRunner({self.address or self.cluster_class or 'LocalCluster'})"

    def start(self) -> RunnerSession:
        """Return a session; the cluster is reached, or made, at the first task."""
        return RemoteSession(self.max_under_way, self._open, _facts)

    def _open(self, _: FlowRun) -> _DaskPlace:
        cluster = None
        if self.address is None:
            cluster = _cluster_class(self.cluster_class)(**self.cluster_kwargs)
            if self.adapt_kwargs:
                cluster.adapt(**self.adapt_kwargs)
        try:
            target = self.address if cluster is None else cluster
            connect: Callable[..., Any] = distributed.Client
            client = connect(target, **{"set_as_default": False, **self.client_kwargs})
        except BaseException:
            if cluster is not None:
                cluster.close()
            raise
        return _DaskPlace(client, cluster, self.submit_kwargs)


def _facts(run: FlowRun) -> bytes:
    return facts_of_flow(run, get_settings(), to_console=False, same_machine=False)


def _cluster_class(given: str | Callable[..., Any] | None) -> Callable[..., Any]:
    if given is None:
        return distributed.LocalCluster
    if callable(given):
        return given
    module, _, name = given.rpartition(".")
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise errors.InvalidArgument.of_field("cluster_class", f"{given!r} cannot be imported: {error}") from error
    return found


class _DaskPlace:
    def __init__(self, client: Any, cluster: Any, submit_kwargs: Mapping[str, Any]) -> None:
        self.client = client
        self._cluster = cluster
        self._submit_kwargs = submit_kwargs
        self._topic = f"headrace-{new_id()}"
        self._tries: dict[str, tuple[_DaskTry, Callable[[Sequence[Report]], None]]] = {}
        self._lock = threading.Lock()
        client.subscribe_topic(self._topic, self._heard)

    def launch(self, job_id: str, job: bytes, take: Callable[[Sequence[Report]], None]) -> Try:
        """Submit a job to the cluster."""
        made = _DaskTry(self, job_id)
        with self._lock:
            self._tries[job_id] = made, take
        made.follow(
            self.client.submit(_run_job, job_id, self._topic, job, key=job_id, pure=False, **self._submit_kwargs)
        )
        return made

    def forget(self, job_id: str) -> None:
        """Take no more reports of a job."""
        with self._lock:
            self._tries.pop(job_id, None)

    def close(self) -> None:
        """Disconnect, and end the cluster that was made for this session."""
        self.client.close()
        if self._cluster is not None:
            self._cluster.close()

    def _heard(self, event: tuple[float, Any]) -> None:
        message = event[1]
        with self._lock:
            found = self._tries.get(message["job"])
        if found is None:
            return
        made, take = found
        if message["reports"] is None:
            made.started()
        else:
            take(read_reports(message["reports"]))
            made.reported()


class _DaskTry(AwaitedTry):
    def __init__(self, place: _DaskPlace, job_id: str) -> None:
        super().__init__()
        self._place = place
        self._job_id = job_id
        self._future: Any = None

    def follow(self, future: Any) -> None:
        """Learn the outcome from a future of Dask."""
        self._future = future
        future.add_done_callback(self._done)

    def outcome(self, timeout: float | None) -> Outcome | None:
        """Wait for its end."""
        found = super().outcome(timeout)
        self._place.forget(self._job_id)
        if found is not None:
            # The cluster keeps a result as long as somebody holds its future.
            self._future.release()
        return found

    def interrupt(self, kind: type[Interrupted]) -> None:
        """Ask its code to end."""
        if self.has_started:
            # Dask itself does not reach code that runs, and would forget it.
            self._place.client.run(interrupt_job, self._job_id, kind, on_error="ignore")
        else:
            self._future.cancel()

    def abandon(self) -> None:
        """Wait for it no longer. Dask cannot end a thread of a worker."""
        self.ended(Outcome(kind="interrupted"))

    def _done(self, future: Any) -> None:
        try:
            self.ended(unpack_outcome(future.result()))
        except distributed.CancelledError:
            self.ended(Outcome(kind="interrupted", value="the task was cancelled"))
        except Exception as error:
            self.ended(Outcome(kind="died", value=f"the cluster could not execute the task: {error}"))


def _run_job(job_id: str, topic: str, job: bytes) -> bytes:
    """Execute a job on a worker of the cluster."""
    worker = distributed.get_worker()

    def send(reports: Sequence[Report]) -> None:
        worker.log_event(topic, {"job": job_id, "reports": pack_reports(reports)})

    worker.log_event(topic, {"job": job_id, "reports": None})
    return execute_job(job, send)
