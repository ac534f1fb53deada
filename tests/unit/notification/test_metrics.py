"""Conditions on figures: when they fire and resolve, and what they are measured of."""

from __future__ import annotations

import datetime
import uuid

import pytest

from headrace_notification.rules.automations import trigger_document, trigger_from_document
from headrace_notification.rules.buckets import on_figure
from headrace_notification.rules.events import RESOURCE_ID
from headrace_notification.rules.metrics import (
    Metric,
    MetricTrigger,
    Scope,
    faults_of_match,
    question_of,
    scope_of,
)

BEGIN = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
FLOW, POOL = str(uuid.UUID(int=1)), str(uuid.UUID(int=2))


def seconds(count: float) -> datetime.timedelta:
    return datetime.timedelta(seconds=count)


# Each letter is a minute: b is beyond the threshold, o is not, - is no figure. F fires, R resolves, . nothing.
@pytest.mark.parametrize(
    ("firing_for", "story", "expected"),
    [
        (0, "obbo", ".F.R"),
        (2, "bbbbo", "..F.R"),
        (2, "bbobbb", ".....F"),
        (2, "bb-bbb", ".....F"),
        (0, "b--bo", "F...R"),
        (0, "oo--", "...."),
        (5, "bbbbb", "....."),
    ],
)
def test_when_conditions_on_figures_fire(firing_for: int, story: str, expected: str) -> None:
    trigger = MetricTrigger(Metric.QUEUE_DEPTH, ">", 10, firing_for=seconds(60 * firing_for))
    bucket, told = None, ""
    for minute, letter in enumerate(story):
        figure = {"b": 11.0, "o": 10.0, "-": None}[letter]
        step = on_figure(trigger, bucket, figure, BEGIN + seconds(60 * minute))
        bucket = step.bucket
        told += {(): ".", ("fired",): "F", ("resolved",): "R"}[tuple(outcome.value for outcome in step.outcomes)]
    assert told == expected


@pytest.mark.parametrize(("operator", "beyond"), [("<", [1.0]), ("<=", [1.0, 2.0]), (">", [3.0]), (">=", [2.0, 3.0])])
def test_operators(operator: str, beyond: list[float]) -> None:
    trigger = MetricTrigger(Metric.DURATION, operator, 2.0)
    assert [figure for figure in (1.0, 2.0, 3.0) if trigger.is_beyond(figure)] == beyond


def test_resources_say_what_is_measured() -> None:
    trigger = MetricTrigger(
        Metric.SUCCESS_RATE,
        "<",
        0.9,
        match={RESOURCE_ID: (f"headrace.flow.{FLOW}", "headrace.tag.prod")},
        match_related=({RESOURCE_ID: (f"headrace.work-pool.{POOL}",)},),
    )
    assert scope_of(trigger) == Scope(flow_ids=(FLOW,), work_pool_ids=(POOL,), tags=("prod",))
    assert list(faults_of_match(trigger)) == []


@pytest.mark.parametrize(
    ("label", "value"),
    [
        (RESOURCE_ID, "headrace.flow.*"),
        (RESOURCE_ID, f"!headrace.flow.{FLOW}"),
        (RESOURCE_ID, "headrace.flow.nightly"),
        (RESOURCE_ID, f"headrace.flow-run.{FLOW}"),
        ("team", "data"),
    ],
)
def test_what_cannot_be_measured_is_refused(label: str, value: str) -> None:
    [(path, _)] = faults_of_match(MetricTrigger(Metric.LATENESS, ">", 1, match={label: (value,)}))
    assert path == f"match[{label}]"


def test_triggers_that_need_the_same_figure_share_it() -> None:
    workspace_id = uuid.UUID(int=9)
    deep = MetricTrigger(Metric.QUEUE_DEPTH, ">", 10, range=seconds(60))
    deeper = MetricTrigger(Metric.QUEUE_DEPTH, ">", 100, range=seconds(600), firing_for=seconds(5))
    assert question_of(workspace_id, deep) == question_of(workspace_id, deeper)


def test_it_comes_back_from_the_database_as_it_went() -> None:
    trigger = MetricTrigger(
        Metric.DURATION, ">=", 1.5, seconds(90), seconds(30), {RESOURCE_ID: ("headrace.tag.a",)}, ({},)
    )
    assert trigger_from_document(trigger_document(trigger)) == trigger
