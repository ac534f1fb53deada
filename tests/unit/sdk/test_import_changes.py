"""What a repeated import changes, and what it carries over that is not over yet."""

from __future__ import annotations

from typing import Any, cast

import pytest

from headrace import errors
from headrace.api.v1 import deployment_pb2, variable_pb2
from headrace.client import Client
from headrace.importing.job import Job
from headrace.importing.mapping import blocks, runs
from headrace.importing.mapping.values import plain, stamp
from headrace.importing.progress import Progress
from headrace.importing.source import PrefectSource

RUN = "0197f9a6-0000-7000-8000-000000000001"
DEPLOYMENT = "0197f9a6-0000-7000-8000-000000000002"


def a_job(**options: Any) -> Job:
    """Return a job that neither reads nor writes by itself."""
    progress = Progress(None, None, stamp("2026-01-01T00:00:00Z").ToDatetime())  # type: ignore[union-attr]
    return Job(cast(PrefectSource, None), cast(Client, None), progress, lambda words: None, **options)


def a_variable(text: str, *, version: int = 0) -> variable_pb2.Variable:
    found = variable_pb2.Variable(name="region")
    found.value.string_value = text
    found.updated_at.FromSeconds(1_700_000_000 + version)
    return found


@pytest.mark.parametrize(
    ("after", "counted"),
    [(a_variable("eu", version=1), (0, 1)), (a_variable("us", version=1), (1, 0))],
)
def test_what_a_change_left_as_it_was_is_no_update(after: variable_pb2.Variable, counted: tuple[int, int]) -> None:
    job, asked = a_job(updates=True), []

    def call(request: variable_pb2.SetVariableRequest) -> variable_pb2.SetVariableResponse:
        asked.append(request)
        return variable_pb2.SetVariableResponse(variable=after)

    job.change("variables", "region", a_variable("eu"), call, variable_pb2.SetVariableRequest(name="region"))
    count = job.report.of("variables")
    assert (count.updated, count.there_before, count.found, len(asked)) == (*counted, 1, 1)


@pytest.mark.parametrize("options", [{}, {"updates": True, "is_rehearsal": True}])
def test_nothing_is_changed_unless_that_is_wanted(options: dict[str, bool]) -> None:
    job = a_job(**options)

    def call(request: variable_pb2.SetVariableRequest) -> variable_pb2.SetVariableResponse:
        raise AssertionError(request)

    job.change("variables", "region", a_variable("eu"), call, variable_pb2.SetVariableRequest(name="region"))
    assert job.report.of("variables").there_before == 1


def test_a_change_that_is_refused_is_told() -> None:
    job = a_job(updates=True)

    def call(request: variable_pb2.SetVariableRequest) -> variable_pb2.SetVariableResponse:
        raise errors.InvalidArgument.of_field("name", "is no name")

    job.change("variables", "region", a_variable("eu"), call, variable_pb2.SetVariableRequest(name="region"))
    assert (job.report.of("variables").refused, job.report.losses[0].name) == (1, "region")


def test_schedules_that_only_moved_on_are_the_same() -> None:
    before, after = deployment_pb2.Deployment(name="daily"), deployment_pb2.Deployment(name="daily")
    before.schedules.add(slug="one").next_at.FromSeconds(1)
    after.schedules.add(slug="one").next_at.FromSeconds(2)
    after.updated_at.FromSeconds(3)
    job = a_job(updates=True)
    answers = iter([after, deployment_pb2.Deployment(name="daily")])
    for _ in range(2):
        job.change(
            "deployments",
            "daily",
            before,
            lambda request: deployment_pb2.ApplyDeploymentResponse(deployment=next(answers)),
            deployment_pb2.ApplyDeploymentRequest(name="daily"),
        )
    count = job.report.of("deployments")
    assert (count.there_before, count.updated) == (1, 1)
    assert before.schedules[0].HasField("next_at")


def test_secrets_that_are_not_given_away_stay_where_the_block_is_here() -> None:
    given = {"name": "main", "block_type": {"slug": "warehouse"}, "data": {"url": "u", "token": "********"}}
    request, lost = blocks.block(given, {}, keeps_hidden=True)
    assert plain(request.data) == {"url": "u", "token": "********"}
    assert len(lost) == 1


def test_a_run_that_somebody_asked_for_is_asked_for_again() -> None:
    found = {
        "id": RUN,
        "name": "asked-for",
        "state": {"type": "SCHEDULED", "state_details": {"scheduled_time": "2026-05-01T00:00:00Z"}},
        "parameters": {"count": 5},
        "tags": ["once"],
        "idempotency_key": "key",
    }
    request = runs.scheduled_run(found, DEPLOYMENT)
    assert (request.deployment_id, request.flow_run_id, request.name) == (DEPLOYMENT, RUN, "asked-for")
    assert request.scheduled_at == stamp("2026-05-01T00:00:00Z")
    assert (plain(request.parameters), list(request.tags)) == ({"count": 5.0}, ["once"])
    assert request.HasField("enforce_parameter_schema")
    assert not request.enforce_parameter_schema
