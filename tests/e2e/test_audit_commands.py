"""`headrace audit`, as administrators use it."""

from __future__ import annotations

import http.server
import json
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from headrace_harness.machine import Machine
from headrace_harness.servers import eventually


class Collector:
    """Takes OTLP logs over HTTP."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        collector = self

        class Page(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                collector.bodies.append(json.loads(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1/logs"

    def attributes(self) -> list[dict[str, str]]:
        """What was sent, a dictionary for each record."""
        records = [
            record
            for body in self.bodies
            for resource in body["resourceLogs"]
            for scope in resource["scopeLogs"]
            for record in scope["logRecords"]
        ]
        return [
            {each["key"]: next(iter(each["value"].values())) for each in record["attributes"]} for record in records
        ]


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


async def test_changes_are_listed_verified_and_sent_on(machine: Machine, collector: Collector) -> None:
    name = f"v{uuid.uuid4().hex[:8]}"
    await machine.headrace("variable", "set", name, "1")

    async def is_listed() -> bool:
        listed = await machine.headrace("audit", "ls", "--kind", "variables", "--object", name, "-o", "json")
        return [entry["action"] for entry in listed.json()] == ["VariableService.SetVariable"]

    await eventually(is_listed)
    listed = await machine.headrace("audit", "ls", "--object", name)
    assert name in listed.out
    whole = (await machine.headrace("audit", "verify", "-o", "json")).json()
    assert whole["whole"] is True
    kept = ("--expect-sequence", str(whole["last_sequence"]), "--expect-hash", whole["last_hash"])
    assert "are whole" in (await machine.headrace("audit", "verify", *kept)).out
    other = ("--expect-sequence", str(whole["last_sequence"]), "--expect-hash", "0" * 64)
    assert (await machine.headrace("audit", "verify", *other, expect=1)).exit_code == 1
    lines = [json.loads(line) for line in (await machine.headrace("audit", "export")).out.splitlines()]
    assert [int(entry["sequence"]) for entry in lines] == list(range(1, len(lines) + 1))
    assert name in {entry["object_id"] for entry in lines}
    await machine.headrace("audit", "export", "--format", "otlp", "--to", collector.url)
    sent = collector.attributes()
    assert name in {each["headrace.audit.object_id"] for each in sent}
    assert {each["headrace.audit.hash"] for each in sent} >= {entry["hash"] for entry in lines}
