"""Telling the server what happens: transitions of task runs and log records, in batches that it acknowledges.

All of it runs on one event loop that user code does not block. What is not acknowledged is kept, on disk when
memory is full, and sent again after the connection comes back.
"""
