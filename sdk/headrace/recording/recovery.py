"""Sending what dead processes left on disk."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import pathlib
from collections.abc import Awaitable, Callable
from typing import Any

from headrace import errors
from headrace.api.v1 import task_run_pb2
from headrace.recording.spool import adopt

logger = logging.getLogger("headrace.recording")

Send = Callable[[task_run_pb2.RecordTransitionsRequest], Awaitable[Any]]


def spool_folder_of(folder: pathlib.Path, api_url: str, workspace_id: str | None) -> pathlib.Path:
    """Return where frames for one server and workspace wait."""
    name = hashlib.sha256(f"{api_url}|{workspace_id or ''}".encode()).hexdigest()[:16]
    return folder / name


async def recover(folder: pathlib.Path, send: Send) -> int:
    """Send the frames that dead processes left in a folder, and delete what was taken.

    A frame is taken as long as no other attempt of its run has taken over, and twice is as good as once. What
    cannot be sent now stays for the next call.

    Returns:
        How many frames the server has answered.
    """
    sent = 0
    for orphan in adopt(folder):
        is_done = False
        try:
            for payload in orphan.frames():
                request = task_run_pb2.RecordRequest.FromString(payload)
                try:
                    await send(task_run_pb2.RecordTransitionsRequest(frame=request.frame))
                except errors.InvalidArgument as error:
                    logger.error("A frame that a process left in %s was refused: %s", folder, error)
                sent += 1
            is_done = True
        except errors.HeadraceError as error:
            logger.warning("What a process left in %s waits for the server: %s", folder, error)
            return sent
        finally:
            orphan.close(is_done=is_done)
        await asyncio.sleep(0)
    if sent:
        logger.warning("Sent %d frames of transitions that a process had left in %s.", sent, folder)
    return sent
