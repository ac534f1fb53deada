from __future__ import annotations

import datetime

import grpc.aio
import pytest

from headrace import errors
from headrace.api.v1 import log_pb2, log_settings_pb2, log_settings_pb2_grpc
from headrace.ids import uuid7
from headrace.rpc.status import from_rpc_error
from headrace_chassis.neighbours import Neighbours
from headrace_harness.logs import a_line, a_writer, list_all
from headrace_harness.postgres import service_database
from headrace_harness.services import RunningService, played_service
from headrace_log.loops.retain import RetainLoop
from headrace_log.neighbours.runs import StateDeployments
from headrace_log.queries.settings import SettingsStore
from service.log.played import PlayedRuns

DAY = datetime.timedelta(days=1)


async def set_rule(service: RunningService, **rule: str | int) -> None:
    await log_settings_pb2_grpc.LogSettingsServiceStub(service.channel).SetLogRetentionRule(
        log_settings_pb2.SetLogRetentionRuleRequest(retention_rule=log_settings_pb2.LogRetentionRule(**rule))  # type: ignore[arg-type]
    )


async def write(service: RunningService, flow_run_id: str, now: datetime.datetime) -> None:
    """Write a line of each level 1, 5 and 20 days ago."""
    async with a_writer(service.channel) as writer:
        await writer.write(
            [
                a_line(f"{days} days, {level}", flow_run_id=flow_run_id, level=level, at=now - days * DAY)
                for days in (20, 5, 1)
                for level in (10, 20, 40)
            ]
        )


async def kept(service: RunningService, flow_run_id: str) -> list[str]:
    return [record.message for record in await list_all(service.channel, log_pb2.LogFilter(flow_run_ids=[flow_run_id]))]


async def test_records_go_by_level_and_by_deployment(
    service: RunningService, database_url: str, runs: PlayedRuns
) -> None:
    now = datetime.datetime.now(datetime.UTC)
    deployment, plain, deployed = str(uuid7()), str(uuid7()), str(uuid7())
    runs.deployments[deployed] = deployment
    for run in (plain, deployed):
        await write(service, run, now)
    await set_rule(service, level_at_most=10, days=2)
    await set_rule(service, days=10)
    await set_rule(service, deployment_id=deployment, level_at_most=20, days=15)
    async with service_database(database_url, "log") as database, played_service([runs], "token") as target:
        neighbours = Neighbours({"state": target}, "token")
        loop = RetainLoop(SettingsStore(database), StateDeployments(neighbours.channel), lambda: now)
        while await loop.tick():
            pass
        assert await kept(service, plain) == ["5 days, 20", "5 days, 40", "1 days, 10", "1 days, 20", "1 days, 40"]
        # Levels above 20 of the deployment go by the rule for all.
        assert await kept(service, deployed) == [
            "5 days, 10",
            "5 days, 20",
            "5 days, 40",
            "1 days, 10",
            "1 days, 20",
            "1 days, 40",
        ]
        stub = log_settings_pb2_grpc.LogSettingsServiceStub(service.channel)
        told = await stub.GetLogSettings(log_settings_pb2.GetLogSettingsRequest())
        assert [(rule.deployment_id, rule.level_at_most, rule.days) for rule in told.retention_rules] == [
            (deployment, 20, 15),
            ("", 10, 2),
            ("", 0, 10),
        ]
        assert all(rule.swept_until.seconds for rule in told.retention_rules)
        # Without the rule of the deployment those for all hold for its runs, too, whatever was looked at before.
        await stub.DeleteLogRetentionRule(
            log_settings_pb2.DeleteLogRetentionRuleRequest(deployment_id=deployment, level_at_most=20)
        )
        while await loop.tick():
            pass
        assert await kept(service, deployed) == await kept(service, plain)
        await neighbours.close()


async def test_a_rule_keeps_no_longer_than_the_server(service: RunningService) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await set_rule(service, days=31)
    assert isinstance(from_rpc_error(caught.value), errors.InvalidArgument)
    stub = log_settings_pb2_grpc.LogSettingsServiceStub(service.channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.DeleteLogRetentionRule(log_settings_pb2.DeleteLogRetentionRuleRequest())
    assert isinstance(from_rpc_error(caught.value), errors.NotFound)
