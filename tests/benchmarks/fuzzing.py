"""What nobody expects, sent to every route: `python -m benchmarks.fuzzing [--minutes 10]`, or `make fuzz`.

Schemathesis reads `/openapi.json` of a server of its own and makes requests that fit the contract, and requests that
do not. An answer of 500 and above, one that is not what the document says, and one that tells of the inside of the
server is a fault. Schemathesis is no part of the lock: it comes from the registry when this is run.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.request
from typing import Any

from benchmarks.__main__ import create_databases
from benchmarks.environment import headrace_server
from headrace_harness.durable import durable_postgres
from headrace_harness.postgres import with_database

SCHEMATHESIS = "schemathesis==4.32.5"
CHECKS = (
    "not_a_server_error",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "tells_nothing_of_the_inside",
)
ENDLESS = "^(Follow|Watch|WaitFor)"
"""Names of operations whose answers go on until the client leaves."""
REQUEST_SECONDS = 30


def main() -> int:
    """Send, and print a summary line; return 1 if there was a fault."""
    parser = argparse.ArgumentParser(description="Send what nobody expects to every route.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument(
        "--url", default="", help="of a server that may be filled with nonsense; by default one of its own"
    )
    parser.add_argument("--only", default="", help="operations whose names fit, a regular expression")
    chosen = parser.parse_args()
    with contextlib.ExitStack() as stack:
        url = chosen.url
        if not url:
            folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="headrace-fuzz-")))
            postgres = stack.enter_context(durable_postgres())
            asyncio.run(create_databases(postgres, ("fuzzed",)))
            url = stack.enter_context(headrace_server(folder, with_database(postgres, "fuzzed"))).url
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="headrace-fuzz-")))
        document = folder / "openapi.json"
        document.write_text(json.dumps(_document(url)))
        code = _send(url, document, chosen.minutes, chosen.only)
    print(json.dumps({"fuzzed_minutes": chosen.minutes, "faults": bool(code)}))
    return code


def _document(url: str) -> dict[str, Any]:
    """Return the document of a server with names of variables in paths that Schemathesis can read: without points."""
    with urllib.request.urlopen(f"{url}/openapi.json") as answer:
        document: dict[str, Any] = json.load(answer)
    paths = {}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for parameter in operation["parameters"]:
                if parameter["in"] == "path":
                    parameter["name"] = parameter["name"].replace(".", "_")
        paths[re.sub(r"\{[^}]*\}", lambda found: found[0].replace(".", "_"), path)] = operations
    return {**document, "paths": paths}


def _send(url: str, document: pathlib.Path, minutes: float, only: str) -> int:
    command = [
        str(pathlib.Path(sys.executable).parent / "uvx"),
        "--from",
        SCHEMATHESIS,
        "schemathesis",
        "run",
        str(document),
        "--url",
        url,
        "--checks",
        ",".join(CHECKS),
        "--phases",
        "examples,coverage,fuzzing",
        "--max-time",
        str(max(1, round(minutes * 60))),
        "--request-timeout",
        str(REQUEST_SECONDS),
        "--exclude-operation-id-regex",
        ENDLESS,
        "--continue-on-failure",
        "--generation-database",
        "none",
        "--no-color",
    ]
    if only:
        command += ["--include-operation-id-regex", only]
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "benchmarks.fuzzing_checks",
        "PYTHONPATH": str(pathlib.Path(__file__).resolve().parents[1]),
    }
    return subprocess.run(command, check=False, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
