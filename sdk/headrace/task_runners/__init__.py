"""Task runners: where submitted tasks run.

    @flow(task_runner=ProcessPoolTaskRunner(max_workers=4))

A flow names one; each of its runs starts a session of it at the first submit and closes that at its end. Threads
are the default. Processes, Dask and Ray execute only the task's function elsewhere: states, retries, caching,
results and hooks stay with the flow's process, so that they mean the same everywhere.

`DaskTaskRunner` is in `headrace.task_runners.dask` and `RayTaskRunner` in `headrace.task_runners.ray`, as they need
libraries of their own.
"""

from headrace.task_runners.base import MAX_UNFINISHED, RunnerSession, TaskRunner
from headrace.task_runners.process_pool import ProcessPoolTaskRunner
from headrace.task_runners.threads import ThreadTaskRunner

__all__ = ["MAX_UNFINISHED", "ProcessPoolTaskRunner", "RunnerSession", "TaskRunner", "ThreadTaskRunner"]
