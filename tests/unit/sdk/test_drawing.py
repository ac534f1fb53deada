"""Drawings of flows."""

from __future__ import annotations

import asyncio
import pathlib
import shutil

import pytest

from headrace import errors, flow, task, unmapped
from headrace.drawing import Drawing
from headrace.testing import LocalRuns

executed: list[str] = []


@task
def load(day: str) -> list[int]:
    executed.append("load")
    return [1, 2]


@task(viz_return_value=[3, 4])
def clean(rows: list[int]) -> list[int]:
    executed.append("clean")
    return rows


@task
def add(left: int, right: int) -> int:
    executed.append("add")
    return left + right


@flow
def report(rows: list[int], title: str = "") -> str:
    executed.append("report")
    return f"{title} {rows}"


@flow
def etl(day: str = "today") -> str:
    rows = clean(load(day))
    assert rows == [3, 4]
    sums = add.map(rows, unmapped(1))
    last = add.submit(sums[0], right=load(day)[0] + 1)
    return report([last.result()], title="all" if sum(rows) == 7 else "none")


def test_the_calls_of_a_flow_are_drawn_and_nothing_runs(runs: LocalRuns) -> None:
    drawing = etl.visualize("tomorrow")
    assert executed == []
    assert runs.flow_runs() == []
    assert str(drawing).splitlines() == [
        "etl",
        "  load-0",
        "  clean-0  <- load-0",
        "  add-0 (for each)  <- clean-0",
        "  load-1",
        "  add-1  <- add-0, load-1",
        "  flow report-0  <- add-1",
    ]
    assert etl.visualize().nodes == drawing.nodes


def test_a_drawing_speaks_mermaid_and_graphviz() -> None:
    drawing = etl.visualize()
    assert drawing.mermaid().splitlines()[:4] == [
        "flowchart TD",
        '    n0["load-0"]',
        '    n1["clean-0"]',
        '    n2{{"add-0"}}',
    ]
    assert "    n4 --> n5" in drawing.mermaid().splitlines()
    assert drawing.dot().splitlines()[0] == 'digraph "etl" {'
    assert '  n5 [label="report-0", shape=component];' in drawing.dot().splitlines()
    assert "  n0 -> n1;" in drawing.dot().splitlines()


def test_a_drawing_is_saved_in_the_format_of_its_name(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = etl.visualize()
    for name, content in (("a.mmd", drawing.mermaid()), ("a.dot", drawing.dot()), ("a.txt", drawing.text())):
        assert drawing.save(tmp_path / name).read_text() == content + "\n"
    program = tmp_path / "dot"
    program.write_text('#!/bin/sh\n[ "$1" = -Tsvg ] || { echo "no such format" >&2; exit 1; }\ncat > "$3"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert drawing.save(tmp_path / "a.svg").read_text() == drawing.dot()
    with pytest.raises(errors.FailedPrecondition, match="no such format"):
        drawing.save(tmp_path / "a.xyz")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(errors.FailedPrecondition, match="Graphviz"):
        drawing.save(tmp_path / "b.svg")


@pytest.mark.parametrize("within_a_loop", [False, True])
def test_asynchronous_flows_and_whatever_is_done_with_values(within_a_loop: bool) -> None:
    @task
    async def fetch(number: int) -> dict[str, int]:
        raise AssertionError("never called")

    @flow
    async def calls() -> int:
        first = await fetch(1)
        second = await fetch.submit(first["a"] * 2 + len(first))
        total = 0
        for key in second:
            total += (await fetch(len(key)))["x"]
        return total if first["a"] > second["b"] else 0

    async def draw() -> Drawing:
        return calls.visualize()

    drawing = asyncio.run(draw()) if within_a_loop else calls.visualize()
    assert (len(drawing.nodes), drawing.edges) == (3, [(0, 1)])


def test_a_flow_without_end_is_not_drawn() -> None:
    @task
    def step() -> None: ...

    @flow
    def endless() -> None:
        while True:
            step()

    with pytest.raises(errors.ResourceExhausted, match="cannot be drawn"):
        endless.visualize()
