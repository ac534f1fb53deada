from __future__ import annotations

import asyncio
import datetime
import pathlib
import threading
from typing import Any

import pytest

from headrace import errors, flow, task
from headrace.cache_keys import ServerKeyStorage
from headrace.caching import FLOW_PARAMETERS, INPUTS, NO_CACHE, RUN_ID, TASK_SOURCE, CacheContext, CachePolicy
from headrace.locking import MemoryLockManager
from headrace.results import ResultFailure, ResultStore, read_result
from headrace.states import Completed
from headrace.testing import LocalRuns


def files_below(folder: str) -> list[pathlib.Path]:
    return [path for path in pathlib.Path(folder).rglob("*") if path.is_file()]


@pytest.mark.parametrize("serializer", ["pickle", "json", "compressed/pickle", "compressed/json"])
def test_a_value_is_read_as_it_was_written(tmp_path: pathlib.Path, serializer: str) -> None:
    store = ResultStore(tmp_path.as_uri())
    value = {"rows": [1, 2.5, None, "ü"], "nested": {"a": [True]}}
    reference = store.write("a/b", value, serializer)
    assert read_result(reference) == value
    assert reference.serializer == serializer
    assert reference.size_bytes == (tmp_path / "a" / "b").stat().st_size


def test_any_storage_of_fsspec_will_do() -> None:
    store = ResultStore("memory://results")
    reference = store.write("key", [1, 2], "pickle")
    assert read_result(reference) == [1, 2]
    assert store.find("other") is None


def test_a_result_that_expired_is_no_result(tmp_path: pathlib.Path) -> None:
    store = ResultStore(tmp_path.as_uri())
    now = datetime.datetime.now(datetime.UTC)
    store.write("old", 1, "json", now - datetime.timedelta(seconds=1))
    store.write("new", 1, "json", now + datetime.timedelta(hours=1))
    assert store.find("old") is None
    assert store.find("new") is not None


def test_damage_is_noticed(tmp_path: pathlib.Path) -> None:
    store = ResultStore(tmp_path.as_uri())
    reference = store.write("key", "value", "json")
    file = tmp_path / "key"
    file.write_bytes(file.read_bytes().replace(b"value", b"vague"))
    with pytest.raises(ResultFailure, match="damaged"):
        read_result(reference)
    file.write_bytes(b"something else")
    with pytest.raises(ResultFailure, match="not a result"):
        read_result(reference)
    file.unlink()
    with pytest.raises(ResultFailure, match="any more"):
        read_result(reference)


@pytest.mark.parametrize("key", ["", "../out", "/etc/passwd", "a//b", "a/./b", "a\\b"])
def test_a_key_cannot_leave_the_storage(tmp_path: pathlib.Path, key: str) -> None:
    with pytest.raises(ResultFailure, match="cannot be the key"):
        ResultStore(tmp_path.as_uri()).write(key, 1, "json")


def test_a_url_with_a_password_is_refused_without_showing_it() -> None:
    with pytest.raises(ResultFailure) as caught:
        ResultStore("ftp://user:hush@127.0.0.1/results")
    assert "hush" not in str(caught.value)


def test_a_value_that_cannot_be_written_fails_the_run_clearly(runs: LocalRuns) -> None:
    @task(persist_result=True, cache_policy=NO_CACHE)
    def lock() -> Any:
        return threading.Lock()

    @flow
    def calls() -> None:
        lock()

    with pytest.raises(ResultFailure, match=r"type lock cannot be written as pickle.*persist_result=False"):
        calls()
    assert [state.name for state in runs.task_runs()[0].states] == ["Running", "Failed"]


def counted(**options: Any) -> tuple[Any, list[Any]]:
    calls: list[Any] = []

    @task(persist_result=True, **options)
    def work(number: int, other: Any = None) -> int:
        calls.append(number)
        return number * 10

    return work, calls


def test_the_same_inputs_give_the_cached_result_across_runs(runs: LocalRuns) -> None:
    work, calls = counted(cache_policy=INPUTS)

    @flow
    def use() -> list[int]:
        return [work(1), work(2), work(1), work.submit(2).result()]

    assert use() == [10, 20, 10, 20]
    assert use() == [10, 20, 10, 20]
    assert calls == [1, 2]
    assert [run.state.name for run in runs.task_runs()][:4] == ["Completed", "Completed", "Cached", "Cached"]


