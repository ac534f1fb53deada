"""Records on their way to sinks: requests by the guarded way out, lines in files."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import os
import pathlib
import uuid
from collections.abc import Callable, Sequence

import httpx

from headrace_chassis.egress import Egress, EgressRefused
from headrace_log.repository import SinkFailed
from headrace_log.rules.records import Record
from headrace_log.rules.sinks import FILE, OTLP, Sink
from headrace_log.wire import exports

TIMEOUT_SECONDS = 15.0
_LONGEST_RETRY_SECONDS = 3600.0
_LONGEST_ANSWER_BYTES = 2000


class Outlets:
    """Sends records to sinks of all kinds. Close it at the end.

    Args:
        egress: Tells which addresses may be called.
        folder: Where sinks of files have their folders; None: there are none.
        now: Tells the time.
        transport: Makes the connections.
    """

    def __init__(
        self,
        egress: Egress,
        folder: pathlib.Path | None,
        now: Callable[[], datetime.datetime],
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._egress = egress
        self._folder = folder
        self._now = now
        self._client = httpx.AsyncClient(
            transport=transport,
            # A kept connection belongs to an address, not to the name whose certificate was checked.
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=0),
            timeout=httpx.Timeout(TIMEOUT_SECONDS, connect=5.0),
            follow_redirects=False,
            trust_env=False,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def send(self, sink: Sink, records: Sequence[Record]) -> None:
        """Send records; return once they are taken.

        Raises:
            SinkFailed: They were not, or it is not known.
        """
        if sink.kind == FILE:
            await asyncio.to_thread(self._append, sink.workspace_id, sink.name, exports.lines(records))
            return
        if sink.kind == OTLP:
            url, media_type, body = f"{sink.url.rstrip('/')}/v1/logs", "application/x-protobuf", exports.otlp(records)
        else:
            url, media_type, body = sink.url, "application/json", exports.batch(records)
        headers = {
            **sink.headers,
            "content-type": media_type,
            "headrace-batch": f"{records[0].position:x}-{records[-1].position:x}-{len(records)}",
            "user-agent": "headrace",
        }
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await self._post(httpx.URL(url), headers, body)
        except TimeoutError:
            raise SinkFailed(f"no answer within {TIMEOUT_SECONDS:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, EgressRefused, OSError, ValueError) as error:
            raise SinkFailed(f"{type(error).__name__}: {error}") from error

    async def _post(self, url: httpx.URL, headers: dict[str, str], body: bytes) -> None:
        host = url.raw_host.decode("ascii")
        failure: Exception = OSError(f"{host} has no address")
        for address in await self._egress.addresses(host, url.port or (443 if url.scheme == "https" else 80)):
            try:
                async with self._client.stream(
                    "POST",
                    url.copy_with(host=address),
                    headers={**headers, "host": url.netloc.decode("ascii")},
                    content=body,
                    extensions={"sni_hostname": host},
                ) as response:
                    await _judge(response)
                    return
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        raise failure

    def _append(self, workspace_id: uuid.UUID, name: str, lines: bytes) -> None:
        if self._folder is None:
            raise SinkFailed("the server has no folder for them: set HEADRACE_SERVER_LOG_SINK_FOLDER")
        folder = self._folder / str(workspace_id) / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(folder / f"{self._now():%Y-%m-%d}.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
            try:
                size = os.fstat(handle).st_size
                try:
                    with open(handle, "wb", closefd=False) as file:
                        file.write(lines)
                    os.fsync(handle)
                except OSError:
                    # Half a line would spoil the next one.
                    with contextlib.suppress(OSError):
                        os.ftruncate(handle, size)
                    raise
            finally:
                os.close(handle)
        except OSError as error:
            raise SinkFailed(f"{folder}: {error.strerror or error}") from error


async def _judge(response: httpx.Response) -> None:
    if response.is_success:
        return
    answer = b""
    async for chunk in response.aiter_raw():
        answer += chunk
        if len(answer) >= _LONGEST_ANSWER_BYTES:
            break
    wait = response.headers.get("retry-after", "").strip()
    said = answer[:_LONGEST_ANSWER_BYTES].decode(errors="replace")
    raise SinkFailed(
        f"answered {response.status_code}: {said}",
        retry_after_seconds=min(float(wait), _LONGEST_RETRY_SECONDS) if wait.isascii() and wait.isdigit() else None,
    )
