from __future__ import annotations

import os
import pathlib
import subprocess

import pytest

from headrace import errors, flow
from headrace.deployments import GitRepository, LocalFolder, RemoteFolder, to_deployment
from headrace.deployments.sources import source_of
from headrace.steps import StepFailed
from headrace.testing import LocalRuns

CODE = """\
import headrace_source_helper
from headrace import flow

@flow
def sourced(name: str = "you") -> str:
    return f"{headrace_source_helper.WORD} {name}"
"""


@pytest.fixture
def repository(tmp_path: pathlib.Path) -> pathlib.Path:
    """A repository with a flow."""
    made = tmp_path / "code.git"
    (made / "flows").mkdir(parents=True)
    (made / "flows" / "sourced_flows.py").write_text(CODE)
    (made / "flows" / "headrace_source_helper.py").write_text("WORD = 'from git'\n")
    for arguments in (
        ["init", "--quiet", "-b", "main"],
        ["add", "."],
        ["-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "--quiet", "-m", "first"],
    ):
        subprocess.run(["git", *arguments], cwd=made, check=True, capture_output=True)
    return made


@pytest.fixture(autouse=True)
def home(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """The home, where code is kept."""
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_flow_of_a_repository_runs_and_remembers_where_it_is_from(repository: pathlib.Path, runs: LocalRuns) -> None:
    here = os.getcwd()
    found = flow.from_source(f"file://{repository}", "flows/sourced_flows.py:sourced")
    assert os.getcwd() == here
    assert found("me") == "from git me"
    definition = to_deployment(found.with_options(retries=2), "test", work_pool_name="pool")
    content = definition.to_request().content
    assert (content.entrypoint, content.path) == ("flows/sourced_flows.py:sourced", "")
    assert [step.step for step in content.pull_steps] == ["git_clone"]
    assert dict(content.pull_steps[0].inputs) == {"repository": f"file://{repository}"}


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("https://host/team/code.git", GitRepository(url="https://host/team/code.git")),
        ("git@host:team/code.git", GitRepository(url="git@host:team/code.git")),
        ("s3://bucket/code", RemoteFolder("s3://bucket/code")),
        ("/srv/code", LocalFolder("/srv/code")),
    ],
)
def test_a_text_names_a_source(text: str, source: object) -> None:
    assert source_of(text) == source


def test_a_path_of_a_bare_repository_is_cloned(tmp_path: pathlib.Path) -> None:
    subprocess.run(["git", "init", "-q", "--bare", tmp_path / "code.git"], check=True)
    (tmp_path / "plain.git").mkdir()
    assert source_of(tmp_path / "code.git") == GitRepository(url=str(tmp_path / "code.git"))
    assert source_of(tmp_path / "plain.git") == LocalFolder(str(tmp_path / "plain.git"))


def test_secrets_of_a_source_must_be_placeholders() -> None:
    assert GitRepository(url="x", access_token="{{ $TOKEN }}").steps()[0].inputs["access_token"] == "{{ $TOKEN }}"
    for given in ({"access_token": "abc"}, {"credentials": {"username": "me", "password": "abc"}}):
        with pytest.raises(errors.InvalidArgument, match="must be placeholders"):
            GitRepository(url="x", **given)
    with pytest.raises(errors.InvalidArgument, match=r"ends in \.git"):
        source_of("https://host/team/code")


def test_what_cannot_be_fetched_says_why(tmp_path: pathlib.Path) -> None:
    with pytest.raises(StepFailed, match="git_clone failed"):
        flow.from_source(f"file://{tmp_path}/nothing.git", "x.py:x")
    with pytest.raises(StepFailed, match="there is no folder"):
        flow.from_source(tmp_path / "nothing", "x.py:x")
