"""`/task_workers`: who serves background tasks."""

from __future__ import annotations

from headrace.api.v1 import background_task_pb2
from headrace_prefect.answers import Answer, ok
from headrace_prefect.bodies.fields import Field, Fields, nested, strings
from headrace_prefect.request import Request
from headrace_prefect.resources.routes import Route
from headrace_prefect.shapes import scalars

_FILTERED: Fields = {"task_worker_filter": Field(nested({"task_keys": Field(strings, required=True)}))}


async def read_task_workers(request: Request) -> Answer:
    """Return those who serve background tasks, or some of them."""
    chosen = request.body(_FILTERED)["task_worker_filter"]
    keys = set(chosen["task_keys"]) if chosen is not None else set()
    serving = await request.call(
        request.services.background_tasks.GetTaskServing, background_task_pb2.GetTaskServingRequest()
    )
    return ok(
        [
            {
                "identifier": server.name,
                "task_keys": list(server.task_keys),
                "timestamp": scalars.moment(server, "seen_at"),
            }
            for server in serving.task_servers
            if not keys or keys.intersection(server.task_keys)
        ]
    )


ROUTES = (Route("POST", "/task_workers/filter", read_task_workers),)
