"""Frames on disk, for the time in which the server is away and memory is full.

Frames are appended to segment files under `$HEADRACE_HOME/spool`, each with its length and a checksum, and a
segment is deleted once all of it is acknowledged. A segment belongs to one process, which holds a lock on it. What
a dead process left is adopted by another one, which sends it: frames carry their attempts with them, and the server
takes them as long as no other attempt has taken over.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import logging
import os
import pathlib
import struct
import zlib
from collections import deque
from collections.abc import Iterator

from headrace import errors
from headrace.recording.identifiers import new_id

logger = logging.getLogger("headrace.recording")

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
        """Leave what is left to another process; what was released is deleted already."""
        while self._segments:
            os.close(self._segments.popleft().descriptor)
        self._places.clear()
        self._used = 0

    def _writable_segment(self) -> _Segment:
        if self._segments and self._segments[-1].size < SEGMENT_BYTES:
            return self._segments[-1]
        if not self._segments:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
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


class Orphan:
    """A segment that a dead process left; its lock is held until it is closed."""

    def __init__(self, path: pathlib.Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    def frames(self) -> Iterator[bytes]:
        """Yield the frames by their numbers, up to the end or to one that was not written whole."""
        places: list[tuple[int, int, int, int]] = []
        offset = 0
        while len(head := os.pread(self._descriptor, _HEAD.size, offset)) == _HEAD.size:
            length, checksum, sequence = _HEAD.unpack(head)
            offset += _HEAD.size
            places.append((sequence, offset, length, checksum))
            offset += length
        for _, offset, length, checksum in sorted(places):
            payload = os.pread(self._descriptor, length, offset) if length <= SEGMENT_BYTES else b""
            if len(payload) == length and zlib.crc32(payload) == checksum:
                yield payload
            else:
                logger.warning("%s is damaged at byte %d: a frame of transitions is lost", self.path, offset)

    def close(self, *, is_done: bool) -> None:
        """Let go of the segment, and delete it if all of it was taken."""
        if is_done:
            with contextlib.suppress(OSError):
                self.path.unlink()
        os.close(self._descriptor)


def adopt(folder: pathlib.Path) -> Iterator[Orphan]:
    """Yield the segments in a folder that belong to no living process, oldest first; each is to be closed."""
    for path in sorted(folder.glob(f"*{_SUFFIX}"), key=lambda path: path.stem.partition("-")[2]):
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_there = os.fstat(descriptor).st_nlink > 0
        except OSError:
            is_there = False
        if is_there:
            yield Orphan(path, descriptor)
        else:
            os.close(descriptor)
