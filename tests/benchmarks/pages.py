"""How soon pages are there over a long past: 1 million flow runs, 10 million task runs, a wide run and a long log.

    python -m benchmarks.pages --runs 1000000 --task-runs-each 10
    python -m benchmarks.pages --url http://127.0.0.1:4200 --graph-run ID --log-run ID

Without `--url` a throw-away server is made and filled by `benchmarks.seed`; that takes some minutes and 12 GB for the
default sizes. The browser starts anew with an empty cache for each paint; what counts is the median. What changes on
open pages is counted from the moment at which it is asked for.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import pathlib
import shutil
import subprocess
import tempfile
from typing import Any

import headrace_gateway
from benchmarks.__main__ import machine
from benchmarks.seed import seed
from headrace_harness.durable import durable_postgres
from headrace_harness.servers import embedded_supervisor, start_embedded

_SCRIPT = pathlib.Path(__file__).with_name("pages.mjs")
_GRAPH = 10_000
_LOG_LINES = 1_000_000
_BARS: dict[str, tuple[str, float]] = {
    "dashboard_ms": ("at most", 1000),
    "runs_ms": ("at most", 1000),
    "run_ms": ("at most", 1000),
    "timeline_pan_fps": ("at least", 30),
    "graph_pan_fps": ("at least", 30),
    "log_tail_ms": ("at most", 500),
    "first_page_js_kb": ("at most", 300),
    "change_on_dashboard_ms": ("at most", 300),
    "change_on_list_ms": ("at most", 300),
    "change_on_run_ms": ("at most", 300),
    "change_on_line_ms": ("at most", 300),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure how soon pages of the web UI are there.")
    parser.add_argument("--url", help="of a server that is seeded already")
    parser.add_argument("--graph-run", default="", help="with --url: the flow run with 10,000 task runs")
    parser.add_argument("--log-run", default="", help="with --url: the flow run with a million log lines")
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--task-runs-each", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    if chosen.url:
        figures = _drive(chosen.url, chosen.graph_run, chosen.log_run, chosen.rounds)
    else:
        figures = asyncio.run(_on_a_server_of_our_own(chosen))
    print(json.dumps(figures | {"machine": machine()}, indent=2))
    missed = [
        f"{name} {figures[name]} ({word} {bar:g})"
        for name, (word, bar) in _BARS.items()
        if (figures[name] > bar if word == "at most" else figures[name] < bar)
    ]
    print("pages: " + (f"missed: {', '.join(missed)}" if missed else "all bars held"))


async def _on_a_server_of_our_own(chosen: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="headrace-pages-") as folder, durable_postgres() as database_url:
        server = embedded_supervisor(pathlib.Path(folder), "--database", database_url)
        try:
            # The first start migrates; what comes after finds a database that was filled meanwhile.
            await start_embedded(server)
            await server.stop()
            seeded = await seed(
                database_url,
                runs=chosen.runs,
                task_runs_each=chosen.task_runs_each,
                graph=_GRAPH,
                log_lines=_LOG_LINES,
            )
            addresses = await start_embedded(server)
            return await asyncio.to_thread(
                _drive, addresses.http_url, seeded.graph_run_id, seeded.log_run_id, chosen.rounds
            )
        finally:
            await server.stop()


def _drive(url: str, graph_run: str, log_run: str, rounds: int) -> dict[str, Any]:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    built = pathlib.Path(headrace_gateway.__file__).parent / "static" / "index.html"
    assert browser is not None, "a Chromium is needed (on Debian: apt-get install chromium)"
    assert built.is_file(), "the web UI is not built: make ui"
    done = subprocess.run(
        ["node", str(_SCRIPT), url, browser, graph_run, log_run, str(rounds)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
