"""`DeploymentService`."""

from __future__ import annotations

from typing import Any, Literal

import grpc.aio

from headrace import errors
from headrace.api.v1 import deployment_pb2 as pb
from headrace.api.v1 import deployment_pb2_grpc as pb_grpc
from headrace.api.v1 import flow_run_pb2
from headrace_chassis.caller import current_caller
from headrace_chassis.pages import asked_page
from headrace_chassis.run_rights import require_shaping
from headrace_scheduler.rules.deployment import Deployment
from headrace_scheduler.rules.schedule import GivenSchedule, Schedule
from headrace_scheduler.servicers.calls import actor, masked, merge, traced
from headrace_scheduler.usecases import change_deployment, change_schedules, versions
from headrace_scheduler.usecases.change_deployment import Wanted
from headrace_scheduler.usecases.materialise import make_runs_within
from headrace_scheduler.usecases.run_deployment import RunRequest, run_deployment, run_in_bulk
from headrace_scheduler.usecases.workbench import Workbench, refusing
from headrace_scheduler.wire import deployments as wire
from headrace_scheduler.wire import schedules as schedule_wire
from headrace_scheduler.wire import values

Context = grpc.aio.ServicerContext[Any, Any]

_ORDERS = {
    pb.DEPLOYMENT_SORT_UNSPECIFIED: "CREATED_DESC",
    pb.DEPLOYMENT_SORT_CREATED_DESC: "CREATED_DESC",
    pb.DEPLOYMENT_SORT_UPDATED_DESC: "UPDATED_DESC",
    pb.DEPLOYMENT_SORT_NAME_ASC: "NAME_ASC",
    pb.DEPLOYMENT_SORT_NAME_DESC: "NAME_DESC",
}
_CHANGEABLE = ("content", "paused", "concurrency")
_SCHEDULE_CHANGEABLE = (
    "slug",
    "rule",
    "active",
    "parameters",
    "starts_at",
    "ends_at",
    "catch_up",
    "maximum_lateness",
    "jitter",
    "blackouts",
    "calendar_names",
)
_PREVIEWED = 10
_PAYLOADS: tuple[Literal["parameters", "job_variables", "context"], ...] = ("parameters", "job_variables", "context")


