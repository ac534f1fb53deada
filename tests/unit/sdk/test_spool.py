from __future__ import annotations

import errno
import os
import pathlib
from collections.abc import Callable

import pytest

from headrace.recording import spool as spool_module
from headrace.recording.frames import Frame, FrameQueue
from headrace.recording.spool import Spool, SpoolDamaged, SpoolFailure


def frames_on_disk(folder: pathlib.Path) -> int:
    return len(list(folder.glob("*.spool"))) if folder.exists() else 0


def filled(queue: FrameQueue, count: int, size: int = 1000) -> list[bytes]:
    payloads = [bytes([number % 256]) * size for number in range(count)]
    for number, payload in enumerate(payloads, 1):
        queue.append(Frame(number, payload, 1))
    return payloads


def test_frames_beyond_memory_go_to_disk_and_come_back_in_order(tmp_path: pathlib.Path) -> None:
    queue = FrameQueue(3000, Spool(tmp_path / "spool", 10**6))
    payloads = filled(queue, 10)
    assert frames_on_disk(tmp_path / "spool") == 1
    sent = []
    while (frame := queue.next_to_send()) is not None:
        sent.append(queue.payload_of(frame))
    assert sent == payloads


def test_disk_is_given_back_when_frames_are_acknowledged(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 2500)
    folder = tmp_path / "spool"
    spool = Spool(folder, 10**6)
    queue = FrameQueue(1000, spool)
    filled(queue, 12)
    before = frames_on_disk(folder)
    assert before > 2
    assert [frame.sequence for frame in queue.acknowledge(7)] == [1, 2, 3, 4, 5, 6, 7]
    assert 0 < frames_on_disk(folder) < before
    queue.acknowledge(12)
    assert frames_on_disk(folder) == 0
    assert spool.used_bytes == 0
    assert len(queue) == 0


def test_after_a_break_everything_that_is_not_acknowledged_is_sent_again(tmp_path: pathlib.Path) -> None:
    queue = FrameQueue(2000, Spool(tmp_path, 10**6))
    payloads = filled(queue, 5)
    for _ in range(4):
        queue.next_to_send()
    queue.acknowledge(2)
    assert queue.in_flight == 2
    queue.rewind()
    again = []
    while (frame := queue.next_to_send()) is not None:
        again.append(queue.payload_of(frame))
    assert again == payloads[2:]


def test_a_frame_that_is_refused_leaves_the_others_in_order(tmp_path: pathlib.Path) -> None:
    queue = FrameQueue(1000, Spool(tmp_path, 10**6))
    payloads = filled(queue, 4)
    queue.next_to_send()
    queue.next_to_send()
    assert queue.discard(2) is not None
    assert queue.discard(2) is None
    assert queue.in_flight == 1
    assert queue.payload_of(queue.next_to_send() or pytest.fail("nothing to send")) == payloads[2]


def test_a_full_spool_refuses_and_keeps_what_it_has(tmp_path: pathlib.Path) -> None:
    queue = FrameQueue(1000, Spool(tmp_path, 3000))
    filled(queue, 3)
    with pytest.raises(SpoolFailure, match="HEADRACE_SPOOL_BYTES"):
        queue.append(Frame(4, b"x" * 1000, 1))
    assert len(queue) == 3
    queue.acknowledge(3)
    queue.append(Frame(4, b"x" * 1000, 1))


def full_disk(kept: int) -> Callable[[int, bytes, int], int]:
    """Return a pwrite that writes `kept` bytes of each call, and then finds the disk full."""
    real, state = os.pwrite, {"left": kept}

    def pwrite(descriptor: int, data: bytes, offset: int) -> int:
        if not state["left"]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = real(descriptor, data[: state["left"]], offset)
        state["left"] = 0
        return written

    return pwrite


def test_a_full_disk_gives_a_clear_error_and_leaves_no_half_frame(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path, 10**6)
    spool.append(1, b"a" * 100)
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full_disk(50))
        with pytest.raises(SpoolFailure, match="No space left on device"):
            spool.append(2, b"b" * 100)
    spool.append(2, b"c" * 100)
    assert spool.read(1) == b"a" * 100
    assert spool.read(2) == b"c" * 100


def test_damage_on_disk_is_noticed(tmp_path: pathlib.Path) -> None:
    spool = Spool(tmp_path, 10**6)
    spool.append(1, b"a" * 100)
    spool.append(2, b"b" * 100)
    file = next(tmp_path.glob("*.spool"))
    data = bytearray(file.read_bytes())
    data[30] ^= 1
    file.write_bytes(data)
    with pytest.raises(SpoolDamaged, match="damaged"):
        spool.read(1)
    assert spool.read(2) == b"b" * 100


def test_what_dead_processes_left_is_removed_and_living_ones_keep_theirs(tmp_path: pathlib.Path) -> None:
    living = Spool(tmp_path, 10**6)
    living.append(1, b"alive")
    orphan = tmp_path / "1-x.spool"
    orphan.write_bytes(b"left behind")
    other = Spool(tmp_path, 10**6)
    other.append(1, b"new")
    assert not orphan.exists()
    assert living.read(1) == b"alive"
    assert frames_on_disk(tmp_path) == 2
    living.close()
    other.close()
    assert frames_on_disk(tmp_path) == 0
