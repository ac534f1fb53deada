"""The process of one flow run, however it was started.

Run as a module it is a fresh interpreter that reads its job from standard input; a fork calls `run_job`.
"""

from __future__ import annotations

import os
import sys

from headrace.engine import assignment
from headrace.worker.job import Job


def run_job(data: bytes) -> int:
    """Execute the flow run of a job and return the process's exit code.

    0 says that the run was brought to the state that it ended in and that the server knows; anything else that
    it was not, which the worker then reports.
    """
    job = Job.from_bytes(data)
    os.environ.update(job.environment)
    os.environ["HEADRACE_API_URL"] = job.api_url
    if job.working_directory is not None:
        os.makedirs(job.working_directory, exist_ok=True)
        os.chdir(job.working_directory)
    work = assignment.call_late_hooks if job.calls_hooks else assignment.execute_assignment
    return work(job.assignment, api_url=job.api_url, grpc_address=job.grpc_address, grpc_tls=job.grpc_tls)


def main() -> None:
    """Execute the job on standard input."""
    data = sys.stdin.buffer.read()
    # Nothing comes where the worker has left before it had a job for this process, which was started ahead.
    sys.exit(run_job(data) if data else 0)


if __name__ == "__main__":
    main()
