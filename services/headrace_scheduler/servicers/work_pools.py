"""`WorkPoolService`."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import logging
import uuid
from collections.abc import Awaitable, Sequence
from typing import Any

import grpc.aio

from headrace import errors
from headrace.api.v1 import work_pool_pb2 as pb
from headrace.api.v1 import work_pool_pb2_grpc as pb_grpc
from headrace_chassis.pages import asked_page
from headrace_scheduler.rules.default_templates import KNOWN_TYPES, default_template
from headrace_scheduler.rules.work_pool import WorkPool, WorkQueue
from headrace_scheduler.servicers.calls import actor, masked, merge
from headrace_scheduler.usecases import polling, workers
from headrace_scheduler.usecases import pools as usecase
from headrace_scheduler.usecases.pools import GivenPool, GivenQueue
from headrace_scheduler.usecases.workbench import Workbench
from headrace_scheduler.wire import pools as wire
from headrace_scheduler.wire import values

logger = logging.getLogger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]

_CHANGEABLE = (
    "description",
    "base_job_template",
    "paused",
    "concurrency_limit",
    "queue_policy",
    "start_timeout",
    "storage_configuration",
    "default_queue_id",
)
_QUEUE_CHANGEABLE = ("description", "priority", "weight", "paused", "concurrency_limit")


class WorkPoolServicer(pb_grpc.WorkPoolServiceServicer):
    """Keeps work pools, their queues, and knows the workers."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    async def CreateWorkPool(self, request: pb.CreateWorkPoolRequest, context: Context) -> pb.CreateWorkPoolResponse:
        """Create a work pool with a default queue."""
        given = request.work_pool
        pool = await usecase.create_pool(
            self._bench,
            actor(),
            GivenPool(
                name=given.name,
                type=given.type,
                description=given.description,
                base_job_template=values.to_object(given.base_job_template, "work_pool.base_job_template"),
                paused=given.paused,
                concurrency_limit=given.concurrency_limit if given.HasField("concurrency_limit") else None,
                queue_policy=wire.to_policy(given.queue_policy),
                start_timeout_seconds=values.to_seconds(given, "start_timeout"),
                storage_configuration=values.to_object(given.storage_configuration, "work_pool.storage_configuration"),
            ),
        )
        return pb.CreateWorkPoolResponse(work_pool=wire.from_pool(pool))

    async def GetWorkPool(self, request: pb.GetWorkPoolRequest, context: Context) -> pb.GetWorkPoolResponse:
        """Return one work pool by its name."""
        caller = actor()
        pool = await self._bench.store.read(lambda unit: usecase.load_pool(unit, caller, request.work_pool_name))
        return pb.GetWorkPoolResponse(work_pool=(await self._pools([pool]))[0])

    async def ListWorkPools(self, request: pb.ListWorkPoolsRequest, context: Context) -> pb.ListWorkPoolsResponse:
        """List work pools by name."""
        workspace_id = actor().workspace_id
        page = asked_page(request, workspace_id, *request.types, "contains", request.name_contains)
        [after] = page.behind(str) or (None,)
        found = await self._bench.store.read(
            lambda unit: unit.pools.list_page(
                workspace_id, list(request.types), request.name_contains, after, page.lookahead
            )
        )
        shown, token = page.split(found, lambda pool: (pool.name,))
        return pb.ListWorkPoolsResponse(work_pools=await self._pools(shown), next_page_token=token)

    async def UpdateWorkPool(self, request: pb.UpdateWorkPoolRequest, context: Context) -> pb.UpdateWorkPoolResponse:
        """Change the named fields of a work pool."""
        given = request.work_pool
        paths = masked(given, request.update_mask, _CHANGEABLE)

        def edit(current: WorkPool, queues: list[WorkQueue]) -> WorkPool:
            message = wire.from_pool(current)
            merge(given, message, paths)
            default_queue_id = values.to_id(message.default_queue_id, "work_pool.default_queue_id")
            if default_queue_id not in {queue.work_queue_id for queue in queues}:
                raise errors.InvalidArgument.of_field("work_pool.default_queue_id", "is not a queue of the pool")
            return dataclasses.replace(
                current,
                description=message.description,
                base_job_template=values.to_object(message.base_job_template, "work_pool.base_job_template"),
                paused=message.paused,
                concurrency_limit=message.concurrency_limit if message.HasField("concurrency_limit") else None,
                queue_policy=wire.to_policy(message.queue_policy),
                start_timeout_seconds=values.to_seconds(message, "start_timeout"),
                storage_configuration=values.to_object(
                    message.storage_configuration, "work_pool.storage_configuration"
                ),
                default_queue_id=default_queue_id,
            )

        pool = await usecase.update_pool(self._bench, actor(), given.name, edit)
        return pb.UpdateWorkPoolResponse(work_pool=(await self._pools([pool]))[0])

    async def DeleteWorkPool(self, request: pb.DeleteWorkPoolRequest, context: Context) -> pb.DeleteWorkPoolResponse:
        """Delete a work pool with its queues."""
        await usecase.delete_pool(self._bench, actor(), request.work_pool_name)
        return pb.DeleteWorkPoolResponse()

    async def GetDefaultBaseJobTemplate(
        self, request: pb.GetDefaultBaseJobTemplateRequest, context: Context
    ) -> pb.GetDefaultBaseJobTemplateResponse:
        """Return the template that a pool of a type begins with."""
        response = pb.GetDefaultBaseJobTemplateResponse(known_types=KNOWN_TYPES)
        response.base_job_template.update(default_template(request.type))
        return response

    async def CreateWorkQueue(self, request: pb.CreateWorkQueueRequest, context: Context) -> pb.CreateWorkQueueResponse:
        """Add a queue to a work pool."""
        given = request.work_queue
        queue = await usecase.create_queue(
            self._bench,
            actor(),
            request.work_pool_name,
            GivenQueue(
                name=given.name,
                description=given.description,
                priority=given.priority,
                weight=given.weight,
                paused=given.paused,
                concurrency_limit=given.concurrency_limit if given.HasField("concurrency_limit") else None,
            ),
        )
        return pb.CreateWorkQueueResponse(work_queue=wire.from_queue(queue))

    async def GetWorkQueue(self, request: pb.GetWorkQueueRequest, context: Context) -> pb.GetWorkQueueResponse:
        """Return one queue by its id."""
        queue_id = values.to_id(request.work_queue_id, "work_queue_id")
        workspace_id = actor().workspace_id
        queue = await self._bench.store.read(lambda unit: unit.pools.load_queue_by_id(workspace_id, queue_id))
        if queue is None:
            raise errors.NotFound(f"there is no work queue {queue_id}", reason="WORK_QUEUE_NOT_FOUND")
        return pb.GetWorkQueueResponse(work_queue=(await self._queues([queue]))[0])

    async def ListWorkQueues(self, request: pb.ListWorkQueuesRequest, context: Context) -> pb.ListWorkQueuesResponse:
        """List the queues of a work pool by priority."""
        caller = actor()
        pool = await self._bench.store.read(lambda unit: usecase.load_pool(unit, caller, request.work_pool_name))
        page = asked_page(request, caller.workspace_id, request.work_pool_name)
        behind = page.behind(int, datetime.datetime, uuid.UUID)
        queues = await self._bench.store.read(lambda unit: unit.pools.list_queues(pool.work_pool_id))
        keys = [(queue.priority, queue.created_at, queue.work_queue_id) for queue in queues]
        start = next((place for place, key in enumerate(keys) if behind is None or key > behind), len(keys))
        shown, token = page.split(queues[start:], lambda queue: (queue.priority, queue.created_at, queue.work_queue_id))
        return pb.ListWorkQueuesResponse(work_queues=await self._queues(shown), next_page_token=token)

    async def UpdateWorkQueue(self, request: pb.UpdateWorkQueueRequest, context: Context) -> pb.UpdateWorkQueueResponse:
        """Change the named fields of a queue."""
        given = request.work_queue
        paths = masked(given, request.update_mask, _QUEUE_CHANGEABLE)

        def edit(current: WorkQueue) -> WorkQueue:
            message = wire.from_queue(current)
            merge(given, message, paths)
            return dataclasses.replace(
                current,
                description=message.description,
                priority=message.priority,
                weight=message.weight,
                paused=message.paused,
                concurrency_limit=message.concurrency_limit if message.HasField("concurrency_limit") else None,
            )

        queue = await usecase.update_queue(self._bench, actor(), request.work_pool_name, given.name, edit)
        return pb.UpdateWorkQueueResponse(work_queue=(await self._queues([queue]))[0])

    async def DeleteWorkQueue(self, request: pb.DeleteWorkQueueRequest, context: Context) -> pb.DeleteWorkQueueResponse:
        """Delete a queue."""
        await usecase.delete_queue(self._bench, actor(), request.work_pool_name, request.work_queue_name)
        return pb.DeleteWorkQueueResponse()

    async def ListWorkers(self, request: pb.ListWorkersRequest, context: Context) -> pb.ListWorkersResponse:
        """List the workers that are or were online."""
        workspace_id = actor().workspace_id
        statuses = [status for number in request.statuses if (status := wire.to_worker_status(number)) is not None]
        page = asked_page(request, workspace_id, request.work_pool_name, *sorted(statuses))
        [after] = page.behind(uuid.UUID) or (None,)
        found = await self._bench.store.read(
            lambda unit: unit.workers.list_page(workspace_id, request.work_pool_name, statuses, after, page.lookahead)
        )
        shown, token = page.split(found, lambda worker: (worker.worker_id,))
        return pb.ListWorkersResponse(workers=[wire.from_worker(worker) for worker in shown], next_page_token=token)

    async def DrainWorker(self, request: pb.DrainWorkerRequest, context: Context) -> pb.DrainWorkerResponse:
        """Ask a worker to finish what it runs and to take nothing new."""
        worker_id = values.to_id(request.worker_id, "worker_id")
        worker = await workers.drain_worker(self._bench, actor(), worker_id)
        return pb.DrainWorkerResponse(worker=wire.from_worker(worker))

    async def PollWork(self, request: pb.PollWorkRequest, context: Context) -> pb.PollWorkResponse:
        """Tell of a worker without a stream, and return runs that it may claim."""
        worker, runs = await polling.poll_work(self._bench, actor(), wire.to_poll(request, actor().workspace_id))
        response = pb.PollWorkResponse(worker=wire.from_worker(worker) if worker is not None else None)
        # As the state service tells them.
        response.flow_runs.extend(runs)  # type: ignore[arg-type]
        return response

    async def DeleteWorker(self, request: pb.DeleteWorkerRequest, context: Context) -> pb.DeleteWorkerResponse:
        """Forget a worker."""
        await polling.delete_worker(self._bench, actor(), values.to_id(request.worker_id, "worker_id"))
        return pb.DeleteWorkerResponse()

    async def PauseWorker(self, request: pb.PauseWorkerRequest, context: Context) -> pb.PauseWorkerResponse:
        """Ask a worker to take nothing new until it is resumed."""
        worker_id = values.to_id(request.worker_id, "worker_id")
        worker = await workers.pause_worker(self._bench, actor(), worker_id, request.reason)
        return pb.PauseWorkerResponse(worker=wire.from_worker(worker))

    async def ResumeWorker(self, request: pb.ResumeWorkerRequest, context: Context) -> pb.ResumeWorkerResponse:
        """Let a paused worker take runs again."""
        worker_id = values.to_id(request.worker_id, "worker_id")
        worker = await workers.resume_worker(self._bench, actor(), worker_id)
        return pb.ResumeWorkerResponse(worker=wire.from_worker(worker))

    async def _pools(self, found: Sequence[WorkPool]) -> list[pb.WorkPool]:
        state = self._bench.state
        slots = await _counted(
            [state.count_active(pool.workspace_id, work_pool_id=pool.work_pool_id) for pool in found]
        )
        return [wire.from_pool(pool, active) for pool, active in zip(found, slots, strict=True)]

    async def _queues(self, found: Sequence[WorkQueue]) -> list[pb.WorkQueue]:
        state = self._bench.state
        slots = await _counted(
            [state.count_active(queue.workspace_id, work_queue_id=queue.work_queue_id) for queue in found]
        )
        return [wire.from_queue(queue, active) for queue, active in zip(found, slots, strict=True)]


async def _counted(counts: Sequence[Awaitable[int]]) -> list[int]:
    """Return what was counted; 0 where the state service cannot say, so that pools can be seen without it."""

    async def count(one: Awaitable[int]) -> int:
        try:
            return await one
        except (errors.Unavailable, errors.DeadlineExceeded) as error:
            logger.warning("taken slots are not known: %s", error)
            return 0

    return list(await asyncio.gather(*map(count, counts)))