def test_by_default_the_cache_holds_within_one_run(runs: LocalRuns) -> None:
    work, calls = counted()

    @flow
    def use() -> None:
        work(1)
        work(1)

    use()
    use()
    assert calls == [1, 1]


def test_nothing_is_cached_without_persistence(runs: LocalRuns) -> None:
    calls = []

    @task(cache_policy=INPUTS, persist_result=False)
    def work() -> None:
        calls.append(1)

    @flow
    def use() -> None:
        work()
        work()

    use()
    assert calls == [1, 1]


def test_who_says_how_results_are_cached_wants_them_persisted(runs: LocalRuns, tmp_path: pathlib.Path) -> None:
    def work() -> int:
        return 1

    @flow
    def use() -> list[bool]:
        options: list[dict[str, Any]] = [
            {},
            {"cache_policy": NO_CACHE},
            {"cache_policy": INPUTS},
            {"cache_key_fn": lambda *_: "k"},
            {"result_storage": tmp_path.as_uri()},
            {"result_serializer": "json"},
            {"result_storage_key": "named"},
        ]
        made: Any = task
        return [made(**each)(work)(return_state=True).reference is not None for each in options]

    assert use() == [False, False, True, True, True, True, True]


def test_a_parameter_can_be_left_out_of_the_key(runs: LocalRuns) -> None:
    work, calls = counted(cache_policy=INPUTS - "other")

    @flow
    def use() -> None:
        work(1, threading.Lock())
        work(1, other=2)

    use()
    assert calls == [1]


def test_an_input_that_cannot_be_hashed_says_what_to_do(runs: LocalRuns) -> None:
    work, _ = counted(cache_policy=INPUTS)

    @flow
    def use() -> None:
        work(1, threading.Lock())

    with pytest.raises(errors.InvalidArgument, match=r"other: a value of type lock.*NO_CACHE"):
        use()


def test_a_cached_result_can_be_refreshed_and_expires(runs: LocalRuns) -> None:
    work, calls = counted(cache_policy=INPUTS)
    short = work.with_options(cache_expiration=datetime.timedelta(milliseconds=1))

    @flow
    def use() -> None:
        work(1)
        work.with_options(refresh_cache=True)(1)
        work(1)
        short(2)
        threading.Event().wait(0.01)
        short(2)

    use()
    assert calls == [1, 1, 2, 2]


def test_a_key_function_decides_alone(runs: LocalRuns) -> None:
    def by_parity(context: CacheContext, parameters: dict[str, Any]) -> str | None:
        assert context.task_key.endswith("work")
        return None if parameters["number"] == 0 else f"parity-{parameters['number'] % 2}"

    work, calls = counted(cache_key_fn=by_parity)

    @flow
    def use() -> list[int]:
        return [work(1), work(3), work(2), work(0), work(0)]

    assert use() == [10, 10, 20, 0, 0]
    assert calls == [1, 2, 0, 0]


async def test_coroutines_are_cached_too(runs: LocalRuns) -> None:
    calls = []

    @task(persist_result=True, cache_policy=INPUTS)
    async def fetch(number: int) -> int:
        calls.append(number)
        await asyncio.sleep(0)
        return number

    @flow
    async def use() -> list[int]:
        return [await fetch(1), await fetch(1)]

    assert await use() == [1, 1]
    assert calls == [1]


def context_of(**changes: Any) -> CacheContext:
    values: dict[str, Any] = {
        "task_key": "m.work",
        "function": context_of,
        "flow_run_id": "run-1",
        "flow_parameters": {"day": 1},
        "task_run": None,
    }
    return CacheContext(**{**values, **changes})


