"""Commands that need no server: deployments described by options, settings, profiles, completion."""

from __future__ import annotations

import pathlib
import subprocess
import sys
from typing import Any

import click
import pytest
from click.testing import CliRunner

from headrace import errors
from headrace.cli import api, config, deploy, profile
from headrace.cli.described import DescribedProject, describing_options
from headrace.deployments.project_file import read_project_file
from headrace.profiles import load_profiles
from headrace.steps.templating import Values


def described(*options: str) -> dict[str, Any]:
    """Return what options say of a deployment."""
    found: list[dict[str, Any]] = []

    @click.command()
    @describing_options
    def command(described: dict[str, Any]) -> None:
        found.append(described)

    command.main(list(options), standalone_mode=False)
    return found[0]


def test_options_describe_a_deployment_as_the_file_does() -> None:
    section = described(
        *("--pool", "mill", "--work-queue", "urgent", "--cron", "0 3 * * *", "--interval", "90s"),
        *("--timezone", "Europe/Berlin", "--anchor", "2030-01-01T00:00", "--param", "limit=5", "--param", "word=tea"),
        *("--job-variable", "env={}", "--tag", "a", "--label", "team=data", "--concurrency-limit", "0", "--paused"),
    )
    project = DescribedProject(pathlib.Path("headrace.yaml"), {"name": "x", "entrypoint": "f:g", **section}, None)
    read = project.section(0, Values())
    assert [type(schedule).__name__ for schedule in read.to_schedules() or []] == ["Cron", "Interval"]
    assert read.parameters == {"limit": 5, "word": "tea"}
    assert (read.work_pool.name, read.work_pool.work_queue, read.work_pool.job_variables) == (
        "mill",
        "urgent",
        {"env": {}},
    )
    limit = read.to_concurrency()
    assert limit is not None
    assert (limit.limit, read.paused, read.tags, read.labels) == (0, True, ["a"], {"team": "data"})
    assert described() == {}


def test_mistakes_in_options_name_the_option_and_those_in_steps_the_file(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "headrace.yaml"
    file.write_text("name: x\nbuild:\n- set_working_directory: {directory: /tmp}\ndeployments: []\n")
    section = {"name": "x", "entrypoint": "f:g", **described("--pool", "mill", "--interval", "0.5s")}
    project = DescribedProject(file, section, read_project_file(file))
    assert len(project.steps("build")) == 1
    with pytest.raises(errors.InvalidArgument, match=r"^--interval: "):
        project.section(0, Values())
    assert str(project.error(("build", 0), "no")).startswith(str(file))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--cron", "0 3 * * *"], "go with ENTRYPOINT"),
        (["flows.py:f", "--pool", "mill"], "--name, once"),
        (["flows.py:f", "--name", "x"], "--pool"),
        (["flows.py:f", "--name", "x", "--pool", "mill", "--all"], "--all deploys"),
        (["flows.py:f", "--name", "x", "--pool", "mill", "--timezone", "UTC"], "--timezone goes with"),
        (["flows.py:f", "--name", "x", "--pool", "mill", "--collision-strategy", "enqueue"], "--collision-strategy"),
    ],
)
def test_options_that_do_not_fit_are_usage_errors(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(deploy.command, arguments)
    assert answer.exit_code == 2
    assert said in answer.output


@pytest.fixture
def home(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """The home of somebody with two profiles."""
    for name in ("HEADRACE_API_URL", "HEADRACE_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path))
    (tmp_path / "profiles.toml").write_text(
        'active = "work"\n[profiles.work]\nHEADRACE_API_URL = "http://127.0.0.1:4200"\n[profiles.other]\n'
    )
    return tmp_path


def test_a_profile_gets_another_name_and_stays_active(home: pathlib.Path) -> None:
    runner = CliRunner()
    assert runner.invoke(profile.command, ["rename", "work", "office"]).exit_code == 0
    kept = load_profiles(home / "profiles.toml")
    assert (kept.active, kept.names) == ("office", ["default", "office", "other"])
    assert kept.values["office"] == {"HEADRACE_API_URL": "http://127.0.0.1:4200"}
    refused = runner.invoke(profile.command, ["rename", "office", "other"]).exception
    assert isinstance(refused, errors.AlreadyExists)


@pytest.mark.parametrize("command", [["use"], ["inspect"], ["delete"], ["rename", "nobody", "x"]])
def test_a_profile_that_is_not_there_is_said_with_those_that_are(home: pathlib.Path, command: list[str]) -> None:
    answer = CliRunner().invoke(profile.command, [*command[:1], *(command[1:] or ["nobody"])])
    assert isinstance(answer.exception, errors.NotFound)
    assert "'nobody'; there are default, other, work" in str(answer.exception)


def test_settings_that_are_wrong_or_misspelt_are_found(home: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = CliRunner()
    good = runner.invoke(config.command, ["validate"], standalone_mode=False)
    assert good.return_value == 0
    with (home / "profiles.toml").open("a") as file:
        file.write('HEADRACE_API_URI = "x"\nHEADRACE_SPOOL_BYTES = "many"\n')
    monkeypatch.setenv("HEADRACE_API_KEI", "x")
    monkeypatch.setenv("HEADRACE_SERVER_PORT_OF_SOMEBODY_ELSE", "1")
    bad = runner.invoke(config.command, ["validate"], standalone_mode=False)
    assert bad.return_value == 1
    said = bad.output.splitlines()
    assert said[0] == "profile other: HEADRACE_API_URI: is not a setting; did you mean HEADRACE_API_URL?"
    assert said[1].startswith("profile other: HEADRACE_SPOOL_BYTES: ")
    assert said[2] == "environment: HEADRACE_API_KEI: is not a setting; did you mean HEADRACE_API_KEY?"
    assert len(said) == 3


def test_commands_are_completed(tmp_path: pathlib.Path) -> None:
    code = "import sys; sys.argv=['headrace']; from headrace.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={
            "HEADRACE_HOME": str(tmp_path),
            "PATH": "/usr/bin:/bin",
            "_HEADRACE_COMPLETE": "bash_complete",
            "COMP_WORDS": "headrace work",
            "COMP_CWORD": "1",
        },
    )
    assert done.stdout.split() == ["plain,work-pool", "plain,worker", "plain,workspace"], done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--data", "{"], "--data is not JSON"),
        (["--data", "@nowhere.json"], "nowhere.json cannot be read"),
        (["--query", "page_size"], "not of the form name=value"),
        (["--header", "Accept"], "not of the form 'Name: value'"),
    ],
)
def test_a_call_that_is_written_wrongly_is_not_made(home: pathlib.Path, options: list[str], said: str) -> None:
    answer = CliRunner().invoke(api.command, ["POST", "flows:search", *options])
    assert isinstance(answer.exception, errors.InvalidArgument)
    assert said in str(answer.exception)
