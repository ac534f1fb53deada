"""The examples do what they say."""

from __future__ import annotations

import asyncio
import datetime
import pathlib
import re
import runpy

import pytest

from headrace.engine.loading import load_flow
from headrace.testing import LocalRuns

ROOT = pathlib.Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "examples"


def test_the_example_of_the_readme_is_the_first_of_the_examples(runs: LocalRuns) -> None:
    shown = re.search(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    assert shown is not None
    assert shown[1] == (EXAMPLES / "words.py").read_text()
    assert load_flow(f"{EXAMPLES}/words.py:count")("a b\nc d e") == 5
    assert "5 words" in [line.message for line in runs.logs()]


def test_retries(runs: LocalRuns) -> None:
    load = load_flow(f"{EXAMPLES}/retries.py:load")
    assert load(pages=4, luck=1.0) == 12
    assert sorted(run.name for run in runs.task_runs())[:2] == ["fetch page 0", "fetch page 1"]


def test_caching(runs: LocalRuns) -> None:
    squares = load_flow(f"{EXAMPLES}/caching.py:squares")
    assert squares(3) == [0, 1, 4]
    assert squares(3) == [0, 1, 4]
    assert [run.state.name for run in runs.task_runs()] == ["Completed"] * 3 + ["Cached"] * 3


def test_subflows(runs: LocalRuns) -> None:
    report = load_flow(f"{EXAMPLES}/subflows.py:daily_report")
    assert asyncio.run(report(datetime.date(2024, 5, 1), ("a", "bb"))) == 10
    assert sorted(run.name for run in runs.flow_runs("station-report")) == ["a on 2024-05-01", "bb on 2024-05-01"]
    assert {run.tags for run in runs.flow_runs("station-report")} == {("daily",)}


GUIDE = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs" / "flows.md").read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("code", GUIDE, ids=[str(number) for number in range(len(GUIDE))])
def test_the_guide_to_flows_does_what_it_says(runs: LocalRuns, tmp_path: pathlib.Path, code: str) -> None:
    script = tmp_path / f"guide_{abs(hash(code))}.py"
    script.write_text(code)
    runpy.run_path(str(script))
