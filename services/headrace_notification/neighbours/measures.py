"""Figures of runs, measured by the services that own them."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import grpc.aio

from headrace.api.v1 import (
    flow_run_pb2,
    flow_run_pb2_grpc,
    run_insight_pb2,
    run_insight_pb2_grpc,
    state_pb2,
    work_pool_pb2,
    work_pool_pb2_grpc,
)
from headrace_chassis.values import from_time
from headrace_notification.neighbours.calling import call
from headrace_notification.rules.metrics import Metric, Question, Scope

TIMEOUT_SECONDS = 10.0
NAME = "notification"
MOST_POOLS = 200
"""Work pools of a workspace that are looked at for unattended runs."""

_COMPLETED = state_pb2.STATE_TYPE_COMPLETED
_ENDED = (_COMPLETED, state_pb2.STATE_TYPE_FAILED, state_pb2.STATE_TYPE_CRASHED)


class NeighbourMeasures:
    """Asks state and scheduler; each answer looks at a bounded number of runs.

    Args:
        channel: Returns the channel to a service by name.
    """

    def __init__(self, channel: Callable[[str], grpc.aio.Channel]) -> None:
        self._channel = channel

    async def measure(self, question: Question, now: datetime.datetime) -> float | None:
        """Return a figure; None if there is nothing that it could be measured of.

        Raises:
            errors.HeadraceError: Who knows does not tell.
        """
        match question.metric:
            case Metric.SUCCESS_RATE | Metric.DURATION:
                return await self._ended(question, now)
            case Metric.LATENESS:
                return await self._lateness(question, now)
            case Metric.QUEUE_DEPTH:
                return await self._waiting(question, question.scope, now)
        return await self._unattended(question, now)

    async def _ended(self, question: Question, now: datetime.datetime) -> float | None:
        stub = run_insight_pb2_grpc.RunInsightServiceStub(self._channel("state"))
        request = run_insight_pb2.GetFlowRunHistogramRequest(
            filter=_filter(question.scope),
            span=_window(question, now),
            moment=run_insight_pb2.RUN_MOMENT_ENDED,
            bucket_count=1,
        )
        response = await call(
            question.workspace_id, NAME, lambda: stub.GetFlowRunHistogram(request, timeout=TIMEOUT_SECONDS)
        )
        counts = [one for bucket in response.buckets for one in bucket.counts if one.type in _ENDED]
        ended = sum(one.count for one in counts)
        if not ended:
            return None
        if question.metric is Metric.SUCCESS_RATE:
            return sum(one.count for one in counts if one.type == _COMPLETED) / ended
        return sum(one.count * one.average_run_time.ToTimedelta().total_seconds() for one in counts) / ended

    async def _lateness(self, question: Question, now: datetime.datetime) -> float | None:
        stub = run_insight_pb2_grpc.RunInsightServiceStub(self._channel("state"))
        request = run_insight_pb2.GetFlowRunLatenessRequest(filter=_filter(question.scope), span=_window(question, now))
        response = await call(
            question.workspace_id, NAME, lambda: stub.GetFlowRunLateness(request, timeout=TIMEOUT_SECONDS)
        )
        return response.average.ToTimedelta().total_seconds() if response.started_count else None

    async def _waiting(self, question: Question, scope: Scope, now: datetime.datetime) -> float:
        stub = flow_run_pb2_grpc.FlowRunServiceStub(self._channel("state"))
        wanted = _filter(scope)
        wanted.state_types.append(state_pb2.STATE_TYPE_SCHEDULED)
        wanted.next_scheduled_start.until.FromDatetime(now)
        request = flow_run_pb2.CountFlowRunsRequest(filter=wanted)
        response = await call(question.workspace_id, NAME, lambda: stub.CountFlowRuns(request, timeout=TIMEOUT_SECONDS))
        return float(sum(one.count for one in response.counts))

    async def _unattended(self, question: Question, now: datetime.datetime) -> float:
        stub = work_pool_pb2_grpc.WorkPoolServiceStub(self._channel("scheduler"))
        request = work_pool_pb2.ListWorkPoolsRequest(page_size=MOST_POOLS)
        response = await call(question.workspace_id, NAME, lambda: stub.ListWorkPools(request, timeout=TIMEOUT_SECONDS))
        asked = question.scope.work_pool_ids
        unattended = tuple(
            pool.work_pool_id
            for pool in response.work_pools
            if pool.status == work_pool_pb2.WORK_POOL_STATUS_NOT_READY and (not asked or pool.work_pool_id in asked)
        )
        if not unattended:
            return 0.0
        scope = Scope(question.scope.flow_ids, question.scope.deployment_ids, unattended, (), question.scope.tags)
        return await self._waiting(question, scope, now)


def _window(question: Question, now: datetime.datetime) -> state_pb2.TimeRange:
    window = state_pb2.TimeRange(until=from_time(now))
    getattr(window, "from").FromDatetime(now - question.range)
    return window


def _filter(scope: Scope) -> flow_run_pb2.FlowRunFilter:
    return flow_run_pb2.FlowRunFilter(
        flow_ids=scope.flow_ids,
        deployment_ids=scope.deployment_ids,
        work_pool_ids=scope.work_pool_ids,
        work_queue_ids=scope.work_queue_ids,
        tags_any=scope.tags,
    )
