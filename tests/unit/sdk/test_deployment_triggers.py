"""Triggers of a deployment become automations that it owns, and what is already so is left alone."""

from __future__ import annotations

import datetime
import pathlib

import pytest

from headrace import errors
from headrace.api.v1 import automation_pb2
from headrace.deployments.project_file import WrongProjectFile, read_project_file
from headrace.deployments.triggers import Trigger, automations_of, changes_between, requests_for
from headrace.steps.templating import Values

DEPLOYMENT_ID = "01a2055c-9a4f-7000-8000-000000000002"
IMPORTED = Trigger(
    expect="orders.imported",
    match={"headrace.resource.id": "shop.*", "shop": ["berlin", "bonn"]},
    match_related={"headrace.resource.role": "warehouse"},
    threshold=3,
    within=datetime.timedelta(minutes=1),
    parameters={"count": "{{ event.payload.count }}", "place": {"id": 7}},
)
EITHER = Trigger(
    name="either",
    condition={
        "compound": {
            "triggers": [{"event": {"expect": ["a"]}}, {"event": {"expect": ["b"]}}],
            "within": "60s",
        }
    },
)


def as_stored(automation: automation_pb2.Automation, number: int) -> automation_pb2.Automation:
    """Return an automation as the server tells it: with all that it fills in."""
    stored = automation_pb2.Automation()
    stored.CopyFrom(automation)
    stored.automation_id = f"01a2055c-9a4f-7000-8000-00000000001{number}"
    stored.created_at.GetCurrentTime()
    stored.creator.display_name = "somebody"
    for trigger in stored.trigger.compound.triggers if stored.trigger.HasField("compound") else ():
        trigger.event.posture = automation_pb2.TRIGGER_POSTURE_REACTIVE
        trigger.event.threshold = 1
        trigger.event.within.SetInParent()
    if stored.trigger.HasField("compound"):
        stored.trigger.compound.require = 2
    return stored


def test_a_trigger_is_an_automation_that_runs_the_deployment() -> None:
    [automation] = automations_of([IMPORTED], "import/nightly", DEPLOYMENT_ID)
    assert (automation.name, automation.enabled) == ("import/nightly", True)
    assert automation.owner_resource_id == f"headrace.deployment.{DEPLOYMENT_ID}"
    [action] = automation.actions
    assert action.run_deployment.deployment_id == DEPLOYMENT_ID
    assert action.run_deployment.parameters["count"] == "{{ event.payload.count }}"
    event = automation.trigger.event
    assert (list(event.expect), event.threshold, event.within.seconds) == (["orders.imported"], 3, 60)
    assert list(event.match.labels["shop"].values) == ["berlin", "bonn"]
    assert [list(match.labels) for match in event.match_related] == [["headrace.resource.role"]]
    names = [made.name for made in automations_of([IMPORTED, EITHER, Trigger()], "import/nightly", "")]
    assert names == ["import/nightly 1", "either", "import/nightly 3"]


def test_what_is_as_it_should_be_is_left_alone() -> None:
    wanted = automations_of([IMPORTED, EITHER], "import/nightly", DEPLOYMENT_ID)
    stored = [as_stored(automation, number) for number, automation in enumerate(wanted)]
    assert list(requests_for(stored, wanted)) == []
    assert changes_between(stored, automations_of([IMPORTED, EITHER], "import/nightly", "")) == []


def test_what_differs_is_created_changed_and_deleted() -> None:
    before = automations_of([IMPORTED, EITHER], "import/nightly", DEPLOYMENT_ID)
    stored = [as_stored(automation, number) for number, automation in enumerate(before)]
    sooner = Trigger(name="import/nightly 1", expect="orders.imported")
    fresh = Trigger(name="fresh", expect="orders.deleted", enabled=False)
    wanted = automations_of([sooner, fresh], "import/nightly", DEPLOYMENT_ID)
    changed, created, deleted = requests_for(stored, wanted)
    assert isinstance(changed, automation_pb2.UpdateAutomationRequest)
    assert changed.automation.automation_id == stored[0].automation_id
    assert isinstance(created, automation_pb2.CreateAutomationRequest)
    assert created.automation.name == "fresh"
    assert isinstance(deleted, automation_pb2.DeleteAutomationRequest)
    assert deleted.automation_id == stored[1].automation_id
    told = {change.name: (change.before, change.after) for change in changes_between(stored, wanted)}
    assert told["triggers.import/nightly 1.trigger.event.threshold"] == ("3", None)
    assert told["triggers.fresh.enabled"] == (None, "false")
    assert told["triggers.either.enabled"] == ("true", None)


def test_of_two_with_the_same_name_one_stays() -> None:
    wanted = automations_of([EITHER], "import/nightly", DEPLOYMENT_ID)
    twins = [as_stored(wanted[0], number) for number in (1, 2)]
    [request] = requests_for(twins, wanted)
    assert isinstance(request, automation_pb2.DeleteAutomationRequest)
    assert request.automation_id == twins[0].automation_id


@pytest.mark.parametrize(
    ("trigger", "field"),
    [
        (Trigger(condition={"nothing": 1}), "condition"),
        (Trigger(expect="a", condition={"event": {}}), "condition"),
        (Trigger(posture="sideways"), "posture"),  # type: ignore[arg-type]
        (Trigger(parameters={"a": object()}), "parameters.a"),
    ],
)
def test_what_is_wrong_is_named(trigger: Trigger, field: str) -> None:
    with pytest.raises(errors.InvalidArgument) as caught:
        automations_of([trigger], "import/nightly", "")
    assert [violation.field for violation in caught.value.violations] == [field]


def test_names_are_told_apart() -> None:
    with pytest.raises(errors.InvalidArgument, match="two are named 'either'"):
        automations_of([EITHER, EITHER], "import/nightly", "")


FILE = """\
deployments:
- name: nightly
  entrypoint: flows.py:load
  work_pool: {name: default}
  tags: ["{{ $STAGE }}"]
  triggers:
  - expect: orders.imported
    parameters: {count: "{{ event.payload.count }}"}
  - name: silent
    posture: proactive
    after: [orders.begun]
    expect: [orders.imported, orders.failed]
    within: 3600
"""


def test_a_file_has_triggers_whose_placeholders_the_event_fills_in(tmp_path: pathlib.Path) -> None:
    (tmp_path / "headrace.yaml").write_text(FILE)
    section = read_project_file(tmp_path / "headrace.yaml").section(0, Values(environment={"STAGE": "prod"}))
    assert section.tags == ["prod"]
    triggers = section.to_triggers()
    assert triggers is not None
    first, second = triggers
    assert (first.expect, first.parameters) == ("orders.imported", {"count": "{{ event.payload.count }}"})
    assert (second.name, second.posture, second.within) == ("silent", "proactive", 3600.0)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("expects: a", "headrace.yaml:7: .*expects.*: is not known here; there are name,"),
        ("threshold: 0", "headrace.yaml:7: .*threshold.*greater than or equal to 1"),
    ],
)
def test_a_mistake_in_a_trigger_is_told_with_its_line(tmp_path: pathlib.Path, wrong: str, said: str) -> None:
    (tmp_path / "headrace.yaml").write_text(FILE.replace("expect: orders.imported", wrong))
    with pytest.raises(WrongProjectFile, match=said):
        read_project_file(tmp_path / "headrace.yaml").section(0, Values(environment={"STAGE": "prod"}))
