"""The embedded Postgres: a cluster below the home, reached by a unix socket that only its owner can open."""
