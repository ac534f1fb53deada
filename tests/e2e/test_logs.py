"""What the guide to logs shows works as it stands there."""

from __future__ import annotations

import csv
import json
import pathlib
import re
import shlex

from headrace_harness.machine import Machine
from headrace_harness.observer import Observer
from headrace_harness.servers import eventually

GUIDE = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "logs.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)


async def test_the_guide_to_logs_does_what_it_says(machine: Machine, observer: Observer) -> None:
    (example,) = blocks("python")
    (machine.folder / "logged.py").write_text(example)
    machine.environment["HEADRACE_LOGGING_EXTRA_LOGGERS"] = "warehouse"
    await machine.python("logged.py")
    run = str((await observer.first_run_of("logged")).flow_run_id)

    async def is_logged() -> bool:
        return len(await observer.logs(run)) >= 6

    await eventually(is_logged, 60)
    shown: dict[str, str] = {}
    for line in (line for block in blocks("sh") for line in block.splitlines()):
        _headrace, *arguments = shlex.split(line.replace("RUN", run))
        done = await machine.headrace(*arguments)
        shown[line] = done.out + done.err
    lines = [command for command in shown if command.startswith("headrace flow-run logs")]
    everything = shown[lines[0]]
    assert "slow answer from orders" in everything
    assert "6 rows" in everything
    by_search = shown["""headrace flow-run logs RUN --search 'disk -"of 3"'"""]
    assert "Disk is full" in by_search
    assert "loading" not in by_search
    assert "slow answer" in shown["headrace flow-run logs RUN --logger warehouse.client --since 2020-01-01"]
    assert "loading" not in shown["headrace flow-run logs RUN --children --level warning"]
    with (machine.folder / "run.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert "loading orders" in [row["message"] for row in rows]
    objects = [json.loads(line) for line in shown[lines[-1]].splitlines()]
    assert {"table": "orders"} in [each.get("fields") for each in objects]
    assert "6 rows" in [each["message"] for each in objects]
    assert "elsewhere" in shown["headrace log sink ls"]
