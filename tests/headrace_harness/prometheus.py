"""A real Prometheus that scrapes a server with the rules and dashboards that ship with it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import pathlib
import re
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import httpx
import yaml

from headrace_harness.servers import free_port

DEPLOY = pathlib.Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "rules.yml"
PROMETHEUS = shutil.which("prometheus")
PROMTOOL = shutil.which("promtool")

MISSING = "" if PROMETHEUS and PROMTOOL else "prometheus is missing (on Debian: apt-get install prometheus)"
"""Why tests that need it are left out."""

_SHORTER = {"5m": "20s", "10m": "20s", "15m": "20s"}


@dataclasses.dataclass(frozen=True, slots=True)
class RunningPrometheus:
    """Prometheus, up."""

    http: httpx.AsyncClient

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the samples of an expression now.

        Raises:
            AssertionError: Prometheus does not understand it.
        """
        answer = (await self.http.get("/api/v1/query", params={"query": expression})).json()
        assert answer["status"] == "success", f"{expression}: {answer}"
        return list(answer["data"]["result"])

    async def firing(self) -> set[str]:
        """Return the names of the alerts that fire now."""
        alerts = (await self.http.get("/api/v1/alerts")).json()["data"]["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}


def alerts() -> list[dict[str, Any]]:
    """Return the alert rules that ship."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboards() -> Iterator[tuple[str, str, str]]:
    """Yield each query of the dashboards that ship: dashboard, panel, expression."""
    for path in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", ()):
                yield path.stem, panel["title"], target["expr"]


def hurried(rules: str) -> str:
    """Return rules that look at seconds where the ones that ship look at minutes."""
    rules = re.sub(r"^(\s+for: ).*$", r"\g<1>1s", rules, flags=re.MULTILINE)
    return re.sub(r"\[(\d+m)\]", lambda found: f"[{_SHORTER[found[1]]}]", rules)


@contextlib.asynccontextmanager
async def a_prometheus(folder: pathlib.Path, targets: Mapping[str, str]) -> AsyncIterator[RunningPrometheus]:
    """Lend a Prometheus that scrapes twice a second.

    Args:
        folder: For its files.
        targets: `host:port` by name of the service.
    """
    _configure(folder, targets)
    port = free_port()
    with (folder / "prometheus.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            str(PROMETHEUS),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            stdout=log,
            stderr=log,
        )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
            async with asyncio.timeout(60):
                while True:
                    with contextlib.suppress(httpx.TransportError):
                        if (await http.get("/-/ready")).status_code == 200:
                            break
                    await asyncio.sleep(0.1)
            yield RunningPrometheus(http)
    finally:
        process.terminate()
        await process.wait()


def _configure(folder: pathlib.Path, targets: Mapping[str, str]) -> None:
    folder.mkdir()
    (folder / "rules.yml").write_text(hurried(RULES.read_text()))
    configuration = {
        "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "1s"},
        "rule_files": ["rules.yml"],
        "scrape_configs": [
            {
                "job_name": "headrace",
                "static_configs": [
                    {"targets": [target], "labels": {"service": name}} for name, target in targets.items()
                ],
            }
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
