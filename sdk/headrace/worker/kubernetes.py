"""Runs in Kubernetes jobs, through the cluster's own API.

For each namespace one watch tells of the pods of this worker's pool; a run hears of its own. What identifies a
run stands in annotations of its job: after a restart the worker finds its jobs by them.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import logging
import os
import pathlib
import random
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from headrace import errors, extras
from headrace.settings import Settings
from headrace.worker import kubernetes_jobs
from headrace.worker.job import Job
from headrace.worker.kubernetes_jobs import PodReport
from headrace.worker.launcher import Adopted, RunProcess, Siblings

logger = logging.getLogger("headrace.worker")

_PURPOSE = "The kubernetes worker"
_CALL_SECONDS = 30.0
_OUTPUT_SECONDS = 5.0
_LONGEST_PAUSE_SECONDS = 10.0
_DEFAULT_START_SECONDS = 600.0
_NOT_FOUND = 404
_CONFLICT = 409
_FORBIDDEN = 403
_PAGE = 500
_ACCOUNT = pathlib.Path("/var/run/secrets/kubernetes.io/serviceaccount")
_IN_CLUSTER = _ACCOUNT / "token"


@dataclass
class KubernetesLauncher:
    """Starts each run as a job of a cluster: the one that this runs in, or that of KUBECONFIG.

    Args:
        settings: Of the worker.
        api_url: The server's HTTP address, as the worker sees it.
        worker_name: Who looks after the jobs.
        work_pool_name: Whose runs they are.
    """

    settings: Settings
    api_url: str
    worker_name: str
    work_pool_name: str
    enters_running: bool = False
    _client: Any = None
    _runs: dict[tuple[str, str], _JobRun] = field(default_factory=dict)
    _watches: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        """Find the cluster and look whether it answers.

        Raises:
            errors.Unavailable: There is none, or it does not answer.
        """
        api = extras.require("kubernetes_asyncio.client", "kubernetes", _PURPOSE)
        configuration = api.Configuration()
        await _configure(configuration)
        self._client = api.ApiClient(configuration)
        async with _translated("the cluster does not answer"):
            await api.VersionApi(self._client).get_code(_request_timeout=_CALL_SECONDS)

    async def launch(self, job: Job) -> RunProcess:
        """Create the job of a run.

        Raises:
            errors.InvalidArgument: The pool's template makes no job.
            errors.FailedPrecondition: The cluster refuses it.
            errors.Unavailable: The cluster does not answer.
        """
        namespace, manifest = kubernetes_jobs.build_manifest(
            job, self.settings, api_url=self.api_url,
            work_pool_name=self.work_pool_name, worker_name=self.worker_name,
        )  # fmt: skip
        name = str(manifest["metadata"]["name"])
        limit = float(job.configuration.get("start_timeout_seconds") or _DEFAULT_START_SECONDS)
        is_kept = job.configuration.get("finished_job_ttl") is not None
        run = self._add(namespace, name, is_kept=is_kept, start_seconds=limit, since=None)
        try:
            async with _translated("the job could not be created"):
                await self._create(namespace, name, manifest, job.attempt_token)
        except BaseException:
            self._runs.pop((namespace, name), None)
            raise
        return run

    async def _create(self, namespace: str, name: str, manifest: dict[str, Any], token: str) -> None:
        batch = _module().BatchV1Api(self._client)
        try:
            await batch.create_namespaced_job(namespace, manifest, _request_timeout=_CALL_SECONDS)
        except Exception as error:
            if _code(error) != _CONFLICT:
                raise
            # An answer was lost: the job of this very attempt is there already.
            there = self._plain(await batch.read_namespaced_job(name, namespace, _request_timeout=_CALL_SECONDS))
            found = kubernetes_jobs.identity(there)
            if found is None or found[kubernetes_jobs.TOKEN] != token:
                raise

    async def adopt(self, siblings: Siblings) -> list[Adopted]:
        """Return the jobs of workers that are gone, in the namespaces that this worker may see."""
        adopted = []
        for job in await self._list_jobs(siblings.work_pool_name):
            found = kubernetes_jobs.identity(job)
            key = (str(job["metadata"]["namespace"]), str(job["metadata"]["name"]))
            if found is None or key in self._runs or found.get(kubernetes_jobs.POOL) != siblings.work_pool_name:
                continue
            is_kept = found.get(kubernetes_jobs.KEEP) == "true"
            is_done = is_kept and kubernetes_jobs.is_finished(job)
            if is_done or not siblings.may_take_from(found.get(kubernetes_jobs.WORKER, "")):
                continue
            now = datetime.datetime.now(datetime.UTC)
            run = self._add(*key, is_kept=is_kept, start_seconds=_DEFAULT_START_SECONDS, since=now)
            adopted.append(
                Adopted(
                    flow_run_id=found[kubernetes_jobs.FLOW_RUN_ID],
                    attempt_token=found[kubernetes_jobs.TOKEN],
                    flow_run_name=found.get(kubernetes_jobs.FLOW_RUN_NAME, ""),
                    process=run,
                )
            )
        return adopted

    async def _list_jobs(self, work_pool_name: str) -> list[dict[str, Any]]:
        """Return the jobs of a pool: of all namespaces, or of those that this worker knows if it may not see all."""
        batch = _module().BatchV1Api(self._client)
        async with _translated("jobs could not be listed"):
            try:
                return await self._all_pages(batch.list_job_for_all_namespaces, work_pool_name)
            except Exception as error:
                if _code(error) != _FORBIDDEN:
                    raise
            found: list[dict[str, Any]] = []
            for namespace in {*self._watches, await asyncio.to_thread(_own_namespace)}:
                found += await self._all_pages(batch.list_namespaced_job, work_pool_name, namespace=namespace)
            return found

    async def _all_pages(self, list_jobs: Any, work_pool_name: str, **options: str) -> list[dict[str, Any]]:
        selector = f"{kubernetes_jobs.POOL_LABEL}={kubernetes_jobs.label_of(work_pool_name)}"
        more: dict[str, Any] = {"label_selector": selector, "limit": _PAGE, "_request_timeout": _CALL_SECONDS}
        found: list[dict[str, Any]] = []
        while True:
            page = self._plain(await list_jobs(**options, **more))
            found += page.get("items") or []
            token = (page.get("metadata") or {}).get("continue")
            if not token:
                return found
            more["_continue"] = token

    async def close(self) -> None:
        """Close the connection; jobs go on."""
        tasks = [*self._watches.values(), *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.close()

    # What runs ask of their launcher.

    def run_beside(self, work: Any, name: str) -> None:
        """Do something without being waited for."""
        task: asyncio.Task[None] = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def read_log(self, namespace: str, pod_name: str, since: datetime.datetime | None) -> Any:
        """Return the response with the output of a pod as it comes."""
        more = {} if since is None else {"since_seconds": kubernetes_jobs.seconds_since(since)}
        return (
            await _module()
            .CoreV1Api(self._client)
            .read_namespaced_pod_log(pod_name, namespace, follow=True, _preload_content=False, **more)
        )

    async def remove(self, namespace: str, name: str) -> None:
        """Delete a job with its pod; the pod gets its grace."""
        self._runs.pop((namespace, name), None)
        await self._delete(namespace, name, None)

    async def stop(self, namespace: str, name: str, pod_name: str, *, is_forced: bool) -> None:
        """Stop the pod of a job: at once, or with the grace of its template; the job makes no other."""
        if is_forced and pod_name:
            core = _module().CoreV1Api(self._client)
            await _harmless(
                core.delete_namespaced_pod(pod_name, namespace, grace_period_seconds=0, _request_timeout=_CALL_SECONDS),
                f"the pod {pod_name} could not be killed",
            )
        await self._delete(namespace, name, 0 if is_forced else None)

    async def _delete(self, namespace: str, name: str, grace_seconds: int | None) -> None:
        batch = _module().BatchV1Api(self._client)
        options: dict[str, Any] = {"propagation_policy": "Background", "_request_timeout": _CALL_SECONDS}
        if grace_seconds is not None:
            options["grace_period_seconds"] = grace_seconds
        await _harmless(batch.delete_namespaced_job(name, namespace, **options), f"the job {name} could not be deleted")

    def _add(
        self, namespace: str, name: str, *, is_kept: bool, start_seconds: float, since: datetime.datetime | None
    ) -> _JobRun:
        run = _JobRun(self, namespace, name, is_kept=is_kept, since=since)
        self._runs[namespace, name] = run
        self.run_beside(run.give_up_late(start_seconds), f"start-{name}")
        if namespace not in self._watches or self._watches[namespace].done():
            self._watches[namespace] = asyncio.create_task(self._watch(namespace), name=f"pods-of-{namespace}")
        return run

    async def _watch(self, namespace: str) -> None:
        """Tell runs of their pods for as long as the worker lives; a watch that breaks begins with a list again."""
        pause = 0.2
        while True:
            try:
                async for _event in self._pods(namespace):
                    pause = 0.2
            except Exception as error:
                if _code(error) != 410:
                    logger.warning("Pods of %s cannot be watched now: %s", namespace, _said(error))
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _pods(self, namespace: str) -> AsyncIterator[None]:
        core = _module().CoreV1Api(self._client)
        selector = f"{kubernetes_jobs.POOL_LABEL}={kubernetes_jobs.label_of(self.work_pool_name)}"
        # Runs that are added while the list is on its way have no pods in it yet.
        known = [run for (place, _name), run in self._runs.items() if place == namespace and run.report.pod_name]
        page = self._plain(
            await core.list_namespaced_pod(namespace, label_selector=selector, _request_timeout=_CALL_SECONDS)
        )
        listed = set()
        for pod in page.get("items") or []:
            listed.add(str(pod["metadata"]["name"]))
            self._tell(namespace, pod, is_deleted=False)
        for run in known:
            if run.report.pod_name not in listed:
                run.hear(kubernetes_jobs.deleted(run.report))
        version = page["metadata"].get("resourceVersion")
        watch = extras.require("kubernetes_asyncio.watch", "kubernetes", _PURPOSE).Watch()
        async with watch.stream(
            core.list_namespaced_pod, namespace, label_selector=selector, resource_version=version, timeout_seconds=300
        ) as events:
            async for event in events:
                self._tell(namespace, event["raw_object"], is_deleted=event["type"] == "DELETED")
                yield

    def _tell(self, namespace: str, pod: dict[str, Any], *, is_deleted: bool) -> None:
        labels = pod["metadata"].get("labels") or {}
        name = (
            labels.get(kubernetes_jobs.JOB_NAME_LABEL)
            or labels.get(f"batch.kubernetes.io/{kubernetes_jobs.JOB_NAME_LABEL}")
            or ""
        )
        if (run := self._runs.get((namespace, name))) is not None:
            report = kubernetes_jobs.read_pod(pod)
            run.hear(kubernetes_jobs.deleted(report) if is_deleted else report)

    def _plain(self, value: Any) -> dict[str, Any]:
        plain: dict[str, Any] = self._client.sanitize_for_serialization(value)
        return plain


class _JobRun:
    """A job that executes a run."""

    pid = 0

    def __init__(
        self, launcher: KubernetesLauncher, namespace: str, name: str, *, is_kept: bool, since: datetime.datetime | None
    ) -> None:
        self.report = PodReport()
        self.failure = ""
        self._launcher = launcher
        self._namespace = namespace
        self._name = name
        self._is_kept = is_kept
        self._exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._started = asyncio.Event()
        self._output = _Output(self, since)
        self.stdout = self._output
        self.stderr = _Nothing()

    async def wait(self) -> int:
        return await asyncio.shield(self._exited)

    def signal(self, number: int) -> None:
        if not self._exited.done():
            work = self._launcher.stop(
                self._namespace, self._name, self.report.pod_name, is_forced=number == signal.SIGKILL
            )
            self._launcher.run_beside(work, f"stop-{self._name}")
            if not self.report.pod_name:
                # There is nothing that could tell of its end.
                self._end(PodReport(exit_code=128 + number))

    def hear(self, report: PodReport) -> None:
        """Take what the pod says now."""
        if self._exited.done() or self.report.is_over:
            return
        self.report = report
        if report.has_started or report.is_over:
            self._started.set()
        if report.is_over:
            self._launcher.run_beside(self._finish(report), f"finish-{self._name}")

    async def give_up_late(self, seconds: float) -> None:
        """End the run if its container has not started by then."""
        try:
            async with asyncio.timeout(seconds):
                await self._started.wait()
        except TimeoutError:
            why = self.report.waits_for or ("no pod was created" if not self.report.pod_name else "it waits")
            self.hear(
                PodReport(self.report.pod_name, False, 1, f"The container did not start within {seconds:g} s: {why}")
            )

    async def open_log(self, since: datetime.datetime | None) -> Any:
        """Return the response with the output; None if there is none and never will be."""
        await self._started.wait()
        if not self.report.has_started:
            return None
        return await self._launcher.read_log(self._namespace, self.report.pod_name, since)

    async def _finish(self, report: PodReport) -> None:
        with contextlib.suppress(TimeoutError):
            # With the job its output goes.
            await asyncio.wait_for(self._output.finished.wait(), _OUTPUT_SECONDS)
        self._end(report)
        if not self._is_kept or not report.has_started:
            await self._launcher.remove(self._namespace, self._name)

    def _end(self, report: PodReport) -> None:
        self.report = report
        self.failure = report.failure
        self._started.set()
        if not self._exited.done():
            self._exited.set_result(report.exit_code or 0)


class _Output:
    """The output of a pod, read as fast as it is taken; goes on where a broken connection left off."""

    def __init__(self, run: _JobRun, since: datetime.datetime | None) -> None:
        self.finished = asyncio.Event()
        self._run = run
        self._since = since
        self._response: Any = None

    async def read(self, count: int = -1) -> bytes:
        """Return some bytes; b"" is the end."""
        pause = 0.1
        while not self.finished.is_set():
            data = b""
            try:
                if self._response is None:
                    self._response = await self._run.open_log(self._since)
                    if self._response is None:
                        break
                data = await self._response.content.read(count)
            except Exception as error:
                if _code(error) == _NOT_FOUND:
                    break
                logger.debug("The output of a pod broke off: %s", _said(error))
            if data:
                self._since = datetime.datetime.now(datetime.UTC)
                return data
            if self._response is not None:
                self._response.close()
                self._response = None
            if self._run.report.is_over:
                break
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        self.finished.set()
        return b""


class _Nothing:
    """A stream that a pod does not have: it writes both into one."""

    async def read(self, count: int = -1) -> bytes:
        """Return the end."""
        return b""


def _module() -> Any:
    return extras.require("kubernetes_asyncio.client", "kubernetes", _PURPOSE)


def _own_namespace() -> str:
    """Return the namespace that this process runs in; `default` outside of a cluster."""
    try:
        return (_ACCOUNT / "namespace").read_text(encoding="utf-8").strip() or "default"
    except OSError:
        return "default"


async def _configure(configuration: Any) -> None:
    config = extras.require("kubernetes_asyncio.config", "kubernetes", _PURPOSE)
    is_inside = "KUBECONFIG" not in os.environ and await asyncio.to_thread(_IN_CLUSTER.is_file)
    try:
        if is_inside:
            config.load_incluster_config(client_configuration=configuration)
        else:
            await config.load_kube_config(client_configuration=configuration)
    except (config.ConfigException, OSError) as error:
        raise errors.Unavailable(f"No Kubernetes cluster is configured here: {error}") from error


@contextlib.asynccontextmanager
async def _translated(what: str) -> AsyncIterator[None]:
    """Raise errors of the cluster as our own."""
    try:
        yield
    except errors.HeadraceError:
        raise
    except Exception as error:
        code = _code(error)
        if code is not None and 400 <= code < 500:
            raise errors.FailedPrecondition(f"The cluster refuses it, {what}: {_said(error)}") from error
        raise errors.Unavailable(f"The cluster cannot be asked, {what}: {_said(error)}") from error


async def _harmless(call: Any, what: str) -> None:
    """Do something that others may have done before."""
    try:
        await call
    except Exception as error:
        if _code(error) != _NOT_FOUND:
            logger.warning("%s: %s", what, _said(error))


def _code(error: Exception) -> int | None:
    code = getattr(error, "status", None)
    return code if isinstance(code, int) else None


def _said(error: Exception) -> str:
    body = getattr(error, "body", None)
    return str(body or getattr(error, "reason", None) or str(error) or type(error).__name__)[:1000]
