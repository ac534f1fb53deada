from __future__ import annotations

import errno
import os
import pathlib
from collections.abc import Callable

import pytest

from headrace import errors
from headrace.api.v1 import task_run_pb2
from headrace.recording import spool as spool_module
from headrace.recording.frames import Frame, FrameQueue
from headrace.recording.recovery import recover, spool_folder_of
from headrace.recording.spool import Spool, SpoolDamaged, SpoolFailure, adopt


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


def test_what_dead_processes_left_is_adopted_and_living_ones_keep_theirs(tmp_path: pathlib.Path) -> None:
    living = Spool(tmp_path, 10**6)
    living.append(1, b"alive")
    dead = Spool(tmp_path, 10**6)
    for sequence in (3, 1, 2):
        dead.append(sequence, b"left %d" % sequence)
    dead.close()
    (orphan,) = adopt(tmp_path)
    assert list(orphan.frames()) == [b"left 1", b"left 2", b"left 3"]
    assert list(adopt(tmp_path)) == []
    orphan.close(is_done=False)
    (orphan,) = adopt(tmp_path)
    orphan.close(is_done=True)
    assert list(adopt(tmp_path)) == []
    assert living.read(1) == b"alive"
    assert frames_on_disk(tmp_path) == 1


def test_of_a_damaged_orphan_the_rest_is_saved(tmp_path: pathlib.Path) -> None:
    dead = Spool(tmp_path, 10**6)
    for sequence in (1, 2, 3):
        dead.append(sequence, b"left %d" % sequence)
    dead.close()
    file = next(tmp_path.glob("*.spool"))
    data = bytearray(file.read_bytes())
    data[20] ^= 1
    file.write_bytes(data[:-2])
    (orphan,) = adopt(tmp_path)
    assert list(orphan.frames()) == [b"left 2"]
    orphan.close(is_done=True)


def test_frames_go_to_disk_while_the_server_is_away(tmp_path: pathlib.Path) -> None:
    queue = FrameQueue(10**6, Spool(tmp_path, 10**6))
    queue.append(Frame(1, b"one", 1))
    assert frames_on_disk(tmp_path) == 0
    queue.prefers_disk = True
    queue.append(Frame(2, b"two", 1))
    queue.save()
    assert [queue.payload_of(frame) for frame in queue.waiting()] == [b"one", b"two"]
    assert [frame.sequence for frame in queue.acknowledge(1)] == [1]
    assert len(queue.clear()) == 1
    (orphan,) = adopt(tmp_path)
    assert list(orphan.frames()) == [b"one", b"two"]
    orphan.close(is_done=True)


def test_memory_takes_what_a_full_disk_does_not(tmp_path: pathlib.Path) -> None:
    queue = FrameQueue(10**6, Spool(tmp_path, 10))
    queue.prefers_disk = True
    queue.append(Frame(1, b"a frame", 1))
    (frame,) = queue.waiting()
    assert frame.payload == b"a frame"


async def test_what_is_recovered_is_sent_once_and_what_is_refused_is_not_sent_again(tmp_path: pathlib.Path) -> None:
    dead = Spool(tmp_path, 10**6)
    for sequence in (1, 2, 3):
        request = task_run_pb2.RecordRequest(frame=task_run_pb2.RecordFrame(sequence=sequence))
        dead.append(sequence, request.SerializeToString())
    dead.close()
    sent: list[int] = []
    is_away = True

    async def send(request: task_run_pb2.RecordTransitionsRequest) -> None:
        if is_away and request.frame.sequence == 2:
            raise errors.Unavailable("gone")
        sent.append(request.frame.sequence)
        if request.frame.sequence == 3:
            raise errors.InvalidArgument("malformed")

    assert await recover(tmp_path, send) == 1
    is_away = False
    assert await recover(tmp_path, send) == 3
    assert await recover(tmp_path, send) == 0
    assert sent == [1, 1, 2, 3]


def test_each_server_and_workspace_has_a_folder(tmp_path: pathlib.Path) -> None:
    folders = {
        spool_folder_of(tmp_path, url, workspace)
        for url in ("http://a:1", "http://b:1")
        for workspace in (None, "00000000-0000-7000-8000-000000000001")
    }
    assert len(folders) == 4
