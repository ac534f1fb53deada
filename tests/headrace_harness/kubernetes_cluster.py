"""A Kubernetes cluster as far as workers see it: its documented HTTP API, with processes of this machine as pods.

What is sent is held against the types of the official client, which are generated from the cluster's OpenAPI
document: an unknown field or a wrong type is refused, as a cluster does under strict validation.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime
import itertools
import json
import os
import pathlib
import re
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

import kubernetes_asyncio.client
from aiohttp import web

_PLAIN: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "bool": (bool,), "float": (int, float)}
_GRACE_SECONDS = 30


def check(value: Any, type_: str, path: str = "$") -> None:
    """Hold JSON against a type of the API.

    Raises:
        ValueError: It has another shape; the message has the place.
    """
    if listed := re.fullmatch(r"list\[(.*)\]", type_):
        _expect(isinstance(value, list), path, "a list")
        for place, item in enumerate(value):
            check(item, listed[1], f"{path}[{place}]")
    elif mapped := re.fullmatch(r"dict[(\[]str, (.*)[)\]]", type_):
        _expect(isinstance(value, dict), path, "an object")
        for key, item in value.items():
            check(item, mapped[1], f"{path}.{key}")
    elif type_ in _PLAIN:
        is_right = isinstance(value, _PLAIN[type_]) and (type_ == "bool") == isinstance(value, bool)
        _expect(is_right, path, f"of the type {type_}")
    elif type_ not in ("object", "datetime"):
        model = getattr(kubernetes_asyncio.client, type_)
        _expect(isinstance(value, dict), path, "an object")
        names = {wire: name for name, wire in model.attribute_map.items()}
        for key, item in value.items():
            _expect(key in names, f"{path}.{key}", f"a field of {type_}")
            check(item, model.openapi_types[names[key]], f"{path}.{key}")


def _expect(holds: bool, path: str, what: str) -> None:
    if not holds:
        raise ValueError(f"{path} must be {what}")


@dataclasses.dataclass(eq=False)
class Pod:
    """A pod."""

    manifest: dict[str, Any]
    output: pathlib.Path
    process: asyncio.subprocess.Process | None = None
    ended: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    reason_of_end: str = ""
    """What the kubelet says, such as OOMKilled."""

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.manifest["metadata"]["name"])

    @property
    def environment(self) -> dict[str, str]:
        """The environment of its container."""
        return {item["name"]: item.get("value", "") for item in self.manifest["spec"]["containers"][0]["env"]}


class KubernetesCluster:
    """Serves the API on a port of its own.

    Args:
        folder: Where output is kept, and the configuration for clients.
        images: What pods can start with.
    """

    def __init__(self, folder: pathlib.Path, images: set[str]) -> None:
        self.folder = folder
        self.images = images
        self.jobs: dict[str, dict[str, Any]] = {}
        self.pods: dict[str, Pod] = {}
        self.created: list[Pod] = []
        """All pods that ever were."""
        self.secrets = {"headrace": {"api-key": "of-a-secret"}}
        self.is_full = False
        """Whether no node has room for a pod."""
        self.is_strict = False
        """Whether the worker may see single namespaces only."""
        self._versions = itertools.count(1)
        self._events: list[tuple[int, str, dict[str, Any]]] = []
        self._news = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve; gives the value for KUBECONFIG."""
        application = web.Application()
        jobs, pods = "/apis/batch/v1/namespaces/{namespace}/jobs", "/api/v1/namespaces/{namespace}/pods"
        application.router.add_get("/version/", self._version)
        application.router.add_post(jobs, self._create_job)
        application.router.add_get("/apis/batch/v1/jobs", self._list_all_jobs)
        application.router.add_get(jobs, self._list_jobs)
        application.router.add_get(jobs + "/{name}", self._read_job)
        application.router.add_delete(jobs + "/{name}", self._delete_job)
        application.router.add_get(pods, self._list_pods)
        application.router.add_delete(pods + "/{name}", self._delete_pod)
        application.router.add_get(pods + "/{name}/log", self._log)
        runner = web.AppRunner(application, handle_signals=False, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        configuration = self.folder / "kubeconfig.json"
        configuration.write_text(json.dumps(_client_configuration(port)))
        try:
            yield str(configuration)
        finally:
            for pod in self.created:
                _signal(pod, signal.SIGKILL)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await runner.cleanup()

    async def evict(self, pod: Pod, message: str) -> None:
        """Take the node from under a pod."""
        status = {"phase": "Failed", "reason": "Evicted", "message": message}
        pod.reason_of_end = "Evicted"
        _signal(pod, signal.SIGKILL)
        await self._change(pod, status)

    async def kill_for_memory(self, pod: Pod) -> None:
        """Let the kernel kill a container that wants too much."""
        pod.reason_of_end = "OOMKilled"
        _signal(pod, signal.SIGKILL)

    async def _version(self, _request: web.Request) -> web.Response:
        info = ("major", "minor", "gitVersion", "gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler")
        return web.json_response({**dict.fromkeys(info, "1"), "platform": "linux/amd64"})

    async def _create_job(self, request: web.Request) -> web.Response:
        manifest = await request.json()
        try:
            check(manifest, "V1Job")
        except ValueError as error:
            return _status(422, f"strict decoding error: {error}")
        name = manifest["metadata"]["name"]
        if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name):
            return _status(422, f"metadata.name {name!r} is no DNS label")
        for key, value in manifest["metadata"]["labels"].items():
            if not re.fullmatch(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?", value) or len(value) > 63:
                return _status(422, f"metadata.labels[{key}] {value!r} is no label")
        if name in self.jobs:
            return _status(409, f'jobs.batch "{name}" already exists')
        self.jobs[name] = manifest
        self._start(self._run_job(manifest, request.match_info["namespace"]))
        return web.json_response(manifest, status=201)

    def _start(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run_job(self, job: dict[str, Any], namespace: str) -> None:
        template = json.loads(json.dumps(job["spec"]["template"]))
        name = f"{job['metadata']['name']}-x{next(self._versions)}"
        labels = {**template["metadata"]["labels"], "job-name": job["metadata"]["name"]}
        manifest = {
            "metadata": {"name": name, "namespace": namespace, "labels": labels},
            "spec": template["spec"],
            "status": {"phase": "Pending"},
        }
        pod = Pod(manifest, self.folder / f"{name}.log")
        pod.output.touch()
        self.pods[name] = pod
        self.created.append(pod)
        if self.is_full:
            condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no room"}
            await self._change(pod, {"phase": "Pending", "conditions": [condition]}, "ADDED")
            return
        await self._change(pod, {"phase": "Pending"}, "ADDED")
        container = template["spec"]["containers"][0]
        if container["image"] not in self.images:
            for reason in ("ErrImagePull", "ImagePullBackOff"):
                waiting = {"waiting": {"reason": reason, "message": f"cannot pull {container['image']}"}}
                await self._change(pod, {"phase": "Pending", "containerStatuses": [_container_status(waiting)]})
            return
        await self._run_container(pod, container)

    async def _run_container(self, pod: Pod, container: dict[str, Any]) -> None:
        environment = {"PATH": os.environ["PATH"]}
        for item in container["env"]:
            reference = item.get("valueFrom", {}).get("secretKeyRef")
            environment[item["name"]] = (
                self.secrets[reference["name"]][reference["key"]] if reference else item["value"]
            )
        command = [sys.executable if part == "python" else part for part in container["command"]]
        with pod.output.open("wb") as output:
            pod.process = await asyncio.create_subprocess_exec(
                *command, env=environment, cwd=self.folder, stdin=asyncio.subprocess.DEVNULL,
                stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        running = {"running": {"startedAt": datetime.datetime.now(datetime.UTC).isoformat()}}
        await self._change(pod, {"phase": "Running", "containerStatuses": [_container_status(running)]})
        code = await pod.process.wait()
        pod.ended.set()
        if pod.reason_of_end == "Evicted":
            return
        exit_code = code if code >= 0 else 128 - code
        reason = pod.reason_of_end or ("Completed" if exit_code == 0 else "Error")
        state = {"terminated": {"exitCode": exit_code, "reason": reason}}
        phase = "Succeeded" if exit_code == 0 else "Failed"
        if pod.name in self.pods:
            await self._change(pod, {"phase": phase, "containerStatuses": [_container_status(state)]})

    async def _change(self, pod: Pod, status: dict[str, Any], kind: str = "MODIFIED") -> None:
        pod.manifest["status"] = status
        await self._announce(pod, kind)

    async def _announce(self, pod: Pod, kind: str) -> None:
        version = next(self._versions)
        pod.manifest["metadata"]["resourceVersion"] = str(version)
        async with self._news:
            self._events.append((version, kind, json.loads(json.dumps(pod.manifest))))
            self._news.notify_all()

    async def _list_all_jobs(self, request: web.Request) -> web.Response:
        if self.is_strict:
            return _status(403, "jobs.batch is forbidden: cannot list resource at the cluster scope")
        return await self._list_jobs(request)

    async def _list_jobs(self, request: web.Request) -> web.Response:
        found = [job for job in self.jobs.values() if _matches(request, job)]
        return web.json_response({"kind": "JobList", "apiVersion": "batch/v1", "metadata": {}, "items": found})

    async def _read_job(self, request: web.Request) -> web.Response:
        job = self.jobs.get(request.match_info["name"])
        return web.json_response(job) if job is not None else _status(404, "no such job")

    async def _delete_job(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if self.jobs.pop(name, None) is None:
            return _status(404, f'jobs.batch "{name}" not found')
        for pod in list(self.pods.values()):
            if pod.manifest["metadata"]["labels"]["job-name"] == name:
                self._start(self._end_pod(pod, pod.manifest["spec"].get("terminationGracePeriodSeconds")))
        return _status(200, "deleted")

    async def _delete_pod(self, request: web.Request) -> web.Response:
        pod = self.pods.get(request.match_info["name"])
        if pod is None:
            return _status(404, "no such pod")
        given = await request.json() if request.can_read_body else {}
        seconds = given.get("gracePeriodSeconds", request.query.get("gracePeriodSeconds"))
        await self._end_pod(pod, None if seconds is None else int(seconds))
        return _status(200, "deleted")

    async def _end_pod(self, pod: Pod, grace_seconds: int | None) -> None:
        if pod.process is not None and not pod.ended.is_set():
            _signal(pod, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(pod.ended.wait(), _GRACE_SECONDS if grace_seconds is None else grace_seconds)
            _signal(pod, signal.SIGKILL)
        if self.pods.pop(pod.name, None) is not None:
            await self._announce(pod, "DELETED")

    async def _list_pods(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("watch") not in ("true", "True"):
            found = [pod.manifest for pod in self.pods.values() if _matches(request, pod.manifest)]
            metadata = {"resourceVersion": str(self._events[-1][0]) if self._events else "0"}
            body = {"kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": found}
            return web.json_response(body)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        seen = int(request.query["resourceVersion"])
        while True:
            async with self._news:
                news = [event for event in self._events if event[0] > seen]
                if not news:
                    await self._news.wait()
                    continue
            for version, kind, pod in news:
                seen = version
                if _matches(request, pod):
                    await response.write(json.dumps({"type": kind, "object": pod}).encode() + b"\n")

    async def _log(self, request: web.Request) -> web.StreamResponse:
        pod = self.pods.get(request.match_info["name"])
        if pod is None:
            return _status(404, "no such pod")
        assert request.query["follow"] in ("true", "True")
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        with pod.output.open("rb") as file:
            file.seek(pod.output.stat().st_size if "sinceSeconds" in request.query else 0)
            while True:
                is_over = pod.ended.is_set()
                data = file.read()
                if data:
                    await response.write(data)
                elif is_over:
                    break
                else:
                    await asyncio.sleep(0.02)
        await response.write_eof()
        return response


def _matches(request: web.Request, manifest: dict[str, Any]) -> bool:
    namespace = request.match_info.get("namespace")
    if namespace is not None and manifest["metadata"]["namespace"] != namespace:
        return False
    wanted = dict(part.split("=", 1) for part in request.query.get("labelSelector", "").split(",") if part)
    return bool(wanted.items() <= manifest["metadata"]["labels"].items())


def _signal(pod: Pod, number: signal.Signals) -> None:
    if pod.process is not None and pod.process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pod.process.pid, number)


def _container_status(state: dict[str, Any]) -> dict[str, Any]:
    whole = {"name": "flow-run", "image": "", "imageID": "", "ready": "running" in state, "restartCount": 0}
    return {**whole, "state": state}


def _status(code: int, message: str) -> web.Response:
    status = "Success" if code < 400 else "Failure"
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": status, "message": message, "code": code}
    return web.json_response(body, status=code)


def _client_configuration(port: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "test", "user": {}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    }
