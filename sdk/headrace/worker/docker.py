"""Runs in containers of a Docker Engine, through its own client.

The client blocks, so each container has three threads: one for each stream of its output, which go through pipes
and so wait for a reader that is slow, and one that waits for its end. What identifies the run stands in labels:
after a restart the worker finds its containers by them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import shlex
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from headrace import errors
from headrace.docker_engine import open_engine
from headrace.rpc.loopback import is_loopback
from headrace.settings import Settings
from headrace.worker.container import DEFAULT_COMMAND, container_environment, container_name
from headrace.worker.job import Job
from headrace.worker.launcher import Adopted, RunProcess, Siblings, open_reader

logger = logging.getLogger("headrace.worker")

T = TypeVar("T")

PREFIX = "io.headrace."
"""Of the labels that tell what a container is."""

_PURPOSE = "The docker worker"
_HOST = "host.docker.internal"
_CALLS_AT_ONCE = 8
_LONGEST_PAUSE_SECONDS = 10.0
_OUTPUT_SECONDS = 5.0
_NOT_FOUND = 404
_CONFLICT = 409
_GONE = 137
"""Exit code of a container that somebody removed: as if it was killed."""


@dataclass
class DockerLauncher:
    """Starts each run in a container.

    Args:
        settings: Of the worker.
        api_url: The server's HTTP address, as the worker sees it.
        worker_name: Who looks after the containers.
        work_pool_name: Whose runs they are.
    """

    settings: Settings
    api_url: str
    worker_name: str
    work_pool_name: str
    enters_running: bool = False
    _calls: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_CALLS_AT_ONCE, thread_name_prefix="docker")
    )
    _known: set[str] = field(default_factory=set)

    async def start(self) -> None:
        """Look whether the engine answers."""
        client = await self._call(lambda: open_engine(_PURPOSE))
        await self._call(client.close)

    async def launch(self, job: Job) -> RunProcess:
        """Create and start the container of a job; its image is pulled first if need be.

        Raises:
            errors.FailedPrecondition: The engine refuses it, or there is no such image.
            errors.Unavailable: The engine does not answer.
        """
        container_id = await self._call(lambda: self._create(job))
        self._known.add(container_id)
        is_kept = job.configuration.get("auto_remove") is False
        return await _Container.follow(self, container_id, is_kept=is_kept, since=None)

    async def adopt(self, siblings: Siblings) -> list[Adopted]:
        """Return the containers of workers that are gone."""
        found = await self._call(lambda: self._list(siblings))
        adopted = []
        for container_id, labels in found:
            self._known.add(container_id)
            process = await _Container.follow(
                self, container_id, is_kept=labels.get(PREFIX + "keep") == "true", since=time.time()
            )
            adopted.append(
                Adopted(
                    flow_run_id=labels[PREFIX + "flow-run-id"],
                    attempt_token=labels[PREFIX + "attempt-token"],
                    flow_run_name=labels.get(PREFIX + "flow-run-name", ""),
                    process=process,
                )
            )
        return adopted

    async def close(self) -> None:
        """Give up the threads for calls; containers go on."""
        self._calls.shutdown(wait=False, cancel_futures=True)

    def send_signal(self, container_id: str, number: int) -> None:
        """Send a signal to a container without waiting; one that has ended is left alone."""
        self._calls.submit(self._kill, container_id, number)

    def forget(self, container_id: str) -> None:
        """Take note that a container is not looked after any more."""
        self._known.discard(container_id)

    async def _call(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._calls, call)

    def _create(self, job: Job) -> str:
        with contextlib.closing(open_engine(_PURPOSE)) as client, _translated("the container could not be started"):
            _provide_image(client, job.configuration)
            name, body = container_name(job), self._body(client, job)
            try:
                container_id = str(client.create_container_from_config(body, name)["Id"])
            except Exception as error:
                if _code(error) != _CONFLICT:
                    raise
                # An answer was lost: the container of this very attempt is there already.
                there = client.inspect_container(name)
                if there["Config"]["Labels"].get(PREFIX + "attempt-token") != job.attempt_token:
                    raise
                container_id = str(there["Id"])
            try:
                client.start(container_id)
            except Exception:
                client.remove_container(container_id, force=True)
                raise
        return container_id

    def _body(self, client: Any, job: Job) -> dict[str, Any]:
        given = job.configuration
        api_url = str(given.get("api_url") or self.api_url)
        host: dict[str, Any] = {
            # A first process that hands signals on and collects what children leave.
            "init": True,
            "binds": list(given.get("volumes") or []),
            "network_mode": given.get("network_mode") or None,
            "mem_limit": given.get("mem_limit") or None,
            "nano_cpus": int(float(given["cpus"]) * 1e9) if given.get("cpus") else None,
            "privileged": bool(given.get("privileged")),
        }
        if given.get("network_mode") != "host":
            api_url, is_host = _seen_from_container(api_url)
            if is_host:
                host["extra_hosts"] = {_HOST: "host-gateway"}
        networks = [] if given.get("network_mode") else [str(name) for name in given.get("networks") or []]
        name = container_name(job)
        command = job.command
        body = client.create_container_config(
            image=str(given["image"]),
            command=shlex.split(command) if command else list(DEFAULT_COMMAND),
            environment=container_environment(job, self.settings, api_url=api_url, infrastructure_id=f"docker:{name}"),
            labels=self._labels(job),
            user=given.get("user") or None,
            working_dir=given.get("working_dir") or None,
            host_config=client.create_host_config(**{key: value for key, value in host.items() if value is not None}),
            networking_config=client.create_networking_config(
                {one: client.create_endpoint_config() for one in networks}
            )
            if networks
            else None,
        )
        return dict(body)

    def _labels(self, job: Job) -> dict[str, str]:
        own = {
            "flow-run-id": job.flow_run_id,
            "flow-run-name": job.flow_run_name,
            "attempt-token": job.attempt_token,
            "work-pool": self.work_pool_name,
            "worker": self.worker_name,
            "keep": "true" if job.configuration.get("auto_remove") is False else "false",
        }
        users = {str(key): str(value) for key, value in (job.configuration.get("labels") or {}).items()}
        return {**users, **{PREFIX + key: value for key, value in own.items()}}

    def _list(self, siblings: Siblings) -> list[tuple[str, dict[str, str]]]:
        with contextlib.closing(open_engine(_PURPOSE)) as client, _translated("containers could not be listed"):
            label = f"{PREFIX}work-pool={siblings.work_pool_name}"
            containers = client.containers(all=True, filters={"label": [label]})
            found = []
            for container in containers:
                labels = dict(container["Labels"])
                is_done = container["State"] == "exited" and labels.get(PREFIX + "keep") == "true"
                if container["Id"] in self._known or is_done or PREFIX + "attempt-token" not in labels:
                    continue
                if siblings.may_take_from(labels.get(PREFIX + "worker", "")):
                    found.append((str(container["Id"]), labels))
            return found

    def _kill(self, container_id: str, number: int) -> None:
        try:
            with contextlib.closing(open_engine(_PURPOSE)) as client:
                client.kill(container_id, number)
        except Exception as error:
            if _code(error) not in (_NOT_FOUND, _CONFLICT):
                logger.warning("The container %s could not be signalled: %s", container_id[:12], error)


@dataclass(eq=False)
class _Container:
    """A container that executes a run."""

    launcher: DockerLauncher
    container_id: str
    is_kept: bool
    since: float | None
    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader
    exited: asyncio.Future[int]
    pid: int = 0
    failure: str = ""

    @classmethod
    async def follow(
        cls, launcher: DockerLauncher, container_id: str, *, is_kept: bool, since: float | None
    ) -> _Container:
        """Return a container that is started, with threads that read what it writes and wait for its end."""
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        loop = asyncio.get_running_loop()
        made = cls(
            launcher, container_id, is_kept, since, await open_reader(out_read), await open_reader(err_read),
            loop.create_future(),
        )  # fmt: skip
        readers = [
            _thread(made._read, "stdout", out_write),
            _thread(made._read, "stderr", err_write),
        ]
        _thread(made._await_end, loop, readers)
        return made

    async def wait(self) -> int:
        return await asyncio.shield(self.exited)

    def signal(self, number: int) -> None:
        if not self.exited.done():
            self.launcher.send_signal(self.container_id, number)

    def _read(self, stream: str, descriptor: int) -> None:
        """Copy one stream into a pipe until the container has ended; goes on where a broken connection left off."""
        since: float | None = self.since
        with os.fdopen(descriptor, "wb", buffering=0) as pipe:
            for pause in _pauses():
                try:
                    with contextlib.closing(open_engine(_PURPOSE, timeout_seconds=None)) as client:
                        lines = client.logs(
                            self.container_id, stdout=stream == "stdout", stderr=stream == "stderr",
                            stream=True, follow=True, since=since,
                        )  # fmt: skip
                        for data in lines:
                            since = time.time()
                            pipe.write(data)
                    return
                except BrokenPipeError:
                    return
                except Exception as error:
                    if _code(error) == _NOT_FOUND:
                        return
                    logger.warning("The output of container %s broke off: %s", self.container_id[:12], error)
                time.sleep(pause)

    def _await_end(self, loop: asyncio.AbstractEventLoop, readers: list[threading.Thread]) -> None:
        for pause in _pauses():
            try:
                with contextlib.closing(open_engine(_PURPOSE, timeout_seconds=None)) as client:
                    code, self.failure = _end_of(client, self.container_id)
                    for reader in readers:
                        reader.join(_OUTPUT_SECONDS)
                    if not self.is_kept:
                        client.remove_container(self.container_id, v=True, force=True)
                break
            except Exception as error:
                if _code(error) == _NOT_FOUND:
                    code, self.failure = _GONE, "The container was removed before it had ended."
                    break
                logger.warning("Container %s cannot be waited for now: %s", self.container_id[:12], error)
            time.sleep(pause)
        self.launcher.forget(self.container_id)
        # The loop is closed when the worker has left before the container.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(self._end, code)

    def _end(self, code: int) -> None:
        if not self.exited.done():
            self.exited.set_result(code)


def _end_of(client: Any, container_id: str) -> tuple[int, str]:
    """Wait for the end of a container; return its exit code and what else is to be said about it."""
    code = int(client.wait(container_id)["StatusCode"])
    state = client.inspect_container(container_id)["State"]
    if state.get("OOMKilled"):
        return code, "The container ran out of memory and was killed (OOMKilled)."
    if state.get("Error"):
        return code, f"The container could not run: {state['Error']}"
    return code, "" if code == 0 else f"The container ended with exit code {code}."


def _provide_image(client: Any, given: Mapping[str, Any]) -> None:
    """Pull the image as the policy says."""
    image = str(given["image"])
    repository, _, tag = image.partition("@") if "@" in image else _split_tag(image)
    policy = given.get("image_pull_policy") or ("Always" if tag in ("", "latest") else "IfNotPresent")
    if policy != "Always":
        try:
            client.inspect_image(image)
        except Exception as error:
            if _code(error) != _NOT_FOUND:
                raise
            if policy == "Never":
                raise errors.FailedPrecondition(
                    f"The image {image} is not there, and the image pull policy is Never.", reason="IMAGE_NOT_FOUND"
                ) from None
        else:
            return
    logger.info("Pulling the image %s", image)
    for line in client.pull(repository, tag=tag or "latest", stream=True, decode=True):
        if "error" in line:
            raise errors.FailedPrecondition(
                f"The image {image} could not be pulled: {line['error']}", reason="IMAGE_PULL_FAILED"
            )


def _split_tag(image: str) -> tuple[str, str, str]:
    name, separator, tag = image.rpartition(":")
    # The colon of a port has a slash after it.
    return (name, separator, tag) if separator and "/" not in tag else (image, "", "")


def _seen_from_container(api_url: str) -> tuple[str, bool]:
    """Return the server's address as a container sees it, and whether it leads to the machine of the engine."""
    parts = urllib.parse.urlsplit(api_url)
    if not is_loopback(parts.hostname or ""):
        return api_url, parts.hostname == _HOST
    port = f":{parts.port}" if parts.port else ""
    return parts._replace(netloc=f"{_HOST}{port}").geturl(), True


@contextlib.contextmanager
def _translated(what: str) -> Any:
    """Raise errors of the engine as our own."""
    try:
        yield
    except errors.HeadraceError:
        raise
    except Exception as error:
        code = _code(error)
        said = getattr(error, "explanation", None) or str(error)
        if code is not None and code < 500:
            raise errors.FailedPrecondition(f"The engine refuses it, {what}: {said}") from error
        raise errors.Unavailable(f"The engine failed, {what}: {said}") from error


def _code(error: Exception) -> int | None:
    """Return the HTTP status of an error of the engine."""
    return getattr(getattr(error, "response", None), "status_code", None)


def _pauses() -> Any:
    pause = 0.2
    while True:
        yield pause * random.uniform(0.5, 1.5)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


def _thread(target: Callable[..., None], *arguments: Any) -> threading.Thread:
    thread = threading.Thread(target=target, args=arguments, name="docker-container", daemon=True)
    thread.start()
    return thread
