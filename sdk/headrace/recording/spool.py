"""Frames on disk, for the time in which the server is away and memory is full.

Frames are appended to segment files under `$HEADRACE_HOME/spool`, each with its length and a checksum, and a
segment is deleted once all of it is acknowledged. A segment belongs to one process, which holds a lock on it:
what a dead process left is of no use to another one, whose attempts have other tokens, and is deleted.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import pathlib
import struct
import zlib
from collections import deque

from headrace import errors
from headrace.recording.identifiers import new_id

SEGMENT_BYTES = 16 * 1024 * 1024
_HEAD = struct.Struct("<IIQ")
_SUFFIX = ".spool"


class SpoolFailure(errors.ResourceExhausted):
    """A frame cannot be written to disk now; the message says why."""

    default_reason = "SPOOL_FULL"


class SpoolDamaged(errors.Internal):
    """A frame on disk is not what was written."""

    default_reason = "SPOOL_DAMAGED"


@dataclasses.dataclass(slots=True)
class _Segment:
    path: pathlib.Path
    descriptor: int
    size: int = 0
    frames: int = 0


class Spool:
    """A queue of frames on disk; for one thread.

    Args:
        folder: Where the segments are; made when the first frame comes.
        limit_bytes: Disk space to use at most.
    """

    def __init__(self, folder: pathlib.Path, limit_bytes: int) -> None:
        self._folder = folder
        self._limit = limit_bytes
        self._segments: deque[_Segment] = deque()
        self._places: dict[int, tuple[_Segment, int, int]] = {}
        self._used = 0

    @property
    def used_bytes(self) -> int:
        """Disk space in use."""
        return self._used

    def append(self, sequence: int, payload: bytes) -> None:
        """Keep a frame.

        Raises:
            SpoolFailure: The limit is reached, or the disk does not take it. Nothing was kept.
        """
        record = _HEAD.pack(len(payload), zlib.crc32(payload), sequence) + payload
        if self._used + len(record) > self._limit:
            raise SpoolFailure(
                f"{self._used} bytes of unconfirmed transitions in {self._folder} reach the limit of "
                "HEADRACE_SPOOL_BYTES"
            )
        try:
            segment = self._writable_segment()
            offset = segment.size
            try:
                _write_all(segment.descriptor, record, offset)
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(segment.descriptor, offset)
                raise
        except OSError as error:
            raise SpoolFailure(f"cannot write to {self._folder}: {error.strerror or error}") from error
        segment.size += len(record)
        segment.frames += 1
        self._used += len(record)
        self._places[sequence] = segment, offset, len(payload)

    def read(self, sequence: int) -> bytes:
        """Return a frame that was kept.

        Raises:
            SpoolDamaged: The disk gives something else than was written.
        """
        segment, offset, length = self._places[sequence]
        try:
            record = os.pread(segment.descriptor, _HEAD.size + length, offset)
        except OSError as error:
            raise SpoolDamaged(f"cannot read {segment.path}: {error.strerror or error}") from error
        payload = record[_HEAD.size :]
        if len(payload) != length or _HEAD.unpack_from(record) != (length, zlib.crc32(payload), sequence):
            raise SpoolDamaged(f"{segment.path} is damaged at byte {offset}: a frame of transitions is lost")
        return payload

    def release(self, sequence: int) -> None:
        """Forget a frame, and delete its segment when that was the last one in it."""
        segment, _, _ = self._places.pop(sequence)
        segment.frames -= 1
        if segment.frames:
            return
        self._used -= segment.size
        self._segments.remove(segment)
        _delete(segment)

    def close(self) -> None:
        """Delete what is left."""
        while self._segments:
            _delete(self._segments.popleft())
        self._places.clear()
        self._used = 0

    def _writable_segment(self) -> _Segment:
        if self._segments and self._segments[-1].size < SEGMENT_BYTES:
            return self._segments[-1]
        if not self._segments:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _delete_orphans(self._folder)
        path = self._folder / f"{os.getpid()}-{new_id()}{_SUFFIX}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        segment = _Segment(path, descriptor)
        self._segments.append(segment)
        return segment


def _write_all(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written


def _delete(segment: _Segment) -> None:
    with contextlib.suppress(OSError):
        segment.path.unlink()
    os.close(segment.descriptor)


def _delete_orphans(folder: pathlib.Path) -> None:
    for path in folder.glob(f"*{_SUFFIX}"):
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            finally:
                os.close(descriptor)
