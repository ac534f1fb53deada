"""The log of a server in the background: one file and the one before it, neither longer than a bound."""

from __future__ import annotations

import asyncio
import logging
import os
import pathlib
import shutil

logger = logging.getLogger(__name__)

MOST_BYTES = 32 * 1024 * 1024
_LOOK_SECONDS = 30.0


async def keep_short(path: pathlib.Path) -> None:
    """Shorten the file whenever it gets long, for ever."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        try:
            await asyncio.to_thread(shorten, path)
        except OSError as error:
            logger.error("cannot shorten %s: %s", path, error)


def shorten(path: pathlib.Path, most_bytes: int = MOST_BYTES) -> bool:
    """Move what is in the file aside if it is longer than `most_bytes`; returns whether it was.

    The processes that write to it go on with the same open file, at its new end.
    """
    if not path.exists() or path.stat().st_size <= most_bytes:
        return False
    shutil.copyfile(path, path.with_name(path.name + ".1"))
    os.truncate(path, 0)
    return True
