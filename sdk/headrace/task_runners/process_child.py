"""A process of a pool: `python -m headrace.task_runners.process_child <descriptor>`.

Its main thread executes jobs one after another, so that time-outs and cancellation reach code that waits in a
system call, too. It ends when the flow's process closes the socket, and at once if that dies in the middle of a job.
"""

from __future__ import annotations

import os
import queue
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from types import FrameType

import cloudpickle

from headrace.engine.judging import describe_error
from headrace.task_runners.channel import BROKEN, INTERRUPT, JOB, OUTCOME, REPORTS, STARTED, Channel
from headrace.task_runners.execution import execute_job, interrupt_job
from headrace.task_runners.jobs import Report, pack_reports


class _Child:
    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._jobs: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._is_busy = False

    def run(self) -> None:
        """Serve until the flow's process wants no more."""
        setup = self._channel.receive()
        if setup is None:
            return
        try:
            _set_up(setup[1])
        except BaseException as error:
            self._channel.send(BROKEN, f"its initializer failed: {describe_error(error)}".encode())
            return
        threading.Thread(target=self._listen, name="headrace-pool-channel", daemon=True).start()
        while (job := self._jobs.get()) is not None:
            self._is_busy = True
            self._channel.send(STARTED)
            outcome = execute_job(job, self._report, linger=0)
            self._is_busy = False
            self._channel.send(OUTCOME, outcome)
            del job, outcome

    def _listen(self) -> None:
        while True:
            message = self._channel.receive()
            if message is None:
                if self._is_busy:
                    # Nobody waits for the job any more, and nobody else would end it.
                    os._exit(1)
                self._jobs.put(None)
                return
            kind, content = message
            if kind == JOB:
                self._jobs.put(content)
            elif kind == INTERRUPT:
                job_id, interruption, reason = cloudpickle.loads(content)
                interrupt_job(job_id, interruption, reason)

    def _report(self, reports: Sequence[Report]) -> None:
        self._channel.send(REPORTS, pack_reports(reports))


def _set_up(content: bytes) -> None:
    path, initializer = cloudpickle.loads(content)
    known = set(sys.path)
    sys.path.extend(folder for folder in path if folder not in known)
    call, arguments = cloudpickle.loads(initializer)
    if call is not None:
        call(*arguments)


def _leave_to_the_flow(number: int, frame: FrameType | None) -> None:
    """Ctrl-C and SIGTERM reach the whole group of processes; the flow's decides what becomes of the tasks."""


def main() -> None:
    """Serve the socket whose descriptor is the first argument."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave_to_the_flow)
    end = socket.socket(fileno=int(sys.argv[1]))
    os.set_inheritable(end.fileno(), False)
    try:
        _Child(Channel(end)).run()
    except BrokenPipeError:
        os._exit(1)
    finally:
        end.close()


if __name__ == "__main__":
    main()
