"""What sign-in costs on the hot calls: `python -m benchmarks.authorization [--connections 16] [--seconds 3]`.

Two servers of the same build stand side by side, one that asks nobody and one that asks for a key, and are called in
turn. What counts is the processor time that the server spends on a call, which a busy machine does not change much.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import json
import pathlib
import statistics
import tempfile
import urllib.request
from collections.abc import Callable
from typing import Any

from benchmarks import http
from benchmarks.__main__ import create_databases, machine
from benchmarks.environment import System, headrace_server
from headrace_harness.durable import durable_postgres
from headrace_harness.postgres import with_database
from headrace_server.first_admin import setup_token

BAR = 1.1
"""So much more a call may cost with sign-in."""

_BODY = json.dumps({"flow_name": "bench", "tags": ["a"]}).encode()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure what sign-in costs on the hot calls.")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each figure")
    parser.add_argument("--runs", type=int, default=5, help="how often each figure is taken; the median counts")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as place, contextlib.ExitStack() as stack:
        url = stack.enter_context(durable_postgres())
        asyncio.run(create_databases(url, ("bench_open", "bench_asking")))
        asking_url = with_database(url, "bench_asking")
        folder = pathlib.Path(place)
        for name in ("open", "asking"):
            (folder / name).mkdir()
        is_open = stack.enter_context(headrace_server(folder / "open", with_database(url, "bench_open")))
        asking = stack.enter_context(headrace_server(folder / "asking", asking_url, {"HEADRACE_SERVER_AUTH": "on"}))
        key = _key(asking, asking_url)
        figures = _measure({"": is_open, f"authorization: Bearer {key}\r\n": asking}, chosen)
    print(json.dumps({**figures, "bar": BAR, "machine": machine()}, indent=2))


def _measure(systems: dict[str, System], chosen: argparse.Namespace) -> dict[str, Any]:
    ids = {header: [_create(system, header) for _ in range(60)] for header, system in systems.items()}
    forms: dict[str, Callable[[str, int], bytes]] = {
        "get": lambda header, number: _request("GET", f"/v1/flow-runs/{ids[header][number % 60]}", header),
        "list 50, each another": lambda header, number: _request(
            "GET", f"/v1/flow-runs?page_size=50&filter.tags_none=t{number}", header
        ),
        "create": lambda header, _: _request("POST", "/v1/flow-runs", header, _BODY),
        "set a variable, in the audit log": lambda header, number: _request(
            "PUT", f"/v1/variables/bench{number % 500}", header, b'{"value": 1, "overwrite": true}'
        ),
    }
    figures: dict[str, Any] = {}
    for name, form in forms.items():
        taken: dict[str, list[dict[str, float]]] = {header: [] for header in systems}
        for _ in range(chosen.runs):
            for header, system in systems.items():
                rate = http.rate(system, functools.partial(form, header), chosen)
                taken[header].append(asyncio.run(rate))
        without, with_key = (
            {field: round(statistics.median(each[field] for each in rows), 3) for field in rows[0]}
            for rows in taken.values()
        )
        figures[name] = {
            "without sign-in": without,
            "with sign-in": with_key,
            "cpu ratio": round(with_key["server_cpu_ms"] / without["server_cpu_ms"], 3),
        }
    return figures


def _key(system: System, database_url: str) -> str:
    token = asyncio.run(setup_token(database_url))
    made = _send(system, "/v1/setup", {"token": token, "email": "bench@example.org"}, "")
    return str(made["key"])


def _create(system: System, header: str) -> str:
    made = _send(system, "/v1/flow-runs", json.loads(_BODY), header)
    return str(made["flow_run"]["flow_run_id"])


def _send(system: System, path: str, body: dict[str, Any], header: str) -> dict[str, Any]:
    headers = {"content-type": "application/json"}
    if header:
        headers["authorization"] = header.partition(": ")[2].strip()
    request = urllib.request.Request(f"{system.url}{path}", data=json.dumps(body).encode(), headers=headers)
    with urllib.request.urlopen(request) as answer:
        return dict(json.loads(answer.read()))


def _request(verb: str, path: str, header: str, body: bytes = b"") -> bytes:
    head = f"{verb} {path} HTTP/1.1\r\nhost: localhost\r\n{header}"
    if body:
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


if __name__ == "__main__":
    main()
