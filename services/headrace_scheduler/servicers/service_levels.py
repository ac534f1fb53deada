"""`ServiceLevelService`."""

from __future__ import annotations

from typing import Any

import grpc.aio

from headrace.api.v1 import service_level_pb2 as pb
from headrace.api.v1 import service_level_pb2_grpc as pb_grpc
from headrace_scheduler.servicers.calls import actor
from headrace_scheduler.usecases import change_deployment
from headrace_scheduler.usecases import service_levels as usecase
from headrace_scheduler.usecases.workbench import Workbench
from headrace_scheduler.wire import service_levels as wire
from headrace_scheduler.wire import values

Context = grpc.aio.ServicerContext[Any, Any]


class ServiceLevelServicer(pb_grpc.ServiceLevelServiceServicer):
    """Keeps what is promised of deployments."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    async def SetServiceLevels(
        self, request: pb.SetServiceLevelsRequest, context: Context
    ) -> pb.SetServiceLevelsResponse:
        """Bring the service levels of a deployment to the given ones."""
        stored = await usecase.set_service_levels(
            self._bench,
            actor(),
            values.to_id(request.deployment_id, "deployment_id"),
            [wire.to_level(level) for level in request.service_levels],
        )
        return pb.SetServiceLevelsResponse(service_levels=[wire.from_level(level) for level in stored])

    async def GetServiceLevels(
        self, request: pb.GetServiceLevelsRequest, context: Context
    ) -> pb.GetServiceLevelsResponse:
        """Return the service levels of a deployment."""
        deployment_id = values.to_id(request.deployment_id, "deployment_id")
        await change_deployment.load_deployment(self._bench, actor(), deployment_id)
        stored = await usecase.list_service_levels(self._bench, actor(), deployment_id)
        return pb.GetServiceLevelsResponse(service_levels=[wire.from_level(level) for level in stored])
