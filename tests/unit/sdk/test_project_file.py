from __future__ import annotations

import datetime
import pathlib

import pytest

from headrace import errors
from headrace.deployments.project_file import WrongProjectFile, read_project_file
from headrace.deployments.schedules import Cron, Interval, RRule
from headrace.deployments.templates import RECIPES, find_flows, project_text
from headrace.steps.templating import Values

WHOLE = """\
name: whole
definitions:
  pool: &pool
    name: default
    job_variables: {env: {A: "{{ $LEVEL }}"}}
pull:
- set_working_directory:
    directory: /srv/code
deployments:
- name: one
  entrypoint: flows.py:one
  tags: [a, b]
  labels: {team: data}
  parameters: {limit: 5}
  schedules:
  - cron: "0 3 * * *"
    timezone: Europe/Berlin
    catch_up: latest
    maximum_lateness: 3600
  - interval: 900
    slug: often
    anchor: 2030-01-01T00:00:00Z
    parameters: {limit: 1}
  - rrule: "FREQ=DAILY;COUNT=3"
    active: false
  concurrency_limit: {limit: 2, strategy: cancel_running, grace_seconds: 90}
  work_pool: *pool
- name: two
  entrypoint: flows.py:two
  concurrency_limit: "{{ $LIMIT | 4 }}"
  schedules: []
  pull: []
  work_pool: {<<: *pool, work_queue: urgent}
"""


def write(folder: pathlib.Path, text: str) -> pathlib.Path:
    file = folder / "headrace.yaml"
    file.write_text(text)
    return file


def test_a_whole_file_is_read(tmp_path: pathlib.Path) -> None:
    project = read_project_file(write(tmp_path, WHOLE))
    assert (project.name, project.deployment_names) == ("whole", ["one", "two"])
    values = Values(environment={"LEVEL": "high"})
    one = project.section(0, values)
    assert one.work_pool.job_variables == {"env": {"A": "high"}}
    schedules = one.to_schedules()
    assert schedules is not None
    assert [type(schedule) for schedule in schedules] == [Cron, Interval, RRule]
    assert [schedule.slug for schedule in schedules] == ["cron", "often", "rrule-3"]
    assert [schedule.active for schedule in schedules] == [True, True, False]
    limit = one.to_concurrency()
    assert limit is not None
    assert (limit.limit, limit.strategy) == (2, "cancel_running")
    two = project.section(1, values)
    assert two.concurrency_limit is not None
    assert two.concurrency_limit.limit == 4
    assert two.to_schedules() == []
    assert (two.work_pool.name, two.work_pool.work_queue) == ("default", "urgent")
    assert project.has_steps("pull", 1)
    assert not project.has_steps("pull", 0)
    assert [step.name for step in project.steps("pull")] == ["set_working_directory"]


ONE = """\
deployments:
- name: one
  entrypoint: flows.py:one
  work_pool:
    name: default
"""


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("deployments: [\n", 2, "did not find expected|expected"),
        ("deployment: []\n", 1, "deployment: is not known"),
        ("a text", 1, "a project file holds keys"),
        (ONE + "  retries: 3\n", 6, r"deployments\[0\].retries: is not known here"),
        (ONE.replace("  entrypoint: flows.py:one\n", ""), 2, "entrypoint: is missing"),
        (ONE + "  tags: night\n", 6, "tags: .*list"),
        (ONE + "  schedule:\n  - cron: '* * * * *'\n", 6, r"schedule: must be a mapping of names to values"),
        (ONE + "  name: two\n", 6, "'name' stands here twice"),
        (ONE + "  schedules:\n  - cron: '* * * * *'\n    interval: 3\n", 7, "exactly one of cron, interval and rrule"),
        (ONE + "  schedules:\n  - timezone: UTC\n    cron: '* * * * *'\n    zone: x\n", 9, "zone: is not known here"),
        (ONE + "  concurrency_limit:\n    limit: -1\n", 7, "greater than or equal to 0"),
        (ONE + "  description: '{{ $UNSET }}'\n", 6, "the environment variable UNSET is not set"),
        (ONE + "  parameters:\n    a:\n    - '{{ nothing.x }}'\n", 8, "no step or value 'nothing'"),
        (ONE + "  parameters:\n    a: '{{ headrace.blocks.secret.x }}'\n", 7, "can be used in steps only"),
        (ONE + "pull:\n- clone: {}\n", 7, "there is no step 'clone'; there are git_clone, "),
        (ONE + "pull:\n- git_clone:\n    url: x\n", 8, "git_clone has no input 'url'; it has repository, branch"),
        (ONE + "pull:\n- git_clone:\n    branch: x\n", 7, "git_clone needs 'repository'"),
        (ONE + "  build:\n  - a: {}\n    b: {}\n", 7, "a step is one name with its inputs"),
        (ONE + ONE.partition("\n")[2], 6, "there are two deployments 'one'"),
        (ONE.replace("name: one", "name: '{{ $NAME }}'"), 2, "must be a text without placeholders"),
    ],
)
def test_a_mistake_is_told_with_file_and_line(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, text: str, line: int, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WrongProjectFile, match=said) as raised:
        read_project_file(write(tmp_path, text)).section(0, Values(environment={}))
    assert str(raised.value).startswith(f"headrace.yaml:{line}: ")


