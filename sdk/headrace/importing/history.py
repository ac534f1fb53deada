"""The history of runs: flow runs that have ended, with states, task runs, artifacts and logs.

A flow run is stored after all that belongs to it, so that one that is here is whole, and an import that was interrupted
or is done again passes it by.
"""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from headrace import errors
from headrace.api.v1 import flow_run_pb2, log_pb2, run_import_pb2, task_run_pb2
from headrace.importing.catalogue import import_flow
from headrace.importing.job import PAGE, UNFIT, Job, chunks, everything
from headrace.importing.mapping import artifacts, runs
from headrace.importing.mapping.states import FINAL
from headrace.importing.mapping.values import has_large_numbers, moment, text
from headrace.importing.progress import Cursor
from headrace.importing.source import Json, NotAtSource, SourceRefused

FLOW_RUNS, TASK_RUNS, ARTIFACTS, LOGS = "flow runs", "task runs", "artifacts", "log records"
BACKGROUND, SCHEDULED = "background task runs", "scheduled flow runs"

READERS = 8
"""Requests to the server that is read from at the same time."""

_TASKS_AT_ONCE = 500
_LOGS_AT_ONCE = 500
_MOST_MESSAGE_BYTES = 64 * 1024
_BUSY_TRIES = 60
_DAY_FULL = "LOG_DAY_FULL"


def import_flow_runs(job: Job) -> None:
    """Store flow runs that ended in the span of the import, the latest first: a parent ends after its subflows."""
    with concurrent.futures.ThreadPoolExecutor(READERS) as readers:
        for page in _ended(job, FLOW_RUNS, "/flow_runs/filter", "flow_runs", {}):
            _import_page(job, readers, page)
    _import_scheduled(job)
    _tell_unfinished(job)


def import_background_task_runs(job: Job) -> None:
    """Store task runs without a flow run that ended in the span of the import."""
    wanted = {"flow_run_id": {"is_null_": True}}
    with concurrent.futures.ThreadPoolExecutor(READERS) as readers:
        try:
            for page in _ended(job, BACKGROUND, "/task_runs/filter", "task_runs", wanted):
                _import_background_page(job, readers, page)
        except SourceRefused as error:
            job.report.lost(BACKGROUND, "all", f"this version of the server cannot list them: {error}")


def _ended(job: Job, kind: str, path: str, entity: str, more: Mapping[str, Any]) -> Iterator[list[Json]]:
    """Yield pages of runs that ended in the span of the import, from where an earlier import stopped."""
    since, until = job.progress.since, job.progress.until
    if since is None:
        return
    cursor = job.progress.cursors.get(kind) or Cursor(until.isoformat())
    while True:
        wanted = {
            **more,
            "state": {"type": {"any_": sorted(FINAL)}},
            "end_time": {"after_": since.isoformat(), "before_": cursor.before},
        }
        page = job.source.read(path, **{entity: wanted}, sort="END_TIME_DESC", offset=cursor.offset)
        if not page:
            return
        yield page
        cursor = after(page, cursor)
        job.progress.cursors[kind] = cursor
        job.progress.save()


def after(page: Sequence[Json], cursor: Cursor) -> Cursor:
    """Return where to go on behind a page: at its last time, behind those of it that ended then."""
    last = str(page[-1]["end_time"])
    at_last = sum(1 for found in page if found["end_time"] == last)
    stayed = moment(last) == moment(cursor.before)
    return Cursor(cursor.before if stayed else last, at_last + (cursor.offset if stayed else 0))


def _import_page(job: Job, readers: concurrent.futures.Executor, page: Sequence[Json]) -> None:
    job.tell(f"flow runs that ended until {page[0]['end_time']}")
    new = _not_here(job, page)
    if not new:
        return
    ids = [str(found["id"]) for found in new]
    parents = _parents(job, new)
    _import_task_runs(job, readers, {"flow_run_id": {"any_": ids}}, TASK_RUNS)
    _import_artifacts(job, {"flow_run_id": {"any_": ids}})
    _import_logs(job, {"flow_run_id": {"any_": ids}}, log_pb2.LogFilter(flow_run_ids=ids))
    histories = _histories(job, readers, "/flow_run_states/", "flow_run_id", ids)
    messages = []
    for found in new:
        _ensure_flow(job, str(found["flow_id"]))
        parent = parents.get(str(found.get("parent_task_run_id") or ""), "")
        messages.append(runs.flow_run(found, histories[str(found["id"])], job.ids, parent))
        if has_large_numbers(found.get("parameters")):
            job.report.lost(FLOW_RUNS, _name_of(found), "whole numbers beyond 2^53, which are kept as texts")
    _store(job, FLOW_RUNS, "flow_runs", messages, PAGE, lambda message: message.flow_run.flow_run_id)


