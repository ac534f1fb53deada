"""Results in storages that machines share: an object store over HTTP, and what is missing told."""

from __future__ import annotations

import datetime
import logging
import pathlib
import sys
from collections.abc import Iterator
from typing import Any

import fsspec
import pytest
from moto.server import ThreadedMotoServer

from headrace import errors, flow, task
from headrace.caching import INPUTS
from headrace.result_storage import location_of
from headrace.results import ResultFailure, read_result, store_at
from headrace.task_runners import ProcessPoolTaskRunner
from headrace.testing import LocalRuns


@pytest.fixture(scope="module")
def object_store() -> Iterator[str]:
    """The address of a server that speaks S3, with one bucket."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@pytest.fixture
def bucket(object_store: str, environment: pytest.MonkeyPatch) -> str:
    """The URL of a bucket; where it is and who asks is in the environment, as the storage's library documents."""
    environment.setenv("AWS_ENDPOINT_URL", object_store)
    environment.setenv("AWS_ACCESS_KEY_ID", "somebody")
    environment.setenv("AWS_SECRET_ACCESS_KEY", "something")
    environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
    environment.setenv("AWS_EC2_METADATA_DISABLED", "true")
    fsspec.filesystem("s3").makedirs("results", exist_ok=True)
    return "s3://results/flows"


def test_results_are_kept_in_an_object_store(runs_in_memory: LocalRuns, bucket: str) -> None:
    calls: list[int] = []

    @task(result_storage=bucket, cache_policy=INPUTS, result_serializer="compressed/json")
    def count(number: int) -> dict[str, int]:
        calls.append(number)
        return {"number": number}

    @flow
    def twice() -> list[dict[str, int]]:
        return [count(1), count(1)]

    assert twice() == [{"number": 1}, {"number": 1}]
    assert calls == [1]
    reference = runs_in_memory.task_runs()[0].state.reference
    assert reference is not None
    assert reference.storage_url == bucket
    assert "something" not in repr(reference)
    assert read_result(reference) == {"number": 1}


def test_a_process_of_a_pool_and_the_flow_share_an_object_store(runs_in_memory: LocalRuns, bucket: str) -> None:
    @task(result_storage=bucket, result_storage_key="shared/{parameters[number]}.pickle")
    def nested(number: int) -> int:
        return number + 1

    @task
    def outer(number: int) -> int:
        return nested(number)

    @flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
    def calls() -> int:
        return outer.submit(41).result()

    assert calls() == 42
    assert store_at(bucket).read("shared/41.pickle").value == 42


def test_a_result_that_is_gone_says_what_to_do(runs_in_memory: LocalRuns, bucket: str) -> None:
    reference = store_at(bucket).write("gone", 1, "pickle")
    fsspec.filesystem("s3").rm("results/flows/gone")
    with pytest.raises(ResultFailure, match=r"not in s3://results/flows any more.*[Ee]xecute the task again"):
        read_result(reference)
    past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=1)
    with pytest.raises(ResultFailure, match="expired at"):
        read_result(store_at(bucket).write("old", 1, "pickle", past))


def test_a_bucket_that_is_not_there_is_told(runs_in_memory: LocalRuns, bucket: str) -> None:
    with pytest.raises(ResultFailure, match="cannot be written to s3://nobody"):
        store_at("s3://nobody/flows").write("key", 1, "pickle")


def test_memory_and_folders_are_storages(runs_in_memory: LocalRuns, tmp_path: pathlib.Path) -> None:
    @task(result_storage=tmp_path / "folder", result_storage_key="one")
    def in_folder() -> int:
        return 1

    @task(result_storage="memory://results", result_storage_key="two")
    def in_memory() -> int:
        return 2

    @flow
    def calls() -> tuple[int, int]:
        return in_folder(), in_memory()

    assert calls() == (1, 2)
    assert store_at(tmp_path / "folder").read("one").value == 1
    assert store_at(str(tmp_path / "folder")).read("one").value == 1
    assert store_at("memory://results").read("two").value == 2
    assert [file.name for file in (tmp_path / "folder").iterdir()] == ["one"]


@pytest.mark.parametrize(
    ("given", "location"),
    [
        ("s3://bucket/prefix", "s3://bucket/prefix"),
        ("/data/results", "file:///data/results"),
        (pathlib.Path("/data/with space"), "file:///data/with%20space"),
    ],
)
def test_storages_are_known_by_a_url(given: Any, location: str) -> None:
    assert location_of(given) == location


@pytest.mark.parametrize("given", ["", 3, object()])
def test_what_is_no_storage_is_refused(given: Any) -> None:
    with pytest.raises(errors.InvalidArgument):
        location_of(given)


def test_a_missing_library_is_named_with_the_way_to_it(environment: pytest.MonkeyPatch) -> None:
    environment.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(ResultFailure, match=r'pip install "headrace\[gcs\]"'):
        store_at("gs://bucket/results")
