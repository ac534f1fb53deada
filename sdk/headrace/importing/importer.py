"""An import from beginning to end, step by step."""

from __future__ import annotations

import dataclasses
import datetime
import pathlib
from collections.abc import Callable

from headrace.client import Client
from headrace.importing import catalogue, history
from headrace.importing.job import Job
from headrace.importing.progress import Progress, load, place_of
from headrace.importing.source import PrefectSource

STEPS: dict[str, Callable[[Job], None]] = {
    "flows": catalogue.import_flows,
    "work pools": catalogue.import_pools,
    "variables": catalogue.import_variables,
    "blocks": catalogue.import_blocks,
    "concurrency limits": catalogue.import_limits,
    "deployments": catalogue.import_deployments,
    "flow runs": history.import_flow_runs,
    "background task runs": history.import_background_task_runs,
    # Last of all, so that nothing fires while the rest comes.
    "automations": catalogue.import_automations,
}
"""What is done, in this order: each step builds on those before it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """What an import is to do.

    Args:
        history: How far back runs are taken over; None takes none.
        is_rehearsal: Read and map everything, write nothing.
        pauses: Deployments come paused.
        begins_anew: Do not go on where an interrupted import stopped.
        updates: What is here, and has changed there, is changed here.
    """

    history: datetime.timedelta | None
    is_rehearsal: bool = False
    pauses: bool = False
    begins_anew: bool = False
    updates: bool = False


def run_import(
    source: PrefectSource,
    client: Client,
    home: pathlib.Path,
    wanted: Wanted,
    tell: Callable[[str], None],
) -> Progress:
    """Import everything, or go on with the import that was interrupted, and return how it went.

    Raises:
        headrace.importing.source.SourceRefused: The other server is no Prefect 3 server, or refuses.
        errors.Unavailable: One of the servers does not answer; the import goes on when it is run again.
    """
    version = source.version()
    tell(f"Prefect {version} at {source.url}")
    workspace_id = client.settings.workspace_id or ""
    place = place_of(home, source.url, client.server.api_url, workspace_id)
    progress = _begin(place, wanted)
    if progress.is_resumed:
        tell(f"goes on with the import of {progress.until:%Y-%m-%d %H:%M} UTC, from what was done then")
    job = Job(
        source,
        client,
        progress,
        tell,
        is_rehearsal=wanted.is_rehearsal,
        pauses=wanted.pauses,
        updates=wanted.updates,
    )
    progress.save()
    for name, step in STEPS.items():
        if name in progress.done:
            continue
        tell(name)
        step(job)
        progress.finish(name)
    progress.forget()
    return progress


def _begin(place: pathlib.Path, wanted: Wanted) -> Progress:
    if wanted.is_rehearsal:
        return _new(None, wanted)
    kept = None if wanted.begins_anew else load(place)
    return kept or _new(place, wanted)


def _new(place: pathlib.Path | None, wanted: Wanted) -> Progress:
    now = datetime.datetime.now(datetime.UTC)
    return Progress(place, now - wanted.history if wanted.history is not None else None, now)
