"""Background tasks: calls of tasks that whoever serves the task executes, now or later, here or elsewhere.

    future = send_mail.delay("ada@example.org")      # queued in the server, at once
    send_mail.serve()                                # in another process: executes what is queued

The queue stands in the server's database. A task run is executed at least once: when the process that has it dies,
another one gets it.
"""

from headrace.background.futures import BackgroundFuture
from headrace.background.queueing import enqueue
from headrace.background.serving import serve_tasks

__all__ = ["BackgroundFuture", "enqueue", "serve_tasks"]
