"""Run the distributed topology on this machine: every part of the server a process of its own, as a platform runs them.

Envoy stands in front, so that clients of every kind need one address. Where there is none (its wheel exists for
Linux on x86-64), the gateway answers there alone: HTTP and the UI, but neither the command line nor workers.

The database is the one of `HEADRACE_DATABASE_URL`, else an embedded one that is kept below `.make/up`. Ctrl-C stops
everything; so does the end of any part, because a part that ends by itself is a fault to look at.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.resources
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from headrace_gateway.envoy import Edge, configuration
from headrace_server.parts import ALL_PARTS, GATEWAY
from headrace_server.postgres.keeper import PostgresKeeper

ROOT = Path(__file__).resolve().parent.parent
LOOPBACK = "127.0.0.1"
EDGE = "envoy"
READY_SECONDS = 60.0
STOP_SECONDS = 30.0
POLL_SECONDS = 0.2


@contextlib.asynccontextmanager
async def database(home: Path) -> AsyncIterator[str]:
    """Lend the URL of the database, and keep the embedded one running where it is that."""
    given = os.environ.get("HEADRACE_DATABASE_URL")
    if given:
        yield given
        return
    # Two replicas of everything take as many connections as three processes with everything in them.
    keeper = PostgresKeeper.of_home(home / "data", processes=4)
    await keeper.start()
    keeping = asyncio.create_task(keeper.keep())
    try:
        yield keeper.url
    finally:
        await keeper.stop()
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping


def find_envoy() -> str | None:
    """Return the program, None where there is none."""
    return shutil.which(EDGE, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")


async def start_edge(home: Path, envoy: str, port: int, targets: dict[str, str]) -> asyncio.subprocess.Process:
    """Start Envoy in front of all parts."""
    descriptors = str(importlib.resources.files("headrace.api").joinpath("descriptors.binpb"))
    path = home / "envoy.json"
    edge = Edge(targets, port=port, host=LOOPBACK, descriptors=descriptors, admin_port=None)
    path.write_text(json.dumps(configuration(edge)))
    with (home / "envoy.log").open("wb") as log:
        options = ["--config-path", str(path), "--disable-hot-restart", "--concurrency", "2", "--log-level", "warning"]
        return await asyncio.create_subprocess_exec(envoy, *options, stdout=log, stderr=log, start_new_session=True)


async def start_parts(home: Path, url: str, port: int, replicas: int) -> dict[str, asyncio.subprocess.Process]:
    """Start every part on the ports after that of the front door, and the front door."""
    envoy = find_envoy()
    places = {
        name: [f"{LOOPBACK}:{port + 10 + at + len(ALL_PARTS) * number}" for number in range(replicas)]
        for at, name in enumerate(ALL_PARTS)
    }
    if envoy is None:
        places[GATEWAY] = [f"{LOOPBACK}:{port}"]
        print("up: there is no Envoy here, so only HTTP is served: no command line, no workers", file=sys.stderr)
    environment = {
        "HEADRACE_SERVER_ADVERTISED_GRPC_ADDRESS": f":{port}",
        **os.environ,
        "HEADRACE_HOME": str(home),
        "HEADRACE_DATABASE_URL": url,
        # Calls take turns among all that are listed.
        **{
            f"HEADRACE_SERVER_{name.upper()}_ADDRESS": f"ipv4:{','.join(places[name])}"
            for name in ALL_PARTS
            if name != GATEWAY
        },
    }
    processes = {}
    for name in ALL_PARTS:
        option = "--port" if name == GATEWAY else "--grpc-port"
        for number, place in enumerate(places[name], 1):
            command = [sys.executable, "-m", "headrace_server", "start", "--service", name]
            command += [option, place.rpartition(":")[2]]
            # A session of its own: Ctrl-C reaches this process alone, which then stops the parts in order.
            process = await asyncio.create_subprocess_exec(*command, env=environment, start_new_session=True)
            processes[f"{name} {number}"] = process
    if envoy is not None:
        targets = {name: ",".join(addresses) for name, addresses in places.items()}
        processes[EDGE] = await start_edge(home, envoy, port, targets)
    return processes


async def stop_parts(processes: dict[str, asyncio.subprocess.Process]) -> None:
    """Let the front door finish first, then the gateway, then the services; kill what does not end in time."""
    for parts in ([EDGE], [GATEWAY], [name for name in ALL_PARTS if name != GATEWAY]):
        found = [process for name, process in processes.items() if name.partition(" ")[0] in parts]
        stopping = [process for process in found if process.returncode is None]
        for process in stopping:
            process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.gather(*(process.wait() for process in stopping))
        except TimeoutError:
            for process in stopping:
                if process.returncode is None:
                    process.kill()
                    await process.wait()


async def until_ready(url: str) -> bool:
    """Return whether the gateway says within a minute that everything behind it is ready."""
    async with httpx.AsyncClient(trust_env=False) as client:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(READY_SECONDS):
                while True:
                    with contextlib.suppress(httpx.TransportError):
                        if (await client.get(f"{url}/ready")).is_success:
                            return True
                    await asyncio.sleep(POLL_SECONDS)
    return False


async def run(home: Path, port: int, replicas: int) -> int:
    """Run until told to stop or until a part ends, and return the exit code."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with database(home) as url:
        processes = await start_parts(home, url, port, replicas)
        told = asyncio.create_task(stop.wait(), name="told")
        ready = asyncio.create_task(until_ready(f"http://{LOOPBACK}:{port}"), name="ready")
        ends = [asyncio.create_task(process.wait(), name=name) for name, process in processes.items()]
        try:
            await asyncio.wait((told, ready, *ends), return_when=asyncio.FIRST_COMPLETED)
            if ready.done() and ready.result():
                print(
                    f"up: ready on http://{LOOPBACK}:{port}, each part a process of its own. Ctrl-C stops all.",
                    flush=True,
                )
                await asyncio.wait((told, *ends), return_when=asyncio.FIRST_COMPLETED)
            elif ready.done():
                print("up: not ready in time", file=sys.stderr)
            ended = [task.get_name() for task in ends if task.done()]
            if ended:
                print(f"up: {', '.join(ended)} ended", file=sys.stderr)
        finally:
            for task in (told, ready):
                task.cancel()
            await stop_parts(processes)
            await asyncio.gather(told, ready, *ends, return_exceptions=True)
    return 0 if stop.is_set() else 1


def main() -> int:
    """Run the distributed topology and return the exit code."""
    parser = argparse.ArgumentParser(description="Run every part of the server as a process of its own.")
    parser.add_argument(
        "--port", type=int, default=4200, help="port of the front door; the parts are 10 and more above it"
    )
    parser.add_argument("--home", type=Path, default=ROOT / ".make" / "up", help="folder of data, secrets and logs")
    parser.add_argument("--replicas", type=int, default=1, choices=range(1, 5), help="how many there are of each part")
    options = parser.parse_args()
    options.home.mkdir(parents=True, exist_ok=True)
    return asyncio.run(run(options.home, options.port, options.replicas))


if __name__ == "__main__":
    sys.exit(main())
