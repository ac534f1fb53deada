"""`/work_pools/{name}/workers/connect`: workers of Prefect tell that they live, and hear of changes of their pool.

Of what a worker may ask for, signs of life and snapshots of the pool are given. Messages about what is left to be
cleaned up are refused: who stops a run here is its process, or the worker that hears of it in the stream of events.
"""

from __future__ import annotations

import asyncio
import datetime
from typing import Any

import grpc.aio
import orjson
from google.protobuf.message import Message

from headrace import errors
from headrace.api.v1 import work_pool_pb2
from headrace.ids import uuid7
from headrace.rpc.status import from_rpc_error
from headrace_prefect.answers import Invalid
from headrace_prefect.bodies import fields
from headrace_prefect.bodies.fields import Body, Field, Fields, at_least, boolean, identifier, nested, one_of, string
from headrace_prefect.shapes import scalars
from headrace_prefect.shapes.deployments import WORKER_LABELS
from headrace_prefect.shapes.schemas import opened_template
from headrace_prefect.shapes.work_pools import HEARTBEATS_MISSED, RESERVED, pool_json
from headrace_prefect.sockets.socket import POLICY_VIOLATION, PROTOCOL_ERROR, Socket, SocketRoute

VERSION = "work_pool_worker_channel.v1"
CAPABILITIES = ("worker_heartbeat.v1", "work_pool_snapshot.v1")
LOOK_SECONDS = 3.0
"""How often a pool is looked at for changes."""
SERVER_ERROR = 1011

_texts = fields.list_of(string)
_HELLO: Fields = {
    "consumer_id": Field(identifier, required=True),
    "worker_name": Field(string, required=True),
    "worker_type": Field(string, required=True),
    "heartbeat_interval_seconds": Field(at_least(1), required=True),
    "supported_channel_versions": Field(_texts, required=True),
    "requested_capabilities": Field(_texts, required=True),
    "work_queue_names": Field(_texts, default=list),
    "create_pool_if_not_found": Field(boolean, default=False),
    "default_base_job_template": Field(fields.json_object, default=dict),
}
_HEARTBEAT: Fields = {"heartbeat_interval_seconds": Field(at_least(1), required=True)}
_FIRST: Fields = {
    "type": Field(one_of(("worker.hello.v1",)), required=True),
    "payload": Field(nested(_HELLO), required=True),
}
_CHANGING = ("base_job_template", "concurrency_limit", "is_paused", "storage_configuration")
"""Parts of a pool whose changes workers hear of."""