def _not_here(job: Job, page: Sequence[Json]) -> list[Json]:
    request = flow_run_pb2.BatchGetFlowRunsRequest(flow_run_ids=[str(found["id"]) for found in page])
    here = {run.flow_run_id: run for run in job.client.flow_runs.BatchGetFlowRuns(request).flow_runs}
    new = []
    for found in page:
        known = here.get(str(found["id"]))
        if known is None:
            new.append(found)
            continue
        job.report.there_before(FLOW_RUNS)
        if known.state.state_id != str(found["state"]["id"]):
            job.report.lost(FLOW_RUNS, _name_of(found), "what it did after it was imported: it is left as it is here")
    return new


def _parents(job: Job, new: Iterable[Json]) -> dict[str, str]:
    """Return the flow runs of the task runs that stand for subflows, by the ids of the task runs."""
    wanted = sorted({str(found["parent_task_run_id"]) for found in new if found.get("parent_task_run_id")})
    if not wanted:
        return {}
    found = job.source.items("/task_runs/filter", task_runs={"id": {"any_": wanted}})
    return {str(task["id"]): str(task["flow_run_id"]) for task in found if task.get("flow_run_id")}


def _ensure_flow(job: Job, there: str) -> None:
    if there not in job.ids.flows:
        # It was made after the flows were listed.
        import_flow(job, job.source.get(f"/flows/{there}"), None)


def _import_task_runs(job: Job, readers: concurrent.futures.Executor, wanted: Mapping[str, Any], kind: str) -> None:
    for page in job.source.pages("/task_runs/filter", task_runs=wanted, sort="ID_DESC"):
        _store_task_runs(job, readers, page, kind)


def _store_task_runs(job: Job, readers: concurrent.futures.Executor, page: Sequence[Json], kind: str) -> None:
    known = [found for found in page if found.get("state") is not None]
    for found in page:
        if found.get("state") is None:
            job.report.refused(kind, _name_of(found), "it has no state")
    histories = _histories(job, readers, "/task_run_states/", "task_run_id", [str(found["id"]) for found in known])
    messages = [runs.task_run(found, histories[str(found["id"])]) for found in known]
    _store(job, kind, "task_runs", messages, _TASKS_AT_ONCE, lambda message: message.task_run.task_run_id)


def _import_background_page(job: Job, readers: concurrent.futures.Executor, page: Sequence[Json]) -> None:
    job.tell(f"background task runs that ended until {page[0]['end_time']}")
    ids = [str(found["id"]) for found in page]
    request = task_run_pb2.ListTaskRunsRequest(filter=task_run_pb2.TaskRunFilter(task_run_ids=ids), page_size=PAGE)
    here = {run.task_run_id for run in job.client.task_runs.ListTaskRuns(request).task_runs}
    new = [found for found in page if str(found["id"]) not in here]
    if len(new) < len(page):
        job.report.there_before(BACKGROUND, len(page) - len(new))
    if not new:
        return
    new_ids = [str(found["id"]) for found in new]
    _import_artifacts(job, {"task_run_id": {"any_": new_ids}})
    _import_logs(job, {"task_run_id": {"any_": new_ids}}, log_pb2.LogFilter(task_run_ids=new_ids))
    _store_task_runs(job, readers, new, BACKGROUND)


def _import_artifacts(job: Job, wanted: Mapping[str, Any]) -> None:
    for page in job.source.pages("/artifacts/filter", artifacts=wanted, sort="ID_DESC"):
        messages = [artifacts.artifact(found) for found in page]
        _store(job, ARTIFACTS, "artifacts", messages, PAGE, lambda message: message.artifact_id)


def _histories(
    job: Job, readers: concurrent.futures.Executor, path: str, field: str, ids: Sequence[str]
) -> dict[str, list[Json]]:
    def read(run_id: str) -> list[Json]:
        try:
            found: list[Json] = job.source.get(path, **{field: run_id})
        except NotAtSource:
            # It was deleted a moment ago.
            return []
        return found

    return dict(zip(ids, readers.map(read, ids), strict=True))


def _store(job: Job, kind: str, field: str, messages: list[Any], most: int, id_of: Callable[[Any], str]) -> None:
    if job.is_rehearsal:
        job.report.created(kind, len(messages))
        return
    for part in chunks(messages, most):
        try:
            _count(job, kind, field, part, id_of)
        except UNFIT as error:
            if len(part) == 1:
                job.report.refused(kind, id_of(part[0]), str(error))
                continue
            # One that does not fit must not take the others with it.
            for message in part:
                try:
                    _count(job, kind, field, [message], id_of)
                except UNFIT as cause:
                    job.report.refused(kind, id_of(message), str(cause))


