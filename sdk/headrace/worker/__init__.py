"""Workers: processes that take due flow runs and execute each in a process of its own.

`runner` takes assignments off the stream (`stream`) and sees each through (`execution`); `launcher` starts
processes, from a warm parent (`forkserver`) or as a fresh interpreter, and both end in `child`. A worker never
touches the database and holds nothing that a crash could lose: what it runs renews its own lease, and what it
did not acknowledge goes back to its queue.
"""
