"""The demo: a server, a worker, two scheduled deployments of `weather.py`, and a run that is followed live.

`make demo` leaves everything running until Ctrl-C; `make demo ONCE=1` runs once, checks what came of it and exits
non-zero if anything was not as expected.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

from examples.weather import seattle_weather
from headrace.api.v1 import artifact_pb2, flow_run_pb2, log_pb2, state_pb2, task_run_pb2
from headrace.client import get_client
from headrace.deployments import Cron, Interval, deploy

FOLDER = pathlib.Path(__file__).resolve().parent.parent
HOME = FOLDER / ".demo"
POOL = "demo"
START_SECONDS = 180
MONTHS = 48
TASK_RUNS = 2 + 1 + 1 + MONTHS + 1 + 1 + 1
"""extract twice, validate, normals, a task a month, join, publish, plot."""


def headrace(*arguments: str) -> list[str]:
    """Return the command line of a `headrace` command of this Python."""
    return [sys.executable, "-c", "from headrace.cli import main; main()", *arguments]


def show(*arguments: str) -> int:
    """Run a `headrace` command before the user's eyes; returns its exit code."""
    print(f"\n$ headrace {' '.join(arguments)}", flush=True)
    return subprocess.run(headrace(*arguments), check=False).returncode


def free_ports() -> tuple[int, int]:
    """Return ports for HTTP and gRPC: the usual ones, or any that are free."""
    for first in (4200, 4300, 4400):
        with contextlib.suppress(OSError), socket.socket() as http, socket.socket() as grpc:
            # What a demo before this one leaves for a minute, closed connections, keeps no server from listening.
            http.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            grpc.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            http.bind(("127.0.0.1", first))
            grpc.bind(("127.0.0.1", first + 1))
            return first, first + 1
    with socket.socket() as http, socket.socket() as grpc:
        http.bind(("127.0.0.1", 0))
        grpc.bind(("127.0.0.1", 0))
        return http.getsockname()[1], grpc.getsockname()[1]


