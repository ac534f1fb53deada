"""How far an import has come, where it goes on, and how it reaches the other server."""

from __future__ import annotations

import datetime
import pathlib
from typing import Any

import pytest

from headrace import errors
from headrace.api.v1 import variable_pb2
from headrace.importing import job, progress
from headrace.importing.history import after
from headrace.importing.progress import Cursor, Progress
from headrace.importing.report import MOST_LOSSES, Report
from headrace.importing.source import Access

NOW = datetime.datetime(2026, 8, 21, 10, tzinfo=datetime.UTC)


def test_progress_survives_its_process(tmp_path: pathlib.Path) -> None:
    path = progress.place_of(tmp_path, "http://a/api", "http://b", "w")
    begun = Progress(path, NOW - datetime.timedelta(days=30), NOW)
    begun.ids.flows["there"] = "here"
    begun.ids.queue_names["q"] = ["pool", "queue"]
    begun.cursors["flow runs"] = Cursor("2026-08-20T00:00:00Z", 3)
    begun.report.created("flows", 2)
    begun.report.lost("blocks", "a/b", "a secret")
    begun.finish("flows")
    kept = progress.load(path)
    assert kept is not None
    assert kept.is_resumed
    kept.is_resumed = False
    assert kept == begun
    begun.forget()
    assert progress.load(path) is None


def test_other_servers_and_workspaces_are_other_imports(tmp_path: pathlib.Path) -> None:
    asked = [("a", "b", "c"), ("a", "b", "d"), ("a", "d", "c"), ("d", "b", "c")]
    assert len({progress.place_of(tmp_path, *each) for each in asked}) == 4


@pytest.mark.parametrize("content", ["", "{", "[]", '{"form": 0}', '{"form": 1}'])
def test_what_cannot_be_read_is_no_progress(tmp_path: pathlib.Path, content: str) -> None:
    path = tmp_path / "progress.json"
    path.write_text(content)
    assert progress.load(path) is None


def ended(*times: str) -> list[dict[str, Any]]:
    """Return runs that ended at times."""
    return [{"end_time": f"2026-08-21T10:00:{time}Z"} for time in times]


def test_a_list_goes_on_behind_those_that_ended_last() -> None:
    begin = Cursor("2026-08-21T10:00:59Z")
    assert after(ended("30", "20", "20"), begin) == Cursor("2026-08-21T10:00:20Z", 2)
    # The next page begins behind the two, with a third one of that time.
    assert after(ended("20", "10"), Cursor("2026-08-21T10:00:20Z", 2)) == Cursor("2026-08-21T10:00:10Z", 1)
    # A page of one time alone goes on within it.
    assert after(ended("20", "20"), Cursor("2026-08-21T10:00:20+00:00", 2)).offset == 4


def test_losses_are_told_once_and_counted_beyond_a_bound() -> None:
    report = Report()
    report.lost("blocks", "a", "x")
    report.lost("blocks", "a", "x")
    assert len(report.losses) == 1
    for number in range(MOST_LOSSES + 5):
        report.lost("blocks", str(number), "y")
    assert len(report.losses) == MOST_LOSSES
    assert report.more_losses == 6
    assert Report.from_plain(report.to_plain()) == report


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://127.0.0.1:4200", "http://127.0.0.1:4200/api"),
        ("http://127.0.0.1:4200/api/", "http://127.0.0.1:4200/api"),
        ("https://proxy/prefect", "https://proxy/prefect/api"),
        ("https://cloud/api/accounts/a/workspaces/w", "https://cloud/api/accounts/a/workspaces/w"),
    ],
)
def test_the_address_of_the_api_is_found(url: str, base: str) -> None:
    assert Access(url).base().geturl() == base


@pytest.mark.parametrize("url", ["4200", "ftp://host", "http://", "http://user:secret@host/api"])
def test_what_is_no_address_is_refused_without_telling_secrets(url: str) -> None:
    with pytest.raises(errors.InvalidArgument) as refused:
        Access(url).base()
    assert "secret" not in str(refused.value)


def test_keys_and_passwords_go_where_servers_look_for_them() -> None:
    assert Access("http://h", key="k").headers()["Authorization"] == "Bearer k"
    assert Access("http://h", auth_string="admin:pass").headers()["Authorization"] == "Basic YWRtaW46cGFzcw=="
    assert "Authorization" not in Access("http://h").headers()


def test_calls_carry_no_more_than_they_may() -> None:
    large = "x" * (job.MOST_BYTES // 2 + 1)
    messages = [variable_pb2.Variable(name=name) for name in ("a", "b", large, large, "c")]
    parts = list(job.chunks(messages, 3))
    assert [len(part) for part in parts] == [3, 2]
    assert [message for part in parts for message in part] == messages
    assert [len(part) for part in job.chunks(messages[:2], 1)] == [1, 1]
