"""What a deployment would change is said in the words of its author."""

from __future__ import annotations

from headrace.api.v1 import deployment_pb2
from headrace.cli.deployment import concurrency_words
from headrace.deployments.changes import changes_of


def test_whole_numbers_are_shown_without_a_fraction() -> None:
    wanted = deployment_pb2.ApplyDeploymentRequest(flow_name="f", name="d", keep_schedules=True)
    wanted.content.parameters.update({"limit": 3, "share": 0.5, "many": [1, {"deep": 2}]})
    shown = {change.name.removeprefix("content.parameters."): change.after for change in changes_of(None, wanted)}
    assert shown == {"limit": "3", "share": "0.5", "many": '[1, {"deep": 2}]'}


def test_a_parameter_that_is_nothing_is_a_change_nevertheless() -> None:
    wanted = deployment_pb2.ApplyDeploymentRequest(flow_name="f", name="d", keep_schedules=True)
    wanted.content.parameters.update({"limit": 0, "fail": False, "word": "", "none": None})
    before = deployment_pb2.Deployment()
    assert {change.name: change.after for change in changes_of(before, wanted)} == {
        "content.parameters.limit": "0",
        "content.parameters.fail": "false",
        "content.parameters.word": '""',
        "content.parameters.none": "null",
    }
    before.content.CopyFrom(wanted.content)
    assert changes_of(before, wanted) == []


def test_a_concurrency_limit_is_said_with_its_key_and_what_happens_to_more() -> None:
    assert concurrency_words(deployment_pb2.DeploymentConcurrency()) == ""
    both = deployment_pb2.DeploymentConcurrency(
        limit=2, key="{{ who }}", strategy=deployment_pb2.CONCURRENCY_STRATEGY_CANCEL_RUNNING
    )
    assert concurrency_words(both) == "2, 1 per {{ who }} (cancel_running)"