def test_the_example_of_the_guide_is_a_project_file(tmp_path: pathlib.Path) -> None:
    guide = (pathlib.Path(__file__).parents[3] / "docs" / "deployments.md").read_text()
    project = read_project_file(write(tmp_path, guide.partition("```yaml\n")[2].partition("```")[0]))
    values = Values(known={"git": {"commit": "c"}, "image": {"image": "i:c"}}, environment={})
    nightly, from_git = project.section(0, values), project.section(1, values)
    assert nightly.work_pool.job_variables == {"image": "i:c", "env": {"LEVEL": "INFO"}}
    assert from_git.pull is not None
    assert [step.name for step in project.steps("pull", 1)] == ["git_clone", "pip_install_requirements"]


def test_a_missing_file_says_how_to_make_one(tmp_path: pathlib.Path) -> None:
    with pytest.raises(errors.NotFound, match="headrace init"):
        read_project_file(tmp_path / "headrace.yaml")


def test_flows_are_found_without_importing_them(tmp_path: pathlib.Path) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "etl.py").write_text(
        "raise SystemExit('must not be imported')\nimport headrace\n"
        "@headrace.flow(retries=2)\nasync def load(): ...\n@headrace.task\ndef step(): ...\n"
    )
    (tmp_path / "broken.py").write_text("def (:\n")
    (tmp_path / "one.py").write_text("from headrace import flow\n@flow\ndef one(): ...\n")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "two.py").write_text("from headrace import flow\n@flow\ndef two(): ...\n")
    assert list(find_flows(tmp_path)) == ["one.py:one", "flows/etl.py:load"]


@pytest.mark.parametrize("recipe", sorted(RECIPES))
def test_a_first_project_file_can_be_read(tmp_path: pathlib.Path, recipe: str) -> None:
    (tmp_path / "one.py").write_text("from headrace import flow\n@flow\ndef one_flow(): ...\n")
    text, flows = project_text(tmp_path, name=None, recipe=recipe, pool="mill")
    project = read_project_file(write(tmp_path, text))
    assert flows == ["one.py:one_flow"]
    assert project.deployment_names == ["one-flow"]
    section = project.section(0, Values(), may_be_missing=True)
    assert (section.entrypoint, section.work_pool.name) == ("one.py:one_flow", "mill")


def test_times_of_a_schedule_without_an_offset_are_read_in_its_zone(tmp_path: pathlib.Path) -> None:
    text = (
        ONE
        + """\
  schedules:
  - {interval: 86400, anchor: 2026-03-01T02:30, timezone: Europe/Berlin, starts_at: 2026-07-01T00:00}
  - {cron: "0 3 * * *", starts_at: 2026-07-01T00:00}
"""
    )
    schedules = read_project_file(write(tmp_path, text)).section(0, Values(environment={})).to_schedules()
    assert schedules is not None
    daily, nightly = schedules
    assert isinstance(daily, Interval)
    assert daily.anchor == datetime.datetime(2026, 3, 1, 1, 30, tzinfo=datetime.UTC)
    assert daily.starts_at == datetime.datetime(2026, 6, 30, 22, tzinfo=datetime.UTC)
    assert nightly.starts_at == datetime.datetime(2026, 7, 1, tzinfo=datetime.UTC)
