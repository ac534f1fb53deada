"""A real repository is deployed with its project file, and its runs bring their code along."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import sysconfig
import uuid

import pytest

from headrace.api.v1 import deployment_pb2, deployment_pb2_grpc
from headrace_harness.machine import Machine, only
from headrace_harness.observer import Observer
from headrace_harness.servers import eventually
from headrace_harness.stack import Stack

PROJECT = """\
name: reports
pull:
- git_clone:
    id: clone
    repository: "{{ git.repository }}"
    commit: "{{ git.commit }}"
- run_shell_script:
    id: look
    script: echo "the clone has $(ls -A | wc -l) entries"
    directory: "{{ clone.directory }}"
deployments:
- name: git
  entrypoint: flows/report.py:report
  tags: [nightly]
  parameters: {place: here}
  schedules:
  - cron: "0 3 1 1 *"
    timezone: Europe/Berlin
  concurrency_limit: 3
  work_pool:
    name: POOL
    job_variables:
      command: "{{ $RUN_PYTHON }} -m headrace.worker.child"
- name: other
  entrypoint: flows.report.report
  work_pool:
    name: POOL
"""
FLOW = """\
import os
import sys

import only_in_this_environment
from headrace import flow
from words import WORD


@flow(log_prints=True)
def report(place: str = "there") -> str:
    print("said", WORD, only_in_this_environment.VALUE, place)
    print("in", os.getcwd(), "by", sys.prefix)
    return WORD
"""


def git(folder: pathlib.Path, *arguments: str) -> str:
    settings = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *settings, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def python(tmp_path: pathlib.Path) -> str:
    """An interpreter of an environment of its own, with Headrace and with a module that is nowhere else."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    packages = only(list((tmp_path / "venv").glob("lib/python*/site-packages")))
    (packages / "headrace.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    (packages / "only_in_this_environment.py").write_text("VALUE = 'elsewhere'\n")
    return str(tmp_path / "venv" / "bin" / "python")


@pytest.fixture
def clone(tmp_path: pathlib.Path) -> pathlib.Path:
    """A clone of a bare repository, on the machine of whoever deploys."""
    git(tmp_path, "init", "--bare", "--quiet", "origin.git")
    git(tmp_path, "clone", "--quiet", str(tmp_path / "origin.git"), "clone")
    return tmp_path / "clone"


def commit(clone: pathlib.Path, word: str) -> str:
    (clone / "flows").mkdir(exist_ok=True)
    (clone / "flows" / "report.py").write_text(FLOW)
    (clone / "flows" / "words.py").write_text(f"WORD = {word!r}\n")
    git(clone, "add", ".")
    git(clone, "commit", "--quiet", "-m", f"Say {word}")
    git(clone, "push", "--quiet", "origin", "HEAD")
    return git(clone, "rev-parse", "HEAD")


async def test_a_repository_is_deployed_run_elsewhere_and_rolled_back(
    tmp_path: pathlib.Path, machine: Machine, observer: Observer, stack: Stack, clone: pathlib.Path, python: str
) -> None:
    pool = f"pool-{uuid.uuid4().hex[:8]}"
    (clone / "headrace.yaml").write_text(PROJECT.replace("POOL", pool))
    # Whoever deploys imports the flow, and needs what it imports.
    (clone / "only_in_this_environment.py").write_text("VALUE = 'of the deployer'\n")
    (clone / ".gitignore").write_text("only_in_this_environment.py\n__pycache__\n")
    first = commit(clone, "first")
    desk = Machine(tmp_path / "desk", machine.environment["HEADRACE_API_URL"], {"RUN_PYTHON": python})
    desk.folder.mkdir()
    desk.folder = clone

    async def deploy(*arguments: str) -> str:
        return (await desk.headrace("deploy", "-n", "git", *arguments)).out

    await machine.headrace("work-pool", "create", pool)
    assert "+ report/git would be created" in await deploy("--dry-run")
    assert "+ report/git created, version 1" in await deploy()
    assert "= report/git is as the file says, version 1" in await deploy()
    work = tmp_path / "work"
    work.mkdir()
    machine.folder = work
    await machine.start_worker(pool)
    assert await said(machine, observer, stack, tmp_path) == f"first elsewhere here|{first}"

    second = commit(clone, "second")
    changes = await deploy("--dry-run")
    assert f'- content.version_info.revision: "{first}"' in changes
    assert f'+ content.version_info.revision: "{second}"' in changes
    assert "~ report/git changed, version 2" in await deploy()
    assert await said(machine, observer, stack, tmp_path) == f"second elsewhere here|{second}"

    await machine.headrace("deployment", "rollback", "report/git")
    assert await said(machine, observer, stack, tmp_path) == f"first elsewhere here|{first}"

    stub = stack.stub(deployment_pb2_grpc.DeploymentServiceStub)
    request = deployment_pb2.GetDeploymentByNameRequest(flow_name="report", deployment_name="git")
    found = (await stub.GetDeploymentByName(request)).deployment
    assert only(found.schedules).rule.cron.time_zone == "Europe/Berlin"
    assert found.concurrency.limit == 3
    assert not list(work.glob("**/report.py")), "runs left their code behind"


async def said(machine: Machine, observer: Observer, stack: Stack, place: pathlib.Path) -> str:
    """Run the deployment, and return what it said and which revision its version has."""
    run_id = await machine.start_run("report/git")
    run = await observer.ended(run_id)
    lines: list[str] = []

    async def is_there() -> bool:
        lines[:] = [record.message for record in await observer.logs(run_id)]
        begins = ("Cloned ", "the clone has ", "said ", "in ")
        return run.state.name != "Completed" or all(any(line.startswith(begin) for line in lines) for begin in begins)

    await eventually(is_there)
    assert run.state.name == "Completed", f"{run.state.message}\n" + "\n".join(lines)
    folder = only([line for line in lines if line.startswith("in ")])
    assert folder.endswith(f"by {place / 'venv'}")
    assert "/headrace-run-" in folder
    stub = stack.stub(deployment_pb2_grpc.DeploymentServiceStub)
    request = deployment_pb2.GetDeploymentVersionRequest(deployment_version_id=run.deployment_version_id)
    revision = (await stub.GetDeploymentVersion(request)).version.content.version_info.revision
    words = str(only([line for line in lines if line.startswith("said ")])).removeprefix("said ")
    return f"{words}|{revision}"
