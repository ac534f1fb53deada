"""The engine: runs flows and tasks, decides the states of task runs, tells the server.

Flow runs are judged by the server: the engine proposes and takes the verdict. Task runs are the engine's own
decision (retries, caching, timeouts), streamed to the server by `headrace.recording`.
"""
