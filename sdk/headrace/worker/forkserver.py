"""The warm parent: a small single-threaded process that has imported what flows need and forks on request.

A forked child is in user code after milliseconds, where a fresh interpreter pays for its imports. The
parent never opens a gRPC channel or starts a thread, because neither survives a fork. It speaks `framing` over the
unix socket that it inherits as the file descriptor named by its first argument:

- `{"op": "launch", "id": ...}` with the job as blob and two descriptors (stdout, stderr) attached -> forks;
- `{"op": "signal", "id": ..., "signal": 15}` -> signals the child's process group, if it still lives;
- answers `{"op": "started", "id", "pid"}` and `{"op": "exited", "id", "pid", "status"}`.

When the worker dies the socket ends: the parent lives on until its last child has ended, and reads the children's
output, which nobody else does any more, so that none of them blocks or dies of a broken pipe.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import selectors
import signal
import socket
import sys
import traceback
from collections import deque
from dataclasses import dataclass

from headrace.worker import child, framing

_READ_BYTES = 1 << 16
_MAX_FDS = 64
_HIGHEST_FD = 65536


@dataclass(slots=True)
class _Child:
    job_id: str
    pid: int
    outputs: list[int]
    """Read ends of the child's stdout and stderr, kept for the day that the worker is gone."""


class ForkServer:
    """Forks children for one worker until the worker is gone and the last child has ended."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._decoder = framing.Decoder()
        self._descriptors: deque[int] = deque()
        self._children: dict[str, _Child] = {}
        self._selector = selectors.DefaultSelector()
        self._worker_gone = False
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)

    def run(self) -> None:
        """Serve until there is nobody left to serve."""
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        # Ctrl-C reaches the whole foreground group: what it means is for the worker to decide.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._selector.register(self._control, selectors.EVENT_READ)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        while not (self._worker_gone and not self._children):
            for key, _events in self._selector.select():
                if key.fileobj is self._control:
                    self._read_control()
                elif key.fileobj == self._wake_read:
                    self._drain(self._wake_read)
                elif self._drain(int(key.fd)) == b"":
                    self._selector.unregister(key.fd)
            self._reap()

    def _read_control(self) -> None:
        try:
            data, descriptors, _flags, _address = socket.recv_fds(self._control, _READ_BYTES, _MAX_FDS)
        except OSError:
            data, descriptors = b"", []
        self._descriptors.extend(descriptors)
        if not data:
            self._lose_worker()
            return
        for message, blob in self._decoder.feed(data):
            if message["op"] == "launch":
                self._launch(message["id"], blob)
            elif message["op"] == "signal":
                self._signal(message["id"], message["signal"])

    def _launch(self, job_id: str, job: bytes) -> None:
        stdout_write, stderr_write, stdout_read, stderr_read = (self._descriptors.popleft() for _ in range(4))
        pid = os.fork()
        if pid == 0:
            self._become_child(job, stdout_write, stderr_write)
        os.close(stdout_write)
        os.close(stderr_write)
        self._children[job_id] = _Child(job_id, pid, [stdout_read, stderr_read])
        self._answer({"op": "started", "id": job_id, "pid": pid})

    def _become_child(self, job: bytes, stdout: int, stderr: int) -> None:
        """Turn the fork into the run's own process; never returns."""
        status = 70  # EX_SOFTWARE: should anything below raise, the parent's loop must never go on in two processes.
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.setsid()
            os.dup2(stdout, 1)
            os.dup2(stderr, 2)
            # Nothing of the parent's stays open in the child, or an ended worker would go unnoticed.
            os.closerange(3, _HIGHEST_FD)
            sys.stdout = os.fdopen(1, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
            sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
            gc.unfreeze()
            status = child.run_job(job)
        except SystemExit as leaving:
            status = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
        except BaseException:
            traceback.print_exc()
            status = 1
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)

    def _signal(self, job_id: str, number: int) -> None:
        running = self._children.get(job_id)
        if running is None:
            return
        # The group, so that what the run has started ends with it. A child that is not yet a leader has no group.
        try:
            os.killpg(running.pid, number)
        except ProcessLookupError:
            with contextlib.suppress(ProcessLookupError):
                os.kill(running.pid, number)

    def _reap(self) -> None:
        for running in list(self._children.values()):
            pid, status = os.waitpid(running.pid, os.WNOHANG)
            if pid == 0:
                continue
            del self._children[running.job_id]
            for descriptor in running.outputs:
                with contextlib.suppress(KeyError):
                    self._selector.unregister(descriptor)
                os.close(descriptor)
            code = os.waitstatus_to_exitcode(status)
            self._answer({"op": "exited", "id": running.job_id, "pid": pid, "status": code})

    def _lose_worker(self) -> None:
        if self._worker_gone:
            return
        self._worker_gone = True
        self._selector.unregister(self._control)
        self._control.close()
        for running in self._children.values():
            for descriptor in running.outputs:
                os.set_blocking(descriptor, False)
                self._selector.register(descriptor, selectors.EVENT_READ)

    def _answer(self, message: framing.Message) -> None:
        if self._worker_gone:
            return
        try:
            self._control.sendall(framing.encode(message))
        except OSError:
            self._lose_worker()

    @staticmethod
    def _drain(descriptor: int) -> bytes | None:
        """Read and forget; b"" is the end of the stream, None that there is nothing now."""
        try:
            return os.read(descriptor, _READ_BYTES)
        except BlockingIOError:
            return None


def main() -> None:
    """Import what the further arguments name, then fork on request."""
    for module in sys.argv[2:]:
        importlib.import_module(module)
    # Children share the parent's memory as long as nobody touches it; the collector would.
    gc.collect()
    gc.freeze()
    control = socket.socket(fileno=int(sys.argv[1]))
    control.sendall(framing.encode({"op": "ready"}))
    ForkServer(control).run()


if __name__ == "__main__":
    main()