class _Closed(Exception):
    """The channel is closed with a code and a reason that the worker knows."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


async def serve_worker_channel(socket: Socket) -> None:
    """Serve one worker until it goes."""
    try:
        await _Channel(socket).serve()
    except _Closed as closed:
        await socket.close(closed.code, closed.reason)


class _Channel:
    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._pool_name = socket.path["name"]
        self._snapshots = 0

    async def serve(self) -> None:
        hello = await self._hello()
        pool = await self._pool(hello)
        queues = await self._queues(hello)
        await self._beat(hello, hello["heartbeat_interval_seconds"], pool.type)
        asked = list(dict.fromkeys(hello["requested_capabilities"]))
        ready = {
            "consumer_id": hello["consumer_id"],
            "worker_id": None,
            "selected_channel_version": VERSION,
            "effective_heartbeat_interval_seconds": hello["heartbeat_interval_seconds"],
            "accepted_capabilities": list(CAPABILITIES),
            "rejected_capabilities": [name for name in asked if name not in CAPABILITIES],
            "effective_max_cleanup_concurrency": 0,
            "resolved_work_queues": [{"id": queue.work_queue_id, "name": queue.name} for queue in queues],
            "initial_snapshot": self._snapshot(pool, "initial"),
        }
        await self._send("worker.ready.v1", ready)
        running = [
            asyncio.create_task(part, name="prefect worker")
            for part in (self._hear(hello, pool.type), self._watch(pool))
        ]
        try:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _hello(self) -> Body:
        try:
            hello: Body = fields.parse(_FIRST, await self._socket.receive_json())["payload"]
        except (orjson.JSONDecodeError, Invalid):
            raise _Closed(PROTOCOL_ERROR, "protocol_error") from None
        if not set(CAPABILITIES).issubset(hello["requested_capabilities"]):
            raise _Closed(PROTOCOL_ERROR, "protocol_error")
        if VERSION not in hello["supported_channel_versions"]:
            raise _Closed(POLICY_VIOLATION, "unsupported_version")
        return hello

    async def _pool(self, hello: Body) -> work_pool_pb2.WorkPool:
        """Return the pool, made if it is to be, with the worker's template if it has none."""
        pools = self._socket.services.work_pools
        template = hello["default_base_job_template"]
        try:
            pool = await self._load()
        except errors.NotFound:
            if not hello["create_pool_if_not_found"] or self._pool_name.lower().startswith(RESERVED):
                raise _Closed(POLICY_VIOLATION, "authorization_failed") from None
            wanted = work_pool_pb2.WorkPool(
                name=self._pool_name,
                type=hello["worker_type"],
                base_job_template=scalars.to_struct(opened_template(template)) if template else None,
            )
            try:
                made = await self._call(pools.CreateWorkPool, work_pool_pb2.CreateWorkPoolRequest(work_pool=wanted))
            except errors.AlreadyExists:
                return await self._load()
            return made.work_pool  # type: ignore[no-any-return]
        if template and not pool.base_job_template.fields["job_configuration"].struct_value.fields:
            change = work_pool_pb2.UpdateWorkPoolRequest(
                work_pool=work_pool_pb2.WorkPool(
                    name=self._pool_name, base_job_template=scalars.to_struct(opened_template(template))
                )
            )
            change.update_mask.paths.append("base_job_template")
            pool = (await self._call(pools.UpdateWorkPool, change)).work_pool
        return pool

    async def _queues(self, hello: Body) -> list[work_pool_pb2.WorkQueue]:
        listed = await self._call(
            self._socket.services.work_pools.ListWorkQueues,
            work_pool_pb2.ListWorkQueuesRequest(work_pool_name=self._pool_name, page_size=200),
        )
        wanted = dict.fromkeys(hello["work_queue_names"])
        found = {queue.name: queue for queue in listed.work_queues}
        if not set(wanted).issubset(found):
            raise _Closed(POLICY_VIOLATION, "authorization_failed")
        return [found[name] for name in wanted] if wanted else list(listed.work_queues)

    async def _load(self) -> work_pool_pb2.WorkPool:
        answer = await self._call(
            self._socket.services.work_pools.GetWorkPool,
            work_pool_pb2.GetWorkPoolRequest(work_pool_name=self._pool_name),
        )
        return answer.work_pool  # type: ignore[no-any-return]

    async def _beat(self, hello: Body, interval_seconds: int, pool_type: str) -> None:
        message = work_pool_pb2.PollWorkRequest(
            worker_name=hello["worker_name"],
            work_pool_name=self._pool_name,
            work_queue_names=hello["work_queue_names"],
            type=pool_type,
            client_version="prefect",
            silent_after=scalars.to_duration(float(min(HEARTBEATS_MISSED * interval_seconds, 86_400))),
        )
        message.labels.update(WORKER_LABELS)
        try:
            await self._call(self._socket.services.work_pools.PollWork, message)
        except (errors.Unavailable, errors.DeadlineExceeded):
            raise _Closed(SERVER_ERROR, "heartbeat_persistence_failed") from None

    async def _hear(self, hello: Body, pool_type: str) -> None:
        while True:
            try:
                message = await self._socket.receive_json()
                if not isinstance(message, dict) or message.get("type") != "worker.heartbeat.v1":
                    raise _Closed(PROTOCOL_ERROR, "protocol_error")
                beat = fields.parse(_HEARTBEAT, message.get("payload"))
            except (orjson.JSONDecodeError, Invalid):
                raise _Closed(PROTOCOL_ERROR, "protocol_error") from None
            await self._beat(hello, beat["heartbeat_interval_seconds"], pool_type)

    async def _watch(self, pool: work_pool_pb2.WorkPool) -> None:
        known = pool_json(pool)
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                pool = await self._load()
            except errors.NotFound:
                raise _Closed(POLICY_VIOLATION, "authorization_failed") from None
            except (errors.Unavailable, errors.DeadlineExceeded):
                continue
            told = pool_json(pool)
            if any(told[part] != known[part] for part in _CHANGING):
                await self._send("work_pool.snapshot.v1", self._snapshot(pool, "work_pool_updated"))
            known = told

    def _snapshot(self, pool: work_pool_pb2.WorkPool, reason: str) -> dict[str, Any]:
        self._snapshots += 1
        return {"snapshot_sequence": self._snapshots, "reason": reason, "work_pool": pool_json(pool)}

    async def _send(self, kind: str, payload: dict[str, Any]) -> None:
        sent_at = datetime.datetime.now(datetime.UTC).isoformat()
        await self._socket.send_json({"type": kind, "id": str(uuid7()), "sent_at": sent_at, "payload": payload})

    async def _call(self, method: Any, message: Message) -> Any:
        try:
            return await method(message, metadata=self._socket.metadata, timeout=self._socket.deadline_seconds)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from None


SOCKETS = (SocketRoute("/work_pools/{name}/workers/connect", serve_worker_channel),)
