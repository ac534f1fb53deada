from __future__ import annotations

import datetime
import pathlib

import pytest

from headrace import artifacts, errors, flow, task
from headrace.api.v1 import artifact_pb2
from headrace.client.values import value_from_proto
from headrace.testing import LocalRuns
from headrace.variables import Variable

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


def test_artifacts_belong_to_the_run_that_makes_them(runs: LocalRuns) -> None:
    @task
    def draw() -> None:
        artifacts.create_markdown_artifact("# hello", key="report", description="a report")

    @flow
    def calls() -> None:
        draw()
        artifacts.create_link_artifact("http://127.0.0.1/x", "there")

    calls()
    report, link = runs.artifacts()
    assert (report.markdown, report.key, report.description) == ("# hello", "report", "a report")
    assert report.task_run_id == runs.task_runs()[0].task_run_id
    assert link.flow_run_id == report.flow_run_id == runs.flow_runs()[0].flow_run_id
    assert link.task_run_id == ""
    assert (link.link.url, link.link.text) == ("http://127.0.0.1/x", "there")


@pytest.mark.parametrize(
    "table",
    [
        {"city": ["Oslo", "Rome"], "rain": [3.1, None]},
        [{"city": "Oslo", "rain": 3.1}, {"city": "Rome"}],
        [["city", "rain"], ["Oslo", 3.1], ["Rome", None]],
    ],
)
def test_tables_come_in_three_shapes(runs: LocalRuns, table: artifacts.Table) -> None:
    artifacts.create_table_artifact(table)
    (artifact,) = runs.artifacts()
    assert list(artifact.table.columns) == ["city", "rain"]
    rows = [[value_from_proto(cell) for cell in row.values] for row in artifact.table.rows]
    assert rows == [["Oslo", 3.1], ["Rome", None]]


def test_tables_that_do_not_fit_are_refused(runs: LocalRuns) -> None:
    with pytest.raises(errors.InvalidArgument, match="different lengths"):
        artifacts.create_table_artifact({"a": [1], "b": [1, 2]})
    with pytest.raises(errors.InvalidArgument, match="2 cells"):
        artifacts.create_table_artifact([["a", "b"], ["1"]])


def test_progress_moves(runs: LocalRuns) -> None:
    made = artifacts.create_progress_artifact(0, key="p")
    artifacts.update_progress_artifact(made, 60.5, "half way")
    (artifact,) = runs.artifacts("p")
    assert (artifact.progress, artifact.description) == (60.5, "half way")
    with pytest.raises(errors.InvalidArgument, match="from 0 to 100"):
        artifacts.update_progress_artifact(made, 101)
    with pytest.raises(errors.NotFound):
        artifacts.update_progress_artifact("no such", 1)


def test_images_come_as_bytes_files_and_urls(runs: LocalRuns, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "plot.png"
    file.write_bytes(PNG)
    artifacts.create_image_artifact(PNG)
    artifacts.create_image_artifact(file)
    artifacts.create_image_artifact("http://127.0.0.1/plot.png")
    by_bytes, by_file, by_url = (artifact.image for artifact in runs.artifacts())
    assert (by_bytes.data, by_bytes.media_type) == (PNG, "image/png")
    assert (by_file.data, by_file.media_type) == (PNG, "image/png")
    assert (by_url.url, by_url.data) == ("http://127.0.0.1/plot.png", b"")
    with pytest.raises(errors.InvalidArgument, match="media_type"):
        artifacts.create_image_artifact(b"what is this")
    with pytest.raises(errors.InvalidArgument, match="are allowed"):
        artifacts.create_image_artifact(PNG + b"\0" * artifacts.MAX_IMAGE_BYTES)


async def test_artifacts_and_variables_in_asynchronous_code(runs: LocalRuns) -> None:
    made = await artifacts.acreate_progress_artifact(10)
    await artifacts.aupdate_progress_artifact(made, 20)
    await artifacts.acreate_table_artifact([{"a": 1}])
    await artifacts.acreate_markdown_artifact("*x*")
    await artifacts.acreate_link_artifact("http://127.0.0.1/x")
    await artifacts.acreate_image_artifact(PNG)
    assert runs.artifacts()[0].progress == 20
    assert [artifact.WhichOneof("content") for artifact in runs.artifacts()] == [
        "progress",
        "table",
        "markdown",
        "link",
        "image",
    ]
    await Variable.aset("region", ["eu", 1])
    assert await Variable.aget("region") == ["eu", 1]
    assert await Variable.aunset("region") is True
    assert await Variable.aunset("region") is False


def test_variables_hold_json(runs: LocalRuns) -> None:
    Variable.set("limits", {"rows": 10, "share": 0.5, "names": ["a", None, True]})
    assert Variable.get("limits") == {"rows": 10, "share": 0.5, "names": ["a", None, True]}
    assert isinstance(Variable.get("limits")["rows"], int)
    with pytest.raises(errors.AlreadyExists):
        Variable.set("limits", 1, overwrite=False)
    with pytest.raises(errors.NotFound):
        Variable.get("other")
    assert Variable.get("other", default=3) == 3
    with pytest.raises(errors.InvalidArgument, match=r"value\.when: a datetime is not a JSON value"):
        Variable.set("bad", {"when": datetime.datetime.now(datetime.UTC)})
    with pytest.raises(errors.InvalidArgument, match="too large"):
        Variable.set("bad", 2**60)


def test_results_and_kinds_of_ones_own_are_kept_as_json(runs: LocalRuns) -> None:
    @flow
    def calls() -> None:
        artifacts.create_result_artifact({"day": datetime.date(2026, 3, 5), "rows": [1, 2]}, key="result")
        artifacts.create_artifact("report", {"score": 0.5}, description="of today")

    calls()
    result, report = runs.artifacts()
    assert (result.key, artifact_pb2.ArtifactKind.Name(result.kind)) == ("result", "ARTIFACT_KIND_RESULT")
    assert value_from_proto(result.value) == {"day": "2026-03-05", "rows": [1, 2]}
    assert (report.type, report.description) == ("report", "of today")
    assert value_from_proto(report.value) == {"score": 0.5}
    with pytest.raises(errors.InvalidArgument, match="kind"):
        artifacts.create_artifact("", 1)


async def test_results_and_kinds_of_ones_own_are_kept_from_asynchronous_code(runs: LocalRuns) -> None:
    @flow
    async def calls() -> None:
        await artifacts.acreate_result_artifact([1], key="result")
        await artifacts.acreate_artifact("report", 2)

    await calls()
    assert [value_from_proto(artifact.value) for artifact in runs.artifacts()] == [[1], 2]
