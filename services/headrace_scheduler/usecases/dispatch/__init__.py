"""Handing due runs to workers.

Each worker stands on a stream, a `Session`. Sessions that take from the same place (a pool, or the same
deployments) share a `Lane`, whose task claims runs for all of them at once. The `Hub` holds all that is in this
process. Nothing here has to survive: who holds which run is in the state service, who is there in the tables.
"""