def _count(job: Job, kind: str, field: str, part: list[Any], id_of: Callable[[Any], str]) -> None:
    request = run_import_pb2.ImportRunsRequest(**{field: part})
    results = getattr(job.client.run_imports.ImportRuns(request), field)
    for message, result in zip(part, results, strict=True):
        if result == run_import_pb2.IMPORT_RESULT_CREATED:
            job.report.created(kind)
        elif result == run_import_pb2.IMPORT_RESULT_THERE_BEFORE:
            job.report.there_before(kind)
        else:
            job.report.refused(kind, id_of(message), "its id or its idempotency key is taken")


def _import_logs(job: Job, wanted: Mapping[str, Any], mine: log_pb2.LogFilter) -> None:
    here: set[str] | None = None
    for page in job.source.pages("/logs/filter", logs=wanted, sort="TIMESTAMP_ASC"):
        if here is None:
            # What an interrupted import left is not written twice.
            here = _logs_here(job, mine)
        records = [artifacts.log_record(found, _MOST_MESSAGE_BYTES) for found in page if str(found["id"]) not in here]
        if len(records) < len(page):
            job.report.there_before(LOGS, len(page) - len(records))
        if job.is_rehearsal:
            job.report.created(LOGS, len(records))
            continue
        for part in chunks(records, _LOGS_AT_ONCE):
            _append(job, part)


def _logs_here(job: Job, mine: log_pb2.LogFilter) -> set[str]:
    return {
        record.log_id
        for record in everything(
            lambda token: job.client.logs.ListLogs(
                log_pb2.ListLogsRequest(filter=mine, page_size=PAGE, page_token=token)
            ),
            "logs",
        )
    }


def _append(job: Job, records: list[log_pb2.LogRecord]) -> None:
    request = log_pb2.AppendLogsRequest(records=records)
    for _ in range(_BUSY_TRIES):
        try:
            job.client.logs.AppendLogs(request)
        except errors.ResourceExhausted as error:
            if error.reason == _DAY_FULL:
                break
            time.sleep(error.retry_after_seconds or 1.0)
        except UNFIT as error:
            job.report.of(LOGS).found += len(records)
            job.report.of(LOGS).refused += len(records)
            job.report.lost(LOGS, records[0].flow_run_id or records[0].task_run_id, str(error))
            return
        else:
            job.report.created(LOGS, len(records))
            return
    job.report.of(LOGS).found += len(records)
    job.report.of(LOGS).refused += len(records)
    job.report.lost(
        LOGS, records[0].flow_run_id or records[0].task_run_id, "the workspace's limit of log records is reached"
    )


def _import_scheduled(job: Job) -> None:
    """Schedule the runs of deployments again that somebody asked for and that have not begun."""
    waiting = {"state": {"type": {"any_": ["SCHEDULED"]}}, "start_time": {"is_null_": True}}
    for found in job.source.items("/flow_runs/filter", flow_runs=waiting, sort="ID_DESC"):
        deployment_id = job.ids.deployments.get(str(found.get("deployment_id") or ""))
        if found.get("auto_scheduled"):
            continue
        if deployment_id is None:
            job.report.refused(SCHEDULED, _name_of(found), "it is of no deployment: nobody here would execute it")
            continue
        request = runs.scheduled_run(found, deployment_id)
        if job.is_rehearsal:
            job.report.created(SCHEDULED)
            continue
        try:
            made = job.client.deployments.RunDeployment(request)
        except UNFIT as error:
            job.report.refused(SCHEDULED, _name_of(found), str(error))
            continue
        if made.created:
            job.report.created(SCHEDULED)
            job.report.lost(SCHEDULED, _name_of(found), "it waits here and there: cancel it on one side")
        else:
            job.report.there_before(SCHEDULED)


def _tell_unfinished(job: Job) -> None:
    scheduled = {"state": {"type": {"any_": ["SCHEDULED"]}}, "tags": {"all_": ["auto-scheduled"]}}
    auto = job.source.count("/flow_runs/count", flow_runs=scheduled)
    if auto:
        what = "made ahead by schedules: the schedules here make their own"
        job.report.lost(FLOW_RUNS, f"{auto} scheduled", what)
    for kind in ("SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING"):
        wanted: dict[str, Any] = {"state": {"type": {"any_": [kind]}}}
        if kind == "SCHEDULED":
            # To be tried again; others wait here, too.
            wanted["start_time"] = {"is_null_": False}
        number = job.source.count("/flow_runs/count", flow_runs=wanted)
        if number > 0:
            job.report.lost(
                FLOW_RUNS, f"{number} {kind.lower()}", "not over yet: an import after they have ended takes them over"
            )


def _name_of(found: Mapping[str, Any]) -> str:
    return f"{text(str(found.get('name') or ''))} ({found['id']})"
