"""What no test of any kind is told by the machine that it runs on."""

from __future__ import annotations

import os

_OF_THE_MACHINE = {
    # Servers of tests are on loopback; what they must not be asked through goes by the proxies' variables.
    *("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
    # Whether commands write colours, and how wide.
    *("CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR"),
    # Where asyncpg looks for a Postgres, and how it is spoken to.
    *("PGDATABASE", "PGHOST", "PGOPTIONS", "PGPASSFILE", "PGPASSWORD", "PGPORT", "PGSERVICE", "PGSSLMODE", "PGUSER"),
}

for _name in list(os.environ):
    if _name.upper() in _OF_THE_MACHINE:
        del os.environ[_name]
