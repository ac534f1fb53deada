"""A flow with everything that the page of a run shows, and flows that fail, wait and ask."""

from __future__ import annotations

import sys
import time
import zlib

from headrace import RunInput, flow, get_run_logger, pause_flow_run, task
from headrace.artifacts import (
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
)


class Approval(RunInput):
    """What somebody has to say before it goes on."""

    approved: bool
    comment: str = ""


def _picture() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    rows = b"".join(b"\0" + bytes([10, 96, 133, 91, 191, 230]) for _ in range(2))
    header = (2).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@task
def extract(station: str, day: int) -> int:
    get_run_logger().info("\x1b[32mdownloaded\x1b[0m day %d of %s", day, station)
    time.sleep(0.03 * (day + 1))
    return day


@task
def transform(day: int, scale: float) -> float:
    time.sleep(0.02)
    return day * scale


_tries = 0


@task(retries=2)
def flaky() -> int:
    global _tries
    _tries += 1
    time.sleep(0.05)
    if _tries < 3:
        raise ConnectionError("the station did not answer")
    return _tries


@task
def load(values: list[float], tries: int) -> float:
    get_run_logger().warning("loading after %d tries", tries)
    return sum(values)


@flow(name="report")
def report(total: float) -> None:
    """Say what came out."""
    create_markdown_artifact(f"# Weather\n\nThe sum is **{total}**. <script>alert(1)</script>", key="summary")


@flow(name="weather", log_prints=True)
def weather(station: str = "Seattle", scale: float = 1.0) -> float:
    """Load some days, and keep artifacts of each kind."""
    days = [extract.submit(station, day) for day in range(4)]
    values = [transform.submit(day, scale) for day in days]
    total = load.submit(values, flaky.submit()).result()
    report(total)
    create_table_artifact([{"month": month, "rain": 40} for month in ("January", "February")], key="rain")
    create_link_artifact("https://example.com/weather", "the data", key="source")
    create_progress_artifact(75, key="share")
    create_image_artifact(_picture(), key="map")
    print(f"the sum of {station} is {total}")  # noqa: T201 the page shows what is printed, too
    return total


@flow(name="broken-report")
def broken() -> None:
    """Fail."""
    raise ValueError("the gauge is dry\nand nobody knows why")


@flow(name="release")
def release() -> str:
    """Ask before going on."""
    answer = pause_flow_run(wait_for_input=Approval, timeout=600)
    return answer.comment


if __name__ == "__main__":
    if sys.argv[1] == "asking":
        release()
    else:
        weather()
        weather(station="Oslo", scale=2.5)
        try:
            broken()
        except ValueError:
            pass
