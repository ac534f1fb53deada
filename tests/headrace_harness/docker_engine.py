"""A Docker Engine as far as workers see it: its documented HTTP API, with processes of this machine as containers."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import dataclasses
import io
import json
import os
import pathlib
import signal
import sys
import tarfile
import tempfile
import uuid
from collections.abc import AsyncIterator
from typing import Any

import jsonschema
from aiohttp import web

_API_VERSION = "1.45"
_PREFIX = f"/v{_API_VERSION}"
_TEXTS: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
_MAYBE_TEXT = {"type": ["string", "null"]}
CREATE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["Image"],
    "additionalProperties": False,
    "properties": {
        "Image": {"type": "string", "minLength": 1},
        "Cmd": _TEXTS,
        "Env": {"type": "array", "items": {"type": "string", "pattern": "^[^=]+(=|$)"}},
        "Labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "User": _MAYBE_TEXT,
        "WorkingDir": _MAYBE_TEXT,
        "Hostname": _MAYBE_TEXT,
        "Domainname": _MAYBE_TEXT,
        "Entrypoint": {"type": ["array", "string", "null"]},
        "ExposedPorts": {"type": ["object", "null"]},
        "Tty": {"type": "boolean"},
        "OpenStdin": {"type": "boolean"},
        "StdinOnce": {"type": "boolean"},
        "AttachStdin": {"type": "boolean"},
        "AttachStdout": {"type": "boolean"},
        "AttachStderr": {"type": "boolean"},
        "NetworkDisabled": {"type": "boolean"},
        "MacAddress": _MAYBE_TEXT,
        "StopSignal": _MAYBE_TEXT,
        "StopTimeout": {"type": ["integer", "null"]},
        "Healthcheck": {"type": ["object", "null"]},
        "Volumes": {"type": ["object", "null"]},
        "Runtime": _MAYBE_TEXT,
        "HostConfig": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "Binds": {"type": "array", "items": {"type": "string", "pattern": "^[^:]+:[^:]+(:[a-z]+)?$"}},
                "ExtraHosts": {"type": "array", "items": {"type": "string", "pattern": "^[^:]+:.+$"}},
                "Init": {"type": "boolean"},
                "Memory": {"type": "integer", "minimum": 0},
                "MemorySwap": {"type": "integer"},
                "NanoCpus": {"type": "integer", "minimum": 0},
                "NetworkMode": {"type": "string"},
                "Privileged": {"type": "boolean"},
            },
        },
        "NetworkingConfig": {
            "type": ["object", "null"],
            "additionalProperties": False,
            "properties": {"EndpointsConfig": {"type": "object"}},
        },
    },
}
"""What a container may be created with, of the fields that version 1.45 of the API documents."""


@dataclasses.dataclass(eq=False)
class Container:
    """A container."""

    container_id: str
    name: str
    body: dict[str, Any]
    folder: pathlib.Path
    process: asyncio.subprocess.Process | None = None
    exit_code: int | None = None
    out_of_memory: bool = False
    ended: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    @property
    def environment(self) -> dict[str, str]:
        """Its environment."""
        return dict(item.partition("=")[::2] for item in self.body.get("Env", []))

    @property
    def state(self) -> str:
        """As the engine names it."""
        return "created" if self.process is None else "running" if not self.ended.is_set() else "exited"

    def output(self, stream: str) -> pathlib.Path:
        """The file with what it wrote."""
        return self.folder / f"{self.container_id}.{stream}"


@dataclasses.dataclass(frozen=True, slots=True)
class Build:
    """An image that was built."""

    dockerfile: str
    files: set[str]
    """What was sent."""
    arguments: dict[str, str]


class DockerEngine:
    """Serves the API on a unix socket.

    Args:
        folder: Where output is kept.
        images: What need not be pulled; what can be pulled is in `registry`.
    """

    def __init__(self, folder: pathlib.Path, images: set[str]) -> None:
        self.folder = folder
        self.images = images
        self.registry: set[str] = set()
        self.containers: dict[str, Container] = {}
        """Those that are there."""
        self.created: list[Container] = []
        """All that ever were."""
        self.signals: list[tuple[str, int]] = []
        self.pulled: list[str] = []
        self.builds: dict[str, Build] = {}
        """What was built, by image."""
        self.registry_password: str | None = None
        self._watchers: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve; gives the value for DOCKER_HOST."""
        application = web.Application()
        application.router.add_get("/version", self._version)
        application.router.add_get(f"{_PREFIX}/images/{{name:.+}}/json", self._inspect_image)
        application.router.add_post(f"{_PREFIX}/images/create", self._pull)
        application.router.add_post(f"{_PREFIX}/build", self._build)
        application.router.add_post(f"{_PREFIX}/images/{{name:.+}}/push", self._push)
        application.router.add_get(f"{_PREFIX}/containers/json", self._list)
        application.router.add_post(f"{_PREFIX}/containers/create", self._create)
        application.router.add_post(f"{_PREFIX}/containers/{{id}}/start", self._start)
        application.router.add_get(f"{_PREFIX}/containers/{{id}}/json", self._inspect)
        application.router.add_get(f"{_PREFIX}/containers/{{id}}/logs", self._logs)
        application.router.add_post(f"{_PREFIX}/containers/{{id}}/wait", self._wait)
        application.router.add_post(f"{_PREFIX}/containers/{{id}}/kill", self._kill)
        application.router.add_delete(f"{_PREFIX}/containers/{{id}}", self._remove)
        runner = web.AppRunner(application, handle_signals=False, shutdown_timeout=1)
        await runner.setup()
        # A path of a unix socket has at most 107 characters.
        with tempfile.TemporaryDirectory(prefix="docker-") as place:
            socket = f"{place}/docker.sock"
            await web.UnixSite(runner, socket).start()
            try:
                yield f"unix://{socket}"
            finally:
                for container in self.created:
                    if container.process is not None and container.process.returncode is None:
                        os.killpg(container.process.pid, signal.SIGKILL)
                await asyncio.gather(*self._watchers)
                await runner.cleanup()

    async def _version(self, _request: web.Request) -> web.Response:
        return web.json_response({"ApiVersion": _API_VERSION, "Version": "26.1.0"})

    async def _inspect_image(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self.images:
            return _problem(404, f"No such image: {name}")
        return web.json_response({"Id": f"sha256:{name}"})

    async def _pull(self, request: web.Request) -> web.StreamResponse:
        name = f"{request.query['fromImage']}:{request.query.get('tag', 'latest')}"
        if name not in self.registry:
            return await _told(request, {"error": f"manifest for {name} not found: manifest unknown"})
        self.pulled.append(name)
        self.images.add(name)
        return await _told(request, {"status": f"Downloaded newer image for {name}"})

    async def _build(self, request: web.Request) -> web.StreamResponse:
        with tarfile.open(fileobj=io.BytesIO(await request.read())) as context:
            names = {member.name for member in context.getmembers() if member.isfile()}
            file = context.extractfile(request.query.get("dockerfile", "Dockerfile"))
            assert file is not None
            dockerfile = file.read().decode()
        image = request.query["t"]
        if "RUN false" in dockerfile:
            return await _told(request, {"stream": "Step 1\n"}, {"error": "RUN false returned a non-zero code: 1"})
        self.builds[image] = Build(dockerfile, names, json.loads(request.query.get("buildargs", "{}")))
        self.images.add(image)
        return await _told(request, {"stream": "Step 1\n"}, {"stream": "Successfully built\n"})

    async def _push(self, request: web.Request) -> web.StreamResponse:
        image = f"{request.match_info['name']}:{request.query['tag']}"
        given = json.loads(base64.urlsafe_b64decode(request.headers["X-Registry-Auth"]))
        if given.get("password") != self.registry_password:
            return await _told(request, {"error": f"denied: {given.get('password')} is wrong"})
        self.registry.add(image)
        return await _told(request, {"status": "Pushed"})

    async def _list(self, request: web.Request) -> web.Response:
        wanted = dict(item.split("=", 1) for item in json.loads(request.query.get("filters", "{}")).get("label", []))
        found = [
            {"Id": one.container_id, "State": one.state, "Labels": one.body["Labels"], "Names": [f"/{one.name}"]}
            for one in self.containers.values()
            if wanted.items() <= one.body["Labels"].items()
        ]
        return web.json_response(found)

    async def _create(self, request: web.Request) -> web.Response:
        body = await request.json()
        try:
            jsonschema.validate(body, CREATE_SCHEMA)
        except jsonschema.ValidationError as error:
            return _problem(400, f"{error.json_path}: {error.message}")
        name = request.query["name"]
        if body["Image"] not in self.images:
            return _problem(404, f"No such image: {body['Image']}")
        if any(container.name == name for container in self.containers.values()):
            return _problem(409, f"Conflict. The container name /{name} is already in use")
        made = Container(uuid.uuid4().hex * 2, name, body, self.folder)
        self.containers[made.container_id] = made
        self.created.append(made)
        return web.json_response({"Id": made.container_id, "Warnings": []}, status=201)

    async def _start(self, request: web.Request) -> web.Response:
        container = self._find(request)
        command = [sys.executable if part == "python" else part for part in container.body["Cmd"]]
        hosts = [item.partition(":")[0] for item in container.body["HostConfig"].get("ExtraHosts", [])]
        environment = dict(container.environment)
        for host in hosts:
            environment = {key: value.replace(f"//{host}", "//127.0.0.1") for key, value in environment.items()}
        with container.output("stdout").open("wb") as stdout, container.output("stderr").open("wb") as stderr:
            container.process = await asyncio.create_subprocess_exec(
                *command, env={"PATH": os.environ["PATH"], **environment}, cwd=self.folder,
                stdin=asyncio.subprocess.DEVNULL, stdout=stdout, stderr=stderr, start_new_session=True,
            )  # fmt: skip
        task = asyncio.create_task(self._watch(container))
        self._watchers.add(task)
        task.add_done_callback(self._watchers.discard)
        return web.Response(status=204)

    async def _watch(self, container: Container) -> None:
        assert container.process is not None
        code = await container.process.wait()
        container.exit_code = code if code >= 0 else 128 - code
        container.ended.set()

    async def _inspect(self, request: web.Request) -> web.Response:
        container = self._find(request)
        state = {
            "Status": container.state,
            "ExitCode": container.exit_code or 0,
            "OOMKilled": container.out_of_memory,
            "Error": "",
        }
        return web.json_response({"Id": container.container_id, "State": state, "Config": container.body})

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        container = self._find(request)
        stream = "stdout" if request.query.get("stdout") == "1" else "stderr"
        assert request.query["follow"] == "1"
        response = web.StreamResponse(headers={"Content-Type": "application/vnd.docker.multiplexed-stream"})
        await response.prepare(request)
        skipped = container.output(stream).stat().st_size if request.query.get("since") else 0
        with container.output(stream).open("rb") as file:
            file.seek(skipped)
            while True:
                is_over = container.ended.is_set()
                data = file.read()
                if data:
                    head = bytes([1 if stream == "stdout" else 2, 0, 0, 0]) + len(data).to_bytes(4, "big")
                    await response.write(head + data)
                elif is_over:
                    break
                else:
                    await asyncio.sleep(0.02)
        await response.write_eof()
        return response

    async def _wait(self, request: web.Request) -> web.Response:
        container = self._find(request)
        await container.ended.wait()
        return web.json_response({"StatusCode": container.exit_code})

    async def _kill(self, request: web.Request) -> web.Response:
        container = self._find(request)
        number = int(request.query.get("signal", "9"))
        if container.process is None or container.ended.is_set():
            return _problem(409, f"Container {container.container_id} is not running")
        self.signals.append((container.name, number))
        os.kill(container.process.pid, number)
        return web.Response(status=204)

    async def _remove(self, request: web.Request) -> web.Response:
        del self.containers[self._find(request).container_id]
        return web.Response(status=204)

    def _find(self, request: web.Request) -> Container:
        wanted = request.match_info["id"]
        for container in self.containers.values():
            if wanted in (container.container_id, container.name):
                return container
        raise web.HTTPNotFound(text=json.dumps({"message": f"No such container: {wanted}"}))


async def _told(request: web.Request, *messages: dict[str, str]) -> web.StreamResponse:
    """Answer as engines do of what takes time: a line of JSON for each thing that happens."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    for message in messages:
        await response.write(json.dumps(message).encode() + b"\n")
    await response.write_eof()
    return response


def _problem(status: int, message: str) -> web.Response:
    return web.json_response({"message": message}, status=status)