@pytest.mark.parametrize(
    ("policy", "same", "other"),
    [
        (INPUTS, {"flow_run_id": "run-2", "flow_parameters": {}}, {"task_key": "m.other"}),
        (TASK_SOURCE, {"flow_run_id": "run-2"}, {"function": counted}),
        (FLOW_PARAMETERS, {"flow_run_id": "run-2"}, {"flow_parameters": {"day": 2}}),
        (RUN_ID, {"flow_parameters": {}}, {"flow_run_id": "run-2"}),
        (INPUTS + RUN_ID, {"flow_parameters": {}}, {"flow_run_id": "run-2"}),
        (INPUTS + RUN_ID + FLOW_PARAMETERS - "x", {}, {"flow_parameters": {"day": 2}}),
    ],
)
def test_what_a_key_depends_on(policy: CachePolicy, same: dict[str, Any], other: dict[str, Any]) -> None:
    inputs = {"x": 1, "y": [1, {"b": 1, "a": 2}]}
    key = policy.compute_key(context_of(), inputs)
    assert key is not None
    assert policy.compute_key(context_of(**same), inputs) == key
    assert policy.compute_key(context_of(**other), inputs) != key


def test_the_order_of_parameters_does_not_matter_but_their_names_do() -> None:
    one = INPUTS.compute_key(context_of(), {"a": 1, "b": 2})
    assert one == INPUTS.compute_key(context_of(), {"b": 2, "a": 1})
    assert one != INPUTS.compute_key(context_of(), {"a": 2, "b": 1})
    assert NO_CACHE.compute_key(context_of(), {}) is None


def test_results_lie_where_the_flow_says(runs: LocalRuns, tmp_path: pathlib.Path) -> None:
    folder = (tmp_path / "kept").as_uri()

    @task(result_storage_key="{flow_run.name}/{parameters[number]}.json", result_serializer="json")
    def work(number: int) -> int:
        return number

    @flow(persist_result=True, result_storage=folder, flow_run_name="monday")
    def use() -> int:
        return work(7)

    assert use() == 7
    kept = tmp_path / "kept" / "monday" / "7.json"
    assert kept.read_bytes().endswith(b"\n7")
    assert len(files_below(str(tmp_path / "kept"))) == 2
    assert runs.flow_runs()[0].state.reference is not None


def test_keys_can_be_kept_apart_from_results(runs: LocalRuns, tmp_path: pathlib.Path) -> None:
    keys = (tmp_path / "keys").as_uri()
    work, calls = counted(cache_policy=INPUTS.configure(key_storage=keys), result_storage=(tmp_path / "a").as_uri())
    other = work.with_options(result_storage=(tmp_path / "b").as_uri())

    @flow
    def use() -> list[int]:
        return [work(1), other(1), work(2)]

    assert use() == [10, 10, 20]
    assert use() == [10, 10, 20]
    assert calls == [1, 2]
    assert len(list((tmp_path / "keys").iterdir())) == 2
    assert len([path for path in (tmp_path / "a").rglob("*") if path.is_file()]) == 2
    assert not (tmp_path / "b").exists()


def test_keys_can_be_asked_of_whoever_records_the_runs(runs: LocalRuns) -> None:
    work, calls = counted(cache_policy=INPUTS.configure(key_storage=ServerKeyStorage()))
    short = work.with_options(cache_expiration=datetime.timedelta(milliseconds=1))

    @flow
    def use() -> None:
        work(1)
        work(1)
        short(2)
        threading.Event().wait(0.01)
        short(2)

    use()
    assert calls == [1, 2, 2]


def test_what_is_configured_goes_along_with_joined_policies() -> None:
    locks = MemoryLockManager()
    made = (INPUTS.configure(key_storage="memory://keys") + TASK_SOURCE.configure(lock_manager=locks)) - "other"
    made = made.configure(isolation_level="SERIALIZABLE")
    assert (made.key_storage, made.lock_manager, made.isolation_level) == ("memory://keys", locks, "SERIALIZABLE")
    assert INPUTS.key_storage is None
    with pytest.raises(errors.InvalidArgument, match="configured differently"):
        made + RUN_ID.configure(key_storage="memory://others")
    with pytest.raises(errors.InvalidArgument, match="isolation_level"):
        INPUTS.configure(isolation_level="DIRTY")


def test_the_value_of_a_state_that_a_task_returned_is_kept_too(runs: LocalRuns) -> None:
    made = []

    @task(cache_policy=INPUTS)
    def once(number: int) -> Any:
        made.append(number)
        return Completed(name="Made", data=number * 2)

    @flow
    def twice() -> tuple[int, int]:
        return once(2), once(2)

    assert twice() == (4, 4)
    assert made == [2]
    assert [run.state.name for run in runs.task_runs()] == ["Made", "Cached"]