class DeploymentServicer(pb_grpc.DeploymentServiceServicer):
    """Keeps deployments, their versions and schedules, and starts runs of them."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    async def ApplyDeployment(self, request: pb.ApplyDeploymentRequest, context: Context) -> pb.ApplyDeploymentResponse:
        """Create a deployment, or bring the one with the same names to the given content."""
        if request.keep_schedules and request.schedules:
            raise errors.InvalidArgument.of_field("schedules", "must be empty with keep_schedules")
        schedules: list[GivenSchedule] | None = None
        if not request.keep_schedules:
            schedules = []
            for place, schedule in enumerate(request.schedules):
                with refusing(f"schedules[{place}]"):
                    schedules.append(schedule_wire.to_schedule(schedule))
        wanted = Wanted(
            content=wire.to_content(request.content),
            schedules=schedules,
            concurrency=wire.to_concurrency(request.concurrency) if request.HasField("concurrency") else None,
            paused=request.paused if request.HasField("paused") else None,
            message=request.message,
            keep_current=request.keep_current,
        )
        applied = await change_deployment.apply_deployment(
            self._bench,
            actor(),
            values.to_optional_id(request.deployment_id, "deployment_id"),
            request.flow_name,
            request.name,
            wanted,
            is_trial=request.validate_only,
        )
        return pb.ApplyDeploymentResponse(
            deployment=wire.from_deployment(applied.deployment),
            created=applied.created,
            new_version=applied.new_version,
            version=wire.from_version(applied.version),
        )

    async def GetDeployment(self, request: pb.GetDeploymentRequest, context: Context) -> pb.GetDeploymentResponse:
        """Return one deployment by its id."""
        found = await change_deployment.load_deployment(
            self._bench, actor(), values.to_id(request.deployment_id, "deployment_id")
        )
        return pb.GetDeploymentResponse(deployment=wire.from_deployment(found))

    async def GetDeploymentByName(
        self, request: pb.GetDeploymentByNameRequest, context: Context
    ) -> pb.GetDeploymentByNameResponse:
        """Return one deployment by the flow's name and its own."""
        workspace_id = actor().workspace_id
        found = await self._bench.store.read(
            lambda unit: unit.deployments.load_by_name(workspace_id, request.flow_name, request.deployment_name)
        )
        if found is None:
            raise errors.NotFound(
                f"there is no deployment {request.flow_name}/{request.deployment_name}",
                reason="DEPLOYMENT_NOT_FOUND",
            )
        return pb.GetDeploymentByNameResponse(deployment=wire.from_deployment(found))

    async def ListDeployments(self, request: pb.ListDeploymentsRequest, context: Context) -> pb.ListDeploymentsResponse:
        """List deployments."""
        workspace_id = actor().workspace_id
        order = _ORDERS.get(request.sort, "CREATED_DESC")
        page = asked_page(request, workspace_id, request.filter, order)
        chosen = wire.to_filter(request.filter)
        found, key = await self._bench.store.read(
            lambda unit: unit.deployments.list_page(workspace_id, chosen, order, page.after, page.size)
        )
        return pb.ListDeploymentsResponse(
            deployments=[wire.from_deployment(one) for one in found], next_page_token=page.next_token(key)
        )

    async def UpdateDeployment(
        self, request: pb.UpdateDeploymentRequest, context: Context
    ) -> pb.UpdateDeploymentResponse:
        """Change the named fields of a deployment."""
        given = request.deployment
        paths = masked(given, request.update_mask, _CHANGEABLE)
        if not request.update_mask.paths and "content" in paths:
            # Without a mask those fields of the content count that are set.
            paths.remove("content")
            paths.extend(f"content.{field.name}" for field, _ in given.content.ListFields())

        def edit(current: Deployment) -> Wanted:
            message = wire.from_deployment(current)
            merge(given, message, paths)
            return Wanted(
                content=wire.to_content(message.content),
                concurrency=wire.to_concurrency(message.concurrency),
                paused=message.paused,
            )

        changed = await change_deployment.update_deployment(
            self._bench, actor(), values.to_id(given.deployment_id, "deployment.deployment_id"), edit
        )
        return pb.UpdateDeploymentResponse(deployment=wire.from_deployment(changed))

    async def DeleteDeployment(
        self, request: pb.DeleteDeploymentRequest, context: Context
    ) -> pb.DeleteDeploymentResponse:
        """Delete a deployment with its schedules."""
        await change_deployment.delete_deployment(
            self._bench, actor(), values.to_id(request.deployment_id, "deployment_id")
        )
        return pb.DeleteDeploymentResponse()

    async def RunDeployment(self, request: pb.RunDeploymentRequest, context: Context) -> pb.RunDeploymentResponse:
        """Start a run of a deployment, now or at a time."""
        caller = current_caller()
        require_shaping(caller, request.job_variables.fields, request.deployment_id)
        wanted = RunRequest(
            deployment_id=values.to_id(request.deployment_id, "deployment_id"),
            version_id=values.to_optional_id(request.deployment_version_id, "deployment_version_id"),
            flow_run_id=values.to_optional_id(request.flow_run_id, "flow_run_id"),
            name=request.name,
            parameters=values.to_object(request.parameters, "parameters"),
            job_variables=values.to_object(request.job_variables, "job_variables"),
            scheduled_at=values.to_time(request, "scheduled_at"),
            idempotency_key=request.idempotency_key,
            tags=tuple(request.tags),
            labels=traced(values.to_object(request.labels, "labels")),
            context=values.to_object(request.context, "context"),
            work_queue_name=request.work_queue_name,
            parent_task_run_id=values.to_optional_id(request.parent_task_run_id, "parent_task_run_id"),
            parent_flow_run_id=values.to_optional_id(request.parent_flow_run_id, "parent_flow_run_id"),
            retry_policy=wire.to_retry_policy(request.retry_policy) if request.HasField("retry_policy") else None,
            enforces_schema=request.enforce_parameter_schema if request.HasField("enforce_parameter_schema") else None,
        )
        created = await run_deployment(self._bench, actor(), wanted)
        assert isinstance(created.flow_run, flow_run_pb2.FlowRun)
        if created.flow_run.deployment_id != str(wanted.deployment_id) and not caller.may("PERMISSION_RUNS_VIEW"):
            # Whoever may run this deployment alone is not shown runs of others by their ids or keys.
            raise errors.AlreadyExists("the id or idempotency key is that of a run of another deployment")
        if not caller.may("PERMISSION_RUN_PAYLOADS_VIEW"):
            for name in _PAYLOADS:
                created.flow_run.ClearField(name)
            created.flow_run.state.ClearField("result")
        return pb.RunDeploymentResponse(flow_run=created.flow_run, created=created.is_new)

    async def MakeScheduledRuns(
        self, request: pb.MakeScheduledRunsRequest, context: Context
    ) -> pb.MakeScheduledRunsResponse:
        """Make runs of the active schedules of a deployment."""
        made = await make_runs_within(
            self._bench,
            actor(),
            values.to_id(request.deployment_id, "deployment_id"),
            values.to_time(request, "start_at"),
            schedule_wire.to_horizon(request),
        )
        return pb.MakeScheduledRunsResponse(made=made)

    async def PauseDeployment(self, request: pb.PauseDeploymentRequest, context: Context) -> pb.PauseDeploymentResponse:
        """Stop all schedules of a deployment."""
        return pb.PauseDeploymentResponse(deployment=await self._pause(request.deployment_id, paused=True))

    async def ResumeDeployment(
        self, request: pb.ResumeDeploymentRequest, context: Context
    ) -> pb.ResumeDeploymentResponse:
        """Let the schedules of a deployment go on."""
        return pb.ResumeDeploymentResponse(deployment=await self._pause(request.deployment_id, paused=False))

    async def _pause(self, deployment_id: str, *, paused: bool) -> pb.Deployment:
        changed = await change_deployment.update_deployment(
            self._bench, actor(), values.to_id(deployment_id, "deployment_id"), lambda _: Wanted(paused=paused)
        )
        return wire.from_deployment(changed)

    async def CreateSchedule(self, request: pb.CreateScheduleRequest, context: Context) -> pb.CreateScheduleResponse:
        """Add a schedule to a deployment."""
        with refusing("schedule"):
            given = schedule_wire.to_schedule(request.schedule)
        schedule, deployment = await change_schedules.create_schedule(
            self._bench, actor(), values.to_id(request.deployment_id, "deployment_id"), given
        )
        return pb.CreateScheduleResponse(schedule=_schedule(schedule, deployment))

    async def UpdateSchedule(self, request: pb.UpdateScheduleRequest, context: Context) -> pb.UpdateScheduleResponse:
        """Change a schedule."""
        paths = masked(request.schedule, request.update_mask, _SCHEDULE_CHANGEABLE)

        def edit(current: Schedule) -> GivenSchedule:
            message = schedule_wire.from_schedule(current, current.updated_at)
            merge(request.schedule, message, paths)
            with refusing("schedule"):
                return schedule_wire.to_schedule(message)

        schedule, deployment = await change_schedules.update_schedule(
            self._bench, actor(), values.to_id(request.schedule.schedule_id, "schedule.schedule_id"), edit
        )
        return pb.UpdateScheduleResponse(schedule=_schedule(schedule, deployment))

    async def DeleteSchedule(self, request: pb.DeleteScheduleRequest, context: Context) -> pb.DeleteScheduleResponse:
        """Delete a schedule."""
        await change_schedules.delete_schedule(self._bench, actor(), values.to_id(request.schedule_id, "schedule_id"))
        return pb.DeleteScheduleResponse()

    async def PreviewSchedule(self, request: pb.PreviewScheduleRequest, context: Context) -> pb.PreviewScheduleResponse:
        """Tell the next times of a schedule."""
        if request.WhichOneof("of") == "schedule":
            with refusing("schedule"):
                thought_of = schedule_wire.to_schedule(request.schedule)
            times = await change_schedules.preview_schedule(
                self._bench, actor(), thought_of, values.to_time(request, "from"), request.count or _PREVIEWED
            )
        else:
            schedule_id = values.to_id(request.schedule_id, "schedule_id")
            times = await change_schedules.preview_schedule(
                self._bench, actor(), schedule_id, values.to_time(request, "from"), request.count or _PREVIEWED
            )
        return pb.PreviewScheduleResponse(times=[stamp for time in times if (stamp := values.from_time(time))])

    async def ListDeploymentVersions(
        self, request: pb.ListDeploymentVersionsRequest, context: Context
    ) -> pb.ListDeploymentVersionsResponse:
        """List the versions of a deployment, newest first."""
        workspace_id = actor().workspace_id
        deployment_id = values.to_id(request.deployment_id, "deployment_id")
        await change_deployment.load_deployment(self._bench, actor(), deployment_id)
        page = asked_page(request, workspace_id, request.deployment_id)
        [before] = page.behind(int) or (None,)
        found = await self._bench.store.read(
            lambda unit: unit.deployments.list_versions(workspace_id, deployment_id, before, page.lookahead)
        )
        shown, token = page.split(found, lambda version: (version.number,))
        return pb.ListDeploymentVersionsResponse(
            versions=[wire.from_version(version) for version in shown], next_page_token=token
        )

    async def GetDeploymentVersion(
        self, request: pb.GetDeploymentVersionRequest, context: Context
    ) -> pb.GetDeploymentVersionResponse:
        """Return one version with what differs from the version that it replaced."""
        if bool(request.deployment_id) == bool(request.deployment_version_id):
            raise errors.InvalidArgument.of_field("deployment_version_id", "give it or a deployment_id, not both")
        if request.deployment_version_id:
            version_id = values.to_id(request.deployment_version_id, "deployment_version_id")
            found = await versions.load_version(self._bench, actor(), version_id)
        else:
            deployment_id = values.to_id(request.deployment_id, "deployment_id")
            found = await versions.compare_versions(self._bench, actor(), deployment_id, 0, request.number)
        return pb.GetDeploymentVersionResponse(version=wire.from_version(found.after, found.changes))

    async def CompareDeploymentVersions(
        self, request: pb.CompareDeploymentVersionsRequest, context: Context
    ) -> pb.CompareDeploymentVersionsResponse:
        """Tell what differs between two versions."""
        found = await versions.compare_versions(
            self._bench,
            actor(),
            values.to_id(request.deployment_id, "deployment_id"),
            request.from_number,
            request.to_number,
        )
        return pb.CompareDeploymentVersionsResponse(
            from_version=wire.from_version(found.before) if found.before is not None else None,
            to_version=wire.from_version(found.after),
            changes=wire.from_changes(found.changes),
        )

    async def RollBackDeployment(
        self, request: pb.RollBackDeploymentRequest, context: Context
    ) -> pb.RollBackDeploymentResponse:
        """Make the former version current again, or another one."""
        deployment, version = await versions.make_current(
            self._bench, actor(), values.to_id(request.deployment_id, "deployment_id"), request.number
        )
        return pb.RollBackDeploymentResponse(
            deployment=wire.from_deployment(deployment), version=wire.from_version(version)
        )

    async def PromoteDeploymentVersion(
        self, request: pb.PromoteDeploymentVersionRequest, context: Context
    ) -> pb.PromoteDeploymentVersionResponse:
        """Make a version current."""
        deployment, version = await versions.make_current(
            self._bench, actor(), values.to_id(request.deployment_id, "deployment_id"), request.number
        )
        return pb.PromoteDeploymentVersionResponse(
            deployment=wire.from_deployment(deployment), version=wire.from_version(version)
        )

    async def RunDeploymentInBulk(
        self, request: pb.RunDeploymentInBulkRequest, context: Context
    ) -> pb.RunDeploymentInBulkResponse:
        """Start up to 1,000 runs of a deployment."""
        given = any(run.job_variables.fields for run in request.runs)
        require_shaping(current_caller(), given, request.deployment_id)
        deployment_id = values.to_id(request.deployment_id, "deployment_id")
        version_id = values.to_optional_id(request.deployment_version_id, "deployment_version_id")
        labels = traced({})
        wanted = [
            RunRequest(
                deployment_id=deployment_id,
                version_id=version_id,
                flow_run_id=values.to_optional_id(run.flow_run_id, f"runs[{place}].flow_run_id"),
                name=run.name,
                parameters=values.to_object(run.parameters, f"runs[{place}].parameters"),
                job_variables=values.to_object(run.job_variables, f"runs[{place}].job_variables"),
                scheduled_at=values.to_time(run, "scheduled_at"),
                idempotency_key=run.idempotency_key,
                tags=tuple(run.tags),
                labels=labels,
            )
            for place, run in enumerate(request.runs)
        ]
        results = []
        for created in await run_in_bulk(self._bench, actor(), wanted):
            assert isinstance(created.flow_run, flow_run_pb2.FlowRun)
            results.append(pb.BulkRunResult(flow_run_id=created.flow_run.flow_run_id, created=created.is_new))
        return pb.RunDeploymentInBulkResponse(results=results)


def _schedule(schedule: Schedule, deployment: Deployment) -> pb.Schedule:
    return schedule_wire.from_schedule(schedule, schedule.updated_at, is_paused=deployment.paused)
