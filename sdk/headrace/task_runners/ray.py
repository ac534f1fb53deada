"""Submitted tasks on a Ray cluster: `pip install "headrace[ray]"`.

@flow(task_runner=RayTaskRunner(address="ray://127.0.0.1:10001"))
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from headrace import errors

try:
    import ray
    from ray import exceptions as ray_exceptions
except ImportError as missing:
    raise ImportError('RayTaskRunner needs Ray; install it with: pip install "headrace[ray]"') from missing

from headrace.engine.runs import FlowRun
from headrace.outcomes import Interrupted
from headrace.settings import get_settings
from headrace.task_runners.base import RunnerSession, TaskRunner
from headrace.task_runners.execution import execute_job
from headrace.task_runners.jobs import Outcome, Report, facts_of_flow, pack_reports, read_reports, unpack_outcome
from headrace.task_runners.remote import AwaitedTry, RemoteSession, Try

MAX_UNDER_WAY = 512
"""Tasks that are with the cluster at once, its own queue included."""
_POLL_SECONDS = 10.0


class RayTaskRunner(TaskRunner):
    """Runs submitted tasks on a Ray cluster, on as many machines as that has.

    The workers need the modules of the flow and `headrace`; they need no connection to the Headrace server unless
    tasks use artifacts, variables or subflows, for which they go by their own settings and key.

    Args:
        address: Of a cluster that runs; None makes one on this machine, without dashboard, for as long as a flow run
            needs it. In a process that is connected to Ray already, that connection is used.
        init_kwargs: Further arguments of `ray.init`.
        remote_options: Options of each task, such as `{"num_cpus": 2, "num_gpus": 1}`.
        max_under_way: How many tasks are with the cluster at once; those beyond wait in the flow's process.

    Raises:
        errors.InvalidArgument: `max_under_way` is below 1.
    """

    def __init__(
        self,
        address: str | None = None,
        init_kwargs: Mapping[str, Any] | None = None,
        remote_options: Mapping[str, Any] | None = None,
        max_under_way: int = MAX_UNDER_WAY,
    ) -> None:
        if max_under_way < 1:
            raise errors.InvalidArgument.of_field("max_under_way", "must be at least 1")
        self.address = address
        self.init_kwargs = dict(init_kwargs or {})
        self.remote_options = dict(remote_options or {})
        self.max_under_way = max_under_way

    def __repr__(self) -> str:
        return f"RayTaskRunner({self.address or 'local'})"

    def start(self) -> RunnerSession:
        """Return a session; the cluster is reached, or made, at the first task."""
        return RemoteSession(self.max_under_way, self._open, _facts)

    def _open(self, _: FlowRun) -> _RayPlace:
        with _connection.lock:
            if not ray.is_initialized():
                # A cluster that is made here tells nobody of itself.
                os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
                options = {"include_dashboard": False, "log_to_driver": False} if self.address is None else {}
                ray.init(address=self.address, **{**options, **self.init_kwargs})
                _connection.is_ours = True
            if _connection.mail is None or _connection.mail.is_lost:
                _connection.mail = _Mail()
            _connection.users += 1
            return _RayPlace(_connection.mail, self.remote_options)


class _Connection:
    """The process's one connection to Ray, and how many flow runs use it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.users = 0
        self.is_ours = False
        self.mail: _Mail | None = None


_connection = _Connection()


def _facts(run: FlowRun) -> bytes:
    return facts_of_flow(run, get_settings(), to_console=False, same_machine=False)


class _Mailbox:
    """An actor that takes what workers say and hands it to the flow's process, which waits for it."""

    def __init__(self) -> None:
        self._messages: list[tuple[str, bytes | None]] = []
        self._arrived = asyncio.Event()

    async def put(self, job_id: str, reports: bytes | None) -> None:
        """Take a batch of reports, or None for the start of a job."""
        self._messages.append((job_id, reports))
        self._arrived.set()

    async def take(self, seconds: float) -> list[tuple[str, bytes | None]]:
        """Return what there is, as soon as there is something."""
        try:
            await asyncio.wait_for(self._arrived.wait(), seconds)
        except TimeoutError:
            return []
        self._arrived.clear()
        messages, self._messages = self._messages, []
        return messages