@contextlib.contextmanager
def running(name: str, command: list[str], log: pathlib.Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process with its output in a file; end it politely, at last by force."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            print(f"The {name} did not stop in 30 s and is killed; its output is in {log}.", file=sys.stderr)
            process.kill()
            process.wait()


def wait_ready(url: str, server: subprocess.Popen[bytes], log: pathlib.Path) -> None:
    """Return when the server is ready; exits with its output if it is not."""
    # No proxy of the environment reaches this machine's own loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError), opener.open(f"{url}/ready", timeout=2) as answer:
            if answer.status == 200:
                return
        time.sleep(0.1)
    sys.exit(f"The server did not become ready. It said:\n{log.read_text(errors='replace')[-4000:]}")


def deploy_weather() -> None:
    """Hand the flow to the pool, twice, each with a schedule of its own."""
    deploy(
        seattle_weather,
        "nightly",
        POOL,
        schedules=[Cron("0 6 * * *", timezone="America/Los_Angeles", slug="morning")],
        tags=["demo"],
    )
    deploy(
        seattle_weather,
        "latest-year",
        POOL,
        schedules=[Interval(900, slug="quarter-hour")],
        parameters={"first_year": 2015},
        tags=["demo"],
    )


def problems() -> list[str]:
    """Return what is not as it should be after the run, a sentence each."""
    client = get_client()
    wrong = []
    runs = client.flow_runs.ListFlowRuns(
        flow_run_pb2.ListFlowRunsRequest(
            filter=flow_run_pb2.FlowRunFilter(flow_names=["seattle-weather"], auto_scheduled=False), page_size=1
        )
    ).flow_runs
    if not runs:
        return ["the triggered run is not in the list"]
    run = runs[0]
    if run.state.type != state_pb2.STATE_TYPE_COMPLETED:
        wrong.append(f"the run is {run.state.name}: {run.state.message}")
    tasks = client.task_runs.ListTaskRuns(
        task_run_pb2.ListTaskRunsRequest(
            filter=task_run_pb2.TaskRunFilter(flow_run_ids=[run.flow_run_id]), page_size=200
        )
    ).task_runs
    completed = [task for task in tasks if task.state.type == state_pb2.STATE_TYPE_COMPLETED]
    if len(tasks) != TASK_RUNS or len(completed) != TASK_RUNS:
        wrong.append(f"{TASK_RUNS} completed task runs were expected; there are {len(completed)} of {len(tasks)}")
    if [task.name.partition("-")[0] for task in tasks if task.run_count == 2] != ["publish"]:
        wrong.append("exactly the task publish should have been tried twice")
    artifacts = client.artifacts.ListArtifacts(
        artifact_pb2.ListArtifactsRequest(filter=artifact_pb2.ArtifactFilter(flow_run_ids=[run.flow_run_id]))
    ).artifacts
    keys = sorted(artifact.key for artifact in artifacts)
    if keys != ["seattle-months", "seattle-plot", "seattle-summary"]:
        wrong.append(f"a table, a plot and a summary were expected as artifacts; there are {keys}")
    logs = client.logs.ListLogs(
        log_pb2.ListLogsRequest(filter=log_pb2.LogFilter(flow_run_ids=[run.flow_run_id]), page_size=500)
    ).logs
    if not any("The warmest month was" in record.message for record in logs):
        wrong.append("what the flow printed is not in its log")
    scheduled = client.flow_runs.ListFlowRuns(
        flow_run_pb2.ListFlowRunsRequest(
            filter=flow_run_pb2.FlowRunFilter(flow_names=["seattle-weather"], auto_scheduled=True), page_size=200
        )
    ).flow_runs
    missing = {"nightly", "latest-year"} - {item.deployment_name for item in scheduled}
    if missing:
        wrong.append(f"no runs are scheduled of: {', '.join(sorted(missing))}")
    return wrong


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--once", action="store_true", help="run once, check what came of it, and exit")
    parser.add_argument(
        "--home", type=pathlib.Path, default=HOME, help="where the data are kept (default: %(default)s)"
    )
    parser.add_argument(
        "--port", type=int, help="HTTP port; gRPC has the next one (default: 4200, or one that is free)"
    )
    given = parser.parse_args()
    once, home = given.once, given.home.absolute()
    home.mkdir(parents=True, exist_ok=True)
    http_port, grpc_port = (given.port, given.port + 1) if given.port else free_ports()
    url = f"http://127.0.0.1:{http_port}"
    os.environ.update(HEADRACE_HOME=str(home), HEADRACE_API_URL=url)
    server_log, worker_log = home / "server.log", home / "worker.log"
    server_command = headrace("server", "start", "--port", str(http_port), "--grpc-port", str(grpc_port))
    worker_command = headrace("worker", "start", "--pool", POOL, "--name", "demo-worker")
    print(f"$ headrace server start --port {http_port}    (its output: {server_log})", flush=True)
    with running("server", server_command, server_log) as server:
        wait_ready(url, server, server_log)
        print(f"The server is ready at {url}")
        if not _pool_exists():
            show("work-pool", "create", POOL)
        print(f"\n$ headrace worker start --pool {POOL}    (its output: {worker_log})", flush=True)
        with running("worker", worker_command, worker_log):
            deploy_weather()
            show("deployment", "ls")
            ended = show("deployment", "run", "seattle-weather/nightly", "--watch", "--watch-timeout", "120")
            show("artifact", "ls")
            wrong = problems()
            for sentence in wrong:
                print(f"NOT AS EXPECTED: {sentence}", file=sys.stderr)
            if once:
                print("\nThe server stops now; without ONCE=1 it stays, with its UI; the data stay in", home)
                sys.exit(1 if wrong or ended != 0 else 0)
            print(f"\nSee the run, its log and its artifacts at {url}")
            print("Ctrl-C stops the worker and the server; the data stay in", home)
            with contextlib.suppress(KeyboardInterrupt):
                server.wait()


def _pool_exists() -> bool:
    return subprocess.run(headrace("work-pool", "inspect", POOL), capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        # What was started has been stopped by now.
        sys.exit(130)
