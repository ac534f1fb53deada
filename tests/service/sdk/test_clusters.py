"""Task runners for more than one machine, with real Dask and Ray."""

from __future__ import annotations

import os
import pathlib
import threading
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

# What the flow's process does alone is the same wherever functions are executed, and each task costs Ray a while.
ON_RAY = [name for name in NAMES if name not in ("results_are_cached", "futures_tell_of_their_ends")]
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
    runner = DaskTaskRunner(
        cluster_class="distributed.LocalCluster",
        cluster_kwargs=options,
        adapt_kwargs={"minimum": 1, "maximum": 1},
    )

    @flow(task_runner=runner)
    def calls() -> set[int]:
        return set(process_number.map([]).result()) | {process_number.submit().result()}

    with local_runs():
        assert calls() == {os.getpid()}


@pytest.mark.usefixtures("environment")
def test_tasks_mean_the_same_on_a_ray_cluster(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    options = {"num_cpus": 2, "object_store_memory": MEMORY, "_node_ip_address": "127.0.0.1"}
    failed: list[BaseException] = []

    def play_all() -> None:
        try:
            for name in ON_RAY:
                folder = tmp_path / name
                folder.mkdir()
                with local_runs() as runs:
                    play(name, RayTaskRunner(), runs, folder)
            with local_runs() as runs:
                error, _ = lets_a_worker_die()
                assert isinstance(error, WorkerDied)
                assert [run.state.type for run in runs.task_runs()] == [StateType.CRASHED, StateType.COMPLETED]
        except BaseException as error:
            failed.append(error)

    @flow(task_runner=RayTaskRunner())
    def lets_a_worker_die() -> tuple[object, int]:
        return die.submit().result(raise_on_failure=False), process_number.submit().result()

    @flow(task_runner=RayTaskRunner(init_kwargs=options))
    def makes_the_cluster() -> int:
        number = process_number.submit().result()
        # The others use the cluster that this flow run has made.
        thread = threading.Thread(target=play_all)
        thread.start()
        thread.join()
        return number

    try:
        with local_runs():
            assert makes_the_cluster() != os.getpid()
        if failed:
            raise failed[0]
        assert not ray.is_initialized()
    finally:
        ray.shutdown()