class _Mail:
    """The mailbox of this process, and who reads it; it lasts as long as the connection."""

    def __init__(self) -> None:
        self.mailbox: Any = ray.remote(_Mailbox).options(num_cpus=0, max_concurrency=1000).remote()
        self.is_lost = False
        self._tries: dict[str, tuple[_RayTry, Callable[[Sequence[Report]], None]]] = {}
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, name="headrace-ray-reports", daemon=True)
        self._reader.start()

    def know(self, job_id: str, made: _RayTry, take: Callable[[Sequence[Report]], None]) -> None:
        """Pass what is said about a job on from now on."""
        with self._lock:
            self._tries[job_id] = made, take

    def forget(self, job_id: str) -> None:
        """Take no more reports of a job."""
        with self._lock:
            self._tries.pop(job_id, None)

    def close(self) -> None:
        """Read no more. No job is under way."""
        self.is_lost = True
        ray.kill(self.mailbox)
        self._reader.join()

    def _read(self) -> None:
        # A call without a connection would make a cluster.
        while not self.is_lost and ray.is_initialized():
            try:
                messages = ray.get(self.mailbox.take.remote(_POLL_SECONDS))
            except Exception as error:
                self._lose(error)
                return
            for job_id, reports in messages:
                with self._lock:
                    found = self._tries.get(job_id)
                if found is None:
                    continue
                made, take = found
                if reports is None:
                    made.started()
                else:
                    take(read_reports(reports))
                    made.reported()
        self.is_lost = True

    def _lose(self, error: Exception) -> None:
        self.is_lost = True
        with self._lock:
            tries = [made for made, _ in self._tries.values()]
        for made in tries:
            made.ended(Outcome(kind="died", value=f"the connection to the Ray cluster is lost: {error}"))


class _RayPlace:
    def __init__(self, mail: _Mail, remote_options: Mapping[str, Any]) -> None:
        self._mail = mail
        self._run_job = ray.remote(_run_job).options(**{"max_retries": 0, **remote_options})

    def launch(self, job_id: str, job: bytes, take: Callable[[Sequence[Report]], None]) -> Try:
        """Submit a job to the cluster."""
        made = _RayTry(self._mail, job_id)
        self._mail.know(job_id, made, take)
        made.follow(self._run_job.remote(job_id, self._mail.mailbox, job))
        return made

    def close(self) -> None:
        """Let the cluster go if it was made by a flow run and none uses it any more."""
        with _connection.lock:
            _connection.users -= 1
            if _connection.is_ours and not _connection.users:
                self._mail.close()
                _connection.is_ours, _connection.mail = False, None
                ray.shutdown()


class _RayTry(AwaitedTry):
    def __init__(self, mail: _Mail, job_id: str) -> None:
        super().__init__()
        self._mail = mail
        self._job_id = job_id
        self._reference: Any = None

    def follow(self, reference: Any) -> None:
        """Learn the outcome from a reference of Ray."""
        self._reference = reference
        reference.future().add_done_callback(self._done)

    def outcome(self, timeout: float | None) -> Outcome | None:
        """Wait for its end."""
        found = super().outcome(timeout)
        self._mail.forget(self._job_id)
        return found

    def interrupt(self, kind: type[Interrupted]) -> None:
        """Ask its code to end; Ray raises KeyboardInterrupt in it."""
        ray.cancel(self._reference, force=False)

    def abandon(self) -> None:
        """End its process."""
        try:
            ray.cancel(self._reference, force=True)
        finally:
            self.ended(Outcome(kind="interrupted"))

    def _done(self, future: Any) -> None:
        try:
            self.ended(unpack_outcome(future.result()))
        except ray_exceptions.TaskCancelledError:
            self.ended(Outcome(kind="interrupted", value="the task was cancelled"))
        except Exception as error:
            self.ended(Outcome(kind="died", value=f"the cluster could not execute the task: {error}"))


def _run_job(job_id: str, mailbox: Any, job: bytes) -> bytes:
    """Execute a job on a worker of the cluster."""

    def send(reports: Sequence[Report]) -> None:
        mailbox.put.remote(job_id, pack_reports(reports))

    mailbox.put.remote(job_id, None)
    return execute_job(job, send)
