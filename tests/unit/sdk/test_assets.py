from __future__ import annotations

import pathlib
import re
import types

import pytest

from headrace import Asset, add_asset_metadata, errors, flow, materialize, task
from headrace.api.v1 import asset_pb2
from headrace.client.values import value_from_proto
from headrace.outcomes import MissingContext
from headrace.task_runners import ThreadTaskRunner
from headrace.testing import LocalRuns

ORDERS = Asset("s3://lake/orders", name="Orders", description="all", url="http://127.0.0.1/orders", owners=["data"])


def keys_of(report: asset_pb2.RecordMaterializationsRequest) -> list[str]:
    """Return the keys of what was made."""
    return [made.asset.key for made in report.materializations]


def test_what_a_task_makes_is_told_with_its_metadata(runs: LocalRuns) -> None:
    @materialize(ORDERS, "s3://lake/people", by="dbt", asset_deps=["postgres://shop/orders"], tags=["x"])
    def export(count: int) -> int:
        """Export."""
        ORDERS.add_metadata({"rows": 1})
        add_asset_metadata("s3://lake/orders", {"rows": count, "name": "x"})
        return count

    @flow
    def calls() -> int:
        return export(3)

    assert calls() == 3
    [report] = runs.materializations
    assert keys_of(report) == ["s3://lake/orders", "s3://lake/people"]
    orders = report.materializations[0]
    assert orders.asset == asset_pb2.Asset(
        key="s3://lake/orders", name="Orders", description="all", url="http://127.0.0.1/orders", owners=["data"]
    )
    assert {name: value_from_proto(value) for name, value in orders.metadata.fields.items()} == {"rows": 3, "name": "x"}
    assert not report.materializations[1].metadata.fields
    assert (report.succeeded, report.materialized_by) == (True, "dbt")
    assert [asset.key for asset in report.upstream_assets] == ["postgres://shop/orders"]
    assert report.task_run_id == runs.task_runs()[0].task_run_id
    assert report.flow_run_id == runs.flow_runs()[0].flow_run_id
    assert export.name == "export"
    assert export.options.tags == frozenset({"x"})


def test_assets_are_made_from_what_upstream_tasks_return(runs: LocalRuns) -> None:
    @materialize("s3://lake/raw")
    def extract() -> list[int]:
        return [1, 2]

    @task
    def clean(rows: list[int]) -> list[int]:
        return [*rows, 3]

    @materialize("s3://lake/clean")
    def load(rows: list[int]) -> int:
        return len(rows)

    @flow(task_runner=ThreadTaskRunner(max_workers=2))
    def calls() -> int:
        return load.submit(clean.submit(extract.submit())).result()

    assert calls() == 3
    extracted, loaded = runs.materializations
    ids = {run.name: run.task_run_id for run in runs.task_runs()}
    assert list(extracted.upstream_task_run_ids) == []
    assert list(loaded.upstream_task_run_ids) == [ids["clean-0"]]


def test_what_could_not_be_made_is_told(runs: LocalRuns) -> None:
    tries = []

    @materialize(ORDERS, retries=1)
    def export() -> None:
        tries.append(1)
        add_asset_metadata(ORDERS, {f"try-{len(tries)}": True})
        raise ValueError("no disk")

    @flow
    def calls() -> None:
        export()

    with pytest.raises(ValueError, match="no disk"):
        calls()
    [report] = runs.materializations
    assert not report.succeeded
    assert "no disk" in report.message
    assert list(report.materializations[0].metadata.fields) == ["try-2"]


async def test_asynchronous_tasks_make_assets(runs: LocalRuns) -> None:
    @materialize(ORDERS)
    async def export() -> int:
        add_asset_metadata(ORDERS, {"rows": 2})
        return 2

    @flow
    async def calls() -> int:
        return await export()

    assert await calls() == 2
    [report] = runs.materializations
    assert report.succeeded
    assert value_from_proto(report.materializations[0].metadata.fields["rows"]) == 2


def test_hooks_of_the_user_are_called_too(runs: LocalRuns) -> None:
    called = []

    @materialize(ORDERS, on_completion=[lambda *_: called.append("completed")])
    def export() -> None:
        return None

    @flow
    def calls() -> None:
        export()

    calls()
    assert called == ["completed"]
    assert len(runs.materializations) == 1


def test_metadata_belongs_to_an_asset_that_is_being_made(runs: LocalRuns) -> None:
    with pytest.raises(MissingContext):
        add_asset_metadata(ORDERS, {"rows": 1})

    @task
    def plain() -> None:
        add_asset_metadata(ORDERS, {"rows": 1})

    @materialize("s3://lake/other")
    def other() -> None:
        add_asset_metadata(ORDERS, {"rows": 1})

    @flow
    def calls_plain() -> None:
        plain()

    @flow
    def calls_other() -> None:
        other()

    with pytest.raises(MissingContext, match="materialize"):
        calls_plain()
    with pytest.raises(errors.InvalidArgument, match="none of those"):
        calls_other()


@pytest.mark.parametrize("key", ["", "orders", "s3:/x", "s3://with space", "s3://" + "x" * 600])
def test_a_key_is_a_uri(key: str) -> None:
    with pytest.raises(errors.InvalidArgument, match="URI"):
        materialize(key)


def test_a_task_that_makes_assets_makes_at_least_one() -> None:
    with pytest.raises(errors.InvalidArgument, match="assets"):
        materialize()


def test_the_example_of_the_page_runs(runs: LocalRuns) -> None:
    page = pathlib.Path(__file__).resolve().parents[3] / "docs" / "runs.md"
    [example] = re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
    module = types.ModuleType("example")
    exec(compile(example, "docs/runs.md", "exec"), module.__dict__)
    module.etl()
    raw, orders = runs.materializations
    assert keys_of(raw) == ["s3://lake/raw.json"]
    assert keys_of(orders) == ["s3://lake/orders.parquet"]
    assert value_from_proto(orders.materializations[0].metadata.fields["rows"]) == 2
    assert [asset.key for asset in orders.upstream_assets] == ["postgres://shop/orders"]
    clean = next(run for run in runs.task_runs() if run.name == "clean-0")
    assert list(orders.upstream_task_run_ids) == [clean.task_run_id]


def test_a_task_that_makes_nothing_tells_what_it_takes_from(runs: LocalRuns) -> None:
    @task(asset_deps=[ORDERS, "postgres://shop/people", ORDERS.key])
    def read() -> list[int]:
        return [1, 2, 3]

    @materialize("s3://lake/clean")
    def load(rows: list[int]) -> int:
        return len(rows)

    @flow
    def calls() -> int:
        return load(read())

    assert calls() == 3
    reading, loading = runs.task_runs()
    assert (reading.upstream, reading.assets) == ((), ("s3://lake/orders", "postgres://shop/people"))
    [report] = runs.materializations
    assert list(report.upstream_task_run_ids) == [reading.task_run_id]
    assert loading.upstream == (reading.task_run_id,)
    assert read.with_options(asset_deps=["s3://lake/other"]).options.asset_deps == ("s3://lake/other",)


@pytest.mark.parametrize("wrong", [["orders"], "s3://lake/orders", [f"s3://lake/{number}" for number in range(101)]])
def test_what_is_no_asset_is_not_taken_from(wrong: list[str]) -> None:
    with pytest.raises(errors.InvalidArgument):
        task(asset_deps=wrong)
