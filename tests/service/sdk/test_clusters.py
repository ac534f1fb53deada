"""Task runners for more than one machine, with real Dask and Ray."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable
from typing import Any

import distributed
import pytest
import ray

from headrace import flow, task
from headrace.outcomes import WorkerDied
from headrace.states import StateType
from headrace.task_runners.dask import DaskTaskRunner
from headrace.task_runners.ray import RayTaskRunner
from headrace.testing import local_runs
from service.sdk.runner_scenarios import NAMES, play

MEMORY = 100 * 1024 * 1024


@task
def process_number() -> int:
    return os.getpid()


@task
def die() -> None:
    os._exit(3)


@pytest.mark.usefixtures("environment")
@pytest.mark.filterwarnings("default:::distributed")
def test_tasks_mean_the_same_on_a_dask_cluster(tmp_path: pathlib.Path) -> None:
    options = {"host": "127.0.0.1", "dashboard_address": None, "n_workers": 2, "threads_per_worker": 1}
    start: Callable[..., Any] = distributed.LocalCluster
    with start(processes=True, **options) as cluster:
        for name in NAMES:
            folder = tmp_path / name
            folder.mkdir()
            with local_runs() as runs:
                play(name, DaskTaskRunner(address=cluster.scheduler_address), runs, folder)


@pytest.mark.usefixtures("environment")
@pytest.mark.filterwarnings("default:::distributed")
def test_a_flow_run_makes_a_dask_cluster_of_its_own_and_ends_it() -> None:
    options = {"processes": False, "dashboard_address": None, "n_workers": 1, "threads_per_worker": 2}
    runner = DaskTaskRunner(cluster_class="distributed.LocalCluster", cluster_kwargs=options)

    @flow(task_runner=runner)
    def calls() -> set[int]:
        return set(process_number.map([]).result()) | {process_number.submit().result()}

    with local_runs():
        assert calls() == {os.getpid()}


@pytest.mark.usefixtures("environment")
def test_tasks_mean_the_same_on_a_ray_cluster(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=MEMORY,
        _node_ip_address="127.0.0.1",
    )
    try:
        for name in NAMES:
            folder = tmp_path / name
            folder.mkdir()
            with local_runs() as runs:
                play(name, RayTaskRunner(), runs, folder)

        @flow(task_runner=RayTaskRunner())
        def calls() -> tuple[object, int]:
            return die.submit().result(raise_on_failure=False), process_number.submit().result()

        with local_runs() as runs:
            error, _ = calls()
            assert isinstance(error, WorkerDied)
            assert [run.state.type for run in runs.task_runs()] == [StateType.CRASHED, StateType.COMPLETED]
        assert ray.is_initialized()
    finally:
        ray.shutdown()
