"""Assets: what tasks make for others to use, such as tables and files. Headrace keeps when, by whom and from what.

    orders = Asset("s3://lake/orders.parquet", name="Orders", owners=["data"])

    @materialize(orders, asset_deps=["postgres://shop/orders"])
    def export(rows):
        add_asset_metadata(orders, {"rows": len(rows)})

An asset is made when its task completes, and failed to be made when the task fails. It is made from the `asset_deps`,
and from the assets of the task runs whose results the task takes: of those that made none, from what they took, their
own `asset_deps` among that.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import dataclasses
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, Unpack

from headrace import errors
from headrace.api.v1 import asset_pb2, task_run_pb2
from headrace.client.values import value_to_proto
from headrace.context import get_task_run
from headrace.engine.asset_keys import MAX_ASSETS, Keyed, check_key, keys_of
from headrace.engine.keywords import TaskKeywords
from headrace.outcomes import MissingContext
from headrace.parameters import to_json_value
from headrace.recording.facts import COMPLETED
from headrace.recording.identifiers import new_id
from headrace.recording.text import storable
from headrace.tasks import Task, task

if TYPE_CHECKING:
    from headrace.engine.runs import TaskRun
    from headrace.states import State

P = ParamSpec("P")
R = TypeVar("R")

MAX_MESSAGE = 10_000
MAX_UPSTREAM = 1_000
_SKIPPED = "Cached"
"""The state of a run that made nothing: it has the result of another one."""

_metadata: dict[str, dict[str, dict[str, Any]]] = {}
"""Metadata by asset of the task runs that make assets here now."""
_lock = threading.Lock()


@dataclasses.dataclass(frozen=True, slots=True)
class Asset:
    """Something that tasks make for others to use.

    Args:
        key: Where it is, as a URI; it tells assets apart.
        name: What people read; empty shows the key.
        description: What it is, in Markdown.
        url: Where people find more about it.
        owners: Who looks after it.

    Raises:
        errors.InvalidArgument: The key is no URI.
    """

    key: str
    name: str = ""
    description: str = ""
    url: str = ""
    owners: Sequence[str] = ()

    def __post_init__(self) -> None:
        check_key(self.key)

    def add_metadata(self, metadata: Mapping[str, Any]) -> None:
        """Tell more about how it is made by the task that calls this; as `add_asset_metadata`."""
        add_asset_metadata(self, metadata)

    def to_proto(self) -> asset_pb2.Asset:
        """Return it as a message."""
        return asset_pb2.Asset(
            key=self.key,
            name=storable(self.name),
            description=storable(self.description),
            url=self.url,
            owners=list(self.owners),
        )


def add_asset_metadata(asset: Asset | str, metadata: Mapping[str, Any]) -> None:
    """Tell more about an asset that the calling task makes, for example how many rows it has.

    Args:
        asset: One of those that the task is decorated with, or its key.
        metadata: Names and values that have a form in JSON; later ones go before earlier ones of the same name.

    Raises:
        MissingContext: The caller is not in a task made by `materialize`, or in another process than its flow.
        errors.InvalidArgument: The task does not make that asset.
    """
    run = get_task_run()
    with _lock:
        known = _metadata.get(run.task_run_id)
    if known is None:
        raise MissingContext(
            "there is no asset being made here: call this from within a task made by @materialize, "
            "in the process of its flow"
        )
    key = asset.key if isinstance(asset, Asset) else asset
    if key not in known:
        raise errors.InvalidArgument.of_field(
            "asset", f"{key} is none of those that the task makes: {', '.join(known)}"
        )
    with _lock:
        known[key].update({str(name): to_json_value(value) for name, value in metadata.items()})


def materialize(
    *assets: Asset | str,
    by: str | None = None,
    **options: Unpack[TaskKeywords],
) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a task of a function that makes assets: `@materialize("s3://lake/orders")`.

    Args:
        *assets: What it makes: assets, or their keys.
        by: What makes it, if not the task itself, for example `dbt`.
        **options: As those of `headrace.task`; `asset_deps` is what it is made from, beside the assets of the task runs
            whose results it takes.

    Raises:
        errors.InvalidArgument: There is no asset, a key is no URI, or an option is wrong.
    """
    if not 0 < len(assets) <= MAX_ASSETS:
        raise errors.InvalidArgument.of_field("assets", f"must be 1 to {MAX_ASSETS} assets or keys")
    upstream = [one if isinstance(one, Asset) else Asset(key) for one, key in _with_keys(options.get("asset_deps", ()))]
    recorder = _Recorder(tuple(map(_as_asset, assets)), upstream, by or "")
    hooks: dict[str, Any] = {
        "on_running": [recorder.begin, *_listed(options.get("on_running"))],
        "on_completion": [recorder.record, *_listed(options.get("on_completion"))],
        "on_failure": [recorder.record, *_listed(options.get("on_failure"))],
    }
    return task(**{**options, **hooks})


class _Recorder:
    """The hooks of a task that makes assets."""

    def __init__(self, assets: Sequence[Asset], upstream: Sequence[Asset], by: str) -> None:
        self._assets = assets
        self._upstream = upstream
        self._by = by

    def begin(self, _task: Any, run: TaskRun, _state: State[Any]) -> None:
        """Let metadata be added, from the start of each try anew."""
        with _lock:
            _metadata[run.task_run_id] = {asset.key: {} for asset in self._assets}

    def record(self, _task: Any, run: TaskRun, state: State[Any]) -> Any:
        """Tell what was made, or failed to be; in asynchronous code something to be awaited that does."""
        with _lock:
            metadata = _metadata.pop(run.task_run_id, {})
        if state.name == _SKIPPED:
            return None
        request = asset_pb2.RecordMaterializationsRequest(
            flow_run_id=run.host.id,
            task_run_id=run.task_run_id,
            materializations=[
                asset_pb2.NewMaterialization(
                    asset=asset.to_proto(),
                    materialization_id=new_id(),
                    metadata=value_to_proto(metadata.get(asset.key, {}), "metadata").struct_value,
                )
                for asset in self._assets
            ],
            succeeded=run.code == COMPLETED,
            materialized_by=self._by,
            message="" if run.code == COMPLETED else storable(run.message)[:MAX_MESSAGE],
            upstream_assets=[asset.to_proto() for asset in self._upstream],
            upstream_task_run_ids=list(
                dict.fromkeys(source for _, kind, source in run.inputs if kind == task_run_pb2.TASK_INPUT_KIND_TASK_RUN)
            )[:MAX_UPSTREAM],
        )
        recorded = run.host.backend.record_materializations(request)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return recorded.result()
        return _until(recorded)


async def _until(future: concurrent.futures.Future[None]) -> None:
    await asyncio.wrap_future(future)


def _with_keys(assets: Iterable[Keyed | str]) -> Iterable[tuple[Keyed | str, str]]:
    given = list(assets)
    keys_of(given)
    return ((one, one if isinstance(one, str) else one.key) for one in given)


def _as_asset(asset: Asset | str) -> Asset:
    return asset if isinstance(asset, Asset) else Asset(asset)


def _listed(hooks: Any) -> list[Any]:
    if hooks is None:
        return []
    return list(hooks) if isinstance(hooks, Sequence) else [hooks]
