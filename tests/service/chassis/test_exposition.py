"""Metrics of several processes, put together by the one that is asked."""

from __future__ import annotations

import asyncio
import pathlib
import tempfile
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from headrace_chassis.exposition import Exposition, together


@pytest.fixture
def directory() -> Iterator[pathlib.Path]:
    # Names of sockets may have some hundred characters, which names of pytest's directories have alone.
    with tempfile.TemporaryDirectory(prefix="headrace-") as path:
        yield pathlib.Path(path)


def values(text: bytes, name: str) -> dict[str, float]:
    return {
        sample.labels["process"]: sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
        if sample.name == name
    }


def test_samples_of_all_processes_stand_under_one_head() -> None:
    first = b"# HELP calls_total Calls\n# TYPE calls_total counter\ncalls_total 3\n"
    text = together({"1": first, "2": first.replace(b" 3", b" 5")})
    assert values(text, "calls_total") == {"1": 3, "2": 5}
    assert text.count(b"# TYPE") == 1


def test_labels_stay() -> None:
    text = together({"7": b'# HELP runs Runs\n# TYPE runs gauge\nruns{state="a \\"quoted\\" one"} 1\n'})
    [family] = text_string_to_metric_families(text.decode())
    assert family.samples[0].labels == {"state": 'a "quoted" one', "process": "7"}


async def test_whoever_is_asked_tells_of_all(directory: pathlib.Path) -> None:
    processes = [Exposition(directory, number) for number in (1, 2, 3)]
    for process in processes:
        await process.start()
    try:
        for process in processes:
            assert set(values(await process.text(), "process_start_time_seconds")) == {"1", "2", "3"}
        await processes[1].stop()
        assert set(values(await processes[0].text(), "process_start_time_seconds")) == {"1", "3"}
    finally:
        for process in processes:
            await process.stop()


async def test_a_process_that_is_started_again_takes_its_place(directory: pathlib.Path) -> None:
    (directory / "1.metrics").touch()
    first, second = Exposition(directory, 1), Exposition(directory, 2)
    await second.start()
    # What a killed process left behind answers nobody, and keeps nobody from answering.
    assert set(values(await second.text(), "process_start_time_seconds")) == {"2"}
    await first.start()
    assert set(values(await second.text(), "process_start_time_seconds")) == {"1", "2"}
    await first.stop()
    await second.stop()


async def test_a_process_that_hangs_is_left_out(directory: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace_chassis.exposition.PATIENCE_SECONDS", 0.05)
    hangs, is_closed = asyncio.Event(), asyncio.Event()

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hangs.wait()
        writer.close()
        await writer.wait_closed()
        is_closed.set()

    server = await asyncio.start_unix_server(answer, directory / "2.metrics")
    async with Exposition(directory, 1) as first:
        assert set(values(await first.text(), "process_start_time_seconds")) == {"1"}
    hangs.set()
    await is_closed.wait()
    server.close()
    await server.wait_closed()


async def test_a_process_on_its_own_needs_no_label() -> None:
    alone = Exposition(None, 1)
    await alone.start()
    assert b"process=" not in await alone.text()
    await alone.stop()
