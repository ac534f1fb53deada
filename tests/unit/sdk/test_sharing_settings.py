"""Calendars, keys and worker labels from project files and from Python."""

from __future__ import annotations

import pathlib

import pytest

from headrace import flow
from headrace.deployments.definition import ConcurrencyLimit, to_deployment
from headrace.deployments.project_file import WrongProjectFile, read_project_file
from headrace.deployments.schedules import Cron
from headrace.steps.templating import Values

TEXT = """\
name: shared
deployments:
- name: one
  entrypoint: flows.py:one
  worker_labels: {gpu: a100}
  schedules:
  - cron: "0 3 * * *"
    calendars: [holidays, weekends]
  concurrency_limit: {key: customer.id, key_limit: 2, strategy: cancel_new}
  work_pool: {name: default}
- name: two
  entrypoint: flows.py:two
  concurrency_limit: {strategy: cancel_new}
  work_pool: {name: default}
"""


@flow
def sharing(customer: int = 0) -> int:
    return customer


def test_what_python_says_is_what_the_server_is_asked_for() -> None:
    definition = to_deployment(
        sharing,
        "one",
        schedules=[Cron("0 3 * * *", calendars=["holidays"])],
        concurrency_limit=ConcurrencyLimit(key="{{ customer }}"),
        worker_labels={"gpu": "a100"},
        work_pool_name="default",
    )
    request = definition.to_request()
    assert request.content.worker_labels["gpu"] == "a100"
    assert list(request.schedules[0].calendar_names) == ["holidays"]
    assert (request.concurrency.key, request.concurrency.HasField("limit")) == ("{{ customer }}", False)


def test_a_project_file_has_the_same(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "headrace.yaml"
    file.write_text(TEXT)
    project = read_project_file(file)
    one = project.section(0, Values(environment={}))
    assert one.worker_labels == {"gpu": "a100"}
    schedules = one.to_schedules()
    assert schedules is not None
    assert list(schedules[0].calendars) == ["holidays", "weekends"]
    assert one.to_concurrency() == ConcurrencyLimit(None, "cancel_new", key="{{ customer.id }}", key_limit=2)
    with pytest.raises(WrongProjectFile, match="limit, key or both"):
        project.section(1, Values(environment={}))
