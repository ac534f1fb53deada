"""The embedded Postgres: a cluster of its own, below the home, reached by a unix socket that only its owner can open."""
