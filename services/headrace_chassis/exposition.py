"""The metrics of all processes of a server, whichever of them is asked.

Processes that share a port cannot be scraped one by one. Each serves its own metrics on a Unix socket in a
directory of theirs, and the one that is asked puts them together, with the label `process`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import pathlib
from collections.abc import Callable, Iterable, Mapping

import prometheus_client
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics_exposition
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from headrace_chassis import metrics

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 2.0
"""How long the others have to answer; who hangs is left out."""

_SUFFIX = ".metrics"
_LABEL = "process"
_open_text: Callable[[Collector], bytes] = openmetrics_exposition.generate_latest
_TEXT, _OPEN = b"t", b"o"
"""What is asked for."""


class Exposition:
    """The metrics of this process and of those beside it. `start`, then `stop`; or use as an async context manager.

    Args:
        directory: Where the processes of the server meet; None for a process on its own.
        number: Of this process.
    """

    def __init__(self, directory: pathlib.Path | None, number: int) -> None:
        self._directory = directory
        self._number = number
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Exposition:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Let the others have the metrics of this process."""
        if self._directory is None:
            return
        place = self._place(self._directory)
        # Of a process that died in this place.
        place.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._answer, place)

    async def stop(self) -> None:
        """Stop to answer; safe to call more than once."""
        server, self._server = self._server, None
        if server is not None and self._directory is not None:
            server.close()
            await server.wait_closed()
            self._place(self._directory).unlink(missing_ok=True)

    async def text(self, *, is_open: bool = False) -> bytes:
        """Return the metrics in the text format of Prometheus (`metrics.CONTENT_TYPE`), or as OpenMetrics."""
        own = metrics.metrics_text(is_open=is_open)
        if self._directory is None:
            return own
        places = [place for place in self._directory.glob(f"*{_SUFFIX}") if place.stem != str(self._number)]
        others = await asyncio.gather(*(_ask(place, is_open) for place in places))
        texts = {str(self._number): own}
        texts |= {place.stem: text for place, text in zip(places, others, strict=True) if text is not None}
        return together(texts, is_open=is_open)

    def _place(self, directory: pathlib.Path) -> pathlib.Path:
        return directory / f"{self._number}{_SUFFIX}"

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                asked = await reader.read(1)
            writer.write(metrics.metrics_text(is_open=asked == _OPEN))
            await writer.drain()
        writer.close()


def together(texts: Mapping[str, bytes], *, is_open: bool = False) -> bytes:
    """Return the metrics of several processes as one text.

    Args:
        texts: Metrics by number of the process, which becomes the label `process`.
        is_open: Whether they are, and shall be, OpenMetrics.
    """
    if is_open:
        return _open_text(_Parsed(texts, openmetrics_families))
    return prometheus_client.generate_latest(_Parsed(texts, text_string_to_metric_families))


class _Parsed(Collector):
    def __init__(self, texts: Mapping[str, bytes], parse: Callable[[str], Iterable[Metric]]) -> None:
        self._families: dict[str, Metric] = {}
        for number in sorted(texts):
            for family in parse(texts[number].decode()):
                merged = self._families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                merged.samples += [
                    sample._replace(labels={**sample.labels, _LABEL: number}) for sample in family.samples
                ]

    def collect(self) -> Iterable[Metric]:
        return self._families.values()


async def _ask(place: pathlib.Path, is_open: bool) -> bytes | None:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            reader, writer = await asyncio.open_unix_connection(place)
            try:
                writer.write(_OPEN if is_open else _TEXT)
                return await reader.read()
            finally:
                writer.close()
    except OSError as error:
        logger.warning("no metrics of process %s: %s", place.stem, str(error) or "it does not answer")
        return None
